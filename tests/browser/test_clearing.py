"""What was refused leaves nothing behind on the site: cookies and storage, by the names that are declared."""

import json
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from .banner_page import (
    accept,
    choice_of,
    other_tab,
    page_with,
    press,
    records,
    reject,
    said,
    server_away,
    server_back,
    set_choice,
    wait_until,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PLACE = "www.site.localhost"
# Loads nothing of its own, so that only what a test puts there is there.
PAGE = re.sub('<script type="text/plain".*?</script>', "", page_with())


@pytest.fixture
def published(declared):
    return declared


@pytest.fixture
def origin(web):
    page = {"/": PAGE, "/next": PAGE, "/shop/cart/": PAGE, "/reload": PAGE.replace("async>", "async data-reload>")}
    return web(page, names=[PLACE])


LEFT = """() => {
    for (const place of ["", "; Path=/shop", "; Path=/shop/", "; Path=/shop/cart", "; Path=/shop/cart/",
                         "; Path=/; Domain=site.localhost", "; Path=/shop; Domain=www.site.localhost"]) {
        document.cookie = `_ad_${place.replaceAll(/\\W/g, "_")}=1; Max-Age=9999${place}`;
    }
    for (const name of ["_count", "_count_1", "_counter", "_both", "_theirs", "basket", "form", "ad_"]) {
        document.cookie = `${name}=1; Path=/; Max-Age=9999`;
    }
    document.cookie = "_count_parent=1; Path=/; Domain=site.localhost";
    for (const [name, value] of [["ad:1", "x"], ["ad:", "x"], ["bad:1", "x"], ["count.1", "x"]]) {
        localStorage.setItem(name, value);
        sessionStorage.setItem(name, value);
    }
}"""
MARKETING_COOKIES = {"_ad_" + place for place in (
    "", "__Path__shop", "__Path__shop_", "__Path__shop_cart", "__Path__shop_cart_",
    "__Path____Domain_site_localhost", "__Path__shop__Domain_www_site_localhost",
)}  # fmt: skip
# Nobody declares these, or somebody who needs no consent, or a third party on its own domain.
OTHERS = {"_counter", "_theirs", "basket", "form", "ad_"}


def cookies(page):
    page.evaluate("document.cookie")  # waits for what was written before
    return {cookie["name"] for cookie in page.context.cookies()} - {"privacy_consent"}


def stored(page):
    return {kind: set(page.evaluate(f"Object.keys({kind}Storage)")) for kind in ("local", "session")}


def test_a_withdrawal_removes_what_the_vendors_declare_wherever_the_page_can(origin, page):
    page.goto(f"{origin}/shop/cart/")
    accept(page)
    page.evaluate(LEFT)
    assert cookies(page) == OTHERS | MARKETING_COOKIES | {"_count", "_count_1", "_count_parent", "_both"}

    # Marketing alone is taken back: a name that an allowed vendor declares as well stays.
    press(page, "Cookie settings")
    page.get_by_role("checkbox", name="Marketing", exact=True).uncheck()
    press(page, "Save my choice")
    said(page, "has been saved")
    assert cookies(page) == OTHERS | {"_count", "_count_1", "_count_parent", "_both"}
    assert stored(page) == {"local": {"bad:1", "count.1"}, "session": {"ad:1", "ad:", "bad:1", "count.1"}}

    # Then all of it, and without an answer of the server.
    server_away(page)
    page.evaluate("privacyConsent.withdraw()")
    said(page, "Not stored yet")
    assert cookies(page) == OTHERS
    # What waits for the server matches `privacy_*`, which a vendor declares, and stays nevertheless.
    assert stored(page) == {
        "local": {"bad:1", "count.1", "privacy_consent_pending"},
        "session": {"ad:1", "ad:", "bad:1"},
    }
    server_back(page)
    page.goto(f"{origin}/next")
    said(page, "has been saved")
    assert choice_of(page)["c"] == {"analytical": False, "marketing": False}


def test_a_first_refusal_removes_and_what_is_left_behind_later_goes_within_a_day(origin, page):
    page.goto(f"{origin}/shop/cart/")
    expect(page.get_by_role("button", name="Reject all")).to_be_visible()
    page.evaluate(LEFT)
    everything = cookies(page)
    page.goto(f"{origin}/shop/cart/")
    expect(page.get_by_role("button", name="Reject all")).to_be_visible()
    # Nobody has refused yet: what the site set stays.
    assert cookies(page) == everything
    reject(page)
    assert cookies(page) == OTHERS

    page.evaluate("document.cookie = '_count_late=1; Path=/'")
    with page.expect_response(re.compile(r"/embed/website\.\w{64}\.js")):
        page.goto(f"{origin}/next")
    wait_until(page, lambda: cookies(page), OTHERS)

    choice = choice_of(page)
    choice["t"] = int((timezone.now() - timedelta(hours=25)).timestamp())
    set_choice(page, origin, quote(json.dumps(choice)))
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{origin}/next")
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    page.wait_for_timeout(100)
    # A later visit costs no request but the banner's own.
    assert not [url for url in asked if "/embed/" in url and not url.endswith("/embed/website.js")]


def test_the_page_is_loaded_anew_only_where_it_asks_for_it_and_once(origin, page):
    loads = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.goto(f"{origin}/reload")
    reject(page)
    press(page, "Cookie settings")
    press(page, "Accept all")
    said(page, "has been saved")
    page.wait_for_timeout(100)
    # Nothing that ran had to stop.
    assert len(loads) == 1

    answers = []
    page.route("**/consent/", lambda route: (answers.append(len(loads)), page.wait_for_timeout(150), route.continue_()))
    with page.expect_navigation():
        page.evaluate("privacyConsent.withdraw()")
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    page.wait_for_timeout(200)
    # The server was told before the page went.
    assert (len(loads), answers) == (2, [1])
    assert [record.action for record in records()] == ["reject_all", "accept_all", "withdraw"]
    server_back(page)

    press(page, "Cookie settings")
    accept(page)
    server_away(page)
    with page.expect_navigation():
        page.evaluate("privacyConsent.withdraw()")
    said(page, "Not stored yet")
    page.wait_for_timeout(200)
    assert len(loads) == 3
    server_back(page)

    # Nor does it stay where another tab allowed it and took it back.
    other = other_tab(page, origin)
    said(other, "has been saved")
    press(other, "Cookie settings")
    accept(other)
    wait_until(page, lambda: page.evaluate("privacyConsent.allows('adverts')"), True)
    with page.expect_navigation():
        other.evaluate("privacyConsent.withdraw()")
    assert len(loads) == 4

    page.goto(origin)
    press(page, "Cookie settings")
    accept(page)
    page.evaluate("privacyConsent.withdraw()")
    said(page, "has been saved")
    page.wait_for_timeout(200)
    assert len(loads) == 5
