"""Sealing closed days, so that a record that is changed, missing or added later can be named.

The records that arrived on a day (Europe/Amsterdam) are the leaves of a Merkle tree; its root
stands in a seal that holds the digest of the seal before it, signed where the operator has a key.
Sealing reads records and adds rows of its own: it locks nothing that recording needs.
"""

import base64
import hashlib
import heapq
import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Min
from django.utils import timezone

from policies.snapshot import canonical, sha256

from .counting import day_start, recount
from .models import ConsentRecord, SealedDay, SealLeaves

FORMAT = 1
# A record bears the moment at which its INSERT began; it can be seen once that is committed.
GRACE = timedelta(hours=1)
# After so many seconds the other jobs have their turn: somebody may wait for a publication.
AT_A_TIME = 10

# A leaf as it is kept: the record's id (16 bytes), the hash of its text (32).
ID, LEAF = 16, 48
LEAVES_IN_PART = 20_000  # about a megabyte
LEAVES_IN_RUN = 50_000

FIELDS = (
    "id", "subject", "website", "version_id", "banner_id", "language", "gpc", "action", "choices", "vendors",
    "is_once", "decided_at", "recorded_at",
)  # fmt: skip

# On which side the neighbour stands, and its hash in hexadecimal; from the leaf up to the root.
Path = list[tuple[str, str]]


# -- What is sealed ----------------------------------------------------------------------------


def canonical_record(record: Any) -> str:
    """``record`` (a ConsentRecord, or a row with the attributes FIELDS) as canonical JSON, for ever the same."""
    return canonical(
        {
            "action": record.action,
            "banner": record.banner_id,
            "choices": record.choices,
            "decided_at": canonical_moment(record.decided_at),
            "gpc": record.gpc,
            "id": str(record.id),
            "language": record.language,
            "once": record.is_once,
            "recorded_at": canonical_moment(record.recorded_at),
            "subject": str(record.subject) if record.subject else None,
            "vendors": record.vendors,
            "version": record.version_id,
            "website": record.website,
        }
    )


def canonical_moment(moment: datetime) -> str:
    """``2026-11-22T20:41:45.123456Z``: in UTC, always with six digits, whatever the database gave."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seal_text(day: date, count: int, root: str, previous: str, sealed_at: datetime) -> str:
    """The canonical JSON that a seal's digest and signature are of.

    With the moment of sealing in it, a past that is sealed anew is signed with the day on which that was done.
    """
    return canonical(
        {
            "count": count,
            "day": day.isoformat(),
            "format": FORMAT,
            "previous": previous,
            "root": root,
            "sealed_at": canonical_moment(sealed_at),
        }
    )


# -- The tree (RFC 9162, 2.1) --------------------------------------------------------------------


def leaf_hash(text: str) -> bytes:
    return hashlib.sha256(b"\x00" + text.encode()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows leaf by leaf and keeps no more than its complete subtrees.

    ``paths`` holds, by index, the audit path of each leaf that was added to be watched. It is
    whole once the tree is closed.
    """

    def __init__(self) -> None:
        self.count = 0
        self.paths: dict[int, Path] = {}
        # Complete subtrees, the largest first: number of leaves, hash, which leaves are watched.
        self._subtrees: list[tuple[int, bytes, list[int]]] = []

    def add(self, leaf: bytes, *, is_watched: bool = False) -> None:
        watched = []
        if is_watched:
            watched.append(self.count)
            self.paths[self.count] = []
        self.count += 1
        node = (1, leaf, watched)
        while self._subtrees and self._subtrees[-1][0] == node[0]:
            node = self._joined(self._subtrees.pop(), node)
        self._subtrees.append(node)

    def close(self) -> bytes:
        """The root; nothing can be added any more."""
        if not self._subtrees:
            return hashlib.sha256().digest()
        node = self._subtrees.pop()
        while self._subtrees:
            node = self._joined(self._subtrees.pop(), node)
        return node[1]

    def _joined(
        self, left: tuple[int, bytes, list[int]], right: tuple[int, bytes, list[int]]
    ) -> tuple[int, bytes, list[int]]:
        for index in left[2]:
            self.paths[index].append(("right", right[1].hex()))
        for index in right[2]:
            self.paths[index].append(("left", left[1].hex()))
        return left[0] + right[0], node_hash(left[1], right[1]), left[2] + right[2]


