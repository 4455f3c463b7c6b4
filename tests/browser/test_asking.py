"""Deciding in a real browser whom a publication asks again: for everybody at the desk, with and without scripts."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from policies.models import CookieVendor, StatementVersion

from .screens import QUICKLY, on_each_screen
from .test_admin import sign_in

PAGE = "admin:policies_statementversion_publish"


@pytest.fixture
def reworded(published):
    """A draft that asks again for one category by itself; for another there is something to judge."""
    CookieVendor.objects.filter(slug="hotjar").update(country="US")
    CookieVendor.objects.filter(slug="linkedin-ads").update(purpose_en="Follows you", purpose_nl="Volgt je")


def open_page(context, site):
    """The publishing page in a new tab of ``context``, for a publisher called petra."""
    page = context.new_page()
    sign_in(page, site, "petra")
    page.goto(site + reverse(PAGE))
    return page


@on_each_screen
def test_axe_finds_nothing_on_the_page_in_either_language(site, reworded, browser_context, staff, width, scheme):
    staff("publisher", name="petra")
    page = open_page(browser_context, site)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)

    for language in ("en", "nl"):
        page.click(f".desk-language button[value={language}]")
        page.wait_for_load_state()
        # The previews are public pages, which have their own tests.
        found = Axe().run(page, context={"include": [".desk-asking"]}, options=QUICKLY)
        assert found.response["violations"] == [], found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_category_is_added_by_keyboard_and_without_scripts(site, reworded, chromium, staff, settings):
    settings.FOUR_EYES = False
    staff("publisher", name="petra")
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = open_page(context, site)
    group = page.get_by_role("group", name="Company website Not asked again, unless you tick it:")
    box = group.get_by_role("checkbox", name="Marketing")
    box.focus()
    page.keyboard.press("Space")
    page.fill("#id_change_summary_en", "Asked again.")
    page.keyboard.press("Enter")
    page.click("#publish_form [type=submit]")
    expect(box).to_be_checked()
    page.fill("#id_change_summary_nl", "Opnieuw gevraagd.")
    page.click("#publish_form [type=submit]")
    page.wait_for_url("**/change/")

    assert StatementVersion.objects.first().asks_again == {
        "website": ["analytical", "marketing"],
        "prostream": ["analytical"],
    }
    context.close()
