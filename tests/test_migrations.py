"""What migrations do to data that is there already."""

from importlib import import_module

from django.apps import apps

from policies.models import Website


def test_a_web_site_keeps_the_months_under_which_it_was_published(published):
    """The days of a choice were a setting of the former release."""
    Website.objects.update(consent_months=1)

    import_module("policies.migrations.0003_banner_and_catalogue").keep_months(apps, None)

    assert set(Website.objects.values_list("consent_months", flat=True)) == {6}


def test_without_a_version_there_is_nothing_to_keep(content):
    Website.objects.update(consent_months=1)

    import_module("policies.migrations.0003_banner_and_catalogue").keep_months(apps, None)

    assert set(Website.objects.values_list("consent_months", flat=True)) == {1}
