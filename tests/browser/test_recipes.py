"""The recipes of docs/recipes.md, each as it stands there, in a real browser on a foreign web site.

Its vendors come from the built-in catalogue, as staff would take them over. Stand-ins answer for
the vendors' servers: each writes down that it ran, leaves a cookie as the real one does, and
inserts what the real one would insert.
"""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from consent.demo.servers import Site
from policies import catalogue
from policies.content_file import load
from policies.models import CookieCategory, CookieVendor
from policies.publishing import publish_statement
from tests.conftest import CONTENT, once

from .banner_page import accept, choice_of, press, reject, said

pytestmark = pytest.mark.browser

RECIPES = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
BANNER = "https://privacy.example.nl/embed/website.js"
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>A web site</title>TAG</head>
<body><main><h1>A web site</h1>
MORE
</main></body>
</html>"""
RAN = "(window.ran ??= []).push"


def recipe(heading):
    """The pieces that it puts into the page, and its files by their address."""
    [section] = re.findall(rf"^## {heading}$(.*?)(?=^## |\Z)", RECIPES, re.MULTILINE | re.DOTALL)
    html = re.findall(r"^```html\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    scripts = re.findall(r"^```js\n(// (\S+)\n.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return html, {f"/{name}": code for code, name in scripts}


VENDORS = [
    "google-tag-manager",
    "google-analytics",
    "microsoft-clarity",
    "microsoft-advertising",
    "matomo-cloud",
    "hubspot-analytics",
    "linkedin-analytics",
    "linkedin-ads",
    "meta-pixel",
    "youtube-nocookie",
    "google-maps",
]


@pytest.fixture
def taken_over(db, remembered):
    """The example content with all vendors of the recipes, as the catalogue knows them, published."""

    def make():
        load(CONTENT.read_text(encoding="utf-8"))
        for slug in VENDORS:
            take_over(catalogue.entry(slug))
        publish_statement(by="anna", change_summary={"en": "Vendors.", "nl": "Aanbieders."})

    once(remembered, "taken_over", make)


def take_over(known):
    """What staff do: the form filled in from the catalogue, saved; an empty lifetime filled in."""
    values = catalogue.values_of(known)
    values["lifetime"] = values["lifetime"] or "session"
    values["category"] = CookieCategory.objects.get(slug=known["category"])
    vendor, _is_new = CookieVendor.objects.update_or_create(slug=values.pop("slug"), defaults=values)
    for cookie in known["cookies"]:
        vendor.cookies.create(**cookie)


@pytest.fixture
def visit(site, taken_over, settings, page, serving):
    """A site by a recipe: ``visit(heading, {address: stand-in})`` → what of it was contacted.

    A stand-in answers for every address that begins with its own; nothing else can be reached.
    """

    def open_page(heading, stand_ins, more=None):
        pieces, files = recipe(heading)
        html = "".join(pieces)
        tag = "" if BANNER in html else f'<script src="{BANNER}" async></script>'
        pages = {"/": PAGE.replace("TAG", tag).replace("MORE", html).replace(BANNER, "$banner")} | files | (more or {})
        hosts = sorted({f"https://{urlsplit(address).netloc}" for address in stand_ins})
        server = serving(
            Site(0, banner=f"{site}/embed/website.js", vendor="https://vendor.invalid", more=pages, others=hosts)
        )
        settings.DEMO_ORIGINS = [server.origin]
        contacted = []

        def answer(route):
            address = route.request.url
            contacted.append(address.split("?")[0])
            body = next((text for start, text in stand_ins.items() if address.startswith(start)), None)
            if body is None:
                return route.abort()
            return route.fulfill(body=body, content_type="text/html" if body.startswith("<") else "text/javascript")

        ours = {urlsplit(address).netloc for address in (site, server.origin)}
        page.route(lambda address: urlsplit(address).netloc not in ours, answer)
        page.goto(server.origin)
        return contacted

    return open_page


def until(page, script, expected):
    """Not wait_for_function: it needs eval, which the policy of the page forbids."""
    for _attempt in range(500):
        if page.evaluate(script) == expected:
            return
        page.wait_for_timeout(30)
    assert page.evaluate(script) == expected


def ran(page, names):
    until(page, "window.ran ?? []", names)


def settled(page):
    """The banner has started and, where it asks nothing, said so."""
    expect(page.locator("privacy-consent")).to_be_attached()
    page.wait_for_timeout(100)


def nothing_before_an_answer_and_after_a_refusal(page, contacted):
    settled(page)
    assert contacted == []
    reject(page)
    page.reload()
    settled(page)
    assert (contacted, page.evaluate("window.ran ?? []")) == ([], [])


def accept_after_all(page):
    press(page, "Cookie settings")
    accept(page)


def withdraw(page):
    page.evaluate("privacyConsent.withdraw()")
    said(page, "has been saved")


def cookies(page):
    """Those that somebody other than the banner left on the site."""
    page.evaluate("document.cookie")  # waits for what was written before
    return sorted({cookie["name"] for cookie in page.context.cookies(page.url)} - {"privacy_consent"})


def nothing_on_the_next_page(page, contacted):
    contacted.clear()
    page.reload()
    settled(page)
    assert (contacted, cookies(page)) == ([], [])


def data_layer(page):
    """The queue of Google's tags: calls as lists, objects as they are, dates as words."""
    return page.evaluate(
        """(window.dataLayer ?? []).map(entry => "length" in entry
            ? [...entry].map(part => part instanceof Date ? "now" : part) : entry)"""
    )


