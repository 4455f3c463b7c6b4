"""A foreign web site as tests see it, and what a visitor does there."""

import json
from urllib.parse import unquote

from playwright.sync_api import expect

from consent.models import ConsentRecord

PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A web site</title>
  <link rel="stylesheet" href="/site.css">
  <script src="$banner" async></script>
  <script type="text/plain" data-consent="analytical" data-src="$vendor/hit.js?name=first"></script>
  <script type="text/plain" data-consent="analytical" data-src="/second.js"></script>
  <script type="text/plain" data-consent="marketing" data-src="$vendor/hit.js?name=advertising"></script>
</head>
<body>
  <main><h1>A web site</h1>
  <p><a id="link" href="/next">Next page</a> <button id="own" type="button" data-consent-open>Cookies</button></p>
  <p id="far">Text</p>
  MORE
  </main>
</body>
</html>"""

# Of an answer that stands in for the server's.
READABLE = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}

FRAME = """<iframe title="Messages" width="400" height="240" data-consent="marketing"
  data-consent-vendor="facebook-connect" data-src="$vendor/frame.html?name=messages"></iframe>"""


def page_with(more="", **replaced):
    text = PAGE.replace("MORE", more)
    for old, new in replaced.values():
        assert old in text
        text = text.replace(old, new)
    return text


def first_layer(page):
    return page.locator("privacy-consent .pc-foot").get_by_role("dialog")


def press(page, name):
    page.locator("privacy-consent").get_by_role("button", name=name, exact=True).click()


def opened(page):
    """The second layer, with all that it folds away unfolded."""
    # It is fetched when it is wanted: until then there is nothing in it to unfold.
    dialog = page.locator("privacy-consent dialog")
    expect(dialog).to_be_visible()
    for summary in dialog.locator("summary").all():
        summary.click()
    return dialog


def said(page, words):
    expect(page.get_by_role("status")).to_contain_text(words)


def accept(page):
    press(page, "Accept all")
    said(page, "has been saved")


def reject(page):
    press(page, "Reject all")
    said(page, "has been saved")


def hits(page):
    return page.evaluate("window.hits ?? []")


def wait_for_hits(page, names):
    wait_until(page, lambda: hits(page), names)


def wait_until(page, get, expected):
    """``get()`` gives what is expected, in the end."""
    # Not wait_for_function: it needs eval, which the policy of the page forbids.
    for _attempt in range(500):
        if get() == expected:
            return
        page.wait_for_timeout(30)
    assert get() == expected


def held_back(page, held):
    """The one request that a route put into ``held``, once it has come."""
    wait_until(page, lambda: len(held), 1)
    return held[0]


def add_script(page, address):
    """What a script of the page does that loads a tag by itself."""
    page.evaluate(
        """address => {
            const script = document.createElement("script");
            script.type = "text/plain";
            script.dataset.consent = "marketing";
            script.dataset.src = address;
            document.body.append(script);
        }""",
        address,
    )


def choice_of(page):
    """The choice in the cookie of the page, or None."""
    page.evaluate("document.cookie")  # waits for what was written before
    for cookie in page.context.cookies(page.url):
        if cookie["name"] == "privacy_consent":
            return json.loads(unquote(cookie["value"]))
    return None


def storage(page):
    return page.evaluate("({...localStorage, ...sessionStorage})")


def set_choice(page, origin, value, path="/"):
    page.context.add_cookies([{"name": "privacy_consent", "value": value, "url": origin + path}])


def records():
    return list(ConsentRecord.objects.order_by("id"))


def other_tab(page, address):
    """A second page of the same browser."""
    other = page.context.new_page()
    other.goto(address)
    expect(other.locator("privacy-consent")).to_be_attached()
    return other


def server_away(page):
    """For one page, or for all of a context."""
    page.route("**/consent/", lambda route: route.abort())


def server_back(page):
    page.unroute("**/consent/")


def focused(page):
    return page.evaluate("document.activeElement.textContent.trim() || document.activeElement.localName")
