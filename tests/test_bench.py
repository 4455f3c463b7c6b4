"""What the bench may do to a database: nothing, unless it is its own."""

import pytest

from bench.records import main, why_not
from consent.models import ConsentRecord
from policies.models import StatementVersion


@pytest.mark.django_db
def test_the_generator_of_records_leaves_every_database_alone_that_is_not_its_own(monkeypatch):
    monkeypatch.setattr("sys.argv", ["records", "--number", "10"])

    assert why_not()
    with pytest.raises(SystemExit, match=r"PostgreSQL|begins with"):
        main()

    assert not ConsentRecord.objects.exists()
    assert not StatementVersion.objects.exists()
