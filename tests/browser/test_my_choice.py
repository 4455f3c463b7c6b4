"""The visitor's own page in a real browser: the number behind the "#", no scripts, and everybody's eyes."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from playwright.sync_api import expect

from consent.models import Banner, ConsentRecord
from consent.recording import new_id
from policies.models import Cookie, CookieVendor

from .screens import QUICKLY, on_each_screen

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SUBJECT = "5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11"


def address(language="en"):
    with override(language):
        return reverse("my_choice")


@pytest.fixture
def record(site, published, client):
    """A decision that was recorded under SUBJECT for another web site."""
    client.get("/embed/prostream.js")
    banner = Banner.objects.get(website="prostream", kind="script")
    now = timezone.now() - timedelta(minutes=1)
    return ConsentRecord.objects.create(
        id=new_id(now),
        subject=SUBJECT,
        website="prostream",
        version_id=1,
        banner=banner,
        language="en",
        gpc=False,
        action="save",
        choices={"analytical": True, "marketing": False},
        vendors={"facebook-connect": True},
        decided_at=now,
    )


def choose(page, site, button):
    page.goto(f"{site}/en/cookies/")
    page.locator("form").get_by_role("button", name=button).click()
    expect(page.get_by_text("Your choice has been saved.")).not_to_have_count(0)


def choice_of(page):
    return next((c["value"] for c in page.context.cookies() if c["name"] == "privacy_consent"), None)


def test_a_number_behind_the_address_is_sent_in_the_body_and_gone_from_the_address(record, site, browser_page):
    asked = []
    browser_page.on("request", lambda request: asked.append((request.method, request.url)))
    browser_page.goto(f"{site}{address()}#{SUBJECT}")

    history = browser_page.get_by_role("table")
    expect(history.get_by_text("Prostream application")).to_be_visible()
    expect(history.locator(f'a[href="/consent/{record.pk}/"]')).to_be_visible()
    assert browser_page.url == site + address()
    assert ("POST", site + address()) in asked
    # What the page asks for afterwards names the page that it was on; never the number.
    assert not [url for method, url in asked if SUBJECT in url.partition("#")[0]]
    assert "Cookie settings" in browser_page.locator("#history .prose").inner_text()
    expect(browser_page.get_by_role("button", name="Delete my number")).to_have_count(0)


def test_the_change_of_language_takes_the_number_along(record, site, browser_page):
    browser_page.goto(f"{site}{address()}#{SUBJECT}")
    expect(browser_page.get_by_role("table")).to_be_visible()

    browser_page.get_by_role("link", name="Nederlands").click()

    expect(browser_page.get_by_role("table").get_by_text("Prostream-applicatie")).to_be_visible()
    assert browser_page.url == site + address("nl")


def test_something_else_behind_the_address_is_left_alone(record, site, browser_page):
    asked = []
    browser_page.on("request", lambda request: asked.append(request.method))
    browser_page.goto(f"{site}{address()}#elsewhere")
    expect(browser_page.get_by_role("heading", level=1)).to_be_visible()

    assert browser_page.url.endswith("#elsewhere")
    assert "POST" not in asked


def test_without_scripts_a_number_is_pasted(record, site, chromium):
    context = chromium.new_context(locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    page.goto(site + address())
    page.get_by_label("Number of the browser").fill(SUBJECT)
    page.get_by_role("button", name="Show what was recorded").click()

    expect(page.get_by_role("table").get_by_text("Prostream application")).to_be_visible()
    context.close()


def test_without_scripts_consent_is_withdrawn_and_the_number_deleted(site, published, chromium):
    context = chromium.new_context(locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    choose(page, site, "Accept all")
    page.goto(site + address())
    page.get_by_role("button", name="Withdraw my consent").click()
    expect(page.get_by_text("None. You allowed nothing")).to_be_visible()
    assert '"s"' not in unquote(choice_of(page))

    page.get_by_role("button", name="Forget my choice").click()
    expect(page.get_by_text("you will be asked again.", exact=False).first).to_be_visible()
    assert choice_of(page) is None
    assert [record.action for record in ConsentRecord.objects.order_by("id")] == ["accept_all", "withdraw"]
    context.close()


def test_after_deleting_the_number_one_is_asked_again(site, published, browser_page):
    browser_page.goto(f"{site}/en/")
    browser_page.locator("privacy-consent").get_by_role("button", name="Accept all", exact=True).click()
    expect(browser_page.get_by_role("status")).to_contain_text("has been saved")

    browser_page.goto(site + address())
    browser_page.locator("main").get_by_role("button", name="Delete my number").click()

    expect(browser_page.locator("privacy-consent").get_by_role("dialog")).to_be_visible()
    assert choice_of(browser_page) is None
    assert [record.action for record in ConsentRecord.objects.order_by("id")] == ["accept_all", "withdraw"]


def test_cookies_out_of_reach_of_scripts_are_gone_after_a_refusal(site, published, publish, browser_page):
    vendor = CookieVendor.objects.get(slug="hotjar")
    Cookie.objects.create(vendor=vendor, name="hj_*", lifetime="P1Y", http_only=True)
    publish()
    browser_page.context.add_cookies(
        [
            {"name": "hj_secret", "value": "1", "url": site, "httpOnly": True},
            {"name": "basket", "value": "1", "url": site, "httpOnly": True},
        ]
    )
    choose(browser_page, site, "Reject all")

    assert {cookie["name"] for cookie in browser_page.context.cookies()} == {"basket", "privacy_consent"}


def test_a_receipt_is_saved_under_a_name_of_its_own(record, site, browser_page):
    browser_page.goto(f"{site}{address()}#{SUBJECT}")
    with browser_page.expect_download() as download:
        browser_page.get_by_role("link", name=re.compile("Download")).click()

    assert download.value.suggested_filename.startswith("consent-receipt-")


@pytest.mark.any_database
@pytest.mark.parametrize("language", ["en", "nl"])
@on_each_screen
def test_axe_finds_nothing_and_nothing_is_cut_off(record, site, browser_page, language, width, scheme):
    browser_page.set_viewport_size({"width": width, "height": 800})
    browser_page.emulate_media(color_scheme=scheme)
    pages = []

    def look(name):
        browser_page.wait_for_load_state()
        expect(browser_page.get_by_role("heading", level=1)).to_be_visible()
        found = Axe().run(browser_page, options=QUICKLY).response["violations"]
        pages.append((name, [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found]))
        assert browser_page.evaluate("document.documentElement.scrollWidth") <= width

    browser_page.goto(site + address(language))
    look("nothing chosen")
    browser_page.goto(f"{site}/{language}/cookies/")
    browser_page.locator("form button[value=accept_all]").click()
    browser_page.goto(site + address(language))
    look("everything allowed")
    browser_page.locator("form button[value=withdraw]").click()
    look("withdrawn")
    browser_page.locator("form button[value=forget]").click()
    look("forgotten")
    browser_page.goto(f"{site}{address(language)}#{SUBJECT}")
    expect(browser_page.get_by_role("table")).to_be_visible()
    look("of another web site")

    assert pages == [(name, []) for name, _found in pages]


def test_every_target_is_large_enough_to_hit(record, site, browser_page):
    """WCAG 2.5.8: 24 by 24 pixels, links in a sentence apart."""
    browser_page.set_viewport_size({"width": 320, "height": 800})
    browser_page.goto(f"{site}{address()}#{SUBJECT}")
    table = browser_page.get_by_role("table")
    expect(table).to_be_visible()

    for target in [*table.get_by_role("link").all(), *browser_page.locator("main button, main input").all()]:
        assert target.bounding_box()["height"] >= 24
