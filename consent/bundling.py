"""Evidence bundles: consent records with all that is needed to judge them elsewhere, in one ZIP.

The ZIP is made while it is sent. Nothing of it is stored here, the memory that it takes does not grow
with the records, and of the statements and banners only those go in that the records name. What a
reader is told of the files stands in ``templates/consent/bundle``; ``bundle_verify`` checks them.

A record of a sealed day is proven in one of two ways. Where the bundle holds some records of a day, each
gets its audit path. Where all of them were asked for, or turned out to be here, the hashes of the day are
enough, and show whether one is left out.
"""

import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from policies.models import StatementVersion
from policies.rendering import LANGUAGES, Edition, parse
from retention.routing import Reading

from .exporting import arrived, as_json_lines, select
from .models import Banner, ConsentRecord, RecordPurge, SealedDay, SealPurge
from .sealing import ID, canonical_moment, proofs_of, seal_text, stored_leaves

FORMAT = 1
# What the desk makes at once; the command has no limit.
MOST_RECORDS = 100_000
# Of so many records the paths are in memory.
PROOFS_AT_A_TIME = 5_000
# A file in a ZIP needs the long form of its size from 2 GiB on, which is not known before it is written.
MAY_BE_LONG = 1_000_000

VERIFY = Path(__file__).with_name("bundle_verify.py")
STYLES = ("tokens.css", "page.css", "print.css")


class NotBundled(Exception):
    """No bundle is made; the text says why, to who asked for it."""


@dataclass
class Contents:
    """What the records turned out to name, gathered while they were written."""

    days: Counter[date] = field(default_factory=Counter)
    versions: set[int] = field(default_factory=set)
    banners: set[str] = field(default_factory=set)

    def watch(self, records: Iterable[ConsentRecord]) -> Iterator[ConsentRecord]:
        for record in records:
            self.days[timezone.localdate(record.recorded_at)] += 1
            self.versions.add(record.version_id)
            self.banners.add(record.banner_id)
            yield record


def bundle(
    records: QuerySet[ConsentRecord],
    *,
    query: Mapping[str, str],
    now: datetime,
    with_review: bool = False,
    at_most: int | None = None,
) -> Iterator[bytes]:
    """The ZIP of ``records``, piece by piece.

    ``query`` says how they were chosen, under the names of ``exporting.Selection``. ``with_review`` adds what
    the office noted when it published: for who may publish. Raises NotBundled at once, where there is no
    record, or more than ``at_most``.
    """
    if not records.exists():
        raise NotBundled(_("No consent record fits this search, so there is nothing to put into a bundle."))
    if at_most is not None and records.order_by()[: at_most + 1].count() > at_most:
        raise NotBundled(
            ngettext(
                "A bundle made here holds at most %(number)s record. Choose a shorter period, or ask the operator "
                "for the command that has no limit.",
                "A bundle made here holds at most %(number)s records. Choose a shorter period, or ask the operator "
                "for the command that has no limit.",
                at_most,
            )
            % {"number": at_most}
        )
    return _written(records, query, now, with_review)


def filename(query: Mapping[str, str], now: datetime) -> str:
    """The name under which a bundle is saved."""
    what = query["receipt"][-12:] if "receipt" in query else f"{timezone.localtime(now):%H%M%S}"
    return f"evidence-{timezone.localdate(now).isoformat()}-{what}.zip"


def _written(
    records: QuerySet[ConsentRecord], query: Mapping[str, str], now: datetime, with_review: bool
) -> Iterator[bytes]:
    archive, contents, reading = _Archive(now), Contents(), Reading()
    is_long = records.count() > MAY_BE_LONG
    yield from archive.add("verify.py", [VERIFY.read_bytes()])
    found = contents.watch(select(records, reading))
    yield from archive.add("records.jsonl", _encoded(as_json_lines(found)), is_long)
    yield from _seals(archive, records, reading, contents, query, is_long)
    yield from _versions(archive, contents, with_review)
    yield from _banners(archive, contents)
    for name in STYLES:
        yield from archive.add(f"style/{name}", [_style(name)])
    yield from _explained(archive, contents, query, now)
    manifest = {
        "format": FORMAT,
        "product": "Privacy site",
        "site": settings.PUBLIC_URL,
        "made_at": canonical_moment(now),
        "query": dict(query),
        "records": contents.days.total(),
        "versions": sorted(contents.versions),
        "files": sorted(archive.files, key=lambda entry: entry["path"]),
    }
    yield from archive.add("manifest.json", [_readable(manifest)])
    yield from archive.close()


