"""Data in a Django model: which rows are due, and how they go.

What is due is asked again in the very statement that erases or anonymises, so that a row that
changed since it was read, or was put under a hold, stays. Anonymised is a row when each treated
column holds what treating it would give: doing it twice changes nothing, and nothing has to be
remembered beside the data.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import Count, F, Lookup, Min, Q
from django.db.models.deletion import Collector
from django.db.models.functions import Left, Mod, TruncDate, TruncYear
from django.db.models.lookups import In
from django.utils import timezone
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _

from .append_only import AppendOnlyModel
from .masking import masked, masked_key
from .models import Action
from .reckoning import day_start
from .tables import BINARY, BOOLEAN, DATE, DECIMAL, TEXT, UUID
from .targets import Census, Due, Enforced, NotEnforceable

# What a treatment may be beside these: a plain value, the same in every row; None and "" leave it empty.


class _Year(TruncYear):
    """Of a moment by UTC, which is how moments are stored: elsewhere midnight comes back as another one."""

    def get_tzname(self) -> str:
        return "UTC"


def year(column: str) -> TruncYear:
    """Of a date or a moment only its year stays, as its 1 January."""
    return _Year(column)


def prefix(column: str, number: int) -> Left:
    """Of a text only its first ``number`` characters stay."""
    return Left(column, number)


def rounded(column: str, multiple: int) -> Any:
    """A number rounded towards zero to a ``multiple``."""
    return F(column) - Mod(F(column), multiple)


class _Among(Lookup):
    """One of these keys: on PostgreSQL a single value, an array, which it costs nothing to put into SQL."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return compiler.compile(In(self.lhs, self.rhs))

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        key, params = self.process_lhs(compiler, connection)
        return f"{key} = ANY(%s)", [*params, self.rhs]


