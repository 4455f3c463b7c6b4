"""Seals go after their records, the oldest first, and the chain that is left still has a beginning."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from consent import purging_seals, verdict
from consent.models import SealedDay, SealPurge
from consent.purging import NotErasable, purge
from consent.purging_seals import purge_seals
from consent.sealing import seal_closed_days
from consent.verifying import verify

from .arriving import MONDAY, TUESDAY, WEDNESDAY, arrive, at, once_closed, past_the_triggers

THURSDAY = WEDNESDAY + timedelta(days=1)
NOW = once_closed(THURSDAY)
RECORDS = {"rule": "consent-records", "wording": "at most 5 years", "by": "run_due", "now": NOW}
SEALS = {"rule": "sealed-days", "wording": "10 years", "by": "run_due", "now": NOW}


@pytest.fixture
def chain(published):
    """Four sealed days with a record each; of the first three the records have been erased."""
    for day in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY):
        arrive(at(day))
    seal_closed_days(NOW)
    purge(cut_off=at(THURSDAY, 0), **RECORDS)


def days():
    return list(SealedDay.objects.order_by("day").values_list("day", flat=True))


def digest_of(day):
    return SealedDay.objects.get(day=day).digest


def found(**options):
    return [(fault.kind, fault.subject, fault.day) for fault in verify(now=NOW, **options).faults]


def delete(day):
    SealedDay._base_manager.filter(day=day)._raw_delete(connection.alias)


# -- What goes and what stays --------------------------------------------------------------------


def test_the_oldest_seals_go_and_it_is_written_down_where_the_chain_goes_on(chain):
    last = digest_of(TUESDAY)

    assert purge_seals(cut_off=at(WEDNESDAY, 0), **SEALS) == 2

    assert days() == [WEDNESDAY, THURSDAY]
    row = SealPurge.objects.get()
    assert (row.rule, row.wording, row.decided_by, row.decided_at) == ("sealed-days", "10 years", "run_due", NOW)
    assert (row.up_to, row.cut_off, row.seals) == (TUESDAY, at(WEDNESDAY, 0), 2)
    assert row.last_digest == last == SealedDay.objects.get(day=WEDNESDAY).previous


def test_it_can_be_done_again_and_nothing_is_written_twice(chain):
    purge_seals(cut_off=at(TUESDAY, 0), **SEALS)

    assert purge_seals(cut_off=at(TUESDAY, 0), **SEALS) == 0
    assert purge_seals(cut_off=at(WEDNESDAY, 0), **SEALS) == 1

    assert SealPurge.objects.count() == 2
    assert verify(now=NOW).is_intact


def test_each_portion_leaves_a_whole_chain(chain):
    for number, portion in enumerate(purging_seals.portions(cut_off=at(THURSDAY, 0), batch=1, **SEALS), start=1):
        with transaction.atomic():
            assert portion() == 1
        report = verify(now=NOW)
        assert report.is_intact
        assert report.erased_seals["sealed-days", "10 years"].seals == number
    assert days() == [THURSDAY]


def test_the_newest_seal_stays_because_the_next_follows_it(published):
    arrive(at(MONDAY))
    seal_closed_days(once_closed(TUESDAY))
    purge(cut_off=at(WEDNESDAY, 0), **RECORDS)

    assert purge_seals(cut_off=at(WEDNESDAY, 0), **SEALS) == 1
    assert days() == [TUESDAY]

    seal_closed_days(NOW)
    assert days() == [TUESDAY, WEDNESDAY, THURSDAY]
    assert verify(now=NOW).is_intact


def test_without_seals_there_is_nothing_to_erase(published):
    assert purge_seals(cut_off=at(THURSDAY, 0), **SEALS) == 0


# -- What is refused ------------------------------------------------------------------------------


def test_seals_do_not_go_before_their_records(chain):
    arrive(at(THURSDAY + timedelta(days=1)))
    seal_closed_days(NOW + timedelta(days=1))

    with pytest.raises(NotErasable, match="consent records from before 8 May 2026"):
        purge_seals(cut_off=at(THURSDAY + timedelta(days=1), 0), **SEALS)
    assert len(days()) == 5
    assert not SealPurge.objects.exists()


def test_seals_do_not_go_where_somebody_has_put_a_record_back(chain):
    arrive(at(MONDAY))

    with pytest.raises(NotErasable):
        purge_seals(cut_off=at(TUESDAY, 0), **SEALS)


def written_down(up_to, **changes):
    """The row of an erasure, as somebody could write it who does not ask us."""
    fields = {
        "rule": "r",
        "wording": "w",
        "up_to": up_to,
        "cut_off": at(up_to + timedelta(days=1), 0),
        "last_digest": digest_of(up_to),
        "seals": 1,
        "decided_by": "x",
        "decided_at": NOW,
    }
    return SealPurge.objects.create(**fields | changes)


def test_the_database_lets_no_seal_go_without_the_row(chain):
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        delete(MONDAY)

    written_down(MONDAY)
    delete(MONDAY)

    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        delete(TUESDAY)
    assert days() == [TUESDAY, WEDNESDAY, THURSDAY]


def test_the_database_lets_no_seal_go_before_an_older_one(chain):
    written_down(WEDNESDAY)

    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        delete(TUESDAY)


def test_the_database_lets_no_seal_go_on_another_digest_than_it_bears(chain):
    written_down(MONDAY, last_digest=digest_of(TUESDAY))

    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        delete(MONDAY)


def test_the_database_lets_no_seal_go_before_its_records_and_leaves(chain):
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        written_down(day)
        delete(day)
    arrive(at(THURSDAY + timedelta(days=1)))
    seal_closed_days(NOW + timedelta(days=1))
    written_down(THURSDAY)

    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        delete(THURSDAY)


def test_the_database_lets_the_newest_seal_not_go(chain):
    purge_seals(cut_off=at(THURSDAY, 0), **SEALS)
    purge(cut_off=at(THURSDAY + timedelta(days=1), 0), **RECORDS)
    written_down(THURSDAY)

    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        delete(THURSDAY)


def test_what_was_written_down_is_never_changed_or_deleted(chain):
    purge_seals(cut_off=at(TUESDAY, 0), **SEALS)

    for statement in ("UPDATE consent_sealpurge SET seals = 9", "DELETE FROM consent_sealpurge"):
        with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
            connection.cursor().execute(statement)


# -- What verifying says --------------------------------------------------------------------------


def test_the_chain_verifies_from_where_it_goes_on(chain):
    purge_seals(cut_off=at(WEDNESDAY, 0), **SEALS)

    report = verify(now=NOW)

    assert report.is_intact
    assert (report.seals, report.first.day, report.newest.day) == (2, WEDNESDAY, THURSDAY)
    assert (
        "2 seals were erased under rule sealed-days (10 years), of days up to 5 May 2026. The chain goes on from there."
        in verdict.checked(report)
    )
    assert any("nothing is left to check" in sentence for sentence in verdict.does_not_prove(report))


def test_a_seal_that_is_missing_after_them_is_named(chain):
    purge_seals(cut_off=at(TUESDAY, 0), **SEALS)
    anchor = SealPurge.objects.get()
    with past_the_triggers():
        delete(TUESDAY)

        assert ("anchor", anchor.last_digest, MONDAY) in found()


def test_a_chain_that_was_taken_away_wholly_is_missed(published):
    arrive(at(MONDAY))
    seal_closed_days(NOW)
    purge(cut_off=at(TUESDAY, 0), **RECORDS)
    purge_seals(cut_off=at(TUESDAY, 0), **SEALS)
    with past_the_triggers():
        SealedDay._base_manager.all()._raw_delete(connection.alias)

        assert [kind for kind, _subject, _day in found()] == ["anchor"]


def test_a_chain_that_was_made_anew_from_there_is_named(chain):
    purge_seals(cut_off=at(WEDNESDAY, 0), **SEALS)
    with past_the_triggers():
        SealedDay._base_manager.filter(day=WEDNESDAY).update(previous="0" * 64)

        assert {kind for kind, _subject, _day in found()} == {"anchor", "seal"}


def test_a_digest_that_was_kept_is_known_where_the_chain_goes_on_from_it(chain):
    first, last = digest_of(MONDAY), digest_of(TUESDAY)
    purge_seals(cut_off=at(WEDNESDAY, 0), **SEALS)

    assert found(expect=[last]) == []
    # Of the others that went, nobody can say.
    assert found(expect=[first]) == [("expected-or-erased", first, None)]
