"""Records out of the house: searched, narrowed down to days, and written as a table or as lines."""

import csv
import io
import json
import uuid
from datetime import date, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consent import exporting
from consent.exporting import Selection, arrived, as_csv, as_json_lines, day_in, receipt_in, select
from consent.management.selecting import write_whole
from consent.models import ConsentRecord
from consent.recording import NEWEST, OLDEST, new_id
from consent.sealing import canonical_record

from .arriving import MONDAY, TUESDAY, WEDNESDAY, arrive, at

LIST = reverse("admin:consent_consentrecord_changelist")
UUID = "019aad0c-8f80-7000-8000-000000000001"


def address_of(form, **query):
    return reverse("admin:consent_consentrecord_export", args=[form], query=query)


def body_of(response):
    return b"".join(response.streaming_content).decode()


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def ids(records):
    return [record.pk for record in records]


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(exporting, "CHUNK", 2)


# -- Which records ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5])
def test_every_record_is_read_once_in_the_order_of_its_id_whatever_the_length_of_a_page(published, small_pages, number):
    stored = {arrive(at(MONDAY, minute=minute)).pk for minute in range(number)}

    assert ids(select(ConsentRecord.objects.all())) == sorted(stored)


def test_records_are_read_some_at_a_time(published, small_pages):
    arrive(at(MONDAY), number=5)

    with CaptureQueriesContext(connection) as queries:
        list(select(ConsentRecord.objects.all()))

    assert len(queries) == 4
    assert all("LIMIT 2" in query["sql"] for query in queries)


def test_a_day_is_one_in_amsterdam_from_midnight_to_midnight(published):
    before = arrive(at(TUESDAY, 0) - timedelta(microseconds=1))
    first, last = arrive(at(TUESDAY, 0)), arrive(at(WEDNESDAY, 0) - timedelta(microseconds=1))
    after = arrive(at(WEDNESDAY, 0))

    assert ids(Selection(since=TUESDAY, until=TUESDAY).records().order_by("recorded_at")) == ids([first, last])
    assert ids(Selection(until=MONDAY).records()) == ids([before])
    assert ids(Selection(since=WEDNESDAY).records()) == ids([after])


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_the_days_on_which_the_clock_is_changed_are_whole_days(published, day):
    first, last = at(day, 0), at(day + timedelta(days=1), 0) - timedelta(microseconds=1)
    inside = {arrive(first).pk, arrive(last).pk}
    arrive(first - timedelta(microseconds=1))
    arrive(last + timedelta(microseconds=1))

    assert set(ids(Selection(since=day, until=day).records())) == inside


@pytest.mark.parametrize("late", [OLDEST, -NEWEST, timedelta(hours=1)])
def test_a_decision_that_arrived_late_or_from_a_fast_clock_belongs_to_the_day_of_its_arrival(published, late):
    for moment in (at(TUESDAY, 0), at(WEDNESDAY, 0) - timedelta(milliseconds=1)):
        record = arrive(moment, id=new_id(moment - late), decided_at=moment - late)

        assert record in Selection(since=TUESDAY, until=TUESDAY).records()


@pytest.mark.parametrize("day", [date.min, date(1969, 12, 31), date.max])
def test_any_day_can_be_asked_for(published, day):
    arrive(at(MONDAY))
    both = [Selection(since=day), Selection(until=day)]

    assert sorted(selection.records().count() for selection in both) == [0, 1]


@pytest.mark.parametrize(
    ("selection", "other"),
    [
        ({"website": "app"}, {"website": "website"}),
        ({"version": 1}, None),
        ({"action": "withdraw"}, {"action": "save"}),
        ({"gpc": True}, {"gpc": False}),
        ({"gpc": False}, {"gpc": True}),
    ],
)
def test_records_are_narrowed_down_by_one_field_exactly(published, selection, other):
    fields = {"version_id" if name == "version" else name: value for name, value in selection.items()}
    wanted = arrive(at(MONDAY), **{name: value for name, value in fields.items() if name != "version_id"})
    if other:
        arrive(at(MONDAY), **other)

    assert ids(Selection(**selection).records()) == ids([wanted])


def test_a_selection_by_receipt_holds_that_record_alone(published):
    wanted, _other = arrive(at(MONDAY)), arrive(at(MONDAY))

    assert ids(Selection(receipt=wanted.pk).records()) == ids([wanted])


def test_a_selection_says_what_narrows_it_down_and_no_more():
    selection = Selection(since=MONDAY, website="app", gpc=False)

    assert selection.said() == {"since": "2026-05-04", "website": "app", "gpc": "False"}
    assert Selection().said() == {}


