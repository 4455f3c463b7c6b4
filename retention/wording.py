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
    words = {"sentence": _length(rule)}
    match rule.needs_consent, rule.action:
        case True, Action.ANONYMISE:
            # A comma more, and it would read as consent to anonymising.
            sentence = gettext("%(sentence)s, only with your consent; then anonymised") % words
        case True, _:
            sentence = gettext("%(sentence)s, only with your consent") % words
        case False, Action.ANONYMISE:
            sentence = gettext("%(sentence)s, then anonymised") % words
        case _:
            sentence = words["sentence"]
    return capfirst(sentence)


def rule_details(rule: RetentionRule) -> list[str]:
    """What shortens or lengthens the promise, or a rule before it, a sentence each."""
    language = get_language()
    early = [
        gettext("Or %(until)s, if that is earlier.") % {"until": both(trigger, "until")[language]}
        for trigger in rule.ends_early_on.all()
    ]
    laws = list(rule.exceptions.all())
    earlier = rule.follows
    while earlier is not None:
        early += [
            gettext("The earlier period lasts %(until)s, if that is earlier.")
            % {"until": both(trigger, "until")[language]}
            for trigger in earlier.ends_early_on.all()
        ]
        laws += [law for law in earlier.exceptions.all() if law not in laws]
        earlier = earlier.follows
    return early + [_exception(law) for law in laws]


def _length(rule: RetentionRule) -> str:
    language = get_language()
    if rule.follows is not None:
        words = {"period": period_wording(rule.period), "rule": _earlier(rule.follows)}
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


def _earlier(rule: RetentionRule) -> str:
    """The rules before the last, one after another, as they stand between its brackets."""
    if rule.follows is None:
        length = _length(rule)
        return gettext("%(rule)s, with your consent") % {"rule": length} if rule.needs_consent else length
    words = {"rule": _earlier(rule.follows), "period": period_wording(rule.period)}
    match rule.needs_consent, rule.is_maximum:
        case True, True:
            return gettext("%(rule)s, and then with your consent at most %(period)s longer") % words
        case True, False:
            return gettext("%(rule)s, and then with your consent %(period)s longer") % words
        case False, True:
            return gettext("%(rule)s, and then at most %(period)s longer") % words
    return gettext("%(rule)s, and then %(period)s longer") % words


def _exception(exception: StatutoryException) -> str:
    language = get_language()
    words = {"name": both(exception, "name")[language], "law": both(exception, "law")[language]}
    if not exception.period:
        return gettext("Longer where the law requires it: %(name)s (%(law)s).") % words
    words["period"] = period_wording(exception.period)
    return gettext("Longer where the law requires it: %(name)s, %(period)s (%(law)s).") % words
