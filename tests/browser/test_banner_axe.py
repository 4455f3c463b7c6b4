"""The banner for everybody: WCAG 2.2 AA in every state, by the keyboard, and for who listens."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .banner_page import (
    FRAME,
    READABLE,
    accept,
    first_layer,
    focused,
    opened,
    page_with,
    press,
    records,
    reject,
    said,
    server_away,
    server_back,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# -- In every state -----------------------------------------------------------------------------

WORDS = {
    "en": {
        "manage": "Manage preferences",
        "accept": "Accept all",
        "reject": "Reject all",
        "settings": "Cookie settings",
        "close": "Close",
    },
    "nl": {
        "manage": "Zelf instellen",
        "accept": "Alles accepteren",
        "reject": "Alles weigeren",
        "settings": "Cookie-instellingen",
        "close": "Sluiten",
    },
}
CONTRAST = {"runOnly": ["color-contrast"]}


@pytest.mark.parametrize("language", ["en", "nl"])
def test_axe_finds_nothing_in_any_state(web, page, language):
    words = WORDS[language]
    found = []

    def look(state):
        for width, scheme, options in (
            (1280, "light", None),
            (1280, "dark", CONTRAST),
            (320, "light", CONTRAST),
            (320, "dark", None),
        ):
            page.set_viewport_size({"width": width, "height": 568})
            page.emulate_media(color_scheme=scheme)
            violations = Axe().run(page, options=options).response["violations"]
            found.extend(f"{state} {width} {scheme} {rule['id']}: {rule['nodes'][0]['html']}" for rule in violations)

    page.route("**/embed/website.*.js", lambda route: route.abort())
    origin = web({"/": page_with(FRAME, lang=('lang="en"', f'lang="{language}"'))})
    page.goto(origin)
    press(page, words["manage"])
    expect(page.get_by_role("status")).not_to_be_empty()
    look("the first layer in the place of the second")

    page.unroute("**/embed/website.*.js")
    page.goto(origin)
    expect(page.get_by_role("group", name="Facebook Connect")).to_be_visible()
    look("first layer and notice")
    press(page, words["manage"])
    opened(page)
    page.get_by_role("checkbox").last.check()
    look("second layer")
    press(page, words["close"])

    server_away(page)
    press(page, words["accept"])
    expect(page.get_by_role("status")).not_to_be_empty()
    look("not stored yet")
    server_back(page)
    page.route("**/consent/", lambda route: route.fulfill(status=400, json={"errors": {}}, headers=READABLE))
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(first_layer(page)).to_be_visible()
    look("refused by the server")
    server_back(page)
    press(page, words["reject"])
    expect(page.get_by_role("status").get_by_role("link")).to_be_visible()
    look("after a choice")

    page.context.clear_cookies()
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    page.goto(origin)
    expect(page.get_by_role("status")).to_contain_text("GPC")
    look("privacy signal")
    assert found == []


@pytest.mark.parametrize("width", [320, 1280])
def test_every_target_is_large_enough_to_hit(web, page, width):
    """WCAG 2.5.8: 24 by 24 pixels, links in a sentence apart."""
    page.set_viewport_size({"width": width, "height": 568})
    page.goto(web({"/": page_with(FRAME)}))
    expect(page.get_by_role("group", name="Facebook Connect")).to_be_visible()
    sizes = """all => all.filter(element => element.checkVisibility()).map(element => {
        const { width, height } = element.getBoundingClientRect();
        return [element.localName, element.textContent.trim(), Math.min(width, height)];
    }).filter(([, , size]) => size < 24)"""
    targets = page.locator(
        ":is(privacy-consent, privacy-consent-notice) :is(a:not([role=status] *), button, label, summary)"
    )
    assert targets.evaluate_all(sizes) == []
    press(page, "Manage preferences")
    opened(page)
    assert targets.evaluate_all(sizes) == []
    press(page, "Accept all")
    said(page, "has been saved")
    assert targets.evaluate_all(sizes) == []


# -- By the keyboard ------------------------------------------------------------------------------


def test_the_keyboard_meets_the_banner_first_and_is_not_caught(web, page):
    page.goto(web())
    expect(first_layer(page)).to_be_visible()
    assert page.evaluate("document.activeElement === document.body")
    order = []
    for _press in range(6):
        page.keyboard.press("Tab")
        order.append(focused(page))

    assert order == ["More about cookies", "Accept all", "Reject all", "Manage preferences", "Next page", "Cookies"]


def test_escape_closes_the_second_layer_without_a_choice(web, page):
    """C24; the focus returns to where it was."""
    page.goto(web())
    page.locator("privacy-consent").get_by_role("button", name="Manage preferences").press("Enter")
    page.get_by_role("checkbox", name="Analytical").check()
    # While it is open the focus does not go to the page behind it.
    for _press in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate("!document.activeElement.closest('main')")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")

    expect(first_layer(page)).to_be_visible()
    assert focused(page) == "Manage preferences"
    assert (records(), page.context.cookies()) == ([], [])

    page.locator("#own").press("Enter")
    expect(page.get_by_role("checkbox", name="Analytical")).not_to_be_checked()
    press(page, "Close")
    assert focused(page) == "Cookies"


def test_after_a_choice_the_keyboard_is_at_the_control(web, page):
    page.goto(web())
    page.locator("privacy-consent").get_by_role("button", name="Reject all").press("Enter")
    said(page, "has been saved")

    assert focused(page) == "Cookie settings"


def test_what_receives_the_focus_is_not_covered(web, page):
    """WCAG 2.4.11."""
    links = "".join(f'<p><a href="#{n}">Link {n}</a></p>' for n in range(40))
    page.set_viewport_size({"width": 320, "height": 568})
    page.goto(web({"/": page_with(links)}))
    top = first_layer(page).bounding_box()["y"]
    for number in range(30):
        link = page.get_by_role("link", name=f"Link {number}", exact=True)
        link.focus()
        box = link.bounding_box()
        assert box["y"] + box["height"] <= top


# -- For who listens --------------------------------------------------------------------------------


def test_what_happens_is_said_by_one_status_that_was_there_before(web, page):
    page.goto(web())
    expect(first_layer(page)).to_be_visible()
    status = page.get_by_role("status")
    expect(status).to_have_count(1)
    expect(status).to_be_empty()
    page.evaluate("window.before = document.querySelector('privacy-consent [role=status]')")
    server_away(page)
    press(page, "Accept all")
    said(page, "Not stored yet")
    server_back(page)
    press(page, "Cookie settings")
    # What a modal dialog makes inert is not read; so it closes first.
    reject(page)
    assert page.evaluate("before.isConnected && before.checkVisibility()")
    link = status.get_by_role("link", name="Receipt")
    expect(link).to_be_visible()
    press(page, "Cookie settings")
    accept(page)
