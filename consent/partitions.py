"""The months of the consent records: on PostgreSQL a partition each, by the key itself.

A record belongs to the month (UTC) of the moment in its UUIDv7. So its key stays unique across all
months, and a retry or a receipt leads to one of them. Months are made ahead; what belongs to none is
kept by the default partition until its month is made. On SQLite there is one table, and nothing to do.
"""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from prometheus_client.metrics_core import Metric

from retention.figures import gauge

from .models import ConsentRecord
from .recording import NEWEST, OLDEST, uuid7_moment

logger = logging.getLogger(__name__)

TABLE = ConsentRecord._meta.db_table
DEFAULT = f"{TABLE}_default"
AHEAD = 3  # months after the present one
# The clock of a web server and that of the database are two.
CLOCKS_DIFFER = timedelta(hours=1)
# While we wait for a lock, recording waits behind us. Shorter than the second after which
# PostgreSQL looks for a deadlock: it is us who give way.
PATIENCE = "500ms"
# So many records change their partition in a fraction of a second, during which nobody can record.
MOST_MOVED = 10_000
# One at a time makes or drops partitions. The number means nothing; it is held by nobody else.
LOCK = 0x636F6E73_656E7400
# lock_not_available, deadlock_detected
GAVE_WAY = {"55P03", "40P01"}

BOUNDS = re.compile(r"FOR VALUES FROM \((MINVALUE|'[0-9a-f-]{36}')\) TO \('([0-9a-f-]{36})'\)")


class Busy(Exception):
    """Somebody reads or writes the table for long. Nothing was done; it can be tried again later."""


@dataclass(frozen=True)
class Partition:
    """Records with ids from ``start`` (None: from the first on) until before ``end``; the default has neither."""

    name: str
    start: uuid.UUID | None = None
    end: uuid.UUID | None = None

    @property
    def is_default(self) -> bool:
        return self.end is None

    def holds(self, identifier: uuid.UUID) -> bool:
        """Whether the bounds are those for ``identifier``; the default is asked last, and not here."""
        return self.end is not None and (self.start is None or self.start <= identifier) and identifier < self.end

    def may_have_of(self, start: datetime, end: datetime) -> bool:
        """Whether what arrived from ``start`` until before ``end`` may be here, as far as clocks can be trusted."""
        return (
            self.end is not None
            and uuid7_moment(self.end) + OLDEST + CLOCKS_DIFFER > start
            and (self.start is None or uuid7_moment(self.start) - NEWEST - CLOCKS_DIFFER < end)
        )

    def is_past(self, now: datetime) -> bool:
        """Whether no decision can reach us any more that would belong here."""
        return self.end is not None and uuid7_moment(self.end) + OLDEST + CLOCKS_DIFFER <= now


# -- Months ----------------------------------------------------------------------------------------


def month_of(moment: datetime) -> date:
    """The first day of the month of ``moment`` in UTC, which is what a UUIDv7 counts in."""
    return moment.astimezone(UTC).date().replace(day=1)


def after(month: date, number: int = 1) -> date:
    """The month that comes ``number`` months later, or earlier where it is negative."""
    years, month_before = divmod(month.month - 1 + number, 12)
    return date(month.year + years, month_before + 1, 1)


def bound(month: date) -> uuid.UUID:
    """What every UUIDv7 of ``month`` or later is not less than: UUIDs compare as bytes, the milliseconds first."""
    return uuid.UUID(int=int(datetime(month.year, month.month, 1, tzinfo=UTC).timestamp() * 1000) << 80)


def name_of(month: date) -> str:
    return f"{TABLE}_p{month:%Y_%m}"


# -- What is there ---------------------------------------------------------------------------------


def partitions() -> list[Partition]:
    """All partitions in the order of their ids, the default last; none where the table has none."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT part.relname, pg_get_expr(part.relpartbound, part.oid) FROM pg_inherits "
            "JOIN pg_class part ON part.oid = inhrelid WHERE inhparent = to_regclass(%s)",
            [TABLE],
        )
        there = [_read(name, bounds) for name, bounds in cursor.fetchall()]
    return sorted(there, key=lambda part: (part.is_default, part.end or uuid.UUID(int=0)))


def records_in(partition: Partition) -> int:
    """How many records are in ``partition``: reads all of it."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{partition.name}"')  # noqa: S608 - named by us
        return cursor.fetchone()[0]


