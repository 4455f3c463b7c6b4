"""On the statement in force, if the publisher wants it: on which day a promise was last kept."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from policies import rendering
from policies.models import ProcessingPurpose, StatementPdf
from policies.rendering import parse
from retention.kept import LastKept

from .test_coverage import run

pytestmark = pytest.mark.django_db

KEY = ("job-applications", "position-filled-6w")
MARCH = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # 3 March in Amsterdam
SAID = {"/en/statement/": "Last enforced on 3 March 2026.", "/nl/verklaring/": "3 maart 2026"}


@pytest.fixture
def showing(published, publish):
    purpose = ProcessingPurpose.objects.get(slug=KEY[0])
    purpose.shows_last_kept = True
    purpose.save()
    return publish()


def kept(moment=MARCH, **changes):
    return run(KEY, started_at=moment, finished_at=moment, **changes)


def look():
    """As the watcher does every few seconds."""
    rendering.look_again()
    rendering.current()


@pytest.mark.parametrize("address", SAID)
def test_the_day_stands_under_the_period_in_both_languages(showing, client, address):
    kept()

    assert SAID[address] in client.get(address).text


@pytest.mark.parametrize("address", SAID)
def test_a_purpose_that_is_not_to_show_it_does_not(published, client, address):
    kept()

    assert SAID[address] not in client.get(address).text


@pytest.mark.parametrize("changes", [{"is_dry": True}, {"result": "failed", "error": "No disk."}, {"rule": "other"},
                                     {"purpose": "contact"}, {"result": "limited"}])  # fmt: skip
def test_only_a_real_run_of_that_promise_that_came_to_its_end_counts(showing, client, changes):
    kept(**changes)

    assert "Last enforced" not in client.get("/en/statement/").text


def test_it_is_the_newest_of_several(showing, client):
    kept(datetime(2026, 2, 1, tzinfo=UTC))
    kept()
    kept(datetime(2026, 1, 1, tzinfo=UTC))

    text = client.get("/en/statement/").text

    assert text.count("Last enforced on") == 1
    assert SAID["/en/statement/"] in text


def test_the_page_and_its_tag_change_when_the_day_does_and_only_then(showing, client):
    kept()
    before = client.get("/en/statement/")
    look()
    same = client.get("/en/statement/")
    kept(datetime(2026, 3, 9, 12, tzinfo=UTC))
    look()
    after = client.get("/en/statement/")

    assert before["ETag"] == same["ETag"] != after["ETag"]
    assert "Last enforced on 9 March 2026." in after.text
    assert client.get("/en/statement/", headers={"if-none-match": after["ETag"]}).status_code == 304


def test_a_page_view_costs_no_query(showing, client):
    kept()
    client.get("/en/statement/")

    with CaptureQueriesContext(connection) as queries:
        client.get("/en/statement/")
        client.get("/nl/verklaring/")

    assert len(queries) == 0


def test_looking_again_costs_one_query_more_and_only_where_it_is_shown(published, publish, client):
    client.get("/en/statement/")
    assert queries_of_a_look() == 1
    ProcessingPurpose.objects.filter(slug=KEY[0]).update(shows_last_kept=True)
    publish()
    look()

    assert queries_of_a_look() == 2


def queries_of_a_look():
    with CaptureQueriesContext(connection) as queries:
        look()
    return len(queries)


def test_neither_the_version_at_its_own_address_nor_the_pdf_tells_it(showing, client):
    before = [bytes(pdf.body) for pdf in StatementPdf.objects.order_by("pk")]
    kept()

    assert "Last enforced" not in client.get(f"/en/statement/versions/{showing.number}/").text
    assert "Last enforced" not in client.get("/en/statement/versions/1/").text
    assert [bytes(pdf.body) for pdf in StatementPdf.objects.order_by("pk")] == before
    assert "shows_last_kept" in str(parse(showing.document)["content"]["purposes"][0])


def test_what_was_seen_is_not_asked_for_again_and_what_comes_late_is_not_missed(published):
    days = LastKept(frozenset({KEY[0]}))
    kept()
    days.look()
    kept(datetime(2026, 3, 9, 12, tzinfo=UTC))
    days.look()

    assert {key: day.isoformat() for key, day in days.days.items()} == {KEY: "2026-03-09"}


def test_where_no_purpose_shows_it_nothing_is_asked(published):
    kept()
    days = LastKept(frozenset())

    with CaptureQueriesContext(connection) as queries:
        days.look()

    assert (len(queries), days.days) == (0, {})


def test_the_wish_goes_with_the_content_file(published, tmp_path):
    ProcessingPurpose.objects.filter(slug=KEY[0]).update(shows_last_kept=True)
    call_command("dump_policy", tmp_path / "content.yaml")
    ProcessingPurpose.objects.filter(slug=KEY[0]).update(shows_last_kept=False)
    call_command("load_policy", tmp_path / "content.yaml")

    assert ProcessingPurpose.objects.get(slug=KEY[0]).shows_last_kept


def test_it_can_be_ticked_at_the_desk(published, admin_client):
    row = ProcessingPurpose.objects.get(slug=KEY[0])

    assert 'name="shows_last_kept"' in admin_client.get(f"/admin/policies/processingpurpose/{row.pk}/change/").text
