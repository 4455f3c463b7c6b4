"""Every answer is counted once, on the day in Amsterdam on which it arrived."""

import random
import threading
import uuid
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from consent.counting import COUNTED, LAG, count, recount
from consent.models import Banner, ConsentRecord, CountedUpTo, DailyCount, RecordPurge
from consent.recording import new_id

pytestmark = pytest.mark.django_db

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOON = datetime(2026, 5, 4, 12, tzinfo=AMSTERDAM)
SOME_DAYS_LATER = NOON + timedelta(days=5)
ANSWERS = {
    "accept_all": {"analytical": True, "marketing": True},
    "reject_all": {"analytical": False, "marketing": False},
    "withdraw": {"analytical": False, "marketing": False},
    "save": {"analytical": True, "marketing": False},
}


@pytest.fixture
def records(published):
    """Store records: ``records(moment, "save", language="en", …)``; the last is returned."""
    banner = Banner.objects.create(digest="0" * 64, kind="script", website="website", version=published, body=b"/**/")

    def add(moment, action="accept_all", number=1, **fields):
        fields = {"choices": ANSWERS[action], "website": "website", "language": "nl", "gpc": False} | fields
        grants = any(fields["choices"].values()) or fields.get("vendors") or action == "withdraw"
        rows = [
            ConsentRecord(
                id=new_id(moment),
                subject=uuid.uuid4() if grants else None,
                version=published,
                banner=banner,
                action=action,
                decided_at=moment,
                **({"recorded_at": moment} | fields),
            )
            for _ in range(number)
        ]
        return ConsentRecord.objects.bulk_create(rows)[-1]

    return add


def stored():
    """Every row with the counts that are not zero."""
    return {
        (row.day, row.website, row.language, row.category, row.gpc): {
            name: getattr(row, name) for name in COUNTED if getattr(row, name)
        }
        for row in DailyCount.objects.all()
    }


def by_hand():
    """The same, from the records one by one."""
    rows = {}

    def add(record, category, *names):
        day = record.recorded_at.astimezone(AMSTERDAM).date()
        row = rows.setdefault((day, record.website, record.language, category, record.gpc), Counter())
        row.update(names)

    for record in ConsentRecord.objects.all():
        if record.is_once:
            add(record, "", "once")
            continue
        also = ["customised"] if record.action == "save" else []
        for category, said in {"": record.subject is not None, **record.choices}.items():
            answer = "accepted" if said else "refused"
            add(record, category, "asked", "withdrawn" if record.action == "withdraw" else answer, *also)
    return {key: dict(counter) for key, counter in rows.items()}


def only(category="", **fields):
    return {
        name: value
        for name, value in DailyCount.objects.filter(category=category, **fields).values(*COUNTED).get().items()
        if value
    }


# -- What is counted ----------------------------------------------------------------------------


def test_accepting_everything_accepts_each_category(records):
    records(NOON, "accept_all")

    count(SOME_DAYS_LATER)

    assert only("") == only("analytical") == only("marketing") == {"asked": 1, "accepted": 1}


def test_refusing_everything_refuses_each_category(records):
    records(NOON, "reject_all")

    count(SOME_DAYS_LATER)

    assert only("") == only("analytical") == only("marketing") == {"asked": 1, "refused": 1}


def test_a_withdrawal_is_neither_acceptance_nor_refusal(records):
    records(NOON, "withdraw")

    count(SOME_DAYS_LATER)

    assert only("") == only("analytical") == only("marketing") == {"asked": 1, "withdrawn": 1}


def test_an_own_choice_counts_for_each_category_by_itself_and_once_for_the_web_site(records):
    records(NOON, "save")

    count(SOME_DAYS_LATER)

    assert only("") == {"asked": 1, "accepted": 1, "customised": 1}
    assert only("analytical") == {"asked": 1, "accepted": 1, "customised": 1}
    assert only("marketing") == {"asked": 1, "refused": 1, "customised": 1}