def google(kind, **granted):
    """A call of consent mode with all signals of version 2; ``granted`` are those that differ."""
    signals = [
        "ad_storage",
        "ad_user_data",
        "ad_personalization",
        "analytics_storage",
        "functionality_storage",
        "personalization_storage",
    ]
    return ["consent", kind, dict.fromkeys(signals, "denied") | {"security_storage": "granted"} | granted]


ANALYTICAL = {"analytics_storage": "granted"}
ALL = ANALYTICAL | dict.fromkeys(["ad_storage", "ad_user_data", "ad_personalization"], "granted")

GTAG = f'{RAN}("gtag"); document.cookie = "_ga=GA1.1.1; Path=/"; document.cookie = "_ga_XXXXXXX=1; Path=/";'


def test_google_tag_manager(visit, page):
    """Loaded with either answer, once; what it inserts waits for its own vendor; withdrawal loads the page anew."""
    container = """%s("container");
        window.last = [dataLayer.at(-2)[0], dataLayer.at(-2)[1], dataLayer.at(-1).event];
        for (const address of ["www.googletagmanager.com/gtag/js?id=G-1", "connect.facebook.net/en_US/fbevents.js"]) {
            const script = document.createElement("script");
            script.src = `https://${address}`;
            document.head.append(script);
        }"""
    stand_ins = {
        "https://www.googletagmanager.com/gtm.js": container % RAN,
        "https://www.googletagmanager.com/gtag/js": GTAG,
        "https://connect.facebook.net/": f'{RAN}("pixel");',
    }
    contacted = visit("Google Tag Manager", stand_ins)
    nothing_before_an_answer_and_after_a_refusal(page, contacted)

    press(page, "Cookie settings")
    page.get_by_role("checkbox", name="Analytical").check()
    press(page, "Save my choice")
    said(page, "has been saved")
    ran(page, ["container", "gtag"])
    default, *updates, started = data_layer(page)
    assert (default, updates[-1]) == (google("default"), google("update", **ANALYTICAL))
    assert [update for update in updates[:-1] if update != google("update")] == []
    assert (started["event"], page.evaluate("last")) == ("gtm.js", ["consent", "update", "gtm.js"])
    assert cookies(page) == ["_ga", "_ga_XXXXXXX"]

    accept_after_all(page)
    ran(page, ["container", "gtag", "pixel"])
    assert contacted.count("https://www.googletagmanager.com/gtm.js") == 1
    assert data_layer(page)[-2:] == [
        google("update", **ALL),
        {"event": "privacyconsent", "analytical": True, "marketing": True},
    ]

    contacted.clear()
    with page.expect_navigation():
        page.evaluate("privacyConsent.withdraw()")
    settled(page)
    assert (contacted, cookies(page), page.evaluate("window.ran ?? []")) == ([], [], [])
    assert choice_of(page)["c"] == {"analytical": False, "marketing": False}


