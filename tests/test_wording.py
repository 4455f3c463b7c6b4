"""Every shape of a retention rule, in both languages: what stands in ``wording_shapes.md`` is what visitors read."""

import re
from pathlib import Path

import pytest
from django.utils.translation import override

from retention.wording import lifetime_wording, period_wording, rule_details, rule_wording

from .factories import ExceptionFactory, RuleFactory, TriggerFactory

TABLE = Path(__file__).with_name("wording_shapes.md").read_text(encoding="utf-8")


def shapes(heading):
    """Shape, English and Dutch of each line of the table under ``heading``."""
    _before, part = TABLE.split(f"\n## {heading}\n")
    lines = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", part.split("\n## ")[0], re.MULTILINE)
    return lines[2:]


def in_english_and_dutch(say):
    said = []
    for language in ("en", "nl"):
        with override(language):
            said.append(say())
    return said


# -- Periods -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("period", "english", "dutch"), shapes("Periods"))
def test_a_period_reads_as_one_says_it(period, english, dutch):
    assert in_english_and_dutch(lambda: period_wording(period)) == [english, dutch]


@pytest.mark.parametrize("number", [1, 2, 5, 21, 100])
def test_dutch_years_have_no_plural_and_english_years_have(number):
    english = f"{number} years" if number > 1 else "1 year"

    assert in_english_and_dutch(lambda: period_wording(f"P{number}Y")) == [english, f"{number} jaar"]


@pytest.mark.parametrize(("lifetime", "english", "dutch"), shapes("In the browser"))
def test_the_life_of_a_cookie_reads_naturally(lifetime, english, dutch):
    period, is_maximum = lifetime.removeprefix("at most "), lifetime.startswith("at most ")

    assert in_english_and_dutch(lambda: lifetime_wording(period, is_maximum)) == [english, dutch]


# -- Rules -------------------------------------------------------------------------------------


def choice(rounding):
    phrases = {
        "year": (
            "the end of the calendar year in which you made your choice",
            ("na afloop van", "tot het einde van", "het kalenderjaar waarin je je keuze hebt gemaakt"),
        ),
        "month": (
            "the end of the month in which you made your choice",
            ("na afloop van", "tot het einde van", "de maand waarin je je keuze hebt gemaakt"),
        ),
    }
    english, (after, until, dutch) = phrases[rounding]
    return TriggerFactory(
        rounding=rounding,
        after_en=f"after {english}",
        until_en=f"until {english}",
        after_nl=f"{after} {dutch}",
        until_nl=f"{until} {dutch}",
    )


def withdrawal():
    return TriggerFactory(until_en="until you withdraw your consent", until_nl="tot je je toestemming intrekt")


def objection():
    return TriggerFactory(until_en="until you object", until_nl="tot je bezwaar maakt")


def exactly(period, **changes):
    return RuleFactory(period=period, is_maximum=False, **changes)


def at_most(period, **changes):
    return RuleFactory(period=period, **changes)


def longer(first, period="P1Y", **changes):
    return RuleFactory(trigger=None, follows=first, period=period, **({"is_maximum": False} | changes))


RULES = {
    "not stated": lambda: exactly("", trigger=None, action=""),
    "until the event": lambda: exactly(""),
    "until the event, then anonymised": lambda: exactly("", action="anonymise"),
    "until the event, with consent": lambda: exactly("", needs_consent=True),
    "exactly 1 day": lambda: exactly("P1D"),
    "at most 2 days": lambda: at_most("P2D"),
    "exactly 1 week": lambda: exactly("P1W"),
    "at most 6 weeks": lambda: at_most("P6W"),
    "exactly 1 month": lambda: exactly("P1M"),
    "at most 13 months": lambda: at_most("P13M"),
    "exactly 1 year": lambda: exactly("P1Y"),
    "at most 1 year": lambda: at_most("P1Y"),
    "exactly 2 years": lambda: exactly("P2Y"),
    "at most 1 year and 6 months": lambda: at_most("P1Y6M"),
    "at most 3 years, then anonymised": lambda: at_most("P3Y", action="anonymise"),
    "at most 1 year, with consent": lambda: at_most("P1Y", needs_consent=True),
    "at most 1 year, with consent, then anonymised": lambda: at_most("P1Y", needs_consent=True, action="anonymise"),
    "from the end of the year": lambda: at_most("P5Y", trigger=choice("year")),
    "from the end of the month": lambda: exactly("P6M", trigger=choice("month")),
    "until the end of the year": lambda: exactly("", trigger=choice("year")),
}