def test_a_day_is_found_among_millions_by_its_key(published):
    """The pages of a day follow the primary key; nothing is sorted, and not the whole table read."""
    page = arrived(ConsentRecord.objects.all(), TUESDAY, TUESDAY).order_by("pk")[:10]

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = page.explain()

    assert "TEMP B-TREE" not in plan


# -- What somebody pastes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        UUID,
        f"  {UUID}\n",
        UUID.upper(),
        f"https://privacy.example.nl/consent/{UUID}/",
        f"https://privacy.example.nl/consent/{UUID}",
        f"https://privacy.example.nl/consent/{UUID}/?download",
        f"http://localhost:8000/consent/{UUID}/#record",
        f"https://www.example.nl/privacy/consent/{UUID}/",
    ],
)
def test_a_receipt_is_its_number_or_its_address(text):
    assert receipt_in(text) == uuid.UUID(UUID)


@pytest.mark.parametrize(
    "text",
    ["", "12", UUID[:-1], UUID + "0", UUID.replace("-", ""), f"{{{UUID}}}", f"/consent/{UUID}/", "x" * 36,
     f"https://privacy.example.nl/consent/{UUID}/more/", f"javascript:/consent/{UUID}/"],
)  # fmt: skip
def test_anything_else_is_no_receipt(text):
    assert receipt_in(text) is None


@pytest.mark.parametrize(("text", "day"), [("2026-11-22", date(2026, 11, 22)), (" 2026-11-22 ", date(2026, 11, 22))])
def test_a_day_is_written_as_in_the_calendar_of_machines(text, day):
    assert day_in(text) == day


@pytest.mark.parametrize("text", ["", "22-11-2026", "2026-02-30", "yesterday", "2026-11-22T10:00"])
def test_anything_else_is_no_day(text):
    assert day_in(text) is None


# -- Forms -----------------------------------------------------------------------------------------


def test_lines_of_json_are_the_texts_that_are_sealed(published):
    records = [arrive(at(MONDAY, 10)), arrive(at(MONDAY, 11), vendors={"hotjar": False})]

    lines = "".join(as_json_lines(select(ConsentRecord.objects.all()))).splitlines()

    assert lines == [canonical_record(record) for record in records]


def test_a_table_has_a_column_per_field_and_answers_as_json(published):
    record = arrive(
        datetime(2026, 5, 4, 10, 0, 1, tzinfo=at(MONDAY).tzinfo),
        choices={"marketing": False, "analytical": True},
        vendors={"hotjar": False},
        gpc=True,
    )

    (row,) = rows_of("".join(as_csv(select(ConsentRecord.objects.all()))))

    assert row == {
        "id": str(record.pk),
        "recorded_at": "2026-05-04T08:00:01.000000Z",
        "decided_at": "2026-05-04T08:00:01.000000Z",
        "website": "website",
        "version": "1",
        "banner": record.banner_id,
        "language": "nl",
        "gpc": "true",
        "action": "save",
        "once": "false",
        "choices": '{"analytical": true, "marketing": false}',
        "vendors": '{"hotjar": false}',
        "subject": str(record.subject),
    }


def test_a_table_says_everything_that_the_lines_say(published):
    arrive(at(MONDAY), subject=None, action="reject_all", choices={"analytical": False})
    records = ConsentRecord.objects.all()

    (row,), line = rows_of("".join(as_csv(select(records)))), json.loads("".join(as_json_lines(select(records))))

    assert row.keys() == line.keys()
    assert (row["subject"], line["subject"]) == ("", None)


def test_a_table_of_nothing_has_its_header(published):
    assert "".join(as_csv(select(ConsentRecord.objects.all()))).count("\r\n") == 1
    assert "".join(as_json_lines(select(ConsentRecord.objects.all()))) == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(published, start):
    arrive(at(MONDAY), website=f"{start}1+1")

    (row,) = rows_of("".join(as_csv(select(ConsentRecord.objects.all()))))

    assert row["website"].startswith("'")


# -- At the desk -----------------------------------------------------------------------------------


@pytest.fixture
def auditor(client, staff):
    client.force_login(staff("auditor"))
    return client


