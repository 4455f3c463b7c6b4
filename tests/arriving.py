"""Consent records of days that have passed, and hands that reach past the triggers."""

import hashlib
import uuid
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from consent.models import Banner, ConsentRecord
from consent.recording import new_id
from consent.sealing import GRACE
from policies.models import StatementVersion
from retention.append_only import execute

from .conftest import evidence_tables

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MONDAY = date(2026, 5, 4)
TUESDAY, WEDNESDAY = (MONDAY + timedelta(days=days) for days in (1, 2))
BODY = b"/* a banner */"


def at(day, hour=12, minute=0, **more):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=AMSTERDAM, **more)


def once_closed(day):
    """The first moment at which ``day`` can be sealed."""
    return at(day + timedelta(days=1), 0) + GRACE


def refusal(banner, **changes):
    """What the ``banner`` with this digest delivers when everything is refused, at this moment."""
    now = timezone.now()
    return {
        "id": str(new_id(now)),
        "website": "website",
        "version": 1,
        "banner": banner,
        "language": "nl",
        "gpc": False,
        "action": "reject_all",
        "choices": {"analytical": False, "marketing": False},
        "decided_at": now.isoformat(),
    } | changes


def arrive(moment, number=1, **fields):
    """Store records that arrived at ``moment``; the last is returned. Needs a published version."""
    version = StatementVersion.objects.order_by("number").first()
    digest = hashlib.sha256(BODY).hexdigest()
    if not Banner.objects.filter(digest=digest).exists():
        Banner.objects.create(digest=digest, kind="script", website="website", version=version, body=BODY)
    rows = [
        ConsentRecord(
            **{
                "id": new_id(moment),
                "subject": uuid.uuid4(),
                "website": "website",
                "version": version,
                "banner_id": digest,
                "language": "nl",
                "gpc": False,
                "action": "save",
                "choices": {"analytical": True, "marketing": False},
                "decided_at": moment,
                "recorded_at": moment,
            }
            | fields
        )
        for _ in range(number)
    ]
    return ConsentRecord.objects.bulk_create(rows)[-1]


@contextmanager
def past_the_triggers():
    """What somebody could do who owns the database; undone at the end."""
    with transaction.atomic():
        connection.check_constraints()  # PostgreSQL alters no table for which checks are still due
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                names = [name for (name,) in cursor.fetchall()]
            execute([f'DROP TRIGGER "{name}"' for name in names], "default")
        else:
            execute([f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in evidence_tables()], "default")
        yield
        transaction.set_rollback(True)
