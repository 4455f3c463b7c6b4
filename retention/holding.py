"""Legal holds: data that stays, whatever its rule says, until somebody releases it."""

import logging
from datetime import datetime

from .models import LegalHold

logger = logging.getLogger(__name__)


def holds_on(target: str) -> dict[str, str]:
    """The key of each row of ``target`` that is held, and why; the empty key stands for all of them."""
    standing = LegalHold.objects.filter(target=target, released_at=None)
    return dict(standing.values_list("key", "reason"))


def release(hold: LegalHold, *, by: str, now: datetime) -> bool:
    """Let what was held go when its time comes; whether it was held still."""
    standing = LegalHold.objects.filter(pk=hold.pk, released_at=None)
    if not standing.update(released_by=by, released_at=now):
        return False
    logger.info("Released legal hold %s on %s", hold.pk, hold.target)
    return True
