"""What the office calls the parts of a content, and what a value in it says, in both languages.

The names of lists and fields are those of the models. A place is written without slugs, as a
``Path``: ``("purposes", "legal_bases", "explanation")``.
"""

import json
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from retention.languages import Bilingual, in_both

from . import models
from .content_file import CONTROLLER_FIELDS, KINDS
from .reading import LANGUAGE_KEYS
from .review import name_of
from .review.places import MODELS as LISTS
from .review.places import OF_CONTROLLER
from .sentences import Paragraph, plain, rich

Content = dict[str, Any]
Entry = dict[str, Any]
Path = tuple[str, ...]
Texts = dict[str, list[Paragraph]]  # by language

LANGUAGES = tuple(sorted(LANGUAGE_KEYS))
# What tells the entries of a list apart: the first of these that they have.
IDENTITY = ("slug", "basis", "rule", "value", "name")

# Which list the slugs in a field refer to.
REFERENCES: dict[Path, str] = {
    ("purposes", "parent"): "purposes",
    ("purposes", "data_subjects"): "data_subjects",
    ("purposes", "data"): "data_categories",
    ("purposes", "recipients"): "recipients",
    ("purposes", "retention", "rule"): "retention_rules",
    ("retention_rules", "trigger"): "triggers",
    ("retention_rules", "follows"): "retention_rules",
    ("retention_rules", "ends_early_on"): "triggers",
    ("retention_rules", "exceptions"): "statutory_exceptions",
    ("transfers", "safeguards"): "transfer_safeguards",
    ("cookie_vendors", "category"): "cookie_categories",
    ("cookie_vendors", "safeguards"): "vendor_safeguards",
    ("cookie_vendors", "websites"): "websites",
    ("websites", "categories", "slug"): "cookie_categories",
    ("websites", "categories", "vendors"): "cookie_vendors",
}
# Published as HTML.
RICH: set[Path] = {
    ("controller", "summary"), ("pages", "text"), ("purposes", "description"), ("sharing_grounds", "explanation"),
    ("transfers", "explanation"), ("rights", "explanation"), ("principles", "explanation"),
    ("measures", "explanation"), ("service_levels", "explanation"),
}  # fmt: skip
DATES: set[Path] = {("transfers", "certified_on")}
# Models of what stands inside an entry, and fields that the content calls something else than the model.
PART_MODELS: dict[Path, type[Model]] = {
    ("purposes", "legal_bases"): models.PurposeLegalBasis,
    ("purposes", "retention"): models.PurposeRetention,
    ("cookie_vendors", "cookies"): models.Cookie,
    ("own_storage",): models.Cookie,
}
FIELDS: dict[Path, str] = {
    ("controller", "dpo", "name"): "dpo_name",
    ("controller", "dpo", "email"): "dpo_email",
    ("controller", "dpo", "is_not_required"): "dpo_not_required",
    ("controller", "supervisor", "name"): "supervisor",
    ("controller", "supervisor", "url"): "supervisor_url",
    ("purposes", "opt_out", "kind"): "opt_out",
    ("purposes", "opt_out", "how"): "opt_out_how",
    ("purposes", "legal_bases", "name"): "basis",
}
# Fields are told in the order of the content file, these first, as a visitor reads them; terms for machines last.
FIRST = ("title", "description", "data_subjects", "data", "legal_bases", "retention", "recipients")
ORDER: dict[Path, tuple[str, ...]] = {
    (kind.key,): (*kind.fields, *(part.key for part in kind.parts)) for kind in KINDS
} | {(kind.key, part.key): part.fields for kind in KINDS for part in kind.parts}
ORDER |= {("controller",): CONTROLLER_FIELDS, ("pages",): ORDER[("sections",)]}
LABELS: dict[Path, Any] = {
    ("retention_rules", "wording"): _("How long"),
    ("retention_rules", "details"): _("what shortens or lengthens it"),
    ("purposes", "legal_bases", "article"): _("article"),
    ("purposes", "legal_bases", "dpv"): _("vocabulary terms"),
    ("own_storage", "purpose"): _("purpose"),
    ("websites", "categories"): _("categories in the banner"),
    ("websites", "categories", "vendors"): _("cookie vendors"),
    ("websites", "categories", "needs_consent"): _("needs consent"),
}
KIND_LABELS: dict[str, Any] = {
    "pages/statement": _("Text of the statement"),
    "pages/summary": _("Text of the summary"),
    "own_storage": _("Our own storage in the browser"),
}
OTHER_KIND = _("Other parts")
OTHER_FIELD = _("other details")
# What it means that a list is empty, where that is not “none”.
EMPTY: dict[Path, Any] = {("cookie_vendors", "websites"): _("not limited to particular web sites")}
# An answer and its words, as two keys.
NAMED = {"role_name": "role", "storage_name": "storage", "party_name": "party"}
# Compositions that are said by one of their texts.
SAID_BY = [
    ({"value", "name"}, "name"),
    ({"code", "name"}, "name"),
    ({"value", "is_maximum", "wording"}, "wording"),
    ({"basis", "article", "name", "dpv"}, "name"),
]
YES, NO = pgettext_lazy("answer", "yes"), pgettext_lazy("answer", "no")


