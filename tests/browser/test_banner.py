"""What the banner promises to visitors, in a real browser on a foreign web site.

The names are the specification; ``C1`` and the like are the rules that it takes from law
and guidance: opt-in (C1), equal choice (C5, C6), nothing pre-ticked (C7), choice per category
(C11), withdrawal (C12), memory (C14, C15), asking again (C16), proof (C17), closing is no yes (C24).
"""

import hashlib
import json
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from consent.models import Banner

from .banner_page import (
    FRAME,
    READABLE,
    accept,
    add_script,
    choice_of,
    first_layer,
    held_back,
    hits,
    opened,
    other_tab,
    page_with,
    press,
    records,
    reject,
    said,
    server_away,
    server_back,
    set_choice,
    storage,
    wait_for_hits,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# -- Nothing before a choice -------------------------------------------------------------------


def test_nothing_is_stored_or_fetched_before_a_choice(web, page, third_parties):
    """C1: neither waiting nor scrolling, nor a second page, nor Escape is a choice."""
    page.goto(web({"/": page_with(FRAME)}))
    expect(first_layer(page)).to_be_visible()

    page.mouse.wheel(0, 2000)
    page.keyboard.press("Escape")
    expect(first_layer(page)).to_be_visible()
    page.click("#link")
    expect(first_layer(page)).to_be_visible()

    assert third_parties.log == []
    assert hits(page) == []
    assert page.context.cookies() == []
    assert storage(page) == {}
    assert records() == []


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_accepting_and_refusing_are_alike_and_in_view(web, page, width, language):
    """C5, C6: the same element, size, fill, border and font; no scrolling to reach it."""
    page.set_viewport_size({"width": width, "height": 568})
    page.goto(web({"/": page_with(lang=('lang="en"', f'lang="{language}"'))}))

    buttons = first_layer(page).get_by_role("button")
    expect(buttons).to_have_count(3)
    styles = buttons.evaluate_all(
        """buttons => buttons.map(button => {
            const style = getComputedStyle(button);
            const looks = ["color", "backgroundColor", "border", "borderRadius", "font", "padding", "boxShadow"];
            const { width, height } = button.getBoundingClientRect();
            return [button.tagName, ...looks.map(name => style[name]), Math.round(width), Math.round(height)].join();
        })"""
    )
    assert len(set(styles)) == 1
    boxes = [button.bounding_box() for button in buttons.all()]
    assert all(box["height"] >= 40 and box["y"] + box["height"] <= 568 for box in boxes)
    assert len({box["y"] for box in boxes}) == (3 if width == 320 else 1)
    assert first_layer(page).bounding_box()["height"] <= 568 * 0.7 + 1


def test_the_banner_moves_nothing_on_the_page(web, page):
    page.add_init_script(
        "window.shifts = []; new PerformanceObserver(list => shifts.push(...list.getEntries().map(e => e.value)))"
        '.observe({ type: "layout-shift", buffered: true });'
    )
    # An answer so late that it counts as nobody's doing.
    page.route("**/consent/", lambda route: (page.wait_for_timeout(800), route.continue_()))
    page.goto(web({"/": page_with(FRAME)}))
    expect(first_layer(page)).to_be_visible()
    accept(page)
    page.wait_for_timeout(100)

    assert page.evaluate("shifts") == []


# -- Refusing ----------------------------------------------------------------------------------


def test_nothing_runs_after_a_refusal_and_the_visitor_is_not_asked_again(web, page, third_parties):
    """C13, C15."""
    origin = web()
    page.goto(origin)
    reject(page)
    for path in ("/next", "/"):
        page.goto(origin + path)
        expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
        expect(first_layer(page)).to_be_hidden()

    assert third_parties.log == []
    assert len(records()) == 1


def test_a_refusal_leaves_no_identifier(web, page):
    page.goto(web())
    reject(page)

    [record] = records()
    assert (record.action, record.subject) == ("reject_all", None)
    assert record.choices == {"analytical": False, "marketing": False}
    assert set(choice_of(page)) == {"v", "t", "f", "c"}
    assert str(record.id) not in json.dumps(page.context.cookies())
    assert storage(page) == {}


def test_a_refusal_holds_at_once_and_reaches_the_server_later(web, page):
    origin = web()
    server_away(page)
    page.goto(origin)
    press(page, "Reject all")
    said(page, "Not stored yet")
    assert choice_of(page)["c"] == {"analytical": False, "marketing": False}
    assert records() == []

    server_back(page)
    page.goto(origin + "/next")
    said(page, "has been saved")

    assert [record.action for record in records()] == ["reject_all"]
    assert storage(page) == {}


# -- Allowing: no evidence, no tracking ---------------------------------------------------------


def test_what_is_allowed_runs_after_the_acknowledgement_and_not_before(web, page, third_parties):
    held = []
    page.route("**/consent/", lambda route: held.append(route))
    page.goto(web())
    press(page, "Accept all")
    request = held_back(page, held)
    page.wait_for_timeout(300)
    assert len(held) == 1
    assert (hits(page), third_parties.log, choice_of(page)) == ([], [], None)

    request.continue_()
    said(page, "has been saved")

    wait_for_hits(page, ["first", "second", "advertising"])
    [record] = records()
    assert record.action == "accept_all"
    assert choice_of(page)["s"] == str(record.subject)


def test_the_record_names_what_was_on_the_screen(web, page, site):
    """C17: version, language, answers, and the digest of the very bytes that asked."""
    page.goto(web({"/": page_with(lang=('lang="en"', 'lang="nl"'))}))
    served = page.request.get(f"{site}/embed/website.js").body()
    page.get_by_role("button", name=re.compile("Manage preferences|Zelf instellen")).click()
    page.locator("dialog input").first.check()
    page.locator("dialog .pc-actions button").last.click()
    expect(page.get_by_role("status")).not_to_be_empty()

    [record] = records()
    assert (record.website, record.version_id, record.language, record.gpc) == ("website", 1, "nl", False)
    assert (record.action, record.choices, record.vendors) == ("save", {"analytical": True, "marketing": False}, {})
    payload, _line = served[: served.rindex(b"\n", 0, -1) + 1], served.splitlines()[-1]
    assert record.banner_id == hashlib.sha256(payload).hexdigest()
    assert bytes(Banner.objects.get(pk=record.banner_id).body) == payload
    assert abs(record.decided_at - timezone.now()) < timedelta(minutes=1)


def test_a_returning_visitor_meets_no_request_and_no_question(web, page, third_parties):
    origin = web()
    page.goto(origin)
    accept(page)
    requests = []
    page.on("request", lambda request: requests.append(request.url) if request.url.endswith("/consent/") else None)
    page.goto(origin + "/next")

    wait_for_hits(page, ["first", "second", "advertising"])
    expect(first_layer(page)).to_be_hidden()
    assert requests == []


def test_a_choice_made_while_the_server_is_away_is_kept_and_delivered_once(web, page, third_parties):
    origin = web()
    server_away(page)
    page.goto(origin)
    press(page, "Accept all")
    said(page, "Not stored yet")
    kept = json.loads(storage(page)["privacy_consent_pending"])["token"]

    page.goto(origin + "/next")
    said(page, "Not stored yet")
    expect(first_layer(page)).to_be_hidden()
    assert (hits(page), third_parties.log, choice_of(page), records()) == ([], [], None, [])

    server_back(page)
    page.goto(origin)
    said(page, "has been saved")
    wait_for_hits(page, ["first", "second", "advertising"])
    page.goto(origin + "/next")
    wait_for_hits(page, ["first", "second", "advertising"])

    # The id carries what of the token is random, and the moment.
    assert [str(record.id)[15:] for record in records()] == [kept[15:]]
    assert storage(page) == {}


def test_a_kept_choice_is_sent_when_the_network_returns(web, page):
    page.goto(web())
    server_away(page)
    press(page, "Accept all")
    said(page, "Not stored yet")

    server_back(page)
    page.evaluate("dispatchEvent(new Event('online'))")

    said(page, "has been saved")
    assert len(records()) == 1


def test_an_answer_that_got_lost_makes_no_second_record(web, page):
    """The server has stored the choice, the browser does not know; the same id is sent again."""
    origin = web()

    def lose_the_answer(route):
        route.fetch()
        route.abort()

    page.route("**/consent/", lose_the_answer)
    page.goto(origin)
    press(page, "Accept all")
    said(page, "Not stored yet")
    assert len(records()) == 1

    server_back(page)
    page.goto(origin)
    said(page, "has been saved")

    assert len(records()) == 1


def test_a_page_that_says_yes_without_a_receipt_releases_nothing(web, page, third_parties):
    page.route("**/consent/", lambda route: route.fulfill(body="Welcome to this network", headers=READABLE))
    page.goto(web())
    press(page, "Accept all")
    said(page, "Not stored yet")

    assert (hits(page), third_parties.log) == ([], [])


def test_a_choice_that_the_server_refuses_is_not_granted_and_asked_again(web, page, third_parties):
    statuses = iter([400, 403, 404, 413])
    page.route("**/consent/", lambda route: route.fulfill(status=next(statuses), json={"errors": {}}, headers=READABLE))
    page.goto(web())
    for _status in range(4):
        with page.expect_response("**/consent/"):
            press(page, "Accept all")
        said(page, "That did not work")
        expect(first_layer(page)).to_be_visible()

    assert (hits(page), third_parties.log, choice_of(page), storage(page)) == ([], [], None, {})


def test_a_busy_server_is_asked_again_when_it_says(web, page):
    answers = iter([{"status": 429, "headers": READABLE | {"Retry-After": "1"}}])
    page.route(
        "**/consent/",
        lambda route: route.fulfill(**answer) if (answer := next(answers, None)) else route.continue_(),
    )
    page.goto(web())
    press(page, "Accept all")
    said(page, "Not stored yet")
    assert records() == []

    said(page, "has been saved")
    assert len(records()) == 1


def test_an_id_that_is_taken_is_made_anew(web, page):
    answers = iter([{"status": 409, "json": {"errors": {}}, "headers": READABLE}])
    sent = []

    def answer(route):
        sent.append(route.request.post_data_json["id"])
        first = next(answers, None)
        return route.fulfill(**first) if first else route.continue_()

    page.route("**/consent/", answer)
    page.goto(web())
    accept(page)

    assert len(set(sent)) == 2
    assert [str(record.id) for record in records()] == sent[1:]


@pytest.mark.parametrize("days", [-40, 40])
def test_a_wrong_clock_is_corrected_by_the_servers(web, page, days):
    page.clock.install(time=timezone.now() + timedelta(days=days))
    page.goto(web())
    accept(page)

    [record] = records()
    assert abs(record.decided_at - timezone.now()) < timedelta(minutes=1)


def test_a_new_choice_overtakes_one_that_is_under_way(web, page):
    held = []
    page.route("**/consent/", lambda route: held.append(route) if not held else route.continue_())
    page.goto(web())
    press(page, "Accept all")
    press(page, "Cookie settings")
    press(page, "Reject all")
    said(page, "has been saved")

    assert hits(page) == []
    assert choice_of(page)["c"] == {"analytical": False, "marketing": False}
    assert [record.action for record in records()] == ["withdraw"]


# -- Changing one's mind ------------------------------------------------------------------------


def test_withdrawing_is_as_easy_as_giving(web, page, third_parties):
    """C12: from every page, two presses; the record is linked to the grant, the browser forgets."""
    origin = web()
    page.goto(origin)
    accept(page)
    page.goto(origin + "/next")
    wait_for_hits(page, ["first", "second", "advertising"])
    third_parties.log.clear()
    press(page, "Cookie settings")
    reject(page)
    page.goto(origin)
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()

    granted, withdrawn = records()
    assert (granted.action, withdrawn.action) == ("accept_all", "withdraw")
    assert granted.subject == withdrawn.subject
    assert "s" not in choice_of(page)
    assert (hits(page), third_parties.log) == ([], [])


def test_a_withdrawal_holds_even_while_the_server_is_away(web, page):
    origin = web()
    page.goto(origin)
    accept(page)
    server_away(page)
    press(page, "Cookie settings")
    press(page, "Reject all")
    said(page, "Not stored yet")
    page.goto(origin + "/next")
    said(page, "Not stored yet")
    assert hits(page) == []

    server_back(page)
    page.goto(origin)
    said(page, "has been saved")
    assert [record.action for record in records()] == ["accept_all", "withdraw"]


def test_nothing_is_ticked_before_the_visitor_ticks_it(web, page):
    """C7, C11: one control per category, off; none for what needs no consent."""
    page.goto(web())
    press(page, "Manage preferences")

    boxes = page.get_by_role("dialog", name="Cookie settings").get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    assert [box.is_checked() for box in boxes.all()] == [False, False]


def test_the_second_layer_names_every_vendor(web, page, published):
    page.goto(web())
    press(page, "Manage preferences")
    dialog = opened(page)

    content = json.loads(published.document)["content"]
    [website] = [site for site in content["websites"] if site["slug"] == "website"]
    shown = {slug for category in website["categories"] for slug in category["vendors"]}
    vendors = [vendor for vendor in content["cookie_vendors"] if vendor["slug"] in shown]
    expect(dialog.get_by_role("listitem")).to_have_count(len(vendors))
    for vendor in vendors:
        item = dialog.get_by_role("listitem").filter(has=page.get_by_text(vendor["name"], exact=True))
        expect(item).to_contain_text(vendor["company"])
        for texts in (vendor["country"]["name"], vendor["purpose"], vendor["lifetime"]["wording"]):
            expect(item).to_contain_text(texts["en"])
        expect(item.get_by_role("link")).to_have_attribute("href", vendor["privacy_url"])


def test_the_page_can_ask_and_is_told(web, page):
    page.goto(web())
    expect(first_layer(page)).to_be_visible()
    listen = "document.addEventListener('privacyconsent:change', event => (window.told ??= []).push(event.detail))"
    page.evaluate(listen)
    press(page, "Manage preferences")
    page.get_by_role("checkbox", name="Analytical").check()
    press(page, "Save my choice")
    said(page, "has been saved")

    names = ["functional", "analytical", "google-analytics", "marketing", "linkedin-ads", "unknown", "constructor"]
    allowed = page.evaluate("names => names.filter(privacyConsent.allows)", names)
    assert allowed == ["functional", "analytical", "google-analytics"]
    assert page.evaluate("privacyConsent.choices()") == {"analytical": True, "marketing": False}
    assert page.evaluate("told.at(-1)") == {"choices": {"analytical": True, "marketing": False}, "vendors": {}}
    page.evaluate("privacyConsent.withdraw()")
    said(page, "has been saved")
    assert page.evaluate("privacyConsent.choices()") == {"analytical": False, "marketing": False}


def test_a_choice_in_another_tab_holds_in_this_one(web, page, third_parties):
    origin = web()
    page.goto(origin)
    accept(page)
    other = other_tab(page, origin + "/next")
    press(other, "Cookie settings")
    reject(other)
    third_parties.log.clear()
    add_script(page, f"{third_parties.origin}/hit.js?name=late")
    page.wait_for_timeout(200)

    assert third_parties.log == []
    assert page.evaluate("privacyConsent.allows('marketing')") is False


def test_what_another_tab_allows_runs_in_this_one_too(web, page):
    origin = web()
    page.goto(origin)
    expect(first_layer(page)).to_be_visible()
    page.evaluate(
        "document.addEventListener('privacyconsent:change', event => (window.told ??= []).push(event.detail))"
    )
    accept(other_tab(page, origin + "/next"))

    wait_for_hits(page, ["first", "second", "advertising"])
    expect(first_layer(page)).to_be_hidden()
    assert page.evaluate("told") == [{"choices": {"analytical": True, "marketing": True}, "vendors": {}}]
    assert len(records()) == 1


@pytest.mark.parametrize("lag", ["looks++ < 1", "performance.now() < heard + 300"], ids=["a look", "a while"])
def test_what_another_tab_allows_is_seen_and_told_although_its_cookie_comes_after_the_word_of_it(web, page, lag):
    page.context.add_init_script(
        """
        const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
        let heard = -Infinity, looks = 1;
        addEventListener("storage", () => ([heard, looks] = [performance.now(), 0]));
        Object.defineProperty(document, "cookie", {
            get() { return LAG ? "" : get.call(document); },
            set(value) { set.call(document, value); },
        });
    """.replace("LAG", lag)
    )
    origin = web()
    page.goto(origin)
    page.evaluate("document.addEventListener('privacyconsent:change', event => (window.told = event.detail.choices))")
    accept(other_tab(page, origin + "/next"))

    wait_for_hits(page, ["first", "second", "advertising"])
    expect(first_layer(page)).to_be_hidden()
    assert page.evaluate("told") == {"analytical": True, "marketing": True}


def no_word_from_other_tabs(page):
    """As in a page that the browser has put to sleep."""
    page.context.add_init_script("addEventListener('storage', event => event.stopImmediatePropagation())")


@pytest.mark.parametrize("is_delivered", [True, False])
@pytest.mark.parametrize("is_told", [True, False])
def test_a_late_answer_to_a_yes_does_not_undo_the_no_of_another_tab(web, page, third_parties, is_delivered, is_told):
    """C12: whatever the order of the answers, the last decision holds."""
    if not is_told:
        no_word_from_other_tabs(page)
    held = []
    page.route("**/consent/", lambda route: held.append(route))
    origin = web()
    page.goto(origin)
    other = other_tab(page, origin + "/next")
    press(page, "Accept all")
    request = held_back(page, held)
    if not is_delivered:
        server_away(other)
    other.evaluate("privacyConsent.withdraw()")
    said(other, "has been saved" if is_delivered else "Not stored yet")
    refused = storage(other)

    with page.expect_response("**/consent/"):
        request.continue_()
    page.wait_for_timeout(200)

    assert (hits(page), third_parties.log) == ([], [])
    assert page.evaluate("privacyConsent.choices()") == {"analytical": False, "marketing": False}
    assert choice_of(page)["c"] == {"analytical": False, "marketing": False}
    assert storage(page) == refused
    assert ("privacy_consent_pending" in refused) is not is_delivered
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    expect(first_layer(page)).to_be_hidden()

    if not is_delivered:
        server_back(other)
        other.goto(origin)
        said(other, "has been saved")
    assert [record.action for record in records()] == ["accept_all", "withdraw"]
    assert len({record.subject for record in records()}) == 1


@pytest.mark.parametrize("is_told", [True, False])
def test_a_yes_that_was_kept_is_not_sent_after_a_no_in_another_tab(web, page, third_parties, is_told):
    """The refusal is delivered instead, by the tab that is left."""
    if not is_told:
        no_word_from_other_tabs(page)
    server_away(page.context)
    origin = web()
    page.goto(origin)
    press(page, "Accept all")
    said(page, "Not stored yet")
    other = other_tab(page, origin + "/next")
    said(other, "Not stored yet")
    press(page, "Cookie settings")
    press(page, "Reject all")
    said(page, "Not stored yet")
    page.close()

    server_back(page.context)
    other.evaluate("dispatchEvent(new Event('online'))")
    said(other, "has been saved")

    assert [record.action for record in records()] == ["withdraw"]
    assert (hits(other), third_parties.log, storage(other)) == ([], [], {})
    assert choice_of(other)["c"] == {"analytical": False, "marketing": False}


def test_a_choice_that_another_tab_delivered_waits_here_no_longer(web, page):
    server_away(page.context)
    origin = web()
    page.goto(origin)
    press(page, "Reject all")
    said(page, "Not stored yet")
    other = other_tab(page, origin + "/next")
    said(other, "Not stored yet")

    server_back(page.context)
    other.evaluate("dispatchEvent(new Event('online'))")
    said(other, "has been saved")

    expect(page.get_by_role("status")).to_be_empty()
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(200)
    assert len(records()) == 1
    assert storage(page) == {}


def test_without_storage_the_no_of_another_tab_holds_by_its_cookie(web, page, third_parties):
    """Also within one second, which is all that the cookie tells."""
    page.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError') } });"
        "Date.now = () => 1000 * Math.floor(performance.timeOrigin / 60_000) * 60;"
    )
    held = []
    page.route("**/consent/", lambda route: held.append(route))
    origin = web()
    page.goto(origin)
    other = other_tab(page, origin + "/next")
    press(page, "Accept all")
    request = held_back(page, held)
    reject(other)
    with page.expect_response("**/consent/"):
        request.continue_()
    page.wait_for_timeout(200)

    assert (hits(page), third_parties.log) == ([], [])
    assert choice_of(page)["c"] == {"analytical": False, "marketing": False}


