"""What the database refuses, on both engines, and what it lets through."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from policies import models
from policies.validators import (
    validate_anchor,
    validate_cookie_name,
    validate_country,
    validate_fonts,
    validate_lifetime,
    validate_origin,
    validate_signals,
    validate_terms,
)
from retention.models import RetentionRule

from .factories import DataCategoryFactory, PurposeFactory, RuleFactory, TriggerFactory, VendorFactory, WebsiteFactory


def refused(constraint):
    return pytest.raises(IntegrityError, match=constraint)


@pytest.mark.parametrize("dutch", ["", None])
def test_a_legitimate_interest_is_explained_in_both_languages(db, dutch):
    purpose = PurposeFactory()

    with refused("purpose_interest_explained"):
        models.PurposeLegalBasis.objects.create(
            purpose=purpose, basis="legitimate-interests", explanation_en="Keeping the shop safe.", explanation_nl=dutch
        )


def test_an_interest_explained_in_both_languages_is_accepted(db):
    models.PurposeLegalBasis.objects.create(
        purpose=PurposeFactory(), basis="legitimate-interests", explanation_en="Safety.", explanation_nl="Veiligheid."
    )
    models.PurposeLegalBasis.objects.create(purpose=PurposeFactory(), basis="contract")

    assert models.PurposeLegalBasis.objects.count() == 2


def test_only_the_grounds_of_article_6_are_legal_bases(db):
    with refused("purpose_basis_known"):
        models.PurposeLegalBasis.objects.create(purpose=PurposeFactory(), basis="because")


@pytest.mark.parametrize("how", ["", None])
def test_a_right_to_opt_out_says_how_in_both_languages(db, how):
    with refused("purpose_opt_out_explained"):
        PurposeFactory(opt_out="objection", opt_out_how_en="By e-mail.", opt_out_how_nl=how)


def test_a_right_to_opt_out_that_says_how_is_accepted(db):
    assert PurposeFactory(opt_out="withdrawal", opt_out_how_en="By e-mail.", opt_out_how_nl="Per e-mail.").pk


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"trigger": None}, "retention_rule_period_has_start"),
        ({"action": ""}, "retention_rule_stated_has_action"),
        ({"action": "burn"}, "retention_rule_stated_has_action"),
        ({"period": "", "is_maximum": True}, "retention_rule_maximum_has_period"),
        ({"trigger": None, "period": "", "is_maximum": False}, "retention_rule_stated_has_action"),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(db, changes, constraint):
    with refused(constraint):
        RuleFactory(**changes)


def test_a_rule_counts_from_a_trigger_or_follows_another_not_both(db):
    first = RuleFactory()

    with refused("retention_rule_one_start"):
        RuleFactory(follows=first)


def test_a_rule_that_follows_another_has_a_period(db):
    first = RuleFactory()

    with refused("retention_rule_follower_has_period"):
        RuleFactory(trigger=None, follows=first, period="", is_maximum=False)


def test_a_rule_cannot_follow_itself(db):
    rule = RuleFactory(trigger=None, follows=RuleFactory())

    with refused("retention_rule_follows_another"):
        RetentionRule.objects.filter(pk=rule.pk).update(follows=rule)


def test_rules_cannot_follow_each_other_in_a_circle(db):
    first = RuleFactory()
    second = RuleFactory(trigger=None, follows=first)
    first.trigger, first.follows = None, second

    with pytest.raises(ValidationError, match="circle"):
        first.full_clean(exclude=["slug"])


def test_a_rule_may_say_that_nothing_was_stated(db):
    rule = RuleFactory(trigger=None, period="", is_maximum=False, action="")

    assert not rule.is_stated


def test_there_is_one_controller(db):
    models.Controller.objects.create(name="A B.V.", short_name="A", country="NL")
    models.Controller(name="B B.V.", short_name="B", country="NL").save()

    assert [row.name for row in models.Controller.objects.all()] == ["B B.V."]
    with refused("controller_is_one"):
        models.Controller.objects.bulk_create([models.Controller(pk=2, name="C", short_name="C", country="NL")])


def test_one_web_site_hosts_the_statement(db):
    WebsiteFactory(hosts_statement=True)
    WebsiteFactory(hosts_statement=False)
    WebsiteFactory(hosts_statement=False)

    with refused("website_one_hosts_statement|hosts_statement"):
        WebsiteFactory(hosts_statement=True)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"lifetime": "for ever"}, "vendor_lifetime_known"),
        ({"lifetime": "session", "lifetime_is_maximum": True}, "vendor_maximum_has_period"),
        ({"country": "USA"[:1]}, "vendor_has_company_and_country"),
        ({"company": ""}, "vendor_has_company_and_country"),
    ],
)
def test_a_vendor_without_company_country_or_lifetime_is_refused(db, changes, constraint):
    with refused(constraint):
        VendorFactory(**changes)


def test_a_cookie_is_listed_once_per_vendor_and_storage(db):
    vendor = VendorFactory()
    models.Cookie.objects.create(vendor=vendor, name="_ga", lifetime="P2Y")
    models.Cookie.objects.create(vendor=vendor, name="_ga", storage="local", lifetime="session")

    with refused("cookie_once|vendor_id"):
        models.Cookie.objects.create(vendor=vendor, name="_ga", lifetime="P1Y")


def test_a_generated_part_stands_on_a_page_once_and_texts_as_often_as_needed(db):
    create = models.Section.objects.create
    create(page="statement", slug="one", part="text", heading_en="A", heading_nl="A")
    create(page="statement", slug="two", part="text", heading_en="A", heading_nl="A")
    create(page="statement", slug="rights", part="rights", heading_en="A", heading_nl="A")
    create(page="summary", slug="rights", part="rights", heading_en="A", heading_nl="A")

    with refused("section_generated_part_once|section.page"), transaction.atomic():
        create(page="statement", slug="more-rights", part="rights", heading_en="A", heading_nl="A")
    with refused("section_anchor_once|section.page"):
        create(page="statement", slug="one", part="text", heading_en="A", heading_nl="A")


def test_what_a_purpose_uses_cannot_be_deleted_from_under_it(db):
    category, rule = DataCategoryFactory(), RuleFactory()
    purpose = PurposeFactory()
    models.PurposeData.objects.create(purpose=purpose, category=category)
    models.PurposeRetention.objects.create(purpose=purpose, rule=rule)

    for row in (category, rule, rule.trigger):
        with pytest.raises(ProtectedError):
            row.delete()


def test_a_text_in_one_language_is_not_shown_in_the_other(db):
    from django.utils.translation import override

    trigger = TriggerFactory(name_en="End", name_nl="")

    with override("nl"):
        assert trigger.name != "End"


@pytest.mark.parametrize(
    "origin",
    [
        "https://www.example.nl",
        "https://a-b.example.co",
        "https://example.nl:8443",
        "http://127.0.0.1:8001",
        "http://localhost:3000",
    ],
)
def test_an_origin_is_what_browsers_send(origin):
    validate_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "", "null", "example.nl", "https://", "https://example.nl/", "https://example.nl/path", "https://EXAMPLE.nl",
        "http://example.nl", "https://example.nl:443", "https://user@example.nl", "https://exa mple.nl",
        "ftp://example.nl", "https://example.nl:99999", "https://example.nl?x", "javascript:alert(1)", "https://*.nl",
    ],
)  # fmt: skip
def test_what_no_browser_sends_as_origin_is_refused(origin):
    with pytest.raises(ValidationError):
        validate_origin(origin)


@pytest.mark.parametrize(
    ("validate", "good", "bad"),
    [
        (validate_country, ["NL", "US", "MT"], ["nl", "USA", "XX", "N", "", "Ñ1"]),
        (validate_lifetime, ["session", "P13M", "P1Y"], ["Session", "1 year", "P", ""]),
        (validate_terms, ["", "dpv:CustomerCare eu-gdpr:A6-1-a"], ["CustomerCare", "dpv:", "https://w3id.org/dpv#X"]),
        (validate_anchor, ["about", "rights"], ["preferences", "this-version", "purpose-contact"]),
        (validate_signals, ["", "ad_storage analytics_storage"], ["ads", "analytics"]),
        (
            validate_fonts,
            ["Inter", "Source Sans 3, sans-serif", "Exo 2,Arial", "3270", "Écriture", "ゴシック"],
            ["", " ", "-", "Inter,", "Inter, ", "Inter,,Arial", "_, Arial", "'Inter'", "Inter;x", "Inter\n"],
        ),
        (validate_cookie_name, ["_ga", "_ga_*", "*session*", "1", "é"], ["", "*", "**", "_*", "*-*", " "]),
    ],
)
def test_single_fields_hold_terms_of_their_standards(validate, good, bad):
    for text in good:
        validate(text)
    for text in bad:
        with pytest.raises(ValidationError):
            validate(text)
