"""Keeping a promise: what has come to the end of its period goes, in portions, and it is written down.

One run per target at a time. Each portion is a short transaction of its own, which the counts of the
run under way belong to where the data is in our own database. For data elsewhere the counts are
committed right after it: whoever is killed between the two leaves one portion uncounted at most, and
none is done twice, because what went is not due any more. A run touches no more rows than it counted
before it began, so that the share that was allowed stays the share that is touched.

A run ends as a RetentionRun, which says how. What was killed leaves a RunUnderWay: the next goes on.
"""

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    Error,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    connections,
    transaction,
)
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from . import reckoning
from .holding import holds_on
from .locking import Lock, Lost, only_one
from .models import Enforcement, Result, RetentionRun, RunUnderWay
from .promises import Promise
from .targets import Census, Due, Enforced, NotEnforceable, Target

logger = logging.getLogger(__name__)

# Clocks that are further apart than this: one of them jumped, and nobody can say which.
CLOCKS_AGREE = timedelta(hours=1)


@dataclass(frozen=True)
class Progress:
    """What the present call has done: rows of those that were due when the run began."""

    target: Target
    done: int
    of: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0


Told = Callable[[Progress], None]


@dataclass(frozen=True)
class _Order:
    """What was asked for."""

    target: Target
    promise: Promise
    now: datetime
    by: str
    today: date
    is_dry: bool
    confirmed: bool
    limit: int | None
    budget: timedelta | None
    progress: Told | None
    begun: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    @property
    def is_out_of_time(self) -> bool:
        return self.budget is not None and self.seconds >= self.budget.total_seconds()

    def facts(self, cut_off: datetime) -> dict:
        """What the row of a run says from its beginning on."""
        return {
            "target": self.target.slug,
            "purpose": self.promise.purpose,
            "rule": self.promise.terms.slug,
            "wording": self.promise.wording,
            "version": self.promise.version,
            "cut_off": cut_off,
            "run_by": self.by,
            "started_at": self.now,
        }


def enforce(
    target: Target,
    promise: Promise,
    *,
    now: datetime,
    by: str,
    today: date | None = None,
    is_dry: bool = False,
    confirmed: bool = False,
    limit: int | None = None,
    budget: timedelta | None = None,
    progress: Told | None = None,
) -> RetentionRun | RunUnderWay:
    """Do what ``promise`` says to the data of ``target``; the run, or how far it got within ``budget``.

    ``now`` is the present moment, ``today`` the day in Amsterdam to reckon with if it is an earlier
    one. ``limit`` is how many rows may be touched, ``confirmed`` lifts the limit of the share. A fault
    is no exception but a run that failed, as is a refusal. Raises Busy where a run of this target goes
    on elsewhere, and django.db.Error where our own database cannot even be told.
    """
    here = timezone.localdate(now, timezone.get_default_timezone())
    order = _Order(
        target, promise, now, by, min(today or here, here), is_dry, confirmed, limit, budget, progress
    )  # fmt: skip
    with only_one(target.slug) as lock:
        try:
            return _enforce(order, lock)
        except NotEnforceable as error:
            return _stopped(order, Result.REFUSED, str(error))
        except Lost:
            # Who has the lock now may have taken up what is under way, with all that it counts.
            return _note(order, Result.FAILED, _("The lock was lost. What is under way is taken up by the next run."))
        except Error as error:
            logger.warning("Enforcing %s broke off: %s", target.slug, _code(error))
            return _stopped(order, Result.FAILED, _fault(error))
        except Exception as error:  # a fault in one target is not one of the others
            # Not the message: it may hold what stood in a row.
            where = "".join(traceback.format_tb(error.__traceback__))
            logger.error("Enforcing %s met with a %s\n%s", target.slug, type(error).__name__, where)
            sentence = _("A fault in the software (%(name)s); the log says where.")
            return _stopped(order, Result.FAILED, sentence % {"name": type(error).__name__})


def abandon(target: str, *, now: datetime) -> bool:
    """Write down as broken off what was under way in ``target``, which nothing promises any more; whether it was.

    Raises Busy where somebody is at work in it.
    """
    if not RunUnderWay.objects.filter(target=target).exists():
        return False
    with only_one(target):
        begun = RunUnderWay.objects.filter(target=target).first()
        if begun is not None:
            _end(begun, Result.OVERTAKEN, finished_at=now)
        return begun is not None


# -- Before the first row -------------------------------------------------------------------------


