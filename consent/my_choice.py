"""What a browser has chosen, now and before, for the visitor's own page.

The number of a browser is in its cookie and nowhere else: who shows it may see what was
recorded under it. It never stands in an address or a log.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError
from django.urls import reverse

from policies import rendering
from policies.rendering import Edition

from .choice import Choice
from .models import ConsentRecord

MOST = 100


def number_in(text: str) -> uuid.UUID | None:
    """The number of a browser, as somebody typed or pasted it; None if it is none."""
    try:
        number = uuid.UUID(text.strip()) if len(text) < 80 else None
    except ValueError:
        return None
    return number if number and number.version == 4 else None


def history(subject: uuid.UUID | None) -> list[ConsentRecord]:
    """The decisions of one browser, newest first: the last hundred, and one more if there are more.

    One query. Raises rendering.AWAY.
    """
    if subject is None:
        return []
    if rendering.database_is_away():
        raise OperationalError("the database was away a moment ago")
    return list(ConsentRecord.objects.filter(subject=subject)[: MOST + 1])


def present(edition: Edition, language: str, choice: Choice, records: list[ConsentRecord]) -> dict[str, Any]:
    """What the browser allows on our own site at this moment, as the page says it."""
    website = next(entry for entry in edition.content["websites"] if entry["hosts_statement"])
    text = next(entry for entry in edition.text(language)["websites"] if entry["hosts_statement"])
    allowed, exceptions = choice.allowed(website), choice.exceptions(website)
    record = next((record for record in records if choice.is_recorded_as(record)), None)
    version = record.version_id if record else _in_force(edition, choice.decided_at)
    asked = [category for category in text["categories"] if category["needs_consent"]]
    return {
        "decided_at": choice.decided_at,
        "holds_until": _holds_until(choice, website, version, record.website if record else website["slug"]),
        "version": version,
        "number": choice.subject,
        "answers": [
            {
                "name": category["name"],
                "is_current": choice.fingerprints.get(category["slug"]) == category["fingerprint"],
                "is_allowed": category["slug"] in allowed,
                "exceptions": [
                    {"name": vendor["name"], "is_allowed": exceptions[vendor["slug"]]}
                    for vendor in category["vendors"]
                    if vendor["slug"] in exceptions
                ],
            }
            for category in asked
        ],
    }


def rows(edition: Edition, language: str, records: list[ConsentRecord]) -> list[dict[str, Any]]:
    """The records as lines of the page, in the words of the version in force. Costs no query."""
    text = edition.text(language)
    websites, categories, vendors = (
        {entry["slug"]: entry["name"] for entry in text[kind]}
        for kind in ("websites", "cookie_categories", "cookie_vendors")
    )
    return [
        {
            "decided_at": record.decided_at,
            "action": "" if record.is_once else record.get_action_display(),
            "is_once": record.is_once,
            "allowed": [name for name, answer in _named(record.choices, categories) if answer],
            "exceptions": [{"name": name, "is_allowed": answer} for name, answer in _named(record.vendors, vendors)],
            "website": websites.get(record.website, record.website),
            "version": record.version_id,
            "version_url": reverse("version", args=[record.version_id]),
            "receipt": reverse("receipt", args=[record.pk]),
        }
        for record in records[:MOST]
    ]


def _named(answers: dict[str, bool], names: dict[str, str]) -> list[tuple[str, bool]]:
    """``answers`` in the order of ``names``: a database does not keep that of the keys of JSON."""
    known = [(name, answers[slug]) for slug, name in names.items() if slug in answers]
    return known + [(slug, answers[slug]) for slug in sorted(answers.keys() - names.keys())]


def _in_force(edition: Edition, moment: datetime) -> int | None:
    """The version under which a choice without a number was made, as far as its moment tells."""
    return max((row["number"] for row in edition.history if row["effective_at"] <= moment), default=None)


def _holds_until(choice: Choice, website: dict[str, Any], version: int | None, slug: str) -> datetime | None:
    """The end of the days that ``slug`` gave it under ``version``, or of those of ``website`` now if that is sooner.

    None where that version cannot be looked up just now.
    """
    try:
        if rendering.database_is_away():
            return None
        shown = rendering.published(version) if version else None
    except rendering.AWAY:
        return None
    then = [entry["consent_days"] for entry in shown.content["websites"] if entry["slug"] == slug] if shown else []
    return choice.decided_at + timedelta(days=min([*then, website["consent_days"]]))