class Side:
    """A content whose entries can be asked for by their slugs, and whose values say what they are."""

    def __init__(self, content: Content) -> None:
        self.content = content

    @cached_property
    def entries(self) -> dict[str, dict[str, Entry]]:
        """Every list by its place, ``"pages/statement"`` for one; the controller as a list of one."""
        titles = {name: self.content.get(key) for key, name in OF_CONTROLLER.items()}
        found: dict[str, dict[str, Entry]] = {}
        for key, value in self.content.items():
            if key == "controller":
                found[key] = {key: value | titles} if value else {}
            elif key == "pages":
                found |= {f"pages/{page}": by_identity(sections) for page, sections in value.items()}
            elif isinstance(value, list) and all(map(is_composed, value)):
                found[key] = by_identity(value)
            elif key not in OF_CONTROLLER:
                found[key] = {key: {"content": value}}
        return found

    def name(self, key: str, slug: str) -> Bilingual:
        """What people call an entry; a rule is called what it says, and what is not there by its slug."""
        entry = self.entries.get(key, {}).get(slug)
        if entry is None:
            return dict.fromkeys(LANGUAGES, slug)
        return entry["wording"] if key == "retention_rules" else name_in_both(entry, slug)

    def heading(self, key: str, slug: str) -> Bilingual:
        """The same above what is told of it: a rule is told by the purposes that follow it."""
        purposes = self.content["purposes"] if key == "retention_rules" else []
        users = [name_in_both(one) for one in purposes if any(used["rule"] == slug for used in one["retention"])]
        if not users:
            return self.name(key, slug)

        def say(language: str) -> str:
            if len(users) <= 2:
                return " · ".join(name[language] for name in users)
            words = {"purpose": users[0][language], "number": len(users) - 1}
            return _("%(purpose)s and %(number)s other purposes") % words

        return in_both(say)

    def said(self, path: Path, value: Any) -> Texts:
        """``value`` in words, in both languages; nothing where it is empty."""
        if is_empty(value):
            return {code: [] for code in LANGUAGES}
        if is_bilingual(value):
            return {code: (rich if path in RICH else plain)(value[code]) for code in LANGUAGES}
        return {code: plain(text) for code, text in self._words(path, value).items()}

    def said_of_none(self, path: Path) -> list[Texts]:
        """What an empty list at ``path`` means, where that is not “none”."""
        meaning = EMPTY.get(path)
        return [{code: plain(text) for code, text in in_both(lambda language: str(meaning)).items()}] if meaning else []

    def _words(self, path: Path, value: Any) -> Bilingual:
        if text := said_by(value):
            return text
        if isinstance(value, bool):
            return in_both(lambda language: str(YES if value else NO))
        if not isinstance(value, str):
            return dict.fromkeys(LANGUAGES, as_json(value))
        if path in REFERENCES:
            return self.name(REFERENCES[path], value)
        if choice := choices(path).get(value):
            return in_both(lambda language: str(choice))
        return in_both(lambda language: _day(value) if path in DATES else value)


