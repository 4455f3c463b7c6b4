"""Every target once a night, in portions between which the other jobs have their turn."""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from . import promises
from .enforcing import abandon, enforce
from .locking import Busy
from .models import Result, RetentionRun, RunUnderWay
from .promises import Promise
from .targeting import all_targets
from .targets import Target

logger = logging.getLogger(__name__)

RUN_BY = "run_due"
# When nobody works; by the clock of Amsterdam.
BEGINS_AT_HOUR = 2
# Somebody may wait for a publication: the next pass goes on.
AT_A_TIME = timedelta(seconds=20)
TRY_AGAIN_AFTER = timedelta(hours=1)


def promised() -> list[tuple[Target, Promise | None]]:
    """Every target, and what the statement in force promises about it, if anything."""
    in_force = {promise.key: promise for promise in promises.in_force()}
    return [(target, in_force.get((target.purpose, target.rule))) for target in all_targets().values()]


def enforce_due(now: datetime, budget: timedelta = AT_A_TIME) -> str:
    """The job: what is under way goes on, and what has not been enforced since last night is; what was done."""
    until = time.monotonic() + budget.total_seconds()
    under_way = set(RunUnderWay.objects.values_list("target", flat=True))
    enforced = _enforced_tonight(now)
    if not under_way and enforced is None:
        return ""
    everything = promised()
    said = [f"{slug}: broken off, because nothing promises it any more" for slug in _abandoned(everything, now)]
    for target, promise in everything:
        left = until - time.monotonic()
        if left <= 0:
            break
        is_to_run = target.slug in under_way or (enforced is not None and target.slug not in enforced)
        if promise is None or not is_to_run:
            continue
        try:
            run = enforce(target, promise, now=now, by=RUN_BY, budget=timedelta(seconds=left))
        except Busy:
            continue  # another process is at it
        said.append(in_words(run))
    return "; ".join(said)


def in_words(run: RetentionRun | RunUnderWay) -> str:
    """How far ``run`` came, for a log."""
    did = f"erased {run.erased}, anonymised {run.anonymised} of {run.due} due"
    if isinstance(run, RunUnderWay):
        return f"{run.target}: {did} so far"
    if run.result in (Result.REFUSED, Result.FAILED):
        return f"{run.target}: {run.result} ({did})"
    return f"{run.target}: {did}"


def _enforced_tonight(now: datetime) -> set[str] | None:
    """The targets that are not to be enforced again before the next night; None where this one has not begun.

    By runs of ours alone: whoever enforced something by hand may have done a part of it.
    """
    local = timezone.localtime(now, timezone.get_default_timezone())
    night = local.replace(hour=BEGINS_AT_HOUR, minute=0, second=0, microsecond=0)
    if local < night:
        return None
    runs = RetentionRun.objects.filter(is_dry=False, run_by=RUN_BY, finished_at__gte=night)
    last = {run.target: run for run in runs.order_by("id").defer("wording")}
    return {
        slug
        for slug, run in last.items()
        if run.result != Result.FAILED or run.finished_at > now - TRY_AGAIN_AFTER
    }  # fmt: skip


def _abandoned(everything: list[tuple[Target, Promise | None]], now: datetime) -> Iterator[str]:
    """What was under way and has no promise or no target any more; written down as broken off."""
    kept = {target.slug for target, promise in everything if promise is not None}
    for slug in RunUnderWay.objects.exclude(target__in=kept).values_list("target", flat=True):
        try:
            if abandon(slug, now=now):
                yield slug
        except Busy:
            continue
