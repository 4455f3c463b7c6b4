"""Verifying the evidence: the chain of seals, each record against its leaf, versions and banners.

Reads only, and keeps a day's leaves in memory at most. What the outcome means, in words, is in
``verdict.py``.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Max, Sum
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from policies.models import StatementPdf, StatementVersion
from policies.rendering import LANGUAGES
from policies.snapshot import sha256

from .counting import day_start
from .models import Banner, ConsentRecord, RecordPurge, SealedDay, SealLeaves, SealPurge
from .purging import erasure_of
from .sealing import ID, Tree, first_day, is_signature, leaves_of, records_of, seal_text, stored_leaves

# Faults beyond these are counted, not named: whoever has so many has no use for the list.
NAMED = 10_000
CHUNK = 500
BANNERS_CHUNK = 50
# A closed day is sealed within hours, unless nothing seals.
SEALED_WITHIN = timedelta(days=2)

Progress = Callable[[date, int], None]
Leaf = bytes
# The banners that records point to: under which versions, for which web sites.
Met = dict[str, set[tuple[int, str]]]


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was sealed or published: ``kind`` (see verdict.FAULTS) of ``subject`` on ``day``."""

    kind: str
    subject: str = ""
    day: date | None = None


@dataclass
class Erased:
    """What was erased under one rule, of how many days."""

    days: int = 0
    records: int = 0


@dataclass(frozen=True)
class ErasedSeals:
    """How many seals were erased under one rule, and the last day of theirs."""

    seals: int
    last: date


@dataclass
class Span:
    """The seals that one key signed, or none did (empty key)."""

    first: date
    last: date
    seals: int = 0


@dataclass
class Report:
    """What was checked, and every fault. ``since`` and ``until`` bound the days whose records were read."""

    since: date | None = None
    until: date | None = None
    faults: list[Fault] = field(default_factory=list)
    unnamed: int = 0
    seals: int = 0
    first: SealedDay | None = None
    newest: SealedDay | None = None
    days: int = 0
    records: int = 0
    erased: dict[tuple[str, str], Erased] = field(default_factory=dict)
    erased_seals: dict[tuple[str, str], ErasedSeals] = field(default_factory=dict)
    keys: dict[str, Span] = field(default_factory=dict)
    # Days of the period that are over for long and were never sealed: nobody can say anything of them.
    unsealed: tuple[date, date] | None = None
    # The first and the last seal that were made long after their day.
    late: tuple[SealedDay, SealedDay] | None = None
    versions: int = 0
    pdfs: int = 0
    banners: int = 0

    @property
    def is_intact(self) -> bool:
        return not self.faults

    def add(self, kind: str, subject: Any = "", day: date | None = None) -> None:
        if len(self.faults) < NAMED:
            self.faults.append(Fault(kind, str(subject), day))
        else:
            self.unnamed += 1

    def erase(self, under: RecordPurge, records: int) -> None:
        erased = self.erased.setdefault((under.rule, under.wording), Erased())
        erased.days += 1
        erased.records += records


def verify(
    since: date | None = None,
    until: date | None = None,
    on_progress: Progress | None = None,
    *,
    expect: Collection[str] = (),
    keys: Collection[str] = (),
    now: datetime | None = None,
) -> Report:
    """Check everything, of the records those that arrived from day ``since`` to day ``until``.

    ``expect`` are digests of seals or versions that somebody kept: there must be such. ``keys`` are
    public keys (base64): if any, each seal of the period must be signed with one of them.
    ``on_progress`` is told each day that was checked, and the number of records so far.
    """
    report = Report(since, until)
    met: Met = {}
    wanted = set(expect)
    for seal in _chain(report):
        wanted.discard(seal.digest)
        if (since is None or since <= seal.day) and (until is None or seal.day <= until):
            if keys and seal.key not in keys:
                report.add("key", seal.key, seal.day)
            _check_day(seal, report, met)
            if on_progress:
                on_progress(seal.day, report.records)
    _look_before_the_first(report)
    _find_unsealed(report, now or timezone.now())
    versions = set()
    for version in _versions(report):
        wanted.discard(version.digest)
        versions.add(version.number)
    _check_banners(report, met, versions)
    wanted -= set(SealPurge.objects.filter(last_digest__in=wanted).values_list("last_digest", flat=True))
    for digest in sorted(wanted):
        report.add("expected-or-erased" if report.erased_seals else "expected", digest)
    return report


# -- The chain of seals ------------------------------------------------------------------------


