"""Storing a choice, once, beside the version and the exact words that were shown.

No answer is given before the record is durable: what the browser releases, it releases on
the strength of the receipt (Art. 7(1) GDPR).
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from prometheus_client import Counter
from psycopg.types.json import Jsonb

from policies import rendering
from retention.figures import counted

from .models import Banner, ConsentRecord

choices = Counter(
    "privacy_choices",
    "Choices that were recorded, by web site and action; a retry counts once.",
    ["website", "action"],
    registry=counted,
)

# A decision may reach us late, from a browser that could not deliver it; and clocks differ.
OLDEST = timedelta(days=7)
NEWEST = timedelta(days=1)

FIELDS = {
    "id", "subject", "website", "version", "banner", "language", "gpc", "action", "choices", "vendors", "once",
    "decided_at",
}  # fmt: skip
HEXADECIMAL = set("0123456789abcdef")
REQUIRED = FIELDS - {"subject", "vendors", "once"}


class Refused(Exception):
    """The choice is not recorded; ``errors`` says why, a sentence per field."""

    def __init__(self, errors: dict[str, str], *, clock: bool = False) -> None:
        super().__init__(" ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors
        self.clock = clock


class OriginUnknown(Exception):
    """The page that sent the choice does not belong to the web site that it names."""


class Conflict(Exception):
    """A record with this id and other content exists."""


@dataclass(frozen=True)
class Asked:
    """What a banner asked: for which web site, under which version, about what."""

    website: str
    version: int
    is_form: bool  # of the cookies page, not the banner
    categories: dict[str, list[str]]  # categories that need consent → their vendors
    fingerprints: dict[str, str]
    days: int


def record_choice(data: Any, *, origin: str, now: datetime | None = None) -> tuple[ConsentRecord, bool]:
    """Store the decision ``data`` (design, section 6); the record, and whether it is new.

    ``origin`` is the Origin header. Costs one statement where the banner is known to this
    process. Raises Refused, OriginUnknown, Conflict; rendering.AWAY when nothing was stored.
    """
    now = now or timezone.now()
    record = _parse(data, now)
    if rendering.database_is_away():
        raise away()
    asked = what_was_asked(record.banner_id)
    if asked is None:
        raise Refused({"banner": _("This banner was never served here. Load the page again.")})
    _check(record, asked)
    if not is_allowed_origin(origin, record.website):
        raise OriginUnknown
    return _insert(record)


def away() -> OperationalError:
    """For who asks while it is known for some seconds: to wait for it would only take threads from the readers."""
    return OperationalError("the database was away a moment ago")


def allowed_origins(website: str) -> set[str]:
    """Origins from which choices for ``website`` are taken, by the version in force."""
    edition = rendering.current()

    def make() -> set[str]:
        entry = next((entry for entry in edition.content["websites"] if entry["slug"] == website), None)
        if entry is None:
            return set()
        own = {settings.PUBLIC_URL} if entry["hosts_statement"] else set()
        return {*entry["origins"], *own, *settings.DEMO_ORIGINS}

    return edition.once(("origins", website), make)


def is_allowed_origin(origin: str, website: str) -> bool:
    """Whether choices for ``website`` are taken from ``origin``, exact or one level below a wildcard."""
    allowed = allowed_origins(website)
    scheme, separator, host = origin.partition("://")
    _first, dot, rest = host.partition(".")
    # No origin that a browser sends has an asterisk in it; what does not parse is no origin.
    return origin in allowed or (bool(separator and dot) and f"{scheme}://*.{rest}" in allowed and "*" not in origin)


def what_was_asked(digest: str) -> Asked | None:
    """What the banner with this digest asked; None if no such banner was ever served."""
    if len(digest) != 64 or set(digest) - HEXADECIMAL:
        return None
    edition = rendering.current()
    if (asked := edition.known(("asked", digest))) is not None:
        return asked
    banner = Banner.objects.defer("body").filter(digest=digest).exclude(kind="details").first()
    # A process that does not serve this version yet may be sent a choice made under it.
    shown = rendering.published(banner.version_id) if banner else None
    if banner is None or shown is None:
        return None  # not remembered: anybody can make digests up
    website = next(entry for entry in shown.content["websites"] if entry["slug"] == banner.website)
    asking = [category for category in website["categories"] if category["needs_consent"]]
    return edition.keep(
        ("asked", digest),
        Asked(
            banner.website,
            banner.version_id,
            banner.kind == "form",
            {category["slug"]: category["vendors"] for category in asking},
            {category["slug"]: category["fingerprint"] for category in asking},
            website["consent_days"],
        ),
    )


# -- Reading what was sent -------------------------------------------------------------------


def _parse(data: Any, now: datetime) -> ConsentRecord:
    """An unsaved record from JSON. Raises Refused with a reason per field."""
    if not isinstance(data, dict):
        raise Refused({"body": _("A JSON object is expected.")})
    errors = {name: _("This field is missing.") for name in sorted(REQUIRED - data.keys())}
    errors |= {str(name)[:80]: _("This field is not known.") for name in sorted(data.keys() - FIELDS)[:10]}
    sent: dict[str, Any] = {}
    for name, read in READERS.items():
        if name not in data:
            continue
        try:
            sent[name] = read(data[name])
        except (ValueError, TypeError, AttributeError, OverflowError):
            errors[name] = _expected()[name]
    if errors:
        raise Refused(errors)

    made_at = uuid7_moment(sent["id"])
    if not now - OLDEST <= made_at <= now + NEWEST:
        raise Refused(
            {"id": _("The clock of this device differs too much from ours, or the choice is too old.")}, clock=True
        )
    return ConsentRecord(
        id=sent["id"],
        subject=sent.get("subject"),
        website=sent["website"],
        version_id=sent["version"],
        banner_id=sent["banner"],
        language=sent["language"],
        gpc=sent["gpc"],
        action=sent["action"],
        choices=sent["choices"],
        vendors=sent.get("vendors", {}),
        is_once=sent.get("once", False),
        decided_at=sent["decided_at"],
    )


def _check(record: ConsentRecord, asked: Asked) -> None:
    """Raises Refused where the answers do not belong to what was asked, or contradict themselves."""
    if not asked.categories:
        raise Refused({"choices": _("This banner asks for nothing, so there is nothing to record.")})
    errors = {}
    if record.website != asked.website:
        errors["website"] = _("This banner belongs to another web site.")
    if record.version_id != asked.version:
        errors["version"] = _("This banner belongs to another version.")
    expected = {} if record.is_once else asked.categories
    if record.choices.keys() != expected.keys():
        errors["choices"] = _("Answer for these categories: %(names)s.") % {"names": ", ".join(expected) or "–"}
    known = {vendor: category for category, vendors in asked.categories.items() for vendor in vendors}
    if any(
        vendor not in known or record.choices.get(known[vendor]) is answer for vendor, answer in record.vendors.items()
    ):
        errors["vendors"] = _("Name only vendors of this banner whose answer differs from their category.")
    if not errors:
        errors = _contradictions(record)
    if errors:
        raise Refused(errors)


def _contradictions(record: ConsentRecord) -> dict[str, str]:
    answers = [*record.choices.values(), *record.vendors.values()]
    if record.is_once:
        return _not_once(record, answers)
    action, all_of = ConsentRecord.Action, {"accept_all": True, "reject_all": False, "withdraw": False}
    expected = all_of.get(record.action)
    if expected is not None and any(answer is not expected for answer in answers):
        return {"action": _("The action and the answers contradict each other.")}
    if any(answers) and record.subject is None:
        return {"subject": _("This field is missing.")}
    # A refusal leaves no identifier; a withdrawal is linked to what it withdraws.
    if record.subject is not None and not any(answers) and record.action != action.WITHDRAW:
        return {"subject": _("A refusal carries no identifier.")}
    if record.action == action.WITHDRAW and record.subject is None:
        return {"subject": _("A withdrawal names the browser whose consent it withdraws.")}
    return {}


def _not_once(record: ConsentRecord, answers: list[bool]) -> dict[str, str]:
    if record.action != ConsentRecord.Action.SAVE or not answers or not all(answers):
        return {"once": _("For one page view, vendors are allowed and nothing is refused, by the action “save”.")}
    return {}


def uuid7_moment(identifier: uuid.UUID) -> datetime:
    """The moment in a UUIDv7, to the millisecond (RFC 9562, 5.7)."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)


