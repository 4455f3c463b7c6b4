"""When data has to go, and why: a rule's periods counted on the calendar, in days of Europe/Amsterdam.

Pure arithmetic on what a rule says (``Terms``); no rule and no data is read here.

The end is the day on which data goes, at its beginning: "6 weeks after 3 March" is 14 April, and
13 April is the last full day on which the data is there. A period from the end of a month or year
starts with the first day after it, so that "1 month after the end of February" is the whole of
March. A law that demands keeping counts the day of the event as none of its own, and its last day
in full (Regulation 1182/71, article 3).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext

from .periods import BeyondCalendar, Period
from .targets import Due, NotEnforceable
from .terms import Event, Lengthening, Terms
from .wording import period_wording

# Earlier days are not asked for: MySQL compares moments from the year 1000, and no data is older.
FIRST_DAY = date(1000, 1, 1)


@dataclass(frozen=True)
class Step:
    """What was done to get to ``day``; as text, a sentence in the language that is active then."""

    day: date | None
    say: Callable[[], str]

    def __str__(self) -> str:
        return self.say()


@dataclass(frozen=True)
class Reckoning:
    """The day on which the data goes, where that is known, and how it was found."""

    end: date | None
    steps: tuple[Step, ...]

    @property
    def kept_until(self) -> date | None:
        """The last full day on which the data is there."""
        return self.end - timedelta(days=1) if self.end else None


def reckon(terms: Terms, events: Mapping[str, date], exception: str = "", *, consent_given: bool = True) -> Reckoning:
    """The end of data whose ``events``, by identifier of the trigger, took place on these days.

    ``exception`` is the statutory exception that the data falls under: it stays as long as the law
    says, and no event shortens that. Raises BeyondCalendar, and KeyError where the rule knows no such
    exception.
    """
    if not exception:
        return Reckoning(*_followed(terms, events, consent_given, shortened=True))

    law = _lengthening(terms, exception)
    end, steps = _followed(terms, events, consent_given, shortened=False)
    steps += tuple(_without_effect(event, events[event.slug]) for event in early_ends(terms) if event.slug in events)
    if terms.start is None or end is None:
        return Reckoning(None, tuple(steps))
    if law.period is None:
        return Reckoning(None, (*steps, _law_says_elsewhere(law)))
    lawful = _lawful_end(law.period, terms.start, events[terms.start.slug])
    if lawful <= end:
        return Reckoning(end, (*steps, _law_is_shorter(law, lawful)))
    return Reckoning(lawful, (*steps, _law_is_longer(law, lawful)))


def due(terms: Terms, today: date, now: datetime, exception: str = "", held: frozenset[str] = frozenset()) -> Due:
    """What has come to its end on ``today``: the inverse of ``reckon``, for a whole table at once.

    Consent is taken as given: which data lacks it is for the target to select. A day that has yet
    to come counts as the day of ``now``, so that nothing goes before its end by that clock either.
    Raises NotEnforceable where the rule does not say when.
    """
    start = _enforceable(terms, exception)
    today = min(today, timezone.localdate(now, timezone.get_default_timezone()))
    before = min(day_start(_first_lasting(terms, start, exception, today)), now)
    # What the law demands to be kept, no event shortens.
    sooner = [] if exception else early_ends(terms)
    early = {event.slug: min(day_start(_first_lasting(terms, event, "", today)), now) for event in sooner}
    return Due(today=today, before=before, early=early, action=terms.action, held=held)


def began_within(terms: Terms, first: date, last: date, exception: str = "") -> tuple[date, date]:
    """The first and the last day of those on which began what ends from ``first`` to ``last``, both included.

    The last lies before the first where nothing can end then. Raises NotEnforceable like ``due``.
    """
    start = _enforceable(terms, exception)
    earliest = _first_lasting(terms, start, exception, first - timedelta(days=1))
    return earliest, _first_lasting(terms, start, exception, last) - timedelta(days=1)


def early_ends(terms: Terms) -> list[Event]:
    """Every event that ends the rule, or one before it in the chain, sooner; each once."""
    before = early_ends(terms.follows) if terms.follows is not None else []
    known = {event.slug for event in before}
    return before + [event for event in terms.ends_early_on if event.slug not in known]


def lengthenings(terms: Terms) -> list[Lengthening]:
    """Every statutory exception to the rule, or to one before it in the chain; each once."""
    before = lengthenings(terms.follows) if terms.follows is not None else []
    own = {law.slug for law in terms.exceptions}
    return [law for law in before if law.slug not in own] + list(terms.exceptions)


def asks_consent(terms: Terms) -> bool:
    """Whether the rule, or one before it in the chain, holds with consent only."""
    return terms.needs_consent or (terms.follows is not None and asks_consent(terms.follows))


def day_start(day: date) -> datetime:
    """The moment with which ``day`` begins in Amsterdam, in UTC; the next is 23 to 25 hours later."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone()).astimezone(UTC)