def records_without_month(at_most: int = MOST_MOVED + 1) -> int:
    """How many records the default partition keeps; counts no further than ``at_most``."""
    if not any(part.is_default for part in partitions()):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM (SELECT FROM "{DEFAULT}" LIMIT %s) AS kept', [at_most])  # noqa: S608
        return cursor.fetchone()[0]


def attention() -> str:
    """What the office should know of the default partition, in a sentence; empty where it keeps nothing."""
    number = records_without_month()
    if number > MOST_MOVED:
        return _(
            "More than %(number)s consent records lie in no partition of a month, because none was made in time. "
            "They are safe, but are erased more slowly. Ask the administrator whether the scheduler runs."
        ) % {"number": MOST_MOVED}
    if number:
        return ngettext(
            "%(number)s consent record lies in no partition of a month. Ask the administrator whether the scheduler "
            "runs.",
            "%(number)s consent records lie in no partition of a month. Ask the administrator whether the scheduler "
            "runs.",
            number,
        ) % {"number": number}
    return ""


def looked_up() -> Iterator[Metric]:
    """What monitoring should know: how many records the default partition keeps; no figure where there is none."""
    if partitions():
        yield gauge(
            "privacy_consent_records_without_month",
            f"Consent records in no partition of a month; counted up to {MOST_MOVED + 1}.",
            records_without_month(),
        )


def _read(name: str, bounds: str) -> Partition:
    if bounds == "DEFAULT":
        return Partition(name)
    match = BOUNDS.fullmatch(bounds)
    if match is None:
        raise LookupError(f"{name} has bounds that are not ours: {bounds}")
    start, end = match.groups()
    return Partition(name, None if start == "MINVALUE" else uuid.UUID(start.strip("'")), uuid.UUID(end))


# -- Making them ahead -------------------------------------------------------------------------------


def make_ahead(now: datetime) -> str:
    """See to it that the present month and the next three have a partition; what was done, for the log.

    Also the month in which the oldest decision was made that may still arrive, and months that were
    missed since the last one. Of several at once one makes them. Records that the default partition
    keeps of such a month are moved, if they are few; the month of many stays with the default.
    """
    if not _missing(partitions(), now):
        return ""
    try:
        made, moved = _make(now)
    except Busy:
        return "partitions wait: the table of consent records is in use"
    if moved:
        logger.warning("Moved %s consent records that had come before their partition was made", moved)
    return f"made the partitions {', '.join(made)}" if made else ""


def _missing(there: list[Partition], now: datetime) -> dict[date, int]:
    """The months that are to be made, and how many records the default partition keeps of each.

    Not those of which it keeps more than can be moved.
    """
    if not any(part.is_default for part in there):
        return {}  # one table, on SQLite or before the migration
    month = month_of(now - OLDEST - CLOCKS_DIFFER)
    if ends := [part.end for part in there if part.end]:
        month = min(month, month_of(uuid7_moment(max(ends))))
    kept = {}
    while month <= after(month_of(now), AHEAD):
        if not any(part.holds(bound(month)) for part in there):
            kept[month] = _kept(month)
        month = after(month)
    if any(kept.values()) and records_without_month() > MOST_MOVED:
        return {month: number for month, number in kept.items() if not number}
    return kept


