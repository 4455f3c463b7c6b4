"""The comparison of two versions in a real browser: read by everybody, on every screen, and on paper."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils.translation import override
from playwright.sync_api import expect

from policies.models import CookieVendor, ProcessingPurpose, RetentionRule, Section

from .screens import QUICKLY, on_each_screen
from .test_admin import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def second(published, publish):
    """Version 2: texts, a period, a list, a row that went, a row that moved, categories asked again."""
    purpose = ProcessingPurpose.objects.get(slug="introduction")
    purpose.description_en += " You hear from us.\n\n- by phone\n- by [mail](mailto:privacy@example.nl)"
    purpose.description_nl += " Je hoort van ons.\n\n- per telefoon\n- per [mail](mailto:privacy@example.nl)"
    purpose.save()
    purpose.data.first().delete()
    ProcessingPurpose.objects.filter(slug="contact").update(title_nl="Contact met ons")
    RetentionRule.objects.filter(slug="position-filled-6w").update(period="P4W")
    CookieVendor.objects.filter(slug="hotjar").update(country="US")
    CookieVendor.objects.filter(slug="linkedin-ads").delete()
    Section.objects.filter(page="statement").first().delete()
    return publish()


def address(language):
    with override(language):
        return reverse("changes", args=[2])


@on_each_screen
def test_axe_finds_nothing_and_nothing_is_cut_off(site, second, browser_page, width, scheme):
    browser_page.set_viewport_size({"width": width, "height": 900})
    browser_page.emulate_media(color_scheme=scheme)

    for language in ("en", "nl"):
        browser_page.goto(site + address(language))
        browser_page.locator(".change__past summary").first.click()
        found = Axe().run(browser_page, context={"exclude": ["privacy-consent"]}, options=QUICKLY)
        assert found.response["violations"] == [], found.generate_report()
        assert browser_page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_switch_of_language_keeps_the_place(site, second, browser_page):
    browser_page.goto(f"{site}{address('en')}#changes-2")

    browser_page.click("a.head__language")

    expect(browser_page).to_have_url(f"{site}{address('nl')}#changes-2")
    expect(browser_page.locator("html")).to_have_attribute("lang", "nl")


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"media": "print"}])
def test_what_came_and_what_went_differ_by_more_than_colour(site, second, browser_page, media):
    browser_page.emulate_media(**media)
    browser_page.goto(site + address("en"))

    lines = "element => getComputedStyle(element).textDecorationLine"
    assert browser_page.locator("ins").first.evaluate(lines) == "underline"
    assert browser_page.locator("del").first.evaluate(lines) == "line-through"


@pytest.mark.parametrize("width", [1280, 320])
def test_the_desk_shows_the_languages_beside_each_other_where_there_is_room(
    site, second, browser_context, staff, width
):
    staff("publisher", name="petra")
    page = browser_context.new_page()
    sign_in(page, site, "petra")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(site + reverse("admin:policies_statementversion_changes", args=[second.pk]))

    for language in ("en", "nl"):
        page.click(f".desk-language button[value={language}]")
        page.wait_for_load_state()
        found = Axe().run(page, context={"include": ["#content-main"]}, options=QUICKLY)
        assert found.response["violations"] == [], found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    english, dutch = (page.locator(".desk-field").first.locator(f"[lang={code}]").first for code in ("en", "nl"))
    assert (english.bounding_box()["y"] == dutch.bounding_box()["y"]) == (width > 900)
