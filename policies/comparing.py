"""What changed between two contents: by object and by sentence, in both languages.

Content is that of ``snapshot.compose``, also as an earlier release wrote it. References are told
by the names of what they refer to. What follows from something else is told once: a period
at its rule, and not at the trigger from whose words its sentence is made. Pure.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from retention.languages import Bilingual, in_both
from retention.periods import NotAPeriod
from retention.wording import period_wording

from .asking import Shorter, shorter_choices
from .naming import (
    DATES,
    IDENTITY,
    LANGUAGES,
    REFERENCES,
    Content,
    Entry,
    Path,
    Side,
    Texts,
    as_json,
    by_identity,
    choices,
    is_bilingual,
    is_composed,
    is_empty,
    kind,
    label,
    name_in_both,
    rank,
    with_answers,
)
from .reading import completed
from .sentences import Blocks, Paragraph, Shape, compare_texts, excerpt, plain, replace

# Lists are told in the order of the parts of the pages in which they stand.
PARTS = {
    "purposes": ["purposes", "retention_rules", "data_subjects", "data_categories"],
    "sharing": ["sharing_grounds", "recipients"],
    "transfers": ["transfers", "transfer_safeguards"],
    "cookies": ["cookie_categories", "cookie_vendors", "vendor_safeguards", "own_storage"],
    "rights": ["rights"],
    "contact": ["controller"],
    "principles": ["principles"],
    "measures": ["measures"],
    "service-levels": ["service_levels"],
}
LAST = ["websites", "triggers", "statutory_exceptions"]

# Fields of a rule that its sentences say.
IN_THE_WORDING = {"trigger", "follows", "period", "is_maximum", "action", "needs_consent"}
IN_THE_DETAILS = {"ends_early_on", "exceptions"}
NAMES = {"name", "title", "heading"}
NEEDS_CONSENT = ("cookie_categories", "needs_consent")

IN_ANOTHER_ORDER = _("They stand in another order.")
NOT_IN_WORDS = _("A detail changed that is not visible in the text.")

Merge = Callable[[Sequence[Paragraph], Sequence[Paragraph]], Blocks]


class Status(StrEnum):
    """What became of an object. One that changed may have moved as well."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True)
class FieldChange:
    """A field in which the two differ: both texts as one, by language.

    ``note`` says what the texts cannot show.
    """

    label: Bilingual
    texts: Mapping[str, Blocks]
    note: Bilingual | None = None

    def is_changed_in(self, language: str) -> bool:
        return self.note is not None or any(block.is_changed for block in self.texts[language])

    def in_language(self, language: str) -> dict[str, Any]:
        """What a reader of ``language`` is shown: what changed, or all of a text that stayed the same."""
        is_changed, blocks = self.is_changed_in(language), self.texts[language]
        return {
            "label": self.label[language],
            "language": language,
            "is_changed": is_changed,
            "blocks": excerpt(blocks) if is_changed else blocks,
            "note": self.note[language] if self.note else "",
        }

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Both languages, to stand side by side."""
        return [self.in_language(language) for language in LANGUAGES]


@dataclass(frozen=True)
class ObjectChange:
    """A row of the content that came, went, changed or moved; ``place`` as the review writes it."""

    place: tuple[str, ...]
    kind: Bilingual
    name: Bilingual
    status: Status
    fields: tuple[FieldChange, ...] = ()
    is_moved: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all of it came or went."""
        return self.status in {Status.ADDED, Status.REMOVED}

    def in_language(self, language: str) -> dict[str, Any]:
        """The same for a reader of ``language``."""
        return {
            "kind": self.kind[language],
            "name": self.name[language],
            "status": self.status,
            "is_whole": self.is_whole,
            "is_moved": self.is_moved,
            "fields": [field.in_language(language) for field in self.fields],
        }


@dataclass(frozen=True)
class AskedAgain:
    """A web site on which visitors are asked again: about which categories; and sooner than before."""

    website: Bilingual
    categories: list[Bilingual]
    shorter: Shorter | None = None


def compare(before: Content | None, now: Content) -> list[ObjectChange]:
    """What changed, in the order of the statement; nothing where there was nothing before."""
    if before is None:
        return []
    return list(_Comparison(_complete(before), _complete(now)).objects())