def _kept(month: date) -> int:
    """How many records of ``month`` the default partition keeps, up to what can be moved."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT count(*) FROM (SELECT FROM "{DEFAULT}" WHERE id >= %s AND id < %s LIMIT %s) AS kept',  # noqa: S608
            [bound(month), bound(after(month)), MOST_MOVED + 1],
        )
        return cursor.fetchone()[0]


def _make(now: datetime) -> tuple[list[str], int]:
    """Make what is missing in one short transaction: the names, and how many records were moved. Raises Busy."""
    with _changing() as cursor:
        if cursor is None:
            return [], 0
        there = partitions()
        missing = _missing(there, now)
        # Who records into the default partition what belongs to a month that is made meanwhile would
        # be refused. Of months to come nobody records yet: those are made beside everybody's work.
        is_in_use = any(missing.values()) or min(missing, default=date.max) <= month_of(now + NEWEST + CLOCKS_DIFFER)
        mode = "ACCESS EXCLUSIVE" if is_in_use else "SHARE UPDATE EXCLUSIVE"
        cursor.execute(f'LOCK TABLE ONLY "{TABLE}" IN {mode} MODE')
        cursor.execute(f'LOCK TABLE "{DEFAULT}" IN ACCESS EXCLUSIVE MODE')
        missing = _missing(there, now)
        if any(missing.values()) and not is_in_use:
            return [], 0  # one has just come; it is moved the next time
        moved = _set_aside(cursor) if any(missing.values()) else 0
        for month in missing:
            add(cursor, name_of(month), bound(month), bound(after(month)))
        if moved:
            _put_back(cursor)
        return [name_of(month) for month in missing], moved


def _set_aside(cursor: Any) -> int:
    """Empty the default partition, which lets no row be deleted, by making it anew; how many rows it had."""
    cursor.execute(f'CREATE TEMPORARY TABLE consent_set_aside AS SELECT * FROM "{DEFAULT}"')  # noqa: S608
    number = cursor.rowcount
    cursor.execute(f'DROP TABLE "{DEFAULT}"')
    add(cursor, DEFAULT)
    return number


def _put_back(cursor: Any) -> None:
    cursor.execute(f'INSERT INTO "{TABLE}" SELECT * FROM consent_set_aside')  # noqa: S608
    cursor.execute("DROP TABLE consent_set_aside")


def add(cursor: Any, name: str, start: uuid.UUID | None = None, end: uuid.UUID | None = None) -> None:
    """Add a partition with these bounds, or the default one where there are none.

    Made beside the table and then attached: that keeps nobody from recording into the others.
    """
    cursor.execute(f'CREATE TABLE "{name}" (LIKE "{TABLE}" INCLUDING ALL)')
    guard_from_truncate(cursor, name)
    bounds = f"FOR VALUES FROM ('{start}') TO ('{end}')" if end else "DEFAULT"
    cursor.execute(f'ALTER TABLE "{TABLE}" ATTACH PARTITION "{name}" {bounds}')


def guard_from_truncate(cursor: Any, name: str) -> None:
    """A partition gets the triggers on rows from its table, but none on statements."""
    cursor.execute(
        f'CREATE TRIGGER "{name}_no_truncate" BEFORE TRUNCATE ON "{name}" '
        f'FOR EACH STATEMENT EXECUTE FUNCTION "{TABLE}_refuse"()'
    )


# -- Dropping one that is over -------------------------------------------------------------------------


def past(now: datetime, cut_off: datetime) -> list[Partition]:
    """The partitions that are over at ``now`` and hold nothing that arrived at ``cut_off`` or later, oldest first."""
    return [part for part in partitions() if part.is_past(now) and not _has_younger(part, cut_off)]


def drop(partition: Partition) -> int | None:
    """Drop ``partition`` as a whole; how many records went. None where one of them may not go, or it is gone.

    That passes by the trigger which lets a record go only under the row of an erasure (RecordPurge).
    So the same is asked here, of each record, while none can be added. What is recorded later with an
    id of its month goes to the default partition. Raises Busy.
    """
    with _changing() as cursor:
        if cursor is None or partition not in partitions():
            return None
        cursor.execute(f'LOCK TABLE "{partition.name}" IN SHARE ROW EXCLUSIVE MODE')
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE NOT coalesce(recorded_at < last.cut_off, false)) "  # noqa: S608
            f'FROM "{partition.name}", (SELECT max(cut_off) AS cut_off FROM consent_recordpurge) AS last'
        )
        number, kept = cursor.fetchone()
        if kept:
            return None
        # Not detached first: that would turn its foreign keys into its own, and dropping those
        # locks the versions and banners as well.
        cursor.execute(f'DROP TABLE "{partition.name}"')
    logger.info("Dropped the partition %s with %s consent records", partition.name, number)
    return number


def _has_younger(partition: Partition, cut_off: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT EXISTS (SELECT FROM "{partition.name}" WHERE recorded_at >= %s)',  # noqa: S608
            [cut_off],
        )
        return cursor.fetchone()[0]


@contextmanager
def _changing() -> Iterator[Any]:
    """A short transaction in which we alone change partitions; None instead of a cursor where another does."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # Inside somebody's longer transaction: no table is altered for which checks are still due.
            connection.check_constraints()
            cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            yield cursor if cursor.fetchone()[0] else None
            cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in GAVE_WAY:
            raise
        raise Busy from error