def _encoded(texts: Iterable[str]) -> Iterator[bytes]:
    return (text.encode() for text in texts)


def _readable(document: Any) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


# -- Seals and proofs ------------------------------------------------------------------------------


def _seals(
    archive: "_Archive",
    records: QuerySet[ConsentRecord],
    reading: Reading,
    contents: Contents,
    query: Mapping[str, str],
    is_long: bool,
) -> Iterator[bytes]:
    """The chain from the first day asked for to the newest seal, and what leads from the records to it."""
    first = min(contents.days, default=date.max)
    if "since" in query:
        first = min(first, date.fromisoformat(query["since"]))
    seals = list(SealedDay.objects.filter(day__gte=first).order_by("day"))
    document = {
        "seals": [
            {
                "text": seal_text(seal.day, seal.count, seal.root, seal.previous, seal.sealed_at),
                "digest": seal.digest,
                "key": seal.key,
                "signature": seal.signature,
                "sealed_at": canonical_moment(seal.sealed_at),
            }
            for seal in seals
        ],
        "purges": [
            {
                "rule": purge.rule,
                "wording": purge.wording,
                "before": timezone.localdate(purge.cut_off).isoformat(),
                "decided_at": canonical_moment(purge.decided_at),
            }
            for purge in RecordPurge.objects.order_by("cut_off", "pk")
        ],
        # Only what the chain that is here goes on from.
        "seal_purges": [
            {
                "rule": purge.rule,
                "wording": purge.wording,
                "up_to": purge.up_to.isoformat(),
                "last_digest": purge.last_digest,
                "seals": purge.seals,
                "decided_at": canonical_moment(purge.decided_at),
            }
            for purge in SealPurge.objects.filter(last_digest=seals[0].previous if seals else "")
        ],
    }
    yield from archive.add("seals.json", [_readable(document)])
    for seal in seals:
        if seal.day not in contents.days:
            continue
        # Of a period that was asked for whole, also where a record of the day is gone: then that shows.
        if query.keys() <= {"since", "until"} or contents.days[seal.day] == seal.count:
            # The hashes without the ids beside them: an id is all that is needed to read a receipt.
            leaves = (leaf[ID:].hex().encode() + b"\n" for leaf in stored_leaves(seal))
            yield from archive.add(f"proofs/{seal.day.isoformat()}.leaves", leaves, is_long)
        else:
            paths = _paths(select(arrived(records, seal.day, seal.day), reading))
            yield from archive.add(f"proofs/{seal.day.isoformat()}.jsonl", paths, is_long)


def _paths(records: Iterator[ConsentRecord]) -> Iterator[bytes]:
    while some := list(islice(records, PROOFS_AT_A_TIME)):
        proofs = proofs_of(some)
        for record in some:
            if proof := proofs.get(record.id):
                # On which side a neighbour stands follows from the index and the count.
                path = [neighbour for _side, neighbour in proof["path"]]
                yield json.dumps({"id": str(record.id), "index": proof["index"], "path": path}).encode() + b"\n"


# -- Statements ------------------------------------------------------------------------------------


def _versions(archive: "_Archive", contents: Contents, with_review: bool) -> Iterator[bytes]:
    entries = []
    # One at a time: a document may have hundreds of thousands of characters.
    for number in sorted(contents.versions):
        version = StatementVersion.objects.get(number=number)
        pdfs = {pdf.language: pdf for pdf in version.pdfs.order_by("language")}
        entries.append(
            {
                "number": version.number,
                "digest": version.digest,
                "previous": version.previous_digest,
                "effective_at": canonical_moment(version.effective_at),
                "published_at": canonical_moment(version.published_at),
                "pdfs": {language: pdf.digest for language, pdf in pdfs.items()},
            }
        )
        folder = f"versions/{number}"
        yield from archive.add(f"{folder}/statement.json", [version.document.encode()])
        for language in LANGUAGES:
            yield from archive.add(f"{folder}/statement-{language}.html", [_page(version, language).encode()])
        for language, pdf in pdfs.items():
            yield from archive.add(f"{folder}/statement-{language}.pdf", [bytes(pdf.body)])
        if with_review and version.review:
            yield from archive.add(f"{folder}/review.json", [version.review.encode()])
    yield from archive.add("versions.json", [_readable(entries)])


