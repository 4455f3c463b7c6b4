"""Whatever the styles of the page, the banner looks as it should; and the page looks as it did."""

import pytest
from playwright.sync_api import expect

from policies.models import Website

from .banner_page import FRAME, first_layer, page_with, press, said

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NO_TAG = ('<script src="$banner" async></script>', "")
CSS = ("/site.css", "/own.css")

# -- Of a hostile page -------------------------------------------------------------------------------

OURS = "button, dialog, p, h2, a, label, input, details, summary, dl, ul, [role], [popover], [class^=pc-]"
HOSTILE = {
    "reset": """*, ::before, ::after { margin: 0; padding: 0; border: 0; box-sizing: content-box; font: inherit;
        color: inherit; background: none; outline: none; list-style: none; text-decoration: none }
        button, input { all: unset } [hidden] { display: block !important } dialog { display: flex }""",
    "hidden": f"{OURS}, privacy-consent, privacy-consent * {{ display: none !important }}",
    "invisible": f"""{OURS}, privacy-consent * {{ visibility: hidden !important; opacity: 0 !important;
        transform: scale(0) !important; clip-path: inset(50%) !important; pointer-events: none !important }}""",
    "fixed": "div, p, button { position: fixed !important; inset: 0 !important; float: left !important }",
    "huge": """html { font-size: 60px !important } * { font-size: 60px !important; line-height: 3 !important;
        letter-spacing: 1em !important; text-transform: uppercase !important; text-indent: 9em !important }""",
    "moving": """* { transition: all 60s !important; animation: 60s spin infinite !important }
        @keyframes spin { from, to { opacity: 0.2; transform: rotate(45deg); color: red } }""",
    "paragraphs": "p { display: none } p:not(.x) { display: none !important }",
    "generated": """::before, ::after { content: 'x' !important; display: block !important;
        block-size: 99px !important }""",
    "body": """html { transform: rotate(3deg); filter: blur(2px) } body { display: grid; gap: 40px; padding: 40px;
        direction: rtl; writing-mode: vertical-rl; position: relative; z-index: 2147483647; contain: strict }""",
    "covered": """main { position: fixed !important; inset: 0 !important; z-index: 2147483647 !important;
        background: red !important; isolation: isolate }""",
    "everything": "* { all: unset !important; float: left !important; direction: rtl !important }",
}
# Every box and every style of every element of the banner.
LOOKS = """() => [...document.querySelectorAll("privacy-consent *")].flatMap(element => {
    if (!element.checkVisibility()) return [];
    const { x, y, width, height } = element.getBoundingClientRect();
    const name = `${element.localName}.${element.className}`;
    const style = getComputedStyle(element);
    const styles = [...style].filter(property => !/^(transition|animation)/.test(property))
        .map(property => `${name} ${property}: ${style.getPropertyValue(property)}`);
    return [`${name} ${[x, y, width, height].map(Math.round)}`, ...styles];
})"""
# Which of the banner's buttons lie open to the pointer.
OPEN = """() => [...document.querySelectorAll("privacy-consent button")].filter(button => {
    const { x, y, width, height } = button.getBoundingClientRect();
    return width && button.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}).map(button => button.textContent)"""


def test_a_hostile_page_changes_nothing_of_the_banner(web, page):
    styled = {f"/{name}": page_with(css=("/site.css", f"/{name}.css")) for name in HOSTILE}
    sheets = {f"/{name}.css": css for name, css in HOSTILE.items()} | {"/plain.css": "/**/"}
    plain = page_with(css=("/site.css", "/plain.css"))
    origin = web(styled | sheets | {"/plain": plain, "/rtl": plain.replace("<html", '<html dir="rtl"')})

    def looks(name):
        page.goto(f"{origin}/{name}")
        expect(first_layer(page), name).to_be_visible()
        first = page.evaluate(LOOKS)
        assert page.evaluate(OPEN) == ["Accept all", "Reject all", "Manage preferences"], name
        press(page, "Manage preferences")
        expect(page.get_by_role("dialog", name="Cookie settings"), name).to_be_visible()
        page.locator("privacy-consent summary").nth(1).click()
        # Pointer and focus are at the same place on every page, for what follows them.
        page.get_by_role("checkbox", name="Analytical").check()
        second = page.evaluate(LOOKS)
        press(page, "Close")
        return first, second

    expected = looks("plain")
    for name in (*HOSTILE, "rtl"):
        for found, right in zip(looks(name), expected, strict=True):
            assert (name, sorted(set(found) - set(right))) == (name, [])
            assert len(found) == len(right)
    press(page, "Reject all")
    said(page, "has been saved")


