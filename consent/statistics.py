"""How visitors answered, from the daily counts alone: over time, and by what they have in common.

A decision is counted, not a visitor: who changes a choice is counted again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Sum

from retention.routing import Reading

from .models import DailyCount

# Bars that can still be told apart; a longer period is shown by the week, the month or the year.
MOST_BARS = 62
PERIODS = (7, 30, 90, 365)

# A week has each day of the week once; four of them say what is usual.
RECENT, USUAL = 7, 28
# With fewer answers, ten points are easily chance (the 95 % interval of 50 of 100 is 40 to 60).
ENOUGH = 100
JUMP = 0.10


@dataclass(frozen=True)
class Tally:
    """Answers: ``asked`` is what was ``accepted``, ``refused`` and ``withdrawn`` together."""

    asked: int = 0
    accepted: int = 0
    refused: int = 0
    withdrawn: int = 0
    customised: int = 0
    once: int = 0

    @property
    def rate(self) -> float | None:
        """How many of those who accepted or refused did accept, from 0 to 1; None where nobody did either."""
        answers = self.accepted + self.refused
        return self.accepted / answers if answers else None

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, name) + getattr(other, name) for name in NAMES))


NAMES = [field.name for field in fields(Tally)]


@dataclass(frozen=True)
class Period:
    """Days, the first and the last among them."""

    first: date
    last: date

    @classmethod
    def of_days(cls, days: int, today: date) -> "Period":
        """The last ``days`` days, of which today is one."""
        return cls(today - timedelta(days=days - 1), today)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(self.days))


@dataclass(frozen=True)
class Step:
    """A day, a week, a month or a year of a period, as far as it lies in it."""

    first: date
    last: date
    tally: Tally


@dataclass(frozen=True)
class Jump:
    """That the consent rate of a category on a web site changed: from ``before`` to ``now``, from 0 to 1."""

    website: str
    category: str
    before: float
    now: float


def chosen(period: Period, *, website: str = "", language: str = "") -> QuerySet[DailyCount]:
    """The counts of ``period``, of one web site or language where they are given."""
    rows = DailyCount.objects.order_by().filter(day__range=(period.first, period.last))
    if website:
        rows = rows.filter(website=website)
    return rows.filter(language=language) if language else rows


def series(rows: QuerySet[DailyCount], period: Period, *, category: str = "") -> list[Step]:
    """The decisions in ``rows`` step by step, or the answers about ``category``; a step for each, also without any."""
    by_day = dict(_tallies(rows.filter(category=category), "day"))
    steps: dict[Any, Step] = {}
    key = _step_of(period)
    for day in period:
        tally = by_day.get(day, Tally())
        step = steps.get(key(day), Step(day, day, Tally()))
        steps[key(day)] = Step(step.first, day, step.tally + tally)
    return list(steps.values())


def together(steps: list[Step]) -> Tally:
    """All that ``steps`` count."""
    return sum((step.tally for step in steps), Tally())


def by_category(rows: QuerySet[DailyCount]) -> dict[str, Tally]:
    """The answers about each category."""
    return dict(_tallies(rows.exclude(category=""), "category"))


def by(field: str, rows: QuerySet[DailyCount]) -> dict[Any, Tally]:
    """The decisions for each ``website``, ``language`` or ``gpc``."""
    return dict(_tallies(rows.filter(category=""), field))


def jumped(today: date) -> list[Jump]:
    """Where visitors answer otherwise than they used to: the last seven full days beside the 28 before them.

    Such a change seldom has to do with visitors: a banner does not load, or a text misleads.
    """
    recent_from, usual_from = today - timedelta(days=RECENT), today - timedelta(days=RECENT + USUAL)
    answers = {
        f"{name}_{when}": Sum(name, default=0, filter=Q(day__gte=first, day__lt=end))
        for when, first, end in (("usual", usual_from, recent_from), ("recent", recent_from, today))
        for name in ("accepted", "refused")
    }
    found = (
        DailyCount.objects.order_by("website", "category")
        .filter(day__gte=usual_from, day__lt=today)
        .exclude(category="")
        .values("website", "category")
        .annotate(**answers)
    )
    return [jump for row in Reading().rows(found) if (jump := _jump(row))]


# -- How ---------------------------------------------------------------------------------------


def _tallies(rows: QuerySet[DailyCount], field: str) -> Iterator[tuple[Any, Tally]]:
    sums = {f"sum_{name}": Sum(name) for name in NAMES}
    for row in Reading().rows(rows.order_by(field).values(field).annotate(**sums)):
        yield row[field], Tally(**{name: row[f"sum_{name}"] for name in NAMES})


def _step_of(period: Period) -> Any:
    """What the days of one step have in common."""
    if period.days <= MOST_BARS:
        return lambda day: day
    if period.days <= MOST_BARS * 7:
        return lambda day: day.isocalendar()[:2]
    if period.days <= MOST_BARS * 28:
        return lambda day: (day.year, day.month)
    return lambda day: day.year


def _jump(row: Mapping[str, Any]) -> Jump | None:
    tallies = [Tally(accepted=row[f"accepted_{when}"], refused=row[f"refused_{when}"]) for when in ("usual", "recent")]
    if any(tally.accepted + tally.refused < ENOUGH for tally in tallies):
        return None
    before, now = (tally.rate or 0.0 for tally in tallies)
    # 0.7 and 0.6 differ by a tenth, which a computer takes for a little less.
    if round(abs(now - before), 9) < JUMP:
        return None
    return Jump(row["website"], row["category"], before, now)
