"""Which promise of the statement in force is kept by what, and which is kept by nothing.

Of each target one census. Rows are overdue if a whole night was there to erase them: what comes to
its end today goes tonight, and nobody has to be alarmed about it by day.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from . import promises, reckoning
from .holding import holds_on
from .models import DeclaredTarget, Result, RetentionRun, RunUnderWay
from .nightly import BEGINS_AT_HOUR
from .promises import Promise
from .targeting import all_targets
from .targets import Census, NotEnforceable, Target, in_code

# What began at two is done by six, also where there is much of it.
NIGHT_LASTS = timedelta(hours=4)
# How long one target of our own may keep whoever looks waiting; tables of others have their own limit.
PATIENCE = timedelta(seconds=30)

Key = tuple[str, str]


class State(StrEnum):
    """How a promise stands; the worst last. Before the first: nothing is wrong."""

    KEPT = "kept"
    NEVER_RUN = "never-run"
    NOT_STATED = "not-stated"
    NO_TARGET = "no-target"
    OVERDUE = "overdue"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


WORDS: dict[State, LazyText] = {
    State.KEPT: pgettext_lazy("a promise", "kept"),
    State.NEVER_RUN: pgettext_lazy("a promise", "not enforced yet"),
    State.NOT_STATED: pgettext_lazy("a promise", "no period stated"),
    State.NO_TARGET: pgettext_lazy("a promise", "nothing keeps it"),
    State.OVERDUE: pgettext_lazy("a promise", "overdue"),
    State.FAILED: pgettext_lazy("a promise", "cannot be enforced"),
    State.UNREACHABLE: pgettext_lazy("a promise", "not to be reached"),
}
_WORST = list(State)


@dataclass(frozen=True)
class LastRun:
    """The newest real run of a target under its promise."""

    pk: int
    finished_at: datetime
    result: str
    error: str
    erased: int
    anonymised: int


@dataclass(frozen=True)
class Keeping:
    """What a target does for its promise. ``census`` is None where nobody can tell, and ``trouble`` says why.

    Due in ``census`` is what should have gone in the last night at the latest. ``kept_on`` is when a
    run last came to its end.
    """

    target: str
    name: str
    state: State
    census: Census | None
    trouble: str
    last: LastRun | None
    kept_on: datetime | None
    is_under_way: bool
    is_held: bool

    @property
    def overdue(self) -> int:
        return self.census.due if self.census else 0


@dataclass(frozen=True)
class Covered:
    """A promise of the statement in force, and every target that keeps it.

    ``waiting`` are declared targets that name the promise and are not enforced.
    """

    promise: Promise
    keepings: tuple[Keeping, ...]
    waiting: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """That of the target that keeps it worst."""
        if not _is_stated(self.promise):
            return State.NOT_STATED
        return max((keeping.state for keeping in self.keepings), key=_WORST.index, default=State.NO_TARGET)


@dataclass(frozen=True)
class Astray:
    """A target whose promise the statement in force does not make: nothing is enforced there."""

    target: str
    name: str
    purpose: str
    rule: str


@dataclass(frozen=True)
class Coverage:
    """What is promised at ``looked_at``, whether it is kept, and when the next run begins."""

    promises: tuple[Covered, ...]
    astray: tuple[Astray, ...]
    looked_at: datetime
    next_run: datetime

    @property
    def version(self) -> int | None:
        """Of the statement in force; None where none is, or it promises nothing."""
        return self.promises[0].promise.version if self.promises else None

    @property
    def numbers(self) -> dict[State, int]:
        """How many promises stand how, every state named."""
        states = [covered.state for covered in self.promises]
        return {state: states.count(state) for state in State}

    @property
    def overdue(self) -> int:
        return sum(keeping.overdue for covered in self.promises for keeping in covered.keepings)

    @property
    def has_gaps(self) -> bool:
        """Whether a promise is known not to be kept, or a target to keep none."""
        known = {State.KEPT, State.UNREACHABLE}
        return bool(self.astray) or any(covered.state not in known for covered in self.promises)

    @property
    def cannot_tell(self) -> bool:
        """Whether data is out of reach, or nothing is in force to be kept."""
        return not self.promises or any(covered.state == State.UNREACHABLE for covered in self.promises)


def look(now: datetime) -> Coverage:
    """Every promise in force, with one census per target; a fault of one is told in its place.

    May take as long as the slowest target is allowed to, times their number.
    """
    in_force = promises.in_force()
    keys = {promise.key for promise in in_force}
    by_promise: dict[Key, list[Target]] = defaultdict(list)
    for target in all_targets().values():
        by_promise[target.purpose, target.rule].append(target)
    waiting: dict[Key, list[str]] = defaultdict(list)
    for slug, *key in DeclaredTarget.objects.filter(is_active=False).values_list("slug", "purpose", "rule"):
        waiting[key[0], key[1]].append(slug)

    runs = _Runs()
    covered = tuple(
        Covered(
            promise,
            tuple(_keeping(target, promise, runs, now) for target in by_promise[promise.key]),
            tuple(waiting[promise.key]),
        )
        for promise in in_force
    )
    astray = tuple(
        Astray(target.slug, str(target.name), target.purpose, target.rule)
        for key, found in by_promise.items()
        if key not in keys
        for target in found
    )
    return Coverage(covered, astray, looked_at=now, next_run=next_night(now))


def next_night(now: datetime) -> datetime:
    """When the scheduler begins next."""
    begins = _night_of(now)
    return begins if begins > now else _night_of(now + timedelta(days=1))


def last_night(now: datetime) -> datetime:
    """The beginning of the last night that is over."""
    over = now - NIGHT_LASTS
    begins = _night_of(over)
    return begins if begins <= over else _night_of(over - timedelta(days=1))


def _night_of(moment: datetime) -> datetime:
    local = timezone.localtime(moment, timezone.get_default_timezone())
    return local.replace(hour=BEGINS_AT_HOUR, minute=0, second=0, microsecond=0, fold=0)


# -- One target --------------------------------------------------------------------------------


class _Runs:
    """The newest runs, fetched at once: by target and promise."""

    def __init__(self) -> None:
        real = RetentionRun.objects.filter(is_dry=False)
        newest = real.order_by().values("target", "purpose", "rule")
        newest = newest.annotate(newest=Max("pk"), kept_on=Max("finished_at", filter=Q(result=Result.DONE)))
        found = {(row["target"], row["purpose"], row["rule"]): row for row in newest}
        runs = real.in_bulk([row["newest"] for row in found.values()])
        self._last = {
            key: LastRun(run.pk, run.finished_at, run.result, run.error, run.erased, run.anonymised)
            for key, row in found.items()
            for run in [runs[row["newest"]]]
        }
        self._kept_on = {key: row["kept_on"] for key, row in found.items()}
        self.under_way = set(RunUnderWay.objects.values_list("target", flat=True))

    def last(self, target: Target) -> LastRun | None:
        return self._last.get((target.slug, target.purpose, target.rule))

    def kept_on(self, target: Target) -> datetime | None:
        return self._kept_on.get((target.slug, target.purpose, target.rule))


def _keeping(target: Target, promise: Promise, runs: _Runs, now: datetime) -> Keeping:
    holds = holds_on(target.slug)
    last = runs.last(target)
    census, trouble, state = None, "", State.NOT_STATED
    try:
        with _patience(target.database):
            census = _count(target, promise, frozenset(holds), now)
    except NotEnforceable as error:
        state, trouble = State.FAILED, str(error)
    except (Error, OSError) as error:
        state, trouble = State.UNREACHABLE, _("The database does not answer (%(fault)s).") % {"fault": _name_of(error)}
    if census is not None:
        state, trouble = _stands(census, last, is_held="" in holds)
    return Keeping(
        target=target.slug,
        name=str(target.name),
        state=state,
        census=census,
        trouble=trouble,
        last=last,
        kept_on=runs.kept_on(target),
        is_under_way=target.slug in runs.under_way,
        is_held="" in holds,
    )


def _count(target: Target, promise: Promise, held: frozenset[str], now: datetime) -> Census | None:
    """What is in the target, and what the last night left there; nothing of it under a hold on all."""
    if not _is_stated(promise):
        return None
    night = last_night(now)
    today = timezone.localdate(night, timezone.get_default_timezone())
    due = reckoning.due(promise.terms, today, night, target.exception, held - {""})
    target.check(due)
    census = target.census(due)
    if "" in held:
        return Census(census.total, 0, census.held + census.due, census.undated, census.future)
    return census


def _is_stated(promise: Promise) -> bool:
    """Whether its rule starts from some event, itself or through the rules that it follows."""
    return promise.terms.start is not None


def _stands(census: Census, last: LastRun | None, *, is_held: bool) -> tuple[State, str]:
    if is_held:
        return State.KEPT, _("Everything in it is under legal hold.")
    if last and last.result in {Result.REFUSED, Result.FAILED}:
        return State.FAILED, last.error
    if census.due:
        return State.OVERDUE, ""
    return (State.KEPT, "") if last else (State.NEVER_RUN, "")


@contextmanager
def _patience(alias: str) -> Iterator[None]:
    """Look at our own tables without waiting for ever, and without harm to what else is under way."""
    if alias != DEFAULT_DB_ALIAS:
        yield
        return
    with transaction.atomic():
        before = _wait_at_most(f"{PATIENCE // timedelta(milliseconds=1)}ms")
        yield
        # This may be but a part of a transaction.
        _wait_at_most(before)


def _wait_at_most(limit: str) -> str:
    """Set how long a question may take in this transaction; what was set before."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        before = cursor.fetchone()[0]
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
    return before


def _name_of(error: Exception) -> str:
    """Its kind, never its words, which may quote a row."""
    cause = error.__cause__
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or type(error).__name__)


# -- For the review: which targets there are, without asking any of them -----------------------


@dataclass(frozen=True)
class Known:
    """A target by name, and the promise that it is for."""

    slug: str
    name: str
    purpose: str
    rule: str
    exception: str
    is_declared: bool = True


def known_targets() -> list[Known]:
    """All that are enforced; one query."""
    ours = [
        Known(target.slug, str(target.name), target.purpose, target.rule, target.exception, is_declared=False)
        for target in in_code().values()
    ]
    taken = {known.slug for known in ours}
    active = DeclaredTarget.objects.filter(is_active=True)
    declared = active.values_list("slug", "name", "purpose", "rule", "exception")
    return ours + [Known(*row) for row in declared if row[0] not in taken]