def test_no_layer_of_the_page_lies_above_it(web, page):
    more = """<dialog id="own-dialog"><button type="button" autofocus>Close it</button></dialog>
        <div id="own-popover" popover>A tip of the page</div>"""
    page.goto(web({"/": page_with(more)}))
    expect(first_layer(page)).to_be_visible()
    buttons = ["Accept all", "Reject all", "Manage preferences"]
    page.evaluate("document.querySelector('#own-popover').showPopover()")
    assert page.evaluate(OPEN) == buttons
    # A modal dialog comes first, by the rules of the browser; then it is our turn again.
    page.evaluate("document.querySelector('#own-dialog').showModal()")
    page.evaluate("document.querySelector('#own-dialog').close()")
    assert page.evaluate(OPEN) == buttons

    # A page may put its own sheets in the place of ours.
    page.evaluate("document.adoptedStyleSheets = []; document.body.append('more')")
    page.wait_for_timeout(50)
    assert page.evaluate(OPEN) == buttons
    assert first_layer(page).bounding_box()["width"] < 700


def test_a_hostile_page_does_not_break_the_notice_of_a_held_frame(web, page):
    names = ["reset", "hidden", "fixed", "huge", "paragraphs", "moving"]
    pages = {f"/{name}": page_with(FRAME, css=("/site.css", f"/{name}.css")) for name in names}
    origin = web(pages | {f"/{name}.css": HOSTILE[name] for name in names})
    for name in names:
        page.goto(f"{origin}/{name}")
        notice = page.locator("privacy-consent-notice")
        expect(notice, name).to_be_visible()
        box = notice.bounding_box()
        assert (name, box["width"] >= 400, box["height"] >= 240) == (name, True, True)
        sizes = notice.locator("p, a, button").evaluate_all(
            "all => all.map(element => [getComputedStyle(element).fontSize, element.checkVisibility()].join())"
        )
        assert (name, sizes) == (name, ["16px,true"] * len(sizes))
        assert len(sizes) >= 4


def test_the_page_looks_as_it_did_before(web, page):
    looks = """() => [...document.querySelectorAll("html, body, main, main *")].map(element => {
        const style = getComputedStyle(element);
        const { x, y } = element.getBoundingClientRect();
        return [x, y, ...[...style].map(name => `${name}: ${style.getPropertyValue(name)}`)].join(";");
    })"""
    css = "body { display: grid; gap: 40px; grid-auto-flow: column } button { padding: 9px } dialog { color: red }"
    origin = web({"/": page_with(css=CSS), "/without": page_with(css=CSS, tag=NO_TAG), "/own.css": css})
    page.goto(f"{origin}/without")
    before = page.evaluate(looks)
    page.goto(origin)
    expect(first_layer(page)).to_be_visible()
    assert page.evaluate(looks) == before
    press(page, "Manage preferences")
    press(page, "Close")
    assert page.evaluate(looks) == before


# -- By the row of the site, and by the page -----------------------------------------------------------

CARD = """() => {
    const card = document.querySelector("privacy-consent .pc-card"), style = getComputedStyle(card);
    const button = getComputedStyle(card.querySelector("button"));
    return {
        background: style.backgroundColor, text: style.color, accent: button.borderTopColor,
        radius: [style.borderTopLeftRadius, button.borderTopLeftRadius].join(" "), font: style.fontFamily,
        size: style.fontSize,
    };
}"""


def place(page):
    """Left and right edge, and top and bottom edge, of the first layer."""
    box = first_layer(page).bounding_box()
    return [round(n) for n in (box["x"], box["x"] + box["width"], box["y"], box["y"] + box["height"])]