def new_id(now: datetime) -> uuid.UUID:
    """A UUIDv7 for a decision that reaches us without one: the form without scripts."""
    milliseconds = int(now.timestamp() * 1000)
    random = uuid.uuid4().int
    value = (milliseconds << 80) | (0x7 << 76) | (random & (0xFFF << 64)) | (0b10 << 62) | (random & ((1 << 62) - 1))
    return uuid.UUID(int=value)


def _uuid7(value: Any) -> uuid.UUID:
    identifier = uuid.UUID(_text(36)(value))
    if identifier.version != 7 or str(identifier) != value.lower():
        raise ValueError
    uuid7_moment(identifier)
    return identifier


def _uuid4(value: Any) -> uuid.UUID:
    identifier = uuid.UUID(_text(36)(value))
    if identifier.version != 4 or str(identifier) != value.lower():
        raise ValueError
    return identifier


def _text(longest: int):
    def read(value: Any) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= longest or "\x00" in value:
            raise ValueError
        return value

    return read


def _number(value: Any) -> int:
    if type(value) is not int or not 0 < value < 2**31:
        raise ValueError
    return value


def _digest(value: Any) -> str:
    text = _text(64)(value)
    if len(text) != 64 or set(text) - HEXADECIMAL:
        raise ValueError
    return text


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _one_of(values: set[str]):
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in values:
            raise ValueError
        return value

    return read


