"""A run of enforcement: what goes, what stays, what is written down, and what a fault leaves behind."""

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from retention.enforcing import abandon, enforce
from retention.holding import release
from retention.locking import Busy, only_one
from retention.model_target import ModelTarget
from retention.models import LegalHold, RetentionRun, RunUnderWay

from .keeping import Visit, connected, drop_table, ids, make_table, promise, target, visits

ROOT = Path(__file__).resolve().parent.parent
ON_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no sessions to end")


@pytest.fixture
def table(db):
    make_table()


@pytest.fixture
def lasting_table(transactional_db):
    """As above, on real transactions."""
    make_table()
    yield
    drop_table()


@pytest.fixture
def now():
    # Databases have clocks of their own, which no test sets.
    return timezone.now()


def run(of=None, under=None, **options):
    facts = {"now": timezone.now(), "by": "test"}
    return enforce(of or target(), under or promise(), **facts | options)


def hold(key="", of="visits"):
    return LegalHold.objects.create(target=of, key=key, reason="Case 12", placed_by="petra")


@dataclass
class Interrupted(ModelTarget):
    """Meets with ``fault`` instead of its portion number ``at``."""

    fault: object = None
    at: int = 2
    portions: int = 0

    def enforce(self, batch, due):
        self.portions += 1
        if self.portions == self.at:
            self.fault(self)
        return super().enforce(batch, due)


def interrupted(fault, **changes):
    facts = vars(target(**changes))
    return Interrupted(**facts, fault=fault)


def break_off(_target):
    raise KeyboardInterrupt


def leave_under_way(**options):
    """A run of nine rows that was broken off after the first three."""
    with pytest.raises(KeyboardInterrupt):
        run(interrupted(break_off), **options)
    return RunUnderWay.objects.get()


# -- What goes and what stays ----------------------------------------------------------------------


def test_what_has_come_to_its_end_goes_and_the_rest_stays(table):
    visits(7, days_ago=40)
    visits(4, days_ago=20, first=100)

    ended = run()

    assert ids() == [100, 101, 102, 103]
    assert (ended.result, ended.due, ended.erased, ended.anonymised) == ("done", 7, 7, 0)
    assert not RunUnderWay.objects.exists()


def test_a_run_says_under_which_rule_up_to_when_and_by_whom(table, now):
    ended = run(now=now, by="enforce_retention")

    assert (ended.target, ended.purpose, ended.rule, ended.version) == ("visits", "reception", "visitors", 7)
    assert ended.wording == promise().wording
    assert (ended.run_by, ended.started_at, ended.is_dry, ended.error) == ("enforce_retention", now, False, "")
    assert ended.finished_at >= now
    midnight = timezone.localtime(ended.cut_off)
    assert (midnight.hour, midnight.date()) == (0, timezone.localdate(now) - timedelta(days=29))


def test_no_transaction_touches_more_than_a_portion(table):
    visits(7, days_ago=40)
    sizes = []

    run(progress=lambda progress: sizes.append(progress.done))

    assert sizes == [3, 6, 7]


def test_rows_without_a_date_and_with_one_yet_to_come_stay_and_are_counted(table):
    Visit.objects.create(id=1, name="Nobody knows when")
    visits(2, days_ago=-400, first=10)
    visits(1, days_ago=40, first=20)

    ended = run()

    assert ids() == [1, 10, 11]
    assert (ended.erased, ended.undated) == (1, 1)


def test_a_rule_until_the_event_itself_never_takes_what_is_yet_to_come(table, now):
    visits(1, days_ago=0, first=1, began_at=now - timedelta(minutes=2))
    visits(1, days_ago=0, first=2, began_at=now + timedelta(minutes=2))

    ended = run(under=promise(""), now=now)

    assert ids() == [2]
    assert ended.cut_off <= now


def test_an_event_that_ends_the_period_sooner_counts_too(table, now):
    visits(2, days_ago=10)
    Visit.objects.filter(id=1).update(left_at=now - timedelta(days=1))

    ended = run(target(early={"left": "left_at"}), promise(early=["left"]))

    assert ids() == [2]
    assert ended.erased == 1