def test_it_looks_as_the_row_of_the_site_says_unless_the_page_says_otherwise(web, page, publish, site):
    row = {"background": "#102030", "foreground": "#fff0e0", "accent": "#ffcc00", "radius": 3}
    Website.objects.filter(slug="website").update(position="bottom", fonts="Courier New, monospace", **row)
    Website.objects.filter(slug="prostream").update(position="centre")
    publish()
    css = """:root { --privacy-consent-background: rgb(1, 2, 3); --privacy-consent-text: rgb(250, 251, 252);
        --privacy-consent-accent: rgb(200, 100, 0); --privacy-consent-radius: 20px;
        --privacy-consent-font: Georgia, serif;
        --privacy-consent-size: 20px; --privacy-consent-width: 500px; --privacy-consent-place: end end }"""
    origin = web(
        {
            "/": page_with(css=CSS),
            "/own.css": "body { margin: 0 }",
            "/themed": page_with(css=("/site.css", "/theme.css")),
            "/theme.css": css,
            "/centre": page_with(css=CSS, tag=("$banner", f"{site}/embed/prostream.js")),
        }
    )
    page.goto(origin)
    expect(first_layer(page)).to_be_visible()
    assert page.evaluate(CARD) == {
        "background": "rgb(16, 32, 48)",
        "text": "rgb(255, 240, 224)",
        "accent": "rgb(255, 204, 0)",
        "radius": "3px 3px",
        "font": '"Courier New", monospace',
        "size": "15px",
    }
    left, right, _top, bottom = place(page)
    assert (left, right, bottom) == (16, 1264, 784)
    press(page, "Manage preferences")
    assert page.locator("privacy-consent dialog").evaluate("dialog => getComputedStyle(dialog).color") == (
        "rgb(255, 240, 224)"
    )

    page.goto(f"{origin}/themed")
    expect(first_layer(page)).to_be_visible()
    assert page.evaluate(CARD) == {
        "background": "rgb(1, 2, 3)",
        "text": "rgb(250, 251, 252)",
        "accent": "rgb(200, 100, 0)",
        "radius": "20px 20px",
        "font": "Georgia, serif",
        "size": "18.75px",
    }
    left, right, _top, bottom = place(page)
    assert (left, right, bottom) == (764, 1264, 784)

    page.goto(f"{origin}/centre")
    expect(first_layer(page)).to_be_visible()
    left, right, top, bottom = place(page)
    assert (left, right) == (340, 940)
    # Above the button for the settings, of which the place is kept.
    assert abs(top - (800 - bottom)) <= 80


# -- By what the visitor has set -------------------------------------------------------------------------


def luminance(colour):
    return sum(float(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_it_follows_the_scheme_of_the_page_and_the_wishes_of_the_visitor(web, page):
    light_only = page_with(css=("/site.css", "/none.css"))
    both = page_with(css=CSS)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    origin = web(
        {"/": both, "/own.css": ":root { color-scheme: light dark }", "/light": light_only, "/none.css": "/**/"}
    )
    page.goto(f"{origin}/light")
    expect(first_layer(page)).to_be_visible()
    assert luminance(page.evaluate(CARD)["background"]) > 700
    page.goto(origin)
    expect(first_layer(page)).to_be_visible()
    # In a corner, where nothing else is said.
    assert place(page)[0] == 16
    dark = page.evaluate(CARD)
    assert luminance(dark["background"]) < 100
    assert luminance(dark["text"]) > 600
    page.emulate_media(color_scheme="light")
    assert luminance(page.evaluate(CARD)["background"]) > 700

    press(page, "Manage preferences")
    press(page, "Close")
    expect(first_layer(page)).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0

    page.emulate_media(forced_colors="active", color_scheme="dark")
    buttons = first_layer(page).get_by_role("button")
    borders = buttons.evaluate_all(
        """all => all.map(button => {
            const { borderTopStyle, borderTopWidth, borderTopColor, backgroundColor } = getComputedStyle(button);
            return [borderTopStyle, borderTopWidth, borderTopColor !== backgroundColor].join();
        })"""
    )
    assert borders == ["solid,1px,true"] * 3

    page.emulate_media(forced_colors="none", media="print")
    expect(page.locator("privacy-consent .pc-foot")).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(640, 400), (320, 512), (320, 256)])
def test_nothing_is_out_of_reach_when_it_is_enlarged(web, page, width, height):
    """WCAG 1.4.4 and 1.4.10: 1280 by 800 at 200 %, 1280 by 1024 at 400 %."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(web({"/": page_with(lang=('lang="en"', 'lang="nl"'))}))
    for opened in (None, "Zelf instellen"):
        if opened:
            press(page, opened)
            expect(page.locator("privacy-consent dialog")).to_be_visible()
        shown = page.locator("privacy-consent .pc-card:visible")
        expect(shown).to_have_count(1)
        box = shown.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
        for button in shown.locator(".pc-actions button").all():
            # Only what is smaller than a phone has to be scrolled, and only in the second layer.
            if opened and height < 400:
                button.scroll_into_view_if_needed()
            inner = button.bounding_box()
            assert inner["y"] >= box["y"]
            assert inner["y"] + inner["height"] <= box["y"] + box["height"]
        words = shown.locator(".pc-words")
        # Three lines at least, and scrolling one way only.
        assert words.bounding_box()["height"] >= 66
        assert words.evaluate("words => words.scrollWidth <= words.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
