"""Records whose time has come are erased by whole days, and the seals of those days remain."""

from datetime import UTC, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from consent import purging
from consent.counting import count
from consent.models import ConsentRecord, DailyCount, RecordPurge, SealedDay, SealLeaves
from consent.purging import NotErasable, erasure_of, purge
from consent.sealing import seal_closed_days

from .arriving import MONDAY, TUESDAY, WEDNESDAY, arrive, at, once_closed

NOW = once_closed(WEDNESDAY)
UNDER = {"rule": "proof-of-choice", "wording": "at most 5 years after the choice", "by": "run_due", "now": NOW}


@pytest.fixture
def days(published):
    """Three sealed days with two, three and four records."""
    for number, day in enumerate([MONDAY, TUESDAY, WEDNESDAY], start=2):
        arrive(at(day), number=number)
    seal_closed_days(NOW)


def left():
    return {
        seal.day: (
            ConsentRecord.objects.filter(
                recorded_at__gte=at(seal.day, 0), recorded_at__lt=at(seal.day + timedelta(days=1), 0)
            ).count(),
            SealLeaves.objects.filter(seal=seal).count(),
        )
        for seal in SealedDay.objects.order_by("day")
    }


# -- What goes and what stays --------------------------------------------------------------------


def test_what_arrived_before_the_cut_off_goes_with_its_leaves_and_the_seals_stay(days):
    assert purge(cut_off=at(WEDNESDAY, 0), **UNDER) == 5

    assert left() == {MONDAY: (0, 0), TUESDAY: (0, 0), WEDNESDAY: (4, 1)}
    assert list(SealedDay.objects.order_by("day").values_list("count", flat=True)) == [2, 3, 4]


def test_midnight_itself_belongs_to_the_day_that_stays(published):
    arrive(at(TUESDAY, 0) - timedelta(microseconds=1))
    kept = arrive(at(TUESDAY, 0))
    seal_closed_days(NOW)

    assert purge(cut_off=at(TUESDAY, 0), **UNDER) == 1

    assert ConsentRecord.objects.get() == kept


def test_it_is_written_down_by_which_rule_and_by_whom(days):
    purge(cut_off=at(TUESDAY, 0), **UNDER)

    row = RecordPurge.objects.get()
    assert (row.rule, row.wording, row.decided_by) == (UNDER["rule"], UNDER["wording"], "run_due")
    assert (row.cut_off, row.decided_at) == (at(TUESDAY, 0), NOW)


def test_the_row_is_written_before_the_first_record_goes(days):
    with CaptureQueriesContext(connection) as queries:
        purge(cut_off=at(TUESDAY, 0), **UNDER)

    writing = [query["sql"].split('"')[1] for query in queries if query["sql"].startswith(("INSERT", "DELETE"))]
    assert writing == ["consent_recordpurge", "consent_consentrecord", "consent_sealleaves"]


def test_counts_stay(days):
    count(NOW)

    purge(cut_off=at(WEDNESDAY, 0), **UNDER)

    assert DailyCount.objects.filter(category="").aggregate(Sum("asked"))["asked__sum"] == 9


def test_what_somebody_put_back_goes_too(days):
    purge(cut_off=at(TUESDAY, 0), **UNDER)
    arrive(at(MONDAY))

    assert purge(cut_off=at(TUESDAY, 0), **UNDER) == 1


def test_no_transaction_erases_more_than_a_batch(days):
    with CaptureQueriesContext(connection) as queries:
        purge(cut_off=at(WEDNESDAY, 0), batch=2, **UNDER)

    erasing = [query["sql"] for query in queries if query["sql"].startswith('DELETE FROM "consent_consentrecord"')]
    assert len(erasing) == 1 + 2
    assert not ConsentRecord.objects.filter(recorded_at__lt=at(WEDNESDAY, 0)).exists()


# -- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("cut_off", [at(TUESDAY, 1), at(TUESDAY, 0, second=1), at(TUESDAY, 2).astimezone(UTC)])
def test_a_cut_off_inside_a_day_is_refused(days, cut_off):
    with pytest.raises(NotErasable, match="midnight in Amsterdam"):
        purge(cut_off=cut_off, **UNDER)
    assert ConsentRecord.objects.count() == 9


def test_what_is_not_sealed_cannot_be_erased(published):
    arrive(at(MONDAY))
    arrive(at(TUESDAY))
    seal_closed_days(once_closed(MONDAY))

    with pytest.raises(NotErasable, match="5 May 2026 is not sealed yet"):
        purge(cut_off=at(WEDNESDAY, 0), **UNDER)
    assert ConsentRecord.objects.count() == 2
    assert not RecordPurge.objects.exists()


def test_without_seals_nothing_is_erased(published):
    arrive(at(MONDAY))

    with pytest.raises(NotErasable, match="not sealed yet"):
        purge(cut_off=at(TUESDAY, 0), **UNDER)


def test_where_nothing_is_old_enough_nothing_is_written_down(days):
    assert purge(cut_off=at(MONDAY, 0), **UNDER) == 0
    assert not RecordPurge.objects.exists()


def test_the_database_lets_no_record_go_without_the_row(days):
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        ConsentRecord._base_manager.all()._raw_delete("default")
    purge(cut_off=at(TUESDAY, 0), **UNDER)

    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        ConsentRecord._base_manager.all()._raw_delete("default")
    assert ConsentRecord.objects.count() == 7


# -- Stopped in the middle, and again ----------------------------------------------------------------


def test_a_run_that_stopped_goes_on_under_the_same_row(days, monkeypatch):
    real = purging._erasing

    def stop_at_the_second_day(start, *more):
        if start == at(TUESDAY, 0):
            raise KeyboardInterrupt
        return real(start, *more)

    monkeypatch.setattr(purging, "_erasing", stop_at_the_second_day)
    with pytest.raises(KeyboardInterrupt):
        purge(cut_off=at(WEDNESDAY, 0), **UNDER)
    assert left() == {MONDAY: (0, 0), TUESDAY: (3, 1), WEDNESDAY: (4, 1)}
    monkeypatch.undo()

    assert purge(cut_off=at(WEDNESDAY, 0), **UNDER | {"now": NOW + timedelta(hours=1)}) == 3

    assert left()[TUESDAY] == (0, 0)
    assert RecordPurge.objects.count() == 1


def test_leaves_that_a_stopped_run_left_behind_go_with_the_next(days):
    RecordPurge.objects.create(
        rule=UNDER["rule"], wording=UNDER["wording"], cut_off=at(TUESDAY, 0), decided_by="x", decided_at=NOW
    )
    ConsentRecord._base_manager.filter(recorded_at__lt=at(TUESDAY, 0))._raw_delete("default")

    assert purge(cut_off=at(TUESDAY, 0), **UNDER) == 0

    assert left()[MONDAY] == (0, 0)
    assert RecordPurge.objects.count() == 1


def test_a_day_belongs_to_the_erasure_that_reached_it_first(days):
    purge(cut_off=at(TUESDAY, 0), **UNDER)
    purge(cut_off=at(WEDNESDAY, 0), **UNDER | {"rule": "shorter"})

    assert erasure_of(MONDAY).rule == "proof-of-choice"
    assert erasure_of(TUESDAY).rule == "shorter"
    assert erasure_of(WEDNESDAY) is None
