"""One choice for all subdomains, where the site says so."""

import json
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from policies.models import CookieVendor, Website, WebsiteOrigin

from .banner_page import (
    accept,
    choice_of,
    first_layer,
    hits,
    other_tab,
    press,
    records,
    reject,
    said,
    server_away,
    server_back,
    storage,
    wait_for_hits,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOSTS = ["a.site.localhost", "b.site.localhost", "site.localhost", "othersite.localhost"]
ALL = ["first", "second", "advertising"]


@pytest.fixture
def sites(web, publish, settings):
    """Origins of a web site that shares its choice below site.localhost, one for each of HOSTS."""
    WebsiteOrigin.objects.filter(website__slug="website").update(origin="https://site.localhost")
    Website.objects.filter(slug="website").update(shared_domain="site.localhost")
    publish()
    web(names=HOSTS)
    return settings.DEMO_ORIGINS


def kept(page):
    """Domains of the cookies with a choice, whatever page is open."""
    return sorted(cookie["domain"] for cookie in page.context.cookies() if cookie["name"] == "privacy_consent")


def test_a_choice_on_one_subdomain_holds_on_the_others_and_for_the_parent(sites, page):
    here, there, parent, other = sites
    page.goto(here)
    accept(page)
    assert kept(page) == [".site.localhost"]
    for origin in (there, parent):
        page.goto(origin)
        wait_for_hits(page, ALL)
        expect(first_layer(page)).to_be_hidden()
    press(page, "Cookie settings")
    reject(page)
    page.goto(here)
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    expect(first_layer(page)).to_be_hidden()
    assert hits(page) == []
    granted, withdrawn = records()
    assert (granted.action, withdrawn.action) == ("accept_all", "withdraw")
    assert granted.subject == withdrawn.subject

    # A site whose name merely ends alike is another one; there the choice holds for its host alone.
    page.goto(other)
    reject(page)
    assert kept(page) == [".site.localhost", "othersite.localhost"]
    page.goto(other)
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    expect(first_layer(page)).to_be_hidden()


def test_a_choice_of_another_subdomain_is_seen_and_told_as_soon_as_a_vendor_is_loaded(
    sites, page, publish, third_parties
):
    vendor = CookieVendor.objects.filter(category__slug="analytical").first()
    vendor.hosts = "counter.localhost"
    vendor.save()
    publish()
    here, there, *_others = sites
    page.goto(here)
    expect(first_layer(page)).to_be_visible()
    page.evaluate("document.addEventListener('privacyconsent:change', event => (window.told = event.detail.choices))")
    accept(other_tab(page, there))

    page.evaluate(
        "address => { window.pixel = new Image(); pixel.src = address; }",
        f"http://counter.localhost:{third_parties.server_port}/pixel.gif",
    )

    assert page.evaluate("pixel.src") != ""
    assert page.evaluate("told") == {"analytical": True, "marketing": True}
    expect(first_layer(page)).to_be_hidden()


def test_of_two_cookies_on_host_and_parent_the_later_choice_holds(sites, page):
    here, there, *_others = sites
    page.goto(there)
    reject(page)
    refused = choice_of(page)
    # As it stands from the time before the site shared its choice.
    own = refused | {"t": refused["t"] - 60, "c": dict.fromkeys(refused["c"], True)}
    page.context.add_cookies([{"name": "privacy_consent", "value": quote(json.dumps(own)), "url": here}])
    page.goto(here)
    expect(first_layer(page)).to_be_hidden()
    assert page.evaluate("document.cookie").count("privacy_consent=") == 2
    assert page.evaluate("privacyConsent.choices()") == {"analytical": False, "marketing": False}
    assert hits(page) == []

    press(page, "Cookie settings")
    accept(page)
    wait_for_hits(page, ALL)
    page.goto(there)
    wait_for_hits(page, ALL)


def test_a_yes_that_waits_on_one_subdomain_gives_way_to_a_later_no_on_another(sites, page):
    here, there, *_others = sites
    server_away(page)
    page.goto(here)
    press(page, "Accept all")
    said(page, "Not stored yet")
    page.wait_for_timeout(1000)  # the cookie tells seconds
    server_back(page)
    page.goto(there)
    reject(page)

    page.goto(here)
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    assert (hits(page), storage(page)) == ([], {})
    assert [record.action for record in records()] == ["reject_all"]
