"""Retention rules as sentences, in the language that is active.

The structure says it once; the sentence patterns live in the ``.po`` file, and the names of
units in the Unicode locale data. So the two languages cannot promise different things.
"""

from babel.lists import format_list
from babel.units import format_unit
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, pgettext

from .languages import both
from .models import Action, RetentionRule, StatutoryException
from .periods import Period

SESSION = "session"


def period_wording(period: str) -> str:
    """``"P1Y6M"`` → “1 year and 6 months”. Raises NotAPeriod."""
    language = get_language()
    units = [
        # The long form of Dutch days is left to the short one in the locale data, which Babel
        # does not follow; the short form writes the word in full in both languages.
        format_unit(number, f"duration-{unit}", length="short" if unit == "day" else "long", locale=language)
        for unit, number in Period.parse(period).parts()
    ]
    return format_list(units, locale=language)


def lifetime_wording(lifetime: str, is_maximum: bool = False) -> str:
    """How long something stays in the browser: “Session”, “At most 13 months”, “1 year”."""
    if lifetime == SESSION:
        return pgettext("lifetime of a cookie", "Session")
    if is_maximum:
        return gettext("At most %(period)s") % {"period": period_wording(lifetime)}
    return period_wording(lifetime)


def rule_wording(rule: RetentionRule) -> str:
    """The promise itself, one sentence without a full stop."""
    if not rule.is_stated:
        return gettext("Not stated")
    sentence = _length(rule)
    if rule.needs_consent:
        sentence = gettext("%(sentence)s, only with your consent") % {"sentence": sentence}
    if rule.action == Action.ANONYMISE:
        sentence = gettext("%(sentence)s, then anonymised") % {"sentence": sentence}
    return capfirst(sentence)


def rule_details(rule: RetentionRule) -> list[str]:
    """What shortens or lengthens the promise, a sentence each."""
    language = get_language()
    early = [
        gettext("Or %(until)s, if that is earlier.") % {"until": both(trigger, "until")[language]}
        for trigger in rule.ends_early_on.all()
    ]
    return early + [_exception(exception) for exception in rule.exceptions.all()]


def _length(rule: RetentionRule) -> str:
    language = get_language()
    if rule.follows is not None:
        words = {"period": period_wording(rule.period), "rule": _length(rule.follows)}
        if rule.is_maximum:
            return gettext("at most %(period)s longer, counted from the end of the earlier period (%(rule)s)") % words
        return gettext("%(period)s longer, counted from the end of the earlier period (%(rule)s)") % words
    if not rule.is_stated:
        return gettext("not stated")
    if not rule.period:
        return both(rule.trigger, "until")[language]
    words = {"period": period_wording(rule.period), "after": both(rule.trigger, "after")[language]}
    if rule.is_maximum:
        return gettext("at most %(period)s %(after)s") % words
    return gettext("%(period)s %(after)s") % words


def _exception(exception: StatutoryException) -> str:
    language = get_language()
    words = {"name": both(exception, "name")[language], "law": both(exception, "law")[language]}
    if not exception.period:
        return gettext("Longer where the law requires it: %(name)s (%(law)s).") % words
    words["period"] = period_wording(exception.period)
    return gettext("Longer where the law requires it: %(name)s, %(period)s (%(law)s).") % words
