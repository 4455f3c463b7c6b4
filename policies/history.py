"""What happened to the content: every change of every field, and the whole of it as it was.

Both are read from the tables in which simple_history keeps a copy of a row for each time that it
was saved or deleted, languages and lists included. Nothing is written here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.db import models as orm
from django.db.models import F, Max, Q, Value, Window
from django.db.models.functions import Coalesce, Lag
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from . import models
from .content_file import KINDS, Part, Rows, translated_fields

LANGUAGES = tuple(language for language, _name in settings.LANGUAGES)
OLDEST_FIRST = ("history_date", "history_id")
EXPORTED_AT_ONCE = 5000
# What several rows of one list have in common is no change of one of them.
BOOKKEEPING = {"id"}


@dataclass(frozen=True)
class Sought:
    """Which changes are asked for; what is None or empty asks for all."""

    since: datetime | None = None
    before: datetime | None = None
    person: int | None = None
    by_command: bool = False
    list: str = ""
    text: str = ""


@dataclass(frozen=True)
class Change:
    """One field of a row: its name, its language if it has one, and both values as one reads them."""

    field: str
    language: str
    before: str
    after: str


@dataclass(frozen=True)
class Event:
    """A row was added, changed or deleted (``kind``: ``+``, ``~``, ``-``)."""

    at: datetime
    by: str
    kind: str
    list: str
    model: type[orm.Model]
    key: int
    slug: str
    row: str
    part: str
    is_there: bool  # the row that was changed, or to which the part belongs, exists today
    changes: tuple[Change, ...]

    @property
    def what(self) -> str:
        return {
            "+": pgettext("history", "added"),
            "~": pgettext("history", "changed"),
            "-": pgettext("history", "deleted"),
        }[self.kind]


def lists() -> dict[str, type[orm.Model]]:
    """The lists of the content, by their key in the content file."""
    return {"controller": models.Controller} | {kind.key: kind.model for kind in KINDS}


def find(sought: Sought) -> orm.QuerySet:
    """Keys of what happened, newest first, as ``(history_date, model, history_id)``; for ``describe``."""
    first, *others = [_happened(model, sought) for model in _models(sought.list)]
    keys = first.union(*others, all=True) if others else first
    return keys.order_by("-history_date", "model", "-history_id")


def describe(keys: Iterable[tuple[datetime, str, int]]) -> list[Event]:
    """What happened at ``keys``, in their order. A handful of queries per kind of row, however many keys."""
    keys = list(keys)
    wanted: dict[str, list[int]] = {}
    for _at, label, key in keys:
        wanted.setdefault(label, []).append(key)
    found: dict[tuple[str, int], Event] = {}
    names = _Names()
    for model in _models():
        label = model._meta.label_lower
        if label in wanted:
            found |= {(label, event_key): event for event_key, event in _events(model, wanted[label], names)}
    return [found[label, key] for _at, label, key in keys]


def described(sought: Sought) -> Iterator[Event]:
    """All that is sought, newest first, with flat memory."""
    # The keys alone are small; read at once, they are those of one moment.
    keys = list(find(sought))
    for first in range(0, len(keys), EXPORTED_AT_ONCE):
        yield from describe(keys[first : first + EXPORTED_AT_ONCE])


# -- Which rows ------------------------------------------------------------------------------


@cache
def _owners() -> dict[type[orm.Model], tuple[type[orm.Model], str]]:
    """For each model of parts, the model whose rows they belong to, and the field that says to which."""
    return {part.model: (kind.model, part.parent) for kind in KINDS for part in kind.parts}


def _models(key: str = "") -> list[type[orm.Model]]:
    """The models of the list ``key``, parts included; of all lists where there is none."""
    chosen = [lists()[key]] if key else list(lists().values())
    return chosen + [model for model, (owner, _field) in _owners().items() if owner in chosen]


def _happened(model: Any, sought: Sought) -> orm.QuerySet:
    records = model.history.all()
    if sought.since:
        records = records.filter(history_date__gte=sought.since)
    if sought.before:
        records = records.filter(history_date__lt=sought.before)
    if sought.person:
        records = records.filter(history_user=sought.person)
    if sought.by_command:
        records = records.filter(history_user=None)
    if sought.text:
        records = records.filter(history_id__in=_mentions(model, sought.text))
    label = Value(model._meta.label_lower, output_field=orm.CharField())
    return records.order_by().annotate(model=label).values_list("history_date", "model", "history_id")


def _mentions(model: Any, text: str) -> orm.QuerySet:
    """Records in which a text with ``text`` in it came, went or was changed, or of a row so called."""
    texts = [field for field in _fields(model) if isinstance(field, orm.CharField | orm.TextField)]
    ever = Q(pk=None)
    for field in texts:
        ever |= Q(**{f"{field.name}__icontains": text})
    # Of most rows no record mentions it; only the others are worth a comparison of each with the one before.
    records = model.history.filter(id__in=model.history.order_by().filter(ever).values("id")).order_by()
    condition = Q(slug__icontains=text) if any(field.name == "slug" for field in texts) else Q(pk=None)
    is_whole = ~Q(history_type="~")
    for field in texts:
        was = f"was_{field.name}"
        nothing = Value("", output_field=orm.TextField())
        record_before = Window(Lag(field.name), partition_by=F("id"), order_by=OLDEST_FIRST)
        records = records.annotate(
            **{
                was: Coalesce(record_before, nothing, output_field=orm.TextField()),
                f"is_{field.name}": Coalesce(F(field.name), nothing, output_field=orm.TextField()),
            }
        )
        is_mentioned = Q(**{f"{was}__icontains": text}) | Q(**{f"is_{field.name}__icontains": text})
        condition |= is_mentioned & (is_whole | ~Q(**{was: F(f"is_{field.name}")}))
    return records.filter(condition).values("history_id")


@cache
def _fields(model: type[orm.Model]) -> tuple[Any, ...]:
    """The fields of ``model`` that can change, in order; a text once per language."""
    originals = set(translated_fields(model))
    owner = _owners().get(model, (None, ""))[1]
    return tuple(
        field for field in model._meta.concrete_fields if field.name not in originals | BOOKKEEPING | {owner}
    ) + tuple(model._meta.many_to_many)


# -- What happened ---------------------------------------------------------------------------


def _events(model: Any, keys: list[int], names: "_Names") -> Iterator[tuple[int, Event]]:
    records = list(model.history.filter(history_id__in=keys).order_by().select_related("history_user"))
    earlier = _keys_before(model, {record.id for record in records})
    before = model.history.in_bulk([key for record in records if (key := earlier[record.history_id])])
    links = _Links(model, [*keys, *before])
    owner_model, owner_field = _owners().get(model, (model, "id"))
    _collect_names(model, [*records, *before.values()], links, names)
    owner_attribute = "id" if owner_model is model else f"{owner_field}_id"
    names.want(owner_model, {getattr(record, owner_attribute) for record in records})
    names.look_up()
    for record in records:
        owner_key = getattr(record, owner_attribute)
        name = _name_of(record) if owner_model is model else names.of(owner_model, owner_key)
        yield (
            record.history_id,
            Event(
                at=record.history_date,
                by=str(record.history_user) if record.history_user else pgettext("who changed a row", "a command"),
                kind=record.history_type,
                list=capfirst(str(owner_model._meta.verbose_name_plural)),
                model=owner_model,
                key=owner_key,
                slug=getattr(record, "slug", "") or names.slug_of(owner_model, owner_key),
                row=name,
                part="" if owner_model is model else _part_in_words(model, record, names),
                is_there=names.is_there(owner_model, owner_key),
                changes=tuple(_changes(model, record, before.get(earlier[record.history_id]), links, names)),
            ),
        )


def _keys_before(model: Any, rows: set[int]) -> dict[int, int | None]:
    """For each record of the ``rows``, the key of the one before it."""
    before = Window(Lag("history_id"), partition_by=F("id"), order_by=OLDEST_FIRST)
    records = model.history.filter(id__in=rows).order_by().annotate(before=before)
    return dict(records.values_list("history_id", "before"))


def _changes(model: Any, record: Any, earlier: Any, links: "_Links", names: "_Names") -> Iterator[Change]:
    """What differs from the record before; of a row that came or went, all that it held."""
    for field in _fields(model):
        held = _raw(record, field, links)
        if record.history_type == "-":
            # When a row goes, its lists go first.
            values = _raw(earlier, field, links) if field.many_to_many and earlier else held, None
        elif record.history_type == "+" or earlier is None:
            values = None, held
        else:
            values = _raw(earlier, field, links), held
        if values[0] == values[1]:
            continue
        before, after = (_in_words(value, field, names) for value in values)
        if before != after:
            yield Change(_label(field), getattr(field, "language", ""), before, after)


def _raw(record: Any, field: Any, links: "_Links") -> Any:
    if field.many_to_many:
        return links.of(record.history_id, field.name)
    return getattr(record, field.attname)


def _in_words(value: Any, field: Any, names: "_Names") -> str:
    """A stored value as an editor knows it."""
    if value is None or value == "" or value == []:
        return ""
    if field.many_to_many:
        return ", ".join(sorted(names.of(field.related_model, key) for key in value))
    if field.remote_field:
        return names.of(field.related_model, value)
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime | date):
        return date_format(value, "DATETIME_FORMAT" if isinstance(value, datetime) else "DATE_FORMAT")
    return str(value)


def _label(field: Any) -> str:
    return capfirst(str(getattr(field, "translated_field", field).verbose_name))


def _part_in_words(model: Any, record: Any, names: "_Names") -> str:
    """“Legal basis: Consent”."""
    named = next(field for field in _fields(model) if field.name != "order")
    value = _in_words(getattr(record, named.attname), named, names)
    return _("%(field)s: %(value)s") % {"field": capfirst(str(model._meta.verbose_name)), "value": value}


def _name_of(row: Any) -> str:
    """What an editor calls ``row``, be it a record of the history."""
    for field in ("title", "name", "heading"):
        if text := getattr(row, f"{field}_{get_language()}", "") or getattr(row, field, ""):
            return str(text)
    if isinstance(row, models.Waiver) or hasattr(row, "place"):
        return f"{row.code} · {row.place}"
    return str(getattr(row, "slug", "") or row)


class _Links:
    """The many-to-many fields of records, read with one query per field."""

    def __init__(self, model: Any, record_keys: Iterable[int]) -> None:
        keys = list(record_keys)
        self._linked: dict[str, dict[int, list[int]]] = {}
        for field in model._meta.many_to_many:
            rows = getattr(model.history.model, field.name).model.objects.filter(history_id__in=keys)
            linked: dict[int, list[int]] = {}
            for record, other in rows.values_list("history_id", f"{field.m2m_reverse_field_name()}_id"):
                linked.setdefault(record, []).append(other)
            self._linked[field.name] = linked

    def of(self, record: int, field: str) -> list[int]:
        return self._linked[field].get(record, [])


class _Names:
    """What rows are called to which others point, also those that were deleted since."""

    def __init__(self) -> None:
        self._wanted: dict[Any, set[int]] = {}
        self._known: dict[Any, dict[int, Any]] = {}

    def want(self, model: Any, keys: Iterable[int | None]) -> None:
        self._wanted.setdefault(model, set()).update(key for key in keys if key is not None)

    def look_up(self) -> None:
        for model, keys in self._wanted.items():
            known = self._known.setdefault(model, {})
            known |= model._base_manager.in_bulk(keys - known.keys())
            if missing := keys - known.keys():
                records = model.history.filter(id__in=missing).order_by(*OLDEST_FIRST)
                known |= {record.id: record for record in records}
        self._wanted = {}

    def of(self, model: Any, key: int) -> str:
        row = self._known[model].get(key)
        if row is None:
            return _("number %(number)s, deleted since") % {"number": key}
        return _name_of(row)

    def is_there(self, model: Any, key: int) -> bool:
        return isinstance(self._known[model].get(key), model)

    def slug_of(self, model: Any, key: int) -> str:
        return getattr(self._known.get(model, {}).get(key), "slug", "")


def _collect_names(model: Any, records: list[Any], links: _Links, names: _Names) -> None:
    for field in _fields(model):
        if field.many_to_many:
            keys = {key for record in records for key in links.of(record.history_id, field.name)}
            names.want(field.related_model, keys)
        elif field.remote_field:
            names.want(field.related_model, {getattr(record, field.attname) for record in records})


# -- As it was -------------------------------------------------------------------------------


class RowsThen(Rows):
    """The rows as they were at ``moment``: those added later are not there, those deleted since are."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self._rows: dict[Any, list[Any]] = {}
        self._linked: dict[Any, _Links] = {}

    def of(self, model: Any) -> list[Any]:
        if model not in self._rows:
            records = self._latest(model)
            self._linked[model] = _Links(model, [record.history_id for record in records])
            self._rows[model] = sorted(
                (_as_row(record) for record in records),
                key=lambda row: [getattr(row, name) for name in model._meta.ordering or ["pk"]],
            )
        return self._rows[model]

    def below(self, row: orm.Model, part: Part) -> list[Any]:
        return [child for child in self.of(part.model) if getattr(child, f"{part.parent}_id") == row.pk]

    def named_by(self, row: Any, name: str) -> list[Any]:
        field: Any = row._meta.get_field(name)
        others = self.of(field.related_model)
        if field.many_to_many:
            keys = set(self._linked[type(row)].of(row.record_key, name))
        else:
            keys = {getattr(row, field.attname)}
        return [other for other in others if other.pk in keys]

    def _latest(self, model: Any) -> list[Any]:
        """The last record of each row until the moment, but for those that say that it went."""
        records = model.history.filter(history_date__lte=self.moment)
        last = dict(records.order_by().values_list("id").annotate(Max("history_date")))
        found: dict[int, Any] = {}
        for record in records.filter(history_date__in=set(last.values())).order_by(*OLDEST_FIRST):
            if record.history_date == last[record.id]:
                found[record.id] = record
        return [record for record in found.values() if record.history_type != "-"]


