"""manage.py enforce_retention and the nightly job: which targets, what is told, and the exit code."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Q
from django.utils import timezone

from retention import due, promises, targets
from retention.enforcing import enforce
from retention.locking import only_one
from retention.models import LegalHold, RetentionRun, RunUnderWay
from retention.nightly import RUN_BY, enforce_due

from .keeping import Visit, ids, make_table, promise, target, visits
from .test_enforcing import break_off, interrupted

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def table(db):
    make_table()


@pytest.fixture
def register(monkeypatch):
    """No targets and promises but those that a test registers."""
    promised = []
    monkeypatch.setattr(targets, "_in_code", {})
    monkeypatch.setattr(promises, "_providers", [lambda: promised])

    def act(of=None, under=None):
        targets.register(of or target())
        promised.append(under or promise())
        return promised

    return act


@pytest.fixture
def two(register):
    """Guests who go after 30 days, and suppliers who go after 60."""
    register(target(selection=Q(kind="guest")))
    register(
        target(slug="suppliers", rule="suppliers", selection=Q(kind="supplier")), promise("P60D", slug="suppliers")
    )
    visits(4, days_ago=40)
    visits(2, days_ago=70, first=50, kind="supplier")


def command(capsys, *arguments):
    """The lines on standard output."""
    capsys.readouterr()
    call_command("enforce_retention", *arguments)
    return capsys.readouterr().out.splitlines()


def cells(lines):
    """The table at the end, by target."""
    at = next(number for number, line in enumerate(lines) if line.startswith("target "))
    names, *rows = [re.split(r"\s{2,}", line) for line in lines[at:]]
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


# -- Which, and what is told -----------------------------------------------------------------------


def test_every_target_is_enforced_and_a_table_tells_of_each(two, capsys):
    told = cells(command(capsys))

    assert not Visit.objects.exists()
    assert told.keys() == {"visits", "suppliers"}
    guests = told["visits"]
    assert (guests["rule"], guests["due"], guests["erased"], guests["anonymised"]) == ("visitors", "4", "4", "0")
    assert (guests["held"], guests["undated"], guests["result"]) == ("0", "0", "done")
    assert guests["cut-off"] == f"{timezone.localdate() - timedelta(days=29)} 00:00"
    assert set(RetentionRun.objects.values_list("run_by", flat=True)) == {"enforce_retention"}


@pytest.mark.parametrize("chosen", [["--target", "suppliers"], ["--rule", "suppliers"]])
def test_one_target_or_the_targets_of_one_rule(two, capsys, chosen):
    command(capsys, *chosen)

    assert ids() == [1, 2, 3, 4]
    assert RetentionRun.objects.get().target == "suppliers"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--target", "supplier"], "There is no target supplier. Did you mean suppliers?"),
        (["--target", "qqq"], "There is no target qqq. There are: visits, suppliers."),
        (["--rule", "visitor"], "No target is about the rule visitor. Did you mean visitors?"),
        (["--rule", "visitors", "--target", "suppliers"], "Target suppliers is not about the rule visitors."),
        (["--confirm"], "--confirm is for one target: add --target."),
        (["--limit", "0"], "--limit is at least 1."),
        (["--until", "soon"], "soon is no day. Write 2026-11-22."),
        (["--until", "9999-01-01"], "--until is for a day that is over; 9999-01-01 would erase too early."),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_touched(two, arguments, sentence):
    with pytest.raises(CommandError, match=re.escape(sentence)):
        call_command("enforce_retention", *arguments)
    assert len(ids()) == 6


def test_today_is_no_day_that_is_over(two):
    with pytest.raises(CommandError, match="would erase too early"):
        call_command("enforce_retention", until=str(timezone.localdate()))


def test_a_dry_run_touches_nothing(two, capsys):
    told = cells(command(capsys, "--dry-run"))

    assert len(ids()) == 6
    assert told["visits"]["due"] == "4"
    assert told["visits"]["result"] == "dry run, done"


def test_a_limit_is_for_each_target(two, capsys):
    told = cells(command(capsys, "--limit", "1"))

    assert {row["erased"] for row in told.values()} == {"1"}
    assert told["visits"]["result"] == "limited"


def test_until_an_earlier_day_less_goes(two, capsys):
    yesterday = timezone.localdate() - timedelta(days=20)

    command(capsys, "--until", str(yesterday), "--target", "visits")

    assert len(ids()) == 6


def test_a_run_that_is_taken_up_is_told(two, capsys):
    with pytest.raises(KeyboardInterrupt):
        enforce(interrupted(break_off), promise(), now=timezone.now(), by="killed")

    lines = command(capsys, "--target", "visits")

    assert lines[0].startswith("visits: went on with the run of ")
    assert cells(lines)["visits"]["erased"] == "6"


# -- What is not well ------------------------------------------------------------------------------


def test_a_refusal_is_told_with_what_to_do_and_ends_in_failure_after_the_others(two, register, capsys):
    targets._in_code["visits"].max_share = 0.1

    with pytest.raises(CommandError, match=r"visits: 4 of 4 rows are due.*--target visits --confirm"):
        call_command("enforce_retention")

    assert ids() == [1, 2, 3, 4]
    told = cells(capsys.readouterr().out.splitlines())
    assert (told["visits"]["result"], told["suppliers"]["result"]) == ("refused", "done")
    command(capsys, "--target", "visits", "--confirm")
    assert ids() == []


def test_a_fault_in_one_target_keeps_no_other_from_its_promise(register, capsys):
    def stumble(_target):
        raise ValueError

    visits(6, days_ago=40)
    register(interrupted(stumble, slug="first"), promise())
    register(target(slug="second"))

    with pytest.raises(CommandError, match="first: A fault in the software"):
        call_command("enforce_retention")

    told = cells(capsys.readouterr().out.splitlines())
    assert (told["first"]["result"], told["first"]["erased"]) == ("failed", "3")
    assert (told["second"]["result"], told["second"]["erased"]) == ("done", "3")


def test_what_nothing_promises_is_left_alone_and_told(register, capsys):
    visits(3, days_ago=40)
    register(target(slug="orphan", rule="unheard-of"))
    register()

    with pytest.raises(CommandError, match="orphan: the statement in force has no rule unheard-of for reception"):
        call_command("enforce_retention")

    told = cells(capsys.readouterr().out.splitlines())
    assert told["orphan"]["result"] == "not promised"
    assert told["visits"]["erased"] == "3"
    assert not RetentionRun.objects.filter(target="orphan").exists()


def test_a_target_in_which_somebody_is_at_work_is_left_to_them_and_that_is_no_failure(two, capsys):
    with only_one("visits"):
        call_command("enforce_retention")

    out, err = capsys.readouterr()
    assert cells(out.splitlines())["visits"]["result"] == "busy"
    assert "visits: another run is at work in it" in err
    assert ids() == [1, 2, 3, 4]


def test_long_work_tells_how_far_it_is(two, capsys, monkeypatch):
    monkeypatch.setattr("retention.management.commands.enforce_retention.SECONDS_BETWEEN_LINES", 0)

    call_command("enforce_retention", target="visits")

    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"visits: 3 of 4 rows, 1 to go, [\d,]+ rows/s", lines[0])
    assert re.fullmatch(r"visits: 4 of 4 rows, 0 to go, [\d,]+ rows/s", lines[1])


# -- Every night -----------------------------------------------------------------------------------


@pytest.fixture
def night():
    """The latest half past two in the night, by the clock in Amsterdam."""
    local = timezone.localtime(timezone.now(), timezone.get_default_timezone())
    return local.replace(hour=2, minute=30, second=0, microsecond=0)


@pytest.fixture
def no_clocks(monkeypatch):
    """The moment is the test's own."""
    monkeypatch.setattr("retention.enforcing.CLOCKS_AGREE", timedelta(days=10_000))