def test_to_anonymise_leaves_the_row_and_counts_it_once(table):
    visits(4, days_ago=40)
    anonymising = target(treatments={"name": None, "kind": "former guest"})
    by_rule = promise(action="anonymise")

    first, second = run(anonymising, by_rule), run(anonymising, by_rule)

    assert set(Visit.objects.values_list("name", "kind")) == {(None, "former guest")}
    assert (first.erased, first.anonymised) == (0, 4)
    assert (second.due, second.anonymised) == (0, 0)


def test_as_of_an_earlier_day_less_is_due(table, now):
    visits(3, days_ago=40)
    visits(3, days_ago=32, first=10)

    ended = run(today=timezone.localdate(now) - timedelta(days=5))

    assert ids() == [10, 11, 12]
    assert ended.erased == 3


def test_a_day_yet_to_come_makes_nothing_due_sooner(table, now):
    visits(3, days_ago=29)

    run(today=timezone.localdate(now) + timedelta(days=5))

    assert len(ids()) == 3


def test_a_dry_run_touches_nothing_and_is_written_down_as_such(table):
    visits(4, days_ago=40)
    Visit.objects.create(id=99)
    hold("2")

    ended = run(is_dry=True)

    assert len(ids()) == 5
    assert (ended.is_dry, ended.result, ended.due, ended.held, ended.undated, ended.erased) == (
        True, "done", 3, 1, 1, 0,
    )  # fmt: skip
    assert not RunUnderWay.objects.exists()


def test_a_limit_is_exact_and_the_next_run_does_the_rest(table):
    visits(8, days_ago=40)

    first = run(limit=4)

    assert (first.result, first.due, first.erased) == ("limited", 8, 4)
    assert len(ids()) == 4
    assert run().erased == 4


def test_a_limit_that_was_not_reached_is_no_result(table):
    visits(4, days_ago=40)

    assert run(limit=4).result == "done"


def test_what_becomes_due_during_a_run_waits_for_the_next_with_a_census_of_its_own(table):
    visits(4, days_ago=40)

    def add_more(progress):
        if progress.done == 3:
            visits(5, days_ago=35, first=50)

    ended = run(progress=add_more)

    assert (ended.due, ended.erased) == (4, 4)
    assert len(ids()) == 5


# -- The share -------------------------------------------------------------------------------------


def test_more_than_the_largest_share_is_refused_with_what_to_do(table):
    visits(6, days_ago=40)
    visits(4, days_ago=1, first=50)

    ended = run(target(max_share=0.5))

    assert len(ids()) == 10
    assert (ended.result, ended.due) == ("refused", 0)
    assert ended.error.startswith("6 of 10 rows are due, more than the 50.0% that one run may touch.")
    assert "--target visits --confirm" in ended.error


def test_exactly_the_largest_share_goes(table):
    visits(5, days_ago=40)
    visits(5, days_ago=1, first=50)

    assert run(target(max_share=0.5)).erased == 5


def test_who_confirms_may_touch_more(table):
    visits(6, days_ago=40)

    assert run(target(max_share=0.1), confirmed=True).erased == 6


def test_a_dry_run_says_that_the_run_itself_would_be_refused(table):
    visits(6, days_ago=40)

    ended = run(target(max_share=0.5), is_dry=True)

    assert (ended.is_dry, ended.result, ended.due) == (True, "refused", 6)


# -- Legal holds -----------------------------------------------------------------------------------


def test_a_row_under_hold_stays_until_it_is_released(table, now):
    visits(3, days_ago=40)
    held = hold("2")

    ended = run()
    assert ids() == [2]
    assert (ended.due, ended.held, ended.erased) == (2, 1, 2)

    release(held, by="petra", now=now)
    assert run().erased == 1


def test_a_hold_on_another_target_holds_nothing_here(table):
    visits(3, days_ago=40)
    hold("2", of="elsewhere")

    assert run().erased == 3


def test_a_hold_on_everything_refuses_the_run_and_says_why(table):
    visits(3, days_ago=40)
    hold("")

    ended = run()

    assert len(ids()) == 3
    assert (ended.result, ended.error) == ("refused", "Everything in this target is under legal hold: Case 12")


