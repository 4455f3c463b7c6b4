"""Software that reads the statement: what is wrong with a draft, where, by which rule, and what to do.

A rule is a function that looks at a ``Subject`` and yields a ``Fault`` for each thing it finds;
``@rule`` registers it. Rules are pure: the desk, ``manage.py review_policy`` and publishing see the
same. The rules themselves are in the modules that are imported at the end.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.utils.translation import get_language

from retention.coverage import Known
from retention.languages import Bilingual, both, in_both

from ..models import Waiver
from ..reading import LANGUAGE_KEYS, in_language
from ..snapshot import canonical

# From a list of the content to a field: ("purposes", "contact", "title"), ("controller", "email"),
# ("pages", "statement", "rights", "text"), ("purposes", "contact", "legal_bases", "contract", "explanation").
Place = tuple[str, ...]
Words = Mapping[str, str | int | Bilingual]


class Severity(StrEnum):
    """An error blocks publishing until it is repaired or waived; a warning informs."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Subject:
    """A draft, as the rules see it.

    ``content`` is that of ``snapshot.compose`` and ``internal`` that of ``compose_internal``;
    ``before`` is the content of the version published last, completed, or None. ``edited`` tells
    for the texts whose history is known when each language was last changed. ``targets`` are those
    in which promises about keeping data are kept; None where nobody said which there are.
    """

    content: dict[str, Any]
    internal: dict[str, Any]
    before: dict[str, Any] | None = None
    edited: Mapping[Place, Mapping[str, datetime]] = field(default_factory=dict)
    today: date = date.min
    targets: Sequence[Known] | None = None

    @cached_property
    def texts(self) -> list[tuple[Place, Bilingual]]:
        """Every text of the content with its place; walked once for all rules."""
        return list(texts(self.content))

    def entries(self, key: str) -> dict[str, dict[str, Any]]:
        """The entries of the list ``key`` by their slugs."""
        return {entry["slug"]: entry for entry in self.content[key]}


@dataclass(frozen=True)
class Fault:
    """What a rule found: where, and a sentence that says what to do.

    ``sentence`` is a lazy translation with named places, which ``words`` fill, in one language or
    in both. ``about`` is the text found wanting, if there is one: a waiver of the finding holds
    only as long as it stays the same.
    """

    place: Place
    sentence: Any
    words: Words = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True)
class Finding:
    """A fault with the rule that found it, and the waiver that answers for it, if any."""

    code: str
    severity: Severity
    source: str
    is_waivable: bool
    fault: Fault
    waiver: Waiver | None = None

    @property
    def place(self) -> Place:
        return self.fault.place

    @property
    def path(self) -> str:
        """The place as one text: ``"purposes/contact/title"``."""
        return "/".join(self.fault.place)

    @property
    def about(self) -> str:
        """A short fingerprint of the text found wanting, else of the words that tell how far it goes.

        Empty where there is neither: then the place says it all.
        """
        found = self.fault.about or (canonical(dict(self.fault.words)) if self.fault.words else "")
        return hashlib.sha256(found.encode()).hexdigest()[:16] if found else ""

    @property
    def blocks(self) -> bool:
        return self.severity == Severity.ERROR and self.waiver is None

    def __str__(self) -> str:
        """The sentence in the language that is active."""
        return str(self.fault.sentence) % in_language(dict(self.fault.words), get_language() or "en")

    def frozen(self) -> dict[str, Any]:
        """What a version keeps of it: JSON, both languages."""
        waiver = self.waiver
        return {
            "code": self.code,
            "severity": self.severity.value,
            "source": self.source,
            "place": self.path,
            "about": self.about,
            "sentence": in_both(lambda _language: str(self)),
            "waiver": waiver
            and {
                "reason": both(waiver, "reason"),
                "by": waiver.waived_by,
                "at": waiver.waived_at.isoformat(),
            },
        }


Look = Callable[[Subject], Iterable[Fault]]


@dataclass(frozen=True)
class Rule:
    """``source`` is the article or the rule from which it follows; ``look`` finds."""

    code: str
    source: str
    severity: Severity
    is_waivable: bool
    look: Look


RULES: dict[str, Rule] = {}


def rule(
    code: str, source: str, severity: Severity = Severity.ERROR, *, is_waivable: bool = True
) -> Callable[[Look], Look]:
    """Register the decorated function as the rule ``code``. Codes are for ever: waivers name them."""

    def register(look: Look) -> Look:
        if code in RULES:
            raise ValueError(f"two rules are called {code}")
        RULES[code] = Rule(code, source, severity, is_waivable, look)
        return look

    return register


def review(subject: Subject, waivers: Iterable[Waiver] = ()) -> list[Finding]:
    """Everything that the rules find, errors first, each with its waiver if there is one."""
    by_place = {(waiver.code, waiver.place): waiver for waiver in waivers}
    findings = []
    for known in RULES.values():
        for fault in known.look(subject):
            finding = Finding(known.code, known.severity, known.source, known.is_waivable, fault)
            waiver = by_place.get((finding.code, finding.path)) if finding.is_waivable else None
            if waiver and waiver.about in {"", finding.about}:
                finding = replace(finding, waiver=waiver)
            findings.append(finding)
    return sorted(findings, key=lambda finding: finding.severity != Severity.ERROR)


def unused(waivers: Iterable[Waiver], findings: Iterable[Finding]) -> list[Waiver]:
    """Waivers of what is no longer found."""
    used = {(finding.code, finding.path) for finding in findings if finding.waiver}
    return [waiver for waiver in waivers if (waiver.code, waiver.place) not in used]


# -- For the rules ---------------------------------------------------------------------------


def key_of(item: Any, index: int) -> str:
    """What tells ``item`` from the others of its list: its name in a place."""
    if isinstance(item, dict):
        for key in ("slug", "basis", "rule", "value", "name"):
            if isinstance(item.get(key), str):
                return item[key]
    return str(index)


def texts(value: Any, place: Place = ()) -> Iterator[tuple[Place, Bilingual]]:
    """Every bilingual text in ``value``, with the place where it stands."""
    if isinstance(value, dict):
        if value.keys() == LANGUAGE_KEYS:
            yield place, value
            return
        for key, item in value.items():
            yield from texts(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value, start=1):
            yield from texts(item, (*place, key_of(item, index)))


def name_of(entry: dict[str, Any]) -> Bilingual | str:
    """What people call an entry of the content."""
    for key in ("title", "name", "heading"):
        name = entry.get(key)
        if isinstance(name, str) and name:
            return name
        if isinstance(name, dict) and any(name.values()):
            return {language: text or next(filter(None, name.values())) for language, text in name.items()}
    return entry["slug"]


from . import keeping, language, law, structure, vendors  # noqa: E402, F401