# -- The inverse -------------------------------------------------------------------------------


def _enforceable(terms: Terms, exception: str) -> Event:
    """The event from which it all counts. Raises NotEnforceable where the rule does not say when."""
    if terms.start is None:
        raise NotEnforceable(gettext("The rule does not say how long: nothing can be enforced."))
    if exception:
        law = terms.lengthening(exception)
        if law is None:
            raise NotEnforceable(gettext("The rule has no statutory exception “%s”.") % exception)
        if law.period is None:
            raise NotEnforceable(gettext("The statutory exception “%s” does not say how long.") % exception)
    return terms.start


def _first_lasting(terms: Terms, event: Event, exception: str, today: date) -> date:
    """The first day whose end is yet to come on ``today``, if ``event`` alone took place on it.

    Found by halving, because the end never falls as the day of the event rises, whatever periods
    and roundings it is made of.
    """
    over, lasting = FIRST_DAY - timedelta(days=1), today + timedelta(days=1)
    while (lasting - over).days > 1:
        middle = over + (lasting - over) // 2
        if _is_over(terms, {event.slug: middle}, exception, today):
            over = middle
        else:
            lasting = middle
    return lasting


def _is_over(terms: Terms, events: Mapping[str, date], exception: str, today: date) -> bool:
    try:
        end = reckon(terms, events, exception).end
    except BeyondCalendar:
        return False
    return end is not None and end <= today


# -- Along the rules ---------------------------------------------------------------------------


def _followed(
    terms: Terms, events: Mapping[str, date], consent_given: bool, *, shortened: bool
) -> tuple[date | None, tuple[Step, ...]]:
    """The end of the last rule of the chain, and the steps to it; ``shortened`` by events that end it sooner."""
    if terms.follows is not None:
        end, steps = _followed(terms.follows, events, consent_given, shortened=shortened)
    elif terms.trigger is not None:
        end, steps = _start(terms.trigger, events)
    else:
        return None, (Step(None, lambda: gettext("The rule does not say how long.")),)

    if end is not None:
        if terms.needs_consent and not consent_given:
            steps += (_without_consent(terms, end),)
        elif terms.period is not None:
            start, end = end, terms.period.after(end)
            steps += (_period_passes(terms, start, end),)

    for event in terms.ends_early_on if shortened else ():
        if event.slug in events:
            sooner = _counted_from(event, events[event.slug])
            steps += (_ends_early(event, events[event.slug], sooner, end),)
            end = min(sooner, end) if end else sooner
    return end, steps


def _start(event: Event, events: Mapping[str, date]) -> tuple[date | None, tuple[Step, ...]]:
    if event.slug not in events:
        return None, (Step(None, lambda: gettext("%(event)s: not yet known, so no end is known.") % _named(event)),)
    day = events[event.slug]
    start = _counted_from(event, day)
    happened = Step(day, lambda: gettext("%(event)s: %(day)s.") % (_named(event) | {"day": _said(day)}))
    return start, (happened, _counts_from_the_end(event, start)) if event.rounding else (happened,)


