"""Who changed what since a moment, by the pages of the desk: why a proposal no longer stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from retention.admin import owner_field

from .models import Waiver

SHOWN = 20


@dataclass(frozen=True)
class Edit:
    """The last of the changes to a row and its parts; ``who`` is empty where a command made it."""

    at: datetime
    who: str
    kind: str
    name: str
    url: str


def edits_since(moment: datetime) -> list[Edit]:
    """Rows that changed after ``moment``, the latest first, not more than a page should hold.

    Two queries for each kind of row that changed, one for each other.
    """
    last: dict[tuple[type[Model], int], Any] = {}
    for record, row in sorted(_records(moment), key=lambda found: found[0].history_date):
        last[row] = record
    latest = sorted(last.items(), key=lambda item: item[1].history_date, reverse=True)[:SHOWN]

    names: dict[type[Model], dict[int, Model]] = {}
    for model in {model for (model, _key), _record in latest}:
        names[model] = model._default_manager.in_bulk([key for (other, key), _record in latest if other is model])
    return [
        Edit(
            at=record.history_date,
            who=record.history_user.get_username() if record.history_user else "",
            kind=capfirst(str(model._meta.verbose_name)),
            name=str(names[model].get(key) or _("number %(number)s, deleted since") % {"number": key}),
            url=_address(model, key),
        )
        for (model, key), record in latest
    ]


def _records(moment: datetime) -> Iterator[tuple[Any, tuple[type[Model], int]]]:
    """Each change with the row on whose page it was made."""
    for label in ("retention", "policies"):
        for model in apps.get_app_config(label).get_models():
            if not hasattr(model._meta, "simple_history_manager_attribute"):
                continue
            owner = owner_field(model)
            found = model.history.filter(history_date__gt=moment).select_related("history_user")  # type: ignore[attr-defined]
            for record in found.order_by("-history_date")[:SHOWN]:
                if owner is None:
                    yield record, (model, record.id)
                else:
                    yield record, (owner.related_model, getattr(record, owner.attname))


def _address(model: type[Model], key: int) -> str:
    if model is Waiver:
        return reverse("admin:policies_statementversion_review")
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_history", args=[key])
