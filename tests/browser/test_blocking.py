"""What loads from others waits for consent: marked by the page or not, there from the start or made later."""

import pytest
from playwright.sync_api import expect

from .banner_page import (
    FRAME,
    accept,
    add_script,
    choice_of,
    focused,
    held_back,
    hits,
    page_with,
    press,
    records,
    reject,
    said,
    server_away,
    server_back,
    wait_for_hits,
    wait_until,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def published(declared):
    return declared


@pytest.fixture
def at(third_parties):
    """The address of something of a vendor: ``at("maps", "frame.html?name=map")``."""
    return lambda vendor, path="": f"http://{vendor}.localhost:{third_parties.server_port}/{path}"


@pytest.fixture
def asked(third_parties):
    """Names of what was asked of third parties, sorted."""
    return lambda: sorted(entry["name"] for entry in third_parties.log)


def allow(page, category):
    """One more category, by the second layer."""
    page.evaluate("privacyConsent.open()")
    page.get_by_role("checkbox", name=category, exact=True).check()
    press(page, "Save my choice")
    said(page, "has been saved")


# -- Marked by the page ------------------------------------------------------------------------

MARKED = """
<script type="text/plain" data-consent="marketing" data-src="$adverts/hit.js?name=classic"></script>
<script type="text/plain" data-consent="marketing" nonce="$nonce">hits.push("inline");</script>
<script type="text/plain" data-consent="marketing" data-type="module" data-src="/module.js"></script>
<link rel="stylesheet" data-consent="marketing" data-href="$adverts/pixel.gif?name=link">
<img alt="" data-consent="marketing" data-src="$adverts/pixel.gif?name=img">
<img alt="" data-consent="marketing" data-srcset="$adverts/pixel.gif?name=srcset 1x">
<iframe title="Frame" data-consent="marketing" data-src="$adverts/frame.html?name=iframe"></iframe>
<video data-consent="marketing" data-src="$adverts/pixel.gif?name=video"
  data-poster="$adverts/pixel.gif?name=poster"></video>
<audio data-consent="marketing" data-src="$adverts/pixel.gif?name=audio"></audio>
<video><source data-consent="marketing" data-src="$adverts/pixel.gif?name=source"></video>
<object data-consent="marketing" data-data="$adverts/pixel.gif?name=object"></object>
<img alt="" data-consent-vendor="maps" data-src="$maps/pixel.gif?name=vendor">
<img alt="" data-consent-vendor="maps counter" data-src="$maps/pixel.gif?name=both">
<img alt="" data-consent="functional" data-src="$forms/pixel.gif?name=functional">
<img alt="" data-consent="unknown" data-src="$forms/pixel.gif?name=never">
"""
MARKETING = ["audio", "classic", "iframe", "img", "link", "object", "poster", "source", "srcset", "video", "vendor"]


def placed(html, at):
    """``html`` with the addresses of vendors in the place of their names."""
    for name in ("adverts", "maps", "forms", "counter"):
        html = html.replace(f"${name}/", at(name))
    return html


def test_what_is_marked_waits_for_its_category_or_vendor_and_is_released_once(web, page, at, asked):
    head = ('<script type="text/plain" data-consent="analytical" data-src="$vendor/hit.js?name=first"></script>', "")
    html = page_with(placed(MARKED, at), head=head)
    module = 'hits.push(import.meta.url.split("/").at(-1));'
    page.goto(web({"/": html, "/module.js": module}))
    reject(page)
    wait_until(page, asked, ["functional"])
    assert hits(page) == []

    allow(page, "Marketing")
    wait_until(page, asked, sorted([*MARKETING, "advertising", "functional"]))
    wait_for_hits(page, ["advertising", "classic", "inline", "module.js"])

    allow(page, "Analytical")
    wait_until(page, asked, sorted([*MARKETING, "advertising", "both", "functional"]))
    wait_for_hits(page, ["advertising", "classic", "inline", "module.js", "second"])


def test_scripts_run_in_the_order_of_the_document_and_a_failure_stops_none(web, page):
    """Also where one is slow and the next, which needs it, stands in the page."""
    more = """<script type="text/plain" data-consent="analytical" data-src="/gone.js"></script>
        <script type="text/plain" data-consent="analytical" data-src="/last.js"></script>"""
    page.route("**/hit.js*", lambda route: (page.wait_for_timeout(300), route.continue_()))
    page.goto(web({"/": page_with(more), "/last.js": 'hits.push("last");'}))
    accept(page)

    wait_for_hits(page, ["first", "second", "advertising", "last"])


def test_elements_that_are_added_later_wait_too_and_each_runs_once(web, page, third_parties):
    page.goto(web())
    add_script(page, f"{third_parties.origin}/hit.js?name=early")
    accept(page)
    wait_for_hits(page, ["first", "second", "advertising", "early"])
    add_script(page, f"{third_parties.origin}/hit.js?name=late")
    wait_for_hits(page, ["first", "second", "advertising", "early", "late"])

    page.evaluate("privacyConsent.withdraw()")
    said(page, "has been saved")
    add_script(page, f"{third_parties.origin}/hit.js?name=too-late")
    page.wait_for_timeout(200)
    assert hits(page) == ["first", "second", "advertising", "early", "late"]


# -- Not marked, of vendors whose hosts are known ------------------------------------------------

# Ways to make an element load: each is given an address and returns the element.
WAYS = """
const made = (tag, ...steps) => address => {
    const element = document.createElement(tag);
    for (const step of steps) step(element, address);
    return element;
};
const insert = element => document.body.append(element);
const set = name => (element, address) => { element[name] = address; };
const type = value => element => { element.type = value; };
const attribute = name => (element, address) => element.setAttribute(name, address);
const markup = (write, element) => address => {
    const box = document.createElement("div");
    document.body.append(box);
    write(box, `<p>Before &amp; after</p>${element(address)}`);
    return box.lastElementChild;
};
window.ways = {
    "hit.js": {
        "script": made("script", set("src"), insert),
        "script-async": made("script", element => { element.async = true; }, set("src"), insert),
        "script-type-first": made("script", type("text/javascript"), set("src"), insert),
        "script-type-last": made("script", set("src"), type("text/javascript"), insert),
        "script-module": made("script", type("module"), set("src"), insert),
        "script-in-order": made("script", set("src"), element => { element.async = false; }, insert),
        "script-attribute": made("script", attribute("src"), insert),
        "script-attribute-in-capitals": made("script", attribute("SRC"), insert),
        "script-inserted-first": made("script", insert, set("src")),
        "script-as-object": made("script", (element, address) => { element.src = new URL(address); }, insert),
    },
    "pixel.gif": {
        "image": address => { const image = new Image(); insert(image); image.src = address; return image; },
        "image-attribute": made("img", insert, attribute("src")),
        "image-set": made("img", set("srcset"), insert),
        "image-set-among-own": made("img", (element, address) => { element.srcset = `/own.svg 9x, ${address} 1x`; }, insert),
        "stylesheet": made("link", element => { element.rel = "stylesheet"; }, set("href"), insert),
        "stylesheet-rel-last": made("link", set("href"), element => { element.rel = "stylesheet"; }, insert),
        "film": made("video", set("src"), insert),
        "poster": made("video", set("poster"), insert),
        "sound": address => { const sound = new Audio(); sound.src = address; insert(sound); return sound; },
        "object": made("object", set("data"), insert),
        "markup": markup((box, html) => { box.innerHTML = html; }, address => `<img src="${address}">`),
        "markup-beside": markup((box, html) => box.insertAdjacentHTML("beforeend", html), address => `<img src='${address}'>`),
    },
    "frame.html": {
        "frame": made("iframe", set("src"), insert),
        "frame-attribute": made("iframe", insert, attribute("src")),
        "frame-markup": markup((box, html) => { box.innerHTML = html; }, address => `<iframe src="${address}"></iframe>`),
    },
};
window.fired = {};
window.make = (file, way, address) => {
    const element = ways[file][way](address);
    for (const kind of ["load", "error"]) element.addEventListener(kind, () => (fired[way] ??= []).push(kind));
    return element;
};
"""  # noqa: E501


def test_what_scripts_insert_from_a_vendor_waits_however_it_is_made(web, page, at, asked):
    """It stays the same element: its own listeners hear of it when it loads in the end."""
    page.add_init_script(WAYS)
    page.goto(web({"/own.svg": "<svg/>"}))
    ways = page.evaluate("Object.entries(ways).flatMap(([file, all]) => Object.keys(all).map(way => [file, way]))")
    for file, way in ways:
        page.evaluate("made => { make(...made); }", [file, way, at("adverts", f"{file}?name={way}")])
    page.wait_for_timeout(300)
    assert asked() == []
    assert page.evaluate("fired") == {}

    accept(page)
    names = sorted(way for _file, way in ways)
    wait_until(page, asked, sorted([*names, "advertising", "first"]))
    # A poster fires nothing, and nobody listens to an element that is made of markup before it is there.
    wait_until(page, lambda: sorted(page.evaluate("Object.keys(fired)")), [n for n in names if n != "poster"])
    loaded = {way for way, kinds in page.evaluate("fired").items() if kinds == ["load"]}
    assert loaded >= {way for file, way in ways if file != "pixel.gif"} | {"image", "image-set", "object", "markup"}


def test_an_element_is_held_by_where_it_loads_from_now(web, page, at, asked):
    """Pages use elements again, for something else and for somebody else."""
    page.goto(web({"/": page_with(head=(' data-src="$vendor/hit.js?name=first"', "")), "/own.svg": "<svg/>"}))
    reject(page)
    page.evaluate(
        """([maps, adverts]) => {
            window.images = ["own", "other"].map(name => Object.assign(document.createElement("img"), { alt: name }));
            document.body.append(...images);
            images[0].src = maps;
            images[0].src = "/own.svg";
            images[1].src = maps;
            images[1].src = adverts;
        }""",
        [at("maps", "pixel.gif?name=map"), at("adverts", "pixel.gif?name=advert")],
    )
    page.evaluate(
        """address => {
            const frame = document.createElement("iframe");
            frame.width = frame.height = 300;
            frame.src = address;
            document.body.append(frame);
        }""",
        at("maps", "frame.html?name=frame"),
    )
    page.get_by_role("button", name="Always allow Maps").click()
    said(page, "has been saved")
    wait_until(page, asked, ["frame"])
    assert page.evaluate("images[0].src").endswith("/own.svg")

    allow(page, "Marketing")
    wait_until(page, asked, ["advert", "advertising", "frame"])
    assert page.evaluate("images[0].src").endswith("/own.svg")


def test_only_those_vendors_are_held_that_are_declared_not_allowed_and_concerned(web, page, at, asked):
    page.add_init_script(WAYS)
    page.goto(web({"/": page_with(head=(' data-src="$vendor/hit.js?name=first"', ""))}))
    expect(page.get_by_role("button", name="Reject all")).to_be_visible()
    make = "made => { make(...made); }"
    for name, vendor, file in (
        ("functional", "forms", "pixel.gif"),
        ("undeclared", "other", "pixel.gif"),
        ("alike", "notmaps", "pixel.gif"),
        ("subdomain", "www.maps", "pixel.gif"),
        ("one", "counter", "pixel.gif"),
        ("two", "shared", "pixel.gif"),
        ("beside", "shared", "frame.html"),
    ):
        page.evaluate(make, [file, "frame" if file == "frame.html" else "image", at(vendor, f"{file}?name={name}")])
    free = ["alike", "functional", "undeclared"]
    wait_until(page, asked, free)

    allow(page, "Analytical")
    wait_until(page, asked, sorted([*free, "one"]))
    page.evaluate(make, ["pixel.gif", "image", at("counter", "pixel.gif?name=allowed")])
    wait_until(page, asked, sorted([*free, "one", "allowed"]))

    allow(page, "Marketing")
    wait_until(page, asked, sorted([*free, "one", "allowed", "advertising", "beside", "subdomain", "two"]))


def test_the_pages_own_elements_and_properties_work_as_before(web, page, at):
    page.goto(web({"/own.svg": "<svg/>"}))
    expect(page.get_by_role("button", name="Reject all")).to_be_visible()
    found = page.evaluate(
        """vendor => {
            const own = new URL("/own.svg", location).href;
            const image = Object.assign(new Image(), { src: "/own.svg", srcset: "/own.svg 1x" });
            const link = document.createElement("a");
            link.setAttribute("HREF", vendor);
            const box = document.createElement("div");
            box.innerHTML = `<p title="&lt;&amp;">${vendor} &amp; more</p><a href="${vendor}">There</a>`;
            box.insertAdjacentHTML("afterbegin", "<tr><td>1</td></tr>");
            const row = document.createElement("tr");
            row.innerHTML = `<td data-from="${vendor}">1</td>`;
            const script = document.createElement("script");
            script.innerHTML = `window.ran = 1 < 2 && "${vendor} <img src='${vendor}'>"`;
            return {
                image: image.src === own && image.getAttribute("src") === "/own.svg" && image.srcset === "/own.svg 1x",
                link: link.href === vendor,
                box: box.querySelector("p").title === "<&" && box.querySelector("a").href === vendor,
                text: box.textContent === `1${vendor} & moreThere`,
                row: row.cells.length === 1 && row.cells[0].dataset.from === vendor,
                script: script.text === `window.ran = 1 < 2 && "${vendor} <img src='${vendor}'>"`,
            };
        }""",
        at("adverts"),
    )
    assert found == dict.fromkeys(found, True)


# -- In the place of a held frame -----------------------------------------------------------------

FRAMES = """<p id="first">First <iframe id="map" title="Map" width="400" height="240" data-consent-vendor="maps"
  data-src="$maps/frame.html?name=map"></iframe></p>
<p>Second <iframe id="other" title="Other map" width="400" height="240" data-consent="marketing"
  data-src="$maps/frame.html?name=other"></iframe></p>
<p>Third <iframe id="nobody" title="Unknown" width="400" height="240" data-consent="marketing"
  data-src="$unknown/frame.html?name=unknown"></iframe></p>
<p>Fourth <iframe id="small" title="Pixel" width="20" height="20" data-consent-vendor="maps"
  data-src="$maps/frame.html?name=small"></iframe></p>"""


def notice_of(page, frame):
    return page.locator(f"privacy-consent-notice:has(+ #{frame})")


def test_a_held_frame_says_who_it_is_and_can_be_allowed_once_by_the_keyboard(web, page, at, asked):
    more = placed(FRAMES, at).replace("$unknown/", at("unknown"))
    origin = web({"/": page_with(more)})
    page.goto(origin)
    expect(page.get_by_role("group", name="Maps", exact=True)).to_have_count(2)
    notice = notice_of(page, "map")
    expect(notice).to_contain_text("Maps (Maps Ltd., Malta)")
    expect(notice).to_contain_text("Counting visits.")
    expect(notice).to_contain_text("only if you allow it")
    about = notice.get_by_role("link", name="Privacy statement of Maps")
    expect(about).to_have_attribute("href", "https://maps.example/privacy")
    # The vendor of a frame that names only its category is known by its host; of this one nobody is known.
    expect(notice_of(page, "other").get_by_role("button")).to_have_text(["Allow once", "Always allow Maps"])
    expect(notice_of(page, "nobody").get_by_role("button")).to_have_text(["Cookie settings"])
    expect(notice_of(page, "nobody")).to_contain_text("Marketing")
    # No room for words.
    expect(notice_of(page, "small")).to_have_count(0)
    notice_of(page, "nobody").get_by_role("button").press("Enter")
    expect(page.get_by_role("dialog", name="Cookie settings")).to_be_visible()
    page.keyboard.press("Escape")
    reject(page)
    before = page.context.cookies()

    server_away(page)
    about.focus()
    page.keyboard.press("Tab")
    assert focused(page) == "Allow once"
    page.keyboard.press("Enter")
    said(page, "That did not work")
    assert (asked(), len(records())) == ([], 1)
    expect(notice).to_be_visible()

    server_back(page)
    page.keyboard.press("Enter")
    expect(page.frame_locator("#map").get_by_text("map", exact=True)).to_be_visible()
    expect(notice).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "map"
    page.wait_for_timeout(100)
    assert asked() == ["map"]
    _refusal, once = records()
    assert (once.action, once.is_once, once.choices, once.vendors) == ("save", True, {}, {"maps": True})
    assert once.subject is None
    assert page.context.cookies() == before
    assert page.evaluate("privacyConsent.allows('maps')") is False

    page.goto(origin)
    expect(page.get_by_role("group", name="Maps", exact=True)).to_have_count(2)
    page.wait_for_timeout(100)
    assert asked() == ["map"]


def test_a_vendor_can_always_be_allowed_from_the_place_of_its_frame_and_taken_back_alone(web, page, at, asked):
    more = placed(FRAMES, at).replace("$unknown/", at("unknown"))
    origin = web({"/": page_with(more)})
    page.goto(origin)
    # Also from one that names only its category: it is for that frame that the visitor allows it.
    notice_of(page, "other").get_by_role("button", name="Always allow Maps").press("Enter")
    said(page, "has been saved")
    wait_until(page, asked, ["map", "other", "small"])
    assert page.evaluate("document.activeElement.id") == "other"
    [record] = records()
    assert (record.action, record.is_once, record.vendors) == ("save", False, {"maps": True})
    assert record.choices == {"analytical": False, "marketing": False}
    assert choice_of(page)["n"] == {"maps": True}

    page.goto(origin)
    twice = ["map", "map", "other", "other", "small", "small"]
    wait_until(page, asked, twice)
    press(page, "Cookie settings")
    box = page.get_by_role("checkbox", name="Maps")
    expect(box).to_be_checked()
    box.uncheck()
    press(page, "Save my choice")
    said(page, "has been saved")
    page.goto(origin)
    expect(notice_of(page, "map")).to_be_visible()
    assert [record.action for record in records()] == ["save", "withdraw"]
    assert asked() == twice


STYLE = """
iframe { border: 0; }
#block { display: block; inline-size: 100%; block-size: 260px; margin: 20px 0; }
.ratio { position: relative; padding-bottom: 40%; }
.ratio iframe { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; }
.row { display: flex; gap: 10px; }
.row iframe { flex: 1; }
.grid { display: grid; grid-template-columns: 1fr 1fr; }
.grid iframe { grid-column: 2; justify-self: end; }
#aside { float: right; }
"""
PLACES = {
    "inline": "<p>Text {} text</p>",
    "block": "<div>{}</div>",
    "within": '<div class="ratio">{}</div>',
    "beside": '<div class="row"><p>Text</p>{}</div>',
    "cell": '<div class="grid">{}<p>Text</p></div>',
    "aside": "<div>{}<p>Text</p></div>",
}
BOXES = """() => ["inline", "block", "within", "beside", "cell", "aside"].map(id => {
    const frame = document.getElementById(id);
    const shown = frame.checkVisibility() ? frame : frame.previousElementSibling;
    const { x, y, width, height } = shown.getBoundingClientRect();
    const after = document.getElementById(`after-${id}`).getBoundingClientRect();
    return [id, x, y, width, height, after.x, after.y].map(value => value.toFixed?.(1) ?? value).join(" ");
})"""


def test_a_notice_takes_the_place_and_the_size_of_its_frame(web, page, at):
    frame = '<iframe id="{0}" title="{0}" width="400" height="300" data-consent-vendor="maps" data-src="{1}"></iframe>'
    more = "".join(
        place.format(frame.format(name, at("maps", f"frame.html?name={name}"))) + f'<p id="after-{name}">After</p>'
        for name, place in PLACES.items()
    )
    css = ("/site.css", "/frames.css")
    without = page_with(more, css=css, tag=('<script src="$banner" async></script>', ""))
    origin = web({"/": page_with(more, css=css), "/without": without, "/frames.css": STYLE})
    page.goto(f"{origin}/without")
    before = page.evaluate(BOXES)

    page.goto(origin)
    expect(page.get_by_role("group", name="Maps")).to_have_count(len(PLACES))
    assert page.evaluate(BOXES) == before
    accept(page)
    expect(page.get_by_role("group", name="Maps")).to_have_count(0)
    assert page.evaluate(BOXES) == before


def test_a_notice_has_the_size_of_its_frame_also_where_the_style_comes_after_it(web, page, at):
    source = at("maps", "frame.html")
    frame = f'<iframe id="block" title="Map" width="400" height="300" data-consent-vendor="maps" data-src="{source}">'
    origin = web({"/": page_with(f"{frame}</iframe>", css=("/site.css", "/frames.css")), "/frames.css": STYLE})
    held = []
    page.route("**/frames.css", lambda route: held.append(route))
    page.goto(origin, wait_until="commit")
    notice = page.get_by_role("group", name="Maps")
    expect(notice).to_have_count(1)

    held_back(page, held).continue_()
    page.wait_for_load_state("load")

    expect(notice).to_have_count(1)
    assert notice.evaluate("notice => notice.getBoundingClientRect().height") == 260


def test_a_held_frame_that_moves_or_returns_keeps_one_notice(web, page, third_parties):
    """Pages take frames out and put them back, wrap them, and clear away what they do not know."""
    page.goto(web({"/": page_with(FRAME)}))
    notice = page.get_by_role("group", name="Facebook Connect")
    expect(notice).to_have_count(1)
    page.evaluate("window.frame = document.querySelector('iframe'); window.place = frame.parentNode")
    for change in (
        "frame.remove()",
        "place.append(frame)",
        "place.append(document.createElement('div')); place.lastChild.append(frame)",
        "document.querySelector('privacy-consent-notice').remove()",
        "place.lastChild.remove()",
        "place.append(frame)",
    ):
        page.evaluate(change)
        is_there = page.evaluate("frame.isConnected")
        expect(notice).to_have_count(int(is_there))
        expect(page.locator("iframe")).to_be_hidden()
        if is_there:
            assert page.evaluate("frame.previousElementSibling.localName") == "privacy-consent-notice"
            assert notice.bounding_box()["width"] == 400

    notice.get_by_role("button", name="Always allow Facebook Connect").click()
    expect(page.frame_locator("iframe").get_by_text("messages")).to_be_visible()
    assert [entry["name"] for entry in third_parties.log] == ["messages"]
