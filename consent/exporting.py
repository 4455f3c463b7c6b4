"""Consent records out of the house: which ones, and as a table or as lines of JSON.

Whatever their number, a few thousand are held at a time: they are read by their key, page after
page, which both databases do alike and without keeping a cursor or a transaction open.
"""

import csv
import io
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.utils.dateparse import parse_date

from retention.routing import Reading

from .counting import day_start
from .models import ConsentRecord
from .recording import NEWEST, OLDEST
from .sealing import canonical_moment, canonical_record

CHUNK = 2000
# The clock that the id was checked against and the one that wrote the arrival are two.
CLOCKS_DIFFER = timedelta(hours=1)

# Nothing of ours is older or younger, and every database can compare with these.
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)

COLUMNS = [
    "id", "recorded_at", "decided_at", "website", "version", "banner", "language", "gpc", "action", "once", "choices",
    "vendors", "subject",
]  # fmt: skip
# With these a spreadsheet begins a formula, or takes the cell for one after leaving them out.
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Selection:
    """Which records; what is left empty narrows nothing down.

    ``since`` and ``until`` are days of arrival in Europe/Amsterdam, both included.
    """

    receipt: uuid.UUID | None = None
    website: str = ""
    version: int | None = None
    since: date | None = None
    until: date | None = None
    action: str = ""
    gpc: bool | None = None

    def records(self) -> QuerySet[ConsentRecord]:
        records = arrived(ConsentRecord.objects.all(), self.since, self.until)
        exact = {
            "pk": self.receipt,
            "website": self.website or None,
            "version_id": self.version,
            "action": self.action or None,
            "gpc": self.gpc,
        }
        return records.filter(**{field: value for field, value in exact.items() if value is not None})

    def said(self) -> dict[str, str]:
        """What narrows it down, as text."""
        return {name: str(value) for name, value in vars(self).items() if value not in (None, "")}


def select(records: QuerySet[ConsentRecord], reading: Reading | None = None) -> Iterator[ConsentRecord]:
    """``records`` in the order of their ids, some at a time; by ``reading``, where they are part of more."""
    reading, rest = reading or Reading(), records.order_by("pk")
    while chunk := reading.rows(rest[:CHUNK]):
        yield from chunk
        rest = records.order_by("pk").filter(pk__gt=chunk[-1].pk)


def arrived(
    records: QuerySet[ConsentRecord], since: date | None = None, until: date | None = None
) -> QuerySet[ConsentRecord]:
    """Those of ``records`` that arrived on these days.

    The time in an id lies at most seven days before its arrival and one day after it (see
    ``recording``): so the key alone leaves little to look at, in the order in which it is read.
    """
    if since is not None:
        start = day_start(max(since, EARLIEST))
        records = records.filter(recorded_at__gte=start, pk__gte=_first_id(start - OLDEST - CLOCKS_DIFFER))
    if until is not None:
        end = day_start(min(max(until, EARLIEST), LATEST) + timedelta(days=1))
        records = records.filter(recorded_at__lt=end, pk__lt=_first_id(end + NEWEST + CLOCKS_DIFFER))
    return records


def receipt_in(text: str) -> uuid.UUID | None:
    """The receipt that ``text`` names: its number, or the address that the visitor got. None for anything else."""
    text = text.strip()
    if address := re.fullmatch(r"https?://[^\s/]+(?:/\S*)?/consent/([0-9a-f-]{36})/?(?:[?#]\S*)?", text, re.IGNORECASE):
        text = address[1]
    try:
        return uuid.UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def day_in(text: str) -> date | None:
    """``2026-11-22`` as a day; None for anything else."""
    try:
        return parse_date(text.strip())
    except ValueError:
        return None


# -- Forms ---------------------------------------------------------------------------------------


def as_json_lines(records: Iterable[ConsentRecord]) -> Iterator[str]:
    """One canonical record per line (see ``sealing``): the text whose hash is in the seal of its day."""
    return _in_parts(canonical_record(record) + "\n" for record in records)


def as_csv(records: Iterable[ConsentRecord]) -> Iterator[str]:
    """A table with a header, after RFC 4180; moments in UTC, answers as JSON in one cell."""
    return _in_parts(_rows(records))


FORMATS = {"csv": (as_csv, "text/csv; charset=utf-8"), "jsonl": (as_json_lines, "application/jsonl; charset=utf-8")}


def _rows(records: Iterable[ConsentRecord]) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line)
    for row in _cells(records):
        writer.writerow([_safe(cell) for cell in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _cells(records: Iterable[ConsentRecord]) -> Iterator[list[str]]:
    yield COLUMNS
    for record in records:
        yield [
            str(record.pk),
            canonical_moment(record.recorded_at),
            canonical_moment(record.decided_at),
            record.website,
            str(record.version_id),
            record.banner_id,
            record.language,
            _boolean(record.gpc),
            record.action,
            _boolean(record.is_once),
            json.dumps(record.choices, sort_keys=True),
            json.dumps(record.vendors, sort_keys=True),
            str(record.subject or ""),
        ]


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _safe(cell: str) -> str:
    """``cell`` as text also for a spreadsheet, whatever somebody may yet store in it."""
    return f"'{cell}" if cell.startswith(STARTS_FORMULA) else cell


def _in_parts(lines: Iterable[str]) -> Iterator[str]:
    """Fewer, larger pieces: each is a write to a connection."""
    part: list[str] = []
    for line in lines:
        part.append(line)
        if len(part) == CHUNK:
            yield "".join(part)
            part = []
    if part:
        yield "".join(part)


# -- Days and keys -------------------------------------------------------------------------------


def _first_id(moment: datetime) -> uuid.UUID:
    """Not later than any UUIDv7 of ``moment``."""
    return uuid.UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)