# -- Proof of a record -----------------------------------------------------------------------------


def proofs_of(records: Collection[ConsentRecord]) -> dict[uuid.UUID, dict[str, Any]]:
    """``{id: {"day", "index", "count", "path", "root"}}`` of those of ``records`` whose day is sealed.

    Reads the leaves of each day once. There is no proof of a record that is not among them. The
    root is that of the seal; whoever follows the path from the record's own text sees whether it fits.
    """
    by_day: dict[date, set[bytes]] = {}
    for record in records:
        by_day.setdefault(timezone.localdate(record.recorded_at), set()).add(record.id.bytes)
    proofs = {}
    for seal in SealedDay.objects.filter(day__in=by_day):
        tree, found = Tree(), {}
        for leaf in stored_leaves(seal):
            if leaf[:ID] in by_day[seal.day]:
                found[tree.count] = uuid.UUID(bytes=leaf[:ID])
            tree.add(leaf[ID:], is_watched=tree.count in found)
        tree.close()
        for index, identifier in found.items():
            proofs[identifier] = {
                "day": seal.day.isoformat(),
                "index": index,
                "count": seal.count,
                "path": tree.paths[index],
                "root": seal.root,
            }
    return proofs


# -- Leaves ----------------------------------------------------------------------------------------


def stored_leaves(seal: SealedDay) -> Iterator[bytes]:
    """The leaves of a sealed day as they are kept, a part in memory at a time."""
    parts = SealLeaves.objects.filter(seal=seal).order_by("part")
    for pk in list(parts.values_list("pk", flat=True)):
        for body in SealLeaves.objects.filter(pk=pk).values_list("body", flat=True):
            yield from _cut(bytes(body))


def records_of(day: date) -> Iterator[Any]:
    """The records that arrived on ``day``, as rows with the attributes FIELDS."""
    return records_between(day_start(day), day_start(day + timedelta(days=1)), *FIELDS)


def records_between(start: datetime, end: datetime, *fields: str) -> Iterator[Any]:
    """Rows with the attributes ``fields`` of what arrived from ``start`` until before ``end``.

    In no order, and few in memory at a time. To be read to its end at once: it may hold a transaction.
    """
    arrived = ConsentRecord.objects.filter(recorded_at__gte=start, recorded_at__lt=end)
    with _while_reading():
        yield from arrived.order_by().values_list(*fields, named=True).iterator(chunk_size=2000)


def leaves_of(records: Iterable[Any]) -> Iterator[bytes]:
    """The leaves of ``records`` in the order of their ids.

    Of millions, the leaves are in memory, never the records: sorted run by run, and merged. A run
    is let go when it has been merged, and records arrive nearly in that order.
    """
    runs, run = [], []
    for record in records:
        run.append(record.id.bytes + leaf_hash(canonical_record(record)))
        if len(run) == LEAVES_IN_RUN:
            runs.append(_cut(b"".join(sorted(run))))
            run = []
    runs.append(_cut(b"".join(sorted(run))))
    return heapq.merge(*runs)


def _cut(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), LEAF):
        yield body[start : start + LEAF]


def _while_reading() -> AbstractContextManager[Any]:
    """PostgreSQL hands out rows in portions inside a transaction only; with SQLite ours would keep writers waiting."""
    return transaction.atomic() if connection.vendor == "postgresql" else nullcontext()


# -- Sealing ---------------------------------------------------------------------------------------