def _answers(value: Any) -> dict[str, bool]:
    if not isinstance(value, dict) or len(value) > 200:
        raise ValueError
    if not all(isinstance(key, str) and len(key) <= 80 and type(item) is bool for key, item in value.items()):
        raise ValueError
    return value


def _moment(value: Any) -> datetime:
    moment = parse_datetime(_text(40)(value))
    if moment is None or moment.tzinfo is None:
        raise ValueError
    # Outside these years a database cannot hold it, whatever the offset.
    if not 2000 <= moment.year <= 2200:
        raise ValueError
    return moment


READERS: dict[str, Callable[[Any], Any]] = {
    "id": _uuid7,
    "subject": _uuid4,
    "website": _text(80),
    "version": _number,
    "banner": _digest,
    "language": _one_of({"en", "nl"}),
    "gpc": _boolean,
    "action": _one_of(set(ConsentRecord.Action.values)),
    "choices": _answers,
    "vendors": _answers,
    "once": _boolean,
    "decided_at": _moment,
}


def _expected() -> dict[str, str]:
    """What is said of a field that cannot be read."""
    return {
        "id": _("A UUID of version 7 is expected."),
        "subject": _("A UUID of version 4 is expected."),
        "website": _("The name of a web site is expected."),
        "version": _("The number of a version is expected."),
        "banner": _("The SHA-256 of the banner is expected."),
        "language": _("“en” or “nl” is expected."),
        "gpc": _("“true” or “false” is expected."),
        "action": _("This action is not known."),
        "choices": _("A yes or no per category is expected."),
        "vendors": _("A yes or no per vendor is expected."),
        "once": _("“true” or “false” is expected."),
        "decided_at": _("A moment with its offset from UTC is expected."),
    }


# -- Writing ---------------------------------------------------------------------------------


WRITTEN = [field for field in ConsentRecord._meta.concrete_fields if field.attname != "recorded_at"]
# Names of our own model's columns; every value is a parameter. The key is all that can conflict: to name it
# would have PostgreSQL look for its index in each partition.
STATEMENT = (
    f"INSERT INTO {ConsentRecord._meta.db_table} ({', '.join(str(field.column) for field in WRITTEN)}) "  # noqa: S608
    f"VALUES ({', '.join(['%s'] * len(WRITTEN))}) ON CONFLICT DO NOTHING RETURNING recorded_at"
)


def _insert(record: ConsentRecord) -> tuple[ConsentRecord, bool]:
    """One statement: insert the row unless its id is there, and say when it was recorded."""
    database = connections[DEFAULT_DB_ALIAS]
    row = _on_postgresql(record, database) if database.vendor == "postgresql" else _elsewhere(record, database)
    if row is not None:
        record.recorded_at = _aware(row[0])
        _counter(record.website, record.action).inc()
        return record, True
    stored = ConsentRecord.objects.get(pk=record.pk)
    if _values(stored) != _values(record):
        raise Conflict
    return stored, False


def _on_postgresql(record: ConsentRecord, database: Any) -> tuple[Any, ...] | None:
    """Django's cursor puts the values into the text. These send them apart, so that the server reads and plans the
    statement once per session instead of each time, which took it half of the whole."""
    values = [Jsonb(value) if type(value) is dict else value for value in _values(record)]
    if database.connection is not None or not database.pool:
        with database.cursor() as cursor:
            cursor.cursor = psycopg.Cursor(database.connection)
            cursor.execute(STATEMENT, values)
            return cursor.fetchone()
    with database.wrap_database_errors, _borrowed(database.pool) as session:
        cursor = getattr(session, "of_recording", None)
        if cursor is None:
            # It knows by the second time how to send each type of value.
            session.of_recording = cursor = psycopg.Cursor(session)
        return cursor.execute(STATEMENT, values).fetchone()


@contextmanager
def _borrowed(pool: Any) -> Iterator[Any]:
    """A session of ``pool`` that commits what it is sent. What Django does around one takes as long as that."""
    pool.open()
    session = pool.getconn()
    try:
        if not session.autocommit:  # as a transaction may leave it that was broken off
            session.autocommit = True
        yield session
    finally:
        pool.putconn(session)


def _elsewhere(record: ConsentRecord, database: BaseDatabaseWrapper) -> tuple[Any, ...] | None:
    values = [field.get_db_prep_save(value, database) for field, value in zip(WRITTEN, _values(record), strict=True)]
    with database.cursor() as cursor:
        cursor.execute(STATEMENT, values)
        return cursor.fetchone()


@cache
def _counter(website: str, action: str) -> Counter:
    return choices.labels(website, action)


def _values(record: ConsentRecord) -> list[Any]:
    """What is stored of ``record``, in the order of STATEMENT."""
    return [getattr(record, field.attname) for field in WRITTEN]


def _aware(value: datetime) -> datetime:
    """SQLite returns a moment in UTC without saying so."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)