def _enforce(order: _Order, lock: Lock) -> RetentionRun | RunUnderWay:
    target = order.target
    holds = holds_on(target.slug)
    due = _due(order, order.today, order.now, frozenset(holds))
    _compare_clocks(order)
    _refuse_hold_on_all(holds)
    target.check(due)
    if order.is_dry:
        return _dry_run(order, due)

    run = _taken_up(order, due)
    if run is None:
        census = target.census(due)
        _refuse_share(order, census)
        counted = {"due": census.due, "held": census.held, "undated": census.undated}
        run = RunUnderWay.objects.create(**order.facts(due.before), **counted)
    else:
        # As it was reckoned then: the same rows, less those that are gone and those that are held since.
        then = timezone.localdate(run.started_at, timezone.get_default_timezone())
        due = replace(_due(order, min(then, order.today), run.started_at, frozenset(holds)), before=run.cut_off)
    return _carry_out(order, run, due, lock)


def _refuse_hold_on_all(holds: dict[str, str]) -> None:
    if "" in holds:
        raise NotEnforceable(_("Everything in this target is under legal hold: %(reason)s") % {"reason": holds[""]})


def _as_held_now(order: _Order, due: Due) -> Due:
    """``due`` with the holds that stand now: one that is placed during a run keeps what is left."""
    holds = holds_on(order.target.slug)
    _refuse_hold_on_all(holds)
    held = frozenset(holds)
    if held == due.held:
        return due
    due = replace(due, held=held)
    order.target.check(due)
    return due


def _due(order: _Order, today: date, now: datetime, held: frozenset[str]) -> Due:
    return reckoning.due(order.promise.terms, today, now, order.target.exception, held)


