"""Whatever fails, nothing optional runs, the page stays usable and there is a way to one's choice."""

import json
import re

import pytest
from playwright.sync_api import expect

from .banner_page import (
    READABLE,
    choice_of,
    first_layer,
    hits,
    page_with,
    press,
    records,
    said,
    server_away,
    storage,
    wait_for_hits,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NO = {"analytical": False, "marketing": False}
DETAILS = re.compile(r"/embed/website\.\w{64}\.js")


def is_usable(page):
    """What belongs to the page itself works."""
    page.locator("#link").click()
    expect(page).to_have_url(re.compile("/next$"))


@pytest.fixture
def page(browser_page):
    """Here things fail, and the console may say so."""
    return browser_page


# -- The files of the banner -----------------------------------------------------------------------


def test_without_its_script_nothing_runs_and_the_pages_own_link_leads_to_the_choice(web, page, site, third_parties):
    link = f'<a id="cookies" href="{site}/en/cookies/#preferences" data-consent-open>Cookie settings</a>'
    origin = web({"/": page_with(link)})
    for answer in (
        {"status": 500, "body": "", "headers": READABLE},
        {"status": 200, "body": "<!doctype html><title>Log in</title>", "content_type": "text/html"},
        {"status": 200, "body": "(config)=>{", "content_type": "text/javascript"},
        None,
    ):
        page.route(
            "**/embed/website.js",
            lambda route, _request, answer=answer: route.fulfill(**answer) if answer else route.abort(),
        )
        page.goto(origin)
        is_usable(page)
        assert hits(page) == []
        page.unroute("**/embed/website.js")
    assert third_parties.log == []

    page.route("**/embed/website.js", lambda route: route.abort())
    page.goto(origin)
    page.locator("#cookies").click()
    expect(page.get_by_role("button", name="Reject all").first).to_be_visible()


def test_without_its_details_one_can_refuse_and_what_is_allowed_waits(web, page, third_parties):
    """Where they cannot be fetched, and where they are not the bytes that the first file names."""
    origin = web()
    page.goto(origin)
    for answer in ({"body": "window.evil = true;", "content_type": "text/javascript"}, {"status": 404}, None):
        page.route(
            DETAILS,
            lambda route, _request, answer=answer: (
                route.fulfill(headers=READABLE, **answer) if answer else route.abort()
            ),
        )
        with page.expect_request(DETAILS):
            press(page, "Manage preferences")
        said(page, "That did not work")
        expect(first_layer(page)).to_be_visible()
    page.wait_for_timeout(100)
    assert page.evaluate("'evil' in window") is False

    press(page, "Accept all")
    said(page, "Not stored yet")
    assert (hits(page), third_parties.log, choice_of(page), records()) == ([], [], None, [])
    # The first layer stands in for the second: to take the choice back is as easy as it was to make it.
    press(page, "Cookie settings")
    expect(first_layer(page)).to_be_visible()
    press(page, "Reject all")
    said(page, "Not stored yet")
    assert choice_of(page)["c"] == NO
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    is_usable(page)

    page.unroute(DETAILS)
    page.goto(origin)
    said(page, "has been saved")
    # Nothing had been granted, as far as the server knows; but this browser had a number by then.
    assert [record.choices for record in records()] == [NO]
    assert storage(page) == {}


# -- The server ------------------------------------------------------------------------------------


def test_a_banner_that_the_server_does_not_know_grants_nothing_and_asks_again(web, page, third_parties):
    def forge(route):
        sent = route.request.post_data_json | {"banner": "0" * 64}
        route.continue_(post_data=json.dumps(sent))

    page.route("**/consent/", forge)
    page.goto(web())
    with page.expect_response("**/consent/") as response:
        press(page, "Accept all")
    assert response.value.status == 400
    said(page, "That did not work")
    expect(first_layer(page)).to_be_visible()
    assert (hits(page), third_parties.log, choice_of(page), storage(page)) == ([], [], None, {})
    assert records() == []


# -- The page --------------------------------------------------------------------------------------

# What pages do to the browser that they share with us, by the name of the script.
MEDDLING = {
    "fetch-throws": "window.fetch = () => { throw new Error('no fetch'); };",
    "fetch-is-another": "window.fetch = async () => ({ ok: true });",
    "listener-throws": """for (const name of ["ready", "change"])
        document.addEventListener(`privacyconsent:${name}`, () => { throw new Error("a listener"); });""",
    "popover-throws": "HTMLElement.prototype.showPopover = () => { throw new Error('no popover'); };",
    "prototypes": """Object.prototype.each = Array.prototype.each = function () {};
        Object.prototype.kind = 1;""",
    "names": "window.privacyConsent = 1; window.status = 'x'; window.banner = window.start = 1;",
    "sheets": "document.adoptedStyleSheets = [];",
}
# After these a choice cannot reach the server.
OFFLINE = {"fetch-throws", "fetch-is-another"}


def test_a_page_that_meddles_or_fails_makes_nothing_run_early_and_loses_no_control(web, chromium, third_parties):
    pages = {f"/{name}": page_with(head=("<head>", f'<head><script src="/{name}.js"></script>')) for name in MEDDLING}
    origin = web(pages | {f"/{name}.js": script for name, script in MEDDLING.items()})
    for name in MEDDLING:
        third_parties.log.clear()
        page = chromium.new_context(locale="en-GB").new_page()
        page.goto(f"{origin}/{name}")
        expect(first_layer(page), name).to_be_visible()
        assert (name, hits(page), third_parties.log) == (name, [], [])
        press(page, "Accept all")
        if name in OFFLINE:
            said(page, "Not stored yet")
            assert (name, hits(page), third_parties.log) == (name, [], [])
        else:
            said(page, "has been saved")
            wait_for_hits(page, ["first", "second", "advertising"])
        press(page, "Cookie settings")
        press(page, "Reject all")
        said(page, "Not stored yet" if name in OFFLINE else "has been saved")
        assert choice_of(page)["c"] == NO
        is_usable(page)
        page.context.close()


def test_where_there_is_no_room_to_keep_a_choice_it_says_so_and_a_refusal_holds(web, page, third_parties):
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };")
    origin = web()
    server_away(page)
    page.goto(origin)
    press(page, "Accept all")
    said(page, "That did not work")
    assert (hits(page), third_parties.log, choice_of(page)) == ([], [], None)
    page.goto(f"{origin}/next")
    press(page, "Reject all")
    said(page, "That did not work")
    page.goto(origin)
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    expect(first_layer(page)).to_be_hidden()
    assert (choice_of(page)["c"], hits(page), records()) == (NO, [], [])


# -- Nobody there ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Googlebot/2.1", "bingbot/2.0", "Baiduspider/2.0", "Yahoo! Slurp"])
def test_crawlers_are_not_asked_and_allow_nothing(web, chromium, third_parties, name):
    context = chromium.new_context(user_agent=f"Mozilla/5.0 AppleWebKit/537.36 (compatible; {name}) Chrome/126.0.0.0")
    page = context.new_page()
    page.goto(web())
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    expect(first_layer(page)).to_be_hidden()
    assert (hits(page), third_parties.log, records(), context.cookies()) == ([], [], [], [])
    context.close()
