"""Everything in this directory needs Chromium; ``-m browser`` selects it."""

import threading
from pathlib import Path

import pytest

from consent.demo.servers import Site, ThirdParties
from policies.content_file import load
from policies.models import Cookie, CookieCategory, StatementVersion
from policies.publishing import publish_statement
from tests.conftest import CONTENT, once
from tests.factories import VendorFactory

from .banner_page import page_with

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def serving():
    """Runs a server for the length of a test."""
    servers = []

    def run(server):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        return server

    yield run
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def third_parties(serving):
    return serving(ThirdParties(0))


@pytest.fixture
def web(site, published, settings, third_parties, serving):
    """A foreign web site: ``web(pages)`` → its origin, the first of ``names``.

    Its policy lets it load from the third parties, under every name below ``localhost``.
    """

    def publish(pages=None, names=("127.0.0.1",)):
        second = '(window.hits ??= []).push("second");'
        pages = {"/": page_with(), "/next": page_with(), "/second.js": second} | (pages or {})
        vendors = f"http://*.localhost:{third_parties.server_port}"
        server = serving(
            Site(0, banner=f"{site}/embed/website.js", vendor=third_parties.origin, more=pages, others=[vendors])
        )
        server.RequestHandlerClass = widened(server.RequestHandlerClass, vendors)
        settings.DEMO_ORIGINS = [f"http://{name}:{server.server_port}" for name in names]
        return settings.DEMO_ORIGINS[0]

    return publish


def widened(handler, vendors):
    """``handler`` whose pages may also load styles, sound, film and plug-ins from ``vendors``."""

    class Widened(handler):
        def answer(self, path, query):
            status, kind, body, headers = super().answer(path, query)
            policy = headers.get("Content-Security-Policy", "").replace(
                "style-src 'self'", f"style-src 'self' {vendors}"
            )
            headers["Content-Security-Policy"] = f"{policy}; media-src {vendors}; object-src {vendors}"
            return status, kind, body, headers

    return Widened


@pytest.fixture
def page(browser_page):
    """A page on which no script fails and nothing breaks the policy of the site."""
    complaints = []
    browser_page.on("pageerror", lambda error: complaints.append(str(error)))
    browser_page.on(
        "console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None
    )
    yield browser_page
    assert complaints == []


# Slug: category, hosts, and by kind of storage the names of what it leaves on a site.
DECLARED = {
    "counter": (
        "analytical",
        "counter.localhost shared.localhost/pixel",
        {"cookie": "_count _count_* _both", "session": "count.*"},
    ),
    "maps": ("marketing", "maps.localhost", {}),
    "adverts": (
        "marketing",
        "adverts.localhost shared.localhost",
        {"cookie": "_ad* _both privacy_*", "local": "ad:*"},
    ),
    "forms": ("functional", "forms.localhost", {"cookie": "form"}),
}


@pytest.fixture
def declared(db, remembered):
    """The example content and vendors whose hosts and cookies are known, published as version 1."""

    def make():
        load(CONTENT.read_text(encoding="utf-8"))
        for slug, (category, hosts, left) in DECLARED.items():
            vendor = VendorFactory(
                slug=slug,
                name=slug.title(),
                company=f"{slug.title()} Ltd.",
                category=CookieCategory.objects.get(slug=category),
                privacy_url=f"https://{slug}.example/privacy",
                hosts=hosts,
                consent_reason_en="The visitor asks for it.",
                consent_reason_nl="De bezoeker vraagt erom.",
            )
            for storage, names in left.items():
                for name in names.split():
                    Cookie.objects.create(vendor=vendor, name=name, storage=storage, lifetime="P1Y")
        Cookie.objects.create(vendor=vendor, name="_theirs", party="third", lifetime="P1Y")
        publish_statement(by="anna", change_summary={"en": "Vendors.", "nl": "Aanbieders."})

    once(remembered, "declared", make)
    return StatementVersion.objects.get()