def test_an_own_choice_that_allows_nothing_is_a_refusal(records):
    records(NOON, "save", choices={"analytical": False, "marketing": False})

    count(SOME_DAYS_LATER)

    assert only("") == {"asked": 1, "refused": 1, "customised": 1}


def test_who_refuses_the_categories_and_allows_one_vendor_has_accepted_something(records):
    records(NOON, "save", choices={"analytical": False, "marketing": False}, vendors={"google-maps": True})

    count(SOME_DAYS_LATER)

    assert only("") == {"asked": 1, "accepted": 1, "customised": 1}
    assert only("marketing") == {"asked": 1, "refused": 1, "customised": 1}


def test_what_was_allowed_for_one_page_view_is_no_answer(records):
    records(NOON, "save", choices={}, vendors={"google-maps": True}, is_once=True)

    count(SOME_DAYS_LATER)

    assert only("") == {"once": 1}
    assert DailyCount.objects.count() == 1


def test_web_sites_languages_and_signals_are_counted_apart(records):
    records(NOON, number=1)
    records(NOON, number=2, website="shop")
    records(NOON, number=3, language="en")
    records(NOON, number=4, gpc=True)

    count(SOME_DAYS_LATER)

    assert [only(website="shop"), only(language="en"), only(gpc=True)] == [
        {"asked": number, "accepted": number} for number in (2, 3, 4)
    ]
    assert only(website="website", language="nl", gpc=False) == {"asked": 1, "accepted": 1}


def test_the_counts_of_a_row_add_up_or_the_database_refuses_them(records):
    records(NOON)
    count(SOME_DAYS_LATER)

    DailyCount.objects.update(asked=F("asked") + 1, withdrawn=1)
    with pytest.raises(IntegrityError, match="daily_count_adds_up"), transaction.atomic():
        DailyCount.objects.update(refused=5)


# -- On which day -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("midnight", "day"),
    [
        (datetime(2026, 1, 14, 23, tzinfo=UTC), date(2026, 1, 15)),
        (datetime(2026, 7, 14, 22, tzinfo=UTC), date(2026, 7, 15)),
        # The clock is put forward, and back.
        (datetime(2026, 3, 28, 23, tzinfo=UTC), date(2026, 3, 29)),
        (datetime(2026, 3, 29, 22, tzinfo=UTC), date(2026, 3, 30)),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 23, tzinfo=UTC), date(2026, 10, 26)),
    ],
)
def test_a_day_begins_at_midnight_in_amsterdam(records, midnight, day):
    records(midnight - timedelta(microseconds=1), "reject_all")
    records(midnight, "accept_all")

    count(midnight + timedelta(days=3))

    assert only("", day=day - timedelta(days=1)) == {"asked": 1, "refused": 1}
    assert only("", day=day) == {"asked": 1, "accepted": 1}


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_every_hour_of_a_day_is_counted_on_it_however_many_it_has(records, day, hours):
    start = datetime(day.year, day.month, day.day, tzinfo=AMSTERDAM).astimezone(UTC)
    for hour in range(hours):
        records(start + timedelta(hours=hour, minutes=30))

    count(start + timedelta(days=4))

    assert list(DailyCount.objects.filter(category="").values_list("day", "asked")) == [(day, hours)]


# -- Once ---------------------------------------------------------------------------------------


def test_counting_goes_on_where_it_stopped(records):
    records(NOON, number=3)
    assert count(NOON + timedelta(hours=1)) == "counted 3 records"
    assert count(NOON + timedelta(hours=2)) == ""

    records(NOON + timedelta(hours=3), number=2)
    assert count(NOON + timedelta(hours=4)) == "counted 2 records"

    assert only("") == {"asked": 5, "accepted": 5}


def test_a_moment_is_counted_to_once_whichever_side_of_it_a_record_lies(records):
    records(NOON - timedelta(microseconds=1))
    records(NOON)
    records(NOON + timedelta(microseconds=1))

    for moment in (NOON, NOON, NOON + timedelta(microseconds=1), NOON + timedelta(hours=1)):
        count(moment + LAG)

    assert only("") == {"asked": 3, "accepted": 3}


