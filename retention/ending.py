"""What ends from day to day: the rows that each target holds, on the days on which they have to go.

Counted from the day on which the data began. Events that end a period sooner cannot be foreseen.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import Error
from django.utils import timezone
from django.utils.translation import gettext as _

from . import promises, reckoning
from .holding import holds_on
from .periods import BeyondCalendar
from .promises import Promise
from .targeting import all_targets
from .targets import Census, NotEnforceable, Target

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """What a target holds that ends: rows per day still to come, and in ``census`` what is due already.

    With a ``fault``, a sentence, there is neither. ``hold`` is why everything in the target stays
    for now, ``fault`` and ``hold`` empty where there is none.
    """

    target: Target
    promise: Promise | None
    fault: str = ""
    hold: str = ""
    census: Census | None = None
    days: Mapping[date, int] = field(default_factory=dict)


def what_ends(first: date, last: date, *, now: datetime) -> list[Ending]:
    """Of every target, what ends from ``first`` to ``last``. One that cannot be reached says so, the rest stands.

    Reads every target: counts, as its database keeps them now.
    """
    in_force = {promise.key: promise for promise in promises.in_force()}
    return [
        _of_target(target, in_force.get((target.purpose, target.rule)), first, last, now)
        for target in all_targets().values()
    ]


def _of_target(target: Target, promise: Promise | None, first: date, last: date, now: datetime) -> Ending:
    if promise is None:
        return Ending(target, None, fault=_("The statement in force does not promise what this data is to be kept to."))
    today, holds = timezone.localdate(now), holds_on(target.slug)
    try:
        due = reckoning.due(promise.terms, today, now, target.exception, frozenset(holds) - {""})
        target.check(due)
        census = target.census(due)
        days = _days_to_come(target, promise, max(first, today + timedelta(days=1)), last)
    except (NotEnforceable, BeyondCalendar) as reason:
        return Ending(target, promise, fault=str(reason))
    except Error as error:
        # The message of a driver may hold an address or a name; its kind says enough here.
        logger.warning("Could not read what ends in %s: %s", target.slug, type(error).__name__)
        return Ending(target, promise, fault=_("Its database did not answer."))
    return Ending(target, promise, hold=holds.get("", ""), census=census, days=days)


def _days_to_come(target: Target, promise: Promise, first: date, last: date) -> dict[date, int]:
    """How many rows end on each day from ``first`` to ``last``, in order."""
    start = promise.terms.start
    earliest, latest = reckoning.began_within(promise.terms, first, last, target.exception)
    if start is None or latest < earliest:
        return {}
    ends: Counter[date] = Counter()
    for began, rows in target.calendar(earliest, latest).items():
        end = reckoning.reckon(promise.terms, {start.slug: began}, target.exception).end
        if end is not None:
            ends[end] += rows
    return dict(sorted(ends.items()))