FOLLOWING = {
    "longer": lambda: longer(at_most("P6W")),
    "at most longer": lambda: longer(at_most("P6W"), is_maximum=True),
    "longer, with consent": lambda: longer(at_most("P6W"), needs_consent=True),
    "at most longer, with consent": lambda: longer(at_most("P6W"), is_maximum=True, needs_consent=True),
    "at most longer, then anonymised": lambda: longer(at_most("P6W"), is_maximum=True, action="anonymise"),
    "longer, after an exact period": lambda: longer(exactly("P6W")),
    "longer, after an event": lambda: longer(exactly("")),
    "longer, after a period with consent": lambda: longer(at_most("P6W", needs_consent=True)),
    "longer, after what is not stated": lambda: longer(exactly("", trigger=None, action="")),
    "third, after at most longer": lambda: longer(longer(at_most("P6W"), is_maximum=True), "P2Y"),
    "third, after longer": lambda: longer(longer(at_most("P6W")), "P2Y"),
    "third, after at most longer with consent": lambda: longer(
        longer(at_most("P6W"), is_maximum=True, needs_consent=True), "P2Y"
    ),
    "third, after longer with consent": lambda: longer(longer(at_most("P6W"), needs_consent=True), "P2Y"),
}


def with_ends(rule, *triggers):
    rule.ends_early_on.add(*triggers)
    return rule


def with_law(rule, **changes):
    rule.exceptions.add(ExceptionFactory(**changes))
    return rule


DETAILS = {
    "one early end": lambda: with_ends(at_most("P1Y"), withdrawal()),
    "two early ends": lambda: with_ends(at_most("P1Y"), withdrawal(), objection()),
    "an early end of the earlier rule": lambda: longer(with_ends(at_most("P6W"), objection())),
    "a law with its period": lambda: with_law(at_most("P1Y")),
    "a law without a period": lambda: with_law(at_most("P1Y"), period=""),
    "a law of the earlier rule": lambda: longer(with_law(at_most("P6W"))),
}


@pytest.mark.parametrize(("shape", "english", "dutch"), shapes("The rule itself"))
def test_a_rule_is_one_sentence_in_each_language(db, shape, english, dutch):
    rule = RULES[shape]()

    assert in_english_and_dutch(lambda: rule_wording(rule)) == [english, dutch]


@pytest.mark.parametrize(("shape", "english", "dutch"), shapes("One rule after another"))
def test_a_rule_that_follows_another_says_where_it_starts(db, shape, english, dutch):
    rule = FOLLOWING[shape]()

    assert in_english_and_dutch(lambda: rule_wording(rule)) == [english, dutch]


@pytest.mark.parametrize(("shape", "english", "dutch"), shapes("Sooner or later"))
def test_what_shortens_or_lengthens_a_rule_is_a_sentence_of_its_own(db, shape, english, dutch):
    rule = DETAILS[shape]()

    assert in_english_and_dutch(lambda: " ".join(rule_details(rule))) == [english, dutch]


def test_a_law_that_two_rules_of_a_chain_name_is_said_once(db):
    first = with_law(at_most("P6W"))
    rule = longer(first)
    rule.exceptions.set(first.exceptions.all())

    assert len(rule_details(rule)) == 1


@pytest.mark.parametrize(
    ("heading", "made"),
    [("The rule itself", RULES), ("One rule after another", FOLLOWING), ("Sooner or later", DETAILS)],
)
def test_the_table_has_every_shape_once(heading, made):
    assert [shape for shape, _english, _dutch in shapes(heading)] == list(made)