# -- Names of lists and fields ---------------------------------------------------------------


def kind(key: str) -> Bilingual:
    """What the office calls the list ``key``."""
    model = LISTS.get(key)
    label = KIND_LABELS.get(key) or (model._meta.verbose_name_plural if model else OTHER_KIND)
    return in_both(lambda language: capfirst(str(label)))


def label(path: Path) -> Bilingual:
    """What the office calls the field at ``path``."""
    found = _model_field(path)
    words = LABELS.get(path) or getattr(found, "verbose_name", None)
    if words is None:
        words = found.related_model._meta.verbose_name_plural if found else OTHER_FIELD
    return in_both(lambda language: str(words))


def rank(path: Path) -> tuple[bool, int]:
    """Where the field at ``path`` is told among those of its row."""
    known = [*FIRST, *(ORDER.get(path[:-1]) or ORDER.get(path[:1], ()))]
    name = FIELDS.get(path, path[-1])
    fits = (index for index, field in enumerate(known) if field == name or field.startswith(f"{name}_"))
    return name.startswith("dpv"), next(fits, len(known))


def choices(path: Path) -> dict[Any, Any]:
    """The answers among which the field at ``path`` chooses, by value; none where it is free."""
    return dict(getattr(_model_field(path), "flatchoices", ()))


def _model_field(path: Path) -> Any:
    model = PART_MODELS.get(path[:-1]) or PART_MODELS.get(path[:1]) or LISTS.get(path[0])
    if model is None:
        return None
    try:
        return model._meta.get_field(FIELDS.get(path, path[-1]))
    except FieldDoesNotExist:
        return None


def name_in_both(entry: Entry, otherwise: str = "") -> Bilingual:
    """What people call ``entry``."""
    name = name_of({"slug": otherwise} | entry)
    return dict.fromkeys(LANGUAGES, name) if isinstance(name, str) else name


def by_identity(entries: Iterable[Entry]) -> dict[str, Entry]:
    """``entries`` by what tells them apart; a cookie by its kind of storage as well."""
    found: dict[str, Entry] = {}
    for entry in entries:
        name = next((entry[key] for key in IDENTITY if isinstance(entry.get(key), str)), "")
        key = f"{name} {entry['storage']}" if "slug" not in entry and "storage" in entry else name
        found[key if key and key not in found else f"{key} {len(found) + 1}"] = entry
    return found


# -- Shapes of values ------------------------------------------------------------------------


def is_empty(value: Any) -> bool:
    """Nothing was said. ``False`` is an answer, and so is nought."""
    return value is None or value in ("", [], {}) or (is_bilingual(value) and not any(value.values()))


def is_bilingual(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == LANGUAGE_KEYS


def said_by(value: Any) -> Bilingual | None:
    """The text that says a composed value such as a country or a lifetime."""
    for keys, name in SAID_BY:
        if isinstance(value, dict) and value.keys() == keys and is_bilingual(value[name]):
            return value[name]
    return None


def is_composed(value: Any) -> bool:
    """Several values under one name, each to be told by itself."""
    return isinstance(value, dict) and not is_bilingual(value) and said_by(value) is None


def with_answers(entry: Entry) -> Entry:
    """``entry`` with each code and its words made one answer."""
    answers = {
        code: {"value": entry.get(code, ""), "name": entry[name]} for name, code in NAMED.items() if name in entry
    }
    return {key: value for key, value in (entry | answers).items() if key not in NAMED}


def as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _day(value: str) -> str:
    try:
        return date_format(date.fromisoformat(value), "j F Y")
    except ValueError:
        return value
