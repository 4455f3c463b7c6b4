"""Erasing consent records whose time has come, in a way that leaves their seals standing.

Whole days go, from the oldest on, and only days that are sealed: of each remain its seal, which
says how many records it had, and the row that says under which rule they were erased. Daily
counts stay.
"""

import logging
import uuid
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from .counting import day_start
from .models import ConsentRecord, RecordPurge, SealedDay, SealLeaves
from .sealing import ID, records_between

logger = logging.getLogger(__name__)

# The first moment that a database can hold in any time zone: before all records.
BEGINNING = datetime(1, 1, 2, tzinfo=UTC)


class NotErasable(Exception):
    """The records may not be erased; the message says why."""


def purge(*, cut_off: datetime, rule: str, wording: str, by: str, now: datetime, batch: int = 5000) -> int:
    """Erase the records that arrived before ``cut_off``; how many went.

    ``cut_off`` is a midnight in Europe/Amsterdam, ``rule`` the identifier of the retention rule and
    ``wording`` what it says, ``by`` who runs it. The row that says so is written first. A run
    that stopped in the middle is taken up by the next with the same rule and cut-off. No
    transaction erases more than ``batch`` records, by their keys. Raises NotErasable.
    """
    last = _last_day_before(cut_off)
    days = _days_with_leaves(last)
    if not days and not ConsentRecord.objects.filter(recorded_at__lt=cut_off).exists():
        return 0
    newest = SealedDay.objects.first()
    if newest is None or newest.day < last:
        raise NotErasable(
            _("%(day)s is not sealed yet: what is not sealed cannot be erased.")
            % {"day": date_format(newest.day + timedelta(days=1) if newest else last, "DATE_FORMAT")}
        )

    same = RecordPurge.objects.filter(rule=rule, wording=wording, cut_off=cut_off)
    if not same.exists():
        RecordPurge.objects.create(rule=rule, wording=wording, cut_off=cut_off, decided_by=by, decided_at=now)
    erased = 0
    for seal in days:
        erased += _erase(day_start(seal.day), day_start(seal.day + timedelta(days=1)), batch)
        SealLeaves.objects.filter(seal=seal).delete()
    # Nothing, unless somebody has put records back.
    erased += _erase(BEGINNING, cut_off, batch)
    logger.info("Erased %s consent records from before %s under %s", erased, cut_off.date(), rule)
    return erased


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


def _erase(start: datetime, end: datetime, batch: int) -> int:
    """Erase what arrived from ``start`` until before ``end``, read once and then found by its key."""
    ids = bytearray()
    for row in records_between(start, end, "id"):
        ids += row.id.bytes
    erased = 0
    for at in range(0, len(ids), batch * ID):
        some = ids[at : at + batch * ID]
        keys = [uuid.UUID(bytes=bytes(some[i : i + ID])) for i in range(0, len(some), ID)]
        with transaction.atomic():
            # Not by our manager, which refuses: here the database decides, by the row of the erasure.
            erased += ConsentRecord._base_manager.filter(pk__in=keys)._raw_delete("default")
    return erased