@dataclass
class ModelTarget:
    """The rows of ``model``, whose period counts from the field ``trigger``.

    ``early`` has a field per trigger that ends the period sooner; ``selection`` says which rows this is
    about, ``hold`` which of them are to be left alone. ``treatments`` are what becomes of fields when
    anonymising. See targets.Target for the rest.
    """

    slug: str
    name: str | LazyText
    purpose: str
    rule: str
    model: type[models.Model]
    trigger: str
    early: Mapping[str, str] = field(default_factory=dict)
    selection: Q = field(default_factory=Q)
    hold: Q | None = None
    treatments: Mapping[str, Any] = field(default_factory=dict)
    exception: str = ""
    database: str = DEFAULT_DB_ALIAS
    max_share: float = 0.1
    batch_size: int = 1000

    # -- What a target can do (see targets.Target)

    def check(self, due: Due) -> None:
        if due.action == Action.ERASE and issubclass(self.model, AppendOnlyModel):
            raise NotEnforceable(_("These rows are evidence: they need a target of their own kind to be erased."))
        if due.action == Action.ANONYMISE and not self.treatments:
            raise NotEnforceable(_("The rule says to anonymise, and the target does not say how."))
        if unknown := due.early.keys() - self.early.keys():
            raise NotEnforceable(
                _("The period also ends on “%(trigger)s”, and the target does not say where to read that.")
                % {"trigger": min(unknown)}
            )
        self._held_keys(due)

    def census(self, due: Due) -> Census:
        is_due, is_held = self._is_due(due), self._is_held(due)
        yet_to_come = self._since(self.trigger, day_start(due.today + timedelta(days=1)))
        found = self._rows().aggregate(
            total=Count("pk"),
            due_rows=Count("pk", filter=is_due & ~is_held),
            held=Count("pk", filter=is_due & is_held),
            undated=Count("pk", filter=Q(**{f"{self.trigger}__isnull": True})),
            future=Count("pk", filter=yet_to_come),
            oldest=Min(self.trigger, filter=is_due & ~is_held),
        )
        oldest = found.pop("oldest")
        if oldest is not None and not isinstance(oldest, datetime):
            oldest = day_start(oldest)
        return Census(due=found.pop("due_rows"), oldest=oldest, **found)

    def examples(self, due: Due, number: int) -> list[dict[str, str]]:
        fields = self.model._meta.concrete_fields
        rows = self._due_rows(due).order_by(self.trigger, "pk").values_list(*(each.attname for each in fields))
        return [
            {each.attname: _shown(each, value) for each, value in zip(fields, row, strict=True)}
            for row in rows[:number]
        ]

    def calendar(self, first: date, last: date) -> dict[date, int]:
        began, until = day_start(first), day_start(last + timedelta(days=1))
        rows = self._rows().filter(self._since(self.trigger, began) & self._before(self.trigger, until))
        day: Any = F(self.trigger)
        if self._has_time(self.trigger):
            day = TruncDate(self.trigger, tzinfo=timezone.get_default_timezone())
        return dict(rows.order_by().values_list(day).annotate(number=Count("pk")))

    def batches(self, due: Due, size: int) -> Iterator[list[Any]]:
        """Keys in the order of each date that makes a row due, so that an index on it is read once."""
        for column, moment in self._ways(due):
            rows = self._due_rows(due).filter(self._before(column, moment)).order_by(column, "pk")
            found = list(rows.values_list(column, "pk")[:size])
            while found:
                yield [pk for _at, pk in found]
                at, last = found[-1]
                # The first condition says no more than the second, but an index can be entered by it.
                beyond = Q(**{f"{column}__gte": at}) & (Q(**{f"{column}__gt": at}) | Q(pk__gt=last))
                found = list(rows.filter(beyond).values_list(column, "pk")[:size])

    def enforce(self, batch: list[Any], due: Due) -> Enforced:
        rows = self._due_rows(due).filter(_Among(F("pk"), batch))
        if due.action == Action.ANONYMISE:
            return Enforced(anonymised=rows.update(**self.treatments))
        return Enforced(erased=self._erase(rows))

    # -- Which rows

    def _rows(self) -> models.QuerySet:
        return self.model._base_manager.using(self.database).filter(self.selection)

    def _due_rows(self, due: Due) -> models.QuerySet:
        return self._rows().filter(self._is_due(due) & ~self._is_held(due))

    def _ways(self, due: Due) -> list[tuple[str, datetime]]:
        """Each field by which a row may have come to its end, with the moment before which it has."""
        return [(self.trigger, due.before), *((self.early[trigger], moment) for trigger, moment in due.early.items())]

    def _is_due(self, due: Due) -> Q:
        """Condition; what has no date meets none of its parts."""
        over = Q()
        for column, moment in self._ways(due):
            over |= self._before(column, moment)
        return over & self._is_untreated() if due.action == Action.ANONYMISE else over

    def _is_held(self, due: Due) -> Q:
        held = Q(pk__in=self._held_keys(due))
        return held if self.hold is None else held | self.hold

    def _held_keys(self, due: Due) -> list[Any]:
        """Raises NotEnforceable where a hold is on what can be no key: what is meant would go."""
        key: Any = self.model._meta.pk
        try:
            keys = [key.to_python(text) for text in sorted(due.held)]
            for each in keys:
                key.run_validators(each)  # a number that no column of this kind can hold
        except ValidationError as error:
            raise NotEnforceable(_("A legal hold names a row by what cannot be its key.")) from error
        return keys

    def _is_untreated(self) -> Q:
        """Condition: some field does not hold yet what its treatment gives; nothing equals NULL in a database."""
        untreated = Q()
        for column, becomes in self.treatments.items():
            if becomes is None:
                untreated |= Q(**{f"{column}__isnull": False})
            elif hasattr(becomes, "resolve_expression"):
                untreated |= Q(**{f"{column}__isnull": False}) & ~Q(**{column: becomes})
            else:
                untreated |= Q(**{f"{column}__isnull": True}) | ~Q(**{column: becomes})
        return untreated

    def _before(self, column: str, moment: datetime) -> Q:
        return Q(**{f"{column}__lt": self._comparable(column, moment)})

    def _since(self, column: str, moment: datetime) -> Q:
        return Q(**{f"{column}__gte": self._comparable(column, moment)})

    def _comparable(self, column: str, moment: datetime) -> date | datetime:
        """``moment`` for a field of moments; for one of dates the first day that does not begin before it."""
        if self._has_time(column):
            return moment
        day = timezone.localdate(moment, timezone.get_default_timezone())
        return day if day_start(day) >= moment else day + timedelta(days=1)

    def _has_time(self, column: str) -> bool:
        return isinstance(self.model._meta.get_field(column), models.DateTimeField)

    # -- How they go

    def _erase(self, rows: models.QuerySet) -> int:
        """In one statement where nothing else hangs on the rows; else as on_delete says."""
        if not Collector(using=self.database, origin=rows).can_fast_delete(rows):
            if connections[self.database].features.has_select_for_update_of:
                rows = rows.select_for_update(of=("self",))
            # Locked where the database can: what is erased with them is collected from these very rows.
            keys = [row.pk for row in rows.only("pk")]
            rows = self.model._base_manager.using(self.database).filter(pk__in=keys)
        _total, numbers = rows.delete()
        return numbers.get(self.model._meta.label, 0)


def _shown(column: models.Field, value: Any) -> str:
    kinds: list[tuple[tuple[type[models.Field], ...], str]] = [
        ((models.DateField,), DATE),
        ((models.BooleanField,), BOOLEAN),
        ((models.IntegerField, models.FloatField, models.DecimalField), DECIMAL),
        ((models.UUIDField,), UUID),
        ((models.BinaryField,), BINARY),
    ]
    kind = next((kind for types, kind in kinds if isinstance(column, types)), TEXT)
    text = None if value is None else str(value)
    return masked_key(kind, text) if column.primary_key else masked(kind, text)
