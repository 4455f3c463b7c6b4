"""Every shape of a retention rule, in both languages. A reader can judge the sentences here."""

import pytest
from django.utils.translation import override

from retention.wording import lifetime_wording, period_wording, rule_details, rule_wording

from .factories import ExceptionFactory, RuleFactory, TriggerFactory

SHAPES = [
    (
        {"period": "P1Y", "is_maximum": True},
        "At most 1 year after the agreement ends",
        "Maximaal 1 jaar na afloop van de overeenkomst",
    ),
    (
        {"period": "P1Y", "is_maximum": False},
        "1 year after the agreement ends",
        "1 jaar na afloop van de overeenkomst",
    ),
    (
        {"period": "P2Y", "is_maximum": False},
        "2 years after the agreement ends",
        "2 jaar na afloop van de overeenkomst",
    ),
    (
        {"period": "P13M", "is_maximum": True},
        "At most 13 months after the agreement ends",
        "Maximaal 13 maanden na afloop van de overeenkomst",
    ),
    (
        {"period": "P1M", "is_maximum": True},
        "At most 1 month after the agreement ends",
        "Maximaal 1 maand na afloop van de overeenkomst",
    ),
    (
        {"period": "P6W", "is_maximum": True},
        "At most 6 weeks after the agreement ends",
        "Maximaal 6 weken na afloop van de overeenkomst",
    ),
    (
        {"period": "P1D", "is_maximum": False},
        "1 day after the agreement ends",
        "1 dag na afloop van de overeenkomst",
    ),
    (
        {"period": "P1Y6M", "is_maximum": True},
        "At most 1 year and 6 months after the agreement ends",
        "Maximaal 1 jaar en 6 maanden na afloop van de overeenkomst",
    ),
    (
        {"period": "", "is_maximum": False},
        "Until the agreement ends",
        "Tot de overeenkomst afloopt",
    ),
    (
        {"period": "P3Y", "is_maximum": True, "action": "anonymise"},
        "At most 3 years after the agreement ends, then anonymised",
        "Maximaal 3 jaar na afloop van de overeenkomst, daarna geanonimiseerd",
    ),
    (
        {"period": "P1Y", "is_maximum": True, "needs_consent": True},
        "At most 1 year after the agreement ends, only with your consent",
        "Maximaal 1 jaar na afloop van de overeenkomst, alleen met je toestemming",
    ),
    (
        {"trigger": None, "period": "", "is_maximum": False, "action": ""},
        "Not stated",
        "Niet vermeld",
    ),
]


@pytest.mark.parametrize(("shape", "english", "dutch"), SHAPES)
def test_a_rule_is_one_sentence_in_each_language(db, shape, english, dutch):
    rule = RuleFactory(**shape)

    with override("en"):
        assert rule_wording(rule) == english
    with override("nl"):
        assert rule_wording(rule) == dutch


@pytest.mark.parametrize(
    ("is_maximum", "english", "dutch"),
    [
        (
            True,
            "At most 1 year longer, counted from the end of the earlier period "
            "(at most 6 weeks after the agreement ends), only with your consent",
            "Maximaal 1 jaar langer, gerekend vanaf het einde van de eerdere termijn "
            "(maximaal 6 weken na afloop van de overeenkomst), alleen met je toestemming",
        ),
        (
            False,
            "1 year longer, counted from the end of the earlier period "
            "(at most 6 weeks after the agreement ends), only with your consent",
            "1 jaar langer, gerekend vanaf het einde van de eerdere termijn "
            "(maximaal 6 weken na afloop van de overeenkomst), alleen met je toestemming",
        ),
    ],
)
def test_a_rule_that_follows_another_says_where_it_starts(db, is_maximum, english, dutch):
    first = RuleFactory(period="P6W")
    rule = RuleFactory(trigger=None, follows=first, is_maximum=is_maximum, needs_consent=True)

    with override("en"):
        assert rule_wording(rule) == english
    with override("nl"):
        assert rule_wording(rule) == dutch


def test_what_shortens_or_lengthens_a_rule_is_a_sentence_of_its_own(db):
    rule = RuleFactory()
    rule.ends_early_on.add(
        TriggerFactory(until_en="until you withdraw your consent", until_nl="tot je je toestemming intrekt")
    )
    rule.exceptions.add(ExceptionFactory(slug="tax"), ExceptionFactory(slug="unclear", period=""))

    with override("en"):
        assert rule_details(rule) == [
            "Or until you withdraw your consent, if that is earlier.",
            "Longer where the law requires it: tax records, 7 years (Article 52 AWR).",
            "Longer where the law requires it: tax records (Article 52 AWR).",
        ]
    with override("nl"):
        assert rule_details(rule) == [
            "Of tot je je toestemming intrekt, als dat eerder is.",
            "Langer waar de wet dat eist: fiscale administratie, 7 jaar (artikel 52 AWR).",
            "Langer waar de wet dat eist: fiscale administratie (artikel 52 AWR).",
        ]


@pytest.mark.parametrize(
    ("lifetime", "is_maximum", "english", "dutch"),
    [
        ("session", False, "Session", "Sessie"),
        ("P13M", True, "At most 13 months", "Maximaal 13 maanden"),
        ("P1Y", False, "1 year", "1 jaar"),
        ("P182D", False, "182 days", "182 dagen"),
    ],
)
def test_the_life_of_a_cookie_reads_naturally(lifetime, is_maximum, english, dutch):
    with override("en"):
        assert lifetime_wording(lifetime, is_maximum) == english
    with override("nl"):
        assert lifetime_wording(lifetime, is_maximum) == dutch


@pytest.mark.parametrize("number", [1, 2, 5, 21, 100])
def test_dutch_years_have_no_plural_and_english_years_have(number):
    with override("nl"):
        assert period_wording(f"P{number}Y") == f"{number} jaar"
    with override("en"):
        assert period_wording(f"P{number}Y") == (f"{number} years" if number > 1 else "1 year")
