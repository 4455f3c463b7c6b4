"""What the templates of the public pages say that plain variables cannot."""

import html
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from django import template
from django.utils.html import strip_tags
from django.utils.translation import gettext

register = template.Library()

# Where the GDPR has each instrument of a transfer (``TransferSafeguard.Instrument``).
INSTRUMENTS = {"adequacy": "45", "dpf": "45", "scc": "46(2)(c)", "bcr": "46(2)(b)", "derogation": "49"}

_ARTICLE = re.compile(r"(?P<number>\d+)(\((?P<paragraph>\d+)\))?(\((?P<point>[a-z])\))?")


@register.filter
def article(reference: str) -> str:
    """``"6(1)(b)"`` as lawyers of the language that is active cite the GDPR."""
    found = _ARTICLE.fullmatch(reference)
    if found is None:
        return gettext("Article %(number)s GDPR") % {"number": reference}
    parts = found.groupdict()
    if parts["paragraph"] and parts["point"]:
        return gettext("Article %(number)s(%(paragraph)s)(%(point)s) GDPR") % parts
    if parts["paragraph"]:
        return gettext("Article %(number)s(%(paragraph)s) GDPR") % parts
    return gettext("Article %(number)s GDPR") % {"number": reference}


@register.filter
def instrument_article(instrument: str) -> str:
    """``"scc"`` as the article that knows it."""
    return article(INSTRUMENTS[instrument])


@register.filter
def day(written: str) -> date:
    """``"2023-07-10"`` as a date."""
    return date.fromisoformat(written)


@register.filter
def grouped_by(entries: Iterable[dict[str, Any]], key: str) -> list[tuple[Any, list[dict[str, Any]]]]:
    """``entries`` per value of ``key``, in the order in which the values first occur."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for entry in entries:
        groups.setdefault(entry[key], []).append(entry)
    return list(groups.items())


@register.filter
def with_value(entries: Iterable[dict[str, Any]], pair: str) -> list[dict[str, Any]]:
    """The ``entries`` in which a key has a value: ``recipients|with_value:"kind named"``."""
    key, value = pair.split(" ", 1)
    return [entry for entry in entries if str(entry[key]) == value]


@register.filter
def as_plain(rich: str) -> str:
    """Published HTML as one line of text, for places that take no markup."""
    return " ".join(html.unescape(strip_tags(rich or "")).split())