def seal_closed_days(now: datetime) -> str:
    """Seal what can be sealed, the oldest day first; what was done, for the log.

    From the day of the first record on, every day has a seal: one without records as well, so
    that a record is noticed that is put there later.
    """
    started = time.monotonic()
    # Records bear the database's clock. One of ours that is ahead must not close a day that goes on.
    now = min(now, database_clock())
    sealed: list[SealedDay] = []
    waiting = ""
    while time.monotonic() - started < AT_A_TIME:
        last = SealedDay.objects.order_by("-day").first()
        day = last.day + timedelta(days=1) if last else first_day()
        if day is None or day_start(day + timedelta(days=1)) + GRACE > now:
            break
        if _may_still_grow(day):
            waiting = f"{day} waits: a transaction from before its end is still open"
            break
        if seal := _seal(day, last, now):
            sealed.append(seal)
    done = ""
    if sealed:
        records = sum(seal.count for seal in sealed)
        # The digest too: a log that is kept elsewhere keeps the seal elsewhere.
        newest = sealed[-1]
        done = f"sealed {len(sealed)} days with {records} records, the last of them {newest.day}: {newest.digest}"
    return "; ".join(filter(None, [done, waiting]))


def database_clock() -> datetime:
    """The present moment as the database tells it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        moment = cursor.fetchone()[0]
    # SQLite says it in UTC, as a text.
    return moment if isinstance(moment, datetime) else datetime.fromisoformat(moment).replace(tzinfo=UTC)


def first_day() -> date | None:
    """The day on which the first record arrived; None where there is none."""
    by_id = ConsentRecord.objects.order_by("id").first()
    if by_id is None:
        return None
    # Ids follow the clocks of browsers. What arrived before the first of them did is little, and the
    # index of arrivals finds it; without a bound it finds nothing.
    early = ConsentRecord.objects.filter(recorded_at__lte=by_id.recorded_at)
    return timezone.localdate(early.aggregate(first=Min("recorded_at"))["first"])


def _may_still_grow(day: date) -> bool:
    """Whether a record of ``day`` may be stored that cannot be seen yet: its commit hangs.

    What a transaction records bears a moment after its beginning, so one that began later adds
    nothing to the day. SQLite has one writer at a time, and does not wait an hour for it.
    """
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND xact_start < %s)",
            [day_start(day + timedelta(days=1))],
        )
        return cursor.fetchone()[0]


def _seal(day: date, last: SealedDay | None, now: datetime) -> SealedDay | None:
    """Seal ``day`` after ``last``; None where another process has done so meanwhile."""
    tree, parts, part = Tree(), [], []
    for leaf in leaves_of(records_of(day)):
        tree.add(leaf[ID:])
        part.append(leaf)
        if len(part) == LEAVES_IN_PART:
            parts.append(b"".join(part))
            part = []
    if part:
        parts.append(b"".join(part))
    root, previous = tree.close().hex(), last.digest if last else ""
    text = seal_text(day, tree.count, root, previous, now)
    key, signature = sign(text, settings.SEAL_SIGNING_KEY)
    # Before the seal: a day that is sealed has been counted as it is sealed, whatever happens in between.
    recount(day)
    try:
        with transaction.atomic():
            seal = SealedDay.objects.create(
                day=day,
                count=tree.count,
                root=root,
                previous=previous,
                digest=sha256(text),
                key=key,
                signature=signature,
                sealed_at=now,
            )
            for number, body in enumerate(parts):
                SealLeaves.objects.create(seal=seal, part=number, body=body)
    except IntegrityError:
        if not SealedDay.objects.filter(day=day).exists():
            raise
        return None
    return seal


# -- Signatures (Ed25519, RFC 8032) ------------------------------------------------------------------


def sign(text: str, private_key: bytes | None) -> tuple[str, str]:
    """Public key and signature of ``text`` in base64; both empty where there is no key."""
    if private_key is None:
        return "", ""
    signer = Ed25519PrivateKey.from_private_bytes(private_key)
    return _base64(signer.public_key().public_bytes_raw()), _base64(signer.sign(text.encode()))


def is_signature(text: str, key: str, signature: str) -> bool:
    """Whether ``signature`` is one of ``text`` by the holder of the public ``key``."""
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), text.encode())
    except (ValueError, InvalidSignature):
        return False
    return True


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
