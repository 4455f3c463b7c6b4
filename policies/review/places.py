"""Where a finding is: in the office's words, and the page of the desk where it is repaired."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import get_language

from retention.models import DeclaredTarget, RetentionRun

from ..content_file import KINDS, translated_fields
from ..models import Controller, Section
from ..reading import in_language
from . import Place, key_of, name_of

# The lists of the content, and the models whose names the office knows them by.
MODELS: dict[str, type[Model]] = {kind.key: kind.model for kind in KINDS} | {
    "controller": Controller,
    "pages": Section,
    "targets": DeclaredTarget,
}
# Behind the place of a promise: what keeps it.
TARGET = "target"
# Texts of the controller's row that stand beside it in the content.
OF_CONTROLLER = {"title": "statement_title", "summary_title": "summary_title", "summary": "summary"}


def in_words(place: Place, content: dict[str, Any]) -> str:
    """``("purposes", "contact", "title")`` → “Processing purposes › Contact › title”."""
    model, entry, rest = _found(place, content)
    if model is None:
        return " › ".join(place)
    words = [list_in_words(place)]
    if entry is not None and model is not Controller:
        words.append(str(in_language(name_of(entry), get_language() or "en")))
    return " › ".join([*words, *_rest_in_words(model, entry or {}, rest)])


def list_in_words(place: Place) -> str:
    """What the office calls the list that ``place`` is in: “Processing purposes”."""
    model, _identity, _rest = _split(place)
    if model is None:
        return place[0]
    meta = model._meta
    return capfirst(str(meta.verbose_name if model is Controller else meta.verbose_name_plural))


def is_in(place: Place, row: Model) -> bool:
    """Whether ``place`` is a field of ``row``, or of a part of it."""
    model, identity, _rest = _split(place)
    if model is None or not isinstance(row, model) or identity.keys() != set(_keys(model)):
        return False
    return all(getattr(row, key) == value for key, value in identity.items())


def address(place: Place) -> str:
    """The page of the desk on which the row at ``place`` is edited; the list where there is no such row."""
    return addresses([place])[place]


def addresses(places: Iterable[Place]) -> dict[Place, str]:
    """``address`` of each, with one query for each kind of row."""
    keys: dict[type[Model], dict[tuple, Any]] = {}
    found = {}
    for place in places:
        model, identity, rest = _split(place)
        if model is None:
            found[place] = reverse("admin:index")
            continue
        if model not in keys:
            rows = model._default_manager.order_by().values_list(*_keys(model), "pk")
            keys[model] = {tuple(row): key for *row, key in rows}
        if rest[:1] == ("retention",) and rest[2:] == (TARGET,):
            query = {"purpose": identity["slug"], "rule": rest[1]}
            found[place] = reverse("admin:retention_declaredtarget_add", query=query)
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = keys[model].get(tuple(identity.values()))
        if row is None:
            found[place] = reverse(f"{name}_changelist")
            continue
        url = reverse(f"{name}_change", args=[row])
        found[place] = f"{url}#id_{_column(model, rest[0])}" if rest and _is_field(model, rest[0]) else url
    return found


def _split(place: Place) -> tuple[type[Model] | None, dict[str, str], Place]:
    """The model, what identifies the row, and the rest of the place."""
    first, *others = place
    if first in OF_CONTROLLER:
        return Controller, {}, (OF_CONTROLLER[first], *others)
    model = MODELS.get(first)
    if model is None:
        return None, {}, place
    keys = _keys(model)
    return model, dict(zip(keys, others, strict=False)), tuple(others[len(keys) :])


def _keys(model: type[Model]) -> tuple[str, ...]:
    """The fields that tell a row from the others of its list."""
    if model is Controller:
        return ()
    return ("page", "slug") if model is Section else ("slug",)


def _found(place: Place, content: dict[str, Any]) -> tuple[type[Model] | None, dict[str, Any] | None, Place]:
    model, identity, rest = _split(place)
    if model is None or model is Controller:
        return model, None, rest
    entries = content["pages"].get(identity.get("page", ""), []) if model is Section else content.get(place[0], [])
    return model, next((entry for entry in entries if entry["slug"] == identity.get("slug")), None), rest


def _is_field(model: type[Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def _column(model: type[Model], name: str) -> str:
    """The box of the form: a translated field has one per language."""
    return f"{name}_{get_language() or 'en'}" if name in translated_fields(model) else name


def _rest_in_words(model: type[Model], entry: dict[str, Any], rest: Place) -> list[str]:
    """A field; or a list of parts, one of them, and its field."""
    if not rest:
        return []
    name, *deeper = rest
    words = [_field_in_words(model, name)]
    kind = next((kind for kind in KINDS if kind.model is model), None)
    part = next((part for part in kind.parts if part.key == name), None) if kind else None
    if part is None or not deeper:
        return words
    items = entry.get(name) or []
    item = next((item for index, item in enumerate(items, start=1) if key_of(item, index) == deeper[0]), None)
    called = item.get("name", deeper[0]) if isinstance(item, dict) else deeper[0]
    words.append(str(in_language(called, get_language() or "en")))
    if deeper[1:] == [TARGET]:
        return [*words, _field_in_words(RetentionRun, TARGET)]
    return [*words, *(_field_in_words(part.model, field) for field in deeper[1:])]


def _field_in_words(model: type[Model], name: str) -> str:
    if not _is_field(model, name):
        return name
    found: Any = model._meta.get_field(name)  # a field, or the way to the parts of a row
    return str(getattr(found, "verbose_name", None) or found.related_model._meta.verbose_name_plural)