def test_what_waits_but_was_overtaken_does_not_stay_in_the_browser(web, page):
    origin = web()
    server_away(page)
    page.goto(origin)
    press(page, "Accept all")
    said(page, "Not stored yet")
    choice = json.loads(storage(page)["privacy_consent_pending"])["choice"]
    later = {"v": 1, "t": choice["t"] + 1, "f": choice["f"], "c": dict.fromkeys(choice["c"], False)}
    set_choice(page, origin, quote(json.dumps(later)))
    server_back(page)
    page.goto(origin + "/next")

    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    expect(page.get_by_role("status")).to_be_empty()
    assert (hits(page), storage(page), records()) == ([], {}, [])


# -- Asking again -------------------------------------------------------------------------------


def test_a_changed_category_is_asked_again_and_the_others_stay(web, page, third_parties):
    """C16."""
    origin = web()
    page.goto(origin)
    accept(page)
    choice = choice_of(page)
    choice["f"]["marketing"] = "before"
    set_choice(page, origin, quote(json.dumps(choice)))
    third_parties.log.clear()
    page.goto(origin + "/next")

    expect(first_layer(page)).to_be_visible()
    wait_for_hits(page, ["first", "second"])
    press(page, "Manage preferences")
    expect(page.get_by_role("checkbox", name="Analytical")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Marketing")).not_to_be_checked()


HOSTILE = [
    "x",
    "%E0%A4%A",
    "null",
    "%7B%7D",
    quote('{"v":1,"t":1,"f":{},"c":{}}'),
    quote('{"v":1,"t":99999999999,"f":{},"c":{"analytical":true}}'),
    quote('{"v":1,"t":"now","f":null,"c":[true]}'),
    quote('{"__proto__":{"analytical":true},"v":1}'),
    quote("[" * 600),
]


def test_a_hostile_cookie_counts_as_none(web, page, third_parties):
    origin = web()
    for value in HOSTILE:
        set_choice(page, origin, value)
        page.goto(origin)
        expect(first_layer(page), value).to_be_visible()
        assert (value, hits(page), third_parties.log) == (value, [], [])
    reject(page)


def test_an_expired_choice_is_asked_again(web, page):
    """C14: the same life for yes and no."""
    origin = web()
    page.goto(origin)
    reject(page)
    choice = choice_of(page)
    for days, asks in ((181, False), (183, True)):
        choice["t"] = int((timezone.now() - timedelta(days=days)).timestamp())
        set_choice(page, origin, quote(json.dumps(choice)))
        page.goto(origin + "/next")
        expect(page.get_by_role("button", name="Reject all" if asks else "Cookie settings")).to_be_visible()


def test_two_cookies_of_the_name_do_not_break_it(web, page):
    origin = web({"/sub/": page_with()})
    page.goto(origin)
    reject(page)
    set_choice(page, origin, "broken", "/sub/x")
    page.goto(origin + "/sub/")

    assert page.evaluate("document.cookie").count("privacy_consent=") == 2
    expect(page.get_by_role("button", name="Cookie settings")).to_be_visible()
    expect(first_layer(page)).to_be_hidden()


# -- Signals, languages, embedding ---------------------------------------------------------------


def test_global_privacy_control_refuses_until_the_visitor_says_otherwise(web, page):
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    origin = web()
    page.goto(origin)
    said(page, "GPC")
    expect(first_layer(page)).to_be_hidden()
    assert (hits(page), page.context.cookies(), records()) == ([], [], [])

    press(page, "Cookie settings")
    accept(page)

    wait_for_hits(page, ["first", "second", "advertising"])
    [record] = records()
    assert record.gpc is True
    page.goto(origin + "/next")
    wait_for_hits(page, ["first", "second", "advertising"])


LANGUAGES = [("", "en-GB", "en"), ("", "nl-BE", "nl"), ("", "de", "en"), ("nl", "en", "nl"), ("fr", "nl", "nl")]


def test_the_language_is_the_tags_or_the_pages_or_the_browsers(web, page):
    pages = {
        f"/{tag}-{lang}": page_with(
            tag=("async>", f'async data-language="{tag}">'), lang=('lang="en"', f'lang="{lang}"')
        )
        for tag, lang, _shown in LANGUAGES
    }
    origin = web(pages)
    for tag, lang, shown in LANGUAGES:
        page.goto(f"{origin}/{tag}-{lang}")
        expect(page.locator("privacy-consent")).to_have_attribute("lang", shown)
        title = {"en": "Cookies on our website", "nl": "Cookies op onze website"}[shown]
        expect(first_layer(page)).to_have_accessible_name(title)
        expect(first_layer(page).get_by_role("link")).to_have_attribute("href", re.compile(f"/{shown}/cookies/$"))


def test_two_tags_make_one_banner(web, page):
    tag = '<script src="$banner" async></script>'
    page.goto(web({"/": page_with(tags=(tag, tag * 3))}))
    expect(first_layer(page)).to_be_visible()
    accept(page)

    assert page.locator("privacy-consent").count() == 1
    assert len(records()) == 1
    assert page.evaluate("Object.keys(window).filter(name => /consent/i.test(name))") == ["privacyConsent"]


def test_it_comes_first_in_the_body_and_again_when_the_page_replaces_its_body(web, page):
    page.goto(web())
    expect(first_layer(page)).to_be_visible()
    assert page.evaluate("document.body.firstElementChild.localName") == "privacy-consent"
    page.evaluate("document.body.replaceWith(document.createElement('body'))")

    expect(first_layer(page)).to_be_visible()
    reject(page)


def test_without_cookies_and_storage_it_works_for_one_page(web, page, third_parties):
    page.add_init_script(
        """for (const [object, name] of [[Document.prototype, "cookie"], [window, "localStorage"]])
            Object.defineProperty(object, name, {
                get() { throw new DOMException("blocked", "SecurityError"); },
                set() { throw new DOMException("blocked", "SecurityError"); },
            });"""
    )
    page.route(
        "**/hit.js*",
        lambda route: route.fulfill(body="(window.hits ??= []).push('ran')", content_type="text/javascript"),
    )
    origin = web()
    page.goto(origin)
    accept(page)
    wait_for_hits(page, ["ran", "second", "ran"])
    page.goto(origin + "/next")

    expect(first_layer(page)).to_be_visible()
    assert hits(page) == []