def _page(version: StatementVersion, language: str) -> str:
    """The statement as a page that needs nothing but the style sheets beside it."""
    edition = Edition(version.number, version.digest, version.effective_at, parse(version.document), [])
    context = edition.context("version", language)
    with override(language):
        address = settings.PUBLIC_URL + reverse("version", args=[version.number])
        nav = {name: settings.PUBLIC_URL + url for name, url in context["nav"].items()}
        return render_to_string(
            "consent/bundle/statement.html",
            context | {"address": address, "nav": nav, "sections": context["text"]["pages"]["statement"]},
        )


def _style(name: str) -> bytes:
    found = finders.find(f"policies/{name}")
    if not isinstance(found, str):
        raise LookupError(f"there is no style sheet {name}")
    return Path(found).read_bytes()


# -- Banners ---------------------------------------------------------------------------------------


def _banners(archive: "_Archive", contents: Contents) -> Iterator[bytes]:
    entries = []
    digests = set(contents.banners)
    digests |= set(Banner.objects.filter(pk__in=digests, details__isnull=False).values_list("details_id", flat=True))
    for digest in sorted(digests):
        banner = Banner.objects.get(pk=digest)
        entries.append(
            {
                "digest": banner.digest,
                "kind": banner.kind,
                "website": banner.website,
                "version": banner.version_id,
                "language": banner.language,
                "details": banner.details_id,
                "first_served_at": canonical_moment(banner.first_served_at),
            }
        )
        suffix = "html" if banner.kind == Banner.Kind.FORM else "js"
        yield from archive.add(f"banners/{digest}.{suffix}", [bytes(banner.body)])
    yield from archive.add("banners.json", [_readable(entries)])


# -- What it is ------------------------------------------------------------------------------------


def _explained(archive: "_Archive", contents: Contents, query: Mapping[str, str], now: datetime) -> Iterator[bytes]:
    newest = StatementVersion.objects.get(number=max(contents.versions))
    controller = parse(newest.document)["content"]["controller"]
    days = {name: date.fromisoformat(query[name]) for name in ("since", "until") if name in query}
    for language, name in (("en", "README.txt"), ("nl", "LEESMIJ.txt")):
        with override(language):
            text = render_to_string(
                f"consent/bundle/{name}",
                {
                    "company": controller["name"],
                    "site": settings.PUBLIC_URL,
                    "made_at": timezone.localtime(now),
                    "query": dict(query) | days,
                    "others": {key: query[key] for key in sorted(query.keys() - {"receipt", "since", "until"})},
                    "records": contents.days.total(),
                    "verify": hashlib.sha256(VERIFY.read_bytes()).hexdigest(),
                },
            )
        # A line left empty by a condition is none.
        yield from archive.add(name, [re.sub(r"\n{3,}", "\n\n", text).encode()])


# -- The ZIP ---------------------------------------------------------------------------------------


class _Archive:
    """A ZIP that is taken away while it is written, with a note of each file."""

    def __init__(self, now: datetime) -> None:
        self.files: list[dict[str, Any]] = []
        self._moment = timezone.localtime(now).timetuple()[:6]
        self._outlet = _Outlet()
        self._zip = zipfile.ZipFile(self._outlet, "w", zipfile.ZIP_DEFLATED)

    def add(self, name: str, parts: Iterable[bytes], is_long: bool = False) -> Iterator[bytes]:
        entry = zipfile.ZipInfo(name, self._moment)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        size, digest = 0, hashlib.sha256()
        with self._zip.open(entry, "w", force_zip64=is_long) as file:
            for part in parts:
                file.write(part)
                size += len(part)
                digest.update(part)
                yield from self._outlet.taken()
        self.files.append({"path": name, "size": size, "sha256": digest.hexdigest()})
        yield from self._outlet.taken()

    def close(self) -> Iterator[bytes]:
        self._zip.close()
        yield from self._outlet.taken()


class _Outlet(io.RawIOBase):
    """Where the ZIP is written: it holds what nobody has taken yet, and cannot go back."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def taken(self) -> Iterator[bytes]:
        if self._held:
            yield bytes(self._held)
            self._held.clear()