def test_a_period_is_chosen_in_the_list_and_stays_chosen(auditor, published):
    monday, tuesday = arrive(at(MONDAY)), arrive(at(TUESDAY))

    page = auditor.get(LIST, {"since": "2026-05-05", "until": "2026-05-05", "website": "website"}).text

    assert str(tuesday.pk) in page
    assert str(monday.pk) not in page
    assert 'name="since" id="period-since" value="2026-05-05"' in page
    assert '<input type="hidden" name="website" value="website">' in page
    assert "?website=website" in page  # all days again


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"since": "22-11-2026"}, "Give days such as 2026-11-22."),
        ({"until": "2026-02-30"}, "Give days such as 2026-11-22."),
        ({"since": "2026-05-05", "until": "2026-05-04"}, "The first day lies after the last."),
    ],
)
def test_a_period_that_cannot_be_meant_shows_nothing_and_says_why(auditor, published, query, sentence):
    record = arrive(at(MONDAY))

    page = auditor.get(LIST, query).text

    assert sentence in page
    assert str(record.pk) not in page


def test_an_empty_period_narrows_nothing_down(auditor, published):
    record = arrive(at(MONDAY))

    assert str(record.pk) in auditor.get(LIST, {"since": "", "until": ""}).text


def test_a_record_is_found_by_the_address_of_its_receipt(auditor, published):
    record, other = arrive(at(MONDAY)), arrive(at(MONDAY))

    page = auditor.get(LIST, {"q": f"https://privacy.example.nl/consent/{record.pk}/"}).text

    assert reverse("admin:consent_consentrecord_change", args=[record.pk]) in page
    assert str(other.pk) not in page


@pytest.mark.parametrize(
    ("search", "sentence"), [("mr. Jansen", "This is no receipt."), (UUID, "There is no record with this receipt.")]
)
def test_a_search_that_finds_nothing_says_why(auditor, published, search, sentence):
    arrive(at(MONDAY))

    assert sentence in auditor.get(LIST, {"q": search}).text
    assert sentence not in auditor.get(LIST).text


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"website": "app"},
        {"version": "1"},
        {"version": "7"},
        {"action__exact": "withdraw"},
        {"gpc__exact": "1"},
        {"since": "2026-05-05"},
        {"until": "2026-05-04"},
        {"decided": "7"},
        {"decided": "99"},
        {"q": UUID},
        {"language": "en"},
        {"since": "2026-05-04", "website": "website", "gpc__exact": "0"},
    ],
)
def test_an_export_holds_what_the_list_shows(auditor, published, query):
    arrive(at(MONDAY))
    arrive(at(MONDAY), gpc=True, action="withdraw", choices={"analytical": False})
    arrive(at(TUESDAY), website="app", language="en")

    shown = auditor.get(LIST, query).context["cl"].result_list
    exported = rows_of(body_of(auditor.get(address_of("csv", **query))))

    assert {row["id"] for row in exported} == {str(record.pk) for record in shown}
    lines = body_of(auditor.get(address_of("jsonl", **query))).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [row["id"] for row in exported]


MEANINGLESS = [
    {"q": "jan.jansen@example.nl"},
    {"q": "a\0b"},
    {"since": "no day"},
    {"version": "abc"},
    {"version": "99999999999999999999"},
    {"decided": "week"},
    {"gpc__exact": "xyz"},
    {"foo": "bar"},
    {"version__x": "3"},
    {"action__exact": ""},
    {"action__exact": ["save", "withdraw"]},
    {"is_once": "0"},
    {"website": "jan.jansen@example.nl"},
]


@pytest.mark.parametrize("query", MEANINGLESS)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_of_a_search_that_means_nothing_nothing_is_handed_over_or_logged(auditor, published, form, query):
    arrive(at(MONDAY))

    response = auditor.get(address_of(form, **query), follow=True)

    assert response.redirect_chain[0] == (reverse("admin:consent_consentrecord_changelist", query=query), 302)
    assert response.status_code == 200
    assert "Nothing was handed over, because part of this search means nothing." in response.text
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("query", [{"version": "abc"}, {"version": "9" * 20}, {"version": "7"}, {"decided": "99"}])
def test_a_filter_that_means_nothing_lets_nothing_through(auditor, published, query):
    arrive(timezone.now())

    assert not auditor.get(LIST, query).context["cl"].result_list


def test_an_empty_filter_narrows_nothing_down(auditor, published):
    record = arrive(timezone.now())

    shown = auditor.get(LIST, {"version": "", "decided": "", "website": ""}).context["cl"].result_list

    assert list(shown) == [record]


def test_the_list_links_to_the_export_of_what_it_shows(auditor, published):
    page = auditor.get(LIST, {"website": "website", "since": "2026-05-04"}).text

    for form in ("csv", "jsonl"):
        address = address_of(form, since="2026-05-04", website="website").replace("&", "&amp;")
        assert f'href="{address}"' in page


