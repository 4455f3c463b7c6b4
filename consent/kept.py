"""Our own promises about the proof of a choice, kept like those about any other data.

Each target is a rule of the purpose ``proof-of-choice`` in the statement. Records and seals are
evidence, so they go by acts of their own, which write down under which rule; daily counts are plain rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Min
from django.utils import timezone
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retention import promises, targets
from retention.model_target import ModelTarget
from retention.models import Action
from retention.targets import Census, Due, Enforced, NotEnforceable

from . import purging, purging_seals
from .counting import day_start
from .models import ConsentRecord, DailyCount, RecordPurge, SealedDay, SealLeaves
from .purging import NotErasable, Portion

PURPOSE = "proof-of-choice"
BY = "enforce_retention"
# Rules count from the end of a calendar year: on New Year's Day a whole one goes.
MAX_SHARE = 0.5
# A month that is dropped is one portion, whatever it holds; what goes by its keys does so in portions of
# ours. So we are asked for all that a run may still touch.
WHATEVER_MAY_GO = 1_000_000_000
PORTION = 5000
SEALS_IN_PORTION = 400


def register() -> None:
    targets.register(RecordsTarget("consent-records", "consent-records", gettext_lazy("Consent records")))
    targets.register(
        ModelTarget(
            slug="daily-counts",
            name=gettext_lazy("Daily counts"),
            purpose=PURPOSE,
            rule="daily-counts",
            model=DailyCount,
            trigger="day",
            max_share=MAX_SHARE,
        )
    )
    targets.register(SealsTarget("sealed-days", "sealed-days", gettext_lazy("Sealed days")))


@dataclass
class _Evidence:
    """What records and seals have in common: whole days go, or none of a day."""

    slug: str
    rule: str
    name: str | LazyText
    purpose: str = PURPOSE
    exception: str = ""
    database: str = DEFAULT_DB_ALIAS
    max_share: float = MAX_SHARE
    batch_size: int = WHATEVER_MAY_GO

    def check(self, due: Due) -> None:
        if due.action != Action.ERASE:
            raise NotEnforceable(_("This is evidence: it can be erased, but not anonymised."))
        if due.early:
            raise NotEnforceable(
                _("The period also ends on “%(trigger)s”, but this goes by whole days, not by visitor.")
                % {"trigger": min(due.early)}
            )
        if due.held:
            raise NotEnforceable(
                _("This goes by whole days, so a legal hold cannot be on a single row. Place it on the whole target.")
            )

    def enforce(self, batch: Portion, due: Due) -> Enforced:
        try:
            return Enforced(erased=batch())
        except NotErasable as error:
            raise NotEnforceable(str(error)) from error

    def _under(self, due: Due) -> dict[str, Any]:
        """What the row of an erasure says."""
        for promise in promises.in_force():
            if promise.key == (self.purpose, self.rule):
                # Who reads it may read either.
                wording = " / ".join(dict.fromkeys(promise.wording.values()))
                now = timezone.now()
                return {
                    "cut_off": _midnight(due.before),
                    "rule": self.rule,
                    "wording": wording[: RecordPurge._meta.get_field("wording").max_length],
                    "by": BY,
                    "now": now,
                }
        raise NotEnforceable(_("The statement in force makes no such promise."))


class RecordsTarget(_Evidence):
    """Consent records, by the day of their arrival."""

    def check(self, due: Due) -> None:
        super().check(due)
        try:
            purging.check(_midnight(due.before))
        except NotErasable as error:
            raise NotEnforceable(str(error)) from error

    def census(self, due: Due) -> Census:
        records = ConsentRecord.objects.order_by()
        tomorrow = day_start(due.today + timedelta(days=1))
        over = records.filter(recorded_at__lt=_midnight(due.before))
        found = over.aggregate(number=Count("pk"), oldest=Min("recorded_at"))
        return Census(
            total=records.count(),
            due=found["number"],
            future=records.filter(recorded_at__gte=tomorrow).count(),
            oldest=found["oldest"],
        )

    def examples(self, due: Due, number: int) -> list[dict[str, str]]:
        over = ConsentRecord.objects.filter(recorded_at__lt=_midnight(due.before)).order_by("pk")
        return [
            {
                "id": f"{str(record.pk)[0]}…",
                "subject": f"{str(record.subject)[0]}…" if record.subject else "",
                "website": record.website,
                "action": record.action,
                "recorded_at": f"{record.recorded_at:%Y-%m}",
            }
            for record in over[:number]
        ]

    def calendar(self, first: date, last: date) -> dict[date, int]:
        """By the seals, which have counted: those of days whose records are there still."""
        seals = SealedDay.objects.filter(day__gte=first, day__lte=last)
        kept = seals.filter(pk__in=SealLeaves.objects.values("seal"))
        return dict(kept.order_by().values_list("day", "count"))

    def batches(self, due: Due, size: int) -> Iterator[Portion]:
        try:
            yield from purging.portions(**self._under(due), batch=min(size, PORTION), at_most=size)
        except NotErasable as error:
            raise NotEnforceable(str(error)) from error


class SealsTarget(_Evidence):
    """Seals of days whose records are gone already. The newest stays: the next one follows it."""

    def check(self, due: Due) -> None:
        super().check(due)
        try:
            purging_seals.check(_midnight(due.before))
        except NotErasable as error:
            raise NotEnforceable(str(error)) from error

    def census(self, due: Due) -> Census:
        over = purging_seals.erasable(_midnight(due.before))
        return Census(
            total=SealedDay.objects.count(),
            due=len(over),
            oldest=day_start(over[0].day) if over else None,
        )

    def examples(self, due: Due, number: int) -> list[dict[str, str]]:
        over = purging_seals.erasable(_midnight(due.before))[:number]
        return [{"day": f"{seal.day:%Y-%m}", "count": str(seal.count)} for seal in over]

    def calendar(self, first: date, last: date) -> dict[date, int]:
        days = SealedDay.objects.filter(day__gte=first, day__lte=last)
        return dict.fromkeys(days.order_by().values_list("day", flat=True), 1)

    def batches(self, due: Due, size: int) -> Iterator[Portion]:
        try:
            yield from purging_seals.portions(**self._under(due), batch=min(size, SEALS_IN_PORTION))
        except NotErasable as error:
            raise NotEnforceable(str(error)) from error


def _midnight(moment: datetime) -> datetime:
    """The last midnight in Amsterdam that is not after ``moment``."""
    return day_start(timezone.localdate(moment))
