"""Erasing consent records whose time has come, in a way that leaves their seals standing.

Whole days go, from the oldest on, and only days that are sealed: of each remain its seal, which
says how many records it had, and the row that says under which rule they were erased. Daily
counts stay. On PostgreSQL a month of which every record may go is dropped as a whole.
"""

import logging
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from . import partitions
from .counting import day_start
from .models import ConsentRecord, RecordPurge, SealedDay, SealLeaves
from .sealing import ID, database_clock, records_between

logger = logging.getLogger(__name__)

# The first moment that a database can hold in any time zone: before all records.
BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
# How often it is tried to drop a month that somebody reads: each time recording may wait half a second.
ATTEMPTS = 3

# What is done in one transaction; how many records it erased.
Portion = Callable[[], int]


class NotErasable(Exception):
    """The records may not be erased, or not now; the message says why."""


def purge(*, cut_off: datetime, rule: str, wording: str, by: str, now: datetime, batch: int = 5000) -> int:
    """Erase the records that arrived before ``cut_off``; how many went. See ``portions``."""
    erased = 0
    for portion in portions(cut_off=cut_off, rule=rule, wording=wording, by=by, now=now, batch=batch):
        with transaction.atomic():
            erased += portion()
    if erased:
        logger.info("Erased %s consent records from before %s under %s", erased, cut_off.date(), rule)
    return erased


def portions(
    *,
    cut_off: datetime,
    rule: str,
    wording: str,
    by: str,
    now: datetime,
    batch: int = 5000,
    at_most: int | None = None,
) -> Iterator[Portion]:
    """The erasure of the records that arrived before ``cut_off``, in portions: each one short transaction.

    ``cut_off`` is a midnight in Europe/Amsterdam, ``rule`` the identifier of the retention rule and
    ``wording`` what it says, ``by`` who runs it. The first portion writes the row that says so. Each is
    to be done before the next is asked for; whoever stops in between, or is killed, is taken up by the
    next run with the same rule and cut-off. None erases more than ``batch`` records by their keys, or
    one partition, if that has no more than ``at_most``. Raises NotErasable, and so does a portion.
    """
    days = check(cut_off)
    if not days and not _any_before(cut_off):
        return
    yield partial(_write_down, cut_off, rule, wording, by, now)
    # A clock of ours that is ahead must not drop the month in which visitors record.
    for month in partitions.past(min(now, database_clock()), cut_off):
        if at_most is None or partitions.records_in(month) <= at_most:
            yield partial(_drop, month, days)
    for seal in days:
        yield from _erasing(*_bounds(seal.day), batch, seal)
    # Nothing, unless somebody has put records back.
    yield from _erasing(BEGINNING, cut_off, batch)


def check(cut_off: datetime) -> list[SealedDay]:
    """The sealed days before ``cut_off`` that have not been erased, or not wholly. Raises NotErasable."""
    last = _last_day_before(cut_off)
    days = _days_with_leaves(last)
    newest = SealedDay.objects.first()
    if (newest is None or newest.day < last) and (days or _any_before(cut_off)):
        raise NotErasable(
            _("%(day)s is not sealed yet: what is not sealed cannot be erased.")
            % {"day": date_format(newest.day + timedelta(days=1) if newest else last, "DATE_FORMAT")}
        )
    return days


def erasure_of(day: date) -> RecordPurge | None:
    """Under what the records of ``day`` may have been erased; what reached it first, where several do."""
    whole = RecordPurge.objects.filter(cut_off__gte=day_start(day + timedelta(days=1)))
    return whole.order_by("id").first()


def _last_day_before(cut_off: datetime) -> date:
    midnight = timezone.localtime(cut_off)
    if midnight.time() != time.min:
        raise NotErasable(_("Consent records are erased by whole days: the cut-off is a midnight in Amsterdam."))
    return midnight.date() - timedelta(days=1)


def _days_with_leaves(last: date) -> list[SealedDay]:
    """The sealed days up to ``last`` that have not been erased, or not wholly."""
    leaves = SealLeaves.objects.filter(seal=OuterRef("pk"))
    return list(SealedDay.objects.filter(Exists(leaves), day__lte=last).order_by("day"))


def _any_before(cut_off: datetime) -> bool:
    return ConsentRecord.objects.filter(recorded_at__lt=cut_off).exists()


def _write_down(cut_off: datetime, rule: str, wording: str, by: str, now: datetime) -> int:
    """Say under which rule records are erased, unless a run that stopped has said it."""
    if not RecordPurge.objects.filter(rule=rule, wording=wording, cut_off=cut_off).exists():
        RecordPurge.objects.create(rule=rule, wording=wording, cut_off=cut_off, decided_by=by, decided_at=now)
    return 0


def _drop(month: partitions.Partition, days: list[SealedDay]) -> int:
    """Drop a month, with the leaves of those of ``days`` of which it has the last records.

    Raises NotErasable where somebody reads it all the time: it is never emptied row by row instead.
    """
    # Looked up before the month is locked. Nothing arrives any more on a day that is over.
    only_here = [seal.pk for seal in days if month.may_have_of(*_bounds(seal.day)) and not _is_elsewhere(seal, month)]
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                # First, because from the drop on nobody records until this transaction ends.
                SealLeaves.objects.filter(seal__in=only_here).delete()
                erased = partitions.drop(month)
                transaction.set_rollback(erased is None)
        except partitions.Busy as busy:
            reason = busy
        else:
            return erased or 0
    raise NotErasable(
        _("The consent records are being read for long just now, so no month can be dropped. The next run goes on.")
    ) from reason


def _is_elsewhere(seal: SealedDay, month: partitions.Partition) -> bool:
    """Whether a record that arrived on the day of ``seal`` is in another partition."""
    start, end = _bounds(seal.day)
    others = Q(pk__gte=month.end)
    if month.start:
        others |= Q(pk__lt=month.start)
    return ConsentRecord.objects.filter(others, recorded_at__gte=start, recorded_at__lt=end).exists()


def _bounds(day: date) -> tuple[datetime, datetime]:
    return day_start(day), day_start(day + timedelta(days=1))


def _erasing(start: datetime, end: datetime, batch: int, seal: SealedDay | None = None) -> Iterator[Portion]:
    """Erase what arrived from ``start`` until before ``end``, read once and then found by its key.

    The leaves of ``seal`` go together with the last of it.
    """
    ids = bytearray()
    for row in records_between(start, end, "id"):
        ids += row.id.bytes
    step = batch * ID
    for at in range(0, len(ids), step):
        is_last = at + step >= len(ids)
        yield partial(_erase, bytes(ids[at : at + step]), seal if is_last else None)
    if seal and not ids:
        yield partial(_erase, b"", seal)


def _erase(ids: bytes, seal: SealedDay | None) -> int:
    keys = [uuid.UUID(bytes=ids[at : at + ID]) for at in range(0, len(ids), ID)]
    # Not by our manager, which refuses: here the database decides, by the row of the erasure.
    erased = ConsentRecord._base_manager.filter(pk__in=keys)._raw_delete(connection.alias) if keys else 0
    if seal:
        SealLeaves.objects.filter(seal=seal).delete()
    return erased
