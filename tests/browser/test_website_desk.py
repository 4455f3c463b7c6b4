"""The desk of a web site in a real browser: a preview that leaves no trace, and the tags that it hands out."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from consent.demo.servers import Site
from consent.models import Banner, ConsentRecord
from policies.models import Website

from .banner_page import wait_until
from .screens import QUICKLY, on_each_screen
from .test_admin import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A web site</title>
TAG
<script type="text/plain" data-consent="analytical" data-src="/measure.js"></script>
</head><body><h1>A web site</h1></body></html>"""
FRAMES = [(language, width) for width in ("narrow", "wide") for language in ("English", "Dutch")]
WORDS = {
    "English": {"accept": "Accept all", "manage": "Manage preferences", "settings": "Cookie settings"},
    "Dutch": {"accept": "Alles accepteren", "manage": "Zelf instellen", "settings": "Cookie-instellingen"},
}


def address(site, name, *more):
    return site + reverse(f"admin:policies_website_{name}", args=[Website.objects.get(slug="website").pk, *more])


@pytest.fixture
def desk(site, published, browser_context, staff):
    """A page on which an editor is signed in."""
    staff("editor")
    page = browser_context.new_page()
    sign_in(page, site, "editor")
    return page


@pytest.fixture
def foreign(site, settings, serving):
    """A web site with this tag on its page: ``foreign(tag)`` → its origin."""

    def serve(tag):
        more = {"/": PAGE.replace("TAG", tag), "/measure.js": "window.measured = true;"}
        server = serving(Site(0, banner=f"{site}/embed/website.js", vendor="http://127.0.0.1:9", more=more))
        settings.DEMO_ORIGINS = [server.origin]
        return server.origin

    return serve


def copied(desk, site, label):
    """What somebody copies, by the keyboard alone, from the box with this label."""
    desk.goto(address(site, "change"))
    box = desk.get_by_role("textbox", name=label)
    box.focus()
    desk.keyboard.press("Control+a")
    return box.evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)")


def frame_of(desk, language, width):
    return desk.frame_locator(f'iframe[title="{language}, {width}"]')


def layer(page):
    return page.locator("privacy-consent .pc-foot").get_by_role("dialog")


def accept(page):
    layer(page).get_by_role("button", name="Accept all").click()
    expect(page.get_by_role("status")).to_contain_text("has been saved")


# -- The preview ---------------------------------------------------------------------------------


def test_the_preview_shows_the_draft_in_both_languages_on_a_phone_and_on_a_wide_screen(site, desk):
    Website.objects.filter(slug="website").update(
        banner_text_en="A draft.", banner_text_nl="Een concept.", background="#102030", foreground="#ffffff"
    )
    desk.goto(address(site, "preview"))

    for language, width in FRAMES:
        banner = layer(frame_of(desk, language, width))
        expect(banner).to_contain_text({"English": "A draft.", "Dutch": "Een concept."}[language])
        expect(banner).to_have_css("background-color", "rgb(16, 32, 48)")
        across = banner.evaluate("() => innerWidth")
        assert across == 320 if width == "narrow" else across >= 640


def test_in_the_preview_one_can_look_at_the_second_layer_and_at_a_notice(site, desk):
    desk.goto(address(site, "preview"))

    for language, width in FRAMES:
        frame = frame_of(desk, language, width)
        expect(frame.locator("privacy-consent-notice")).to_be_attached()
        frame.get_by_role("button", name=WORDS[language]["manage"]).click()
        expect(frame.get_by_role("dialog", name=WORDS[language]["settings"])).to_be_visible()


def test_pressing_the_buttons_of_a_preview_records_and_keeps_nothing(site, desk):
    def kept():
        stored = desk.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        cookies = sorted((cookie["name"], cookie["value"]) for cookie in desk.context.cookies())
        return stored, cookies, sorted(Banner.objects.values_list("digest", flat=True))

    asked = []
    desk.context.on("request", lambda request: asked.append(request))
    desk.goto(address(site, "preview"))
    before = kept()

    for language, width in FRAMES:
        frame = frame_of(desk, language, width)
        frame.get_by_role("button", name=WORDS[language]["accept"], exact=True).click()
        expect(layer(frame)).to_be_hidden()
        expect(frame.get_by_role("status")).not_to_be_empty()

    assert kept() == before
    assert [request.url for request in asked if request.method != "GET" or "/consent/" in request.url] == []
    assert not ConsentRecord.objects.exists()