def asked_again(asks_again: Mapping[str, Sequence[str]], now: Content, before: Content | None) -> list[AskedAgain]:
    """The web sites where a publication asks again, by their names; ``asks_again`` has the slugs."""
    side, shorter = Side(now), shorter_choices(now, before)
    return [
        AskedAgain(
            side.name("websites", slug),
            [side.name("cookie_categories", category) for category in asks_again.get(slug, [])],
            shorter.get(slug),
        )
        for slug in side.entries["websites"]
        if slug in asks_again or slug in shorter
    ]


def _complete(content: Content) -> Content:
    return completed(content) if content["controller"] else content


class _Comparison:
    """Two contents, complete, and what is told of them."""

    def __init__(self, before: Content, now: Content) -> None:
        self.before, self.now = Side(before), Side(now)

    def objects(self) -> Iterator[ObjectChange]:
        before, now = self.before.entries, self.now.entries
        for key in self._order({*before, *now}):
            yield from self._objects(key, before.get(key, {}), now.get(key, {}))

    def _order(self, keys: set[str]) -> list[str]:
        """The text of the statement, then its lists; the summary and its lists; what stands on no page."""
        order = []
        for page in ("statement", "summary"):
            order.append(f"pages/{page}")
            for section in self.now.content["pages"][page]:
                order += PARTS.get(section["part"], [])
        order += [key for part in PARTS.values() for key in part]
        return [key for key in dict.fromkeys([*order, *LAST, *sorted(keys)]) if key in keys]

    def _objects(self, key: str, before: dict[str, Entry], now: dict[str, Entry]) -> Iterator[ObjectChange]:
        path = (key.partition("/")[0],)
        moved = _moved(before, now)
        for name in _together(before, now):
            old, new = before.get(name), now.get(name)
            if old == new and name not in moved:
                continue
            side, other = (self.before, self.now) if new is None else (self.now, self.before)
            if (old is None or new is None) and name in _read_where_used(key, side) - _read_where_used(key, other):
                continue
            status = Status.ADDED if old is None else Status.REMOVED if new is None else Status.CHANGED
            fields = tuple(self._fields(path, old or {}, new or {}, (), self._left_out(key, old, new)))
            if status == Status.CHANGED and not fields:
                if name not in moved:
                    continue
                status = Status.MOVED
            place = path if key == "controller" else (*key.split("/"), name)
            yield ObjectChange(place, kind(key), side.heading(key, name), status, fields, name in moved)

    # -- What is told elsewhere

    def _left_out(self, key: str, old: Entry | None, new: Entry | None) -> set[str]:
        """Fields that follow from others that are told, at this object or elsewhere; and what its heading says."""
        if key == "controller":
            return set()
        before, now = old or {}, new or {}
        told = {_identity(now or before)}
        if old is None or new is None:
            told |= NAMES
        if key == "retention_rules":
            told |= IN_THE_WORDING if before.get("wording") != now.get("wording") else set()
            told |= IN_THE_DETAILS if before.get("details") != now.get("details") else set()
        elif key == "own_storage":
            told |= {"lifetime"} if _months(self.before) != _months(self.now) else set()
        elif key == "websites":
            sides = [(self.before, old), (self.now, new)]
            follows = old and new and all(_asked(side, site) == _asks(site) for side, site in sides if site)
            told |= {"consent_days", "categories"} if follows else {"consent_days"}
        elif key in {"triggers", "statutory_exceptions"} and old and new:
            told |= {name for name in new if self._is_in_a_rule(old.get(name), new[name], name == "period")}
        return told

    def _is_in_a_rule(self, old: Any, new: Any, is_period: bool) -> bool:
        """Whether a sentence of a rule that reads differently now says what a text or period has become."""
        texts: Any = _period(new) if is_period else new
        if old == new or not is_bilingual(texts):
            return False
        changed = [code for code in LANGUAGES if not is_bilingual(old) or old[code] != texts[code]]
        return all(texts[code] and texts[code].casefold() in self._new_sentences[code] for code in changed)

    @cached_property
    def _new_sentences(self) -> Bilingual:
        """What rules did not say before, in small letters."""
        before = self.before.entries["retention_rules"]
        sentences = [
            sentence
            for slug, rule in self.now.entries["retention_rules"].items()
            if slug in before
            for sentence in [rule["wording"], *rule["details"]]
            if sentence not in [before[slug]["wording"], *before[slug]["details"]]
        ]
        return {code: "\n".join(sentence[code] for sentence in sentences).casefold() for code in LANGUAGES}

    # -- Fields

    def _fields(
        self, path: Path, before: Entry, now: Entry, labels: tuple[Bilingual, ...], left_out: set[str]
    ) -> Iterator[FieldChange]:
        is_whole = not before or not now
        before, now = with_answers(before), with_answers(now)
        # Canonical JSON has its keys in the order of the alphabet.
        for name in sorted({*now, *before}, key=lambda name: (rank((*path, name)), name)):
            old, new, way = before.get(name), now.get(name), (*path, name)
            if old == new or (is_empty(old) and is_empty(new)) or name in {"fingerprint", *left_out}:
                continue
            # Of something new it need not be said what it is not, save for consent.
            if is_whole and way != NEEDS_CONSENT and any(value is False for value in (old, new)):
                continue
            yield from self._field(way, old, new, labels)

    def _field(self, path: Path, old: Any, new: Any, labels: tuple[Bilingual, ...]) -> Iterator[FieldChange]:
        stated = [value for value in (old, new) if not is_empty(value)]
        if all(map(is_composed, stated)):
            yield from self._fields(path, old or {}, new or {}, labels, set())
        elif all(isinstance(value, list) for value in stated):
            yield from self._lists(path, old, new, (*labels, label(path)))
        else:
            before, now = self.before.said(path, old), self.now.said(path, new)
            is_prose = all(isinstance(value, str) or is_bilingual(value) for value in stated)
            is_value = path in REFERENCES or path in DATES or choices(path)
            merge = compare_texts if is_prose and not is_value else replace
            yield _field_change((*labels, label(path)), _merged(merge, before, now))

    def _lists(
        self, path: Path, old: list | None, new: list | None, labels: tuple[Bilingual, ...]
    ) -> Iterator[FieldChange]:
        before, now = old or [], new or []
        if all(map(is_composed, [*before, *now])):
            yield from self._items(path, by_identity(before), by_identity(now), labels)
        elif all(map(is_bilingual, [*before, *now])):
            texts = [[{code: plain(text[code]) for code in LANGUAGES} for text in side] for side in (before, now)]
            yield _field_change(labels, _merged(compare_texts, *map(_as_items, texts)))
        else:
            # Of one side alone, something that came or went, it need not be said what no list means.
            empty = [] if old is None or new is None else self.now.said_of_none(path)
            yield self._members(path, before, now, empty, labels)

    def _members(
        self, path: Path, old: list, new: list, empty: list[Texts], labels: tuple[Bilingual, ...]
    ) -> FieldChange:
        """A list of names or values: which went and which came."""
        before, now = ({as_json(value): value for value in side} for side in (old, new))
        went = [self.before.said(path, value) for key, value in before.items() if key not in now]
        came = [self.now.said(path, value) for key, value in now.items() if key not in before]
        went, came = went if old else empty, came if new else empty
        note = IN_ANOTHER_ORDER if _moved(before, now) else None
        return _field_change(labels, _merged(replace, _as_items(went), _as_items(came)), note)

    def _items(
        self, path: Path, old: dict[str, Entry], new: dict[str, Entry], labels: tuple[Bilingual, ...]
    ) -> Iterator[FieldChange]:
        """A list of rows that belong to the object: what came and went, then each that changed."""
        went = [self._item(path, item, self.before) for key, item in old.items() if key not in new]
        came = [self._item(path, item, self.now) for key, item in new.items() if key not in old]
        note = IN_ANOTHER_ORDER if _moved(old, new) else None
        if went or came or note:
            yield _field_change(labels, _merged(replace, _joined(went), _joined(came)), note)
        for key, item in new.items():
            if key in old:
                name = _name_of_item(path, item, self.now)
                yield from self._fields(path, old[key], item, (*labels, name), {_identity(item)})

    def _item(self, path: Path, item: Entry, side: Side) -> Texts:
        """A whole item: its name, then what it says of itself on a line."""
        changes = list(self._fields(path, {}, item, (), {*IDENTITY, "article", "dpv"}))
        name = _name_of_item(path, item, side)
        rule = side.entries["retention_rules"].get(item.get("rule", ""), {"details": []})
        texts = {}
        for code in LANGUAGES:
            said = [f"{change.label[code]}: {_in_a_line(change.texts[code])}" for change in changes]
            said += [detail[code] for detail in rule["details"]]
            texts[code] = [Paragraph(Shape.ITEM, name[code])]
            if said:
                texts[code].append(Paragraph(Shape.PARAGRAPH, " · ".join(said)))
        return texts


