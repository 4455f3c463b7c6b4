"""Which database our own tables are in: one, whatever else is connected; and where much of it may be read.

A standby (DATABASE_REPLICA_URL) gives what was there when it was asked for, or is not asked: an export
that misses the records of an hour would be worse than a slow one.
"""

import logging
import time
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, InterfaceError, InternalError, OperationalError, connections
from django.db.models import QuerySet

logger = logging.getLogger(__name__)

Row = TypeVar("Row")

REPLICA = "read-replica"
OUR_OWN = {DEFAULT_DB_ALIAS, REPLICA}
# The standby does not answer, or breaks off: it has to replay what the reader stands in the way of.
AWAY = (OperationalError, InterfaceError, InternalError)
# So long the standby may take to come to where the primary was when somebody asked.
CATCH_UP_SECONDS = 2.0
PAUSE_SECONDS = 0.05
# A standby that failed or lags is not asked again for so long: each time somebody at the desk would wait for it.
LEFT_ALONE_SECONDS = 30.0
_left_alone_until = 0.0


class OnlyOurOwn:
    """A database router by which nothing of ours is ever made in a database of others, or on a standby."""

    def allow_migrate(self, db, app_label, **hints):
        return db == DEFAULT_DB_ALIAS


class Reading:
    """What one report reads: from the standby, if it holds all that there is when the report begins; else the primary.

    Should the standby go away half-way, the primary gives the rest, to the end: what was read is there as it was
    here, and a standby that comes back may be another one.
    """

    def __init__(self) -> None:
        self._using = for_reading()

    def rows(self, rows: "QuerySet[Any, Row]") -> list[Row]:
        """``rows``, all of them."""
        if self._using == REPLICA:
            try:
                return list(rows.using(REPLICA))
            except AWAY as error:
                self._using = DEFAULT_DB_ALIAS
                connections[REPLICA].close()
                _leave_alone("is away (%s)", type(error).__name__)
        return list(rows.using(self._using))


def for_reading() -> str:
    """The database to read much from: the standby, if it holds all that the primary has committed by now.

    Else the primary. Costs nothing where there is no standby, and two questions where there is one.
    """
    if REPLICA not in connections or time.monotonic() < _left_alone_until:
        return DEFAULT_DB_ALIAS
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn()")
        (committed,) = cursor.fetchone()
    try:
        if _has_replayed(committed):
            return REPLICA
    except AWAY as error:
        connections[REPLICA].close()
        _leave_alone("is away (%s)", type(error).__name__)
    else:
        _leave_alone("lags behind by more than %s s", CATCH_UP_SECONDS)
    return DEFAULT_DB_ALIAS


def _leave_alone(why: str, fact: object) -> None:
    global _left_alone_until
    _left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
    logger.warning(f"The replica {why}; the primary is read instead", fact)


def _has_replayed(committed: str) -> bool:
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while True:
        with connections[REPLICA].cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn", [committed])
            (is_there,) = cursor.fetchone()
        if is_there or time.monotonic() > deadline:
            return bool(is_there)
        time.sleep(PAUSE_SECONDS)
