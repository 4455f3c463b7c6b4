"""Findings as a page lists them: in words, with the way to where each is repaired."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from ..models import StatementVersion
from ..reading import in_language
from ..rendering import parse
from . import RULES, Finding, Place, Severity
from .places import MODELS, OF_CONTROLLER, addresses, in_words, list_in_words

Known = set[tuple[str, str, str]]

SEVERITIES: dict[str, str | Promise] = {
    Severity.ERROR.value: pgettext_lazy("severity", "Errors"),
    Severity.WARNING.value: pgettext_lazy("severity", "Warnings"),
}
WORDS: dict[str, str | Promise] = {
    Severity.ERROR.value: pgettext_lazy("severity", "Error"),
    Severity.WARNING.value: pgettext_lazy("severity", "Warning"),
}
WHAT_THEY_DO: dict[str, str | Promise] = {
    Severity.ERROR.value: _("Nothing is published until these are repaired, or waived with a reason."),
    Severity.WARNING.value: _("These do not stop a publication. Read them before you submit."),
}
# How rules cite: “13(1)(e)”, “11.7a(3)”.
CITED = re.compile(r"(?P<number>\d[\d.]*[a-z]?)\((?P<paragraph>\d+)\)(?:\((?P<point>[a-z])\))?")
# In the order of the desk, so that neighbours stand together.
LISTS = ["controller", *OF_CONTROLLER, *MODELS]


@dataclass(frozen=True)
class Row:
    """A finding in the language that is active. ``is_new``: the version before did not have it."""

    code: str
    severity: str
    source: str
    path: str
    about: str
    sentence: str
    list_key: str
    list_name: str
    where: str
    url: str
    is_new: bool
    is_waivable: bool
    waiver: dict[str, Any] | None

    @property
    def severity_name(self) -> str:
        return str(SEVERITIES[self.severity])

    @property
    def severity_word(self) -> str:
        return str(WORDS[self.severity])

    @property
    def effect(self) -> str:
        """What a finding of this severity does to a publication."""
        return str(WHAT_THEY_DO[self.severity])

    @property
    def waive_url(self) -> str:
        """The page on which it is waived, with all that tells it from other findings."""
        sought = {"code": self.code, "place": self.path, "about": self.about}
        return reverse("admin:policies_statementversion_waive", query=sought)

    @property
    def waived_at(self) -> datetime | None:
        return datetime.fromisoformat(self.waiver["at"]) if self.waiver else None


def rows_of(findings: Iterable[Finding], content: dict[str, Any], known: Known | None = None) -> list[Row]:
    """``findings`` of the draft with ``content``, errors first; see ``known_to`` for ``known``."""
    return _rows([(finding.place, finding.frozen()) for finding in findings], content, known)


def rows_kept(review: str, content: dict[str, Any], known: Known | None = None) -> list[Row]:
    """The same of the findings that a version or a proposal keeps; none where ``review`` is empty."""
    found = parse(review)["findings"] if review else []
    return _rows([(tuple(kept["place"].split("/")), kept) for kept in found], content, known)


def known_to(version: StatementVersion | None) -> Known | None:
    """What the review had found when ``version`` was published; None where nobody kept that."""
    if version is None or not version.review:
        return None
    return {_identity(kept) for kept in parse(version.review)["findings"]}


def _rows(found: list[tuple[Place, dict[str, Any]]], content: dict[str, Any], known: Known | None) -> list[Row]:
    found.sort(key=_order)
    ways = addresses({place for place, _kept in found})
    language = get_language() or "en"
    return [
        Row(
            code=kept["code"],
            severity=kept["severity"],
            source=_article(kept["source"]),
            path=kept["place"],
            about=kept["about"],
            sentence=in_language(kept["sentence"], language),
            list_key="controller" if place[0] in OF_CONTROLLER else place[0],
            list_name=list_in_words(place),
            where=in_words(place, content),
            url=ways[place],
            is_new=known is not None and _identity(kept) not in known,
            is_waivable=kept["code"] in RULES and RULES[kept["code"]].is_waivable,
            waiver=kept["waiver"],
        )
        for place, kept in found
    ]


def _order(item: tuple[Place, dict[str, Any]]) -> tuple[bool, int]:
    place, kept = item
    return kept["severity"] != Severity.ERROR, LISTS.index(place[0]) if place[0] in LISTS else len(LISTS)


def _identity(kept: dict[str, Any]) -> tuple[str, str, str]:
    return kept["code"], kept["place"], kept["about"]


def _article(source: str) -> str:
    """The rule behind a finding, as lawyers of the language that is active cite it."""

    def cite(found: re.Match[str]) -> str:
        parts = found.groupdict()
        if parts["point"]:
            return gettext("%(number)s(%(paragraph)s)(%(point)s)") % parts
        return gettext("%(number)s(%(paragraph)s)") % parts

    said = CITED.sub(cite, source)
    return said.replace("GDPR", gettext("GDPR")).replace("CJEU", gettext("CJEU"))