# -- What follows from something else --------------------------------------------------------


def _read_where_used(key: str, side: Side) -> set[str]:
    """Slugs of what came or went together with a use of it that is told, and whose words stand there."""
    rules, purposes = side.content["retention_rules"], side.content["purposes"]
    if key == "triggers":
        return {slug for rule in rules for slug in [rule["trigger"], *rule["ends_early_on"]]}
    if key == "statutory_exceptions":
        return {slug for rule in rules for slug in rule["exceptions"]}
    if key == "retention_rules":
        return {used["rule"] for purpose in purposes for used in purpose["retention"]} | {
            rule["follows"] for rule in rules
        }
    return set()


def _asked(side: Side, website: Entry) -> list[Entry]:
    """What the banner of ``website`` asks, as it follows from the vendors and their categories."""
    content = side.content
    used = [one for one in content["cookie_vendors"] if not one["websites"] or website["slug"] in one["websites"]]
    return [
        {"slug": category["slug"], "needs_consent": category["needs_consent"], "vendors": members}
        for category in content["cookie_categories"]
        if (members := [vendor["slug"] for vendor in used if vendor["category"] == category["slug"]])
    ]


def _asks(website: Entry) -> list[Entry]:
    return [{key: one[key] for key in one if key != "fingerprint"} for one in website["categories"]]