def _chain(report: Report) -> Iterator[SealedDay]:
    """All seals, the oldest first, each checked by itself and against the one before."""
    before: SealedDay | None = None
    anchor, chunk = _beginning()
    _check_beginning(chunk[0] if chunk else None, anchor, report)
    while chunk:
        for seal in chunk:
            _check_seal(seal, before, report)
            report.first = report.first or seal
            report.seals += 1
            yield seal
            before = seal
        chunk = list(SealedDay.objects.filter(day__gt=before.day).order_by("day")[:CHUNK]) if before else []
    report.newest = before


def _beginning() -> tuple[SealPurge | None, list[SealedDay]]:
    """What the chain goes on from, if its beginning was erased, and the first seals of it: both of one moment."""
    while True:
        anchor = SealPurge.objects.first()
        chunk = list(SealedDay.objects.order_by("day")[:CHUNK])
        if SealPurge.objects.first() == anchor:
            return anchor, chunk


def _check_beginning(first: SealedDay | None, anchor: SealPurge | None, report: Report) -> None:
    if anchor is None:
        if first and first.previous:
            report.add("beginning", first.previous, first.day)
        return
    if first is None or (first.day, first.previous) != (anchor.up_to + timedelta(days=1), anchor.last_digest):
        report.add("anchor", anchor.last_digest, anchor.up_to)
    rules = SealPurge.objects.order_by().values("rule", "wording").annotate(number=Sum("seals"), last=Max("up_to"))
    for row in rules.order_by("last"):
        report.erased_seals[row["rule"], row["wording"]] = ErasedSeals(row["number"], row["last"])


def _check_seal(seal: SealedDay, before: SealedDay | None, report: Report) -> None:
    text = seal_text(seal.day, seal.count, seal.root, seal.previous, seal.sealed_at)
    if sha256(text) != seal.digest:
        report.add("seal", seal.digest, seal.day)
    if before is not None:
        for missing in range(1, (seal.day - before.day).days):
            report.add("day", day=before.day + timedelta(days=missing))
        if seal.previous != before.digest:
            report.add("chain", seal.previous, seal.day)
        if before.key and not seal.key:
            report.add("unsigned", day=seal.day)
    if seal.sealed_at - day_start(seal.day + timedelta(days=1)) > SEALED_WITHIN:
        report.late = (report.late[0] if report.late else seal, seal)
    if seal.key and not is_signature(text, seal.key, seal.signature):
        report.add("signature", seal.key, seal.day)
    span = report.keys.setdefault(seal.key, Span(seal.day, seal.day))
    span.last = seal.day
    span.seals += 1


# -- The records of one day --------------------------------------------------------------------


@dataclass
class _Differences:
    """Where the records of a day and its leaves part: all counted, the first of them named."""

    number: int = 0
    missing: int = 0
    named: list[tuple[str, uuid.UUID]] = field(default_factory=list)

    def add(self, kind: str, leaf: Leaf) -> None:
        self.number += 1
        self.missing += kind == "missing"
        if len(self.named) < NAMED:
            # What is kept may have been cut short by whoever changed it.
            self.named.append((kind, uuid.UUID(bytes=leaf[:ID].ljust(ID, b"\x00"))))


def _check_day(seal: SealedDay, report: Report, met: Met) -> None:
    records, leaves, differences = Tree(), Tree(), _Differences()
    for now, then in _side_by_side(leaves_of(_noted(records_of(seal.day), met)), stored_leaves(seal)):
        if now is not None:
            records.add(now[ID:])
        if then is not None:
            leaves.add(then[ID:])
        if now != then:
            differences.add("missing" if now is None else "inserted" if then is None else "changed", now or then or b"")
    report.days += 1
    report.records += records.count
    are_sealed = (records.close().hex(), records.count) == (seal.root, seal.count)
    leaves_fit = (leaves.close().hex(), leaves.count) == (seal.root, seal.count)
    # Looked up last: of an erasure under way, its row came before the first record went.
    erasure = erasure_of(seal.day)

    if are_sealed:
        if differences.number:
            report.add("leaves" if leaves.count else "leaves-gone", day=seal.day)
    elif erasure and not SealLeaves.objects.filter(seal=seal).exists():
        report.erase(erasure, seal.count)
        _name(differences, seal.day, report, may_miss=True)
    elif leaves_fit:
        if erasure and differences.missing:
            report.erase(erasure, differences.missing)
        _name(differences, seal.day, report, may_miss=erasure is not None)
    elif not differences.number:
        report.add("root", day=seal.day)
    elif leaves.count:
        report.add("leaves", day=seal.day)
        _name(differences, seal.day, report, may_miss=erasure is not None)
    else:
        report.add("leaves-gone", day=seal.day)
        report.add("unknown", day=seal.day)