def test_a_hold_that_is_placed_during_a_run_is_found_by_the_next_portion_of_a_run_that_is_taken_up(table):
    visits(9, days_ago=40)
    leave_under_way()
    hold("8")

    run()

    assert ids() == [8]


def test_a_hold_that_is_placed_while_a_run_goes_on_keeps_what_is_left(table):
    visits(9, days_ago=40)

    ended = run(progress=lambda progress: progress.done == 3 and hold("8"))

    assert ids() == [8]
    assert (ended.result, ended.erased) == ("done", 8)


def test_a_hold_on_everything_that_is_placed_while_a_run_goes_on_stops_it(table):
    visits(9, days_ago=40)

    ended = run(progress=lambda progress: progress.done == 3 and hold(""))

    assert len(ids()) == 6
    assert (ended.result, ended.erased) == ("refused", 3)


def test_a_hold_on_what_can_be_no_key_refuses_everything(table):
    visits(3, days_ago=40)
    for key in ("row two", "9" * 25):
        held = hold(key)
        assert run().result == "refused"
        assert len(ids()) == 3
        release(held, by="petra", now=timezone.now())


# -- Clocks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [timedelta(hours=2), timedelta(days=-400), timedelta(days=4000)])
def test_where_our_clock_jumped_nothing_is_erased(table, now, jump):
    visits(3, days_ago=40)

    ended = run(now=now + jump)

    assert len(ids()) == 3
    assert ended.result == "refused"
    assert "The clock of this machine and that of the database “default” are" in ended.error


@pytest.mark.parametrize("drift", [timedelta(minutes=50), timedelta(minutes=-50)])
def test_clocks_that_drift_a_little_do_not_matter(table, now, drift):
    visits(3, days_ago=40)

    ended = run(now=now + drift)

    assert ended.erased == 3
    assert ended.finished_at >= ended.started_at


# -- Stopped in the middle, and again --------------------------------------------------------------


def test_what_was_broken_off_is_taken_up_with_its_cut_off_and_counts(table, now):
    visits(9, days_ago=40)
    begun = leave_under_way(now=now - timedelta(minutes=30))
    assert (begun.erased, begun.due, len(ids())) == (3, 9, 6)

    ended = run(now=now)

    assert ids() == []
    assert (ended.erased, ended.due, ended.resumed) == (9, 9, 1)
    assert (ended.started_at, ended.cut_off) == (begun.started_at, begun.cut_off)
    assert not RunUnderWay.objects.exists()


def test_a_portion_that_was_not_committed_is_not_counted(table):
    visits(9, days_ago=40)

    with pytest.raises(KeyboardInterrupt):
        run(AfterTheAct(**vars(target()), fault=break_off))

    assert RunUnderWay.objects.get().erased == 3
    assert len(ids()) == 6


class AfterTheAct(Interrupted):
    def enforce(self, batch, due):
        enforced = ModelTarget.enforce(self, batch, due)
        self.portions += 1
        if self.portions == self.at:
            self.fault(self)
        return enforced


def test_a_run_that_is_taken_up_needs_no_new_census_and_no_second_confirmation(table):
    visits(9, days_ago=40)
    careful = target(max_share=0.1)
    with pytest.raises(KeyboardInterrupt):
        run(interrupted(break_off, max_share=0.1), confirmed=True)

    assert run(careful).erased == 9


def test_a_run_that_is_taken_up_touches_no_more_than_was_counted_at_its_beginning(table):
    visits(9, days_ago=40)
    leave_under_way()
    visits(500, days_ago=40, first=1000)

    ended = run(target(max_share=0.0))

    assert ended.erased == 9
    assert len(ids()) == 500


def test_after_its_budget_a_run_waits_and_the_next_call_goes_on(table):
    visits(9, days_ago=40)

    first = run(budget=timedelta(0))
    second = run(budget=timedelta(0))

    assert isinstance(first, RunUnderWay)
    assert (first.erased, second.erased) == (3, 6)
    assert not RetentionRun.objects.exists()
    assert run(budget=timedelta(minutes=1)).erased == 9