def test_the_last_seconds_wait_because_what_arrived_in_them_may_not_be_visible_yet(records):
    records(NOON - timedelta(hours=1))
    records(NOON - LAG + timedelta(seconds=1), "reject_all")

    count(NOON)
    assert only("") == {"asked": 1, "accepted": 1}

    count(NOON + timedelta(seconds=1))
    count(NOON + timedelta(seconds=2))
    assert only("") == {"asked": 2, "accepted": 1, "refused": 1}


def test_nothing_is_counted_beyond_the_clock_of_the_database(records):
    """Which writes the moments; that of a server may be ahead of it."""
    records(NOON)

    count(datetime.now(UTC) + timedelta(days=1000))

    assert CountedUpTo.objects.get().moment <= datetime.now(UTC) - LAG


def test_counting_begins_with_the_first_record_though_its_browser_was_ahead(records):
    records(NOON, number=2)
    early = NOON - timedelta(hours=20)
    records(NOON, "reject_all", recorded_at=early)

    count(SOME_DAYS_LATER)

    assert only("", day=early.date()) == {"asked": 1, "refused": 1}
    assert only("", day=NOON.date()) == {"asked": 2, "accepted": 2}


@pytest.mark.parametrize("seed", range(6))
def test_counting_now_and_then_gives_what_counting_by_hand_gives(records, seed):
    chance = random.Random(seed)  # noqa: S311
    start = datetime(2026, 10, 23, 20, tzinfo=UTC)
    moment = start
    for _ in range(150):
        moment += timedelta(seconds=chance.expovariate(1 / 2400))
        action = chance.choice(["accept_all", "reject_all", "save", "withdraw", "once"])
        both = {"website": chance.choice(["website", "shop"]), "language": chance.choice(["en", "nl"])}
        both["gpc"] = chance.random() < 0.2
        if action == "once":
            records(moment, "save", choices={}, vendors={"google-maps": True}, is_once=True, **both)
        elif action == "save":
            choices = {name: chance.random() < 0.5 for name in chance.sample(["analytical", "marketing"], 2)}
            records(moment, "save", choices=choices, **both)
        else:
            records(moment, action, **both)
        if chance.random() < 0.1:
            count(moment + chance.choice([timedelta(0), LAG, timedelta(seconds=1)]))

    count(moment + timedelta(hours=1))

    assert stored() == by_hand()
    assert len({day for day, *_rest in stored()}) >= 3


def test_of_several_that_count_at_once_no_record_is_counted_twice(transactional_db, records):
    for hours in range(0, 120, 5):
        records(NOON + timedelta(hours=hours), number=3)
    start = threading.Barrier(3)
    failures = []

    def work():
        try:
            start.wait(timeout=20)
            for _ in range(4):
                count(NOON + timedelta(days=9))
        except DatabaseError as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert stored() == by_hand()


@contextmanager
def once_before_the_records_are_grouped(act):
    """Do ``act`` when the database is first asked for counts of records."""
    waiting = [act]

    def wrapper(execute, sql, *arguments):
        if "GROUP BY" in sql and '"consent_consentrecord"' in sql and waiting:
            waiting.pop()()
        return execute(sql, *arguments)

    with connection.execute_wrapper(wrapper):
        yield
    assert not waiting


def test_what_another_has_counted_in_the_meantime_is_not_counted_again(records):
    records(NOON, number=3)
    records(NOON + timedelta(days=1), number=2)

    with once_before_the_records_are_grouped(lambda: count(SOME_DAYS_LATER)):
        said = count(SOME_DAYS_LATER)

    assert said == ""
    assert stored() == by_hand()


def test_a_day_counted_again_while_another_counts_more_of_it_has_both(records):
    records(NOON - timedelta(hours=2), "reject_all")
    count(NOON - timedelta(hours=1))
    records(NOON, number=3)

    with once_before_the_records_are_grouped(lambda: count(SOME_DAYS_LATER)):
        recount(NOON.date())

    assert stored() == by_hand()