def test_google_analytics(visit, page):
    """By signal, in order; after a withdrawal the switch stops what would go on without cookies."""
    stand_ins = {"https://www.googletagmanager.com/gtag/js": GTAG}
    contacted = visit("Google Analytics 4", stand_ins)
    nothing_before_an_answer_and_after_a_refusal(page, contacted)

    accept_after_all(page)
    ran(page, ["gtag"])
    until(page, "dataLayer.at(-1)[0]", "config")
    assert contacted == ["https://www.googletagmanager.com/gtag/js"]
    layer = data_layer(page)
    assert layer[0] == google("default")
    assert layer[-3:] == [google("update", **ALL), ["js", "now"], ["config", "G-XXXXXXX"]]
    assert cookies(page) == ["_ga", "_ga_XXXXXXX"]

    withdraw(page)
    assert data_layer(page)[-1] == google("update")
    assert page.evaluate("window['ga-disable-G-XXXXXXX']") is True
    assert cookies(page) == []
    nothing_on_the_next_page(page, contacted)


def test_microsoft_clarity_and_advertising(visit, page):
    """Each takes its queue over, as the real ones do; what it found there is what was said before it came."""
    clarity = f"""{RAN}("clarity"); window.found = clarity.q.map(call => [...call]);
        window.clarity = (...call) => found.push(call);
        document.cookie = "_clck=1; Path=/"; document.cookie = "_clsk=1; Path=/";"""
    uet = """window.UET = function ({ ti, q }) {
        %s("uet"); window.pushed = [ti, [...q]];
        this.push = (...call) => pushed.push(call);
        document.cookie = "_uetsid=1; Path=/"; document.cookie = "_uetvid=1; Path=/";
    };"""
    stand_ins = {"https://www.clarity.ms/": clarity, "https://bat.bing.com/": uet % RAN}
    contacted = visit("Microsoft Clarity and Advertising", stand_ins)
    nothing_before_an_answer_and_after_a_refusal(page, contacted)

    accept_after_all(page)
    until(page, "(window.ran ?? []).toSorted()", ["clarity", "uet"])
    until(page, "pushed.at(-1)[0]", "pageLoad")
    assert set(contacted) == {"https://www.clarity.ms/tag/XXXXXXXXXX", "https://bat.bing.com/bat.js"}
    first, *_between, last = page.evaluate("found.map(([name, values]) => [name, values.analytics_Storage])")
    assert (first, last) == (["consentv2", "denied"], ["consentv2", "granted"])
    number, queue, page_load = page.evaluate("pushed")
    assert (number, page_load) == ("000000000", ["pageLoad"])
    assert queue[:3] == ["consent", "default", {"ad_storage": "denied"}]
    assert queue[-3:] == ["consent", "update", {"ad_storage": "granted"}]
    assert cookies(page) == ["_clck", "_clsk", "_uetsid", "_uetvid"]

    # A page that is loaded anew takes what was said along.
    page.evaluate("addEventListener('pagehide', () => sessionStorage.said = JSON.stringify([found, pushed]))")
    with page.expect_navigation():
        page.evaluate("privacyConsent.withdraw()")
    found, pushed = json.loads(page.evaluate("sessionStorage.said"))
    assert found[-1] == ["consentv2", {"ad_Storage": "denied", "analytics_Storage": "denied"}]
    assert pushed[-1] == ["consent", "update", {"ad_storage": "denied"}]
    nothing_on_the_next_page(page, contacted)


def test_matomo(visit, page):
    stand_in = (
        f'{RAN}("matomo"); document.cookie = "_pk_id.1.1fff=1; Path=/"; document.cookie = "_pk_ses.1.1fff=1; Path=/";'
    )
    contacted = visit("Matomo", {"https://cdn.matomo.cloud/": stand_in})
    nothing_before_an_answer_and_after_a_refusal(page, contacted)

    accept_after_all(page)
    ran(page, ["matomo"])
    assert contacted == ["https://cdn.matomo.cloud/example.matomo.cloud/matomo.js"]
    calls = page.evaluate("_paq")
    assert [name for name, *_values in calls] == ["setTrackerUrl", "setSiteId", "trackPageView", "enableLinkTracking"]
    assert cookies(page) == ["_pk_id.1.1fff", "_pk_ses.1.1fff"]

    withdraw(page)
    assert page.evaluate("_paq")[len(calls) :] == [["requireConsent"]]
    accept_after_all(page)
    assert page.evaluate("_paq")[len(calls) :] == [["requireConsent"]]
    withdraw(page)
    assert cookies(page) == []
    nothing_on_the_next_page(page, contacted)