def _counted_from(event: Event, day: date) -> date:
    """The day itself, or the first after the month or calendar year in which it falls."""
    match event.rounding:
        case "month":
            return Period(months=1).after(day.replace(day=1))
        case "year":
            return Period(years=1).after(day.replace(month=1, day=1))
    return day


def _lengthening(terms: Terms, slug: str) -> Lengthening:
    law = terms.lengthening(slug)
    if law is None:
        raise KeyError(slug)
    return law


def _lawful_end(period: Period, event: Event, day: date) -> date:
    start = _counted_from(event, day)
    end = period.after(start)
    return end if event.rounding else Period(days=1).after(end)


# -- In words ----------------------------------------------------------------------------------


def _said(day: date) -> str:
    return date_format(day, "j F Y")


def _named(row: Event | Lengthening) -> dict[str, str]:
    return {"event": capfirst(row.name[get_language() or "en"])}


def _counts_from_the_end(event: Event, start: date) -> Step:
    last = start - timedelta(days=1)

    def say() -> str:
        if event.rounding == "month":
            return gettext("The period counts from the end of that month: %(day)s.") % {"day": _said(last)}
        return gettext("The period counts from the end of that calendar year: %(day)s.") % {"day": _said(last)}

    return Step(last, say)


def _period_passes(terms: Terms, start: date, end: date) -> Step:
    def say() -> str:
        words = {"period": period_wording(str(terms.period)), "day": _said(end), "start": _said(start)}
        if terms.follows is None:
            return gettext("%(period)s later: %(day)s.") % words
        if terms.needs_consent:
            return gettext("The earlier period ends on %(start)s; with consent %(period)s longer: %(day)s.") % words
        return gettext("The earlier period ends on %(start)s; then %(period)s longer: %(day)s.") % words

    return Step(end, say)


def _without_consent(terms: Terms, end: date) -> Step:
    def say() -> str:
        if terms.follows is None:
            return gettext("There is no consent, so this data may not be kept beyond %(day)s.") % {"day": _said(end)}
        return gettext("There is no consent, so it stays at the end of the earlier period: %(day)s.") % {
            "day": _said(end)
        }

    return Step(end, say)


def _ends_early(event: Event, day: date, sooner: date, end: date | None) -> Step:
    def say() -> str:
        words = _named(event) | {"day": _said(day), "sooner": _said(sooner)}
        if end is not None and sooner >= end:
            return gettext("%(event)s: %(day)s. That is not earlier, so it changes nothing.") % words
        if sooner == day:
            return gettext("%(event)s: %(day)s. The data goes then, because that is earlier.") % words
        return gettext("%(event)s: %(day)s. The data goes on %(sooner)s, because that is earlier.") % words

    return Step(sooner, say)


def _without_effect(event: Event, day: date) -> Step:
    def say() -> str:
        words = _named(event) | {"day": _said(day)}
        return gettext("%(event)s: %(day)s. It shortens nothing, because the law requires the data to be kept.") % words

    return Step(None, say)


def _law(law: Lengthening) -> dict[str, str]:
    language = get_language() or "en"
    return {"name": capfirst(law.name[language]), "law": law.law[language]}


def _law_says_elsewhere(law: Lengthening) -> Step:
    return Step(
        None,
        lambda: gettext("%(name)s (%(law)s): the rule does not say how long, so no end can be computed.") % _law(law),
    )


def _law_is_shorter(law: Lengthening, lawful: date) -> Step:
    def say() -> str:
        words = _law(law) | {"day": _said(lawful - timedelta(days=1))}
        return gettext("%(name)s (%(law)s): to be kept until %(day)s, which the rule does already.") % words

    return Step(lawful, say)


def _law_is_longer(law: Lengthening, lawful: date) -> Step:
    def say() -> str:
        words = _law(law) | {"day": _said(lawful - timedelta(days=1)), "period": period_wording(str(law.period))}
        return (
            gettext("%(name)s (%(law)s): to be kept for %(period)s, so the data stays until %(day)s inclusive.") % words
        )

    return Step(lawful, say)