def test_a_day_of_which_records_are_erased_while_it_is_counted_again_keeps_its_counts(records):
    records(NOON, number=2)
    count(SOME_DAYS_LATER)
    before = stored()

    def erase():
        RecordPurge.objects.create(
            rule="proof", wording="At most two years.", cut_off=NOON + timedelta(days=1), decided_by="anna",
            decided_at=SOME_DAYS_LATER,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM consent_consentrecord")

    with once_before_the_records_are_grouped(erase):
        recount(NOON.date())

    assert stored() == before


# -- What it costs ------------------------------------------------------------------------------


def test_a_further_count_asks_for_the_new_records_only_and_only_by_their_arrival(records):
    records(NOON)
    count(NOON + timedelta(hours=1))
    records(NOON + timedelta(hours=2))

    with CaptureQueriesContext(connection) as queries:
        count(NOON + timedelta(hours=3))

    reading = [query["sql"] for query in queries if 'FROM "consent_consentrecord"' in query["sql"]]
    assert len(reading) == 1
    assert '"recorded_at" >= ' in reading[0]
    assert len(queries) <= 12


def test_without_new_records_nothing_but_the_moment_is_written(records):
    records(NOON)
    count(NOON + timedelta(hours=1))

    with CaptureQueriesContext(connection) as queries:
        count(NOON + timedelta(hours=2))

    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql.split('"')[1] for sql in written] == ["consent_countedupto"]


def test_records_are_read_before_the_transaction_that_would_keep_others_from_recording(transactional_db, records):
    records(NOON, number=3)
    asked = []

    def note(execute, sql, *arguments):
        if 'FROM "consent_consentrecord"' in sql:
            asked.append(connection.in_atomic_block)
        return execute(sql, *arguments)

    with connection.execute_wrapper(note):
        count(SOME_DAYS_LATER)
        recount(NOON.date())

    assert len(asked) >= 3
    assert not any(asked)


# -- A day that is over -------------------------------------------------------------------------


def test_a_record_whose_commit_took_too_long_is_found_when_its_day_is_counted_again(records):
    records(NOON)
    count(SOME_DAYS_LATER)
    records(NOON + timedelta(hours=1), "reject_all")
    count(SOME_DAYS_LATER + timedelta(hours=1))
    assert only("") == {"asked": 1, "accepted": 1}

    recount(NOON.date())

    assert stored() == by_hand()
    assert only("") == {"asked": 2, "accepted": 1, "refused": 1}


def test_counting_a_day_again_changes_no_other_day(records):
    for days in (0, 1, 2):
        records(NOON + timedelta(days=days))
    count(SOME_DAYS_LATER)
    before = stored()

    recount(NOON.date() + timedelta(days=1))

    assert stored() == before == by_hand()


def test_counting_a_day_again_removes_what_no_record_says(records):
    records(NOON)
    count(SOME_DAYS_LATER)
    DailyCount.objects.create(day=NOON.date(), website="gone", language="nl", gpc=False, asked=1, refused=1)

    recount(NOON.date())

    assert stored() == by_hand()


def test_a_day_that_is_not_counted_to_its_end_is_not_counted_twice(records):
    records(NOON - timedelta(hours=1))
    count(NOON)
    records(NOON + timedelta(hours=1), "reject_all")

    recount(NOON.date())
    count(SOME_DAYS_LATER)

    assert stored() == by_hand()


def test_a_day_of_which_nothing_is_counted_yet_waits_for_the_count(records):
    records(NOON)

    recount(NOON.date())
    assert stored() == {}

    count(SOME_DAYS_LATER)
    assert stored() == by_hand()


def test_what_is_erased_stays_counted(records):
    record = records(NOON, number=2)
    count(SOME_DAYS_LATER)
    before = stored()
    RecordPurge.objects.create(
        rule="proof",
        wording="At most two years.",
        cut_off=NOON + timedelta(days=1),
        decided_by="anna",
        decided_at=SOME_DAYS_LATER,
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM consent_consentrecord")
    assert not ConsentRecord.objects.filter(pk=record.pk).exists()

    recount(NOON.date())
    count(SOME_DAYS_LATER + timedelta(hours=1))

    assert stored() == before
