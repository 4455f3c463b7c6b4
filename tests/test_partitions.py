"""On PostgreSQL the consent records lie by month, by their own key: made ahead, and dropped when all may go."""

import logging
import threading
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from consent import partitions, purging, verdict
from consent.counting import count
from consent.models import ConsentRecord, DailyCount, RecordPurge, SealedDay, SealLeaves
from consent.partitions import DEFAULT, TABLE, Busy, after, bound, drop, make_ahead, month_of, name_of
from consent.purging import NotErasable, purge
from consent.recording import _insert, new_id
from consent.sealing import seal_closed_days
from consent.verifying import verify
from retention import due

from .arriving import arrive, at, once_closed

postgresql = pytest.mark.skipif(
    not settings.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason="SQLite has one table"
)

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
NOW = once_closed(date(2026, 5, 20))
CUT_OFF = at(date(2026, 5, 12), 0)
UNDER = {"rule": "consent-records", "wording": "at most 5 years after the choice", "by": "run_due", "now": NOW}


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def add_month(month):
    connection.check_constraints()
    with transaction.atomic(), connection.cursor() as cursor:
        partitions.add(cursor, name_of(month), bound(month), bound(after(month)))


def lies_in(record):
    ((name,),) = sql(f"SELECT tableoid::regclass::text FROM {TABLE} WHERE id = %s", record.pk)
    return name


def names():
    return [partition.name for partition in partitions.partitions()]


def plan(records, *hints):
    """What PostgreSQL would do, as it does with large tables."""
    for hint in ("enable_seqscan", *hints):
        sql(f"SET LOCAL {hint} = off")
    return records.explain()


def in_a_thread(act):
    """Run ``act`` on a connection of its own; what it raised is raised by ``join``."""
    raised = []

    def run():
        try:
            act()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()

    def join():
        thread.join(timeout=30)
        assert not thread.is_alive()
        if raised:
            raise raised[0]

    return join


@contextmanager
def a_long_reader():
    """Somebody who reads all records in one transaction, such as a backup."""
    is_reading, is_enough = threading.Event(), threading.Event()

    def read():
        with transaction.atomic():
            ConsentRecord.objects.count()
            is_reading.set()
            assert is_enough.wait(timeout=30)

    join = in_a_thread(read)
    assert is_reading.wait(timeout=10)
    try:
        yield
    finally:
        is_enough.set()
        join()


@pytest.fixture
def really(transactional_db):
    """Real transactions; the partitions are as new afterwards."""
    yield
    with transaction.atomic(), connection.cursor() as cursor:
        for partition in partitions.partitions():
            cursor.execute(f'DROP TABLE "{partition.name}"')
        partitions.add(cursor, DEFAULT)
    make_ahead(timezone.now())


def unsaved(moment):
    """A record as it is before it is recorded, made from one that is there."""
    record = ConsentRecord.objects.first()
    return ConsentRecord(
        **{field.attname: getattr(record, field.attname) for field in ConsentRecord._meta.concrete_fields}
        | {"id": new_id(moment), "recorded_at": None}
    )


# -- On SQLite -------------------------------------------------------------------------------------


@pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason="PostgreSQL has months")
def test_where_there_is_one_table_there_is_nothing_to_do(published):
    arrive(at(MAY))

    assert partitions.partitions() == []
    assert make_ahead(NOW) == ""
    assert partitions.past(NOW, CUT_OFF) == []
    assert partitions.attention() == ""
    assert list(partitions.looked_up()) == []


# -- Months ----------------------------------------------------------------------------------------


