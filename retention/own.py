"""What the desk itself keeps about staff, kept to its own promises: the purpose ``site-administration``."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, OuterRef, Q
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import targets
from .model_target import ModelTarget
from .models import Action
from .targets import Census, Due, Enforced, NotEnforceable

PURPOSE = "site-administration"


def register() -> None:
    targets.register(
        HistoryTarget(
            slug="content-history",
            name=gettext_lazy("History of the content"),
            purpose=PURPOSE,
            rule="content-history",
            max_share=0.5,
        )
    )
    targets.register(
        ModelTarget(
            slug="admin-log",
            name=gettext_lazy("What was done at the desk"),
            purpose=PURPOSE,
            rule="admin-log",
            model=LogEntry,
            trigger="action_time",
            max_share=0.5,
        )
    )
    targets.register(
        ModelTarget(
            slug="staff-sessions",
            name=gettext_lazy("Sessions of staff"),
            purpose=PURPOSE,
            rule="staff-sessions",
            model=Session,
            trigger="expire_date",
            max_share=1.0,
        )
    )


@dataclass
class HistoryTarget:
    """Every table in which simple_history keeps what rows were like. A key under hold is written
    ``app.HistoricalModel:number``."""

    slug: str
    name: str | LazyText
    purpose: str
    rule: str
    exception: str = ""
    database: str = DEFAULT_DB_ALIAS
    max_share: float = 0.1
    batch_size: int = 1000

    @cached_property
    def parts(self) -> dict[str, "HistoryOfModel"]:
        """A target per table, by the name of its model; known once all apps have said whose history is kept."""
        histories = [
            model.history.model  # type: ignore[attr-defined]
            for model in apps.get_models()
            if hasattr(model._meta, "simple_history_manager_attribute")
        ]
        return {
            history._meta.label: HistoryOfModel(
                slug=self.slug,
                name=self.name,
                purpose=self.purpose,
                rule=self.rule,
                model=history,
                trigger="history_date",
                treatments={"history_user": None, "history_change_reason": None},
                database=self.database,
            )
            for history in histories
        }

    def check(self, due: Due) -> None:
        if any(key.partition(":")[0] not in self.parts for key in due.held):
            raise NotEnforceable(_("A legal hold names a row by what cannot be its key."))
        for part, its_due in self._each(due):
            part.check(its_due)

    def census(self, due: Due) -> Census:
        found = [part.census(its_due) for part, its_due in self._each(due)]
        return Census(
            total=sum(census.total for census in found),
            due=sum(census.due for census in found),
            held=sum(census.held for census in found),
            undated=sum(census.undated for census in found),
            future=sum(census.future for census in found),
            oldest=min((census.oldest for census in found if census.oldest), default=None),
        )

    def examples(self, due: Due, number: int) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        for part, its_due in self._each(due):
            found += part.examples(its_due, number - len(found)) if len(found) < number else []
        return found

    def calendar(self, first: date, last: date) -> dict[date, int]:
        began: Counter[date] = Counter()
        for part in self.parts.values():
            began.update(part.calendar(first, last))
        return dict(began)

    def batches(self, due: Due, size: int) -> Iterator[Any]:
        for part, its_due in self._each(due):
            for keys in part.batches(its_due, size):
                yield part, keys, its_due

    def enforce(self, batch: Any, due: Due) -> Enforced:
        part, keys, its_due = batch
        return part.enforce(keys, its_due)

    def _each(self, due: Due) -> Iterator[tuple["HistoryOfModel", Due]]:
        """The parts, each with the holds on its own rows."""
        for label, part in self.parts.items():
            held = frozenset(key.removeprefix(f"{label}:") for key in due.held if key.startswith(f"{label}:"))
            yield part, replace(due, held=held)


class HistoryOfModel(ModelTarget):
    """One table of history.

    The newest record of a row that exists says what the content is, and "as it was on a day" needs
    it however old it is. So of that one only goes who wrote it, and why.
    """

    def _is_due(self, due: Due) -> Q:
        over = super()._is_due(due)
        return over if due.action == Action.ANONYMISE else over & (self._is_past() | self._is_untreated())

    def enforce(self, batch: list[Any], due: Due) -> Enforced:
        if due.action == Action.ANONYMISE:
            return super().enforce(batch, due)
        rows = self._due_rows(due).filter(pk__in=batch)
        past = list(rows.filter(self._is_past()).values_list("pk", flat=True))
        for relation in self.model._meta.related_objects:
            # The lists that belonged to it, which the database would let stay.
            lists = relation.related_model._base_manager.using(self.database)
            lists.filter(**{f"{relation.field.attname}__in": past}).delete()
        erased = self._erase(self._rows().filter(pk__in=past))
        return Enforced(erased=erased, anonymised=rows.update(**self.treatments))

    def _is_past(self) -> Q:
        """Condition: the row was changed after this record, or has been deleted by it."""
        newer = self.model._base_manager.filter(id=OuterRef("id")).filter(
            Q(history_date__gt=OuterRef("history_date"))
            | Q(history_date=OuterRef("history_date"), history_id__gt=OuterRef("history_id"))
        )
        return Q(Exists(newer)) | Q(history_type="-")
