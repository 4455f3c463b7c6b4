"""A value of a row as it may be looked at: enough to recognise its kind, too little to name anybody."""

from datetime import date
from decimal import Decimal, InvalidOperation

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from .tables import BINARY, BOOLEAN, DATES, NUMBERS, TEXT, UUID

LENGTHS = (5, 20, 100)
KEY_SHOWN = 3


def masked(kind: str, text: str | None) -> str:
    """``text``, the beginning of a value of ``kind`` as its database writes it; NULL is empty."""
    if text is None:
        return ""
    if kind in NUMBERS:
        return _number(text)
    if kind in DATES:
        return _month(text)
    if kind == TEXT:
        return _beginning(text)
    if kind == BOOLEAN:
        return _("no") if text.lower() in {"0", "false", "f", ""} else _("yes")
    return "…" if kind != BINARY else _("a file or code")


def masked_key(kind: str, text: str | None) -> str:
    """The end of a number or a UUID, by which a row can be recognised beside its date."""
    if text is None or kind not in NUMBERS | {UUID}:
        return masked(kind, text)
    return "…" + text[-KEY_SHOWN:] if len(text) > KEY_SHOWN else text


def _beginning(text: str) -> str:
    longest = next((length for length in LENGTHS if len(text) <= length), None)
    if not text:
        return _("an empty text")
    if longest is None:
        return _("%(character)s… (more than %(number)s characters)") % {"character": text[0], "number": LENGTHS[-1]}
    return _("%(character)s… (at most %(number)s characters)") % {"character": text[0], "number": longest}


def _number(text: str) -> str:
    """To one digit."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return "…"
    if not number.is_finite():
        return "…"
    if abs(number) < 10:
        return _("less than 10") if number >= 0 else _("more than -10")
    rounded = round(number, -number.adjusted())
    return _("about %(number)s") % {"number": number_format(int(rounded), force_grouping=True)}


def _month(text: str) -> str:
    """A date in SQLite may be any text, and elsewhere one beyond the calendar."""
    try:
        return date_format(date.fromisoformat(text[:10]), "F Y")
    except ValueError:
        return "…"