@given(st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_a_month_has_the_ids_of_its_moments_and_no_others(moment):
    identifier, month = new_id(moment), month_of(moment)

    assert bound(month) <= identifier < bound(after(month))
    assert bound(month).bytes <= identifier.bytes < bound(after(month)).bytes


@given(st.dates(date(2000, 1, 1), date(2200, 1, 1)).map(lambda day: day.replace(day=1)), st.integers(-30, 30))
def test_months_are_counted_as_on_a_calendar(month, number):
    later = after(month, number)

    assert later.day == 1
    assert (later.year - month.year) * 12 + later.month - month.month == number


@postgresql
def test_the_present_month_and_the_next_three_are_there_and_a_default(db):
    now = timezone.now()

    there = partitions.partitions()

    months = [after(month_of(now), number) for number in range(4)]
    assert {name_of(month) for month in months} <= {partition.name for partition in there}
    assert there[-1].name == DEFAULT
    assert there[-1].is_default
    by_name = {partition.name: partition for partition in there}
    assert all(
        (by_name[name_of(month)].start, by_name[name_of(month)].end) == (bound(month), bound(after(month)))
        for month in months
    )


@postgresql
def test_every_record_lies_in_the_month_that_its_id_names(published):
    first = datetime(2026, 4, 1, tzinfo=UTC)
    for month in (APRIL, MAY):
        add_month(month)
    last = datetime(2026, 6, 1, tzinfo=UTC)
    moments = [first + (last - first) / 200 * number for number in range(200)]
    moments += [last - timedelta(milliseconds=1), datetime(2026, 5, 1, tzinfo=UTC) - timedelta(milliseconds=1)]

    records = [arrive(moment) for moment in moments]

    assert {lies_in(record) for record in records} == {name_of(APRIL), name_of(MAY)}
    assert all(lies_in(record) == name_of(month_of(moment)) for record, moment in zip(records, moments, strict=True))
    assert lies_in(arrive(first - timedelta(milliseconds=1))) == DEFAULT
    assert lies_in(arrive(last)) == DEFAULT


@postgresql
def test_a_retry_is_no_second_record(published):
    arrive(timezone.now())
    record = unsaved(timezone.now())

    _stored, is_new = _insert(record)
    again, is_new_again = _insert(record)

    assert (is_new, is_new_again) == (True, False)
    assert again.pk == record.pk
    assert ConsentRecord.objects.filter(pk=record.pk).count() == 1


# -- What PostgreSQL reads ---------------------------------------------------------------------------


@postgresql
def test_a_receipt_is_looked_for_in_one_partition(db):
    now = timezone.now()

    said = plan(ConsentRecord.objects.filter(pk=new_id(now)))

    assert said.count(" on consent_consentrecord_") == 1
    assert f"{name_of(month_of(now))}_pkey on {name_of(month_of(now))}" in said


@postgresql
def test_what_arrived_on_a_day_is_found_by_block_ranges_in_every_partition(db):
    day = timezone.now()

    said = plan(ConsentRecord.objects.filter(recorded_at__gte=day - timedelta(days=1), recorded_at__lt=day).order_by())

    assert said.count("Bitmap Index Scan on") == len(names())
    assert "Seq Scan" not in said
    kinds = sql(
        "SELECT DISTINCT amname, reloptions FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "JOIN pg_am ON pg_am.oid = relam WHERE indrelid IN (SELECT inhrelid FROM pg_inherits "
        "WHERE inhparent = %s::regclass) AND pg_get_indexdef(indexrelid) LIKE '%%recorded_at%%'",
        TABLE,
    )
    assert kinds == [("brin", ["autosummarize=on"])]


@postgresql
def test_the_order_of_ids_is_that_of_the_partitions_and_nothing_is_sorted(db):
    now = timezone.now()
    month = month_of(now)
    bounded = ConsentRecord.objects.filter(pk__gte=bound(month), pk__lt=bound(after(month, 3))).order_by("pk")

    of_some_months, of_all = plan(bounded[:50], "enable_bitmapscan"), plan(ConsentRecord.objects.all()[:50])

    assert "->  Append" in of_some_months
    assert "Sort  (" not in of_some_months + of_all
    # With the default partition in it, there is no order among them: they are merged as they are read.
    assert "->  Merge Append" in of_all


@postgresql
def test_the_history_of_a_browser_is_found_by_its_index_in_every_partition(db):
    said = plan(ConsentRecord.objects.filter(subject=uuid.uuid4())[:101], "enable_bitmapscan")

    assert said.count("_subject_id_idx") == len(names())


# -- Made ahead --------------------------------------------------------------------------------------


@postgresql
def test_months_are_made_once(db):
    now = timezone.now() + timedelta(days=400)
    before = names()

    said = make_ahead(now)

    made = [name_of(after(month_of(now), number)) for number in range(4)]
    assert set(made) <= set(names()) - set(before)
    assert made[-1] in said
    assert make_ahead(now) == ""


@postgresql
def test_months_that_were_missed_are_made_up_for(db):
    last = max(partition.end for partition in partitions.partitions() if partition.end)
    now = timezone.now() + timedelta(days=400)

    make_ahead(now)

    ends = sorted((p.start, p.end) for p in partitions.partitions() if p.end and p.start and p.start >= last)
    assert ends[0][0] == last
    assert all(one[1] == other[0] for one, other in pairwise(ends))


@postgresql
def test_the_month_of_the_oldest_decision_that_may_arrive_is_made_too(db):
    now = datetime(2026, 5, 5, tzinfo=UTC)

    make_ahead(now)

    assert name_of(APRIL) in names()
    assert name_of(date(2026, 3, 1)) not in names()


@postgresql
def test_it_is_done_with_the_other_jobs(published):
    assert name_of(month_of(NOW)) in due.run(NOW)["partitions"]


@postgresql
def test_records_of_a_missing_month_lie_in_the_default_and_are_moved_when_it_is_made(published, caplog):
    in_april, in_may, long_ago = arrive(at(date(2026, 4, 28))), arrive(at(MAY)), arrive(at(date(2020, 1, 1)))
    before = list(ConsentRecord.objects.order_by("pk").values())
    assert {lies_in(record) for record in (in_april, in_may, long_ago)} == {DEFAULT}
    assert partitions.records_without_month() == 3

    with caplog.at_level(logging.WARNING):
        make_ahead(at(date(2026, 5, 5)))

    assert (lies_in(in_april), lies_in(in_may)) == (name_of(APRIL), name_of(MAY))
    assert lies_in(long_ago) == DEFAULT
    assert list(ConsentRecord.objects.order_by("pk").values()) == before
    assert "Moved 3 consent records" in caplog.text
    assert make_ahead(at(date(2026, 5, 5))) == ""


@postgresql
def test_a_month_of_which_the_default_keeps_very_many_stays_there(published, monkeypatch):
    monkeypatch.setattr(partitions, "MOST_MOVED", 2)
    arrive(at(MAY), number=3)

    said = make_ahead(at(MAY))

    assert name_of(MAY) not in names()
    assert name_of(date(2026, 6, 1)) in said
    assert make_ahead(at(MAY)) == ""
    assert "More than 2 consent records" in partitions.attention()


@postgresql
def test_what_lies_in_no_month_is_told(published):
    assert partitions.attention() == ""
    arrive(at(MAY), number=2)

    assert "2 consent records lie in no partition" in partitions.attention()
    [figure] = partitions.looked_up()
    assert [sample.value for sample in figure.samples] == [2]


@postgresql
def test_of_two_at_once_one_makes_them(really):
    now = timezone.now() + timedelta(days=400)
    start = threading.Barrier(2)
    said = []

    def work():
        start.wait(timeout=10)
        said.append(make_ahead(now))

    for join in [in_a_thread(work) for _ in range(2)]:
        join()

    assert make_ahead(now) == ""
    assert sum(bool(sentence) for sentence in said) == 1
    assert sum(partition.holds(new_id(now)) for partition in partitions.partitions()) == 1


@postgresql
def test_recording_goes_on_while_partitions_are_made(published, really):
    """Also into the default partition, of the very month that is being made."""
    now = timezone.now()
    then = now + timedelta(days=400)
    first = arrive(then)
    is_enough = threading.Event()
    stored, waits = [], []

    def record():
        while not is_enough.is_set():
            for moment in (now, then):
                begun = time.monotonic()
                stored.append(_insert(unsaved(moment))[0].pk)
                waits.append(time.monotonic() - begun)

    joins = [in_a_thread(record) for _ in range(2)]
    for number in range(4):
        deadline = time.monotonic() + 10
        while (said := make_ahead(then + timedelta(days=31 * number))) == "" or "wait" in said:
            assert time.monotonic() < deadline
    is_enough.set()
    for join in joins:
        join()

    assert ConsentRecord.objects.filter(pk__in=stored).count() == len(stored) > 0
    assert ConsentRecord.objects.count() == len(stored) + 1
    assert lies_in(first) == name_of(month_of(then))
    assert not [pk for pk in stored if lies_in(ConsentRecord(pk=pk)) == DEFAULT]
    assert max(waits) < 2


@postgresql
def test_who_reads_for_long_keeps_them_from_being_made_and_nobody_from_recording(published, really):
    arrive(timezone.now())
    now = timezone.now() + timedelta(days=400)

    with a_long_reader():
        join = in_a_thread(lambda: _insert(unsaved(timezone.now())))
        said = make_ahead(now)
        join()

    assert "wait" in said
    assert ConsentRecord.objects.count() == 2
    assert name_of(month_of(now)) in make_ahead(now)


# -- Nothing is changed or taken away -------------------------------------------------------------------


@postgresql
def test_no_record_is_changed_or_deleted_through_the_table_or_any_partition(published):
    add_month(APRIL)
    arrive(at(APRIL))
    arrive(at(MAY))
    arrive(timezone.now())
    connection.check_constraints()

    tables = [TABLE, *names()]
    for table in tables:
        for statement in (f'UPDATE "{table}" SET gpc = true', f'DELETE FROM "{table}"', f'TRUNCATE "{table}"'):
            if not statement.startswith("TRUNCATE") and not sql(f'SELECT 1 FROM "{table}" LIMIT 1'):
                continue
            with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
                sql(statement)
    assert {name_of(APRIL), name_of(month_of(timezone.now())), DEFAULT} <= set(tables)
    assert ConsentRecord.objects.count() == 3


@postgresql
def test_a_record_does_not_move_to_another_month_by_a_change_of_its_id(published):
    add_month(APRIL)
    arrive(at(APRIL))

    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        sql(f"UPDATE {TABLE} SET id = %s", new_id(timezone.now()))


# -- Dropped when all of it may go ----------------------------------------------------------------------


@pytest.fixture
def months(published):
    """Five records of April, two of the first days of May and three of the twelfth; sealed and counted."""
    make_partitions()
    return sealed_days()


def make_partitions():
    add_month(APRIL)
    add_month(MAY)


def sealed_days():
    arrive(at(date(2026, 4, 10)), number=2)
    arrive(at(date(2026, 4, 20)), number=2)
    # Decided in April, and arrived in May.
    arrive(at(date(2026, 5, 2)), id=new_id(at(date(2026, 4, 29))))
    arrive(at(date(2026, 5, 2)))
    arrive(at(date(2026, 5, 3)))
    arrive(at(date(2026, 5, 12)), number=3)
    seal_closed_days(NOW)
    count(NOW)


def left():
    return list(ConsentRecord.objects.order_by("pk").values_list("pk", flat=True))


@postgresql
def test_a_month_of_which_all_may_go_is_dropped_and_of_the_next_only_what_may(months):
    stay = left()[-3:]

    assert purge(cut_off=CUT_OFF, **UNDER) == 7

    assert name_of(APRIL) not in names()
    assert name_of(MAY) in names()
    assert left() == stay
    assert [leaves.seal.day for leaves in SealLeaves.objects.all()] == [date(2026, 5, 12)]
    assert RecordPurge.objects.count() == 1


@postgresql
def test_what_was_dropped_verifies_like_what_was_deleted(months):
    purge(cut_off=CUT_OFF, **UNDER)

    report = verify(now=NOW)

    assert report.is_intact
    assert [(erased.days, erased.records) for erased in report.erased.values()] == [(4, 7)]
    assert (
        "7 records were erased under rule consent-records (at most 5 years after the choice). Days: 4."
        in verdict.checked(report)
    )
    assert sum(DailyCount.objects.filter(category="").values_list("asked", flat=True)) == 10


@postgresql
def test_a_month_with_one_record_that_has_to_stay_stays(months):
    late = arrive(CUT_OFF, id=new_id(at(date(2026, 4, 30))))
    stay = [late.pk, *left()[-3:]]

    assert purge(cut_off=CUT_OFF, **UNDER) == 7

    assert name_of(APRIL) in names()
    assert left() == stay


@postgresql
def test_a_month_is_not_dropped_before_the_last_decision_of_it_can_have_arrived(months):
    cut_off = at(date(2026, 5, 4), 0)
    soon = datetime(2026, 5, 8, tzinfo=UTC)

    assert purge(cut_off=cut_off, **UNDER | {"now": soon}) == 7

    assert name_of(APRIL) in names()


@postgresql
def test_the_present_month_is_not_dropped_by_a_clock_that_is_ahead(published):
    now = timezone.now()
    present = name_of(month_of(now))

    assert present not in [part.name for part in partitions.past(now, now)]
    assert present in [part.name for part in partitions.past(now + timedelta(days=60), now)]
    arrive(at(date(2026, 5, 12)))
    seal_closed_days(NOW)
    purge(cut_off=at(date(2026, 5, 13), 0), **UNDER | {"now": now + timedelta(days=60)})
    assert present in names()


@postgresql
def test_empty_months_of_the_past_go_too(months):
    add_month(date(2026, 2, 1))

    purge(cut_off=CUT_OFF, **UNDER)

    assert name_of(date(2026, 2, 1)) not in names()


@postgresql
def test_no_month_is_dropped_without_the_row_that_says_under_which_rule(months):
    (april,) = [partition for partition in partitions.partitions() if partition.name == name_of(APRIL)]
    connection.check_constraints()

    assert drop(april) is None

    RecordPurge.objects.create(
        rule="r", wording="w", cut_off=at(date(2026, 5, 2), 0), decided_by="x", decided_at=NOW
    )  # of April all but the one that arrived in May
    assert drop(april) is None
    assert april in partitions.partitions()

    RecordPurge.objects.create(rule="r", wording="w", cut_off=at(date(2026, 5, 3), 0), decided_by="x", decided_at=NOW)
    assert drop(april) == 5
    assert april not in partitions.partitions()
    assert drop(april) is None


@postgresql
def test_a_late_record_of_a_dropped_month_is_kept_by_the_default(months):
    purge(cut_off=CUT_OFF, **UNDER)

    record, is_new = _insert(unsaved(at(date(2026, 4, 15))))

    assert is_new
    assert lies_in(record) == DEFAULT


@postgresql
@pytest.mark.parametrize("portions", range(1, 7))
def test_who_is_stopped_after_any_portion_is_taken_up_by_the_next(months, portions):
    stay, done = left()[-3:], 0
    for number, portion in enumerate(purging.portions(cut_off=CUT_OFF, batch=1, **UNDER), start=1):
        with transaction.atomic():
            done += portion()
        if number == portions:
            break
    assert verify(now=NOW).is_intact

    assert done + purge(cut_off=CUT_OFF, batch=1, **UNDER) == 7

    assert left() == stay
    assert SealLeaves.objects.count() == 1
    assert RecordPurge.objects.count() == 1


@postgresql
def test_a_month_with_more_than_may_go_is_not_dropped(months):
    portions = purging.portions(cut_off=CUT_OFF, at_most=4, batch=4, **UNDER)

    assert next(portions)() == 0  # the row that says so
    assert next(portions)() == 2  # of the tenth of April
    assert name_of(APRIL) in names()


@postgresql
def test_recording_goes_on_while_a_month_is_dropped(published, really):
    make_partitions()
    sealed_days()
    now = timezone.now()
    is_enough = threading.Event()
    stored, waits = [], []

    def record():
        while not is_enough.is_set():
            begun = time.monotonic()
            stored.append(_insert(unsaved(now))[0].pk)
            waits.append(time.monotonic() - begun)

    joins = [in_a_thread(record) for _ in range(2)]
    erased = purge(cut_off=CUT_OFF, **UNDER)
    is_enough.set()
    for join in joins:
        join()

    assert erased == 7
    assert name_of(APRIL) not in names()
    assert ConsentRecord.objects.filter(pk__in=stored).count() == len(stored) > 0
    assert max(waits) < 2


@postgresql
def test_a_month_that_somebody_reads_waits_and_is_not_emptied_row_by_row(published, really, monkeypatch):
    monkeypatch.setattr(purging, "ATTEMPTS", 1)
    make_partitions()
    sealed_days()
    before = left()

    with a_long_reader(), pytest.raises(NotErasable, match="The next run goes on"):
        purge(cut_off=CUT_OFF, **UNDER)

    assert left() == before
    assert purge(cut_off=CUT_OFF, **UNDER) == 7


@postgresql
def test_a_partition_is_not_dropped_while_a_record_is_being_put_into_it(published, really):
    """Otherwise the record would be gone with it, though nobody looked at it."""
    make_partitions()
    sealed_days()
    RecordPurge.objects.create(rule="r", wording="w", cut_off=CUT_OFF, decided_by="x", decided_at=NOW)
    (april,) = [partition for partition in partitions.partitions() if partition.name == name_of(APRIL)]
    is_inserted, is_enough = threading.Event(), threading.Event()

    def record():
        with transaction.atomic():
            _insert(unsaved(at(date(2026, 4, 15))))
            is_inserted.set()
            assert is_enough.wait(timeout=30)

    join = in_a_thread(record)
    assert is_inserted.wait(timeout=10)
    with pytest.raises(Busy):
        drop(april)
    is_enough.set()
    join()

    assert drop(april) is None  # that record has just arrived
    assert april in partitions.partitions()


# -- The migration ----------------------------------------------------------------------------------------


def migrate(name):
    executor = MigrationExecutor(connection)
    executor.migrate([("consent", name)])


@pytest.fixture
def former(published, really):
    """The table as it was before, with a record of each of 40 days; the present state afterwards."""
    migrate("0004_counts_and_seals")
    now = timezone.now()
    for days in range(40):
        arrive(now - timedelta(days=days))
    arrive(now, id=new_id(now + timedelta(hours=23)))
    yield list(ConsentRecord.objects.order_by("pk").values())
    migrate("0006_seal_purge")


def structure(table):
    """Columns, constraints, indexes and triggers, by the names that Django knows."""
    columns = sql(
        "SELECT attname, atttypid::regtype::text, attnotnull, pg_get_expr(adbin, adrelid) FROM pg_attribute "
        "LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
        "WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
        table,
    )
    constraints = sql(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND conparentid = 0 ORDER BY 1",
        table,
    )
    indexes = sql(
        "SELECT relname, replace(pg_get_indexdef(indexrelid), 'ONLY ', ''), reloptions FROM pg_index "
        "JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = %s::regclass ORDER BY 1",
        table,
    )
    triggers = sql(
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal "
        "ORDER BY 1",
        table,
    )
    return columns, constraints, indexes, triggers


@postgresql
def test_a_filled_table_becomes_the_first_partition_and_a_plain_table_again(former):
    plain = structure(TABLE)
    ((node,),) = sql(f"SELECT pg_relation_filenode('{TABLE}')")

    migrate("0005_partitions")

    assert list(ConsentRecord.objects.order_by("pk").values()) == former
    assert structure(TABLE) == plain
    first, *months, default = partitions.partitions()
    assert first.start is None
    assert first.name == f"{TABLE}_before_{month_of(datetime.fromtimestamp((first.end.int >> 80) / 1000, UTC)):%Y_%m}"
    assert first.end > new_id(timezone.now() + timedelta(days=30))
    assert (months, default.name) == (
        [partition for partition in partitions.partitions() if partition.start],
        DEFAULT,
    )
    # Not copied: the same file.
    assert sql(f"SELECT pg_relation_filenode('{first.name}')") == [(node,)]
    assert {lies_in(ConsentRecord(pk=row["id"])) for row in former} == {first.name}
    assert not sql("SELECT 1 FROM pg_constraint WHERE conname = %s", f"{TABLE}_is_before")
    for table in (TABLE, first.name):
        for statement in (f'UPDATE "{table}" SET gpc = true', f'DELETE FROM "{table}"', f'TRUNCATE "{table}"'):
            with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
                sql(statement)
    arrive(timezone.now())

    migrate("0004_counts_and_seals")

    assert structure(TABLE) == plain
    assert partitions.partitions() == []
    assert ConsentRecord.objects.count() == len(former) + 1
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        sql(f"DELETE FROM {TABLE}")
    assert sql("SELECT relname FROM pg_class WHERE relname LIKE 'consent_consentrecord\\_%%'  AND relkind = 'r'") == []


@postgresql
def test_becoming_the_first_partition_reads_the_table_only_where_recording_goes_on(former):
    told = []
    connection.ensure_connection()
    connection.connection.add_notice_handler(lambda diagnostic: told.append(diagnostic.message_primary))
    sql("SET client_min_messages = debug1")
    try:
        migrate("0005_partitions")
    finally:
        sql("RESET client_min_messages")

    assert any("partition constraint for table" in line and "_before_" in line and "implied" in line for line in told)
    # Once, while the constraint was validated; what is new is empty.
    read = [line for line in told if line.startswith("verifying table") and "_p2" not in line and DEFAULT not in line]
    assert read == [f'verifying table "{TABLE}"']


@postgresql
def test_who_was_killed_before_the_last_step_migrates_again(former):
    sql(f"ALTER TABLE {TABLE} ADD CONSTRAINT {TABLE}_is_before CHECK (id < '{bound(date(2200, 1, 1))}') NOT VALID")

    migrate("0005_partitions")

    assert list(ConsentRecord.objects.order_by("pk").values()) == former


@postgresql
def test_the_old_partition_is_dropped_when_all_of_it_may_go(former):
    migrate("0006_seal_purge")
    seal_closed_days(timezone.now())
    sealed = SealedDay.objects.first()
    (first, *_rest) = partitions.partitions()
    # So much later, by the clock of a partition; what arrived is as old as it is.
    assert not first.is_past(timezone.now())
    assert first.is_past(timezone.now() + timedelta(days=150))
    assert first not in partitions.past(timezone.now() + timedelta(days=150), at(sealed.day, 0))
    assert first in partitions.past(timezone.now() + timedelta(days=150), timezone.now() + timedelta(days=1))


@postgresql
def test_who_may_read_the_records_may_read_them_afterwards(former):
    role = f"auditor_{uuid.uuid4().hex[:8]}"
    sql(f"CREATE ROLE {role}")
    try:
        sql(f"GRANT SELECT ON {TABLE} TO {role}")

        migrate("0005_partitions")

        assert sql(f"SELECT has_table_privilege('{role}', '{TABLE}', 'SELECT')") == [(True,)]
        assert sql(f"SELECT has_table_privilege('{role}', '{TABLE}', 'INSERT')") == [(False,)]
    finally:
        sql(f"DROP OWNED BY {role}")
        sql(f"DROP ROLE {role}")