def _as_row(record: Any) -> Any:
    row = record.instance
    row.record_key = record.history_id
    return row


@dataclass(frozen=True)
class Held:
    """A field of a row at a moment: its name, and its value, or a value per language."""

    field: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RowThen:
    """A row at a moment, as a page shows it; ``parts`` are rows that belong to it, by their name."""

    name: str
    slug: str
    held: tuple[Held, ...]
    parts: tuple[tuple[str, tuple["RowThen", ...]], ...] = ()


def content_then(rows: RowsThen) -> Iterator[tuple[str, str, list[RowThen]]]:
    """Every list of the content at the moment of ``rows``: its key, its name and its rows."""
    kinds = {kind.key: kind for kind in KINDS}
    for key, model in lists().items():
        parts = kinds[key].parts if key in kinds else ()
        found = [_row_then(rows, row, parts) for row in rows.of(model)]
        yield key, capfirst(str(model._meta.verbose_name_plural)), found


def _row_then(rows: RowsThen, row: Any, parts: tuple[Part, ...] = ()) -> RowThen:
    shown = tuple(_held(rows, row))
    below = tuple(
        (capfirst(str(part.model._meta.verbose_name_plural)), tuple(_row_then(rows, child) for child in children))
        for part in parts
        if (children := rows.below(row, part))
    )
    return RowThen(_name_of(row), getattr(row, "slug", ""), shown, below)


def _held(rows: RowsThen, row: Any) -> Iterator[Held]:
    seen: dict[str, list[tuple[str, str]]] = {}
    model: Any = type(row)
    for field in _fields(model):
        if field.remote_field:
            said = ", ".join(_name_of(other) for other in rows.named_by(row, field.name))
        else:
            said = _in_words(getattr(row, field.attname), field, _Names())
        if said and field.name != "order":
            seen.setdefault(_label(field), []).append((getattr(field, "language", ""), said))
    for label, values in seen.items():
        yield Held(label, tuple(values))
