"""The headers of every answer, whoever gives it: page, file, redirect, refusal, fault."""

import re
from html.parser import HTMLParser

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from django.utils.translation import override

from privacy_site import urls as site_urls

PERMISSIONS = {"camera", "geolocation", "microphone", "payment", "usb", "browsing-topics"}
# What stands in an address, by the name of the parameter; anything else gets a number.
SAMPLES = {
    "website": "website",
    "digest": "0" * 64,
    "token": "a.b.c",
    "record_id": "01900000-0000-7000-8000-000000000000",
    "language": "en",
    "form": "csv",
    "page": "summary",
    "app_label": "policies",
    "provider": "company",
    "provider_id": "company",
    "key": "abc",
    "url": "nowhere",
}


def addresses():
    """Every address of the URL configuration, with something in the place of each parameter."""
    with override("en"):
        yield from sorted(set(_below(get_resolver().url_patterns, "/")))


def _below(patterns, prefix):
    for entry in patterns:
        if isinstance(entry, URLResolver):
            yield from _below(entry.url_patterns, prefix + _filled(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield prefix + _filled(entry.pattern)


def _filled(pattern):
    """An example of an address that ``pattern`` takes."""
    text = str(pattern)
    if pattern.__class__.__name__ == "RegexPattern":
        text = re.sub(r"\(\?:\\\.\(\?P<digest>.+?\)\)\?", "", text)
        text = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: SAMPLES.get(found[1], "1"), text)
        return re.sub(r"[\^$?\\]", "", text)
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: SAMPLES.get(found[1], "1"), text)


def policy(response):
    """Name → sources of the Content-Security-Policy."""
    directives = (part.split() for part in response["Content-Security-Policy"].split(";") if part.strip())
    return {name: sources for name, *sources in directives}


def faults(response, *, is_secure=False):
    """What is missing or too much in the headers of ``response``, a sentence each."""
    found = []
    csp = policy(response) if "Content-Security-Policy" in response else {}
    if csp.get("default-src") != ["'none'"]:
        found.append("no policy that begins with nothing")
    if "unsafe" in str(csp) or any(
        source in {"*", "https:", "http:", "data:"} for part in csp.values() for source in part
    ):
        found.append(f"a policy that allows too much: {csp}")
    found += [f"no {name}" for name in ("base-uri", "form-action", "frame-ancestors") if name not in csp]
    expected = {
        "X-Content-Type-Options": {"nosniff"},
        "Referrer-Policy": {"same-origin", "strict-origin", "no-referrer"},
    }
    expected["X-Frame-Options"] = {"DENY", "SAMEORIGIN"}
    expected["Cross-Origin-Resource-Policy"] = {"same-origin", "cross-origin"}
    expected["Cross-Origin-Opener-Policy"] = {"same-origin"}
    if "sandbox" in csp:
        expected["Cross-Origin-Opener-Policy"] = {"unsafe-none"}  # see consent/desk.py
    found += [
        f"{name}: {response.get(name)}" for name, allowed in expected.items() if response.get(name) not in allowed
    ]
    closed = set(re.findall(r"([\w-]+)=\(\)", response.get("Permissions-Policy", "")))
    found += [f"{name} is permitted" for name in PERMISSIONS - closed]
    if (
        is_secure
        and int((re.findall(r"max-age=(\d+)", response.get("Strict-Transport-Security", "")) or [0])[0]) < 31_536_000
    ):
        found.append("no HSTS of a year")
    if "Server" in response or "X-Powered-By" in response:
        found.append("it says what it is made of")
    for morsel in response.cookies.values():
        if is_secure and not (morsel["secure"] and morsel["samesite"]):
            found.append(f"a cookie without protection: {morsel.key}")
    return found