@pytest.mark.parametrize(("form", "kind"), [("csv", "text/csv"), ("jsonl", "application/jsonl")])
def test_an_export_is_a_file_that_nobody_caches(auditor, published, form, kind):
    response = auditor.get(address_of(form))

    assert response.streaming
    assert response["Content-Type"].startswith(kind)
    assert response["Content-Disposition"].startswith('attachment; filename="consent-records-20')
    assert "no-store" in response["Cache-Control"]


def test_an_export_is_the_same_in_either_language_of_the_desk(auditor, published):
    arrive(at(MONDAY))
    english = body_of(auditor.get(address_of("csv")))

    auditor.post(reverse("set_language"), {"language": "nl"})

    assert body_of(auditor.get(address_of("csv"))) == english


def test_who_exports_what_is_logged(auditor, published):
    auditor.get(address_of("csv", website="website", since="2026-05-04"))

    entry = LogEntry.objects.get()
    assert entry.user.username == "auditor"
    assert entry.object_repr == "since = 2026-05-04; website = website"
    assert entry.get_change_message() == "Exported as CSV."
    assert entry.get_admin_url() is None


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_records_are_exported_by_who_may_see_them(client, staff, published, form):
    client.force_login(staff("editor"))

    assert client.get(address_of(form)).status_code == 403
    client.logout()
    assert client.get(address_of(form)).status_code == 302


def test_there_is_no_other_form(auditor, published):
    assert auditor.get(address_of("xlsx")).status_code == 404


def test_the_list_counts_and_sorts_no_more_than_a_page_where_a_period_is_chosen(auditor, published, monkeypatch):
    monkeypatch.setattr(admin.site.get_model_admin(ConsentRecord), "list_per_page", 1)
    arrive(at(MONDAY), number=2)

    with CaptureQueriesContext(connection) as queries:
        auditor.get(LIST, {"since": "2026-05-04", "until": "2026-05-04"})

    on_records = [query["sql"] for query in queries if 'FROM "consent_consentrecord"' in query["sql"]]
    assert on_records
    for sql in on_records:
        assert "LIMIT" in sql
        assert '"consent_consentrecord"."id" >=' in sql


# -- The command -----------------------------------------------------------------------------------


def run(*arguments, **options):
    out, told = io.StringIO(), io.StringIO()
    call_command("export_consents", *arguments, stdout=out, stderr=told, **options)
    return out.getvalue(), told.getvalue()


def test_the_command_writes_to_standard_output_and_tells_how_many(published):
    record = arrive(at(MONDAY))

    text, told = run("--format", "jsonl")

    assert text == canonical_record(record) + "\n"
    assert told == "1 records\n"


def test_the_command_writes_the_whole_file_or_none(published, tmp_path):
    arrive(at(MONDAY))
    file = tmp_path / "records.csv"
    file.write_text("what was there before")

    run("--format", "csv", "--output", str(file))

    assert len(rows_of(file.read_text())) == 1
    assert file.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [file]


def test_what_fails_halfway_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "records.csv"
    file.write_text("what was there before")

    def parts():
        yield b"the first half"
        raise OSError(28, "No space left on device")

    with pytest.raises(CommandError, match="No space left on device"):
        write_whole(file, parts())

    assert file.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [file]


def test_the_command_narrows_down_like_the_desk(published):
    arrive(at(MONDAY))
    wanted = arrive(at(TUESDAY))

    for arguments in (
        ["--since", "2026-05-05", "--until", "2026-05-05", "--website", "website", "--version", "1"],
        ["--receipt", str(wanted.pk)],
        ["--receipt", f"https://privacy.example.nl/consent/{wanted.pk}/"],
    ):
        text, _told = run("--format", "jsonl", *arguments)
        assert [json.loads(line)["id"] for line in text.splitlines()] == [str(wanted.pk)]


def test_the_command_tells_how_far_it_is(published, monkeypatch):
    monkeypatch.setattr("consent.management.commands.export_consents.TOLD_EVERY", 2)
    arrive(at(MONDAY), number=5)

    _text, told = run("--format", "csv")

    assert told.splitlines() == ["2 records …", "4 records …", "5 records"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--since", "2026-05-05", "--until", "2026-05-04"], "--since lies after --until"),
        (["--since", "5 May"], "is no day; write 2026-11-22"),
        (["--receipt", "5"], "is no receipt"),
        (["--receipt", UUID], "no consent record with receipt"),
        (["--website", "webiste"], "'webiste' was ever served"),
        (["--version", "7"], "There is no version 7"),
        (["--output", "/nowhere/at/all.csv"], "Cannot write"),
    ],
)
def test_the_command_refuses_what_cannot_be_meant(published, arguments, sentence):
    arrive(at(MONDAY))

    with pytest.raises(CommandError, match=sentence):
        run("--format", "csv", *arguments)
