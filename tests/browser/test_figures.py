"""The first page of the desk and its statistics: for eyes, for ears, on a phone, without scripts."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from consent.models import DailyCount
from policies.models import DataCategory

from .test_admin import WCAG, sign_in

PASSWORD = "a long password"


@pytest.fixture
def figures(site, published, django_user_model):
    """Some answers, a change that is not published, and somebody who may see both; the addresses of the pages."""
    django_user_model.objects.create_superuser("anna", password=PASSWORD)
    DataCategory.objects.filter(slug="phone").update(name_en="Telephone", name_nl="Telefoon")
    DailyCount.objects.bulk_create(
        DailyCount(
            day=timezone.localdate() - timedelta(days=days), website="website", language="nl", category=category,
            gpc=False, asked=60 + days, accepted=40, refused=15 + days, withdrawn=5, customised=3,
        )
        for days in range(100)
        for category in ("", "analytical", "marketing")
    )  # fmt: skip
    statistics = site + reverse("admin:consent_statistics")
    return [site + reverse("admin:index"), f"{statistics}?days=30", f"{statistics}?days=90&category=marketing"]


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("nl", "dark")])
def test_axe_finds_nothing_on_a_wide_screen_or_a_phone(figures, site, chromium, language, scheme):
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    sign_in(page, site, "anna")
    page.click(f".desk-language button[value={language}]")
    page.wait_for_load_state()

    found = []
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 800})
        for url in figures:
            page.goto(url)
            for details in page.locator("main details").all():
                details.locator("summary").click()
            violations = Axe().run(page, options=WCAG).response["violations"]
            found += [f"{width} {url} {rule['id']}: {rule['nodes'][0]['html']}" for rule in violations]
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), url
    context.close()

    assert found == []


def test_bars_are_told_apart_without_their_colours(figures, site, browser_page):
    sign_in(browser_page, site, "anna")
    browser_page.goto(figures[1])

    fills = browser_page.eval_on_selector_all(
        ".desk-chart__bars g:last-of-type rect", "pieces => pieces.map(piece => piece.getAttribute('fill'))"
    )

    assert fills == ["url(#chart-accepted)", "url(#chart-refused)", "url(#chart-withdrawn)"]
    heights = browser_page.eval_on_selector_all(
        ".desk-chart__bars g:last-of-type rect", "pieces => pieces.map(piece => piece.getBoundingClientRect().height)"
    )
    assert heights[0] / sum(heights) == pytest.approx(40 / 60, abs=0.02)


def test_who_cannot_see_the_bars_hears_what_they_show(figures, site, browser_page):
    sign_in(browser_page, site, "anna")
    browser_page.goto(figures[1])

    image = browser_page.get_by_role("img", name="Choices of visitors from")

    expect(image).to_be_visible()
    title, told = (browser_page.locator(f"#chart-{part}").text_content() for part in ("title", "description"))
    expect(image).to_have_accessible_name(f"{title} {told}")


def test_a_period_is_chosen_without_scripts(figures, site, chromium):
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    sign_in(page, site, "anna")
    page.goto(figures[0])

    page.click("text=All figures, also as tables")
    page.click("button[name=days][value='7']")
    expect(page.locator(".desk-chart__bars g")).to_have_count(7)

    page.fill("#chosen_since", (timezone.localdate() - timedelta(days=2)).isoformat())
    page.locator("#chosen_category").select_option("marketing")
    page.click("text=Show")
    expect(page.locator(".desk-chart__bars g")).to_have_count(3)
    expect(page.locator("#course")).to_contain_text("Answers about")
    context.close()
