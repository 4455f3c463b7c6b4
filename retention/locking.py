"""One at a time, whatever the process or the machine: a lock that ends with whoever holds it.

On PostgreSQL a session's advisory lock, on a connection of its own: a process that is killed frees
it, and so does a database that restarts. On SQLite a lock on a file beside the database. Neither is
lost to a pooled connection that is handed back between two transactions.
"""

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper


class Busy(Exception):
    """Somebody else holds the lock."""


class Lost(Exception):
    """The lock ended while it was needed: somebody else may hold it now."""


class Lock(Protocol):
    def check(self) -> None:
        """Raises Lost where the lock is held no more."""


@contextmanager
def only_one(name: str) -> Iterator[Lock]:
    """Hold the lock ``name``, which is one per database of ours. Raises Busy at once where it is taken."""
    held = _of_session(name) if connection.vendor == "postgresql" else _of_file(name)
    with held as lock:
        yield lock


# -- PostgreSQL --------------------------------------------------------------------------------


class _SessionLock:
    def __init__(self, session: BaseDatabaseWrapper) -> None:
        self._session = session

    def check(self) -> None:
        # As long as the session answers it holds what it took.
        try:
            with self._session.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error as error:
            raise Lost from error


@contextmanager
def _of_session(name: str) -> Iterator[Lock]:
    session = connection.copy()
    session.settings_dict["OPTIONS"].pop("pool", None)
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_number(name)])
            if not cursor.fetchone()[0]:
                raise Busy(name)
        yield _SessionLock(session)
    finally:
        session.close()


def _number(name: str) -> int:
    """64 bits, signed: what PostgreSQL names its advisory locks by."""
    digest = hashlib.sha256(f"retention: {name}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


# -- SQLite --------------------------------------------------------------------------------------


class _FileLock:
    def check(self) -> None:
        """The system takes it from nobody."""


@contextmanager
def _of_file(name: str) -> Iterator[Lock]:
    handle = os.open(_path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(name) from error
        yield _FileLock()
    finally:
        # The file stays: whoever removed it would let two in, each with a file of its own.
        os.close(handle)


def _path(name: str) -> Path:
    database = str(connection.settings_dict["NAME"])
    safe = re.sub(r"[^\w-]", "_", name)[:80] + "." + hashlib.sha256(name.encode()).hexdigest()[:8]
    if ":memory:" in database or "mode=memory" in database:
        return Path(tempfile.gettempdir()) / f"retention-{os.getuid()}-{safe}.lock"
    return Path(f"{database}.{safe}.lock")