def _compare_clocks(order: _Order) -> None:
    """Raises NotEnforceable where our clock and that of a database that matters disagree."""
    for alias in _databases(order):
        apart = order.now + timedelta(seconds=order.seconds) - _clock_of(alias)
        if abs(apart) > CLOCKS_AGREE:
            raise NotEnforceable(
                _(
                    "The clock of this machine and that of the database “%(database)s” are %(minutes)s minutes "
                    "apart. Nothing is erased until they agree."
                )
                % {"database": alias, "minutes": number_format(abs(apart) // timedelta(minutes=1))}
            )


def _databases(order: _Order) -> set[str]:
    """Our own and that of the target, unless nobody knows it; the target itself says so."""
    return {alias for alias in (DEFAULT_DB_ALIAS, order.target.database) if alias in connections}


# The moment itself, not that of the beginning of a transaction.
CLOCKS = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    "mysql": "SELECT unix_timestamp(sysdate(6))",
}


def _clock_of(alias: str) -> datetime:
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(CLOCKS[connection.vendor])
        return datetime.fromtimestamp(float(cursor.fetchone()[0]), UTC)


def _dry_run(order: _Order, due: Due) -> RetentionRun:
    census = order.target.census(due)
    counted = {"due": census.due, "held": census.held, "undated": census.undated}
    result, error = Result.DONE, ""
    try:
        _refuse_share(order, census)
    except NotEnforceable as refusal:
        result, error = Result.REFUSED, str(refusal)
    return RetentionRun.objects.create(
        **order.facts(due.before), **counted, is_dry=True, result=result, error=error, finished_at=_moment(order)
    )


def _refuse_share(order: _Order, census: Census) -> None:
    """Raises NotEnforceable where more is due than may go without somebody's word for it."""
    if order.confirmed or census.due <= order.target.max_share * census.total:
        return
    raise NotEnforceable(
        _(
            "%(due)s of %(total)s rows are due, more than the %(share)s%% that one run may touch. Look whether the "
            "dates of the data are right. If they are, confirm it: enforce_retention --target %(target)s --confirm."
        )
        % {
            "due": number_format(census.due, force_grouping=True),
            "total": number_format(census.total, force_grouping=True),
            "share": number_format(round(order.target.max_share * 100, 1)),
            "target": order.target.slug,
        }
    )


def _taken_up(order: _Order, due: Due) -> RunUnderWay | None:
    """The run that stopped in the middle, if it may go on; what may not is written down as overtaken."""
    run = RunUnderWay.objects.filter(target=order.target.slug).first()
    if run is None:
        return None
    said = order.promise.purpose, order.promise.terms.slug, order.promise.wording, order.promise.version
    if said != (run.purpose, run.rule, run.wording, run.version) or due.before < run.cut_off:
        _end(run, Result.OVERTAKEN, finished_at=_moment(order))
        return None
    RunUnderWay.objects.filter(pk=run.pk).update(resumed=F("resumed") + 1, changed_at=Now())
    return run


# -- Portion by portion ---------------------------------------------------------------------------


@dataclass
class _Tally:
    """How many rows the present call may touch, and how many it did."""

    allowed: int
    done: int = 0

    @property
    def left(self) -> int:
        return self.allowed - self.done


def _carry_out(order: _Order, run: RunUnderWay, due: Due, lock: Lock) -> RetentionRun | RunUnderWay:
    target = order.target
    counted = run.due - run.erased - run.anonymised
    tally = _Tally(counted if order.limit is None else min(counted, order.limit))
    for batch in _portions(target, due, tally):
        if tally.done and order.is_out_of_time:
            return RunUnderWay.objects.get(pk=run.pk)
        lock.check()
        due = _as_held_now(order, due)
        enforced = _act(target, run, batch, due)
        tally.done += enforced.erased + enforced.anonymised
        if order.progress is not None:
            order.progress(Progress(target, tally.done, counted, order.seconds))
    is_limited = tally.left <= 0 and tally.done < counted
    ended = _end(run, Result.LIMITED if is_limited else Result.DONE, finished_at=_moment(order))
    logger.info("%s: erased %s rows, anonymised %s, by %s", run.target, ended.erased, ended.anonymised, run.rule)
    return ended


def _portions(target: Target, due: Due, tally: _Tally) -> Iterator[object]:
    """Portions of what is due, until there is no more or no more is allowed; the last is smaller."""
    while tally.left > 0:
        size = min(target.batch_size, tally.left)
        for batch in target.batches(due, size):
            yield batch
            if tally.left < size:
                break
        else:
            return


def _act(target: Target, run: RunUnderWay, batch: object, due: Due) -> Enforced:
    is_ours = target.database == DEFAULT_DB_ALIAS
    with transaction.atomic(using=target.database):
        enforced = target.enforce(batch, due)
        if is_ours:
            _count(run, enforced)
    if not is_ours:
        _count(run, enforced)
    return enforced


def _count(run: RunUnderWay, enforced: Enforced) -> None:
    RunUnderWay.objects.filter(pk=run.pk).update(
        erased=F("erased") + enforced.erased,
        anonymised=F("anonymised") + enforced.anonymised,
        changed_at=Now(),
    )


# -- How it ended ---------------------------------------------------------------------------------


def _end(run: RunUnderWay, result: Result, *, finished_at: datetime, error: str = "") -> RetentionRun:
    """Write down how ``run`` ended, with all that was done in its name."""
    with transaction.atomic():
        run = RunUnderWay.objects.select_for_update().get(pk=run.pk)
        facts = {each.attname: getattr(run, each.attname) for each in Enforcement._meta.fields}
        ended = RetentionRun.objects.create(
            **facts,
            is_dry=False,
            result=result,
            error=error,
            # A clock that went back in between must not keep the end from being written.
            finished_at=max(finished_at, run.started_at),
        )
        run.delete()
    return ended


def _stopped(order: _Order, result: Result, sentence: str) -> RetentionRun:
    """Write down a refusal or a fault, with what had been done before it."""
    for alias in _databases(order):
        if not connections[alias].in_atomic_block:
            # What broke off is opened anew where it is needed, in our own database right now.
            connections[alias].close_if_unusable_or_obsolete()
    run = None if order.is_dry else RunUnderWay.objects.filter(target=order.target.slug).first()
    if run is None:
        return _note(order, result, sentence)
    logger.warning("%s: %s. %s", order.target.slug, result.value, sentence)
    return _end(run, result, finished_at=_moment(order), error=sentence)


def _note(order: _Order, result: Result, sentence: str) -> RetentionRun:
    """Write down a run that did nothing, and why."""
    logger.warning("%s: %s. %s", order.target.slug, result.value, sentence)
    return RetentionRun.objects.create(
        **order.facts(_cut_off(order)), is_dry=order.is_dry, result=result, error=sentence, finished_at=_moment(order)
    )


def _cut_off(order: _Order) -> datetime:
    """Up to when it would have gone; the present moment where the rule does not say."""
    try:
        return _due(order, order.today, order.now, frozenset()).before
    except NotEnforceable:
        return order.now


def _moment(order: _Order) -> datetime:
    return order.now + timedelta(seconds=order.seconds)


def _fault(error: Error) -> str:
    """What went wrong with a database, in words and by its code; never its own words, which may quote a row."""
    match error:
        case IntegrityError():
            sentence = _("Other data depends on these rows, or a constraint refuses the change (%(code)s).")
        case ProgrammingError():
            sentence = _("A table or column is not there, or may not be touched (%(code)s).")
        case OperationalError():
            sentence = _("The database is away, broke off or does not know the table (%(code)s).")
        case DatabaseError():
            sentence = _("The database refused (%(code)s).")
        case _:
            sentence = _("The connection to the database broke (%(code)s).")
    return sentence % {"code": _code(error)}


def _code(error: Error) -> str:
    cause = error.__cause__
    known = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    if known is None and error.args and isinstance(error.args[0], int):
        known = error.args[0]  # MySQL
    return str(known or type(error).__name__)