@pytest.mark.parametrize(
    "other", [promise("P31D"), promise(version=8), replace(promise(), wording={"en": "Else", "nl": "Anders"})]
)
def test_a_promise_that_changed_ends_the_run_and_begins_anew(table, other):
    visits(9, days_ago=40)
    leave_under_way()

    ended = run(under=other)

    before = RetentionRun.objects.get(result="overtaken")
    assert (before.erased, before.wording, before.error) == (3, promise().wording, "")
    assert (ended.result, ended.erased, ended.resumed, ended.version) == ("done", 6, 0, other.version)
    assert RetentionRun.objects.count() == 2


def test_a_run_with_a_later_cut_off_than_now_is_right_is_not_taken_up(table, now):
    visits(9, days_ago=31)
    leave_under_way()

    ended = run(today=timezone.localdate(now) - timedelta(days=5))

    assert RetentionRun.objects.get(result="overtaken").erased == 3
    assert ended.erased == 0
    assert len(ids()) == 6


def test_a_refusal_ends_what_was_under_way_with_what_it_did(table):
    visits(9, days_ago=40)
    leave_under_way()
    hold("")

    ended = run()

    assert (ended.result, ended.erased) == ("refused", 3)
    assert not RunUnderWay.objects.exists()


def test_what_nothing_promises_any_more_is_written_down_as_broken_off(table, now):
    visits(9, days_ago=40)
    leave_under_way()

    assert abandon("visits", now=now)
    assert not abandon("visits", now=now)

    assert (RetentionRun.objects.get().result, RetentionRun.objects.get().erased) == ("overtaken", 3)


def test_two_at_once_are_not_possible(table):
    visits(3, days_ago=40)

    with only_one("visits"), pytest.raises(Busy):
        run()
    with only_one("another"):
        assert run().erased == 3


# -- Faults ----------------------------------------------------------------------------------------


def test_a_table_that_vanished_is_a_run_that_failed(lasting_table):
    drop_table()

    ended = run()

    assert ended.result == "failed"
    assert ("42P01" if connection.vendor == "postgresql" else "SQLITE_ERROR") in ended.error


def test_a_table_that_vanishes_in_the_middle_leaves_the_counts_of_what_was_done(lasting_table):
    visits(9, days_ago=40)

    ended = run(interrupted(lambda _target: drop_table()))

    assert (ended.result, ended.due, ended.erased) == ("failed", 9, 3)


def test_a_fault_never_quotes_what_stood_in_a_row(lasting_table, caplog):
    visits(3, days_ago=40, name="Jan de Wit")
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX one_name ON visits (kind, born_on)")
    Visit.objects.update(kind="Jan de Wit", born_on=None)
    Visit.objects.filter(id=1).update(born_on="1970-01-01")

    ended = run(target(treatments={"born_on": "1970-01-01"}), promise(action="anonymise"))

    assert ended.result == "failed"
    assert ended.error.startswith("Other data depends on these rows")
    assert "Jan" not in ended.error + caplog.text
    assert Visit.objects.filter(born_on=None).count() == 2


def test_a_fault_of_the_software_is_a_run_that_failed_without_its_words(table, caplog):
    visits(9, days_ago=40, name="Jan de Wit")

    def stumble(_target):
        raise ValueError(Visit.objects.first().name)

    ended = run(interrupted(stumble))

    assert (ended.result, ended.erased) == ("failed", 3)
    assert "ValueError" in ended.error
    assert "in stumble" in caplog.text
    assert "Jan" not in ended.error + caplog.text


def test_after_a_fault_the_next_run_begins_anew(table):
    visits(9, days_ago=40)

    def stumble(_target):
        raise ValueError

    run(interrupted(stumble))
    ended = run()

    assert (ended.result, ended.due, ended.erased, ended.resumed) == ("done", 6, 6, 0)


def end_sessions(which, *values):
    """Of the sessions at this database, end those of which the condition ``which`` holds."""
    outside = connection.copy()
    outside.settings_dict["OPTIONS"].pop("pool", None)
    with outside.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}",
            values,
        )
    outside.close()


