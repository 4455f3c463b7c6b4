"""Counting how visitors answered, each answer once, so that statistics never read the records.

Records are counted in the order of their arrival, up to a moment that CountedUpTo keeps. What is
erased later stays counted. They are read before the transaction that writes: with SQLite nobody
can record while that lasts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils import timezone

from .models import ConsentRecord, CountedUpTo, DailyCount, RecordPurge
from .recording import NEWEST, uuid7_moment

# A record bears the moment at which its INSERT began, but can be seen only once that is committed:
# milliseconds later, or seconds where the disk is slow. One that takes longer still is missed
# here, and is found by ``recount`` when its day is sealed.
LAG = timedelta(seconds=10)

# What tells one row of DailyCount from another, and what it counts.
KEY = ("day", "website", "language", "category", "gpc")
COUNTED = ("asked", "accepted", "refused", "withdrawn", "customised", "once")

Row = tuple[date, str, str, str, bool]
Counts = dict[Row, Counter[str]]


def count(now: datetime) -> str:
    """Count what arrived since the last time; how many records that were, for the log.

    Day by day, so that what was counted stays counted. Of several at once each counts other
    records, or finds none left.
    """
    counted, is_behind = 0, True
    while is_behind:
        number, is_behind = _count_one_day(now)
        counted += number
    return f"counted {counted} records" if counted else ""


def recount(day: date) -> None:
    """Replace the counts of ``day`` (Europe/Amsterdam) by those of the records that are there.

    For a day that is over, once no record can be added to it. A day of which records may have been
    erased keeps its counts.
    """
    is_done = False
    while not is_done:
        is_done = _recount(day)


def day_start(day: date) -> datetime:
    """The midnight with which ``day`` begins in Amsterdam; the next is 23 to 25 hours later."""
    return timezone.make_aware(datetime(day.year, day.month, day.day))


# -- One step --------------------------------------------------------------------------------


def _count_one_day(now: datetime) -> tuple[int, bool]:
    """Count on to the end of the day that has been reached; how many records, and whether any may be left."""
    reached = _reached() or _begin(now)
    # The database writes the moments, so its clock says what can have arrived.
    until = min(now, reached.clock) - LAG
    start = reached.moment
    if start >= until:
        return 0, False
    day = timezone.localdate(start)
    end = min(day_start(day + timedelta(days=1)), until)
    counts, number = _counts_between(start, end)
    with transaction.atomic():
        # From here on nobody else counts, until the transaction ends.
        if not CountedUpTo.objects.filter(moment=start).update(moment=end):
            return 0, True  # somebody has done so since we looked
        for row in DailyCount.objects.filter(day=day) if counts else []:
            counts.setdefault(_key(row), Counter()).update({name: getattr(row, name) for name in COUNTED})
        _store(counts)
    return number, end < until


def _recount(day: date) -> bool:
    """Count ``day`` again as far as it has been counted; False where somebody has counted more of it meanwhile."""
    start, end = day_start(day), day_start(day + timedelta(days=1))
    reached = _reached()
    if reached is None or _is_erased_after(start):
        return True
    until = min(end, reached.moment)
    counts, _number = _counts_between(start, until)
    with transaction.atomic():
        # From here on nobody else counts, until the transaction ends.
        held = CountedUpTo.objects.select_for_update().get()
        if min(end, held.moment) != until:
            return False
        # The row of an erasure comes before the first record goes: without one, none had gone when we read.
        if not _is_erased_after(start):
            DailyCount.objects.filter(day=day).delete()
            _store(counts)
    return True


def _is_erased_after(start: datetime) -> bool:
    """Whether records may be gone that arrived after ``start``."""
    return RecordPurge.objects.filter(cut_off__gt=start).exists()


def _reached() -> Any:
    """The row up to which is counted, with the database's ``clock``; None before the first count."""
    return CountedUpTo.objects.annotate(clock=Now()).first()


def _begin(now: datetime) -> Any:
    """Start before the first record, or now where there is none."""
    first = ConsentRecord.objects.order_by("id").first()
    # Ids are in the order of the clocks of browsers, which are ahead of ours by NEWEST at most.
    earliest = min(first.recorded_at, uuid7_moment(first.id) - NEWEST) if first else now - NEWEST
    CountedUpTo.objects.bulk_create([CountedUpTo(id=1, moment=earliest)], ignore_conflicts=True)
    return _reached()


def _store(counts: Counts) -> None:
    """Write the rows as they are from now on."""
    rows = [DailyCount(**dict(zip(KEY, key, strict=True)), **found) for key, found in counts.items()]
    DailyCount.objects.bulk_create(rows, update_conflicts=True, unique_fields=KEY, update_fields=COUNTED)


def _key(row: DailyCount) -> Row:
    return row.day, row.website, row.language, row.category, row.gpc


# -- What a record counts for -----------------------------------------------------------------


def _counts_between(start: datetime, end: datetime) -> tuple[Counts, int]:
    """The counts of what arrived from ``start`` until before ``end``, on one day; and how many records."""
    day = timezone.localdate(start)
    counts: Counts = {}
    number = 0
    # Few combinations, whatever the number of records; a refusal carries no browser.
    groups = (
        ConsentRecord.objects.filter(recorded_at__gte=start, recorded_at__lt=end)
        .order_by()
        .annotate(grants=Q(subject__isnull=False))
        .values("website", "language", "gpc", "action", "is_once", "choices", "grants")
        .annotate(number=Count("pk"))
    )
    for group in groups:
        number += group["number"]
        for category, names in _said(group):
            row = (day, group["website"], group["language"], category, group["gpc"])
            counts.setdefault(row, Counter()).update(dict.fromkeys(names, group["number"]))
    return counts, number


def _said(group: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """What such a record counts as, in the row without a category and in that of each category."""
    if group["is_once"]:
        yield "", ["once"]
        return
    is_withdrawal = group["action"] == ConsentRecord.Action.WITHDRAW
    customised = ["customised"] if group["action"] == ConsentRecord.Action.SAVE else []
    # Somebody who refuses the categories and allows a single vendor has accepted something.
    for category, is_granted in [("", group["grants"]), *group["choices"].items()]:
        answer = "withdrawn" if is_withdrawal else "accepted" if is_granted else "refused"
        yield category, ["asked", answer, *customised]