def _months(side: Side) -> set[int]:
    return {website["consent_months"] for website in side.content["websites"]}


def _period(value: str) -> Bilingual | None:
    try:
        return in_both(lambda language: period_wording(value))
    except NotAPeriod:
        return None


# -- Putting together ------------------------------------------------------------------------


def _field_change(labels: Iterable[Bilingual], texts: Mapping[str, Blocks], note: Any = None) -> FieldChange:
    parts = list(labels)
    words = {code: " › ".join(capfirst(part[code]) for part in parts) for code in LANGUAGES}
    if note is None and not any(block.is_changed for blocks in texts.values() for block in blocks):
        note = NOT_IN_WORDS
    return FieldChange(words, texts, in_both(lambda language: str(note)) if note else None)


def _merged(merge: Merge, before: Texts, now: Texts) -> dict[str, Blocks]:
    return {code: merge(before[code], now[code]) for code in LANGUAGES}


def _joined(texts: Iterable[Texts]) -> Texts:
    parts = list(texts)
    return {code: [paragraph for part in parts for paragraph in part[code]] for code in LANGUAGES}


def _as_items(texts: Iterable[Texts]) -> Texts:
    return {code: [Paragraph(Shape.ITEM, one.text) for one in said] for code, said in _joined(texts).items()}


def _in_a_line(blocks: Blocks) -> str:
    return ", ".join(piece.text for block in blocks for piece in block.pieces)


def _identity(entry: Entry) -> str:
    return next((key for key in IDENTITY if isinstance(entry.get(key), str)), "")


def _name_of_item(path: Path, item: Entry, side: Side) -> Bilingual:
    key = _identity(item)
    if referred := REFERENCES.get((*path, key)):
        return side.name(referred, item[key])
    return name_in_both(item, item.get(key, ""))


def _together(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """The names of both, in the order of ``now``; one that went stands behind what it stood behind."""
    order, last = list(now), ""
    for name in before:
        if name not in order:
            order.insert(order.index(last) + 1 if last else 0, name)
        last = name
    return order


def _moved(before: Iterable[str], now: Iterable[str]) -> set[str]:
    """The fewest names that have to be left out of both so that the others stand in the same order."""
    position = {name: index for index, name in enumerate(before)}
    ends: list[int] = []  # by the length of a rising row of positions: the lowest with which one ends
    rows: list[tuple[str, ...]] = []
    common = [name for name in now if name in position]
    for name in common:
        length = bisect_left(ends, position[name])
        row = (*(rows[length - 1] if length else ()), name)
        ends[length : length + 1], rows[length : length + 1] = [position[name]], [row]
    return set(common) - set(rows[-1] if rows else ())