def test_a_preview_page_has_no_origin_also_in_a_tab_of_its_own(site, desk):
    desk.goto(address(site, "preview"))
    with desk.context.expect_page() as opened:
        desk.get_by_role("link", name="Open in a new tab").first.click()

    tab = opened.value

    expect(layer(tab)).to_be_visible()
    assert tab.evaluate("origin") == "null"
    layer(tab).get_by_role("button", name="Reject all").click()
    expect(layer(tab)).to_be_hidden()
    assert not ConsentRecord.objects.exists()
    assert "privacy_consent" not in {cookie["name"] for cookie in desk.context.cookies()}


@on_each_screen
def test_axe_finds_nothing_on_either_page_in_either_language(site, desk, width, scheme):
    desk.set_viewport_size({"width": width, "height": 900})
    desk.emulate_media(color_scheme=scheme)

    for language in ("en", "nl"):
        desk.goto(address(site, "change"))
        desk.click(f".desk-language button[value={language}]")
        # The banner itself has its own tests.
        for page, part in (("change", ".desk-embedding"), ("preview", "#content-main")):
            desk.goto(address(site, page))
            found = Axe().run(desk, context={"include": [part]}, options={"iframes": False} | QUICKLY)
            assert found.response["violations"] == [], found.generate_report()
            assert desk.evaluate("document.documentElement.scrollWidth") <= width


# -- The tags ------------------------------------------------------------------------------------


def test_the_pinned_tag_runs_asks_and_records(site, desk, foreign, browser_page):
    browser_page.goto(foreign(copied(desk, site, "Instead of the tag: pinned to version 1")))

    accept(browser_page)

    wait_until(browser_page, lambda: browser_page.evaluate("window.measured"), True)
    assert ConsentRecord.objects.get().banner_id in copied(desk, site, "Instead of the tag: pinned to version 1")


def test_other_bytes_than_the_pinned_ones_do_not_run(site, desk, foreign, browser_page):
    pinned = copied(desk, site, "Instead of the tag: pinned to version 1")
    wrong = re.sub(r'integrity="sha384-.{6}', 'integrity="sha384-AAAAAA', pinned)
    complaints = []
    browser_page.on("console", lambda message: complaints.append(message.text))

    browser_page.goto(foreign(wrong), wait_until="load")

    assert browser_page.evaluate("[typeof privacyConsent, typeof measured]") == ["undefined", "undefined"]
    wait_until(browser_page, lambda: any("integrity" in text for text in complaints), True)


def test_a_page_with_a_pinned_tag_goes_on_under_its_version_after_a_later_publication(
    site, desk, foreign, browser_page, publish
):
    pinned = copied(desk, site, "Instead of the tag: pinned to version 1")
    Website.objects.filter(slug="website").update(banner_text_en="Asked otherwise.", banner_text_nl="Anders gevraagd.")
    publish()

    browser_page.goto(foreign(pinned))
    expect(layer(browser_page)).to_contain_text("Pro4all asks for your consent")
    accept(browser_page)

    wait_until(browser_page, lambda: browser_page.evaluate("window.measured"), True)
    assert ConsentRecord.objects.get().version_id == 1
    assert copied(desk, site, "Instead of the tag: pinned to version 2") != pinned


def test_the_defaults_run_before_all_else_under_the_policy_that_the_desk_names(site, desk, browser_page):
    stub = copied(desk, site, "Above it, for the tags of Google and Microsoft")
    policy = desk.get_by_text("script-src").inner_text()
    # As an editor on another system would save it.
    page = f"<!doctype html><title>A page</title>{stub}".replace("\n", "\r\n")
    headers = {"Content-Security-Policy": f"default-src 'none'; {policy}", "Content-Type": "text/html"}
    browser_page.route("**/with-defaults", lambda route: route.fulfill(body=page, headers=headers))

    browser_page.goto(f"{site}/with-defaults")

    command, kind, values = browser_page.evaluate("Array.from(dataLayer[0])")
    assert (command, kind) == ("consent", "default")
    assert values.pop("security_storage") == "granted"
    assert values.pop("wait_for_update") == 500
    assert set(values.values()) == {"denied"}
    assert len(values) == 6