def test_hubspot(visit, page):
    """Its own banner stays away; a pixel that it inserts waits for the vendor of that pixel."""
    stand_in = f"""{RAN}("hubspot", window.disableHubSpotCookieBanner);
        document.cookie = "hubspotutk=1; Path=/";
        document.cookie = "__hstc=1; Path=/";
        window.hspCalls = _hsp.slice();
        const pixel = document.createElement("script");
        pixel.src = "https://connect.facebook.net/en_US/fbevents.js";
        document.head.append(pixel);"""
    stand_ins = {"https://js.hs-scripts.com/": stand_in, "https://connect.facebook.net/": f'{RAN}("pixel");'}
    contacted = visit("HubSpot", stand_ins)
    nothing_before_an_answer_and_after_a_refusal(page, contacted)

    press(page, "Cookie settings")
    page.get_by_role("checkbox", name="Analytical").check()
    press(page, "Save my choice")
    said(page, "has been saved")
    ran(page, ["hubspot", True])
    assert page.evaluate("_hsp") == [told_hubspot(analytics=True, advertisement=False, functionality=True)]
    assert contacted == ["https://js.hs-scripts.com/0000000.js"]
    assert cookies(page) == ["__hstc", "hubspotutk"]

    accept_after_all(page)
    ran(page, ["hubspot", True, "pixel"])
    assert page.evaluate("_hsp.at(-1)") == told_hubspot(analytics=True, advertisement=True, functionality=True)

    # A page that is loaded anew takes what was said along.
    page.evaluate("addEventListener('pagehide', () => sessionStorage.said = JSON.stringify(_hsp.slice(-2)))")
    with page.expect_navigation():
        page.evaluate("privacyConsent.withdraw()")
    assert json.loads(page.evaluate("sessionStorage.said")) == [
        told_hubspot(analytics=False, advertisement=False, functionality=False),
        ["revokeCookieConsent"],
    ]
    nothing_on_the_next_page(page, contacted)


def told_hubspot(**consent):
    return ["setHubSpotConsent", consent]


def test_linkedin_insight(visit, page):
    """Two vendors on one tag: one of them is not enough."""
    stand_in = f'{RAN}(_linkedin_data_partner_ids[0], lintrk.q); document.cookie = "li_fat_id=1; Path=/";'
    contacted = visit("LinkedIn Insight", {"https://snap.licdn.com/": stand_in})
    nothing_before_an_answer_and_after_a_refusal(page, contacted)

    press(page, "Cookie settings")
    page.get_by_role("checkbox", name="Analytical").check()
    press(page, "Save my choice")
    said(page, "has been saved")
    settled(page)
    assert contacted == []

    accept_after_all(page)
    ran(page, ["0000000", []])
    assert contacted == ["https://snap.licdn.com/li.lms-analytics/insight.min.js"]
    page.evaluate("lintrk('track', { conversion_id: 1 })")
    assert page.evaluate("lintrk.q") == [["track", {"conversion_id": 1}]]
    assert cookies(page) == ["li_fat_id"]

    with page.expect_navigation():
        page.evaluate("privacyConsent.withdraw()")
    nothing_on_the_next_page(page, contacted)


def test_meta_pixel(visit, page):
    """The stand-in takes the queue over, as the real one does."""
    stand_in = f"""{RAN}("pixel"); window.calls = [];
        fbq.callMethod = (...call) => calls.push(call);
        for (let call; (call = fbq.queue.shift()); ) fbq.callMethod(...call);
        document.cookie = "_fbp=fb.0.1.1; Path=/";"""
    contacted = visit("Meta Pixel", {"https://connect.facebook.net/": stand_in})
    nothing_before_an_answer_and_after_a_refusal(page, contacted)

    accept_after_all(page)
    ran(page, ["pixel"])
    started = [["init", "000000000000000"], ["track", "PageView"]]
    assert page.evaluate("calls") == started
    assert contacted == ["https://connect.facebook.net/en_US/fbevents.js"]
    assert cookies(page) == ["_fbp"]

    withdraw(page)
    assert page.evaluate("calls") == [*started, ["consent", "revoke"]]
    accept_after_all(page)
    assert page.evaluate("calls") == [*started, ["consent", "revoke"]]
    withdraw(page)
    assert cookies(page) == []
    nothing_on_the_next_page(page, contacted)


