"""Which promise of the statement in force is kept by what, and which by nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from policies.models import ProcessingPurpose
from policies.rendering import parse
from retention import promises
from retention.coverage import Known, State, known_targets, last_night, look, next_night
from retention.enforcing import enforce
from retention.models import DeclaredTarget, LegalHold, RetentionRun
from retention.nightly import RUN_BY
from retention.targeting import all_targets

from .foreign import ALIAS, declared
from .target_database import DUE, build, declare

pytestmark = pytest.mark.django_db

SESSIONS = ("site-administration", "staff-sessions")
NOBODY_LISTENS = "postgres://nobody@127.0.0.1:1/nothing"
OURS = {
    ("proof-of-choice", "consent-records"),
    ("proof-of-choice", "daily-counts"),
    ("proof-of-choice", "sealed-days"),
    ("site-administration", "content-history"),
    ("site-administration", "admin-log"),
    SESSIONS,
}


def promise(*key):
    return next(promise for promise in promises.in_force() if promise.key == key)


def covered(key, now=None):
    found = look(now or timezone.now())
    return next(covered for covered in found.promises if covered.promise.key == key)


def only(key, now=None):
    """The one target that keeps the promise ``key``, as it stands."""
    [keeping] = covered(key, now).keepings
    return keeping


def session(*, ended):
    return Session.objects.create(session_key=str(ended), session_data="", expire_date=ended)


def run(key, **changes):
    """A run of the target of this name, as it is written down."""
    now = timezone.now()
    facts = {
        "target": key[1],
        "purpose": key[0],
        "rule": key[1],
        "cut_off": now,
        "started_at": now,
        "finished_at": now,
        "run_by": RUN_BY,
        "is_dry": False,
    }
    return RetentionRun.objects.create(**facts | changes)


def enforce_all():
    now = timezone.now()
    in_force = {promise.key: promise for promise in promises.in_force()}
    for target in all_targets().values():
        if found := in_force.get((target.purpose, target.rule)):
            enforce(target, found, now=now, by="test")


# -- Our own promises ---------------------------------------------------------------------------


def test_what_the_product_itself_keeps_has_a_promise_and_a_target(published):
    found = look(timezone.now())

    kept = {one.promise.key for one in found.promises if one.keepings}
    assert kept == OURS
    assert found.astray == ()
    assert found.version == published.number


def test_what_has_never_run_is_said_to_be_so(published):
    assert only(SESSIONS).state == State.NEVER_RUN
    assert only(SESSIONS).kept_on is None


def test_what_the_last_night_left_is_overdue_until_a_run_has_been_there(published):
    session(ended=timezone.now() - timedelta(days=3))
    assert (only(SESSIONS).state, only(SESSIONS).overdue) == (State.OVERDUE, 1)

    enforce_all()

    assert (only(SESSIONS).state, only(SESSIONS).overdue) == (State.KEPT, 0)
    assert only(SESSIONS).last.erased == 1
    assert only(SESSIONS).kept_on is not None


def test_what_ended_since_the_last_night_goes_tonight_and_alarms_nobody(published):
    now = timezone.now()
    run(SESSIONS)
    session(ended=last_night(now) + timedelta(minutes=1))

    assert (only(SESSIONS, now).state, only(SESSIONS, now).overdue) == (State.KEPT, 0)


def test_looking_touches_nothing(published):
    session(ended=timezone.now() - timedelta(days=3))

    look(timezone.now())

    assert Session.objects.count() == 1
    assert RetentionRun.objects.count() == 0


# -- How a promise stands -----------------------------------------------------------------------


@pytest.mark.parametrize("result", ["failed", "refused"])
def test_a_run_that_failed_counts_until_one_comes_to_its_end(published, result):
    run(SESSIONS, result=result, error="No disk.")
    assert (only(SESSIONS).state, only(SESSIONS).trouble) == (State.FAILED, "No disk.")

    run(SESSIONS)

    assert (only(SESSIONS).state, only(SESSIONS).trouble) == (State.KEPT, "")


def test_a_dry_run_keeps_nothing(published):
    run(SESSIONS, is_dry=True)

    assert only(SESSIONS).state == State.NEVER_RUN


def test_a_run_for_another_promise_keeps_nothing_of_this_one(published):
    run(SESSIONS, rule="admin-log")

    assert only(SESSIONS).state == State.NEVER_RUN


def test_a_promise_without_target_is_a_gap_and_a_target_that_is_not_active_is_named(published):
    key = ("contact", "until-contact-satisfied")
    assert (covered(key).state, covered(key).waiting) == (State.NO_TARGET, ())

    target = declare(promise(*key), connection="nowhere", is_active=False)

    assert (covered(key).state, covered(key).waiting) == (State.NO_TARGET, (target.slug,))


def test_a_rule_that_states_nothing_cannot_be_kept_by_any_target(published):
    key = ("cookies", "not-stated")
    assert covered(key).state == State.NOT_STATED

    declare(promise(*key), connection="nowhere")

    assert covered(key).state == State.NOT_STATED
    assert only(key).census is None


def test_a_connection_that_the_environment_lacks_is_told_in_its_place(published):
    key = ("contact", "until-contact-satisfied")
    declare(promise(*key), connection="nowhere")

    assert only(key).state == State.FAILED
    assert "DATABASE_URL_NOWHERE" in only(key).trouble
    assert only(SESSIONS).census is not None


def test_a_database_that_is_away_makes_its_own_line_say_so_and_no_other(published):
    key = ("contact", "until-contact-satisfied")
    with declared(NOBODY_LISTENS):
        declare(promise(*key), connection=ALIAS)

        found = look(timezone.now())

    stands = {one.promise.key: one.state for one in found.promises}
    assert stands[key] == State.UNREACHABLE
    assert stands[SESSIONS] == State.NEVER_RUN
    assert found.cannot_tell


def test_a_table_that_vanished_is_told_in_its_place(published, foreign):
    key = ("contact", "until-contact-satisfied")
    declare(promise(*key), connection=ALIAS)

    assert only(key).state == State.FAILED
    assert only(key).trouble != ""


def test_what_is_under_a_hold_is_not_overdue(published):
    session(ended=timezone.now() - timedelta(days=3))
    LegalHold.objects.create(target="staff-sessions", reason="case 1", placed_by="anna")

    assert (only(SESSIONS).state, only(SESSIONS).overdue) == (State.KEPT, 0)
    assert only(SESSIONS).is_held
    assert only(SESSIONS).census.held == 1


def test_a_target_for_a_promise_that_nobody_made_is_told_apart(published):
    DeclaredTarget.objects.create(
        slug="old", name="Old", purpose="club", rule="gone", connection="nowhere", table="old", key_column="id",
        trigger_column="day", is_active=True,
    )  # fmt: skip

    [lost] = look(timezone.now()).astray

    assert (lost.target, lost.purpose, lost.rule) == ("old", "club", "gone")


def test_the_draft_changes_nothing(published):
    ProcessingPurpose.objects.get(slug="site-administration").delete()

    assert only(SESSIONS).state == State.NEVER_RUN


def test_before_the_first_publication_nothing_is_promised_and_nobody_can_tell(content):
    found = look(timezone.now())

    assert found.promises == ()
    assert found.version is None
    assert found.cannot_tell
    assert found.has_gaps  # six targets wait for a promise


# -- The nights ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        # Winter: Amsterdam is an hour ahead of UTC. The night begins at two and is over at six.
        (datetime(2026, 1, 15, 4, 59, tzinfo=UTC), datetime(2026, 1, 14, 1, tzinfo=UTC), date(2026, 1, 16)),
        (datetime(2026, 1, 15, 5, 0, tzinfo=UTC), datetime(2026, 1, 15, 1, tzinfo=UTC), date(2026, 1, 16)),
        (datetime(2026, 1, 15, 0, 59, tzinfo=UTC), datetime(2026, 1, 14, 1, tzinfo=UTC), date(2026, 1, 15)),
        (datetime(2026, 7, 15, 12, 0, tzinfo=UTC), datetime(2026, 7, 15, 0, tzinfo=UTC), date(2026, 7, 16)),
    ],
)
def test_the_last_night_is_over_at_six_and_the_next_begins_at_two(now, last, following):
    assert last_night(now) == last
    assert timezone.localtime(next_night(now)).date() == following
    assert timezone.localtime(next_night(now)).hour == 2


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_the_clock_being_changed_leaves_no_night_out(day):
    noon = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)

    assert last_night(noon) < noon < next_night(noon)
    assert noon - last_night(noon) < timedelta(hours=12)


# -- The first customer -------------------------------------------------------------------------


def test_with_its_databases_declared_every_promise_with_a_period_is_kept(published, foreign):
    today = timezone.localdate()
    targets = build(foreign, today)
    before = look(timezone.now())

    enforce_all()
    after = look(timezone.now())

    stated = [one for one in after.promises if one.promise.terms.start]
    overdue = {one.promise.key: one.keepings[0].overdue for one in before.promises if one.state == State.OVERDUE}
    assert overdue == {(target.purpose, target.rule): DUE for target in targets}
    assert {one.promise.purpose for one in before.promises} == set(purposes(published))
    assert {one.promise.key: one.state for one in stated} == {one.promise.key: State.KEPT for one in stated}
    assert {one.promise.purpose for one in after.promises if one.state == State.NOT_STATED} == {
        "route-planning", "applicant-online-screening", "anonymisation", "spam-protection", "social-media-button",
        "cookies",
    }  # fmt: skip
    assert after.overdue == 0


def purposes(version):
    return [purpose["slug"] for purpose in parse(version.document)["content"]["purposes"]]


# -- For the review -----------------------------------------------------------------------------


def test_which_targets_there_are_costs_one_query(published):
    target = declare(promise("contact", "until-contact-satisfied"), connection="nowhere")

    with CaptureQueriesContext(connection) as queries:
        known = known_targets()

    assert len(queries) == 1
    assert Known(target.slug, "Contact", "contact", "until-contact-satisfied", "") in known
    assert {(one.purpose, one.rule) for one in known if not one.is_declared} == OURS
