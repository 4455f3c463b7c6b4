"""What the bench may do to a database: nothing, unless it is its own."""

from importlib import import_module

import pytest

from bench.loading import Budget, in_turns, verdict
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


def test_every_part_of_the_bench_can_be_asked_for_by_its_name():
    from bench.__main__ import PARTS

    for part in [*PARTS, "profiling"]:
        assert callable(import_module(f"bench.{part}").main)


@pytest.mark.parametrize(
    ("ratio", "limits", "code"),
    [(0.9, {"least": 0.9}, 0), (0.89, {"least": 0.9}, 1), (1.1, {"most": 1.1}, 0), (1.11, {"most": 1.1}, 1)],
)
def test_a_broken_budget_fails_the_bench_and_is_named(capsys, ratio, limits, code):
    assert verdict(Budget("speed of light", ratio, **limits)) == code
    assert ("speed of light" in capsys.readouterr().err) is bool(code)


def test_of_several_rounds_the_one_that_warms_up_does_not_count():
    figures = iter([100.0, 1.0, 3.0, 2.0])

    assert in_turns({"ours": lambda: next(figures)}, rounds=3) == {"ours": [1.0, 3.0, 2.0]}
