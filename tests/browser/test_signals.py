"""What the tags of Google and Microsoft are told: first no, then the answer, before anything of theirs runs."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from policies.models import CookieCategory, CookieVendor

from .banner_page import accept, page_with, reject, said

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STUB = Path(__file__).parents[2] / "consent" / "defaults.js"

# In the order of events: what the tags are told, what the page is told, what runs.
TOLD = """
window.told = [];
const note = (...parts) => told.push(JSON.parse(JSON.stringify(parts)));
window.dataLayer = [];
dataLayer.push = command => note("gtag", ...command);
window.uetq = [];
uetq.push = (...command) => note("uet", ...command);
window.clarity = (...command) => note("clarity", ...command);
for (const name of ["ready", "change"]) document.addEventListener(`privacyconsent:${name}`, () => note(name));
document.addEventListener("hit", () => note("runs"));
"""


def google(analytics="denied", ads="denied", person="denied"):
    return {
        "ad_storage": ads,
        "ad_user_data": ads,
        "ad_personalization": person,
        "analytics_storage": analytics,
        "functionality_storage": "denied",
        "personalization_storage": "denied",
        "security_storage": "granted",
    }


def told(kind, analytics="denied", ads="denied", person="denied"):
    """All that the tags are told at once."""
    return [
        ["gtag", "consent", kind, google(analytics, ads, person)],
        ["uet", "consent", kind, {"ad_storage": ads}],
        ["clarity", "consentv2", {"ad_Storage": ads, "analytics_Storage": analytics}],
    ]


@pytest.fixture
def published(declared, publish):
    marketing = "ad_storage ad_user_data ad_personalization uet:ad_storage clarity:ad_Storage"
    CookieCategory.objects.filter(slug="analytical").update(signals="analytics_storage clarity:analytics_Storage")
    CookieCategory.objects.filter(slug="marketing").update(signals=marketing)
    # Who takes a signal for itself takes it from the category.
    CookieVendor.objects.filter(slug="adverts").update(signals="ad_personalization")
    return publish()


def so_far(page):
    """What was told since this was asked last."""
    return page.evaluate("told.splice(0)")


def until_they_ran(page, number):
    for _attempt in range(500):
        if page.evaluate('told.filter(([name]) => name === "runs").length') >= number:
            return
        page.wait_for_timeout(30)
    raise AssertionError("they did not run")


def test_tags_are_told_no_first_and_then_everything_before_the_page_and_before_they_run(web, page):
    page.add_init_script(TOLD)
    origin = web()
    page.goto(origin)
    expect(page.get_by_role("button", name="Reject all")).to_be_visible()
    assert so_far(page) == [*told("default"), ["ready"]]

    accept(page)
    until_they_ran(page, 2)
    everything = told("update", "granted", "granted", "granted")
    assert so_far(page) == [*everything, ["change"], ["runs"], ["runs"]]

    page.goto(origin)
    until_they_ran(page, 2)
    assert so_far(page) == [*told("default"), *everything, ["ready"], ["runs"], ["runs"]]

    page.evaluate("privacyConsent.withdraw()")
    said(page, "has been saved")
    assert so_far(page) == [*told("update"), ["change"]]

    page.goto(origin)
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    assert so_far(page) == [*told("default"), *told("update"), ["ready"]]


def test_a_signal_of_a_vendor_goes_by_that_vendor_and_the_rest_by_the_category(web, page):
    page.add_init_script(TOLD)
    frame = """<iframe title="Advert" width="400" height="240" data-consent-vendor="adverts"
        data-src="$vendor/frame.html"></iframe>"""
    page.goto(web({"/": page_with(frame)}))
    page.get_by_role("button", name="Always allow Adverts").click()
    said(page, "has been saved")

    assert so_far(page)[-4:-1] == told("update", person="granted")


def test_the_defaults_of_the_page_and_ours_agree(web, page):
    """The stub that a page has inline, for tags that come before the banner."""
    inline = f"<script nonce='$nonce'>{STUB.read_text()}</script>"
    page.goto(web({"/": page_with(head=("<head>", f"<head>{inline}"))}))
    reject(page)
    entries = page.evaluate("dataLayer.map(entry => [...entry].slice(1))")
    assert [kind for kind, _values in entries] == ["default", "default", "update"]
    assert {**entries[0][1], "wait_for_update": None} == {**google(), "wait_for_update": None}
    assert [values for _kind, values in entries[1:]] == [google(), google()]
    assert page.evaluate("uetq") == [
        "consent", "default", {"ad_storage": "denied"},
        "consent", "default", {"ad_storage": "denied"},
        "consent", "update", {"ad_storage": "denied"},
    ]  # fmt: skip
    denied = ["consentv2", {"ad_Storage": "denied", "analytics_Storage": "denied"}]
    assert page.evaluate("clarity.q.map(entry => [...entry])") == [denied, denied, denied]


def test_a_site_without_signals_hears_nothing_of_them(web, page, publish):
    CookieCategory.objects.update(signals="")
    CookieVendor.objects.update(signals="")
    publish()
    page.goto(web())
    accept(page)

    assert page.evaluate("['dataLayer', 'gtag', 'uetq', 'clarity'].filter(name => name in window)") == []