def _name(differences: _Differences, day: date, report: Report, *, may_miss: bool) -> None:
    for kind, identifier in differences.named:
        if kind == "missing" and may_miss:
            continue
        there = ConsentRecord.objects.filter(pk=identifier)
        if kind == "missing" and there.exists():
            report.add("moved", identifier, day)
        # One that went with an erasure between two looks was not put there.
        elif kind != "inserted" or there.exists():
            report.add(kind, identifier, day)
    report.unnamed += differences.number - len(differences.named)


def _side_by_side(now: Iterator[Leaf], then: Iterator[Leaf]) -> Iterator[tuple[Leaf | None, Leaf | None]]:
    """Leaves of the same record beside each other, None where one side has none; both in the order of ids."""
    left, right = next(now, None), next(then, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[:ID] < right[:ID]):
            yield left, None
            left = next(now, None)
        elif left is None or right[:ID] < left[:ID]:
            yield None, right
            right = next(then, None)
        else:
            yield left, right
            left, right = next(now, None), next(then, None)


def _noted(records: Iterable[Any], met: Met) -> Iterator[Any]:
    for record in records:
        met.setdefault(record.banner_id, set()).add((record.version_id, record.website))
        yield record


# -- What no seal is about ---------------------------------------------------------------------


def _look_before_the_first(report: Report) -> None:
    """Sealing begins with the first record, so what says it is older was put there later."""
    if report.first is None or (report.since and report.since > report.first.day):
        return
    older = ConsentRecord.objects.filter(recorded_at__lt=day_start(report.first.day)).order_by("id")
    for identifier, arrived in older.values_list("id", "recorded_at")[:NAMED]:
        report.add("inserted", identifier, timezone.localdate(arrived))


def _find_unsealed(report: Report, now: datetime) -> None:
    if report.newest:
        first = report.newest.day + timedelta(days=1)
    else:
        arrived = first_day()
        if arrived is None:
            return
        first = arrived
    first = max(first, report.since or first)
    last = timezone.localdate(now - SEALED_WITHIN) - timedelta(days=1)
    last = min(last, report.until or last)
    if first <= last:
        report.unsealed = first, last


# -- Versions and banners ------------------------------------------------------------------------


def _versions(report: Report) -> Iterator[StatementVersion]:
    """All versions by number, one in memory at a time, each checked by itself and against the one before."""
    digest, number = "", 0
    while version := StatementVersion.objects.filter(number__gt=number).order_by("number").first():
        for missing in range(number + 1, version.number):
            report.add("version-missing", missing)
        if version.previous_digest != digest:
            report.add("version-chain", version.number)
        _check_version(version, report)
        report.versions += 1
        yield version
        digest, number = version.digest, version.number


def _check_version(version: StatementVersion, report: Report) -> None:
    if sha256(version.document) != version.digest:
        report.add("version", version.number)
    document = _read(version.document)
    beside = {
        "number": version.number,
        "previous": version.previous_digest,
        "change_summary": {"en": version.change_summary_en, "nl": version.change_summary_nl},
    }
    effective_at = parse_datetime(str(document.get("effective_at", "")))
    if effective_at != version.effective_at or any(document.get(name) != value for name, value in beside.items()):
        report.add("version-beside", version.number)
    # Versions of releases before the review have none.
    if (version.review or "review" in document) and document.get("review") != sha256(version.review):
        report.add("review", version.number)
    missing = set(LANGUAGES)
    for pdf in StatementPdf.objects.filter(version=version).order_by("language").iterator(chunk_size=1):
        report.pdfs += 1
        missing.discard(pdf.language)
        if hashlib.sha256(bytes(pdf.body)).hexdigest() != pdf.digest:
            report.add("pdf", f"{version.number} ({pdf.language})")
    for language in sorted(missing):
        report.add("pdf-missing", f"{version.number} ({language})")


def _read(text: str) -> dict[str, Any]:
    """A document as it is; nothing where somebody has made it no JSON at all, which its digest tells."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _check_banners(report: Report, met: Met, versions: set[int]) -> None:
    """All banners, some in memory at a time, and whether those are there that records point to."""
    digest = ""
    gone = dict(met)
    while banners := list(Banner.objects.filter(digest__gt=digest).order_by("digest")[:BANNERS_CHUNK]):
        for banner in banners:
            report.banners += 1
            if hashlib.sha256(bytes(banner.body)).hexdigest() != banner.digest:
                report.add("banner", banner.digest)
            pointed = gone.pop(banner.digest, set())
            if {version for version, _website in pointed} - {banner.version_id}:
                report.add("banner-version", banner.digest)
            if {website for _version, website in pointed} - {banner.website}:
                report.add("banner-website", banner.digest)
        digest = banners[-1].digest
    for missing in sorted(gone):
        report.add("banner-missing", missing)
    for number in sorted({version for pointed in met.values() for version, _website in pointed}):
        if number > max(versions, default=0):
            report.add("version-missing", number)
