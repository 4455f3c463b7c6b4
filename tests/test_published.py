"""Published pages are answered from memory, and nobody can tell: not by a header, not by a byte."""

import re
from datetime import UTC, datetime
from itertools import product

import pytest
from django.db import OperationalError, connection
from django.test import Client

from consent.models import Banner
from policies import rendering
from policies.models import ProcessingPurpose
from policies.previewing import addresses_of, make_link
from policies.rendering import current

from .test_coverage import run

pytestmark = pytest.mark.django_db

OURS = "privacy_site.published.PublishedMiddleware"
PAGES = [
    "/en/", "/nl/",
    "/en/statement/", "/nl/verklaring/",
    "/en/statement.pdf", "/nl/verklaring.pdf",
    "/en/statement/versions/", "/nl/verklaring/versies/",
    "/en/statement/versions/1/", "/nl/verklaring/versies/1/",
    "/en/statement/versions/1/changes/", "/nl/verklaring/versies/1/wijzigingen/",
    "/statement.json", "/statement.jsonld", "/embed/website.js",
]  # fmt: skip
ENCODINGS = ["", "gzip", "gzip, deflate, br", "br;q=0, gzip;q=0.5", "identity"]
STATEMENT = "/nl/verklaring/"


@pytest.fixture
def long_way(visitor_without):
    """A visitor of a site that remembers no answers."""
    return visitor_without(OURS)


@pytest.fixture
def nowhere(settings):
    """Takes all addresses away, so that only what is remembered can be answered."""

    def take_away():
        settings.ROOT_URLCONF = "tests.no_addresses"

    return take_away


def everything(response):
    """Status, headers in their order and body, but for the number that each request has of its own."""
    headers = [(name, value) for name, value in response.items() if name != "X-Request-ID"]
    return response.status_code, headers, response.content


def digests_in(response):
    return re.findall(r"[0-9a-f]{64}", response.text)


def forms(etag):
    known = [{}, {"if-none-match": etag}, {"if-none-match": "*"}, {"if-none-match": 'W/"another"'}]
    for method, encoding, headers in product(["GET", "HEAD"], ENCODINGS, known):
        yield method, headers | ({"accept-encoding": encoding} if encoding else {})


# -- The same answer -----------------------------------------------------------------------------


@pytest.mark.parametrize("url", PAGES)
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_from_memory_comes_what_the_long_way_answers_with_every_header(
    published, client, long_way, nowhere, url, secure
):
    etag = long_way.get(url, secure=secure)["ETag"]
    asked = list(forms(etag))
    expected = [everything(long_way.generic(method, url, headers=sent, secure=secure)) for method, sent in asked]
    for method, sent in asked:
        client.generic(method, url, headers=sent, secure=secure)

    nowhere()

    again = [everything(client.generic(method, url, headers=sent, secure=secure)) for method, sent in asked]
    assert again == expected
    assert {status for status, _headers, _body in again} == {200, 304}


def test_an_exact_file_of_a_banner_is_remembered_too(published, client, long_way, nowhere):
    digest = digests_in(client.get("/embed/website.js"))[-1]
    url = f"/embed/website.{digest}.js"
    expected = everything(long_way.get(url))
    client.get(url)

    nowhere()

    assert everything(client.get(url)) == expected
    assert "immutable" in client.get(url)["Cache-Control"]


def test_who_looks_from_outside_learns_which_address_was_asked(published, client):
    first, again = client.get(STATEMENT), client.get(STATEMENT)

    assert first.wsgi_request.resolver_match.route == again.wsgi_request.resolver_match.route
    assert again.wsgi_request.resolver_match.url_name == "statement"


# -- What is not remembered ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["/", "/en/cookies/", "/nl/cookies/", "/en/nowhere/", "/en/statement/versions/9/", "/robots.txt", "/healthz",
            "/en/statement/?day=1", "/en/statement", "/embed/nobody.js", "/admin/", "/nl/cookies/jouw-keuze/"]
)  # fmt: skip
def test_what_depends_on_its_reader_or_is_no_page_goes_the_long_way_each_time(published, client, long_way, url):
    expected = everything(long_way.get(url, follow=False))

    for _time in range(2):
        answer = everything(client.get(url, follow=False))
        assert answer[0] == expected[0]
    assert current().answers == {}


def test_a_draft_behind_a_link_is_not_remembered(published, client, staff):
    token = make_link(by=staff("editor").pk, days=1, now=datetime.now(UTC))
    for address in addresses_of(token).values():
        assert client.get(address).status_code == 200

    assert current().answers == {}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_a_page_takes_no_other_method_because_it_was_remembered(published, client, long_way, method):
    client.get(STATEMENT)

    answer, expected = client.generic(method, STATEMENT), long_way.generic(method, STATEMENT)

    assert everything(answer) == everything(expected)
    assert answer.status_code == 405