def test_the_job_is_registered():
    assert due._jobs["retention"] is enforce_due


def test_once_a_night_and_the_log_says_what_was_done(two, night, no_clocks):
    said = enforce_due(night)

    assert said == "visits: erased 4, anonymised 0 of 4 due; suppliers: erased 2, anonymised 0 of 2 due"
    assert set(RetentionRun.objects.values_list("run_by", flat=True)) == {RUN_BY}
    visits(3, days_ago=40, first=100)
    assert enforce_due(night + timedelta(hours=5)) == ""
    assert enforce_due(night + timedelta(days=1)).startswith("visits: erased 3,")


@pytest.mark.parametrize(
    ("moment", "has_begun"),
    [
        (datetime(2026, 7, 1, 0, 0, tzinfo=UTC), True),  # 02:00 in summer
        (datetime(2026, 6, 30, 23, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 5, 1, 0, tzinfo=UTC), True),
        (datetime(2026, 1, 5, 0, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), True),  # the night without two o'clock
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), False),
    ],
)
def test_it_begins_at_two(two, no_clocks, moment, has_begun):
    assert bool(enforce_due(moment)) is has_begun


def test_it_gives_way_after_its_budget_and_goes_on_with_the_next_pass(two, night, no_clocks):
    enforce_due(night, budget=timedelta(microseconds=1))
    enforce_due(night, budget=timedelta(microseconds=1))
    assert RunUnderWay.objects.count() <= 1

    enforce_due(night)

    assert ids() == []
    assert RetentionRun.objects.filter(target="visits").count() == 1