FRAMES = {
    "YouTube": ("youtube-nocookie", "https://www.youtube-nocookie.com/embed/"),
    "Google Maps": ("google-maps", "https://www.google.com/maps/embed"),
}


@pytest.mark.parametrize("heading", FRAMES)
def test_a_frame_and_its_notice(visit, page, heading):
    """Who, what for and where to read more, in the place of the frame; allowed once, or always."""
    vendor, address = FRAMES[heading]
    known = catalogue.entry(vendor)
    contacted = visit(heading, {address: "<!doctype html><title>Theirs</title><p>It is here."})
    nothing_before_an_answer_and_after_a_refusal(page, contacted)

    inside = page.frame_locator("iframe").get_by_text("It is here.")
    notice = page.get_by_role("group", name=known["name"])
    expect(notice).to_contain_text(known["company"])
    expect(notice).to_contain_text(known["purpose"]["en"])
    expect(notice.get_by_role("link")).to_have_attribute("href", known["privacy_url"])
    notice.get_by_role("button", name="Allow once").click()
    expect(inside).to_be_visible()
    expect(notice).to_have_count(0)
    assert len(contacted) == 1

    page.reload()
    notice.get_by_role("button", name=f"Always allow {known['name']}").click()
    expect(inside).to_be_visible()
    page.reload()
    expect(inside).to_be_visible()
    assert len(contacted) == 3

    withdraw(page)
    page.reload()
    expect(notice).to_be_visible()
    assert len(contacted) == 3


# All that the hook needs of React, by its contract: the answer now, and to be asked again after a change.
REACT = """export function useSyncExternalStore(subscribe, getSnapshot) {
  const stop = subscribe(() => {
    stop();
    dispatchEvent(new Event("render"));
  });
  return getSnapshot();
}
"""

APP = """import { useAllowed } from "/use-allowed.js";

function render() {
  const body = document.createElement("body");
  body.append(`Measured: ${useAllowed("matomo-cloud")}`, document.querySelector("template").content.cloneNode(true));
  document.body.replaceWith(body);
}
addEventListener("render", render);
render();
"""

TEMPLATE = """<template>
  <iframe title="Map" width="400" height="240" data-consent-vendor="google-maps"
    data-src="https://www.google.com/maps/embed?pb=1"></iframe>
</template>"""


def test_a_router_that_swaps_the_body(visit, page):
    """The banner stays, what comes later is held back or loaded, and a component hears of the choice."""
    _pieces, files = recipe("React and other routers")
    files["/use-allowed.js"] = files["/use-allowed.js"].replace('"react"', '"/react.js"')
    own = {"/react.js": REACT, "/app.js": APP}
    script = '<script type="module" src="/app.js"></script>'
    home = PAGE.replace("TAG", f'<script src="$banner" async></script>{TEMPLATE}{script}').replace("MORE", "")
    stand_ins = {"https://www.google.com/maps/embed": "<!doctype html><title>Theirs</title><p>It is here."}
    contacted = visit("React and other routers", stand_ins, files | own | {"/": home})

    notice, inside = (
        page.get_by_role("group", name="Google Maps"),
        page.frame_locator("iframe").get_by_text("It is here."),
    )
    expect(page.get_by_text("Measured: false")).to_be_visible()
    expect(notice).to_have_count(1)
    page.evaluate("dispatchEvent(new Event('render'))")
    expect(notice).to_have_count(1)
    accept(page)
    expect(page.get_by_text("Measured: true")).to_be_visible()
    expect(inside).to_be_visible()
    assert set(contacted) == set(stand_ins)

    contacted.clear()
    withdraw(page)
    expect(page.get_by_text("Measured: false")).to_be_visible()
    expect(notice).to_have_count(1)
    assert contacted == []


def test_every_recipe_and_every_piece_of_code_in_it_is_tried_here():
    headings = re.findall(r"^## (.+)$", RECIPES, re.MULTILINE)
    tried = re.findall(r'visit\("([^"]+)"', Path(__file__).read_text(encoding="utf-8"))
    pieces = [recipe(heading) for heading in headings]

    assert set(headings) == {*tried, *FRAMES}
    assert RECIPES.count("\n```") == 2 * sum(len(html) + len(files) for html, files in pieces)
