"""The choice as the visitor's browser keeps it: the cookie ``privacy_consent``.

JSON, percent-encoded (design, section 6): ``v`` format 1, ``t`` seconds since 1970 of the
decision, ``f`` the fingerprint of what was asked per category, ``c`` the answers, ``n``
vendors that differ from their category, ``s`` a random number for the browser, only where
something was granted. What does not parse counts as no choice at all.
"""

import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from django.conf import settings
from django.http import HttpResponseBase

from policies.snapshot import CHOICE_COOKIE as COOKIE

from .models import ConsentRecord
from .removal import expire

__all__ = ["COOKIE", "Choice", "forget", "keep", "latest", "parse"]

FORMAT = 1
MAX_LENGTH = 3800  # browsers keep 4096 bytes of a cookie, its name and attributes included
SLUG = re.compile(r"[a-z0-9_-]{1,80}", re.ASCII | re.IGNORECASE)
TOLERANCE = timedelta(days=1)


@dataclass(frozen=True)
class Choice:
    """What a browser says it chose on a web site, and what it was asked."""

    decided_at: datetime
    choices: dict[str, bool]
    fingerprints: dict[str, str]
    vendors: dict[str, bool] = field(default_factory=dict)
    subject: uuid.UUID | None = None

    def allowed(self, website: dict[str, Any]) -> list[str]:
        """Categories of ``website`` that are allowed and are still what was asked then."""
        return [
            category["slug"]
            for category in website["categories"]
            if category["needs_consent"]
            and self.choices.get(category["slug"]) is True
            and self.fingerprints.get(category["slug"]) == category["fingerprint"]
        ]

    def exceptions(self, website: dict[str, Any]) -> dict[str, bool]:
        """Vendors of ``website`` whose answer differs from that of their category, and still counts."""
        allowed = self.allowed(website)
        return {
            vendor: self.vendors[vendor]
            for category in website["categories"]
            if self.fingerprints.get(category["slug"]) == category["fingerprint"]
            for vendor in category["vendors"]
            if vendor in self.vendors and self.vendors[vendor] is not (category["slug"] in allowed)
        }

    def is_recorded_as(self, record: ConsentRecord) -> bool:
        """Whether ``record`` is that of this decision. A browser keeps its moment to the second."""
        return int(record.decided_at.timestamp()) == int(self.decided_at.timestamp()) and record.choices == self.choices

    def __str__(self) -> str:
        """The value of the cookie."""
        value: dict[str, Any] = {
            "v": FORMAT,
            "t": int(self.decided_at.timestamp()),
            "f": self.fingerprints,
            "c": self.choices,
        }
        if self.vendors:
            value["n"] = self.vendors
        if self.subject:
            value["s"] = str(self.subject)
        return quote(json.dumps(value, separators=(",", ":")), safe="")


def latest(header: str, *, now: datetime, days: int) -> Choice | None:
    """The latest valid choice in the ``Cookie`` header: a host and its parent domain may both have one."""
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    choices = [parse(value, now=now, days=days) for name, _equals, value in pairs if name == COOKIE]
    return max(filter(None, choices), key=lambda choice: choice.decided_at, default=None)


def keep(response: HttpResponseBase, choice: Choice, *, website: dict[str, Any], host: str, days: int) -> None:
    """Have the browser keep ``choice`` for ``host``, or for the domain that shares one choice."""
    domain = _shared_domain(website, host)
    response.set_cookie(
        COOKIE, str(choice), max_age=days * 86_400, domain=domain, secure=settings.HTTPS, samesite="Lax"
    )
    if domain:
        # Else an older one of this host alone would linger beside it.
        expire(response, COOKIE)


def forget(response: HttpResponseBase, *, website: dict[str, Any], host: str) -> None:
    """Have the browser forget its choice, and with it the number that it may hold."""
    expire(response, COOKIE)
    if domain := _shared_domain(website, host):
        expire(response, COOKIE, domain)


def _shared_domain(website: dict[str, Any], host: str) -> str | None:
    """The domain whose hosts share a choice, if ``host`` is one of them."""
    domain = website["shared_domain"]
    return domain if domain and f".{host}".endswith(f".{domain}") else None


def parse(cookie: str | None, *, now: datetime, days: int) -> Choice | None:
    """The choice in ``cookie``; None where there is none, it is malformed, or it has expired."""
    if not cookie or len(cookie) > MAX_LENGTH:
        return None
    try:
        value = json.loads(unquote(cookie, errors="strict"))
        if not isinstance(value, dict) or value.get("v") != FORMAT or isinstance(value["t"], bool):
            return None
        decided_at = datetime.fromtimestamp(int(value["t"]), tz=UTC)
        choice = Choice(
            decided_at,
            _mapping(value["c"], bool),
            _mapping(value["f"], str),
            _mapping(value.get("n", {}), bool),
            _subject(value["s"]) if "s" in value else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        return None
    if not now - timedelta(days=days) < decided_at < now + TOLERANCE:
        return None
    return choice


def _subject(value: Any) -> uuid.UUID:
    subject = uuid.UUID(value)
    if subject.version != 4:
        raise ValueError("not a random number")
    return subject


def _mapping(value: Any, kind: type) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(
        SLUG.fullmatch(key) and type(item) is kind for key, item in value.items()
    ):
        raise ValueError("not a mapping of slugs")
    return value
