"""Which texts people write, and when each was last changed in each language, from the history of the rows."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from retention.models import RetentionRule

from .. import models
from ..content_file import CONTROLLER_FIELDS, KINDS, LANGUAGES, Kind, translated_fields
from . import Place

Edits = dict[Place, dict[str, datetime]]

OF_CONTROLLER = Kind("controller", models.Controller, CONTROLLER_FIELDS, identity=())

# Where the content has a text, if that is not under the name of its field in the entry of its row.
ELSEWHERE: dict[Place, Place] = {
    ("controller", "statement_title"): ("title",),
    ("controller", "summary_title"): ("summary_title",),
    ("controller", "summary"): ("summary",),
    ("controller", "supervisor"): ("controller", "supervisor", "name"),
}
DEEPER = {"opt_out_how": ("opt_out", "how")}


def is_written(place: Place) -> bool:
    """Whether people wrote the text at ``place``; the others follow from structure, in both languages at once."""
    identity = 0 if place[0] in {"controller", "title", "summary_title", "summary"} else 1 + (place[0] == "pages")
    within = place[1 + identity :]
    # A part is told from the others of its list by one name more.
    shape = (place[0], *(within if len(within) < 3 else (within[0], within[2]))) if identity else place
    return shape in _shapes()


@cache
def _shapes() -> set[Place]:
    shapes = set()
    for kind in (OF_CONTROLLER, *KINDS):
        first = "pages" if kind.model is models.Section else kind.key
        shapes |= {_place((first,), field) for field in translated_fields(kind.model)}
        shapes |= {(first, part.key, field) for part in kind.parts for field in translated_fields(part.model)}
    return shapes


def last_edits() -> Edits:
    """For every translated text the moment at which each language got the words that it has now.

    ``{place: {"en": datetime, "nl": datetime}}``, places as those of ``review.texts``. Rows that
    are gone are left out, and so are rows without history. One query per model.
    """
    rules = {str(pk): slug for pk, slug in RetentionRule.objects.values_list("pk", "slug")}
    edits: Edits = {}
    for kind in (OF_CONTROLLER, *KINDS):
        if kind.model is models.Waiver or not translated_fields(kind.model):
            continue
        entries: dict[str, Place] = {}
        first = "pages" if kind.model is models.Section else kind.key
        for pk, identity, moments in _rows(kind.model, kind.identity):
            entries[pk] = (first, *identity)
            edits |= _at(entries[pk], moments)
        for part in kind.parts:
            if not translated_fields(part.model):
                continue
            for _pk, (parent, key), moments in _rows(part.model, (part.parent, part.fields[0])):
                if parent in entries:
                    edits |= _at((*entries[parent], part.key, rules.get(key, key)), moments)
    return edits


def _place(entry: Place, field: str) -> Place:
    place = (*entry, *DEEPER.get(field, (field,)))
    return ELSEWHERE.get(place, place)


def _at(entry: Place, moments: dict[str, dict[str, datetime]]) -> Edits:
    return {_place(entry, field): by_language for field, by_language in moments.items()}


def _rows(model: Any, identity: tuple[str, ...]) -> Iterator[tuple[str, list[str], dict[str, dict[str, datetime]]]]:
    """Each row of ``model`` that exists: its key, what identifies it, and ``{field: {language: moment}}``."""
    key = model._meta.pk.attname
    texts = [(field, language) for field in translated_fields(model) for language in LANGUAGES]
    columns = [f"{field}_{language}" for field, language in texts]
    newest_first = model.history.order_by(key, "-history_date", "-history_id").values_list(
        key, "history_type", "history_date", *identity, *columns
    )
    start = 3 + len(identity)
    row: Any = None
    found: dict[str, dict[str, datetime]] = {}
    unsettled: list[tuple[int, str, str]] = []
    for entry in newest_first.iterator():
        if row is None or entry[0] != row[0]:
            if found:
                yield str(row[0]), [str(value) for value in row[3:start]], found
            row, found = entry, {}
            unsettled = [] if entry[1] == "-" else [(start + at, *text) for at, text in enumerate(texts)]
        # Back in time for as long as a text is what it is now.
        unsettled = [item for item in unsettled if (entry[item[0]] or "") == (row[item[0]] or "")]
        for _at_column, field, language in unsettled:
            found.setdefault(field, {})[language] = entry[2]
    if found:
        yield str(row[0]), [str(value) for value in row[3:start]], found