def test_a_banner_whose_evidence_could_not_be_stored_is_tried_again(transactional_db, published, client):
    def refuse(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "consent_banner" in sql:
            raise OperationalError("the disk is full")
        return execute(sql, params, many, context)

    stored = Banner.objects.filter(website="website", kind="script")
    with connection.execute_wrapper(refuse):
        first, second = client.get("/embed/website.js"), client.get("/embed/website.js")
        exact = [client.get(f"/embed/website.{digest}.js") for digest in digests_in(first)]
        assert not stored.exists()
    third = client.get("/embed/website.js")

    assert first.content == second.content == third.content
    # What a page asks for by its digest is there meanwhile.
    assert [answer.status_code for answer in exact] == [200] * len(exact)
    assert stored.exists()


# -- Whom it answers -----------------------------------------------------------------------------


def test_a_host_that_is_not_ours_is_refused_as_before(published, client, long_way):
    client.get(STATEMENT)
    elsewhere = {"host": "elsewhere.example"}

    answer, expected = client.get(STATEMENT, headers=elsewhere), long_way.get(STATEMENT, headers=elsewhere)

    assert everything(answer) == everything(expected)
    assert answer.status_code == 400


def test_who_comes_without_tls_is_sent_to_it_as_before(published, settings):
    settings.SECURE_SSL_REDIRECT = True
    client = Client()

    assert client.get(STATEMENT, secure=True).status_code == 200
    plain = client.get(STATEMENT)

    assert (plain.status_code, plain["Location"]) == (301, f"https://testserver{STATEMENT}")
    assert "Strict-Transport-Security" in client.get(STATEMENT, secure=True)


@pytest.mark.parametrize(
    "sent",
    [
        {"x-forwarded-host": "evil.example"},
        {"x-forwarded-proto": "https"},
        {"forwarded": "host=evil.example;proto=https"},
        {"x-original-url": "/admin/"},
        {"x-rewrite-url": "/en/"},
        {"x-http-method-override": "DELETE"},
        {"range": "bytes=0-9"},
        {"accept-language": "nl"},
        {"accept": "application/json"},
        {"cookie": "privacy_consent=1; django_language=nl; session=1"},
        {"accept-encoding": "zstd, br;q=0"},
        {"if-none-match": "*"},
        {"if-modified-since": "Mon, 23 Nov 2026 00:00:00 GMT"},
        {"origin": "https://evil.example"},
        {"cache-control": "no-cache"},
    ],
    ids=lambda sent: next(iter(sent)),
)
@pytest.mark.parametrize("url", ["/en/statement/", "/embed/website.js"])
def test_what_one_visitor_sends_reaches_no_other(published, client, long_way, url, sent):
    expected = everything(long_way.get(url))

    client.get(url, headers=sent, REMOTE_ADDR="203.0.113.9")

    assert everything(client.get(url)) == expected


@pytest.mark.parametrize("odd", ["//en/statement/", "/en//statement/", "/en/statement/%00", "/en/statement/..%2f",
                                 "/en/statement/;a=1", "/en/verklaring/"])  # fmt: skip
def test_an_odd_path_gets_no_page_that_it_would_not_get(published, client, long_way, odd):
    client.get("/en/statement/")

    assert everything(client.get(odd)) == everything(long_way.get(odd))


# -- For how long, and how much ------------------------------------------------------------------


@pytest.mark.parametrize("url", [url for url in PAGES if "/1/" not in url])
def test_a_new_publication_shows_at_once(published, publish, client, url):
    before = client.get(url)
    purpose = ProcessingPurpose.objects.first()
    purpose.title_en, purpose.title_nl = "Something new altogether", "Iets geheel nieuws"
    purpose.save()
    publish()

    assert client.get(url).content != before.content
    assert client.get(url)["ETag"] != before["ETag"]


@pytest.mark.parametrize("url", ["/en/statement/", STATEMENT])
def test_a_promise_that_is_kept_today_shows_at_once(published, publish, client, url):
    purpose = ProcessingPurpose.objects.get(slug="job-applications")
    purpose.shows_last_kept = True
    purpose.save()
    publish()
    before = [client.get(url).content for _time in range(2)][-1]

    march = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    run(("job-applications", "position-filled-6w"), started_at=march, finished_at=march)
    rendering.look_again()
    after = client.get(url)

    assert after.content != before
    assert client.get(url).content == after.content
    assert "2026" in after.text


def test_where_no_day_changed_nothing_is_made_again(published, client, nowhere):
    current()
    client.get(STATEMENT)
    rendering.look_again()
    current()

    nowhere()

    assert client.get(STATEMENT).status_code == 200


def test_paths_that_visitors_make_up_fill_no_memory(published, client):
    for zeros in range(3):
        for _time in range(2):
            assert client.get(f"/en/statement/versions/{'0' * zeros}1/").status_code == 200

    assert list(current().answers) == ["/en/statement/versions/1/"]


def test_of_many_pages_the_oldest_are_forgotten(published, client, monkeypatch):
    monkeypatch.setattr("privacy_site.published.PATHS_KEPT", 2)
    for url in ("/en/", "/nl/", "/statement.json"):
        client.get(url)

    assert list(current().answers) == ["/nl/", "/statement.json"]
