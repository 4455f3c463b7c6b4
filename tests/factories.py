"""Rows for tests; every value is stated, none is guessed."""

import factory

from policies import models
from retention.models import RetentionRule, StatutoryException, Trigger


class TriggerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Trigger

    slug = factory.Sequence(lambda n: f"agreement-ended-{n}")
    name_en = "End of the agreement"
    name_nl = "Einde van de overeenkomst"
    after_en = "after the agreement ends"
    after_nl = "na afloop van de overeenkomst"
    until_en = "until the agreement ends"
    until_nl = "tot de overeenkomst afloopt"


class ExceptionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = StatutoryException

    slug = factory.Sequence(lambda n: f"tax-{n}")
    name_en = "tax records"
    name_nl = "fiscale administratie"
    law_en = "Article 52 AWR"
    law_nl = "artikel 52 AWR"
    period = "P7Y"


class RuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RetentionRule
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"rule-{n}")
    trigger = factory.SubFactory(TriggerFactory)
    period = "P1Y"
    is_maximum = True
    action = "erase"


class DataCategoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.DataCategory

    slug = factory.Sequence(lambda n: f"data-{n}")
    name_en = "Email address"
    name_nl = "E-mailadres"


class PurposeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.ProcessingPurpose

    slug = factory.Sequence(lambda n: f"purpose-{n}")
    title_en = "Contact"
    title_nl = "Contact"
    description_en = "We answer your question."
    description_nl = "Wij beantwoorden je vraag."


class CategoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.CookieCategory

    slug = factory.Sequence(lambda n: f"category-{n}")
    name_en = "Analytical"
    name_nl = "Analytisch"
    purpose_en = "Measuring use."
    purpose_nl = "Gebruik meten."


class VendorFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.CookieVendor
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"vendor-{n}")
    name = "Measurer"
    company = "Measurer Ltd."
    country = "MT"
    category = factory.SubFactory(CategoryFactory)
    purpose_en = "Counting visits."
    purpose_nl = "Bezoeken tellen."
    lifetime = "P1Y"


class WebsiteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Website

    slug = factory.Sequence(lambda n: f"site-{n}")
    name_en = "Shop"
    name_nl = "Winkel"
    banner_title_en = "Cookies"
    banner_title_nl = "Cookies"
    banner_text_en = "May we measure?"
    banner_text_nl = "Mogen wij meten?"