def test_what_is_under_way_goes_on_by_day_too(two, night, no_clocks):
    with pytest.raises(KeyboardInterrupt):
        enforce(interrupted(break_off), promise(), now=night, by=RUN_BY)

    said = enforce_due(night + timedelta(hours=22, minutes=-30))

    assert said == "visits: erased 6, anonymised 0 of 6 due"


def test_a_run_by_hand_does_not_stand_in_for_that_of_the_night(two, night, no_clocks):
    enforce(targets._in_code["visits"], promise(), now=night, by="enforce_retention", limit=1)

    assert enforce_due(night).startswith("visits: erased 3,")


def test_what_was_refused_waits_for_the_next_night_and_what_failed_for_an_hour(register, night, no_clocks):
    def stumble(_target):
        raise ValueError

    visits(6, days_ago=40)
    register(interrupted(stumble, slug="stumbles"))
    LegalHold.objects.create(target="held", key="", reason="Case 12", placed_by="petra")
    register(target(slug="held"))

    assert enforce_due(night) == (
        "stumbles: failed (erased 3, anonymised 0 of 6 due); held: refused (erased 0, anonymised 0 of 0 due)"
    )
    assert enforce_due(night + timedelta(minutes=59)) == ""
    assert enforce_due(night + timedelta(minutes=61)) == "stumbles: erased 3, anonymised 0 of 3 due"
    assert enforce_due(night + timedelta(hours=12)) == ""


def test_what_nothing_promises_any_more_is_broken_off(register, night, no_clocks):
    visits(9, days_ago=40)
    promised = register()
    with pytest.raises(KeyboardInterrupt):
        enforce(interrupted(break_off), promise(), now=night, by=RUN_BY)
    promised.clear()

    assert enforce_due(night) == "visits: broken off, because nothing promises it any more"

    run = RetentionRun.objects.get()
    assert (run.result, run.erased) == ("overtaken", 3)
    assert len(ids()) == 6


def test_a_target_in_which_somebody_is_at_work_is_left_to_them_by_night_too(two, night, no_clocks):
    with only_one("visits"):
        assert enforce_due(night).startswith("suppliers:")
