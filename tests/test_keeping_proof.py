"""What the statement promises about the proof of a choice is kept by the same engine as any other promise."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from consent.counting import count
from consent.kept import PORTION
from consent.models import ConsentRecord, DailyCount, RecordPurge, SealedDay, SealLeaves, SealPurge
from consent.sealing import seal_closed_days
from consent.verifying import verify
from retention import promises, targets
from retention.enforcing import enforce
from retention.models import LegalHold, RetentionRun, RunUnderWay
from retention.periods import Period
from retention.reckoning import due

from .arriving import arrive, at

RULES = ("consent-records", "daily-counts", "sealed-days")


def ago(days):
    return timezone.localdate() - timedelta(days=days)


def promised(rule, **changes):
    """The promise in force, but of a week from the day itself: nobody waits for years here."""
    (found,) = [promise for promise in promises.in_force() if promise.key == ("proof-of-choice", rule)]
    terms = replace(found.terms, period=Period(weeks=1), trigger=replace(found.terms.trigger, rounding=""), **changes)
    return replace(found, terms=terms)


def keep(rule, under=None, **options):
    return enforce(targets.in_code()[rule], under or promised(rule), **{"now": timezone.now(), "by": "test"} | options)


def census(rule):
    return targets.in_code()[rule].census(due(promised(rule).terms, timezone.localdate(), timezone.now()))


@pytest.fixture
def records(published):
    """Three days whose week is over, with two, three and one records, and ten records of five days ago."""
    for days, number in ((20, 2), (19, 3), (8, 1), (5, 10)):
        arrive(at(ago(days)), number=number)
    seal_closed_days(timezone.now())
    count(timezone.now())


# -- Records ---------------------------------------------------------------------------------------


def test_each_rule_of_the_purpose_has_a_target(published):
    of_purpose = {promise.terms.slug for promise in promises.in_force() if promise.purpose == "proof-of-choice"}

    assert of_purpose == set(RULES)
    for rule in RULES:
        target = targets.in_code()[rule]
        assert (target.purpose, target.rule, target.database) == ("proof-of-choice", rule, "default")
        # What the statement says can be enforced as it stands.
        (promise,) = [promise for promise in promises.in_force() if promise.terms.slug == rule]
        target.check(due(promise.terms, timezone.localdate(), timezone.now()))


def test_records_whose_time_is_over_go_by_whole_days_with_their_leaves(records):
    run = keep("consent-records")

    assert (run.result, run.error, run.due, run.erased) == ("done", "", 6, 6)
    assert ConsentRecord.objects.count() == 10
    assert [leaves.seal.day for leaves in SealLeaves.objects.all()] == [ago(5)]
    assert verify().is_intact


def test_it_is_written_down_in_the_words_of_the_statement(records):
    keep("consent-records")

    row = RecordPurge.objects.get()
    wording = promised("consent-records").wording
    assert (row.rule, row.decided_by) == ("consent-records", "enforce_retention")
    assert row.wording == f"{wording['en']} / {wording['nl']}"
    assert row.cut_off == at(ago(6), 0)


def test_a_second_run_finds_nothing(records):
    keep("consent-records")

    assert keep("consent-records").due == 0
    assert RecordPurge.objects.count() == 1
    assert RetentionRun.objects.count() == 2


def test_a_dry_run_erases_nothing(records):
    run = keep("consent-records", is_dry=True)

    assert (run.is_dry, run.due, run.erased) == (True, 6, 0)
    assert ConsentRecord.objects.count() == 16
    assert not RecordPurge.objects.exists()


def test_a_limit_is_kept_and_the_next_run_goes_on(records):
    run = keep("consent-records", limit=4)

    assert (run.result, run.erased) == ("limited", 4)
    assert ConsentRecord.objects.count() == 12
    assert verify().is_intact

    assert keep("consent-records").erased == 2
    assert [leaves.seal.day for leaves in SealLeaves.objects.all()] == [ago(5)]


def test_what_is_broken_off_is_taken_up(records):
    def break_off(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep("consent-records", progress=lambda progress: progress.done and break_off(progress))
    under_way = RunUnderWay.objects.get()
    assert 0 < under_way.erased < 6
    assert verify().is_intact

    run = keep("consent-records")

    assert (run.resumed, run.due, run.erased) == (1, 6, 6)
    assert RecordPurge.objects.count() == 1


def test_more_than_half_does_not_go_without_a_word(records):
    arrive(at(ago(9)), number=20)

    run = keep("consent-records")

    assert (run.result, run.erased) == ("refused", 0)
    assert "26 of 36 rows are due" in run.error


def test_what_is_not_sealed_does_not_go(published):
    arrive(at(ago(20)))
    arrive(at(ago(5)), number=5)

    run = keep("consent-records")

    assert run.result == "refused"
    assert "not sealed yet" in run.error
    assert ConsentRecord.objects.count() == 6


@pytest.mark.parametrize("rule", ["consent-records", "sealed-days"])
def test_a_hold_on_everything_stops_it(records, rule):
    LegalHold.objects.create(target=rule, reason="Case 12", placed_by="petra")

    run = keep(rule)

    assert (run.result, run.erased) == ("refused", 0)
    assert "Case 12" in run.error


@pytest.mark.parametrize("rule", ["consent-records", "sealed-days"])
def test_a_hold_on_a_single_row_cannot_be_kept_so_nothing_goes(records, rule):
    LegalHold.objects.create(target=rule, key="1", reason="Case 12", placed_by="petra")

    run = keep(rule)

    assert (run.result, run.erased) == ("refused", 0)
    assert "Place it on the whole target" in run.error


@pytest.mark.parametrize("rule", ["consent-records", "sealed-days"])
def test_evidence_is_not_anonymised_and_has_no_earlier_end_per_visitor(records, rule):
    assert "not anonymised" in keep(rule, under=promised(rule, action="anonymise")).error

    trigger = promised(rule).terms.trigger
    assert "by whole days" in keep(rule, under=promised(rule, ends_early_on=(trigger,))).error


def test_what_it_would_touch_is_counted_and_shown_without_numbers_of_browsers(records):
    found = census("consent-records")
    assert (found.total, found.due, found.future, found.oldest) == (16, 6, 0, at(ago(20)))

    target = targets.in_code()["consent-records"]
    shown = target.examples(due(promised("consent-records").terms, timezone.localdate(), timezone.now()), 3)
    assert len(shown) == 3
    subjects = {str(subject) for subject in ConsentRecord.objects.values_list("subject", flat=True)}
    assert not subjects & {value for row in shown for value in row.values()}
    assert {row["recorded_at"] for row in shown} <= {f"{ago(20):%Y-%m}", f"{ago(19):%Y-%m}"}


def test_the_calendar_knows_how_many_began_on_a_day(records):
    target = targets.in_code()["consent-records"]

    assert {day: number for day, number in target.calendar(ago(20), ago(19)).items() if number} == {
        ago(20): 2,
        ago(19): 3,
    }


def test_a_portion_is_short(records):
    assert PORTION <= 5000
    due_now = due(promised("consent-records").terms, timezone.localdate(), timezone.now())

    portions = list(targets.in_code()["consent-records"].batches(due_now, 1))

    # One that writes it down, and one per record; nothing has been done yet.
    assert len(portions) > 6
    assert ConsentRecord.objects.count() == 16


# -- Counts and seals --------------------------------------------------------------------------------


def test_daily_counts_go_by_their_day(records):
    run = keep("daily-counts", confirmed=True)

    assert run.result == "done"
    assert set(DailyCount.objects.values_list("day", flat=True)) == {ago(5)}


def test_seals_wait_for_their_records(records):
    run = keep("sealed-days", confirmed=True)

    assert run.result == "refused"
    assert "they go first" in run.error


def test_seals_go_after_their_records_and_the_chain_holds(records):
    keep("consent-records")
    before = SealedDay.objects.count()

    run = keep("sealed-days", confirmed=True)

    assert (run.result, run.erased) == ("done", 14)
    assert SealedDay.objects.count() == before - 14
    assert SealedDay.objects.last().day == ago(6)
    assert SealPurge.objects.get().seals == 14
    assert verify().is_intact


def test_seals_are_counted_and_shown(records):
    found = census("sealed-days")
    assert (found.due, found.oldest) == (14, at(ago(20), 0))

    target = targets.in_code()["sealed-days"]
    due_now = due(promised("sealed-days").terms, timezone.localdate(), timezone.now())
    assert target.examples(due_now, 1) == [{"day": f"{ago(20):%Y-%m}", "count": "2"}]
    assert target.calendar(ago(20), ago(19)) == {ago(20): 1, ago(19): 1}
