"""What a retention rule says, apart from where it is stored: the draft's rows or a published version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .languages import Bilingual, both
from .models import RetentionRule, StatutoryException, Trigger
from .periods import Period


@dataclass(frozen=True)
class Event:
    """A trigger. ``rounding`` says whose end the period counts from: "" of the event itself,
    "month" or "year" of the calendar month or year in which it falls."""

    slug: str
    name: Bilingual
    rounding: str = ""


@dataclass(frozen=True)
class Lengthening:
    """A law by which some data stays longer; without a ``period`` the law says how long elsewhere."""

    slug: str
    name: Bilingual
    law: Bilingual
    period: Period | None


@dataclass(frozen=True)
class Terms:
    """A rule: a ``period`` from the ``trigger``, or from the end of the rule that it ``follows``.

    Without a period it ends at the trigger itself. ``ends_early_on`` are events that end it sooner.
    With neither trigger nor rule to follow, nothing has been stated.
    """

    slug: str
    trigger: Event | None
    follows: "Terms | None"
    period: Period | None
    is_maximum: bool
    action: str
    needs_consent: bool
    ends_early_on: tuple[Event, ...]
    exceptions: tuple[Lengthening, ...]

    @property
    def is_stated(self) -> bool:
        return self.trigger is not None or self.follows is not None

    @property
    def start(self) -> Event | None:
        """The event from which it all counts: that of the first rule of the chain."""
        return self.follows.start if self.follows is not None else self.trigger

    def lengthening(self, slug: str) -> Lengthening | None:
        """The exception ``slug`` of this rule or of one before it in the chain."""
        found = next((exception for exception in self.exceptions if exception.slug == slug), None)
        return found or (self.follows.lengthening(slug) if self.follows is not None else None)


def terms_of(rule: RetentionRule) -> Terms:
    """What the row says now, in the draft."""
    return Terms(
        slug=rule.slug,
        trigger=_event_of(rule.trigger) if rule.trigger else None,
        follows=terms_of(rule.follows) if rule.follows else None,
        period=Period.parse(rule.period) if rule.period else None,
        is_maximum=rule.is_maximum,
        action=rule.action,
        needs_consent=rule.needs_consent,
        ends_early_on=tuple(_event_of(trigger) for trigger in rule.ends_early_on.all()),
        exceptions=tuple(_lengthening_of(exception) for exception in rule.exceptions.all()),
    )


def terms_from_content(content: Mapping[str, Any], slug: str) -> Terms:
    """What the rule ``slug`` says in the content of a version, or of a draft as it would be frozen.

    Raises KeyError where the content has no such rule.
    """
    rules = {entry["slug"]: entry for entry in content["retention_rules"]}
    # Versions from before a trigger could round have none that does.
    events = {
        entry["slug"]: Event(entry["slug"], entry["name"], entry.get("rounding", "")) for entry in content["triggers"]
    }
    laws = {
        entry["slug"]: Lengthening(entry["slug"], entry["name"], entry["law"], _period(entry["period"]))
        for entry in content["statutory_exceptions"]
    }

    def read(entry: Mapping[str, Any]) -> Terms:
        return Terms(
            slug=entry["slug"],
            trigger=events[entry["trigger"]] if entry["trigger"] else None,
            follows=read(rules[entry["follows"]]) if entry["follows"] else None,
            period=_period(entry["period"]),
            is_maximum=entry["is_maximum"],
            action=entry["action"],
            needs_consent=entry["needs_consent"],
            ends_early_on=tuple(events[trigger] for trigger in entry["ends_early_on"]),
            exceptions=tuple(laws[exception] for exception in entry["exceptions"]),
        )

    return read(rules[slug])


def _event_of(trigger: Trigger) -> Event:
    return Event(trigger.slug, both(trigger, "name"), trigger.rounding)


def _lengthening_of(exception: StatutoryException) -> Lengthening:
    return Lengthening(exception.slug, both(exception, "name"), both(exception, "law"), _period(exception.period))


def _period(text: str) -> Period | None:
    return Period.parse(text) if text else None