@pytest.fixture
def over_tls(settings):
    """As in production, behind a proxy that ends TLS."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.LANGUAGE_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"


def every_address_has_them(client, **extra):
    wrong = {}
    for address in addresses():
        for method in ("get", "post", "options"):
            response = getattr(client, method)(address, **extra)
            if missing := faults(response, is_secure=extra.get("secure", False)):
                wrong[method, address, response.status_code] = missing
    return wrong


def test_every_address_of_the_site_has_them_for_a_stranger(published, client):
    client.raise_request_exception = False

    assert len(list(addresses())) > 200
    assert every_address_has_them(client) == {}


@pytest.mark.parametrize(
    ("method", "address", "more", "status"),
    [
        ("get", "/nowhere/", {}, 404),
        ("get", "/en/statement/versions/99/", {}, 404),
        ("post", "/en/statement/", {}, 405),
        ("get", "/en/statement", {}, 301),
        ("get", "/", {}, 302),
        ("post", "/admin/language/", {}, 403),
        ("post", "/consent/", {"content_type": "text/plain", "data": "x"}, 415),
        ("post", "/consent/", {"content_type": "application/json", "data": b"x" * 20_000}, 413),
        ("post", "/consent/", {"content_type": "application/json", "data": b"x"}, 400),
        ("options", "/consent/", {}, 204),
        ("get", "/en/", {"headers": {"host": "elsewhere.example"}}, 400),
        ("get", "/static/nowhere.css", {}, 404),
    ],
)
@pytest.mark.parametrize("is_secure", [False, True])
def test_a_refusal_has_them_too(published, settings, method, address, more, status, is_secure):
    settings.SECURE_SSL_REDIRECT = is_secure
    client = Client(enforce_csrf_checks=status == 403, raise_request_exception=False)

    response = getattr(client, method)(address, secure=is_secure, **more)

    assert response.status_code == status
    # A host that is not ours gets no promise about TLS in our name.
    is_ours = "headers" not in more
    assert faults(response, is_secure=is_secure and is_ours) == []


def test_the_way_to_tls_has_them_too(published, client, over_tls):
    response = client.get("/en/")

    assert response.status_code == 301
    assert response["Location"].startswith("https://")
    assert faults(response) == []


def test_a_host_that_is_not_ours_is_refused_before_it_is_sent_anywhere(published, client, over_tls):
    response = client.get("/en/", headers={"host": "elsewhere.example"})

    assert response.status_code == 400
    assert "elsewhere.example" not in response.text
    assert faults(response) == []


def test_a_fault_of_ours_has_them_too(published, settings):
    client = Client(raise_request_exception=False)
    settings.ROOT_URLCONF = __name__

    response = client.get("/fault/")

    assert response.status_code == 500
    assert faults(response) == []


def fail(request):
    raise RuntimeError("a fault of ours")


urlpatterns = [path("fault/", fail), *site_urls.urlpatterns]
handler500 = site_urls.handler500


def test_the_statement_and_the_banner_may_be_read_from_elsewhere_and_nothing_else(published, client):
    def resource_policy(address):
        return client.get(address)["Cross-Origin-Resource-Policy"]

    for address in ("/embed/website.js", "/statement.json", "/statement.jsonld"):
        assert resource_policy(address) == "cross-origin"
        assert client.get(address)["Access-Control-Allow-Origin"] == "*"
    for address in ("/en/", "/nl/verklaring/", "/en/cookies/", "/robots.txt", "/healthz", "/admin/", "/nowhere/"):
        assert resource_policy(address) == "same-origin"
        assert "Access-Control-Allow-Origin" not in client.get(address)


class Inline(HTMLParser):
    """Counts what a policy without exceptions would refuse."""

    def __init__(self, page):
        super().__init__()
        self.found, self._in = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        names = dict(attributes)
        if (tag == "script" and not names.get("src") and names.get("type") != "application/json") or tag == "style":
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]


def test_every_address_has_them_for_staff_and_no_page_needs_more_than_the_policy_gives(published, admin_client):
    """A policy that pages break is one that somebody will loosen."""
    admin_client.raise_request_exception = False
    wrong = {}
    for address in addresses():
        response = admin_client.get(address)
        missing = faults(response)
        if response.get("Content-Type", "").startswith("text/html") and not response.streaming:
            missing += Inline(response.text).found
        if missing:
            wrong[address, response.status_code] = missing

    assert wrong == {}


def test_style_sheets_are_served_with_them(published, client):
    assert finders.find("policies/page.css")
    response = client.get("/static/policies/page.css")

    assert faults(response) == []
