"""Erasing seals whose time has come, so that the chain of those that are left still has a beginning.

The oldest go, and only where nothing of their days is left. A row (SealPurge) keeps the digest of the
last one that went, which the first one that stays holds too.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from django.db import connection, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from .counting import day_start
from .models import ConsentRecord, SealedDay, SealLeaves, SealPurge
from .purging import NotErasable, Portion

logger = logging.getLogger(__name__)


def purge_seals(*, cut_off: datetime, rule: str, wording: str, by: str, now: datetime, batch: int = 400) -> int:
    """Erase the seals of the days before ``cut_off``; how many went. See ``portions``."""
    erased = 0
    for portion in portions(cut_off=cut_off, rule=rule, wording=wording, by=by, now=now, batch=batch):
        with transaction.atomic():
            erased += portion()
    if erased:
        logger.info("Erased the seals of %s days from before %s under %s", erased, cut_off.date(), rule)
    return erased


def portions(
    *, cut_off: datetime, rule: str, wording: str, by: str, now: datetime, batch: int = 400
) -> Iterator[Portion]:
    """The erasure of the seals of the days before ``cut_off``, in portions of at most ``batch``.

    Each is to be done in a transaction of its own before the next is asked for, and leaves a whole
    chain. Arguments as of ``purging.portions``. The newest seal stays, whatever its day: the next one
    follows it. Raises NotErasable.
    """
    check(cut_off)
    while seals := erasable(cut_off)[:batch]:
        yield partial(_erase, seals, rule, wording, by, now)


def erasable(cut_off: datetime) -> list[SealedDay]:
    """The seals of the days before ``cut_off``, oldest first, but never the newest of all."""
    newest = SealedDay.objects.first()
    if newest is None:
        return []
    before = min(timezone.localdate(cut_off), newest.day)
    return list(SealedDay.objects.filter(day__lt=before).order_by("day"))


def check(cut_off: datetime) -> None:
    """Raises NotErasable where something is left of a day whose seal would go."""
    seals = erasable(cut_off)
    if not seals:
        return
    end = day_start(seals[-1].day + timedelta(days=1))
    leaves = SealLeaves.objects.filter(seal__day__lte=seals[-1].day)
    if leaves.exists() or ConsentRecord.objects.filter(recorded_at__lt=end).exists():
        raise NotErasable(
            _("There are still consent records from before %(day)s: they go first, and their seals after them.")
            % {"day": date_format(timezone.localdate(end), "DATE_FORMAT")}
        )


def _erase(seals: list[SealedDay], rule: str, wording: str, by: str, now: datetime) -> int:
    last = seals[-1]
    SealPurge.objects.create(
        rule=rule,
        wording=wording,
        up_to=last.day,
        cut_off=day_start(last.day + timedelta(days=1)),
        last_digest=last.digest,
        seals=len(seals),
        decided_by=by,
        decided_at=now,
    )
    for seal in seals:
        # One by one: the database wants the oldest first, and one statement has no order.
        SealedDay._base_manager.filter(pk=seal.pk)._raw_delete(connection.alias)
    return len(seals)