def own_backend():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


@ON_POSTGRESQL
def test_a_connection_that_breaks_in_the_middle_is_written_down_on_a_new_one(lasting_table):
    visits(9, days_ago=40)

    ended = run(interrupted(lambda _target: end_sessions("pid = %s", own_backend())))

    assert (ended.result, ended.erased) == ("failed", 3)
    assert len(ids()) == 6
    assert run().erased == 6


@ON_POSTGRESQL
def test_a_lock_that_is_lost_stops_the_run_before_its_next_portion(lasting_table):
    visits(9, days_ago=40)

    def lose_the_lock(progress):
        if progress.done == 3:
            end_sessions("pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')")

    ended = run(progress=lose_the_lock)

    assert (ended.result, ended.erased) == ("failed", 0)
    assert "The lock was lost" in ended.error
    assert RunUnderWay.objects.get().erased == 3
    assert run().erased == 9


@ON_POSTGRESQL
def test_a_database_that_goes_away_in_the_middle_is_found_by_the_next_run(lasting_table):
    visits(9, days_ago=40)
    name = connection.settings_dict["NAME"]
    server = connections["default"].copy()
    server.settings_dict["NAME"] = "postgres"
    server.settings_dict["OPTIONS"].pop("pool", None)

    def take_away(_target):
        with server.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    try:
        with pytest.raises(OperationalError):
            run(interrupted(take_away))
    finally:
        with server.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        server.close()
        connection.close()
        connection.close_pool()  # whose other connections are broken too

    assert RunUnderWay.objects.get().erased == 3
    ended = run()
    assert (ended.result, ended.erased, ended.resumed) == ("done", 9, 1)


# -- Data in another database ----------------------------------------------------------------------


@pytest.fixture
def elsewhere(transactional_db, tmp_path):
    with connected("elsewhere", tmp_path / "elsewhere.sqlite3") as alias:
        make_table(alias)
        yield alias


def test_data_elsewhere_goes_and_is_counted_here(elsewhere):
    visits(7, days_ago=40, alias=elsewhere)
    visits(1, days_ago=2, first=50, alias=elsewhere)

    ended = run(target(database=elsewhere))

    assert ids(elsewhere) == [50]
    assert ended.erased == 7


def test_a_database_elsewhere_that_goes_in_the_middle_leaves_the_counts_and_the_others_alone(elsewhere):
    visits(9, days_ago=40, alias=elsewhere)

    def take_away(_target):
        drop_table(elsewhere)

    ended = run(interrupted(take_away, database=elsewhere))

    assert (ended.result, ended.due, ended.erased) == ("failed", 9, 3)


def test_a_database_elsewhere_that_cannot_be_reached_is_a_run_that_failed(transactional_db, tmp_path):
    with connected("elsewhere", tmp_path / "nowhere" / "at-all.sqlite3") as alias:
        ended = run(target(database=alias))

    assert ended.result == "failed"
    assert "The database is away" in ended.error


# -- kill -9 -----------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
import django
django.setup()
from datetime import timedelta
from django.conf import settings
from django.utils import timezone
from retention.enforcing import enforce
from tests.test_enforcing import AfterTheAct
from tests.keeping import promise, target

def kill(_target):
    os.kill(os.getpid(), signal.SIGKILL)

enforce(AfterTheAct(**vars(target()), fault=kill), promise(), now=timezone.now(), by="killed")
"""


def surroundings():
    """The environment of a process that is to work in the database of the tests."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    return os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "privacy_site.settings"}


def in_a_process(script):
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=surroundings(), capture_output=True, text=True, timeout=60)


def test_a_process_that_is_killed_in_a_portion_leaves_it_undone_and_the_next_goes_on(lasting_table):
    visits(9, days_ago=40)

    killed = in_a_process(KILLED)

    assert killed.returncode == -9, killed.stderr
    begun = RunUnderWay.objects.get()
    assert (begun.erased, begun.run_by, len(ids())) == (3, "killed", 6)

    ended = run()

    assert ids() == []
    assert (ended.result, ended.due, ended.erased, ended.resumed) == ("done", 9, 9, 1)
