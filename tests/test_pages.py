"""Public pages: what they say in both languages, what they cost, what they leave behind."""

import gzip
import json
import re
import threading
from datetime import timedelta

import brotli
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from policies import rendering
from policies.models import ProcessingPurpose, Section, StatementVersion
from policies.snapshot import canonical, sha256

PAGES = {
    "summary": {"en": "/en/", "nl": "/nl/"},
    "statement": {"en": "/en/statement/", "nl": "/nl/verklaring/"},
    "pdf": {"en": "/en/statement.pdf", "nl": "/nl/verklaring.pdf"},
    "versions": {"en": "/en/statement/versions/", "nl": "/nl/verklaring/versies/"},
    "version": {"en": "/en/statement/versions/1/", "nl": "/nl/verklaring/versies/1/"},
    "changes": {"en": "/en/statement/versions/1/changes/", "nl": "/nl/verklaring/versies/1/wijzigingen/"},
    "cookies": {"en": "/en/cookies/", "nl": "/nl/cookies/"},
}
EVERY_PAGE = [url for urls in PAGES.values() for url in urls.values()]
HTML_PAGES = [url for url in EVERY_PAGE if not url.endswith(".pdf")]
MACHINES = [
    "/statement.json",
    "/statement.jsonld",
    "/embed/website.js",
    "/.well-known/gpc.json",
    "/robots.txt",
    "/sitemap.xml",
]


class Away:
    """A database that does not answer."""

    def __call__(self, execute, sql, params, many, context):
        raise OperationalError("the server has gone away")


# -- Languages -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "url"),
    [
        ("nl", "/nl/"),
        ("nl-BE,nl;q=0.9,en;q=0.8", "/nl/"),
        ("en-GB,nl;q=0.5", "/en/"),
        ("de,nl;q=0.5,en;q=0.3", "/nl/"),
        ("fr", "/en/"),
        ("", "/en/"),
        ("*;;q=", "/en/"),
    ],
)
def test_the_address_without_language_leads_to_the_language_of_the_browser(client, accepted, url):
    response = client.get("/", headers={"accept-language": accepted})

    assert (response.status_code, response["Location"], response["Vary"]) == (302, url, "Accept-Language")


@pytest.mark.parametrize("url", EVERY_PAGE)
def test_every_page_names_its_language_and_takes_it_from_the_address_alone(published, client, url):
    response = client.get(url, headers={"accept-language": "en" if url.startswith("/nl") else "nl"})

    assert response.status_code == 200
    assert response["Content-Language"] == url[1:3]
    assert "Accept-Language" not in response.get("Vary", "")


@pytest.mark.parametrize("url", HTML_PAGES)
def test_every_page_links_to_its_counterpart(published, client, url):
    counterpart = next(
        other for urls in PAGES.values() for language, other in urls.items() if url in urls.values() and other != url
    )
    page = client.get(url).text

    assert f'<html lang="{url[1:3]}"' in page
    assert f'rel="alternate" hreflang="{counterpart[1:3]}" href="http://localhost{counterpart}"' in page
    assert re.search(rf'<a [^>]*href="{re.escape(counterpart)}"', page)


@pytest.mark.parametrize(
    "url",
    [
        "/en/verklaring/",
        "/nl/statement/",
        "/de/",
        "/EN/statement/",
        "/NL/",
        "/en/statement/versions/2/",
        "/nl/verklaring/versies/0/",
        "/en/statement/versions/99999999999999999999/",
    ],
)
def test_what_does_not_exist_is_not_found_in_the_language_of_the_address(published, client, url):
    response = client.get(url)

    assert response.status_code == 404
    assert not response.cookies
    if url.startswith("/nl"):
        assert '<html lang="nl"' in response.text


def test_a_page_that_does_not_exist_has_the_banner_and_its_control_too(published, client):
    client.get("/nl/")

    assert 'src="/embed/website.js"' in client.get("/nl/nergens/").text


def test_without_a_published_version_pages_say_so(db, client):
    assert client.get("/en/statement/").status_code == 404
    assert "No statement has been published yet." in client.get("/en/statement/").text


# -- What a visit costs and leaves -----------------------------------------------------------


@pytest.mark.parametrize("url", [*EVERY_PAGE, *MACHINES])
def test_a_page_view_asks_the_database_nothing_and_sets_no_cookie(published, client, django_assert_num_queries, url):
    client.get(url)  # the first view in a process makes the page

    with django_assert_num_queries(0):
        response = client.get(url)
    assert response.status_code == 200
    assert not response.cookies
    assert "Set-Cookie" not in response


@pytest.mark.parametrize("url", [*EVERY_PAGE, "/statement.json", "/embed/website.js"])
def test_pages_that_were_served_before_stand_while_the_database_is_away(published, client, url):
    before = client.get(url).content
    rendering.look_again()

    with connection.execute_wrapper(Away()):
        assert client.get(url).content == before


@pytest.mark.parametrize("url", [*EVERY_PAGE, "/statement.json", "/embed/website.js"])
def test_a_page_that_the_browser_has_is_not_sent_again(published, client, url):
    etag = client.get(url)["ETag"]

    again = client.get(url, headers={"if-none-match": etag})
    other = client.get(url, headers={"if-none-match": 'W/"other"'})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    assert "must-revalidate" in again["Cache-Control"] or "max-age=300" in again["Cache-Control"]
    assert other.status_code == 200


def test_pages_are_compressed_in_the_best_way_that_the_browser_takes(published, client):
    plain = client.get("/nl/verklaring/")
    best = client.get("/nl/verklaring/", headers={"accept-encoding": "gzip, deflate, br"})
    older = client.get("/nl/verklaring/", headers={"accept-encoding": "gzip"})
    refusing = client.get("/nl/verklaring/", headers={"accept-encoding": "br;q=0, gzip;q=0"})

    assert "Content-Encoding" not in plain
    assert brotli.decompress(best.content) == gzip.decompress(older.content) == plain.content == refusing.content
    assert (best["Content-Encoding"], older["Content-Encoding"]) == ("br", "gzip")
    assert plain["Vary"] == best["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("url", MACHINES)
def test_what_is_the_same_for_all_varies_by_nothing_but_its_compression(published, client, url):
    response = client.get(url, headers={"accept-language": "nl"})

    assert response.get("Vary", "Accept-Encoding") == "Accept-Encoding"
    assert "Content-Language" not in response


def test_a_watcher_that_meets_an_unknown_fault_goes_on_and_is_started_again_should_it_die(
    published, settings, monkeypatch
):
    times = []
    twice = threading.Event()

    def look():
        times.append(1)
        if len(times) == 2:
            twice.set()
        raise KeyError("a newer format")

    rendering.current()
    monkeypatch.setattr(rendering, "_look", look)
    settings.PUBLICATION_POLL_SECONDS = 0.01
    rendering.current()
    first = rendering._shelf.watcher
    assert twice.wait(10)
    settings.PUBLICATION_POLL_SECONDS = 0
    first.join(10)

    settings.PUBLICATION_POLL_SECONDS = 0.01
    rendering.current()
    second = rendering._shelf.watcher
    settings.PUBLICATION_POLL_SECONDS = 0
    second.join(10)

    assert second is not first
    assert not second.is_alive()


def test_a_round_that_fails_keeps_the_watcher_from_nothing(published, settings, monkeypatch, caplog):
    times, thrice = [], threading.Event()

    def turn():
        times.append(1)
        if len(times) == 3:
            thrice.set()
        raise OSError("no space left on the device")

    rendering.current()
    monkeypatch.setattr(rendering, "rounds", [turn])
    settings.PUBLICATION_POLL_SECONDS = 0.01
    rendering.current()
    watcher = rendering._shelf.watcher
    assert thrice.wait(10)
    settings.PUBLICATION_POLL_SECONDS = 0
    watcher.join(10)

    assert "A round of this process failed; it is tried again" in caplog.text


def test_nobody_waits_while_something_is_made(published):
    edition = rendering.current()
    begun, other_is_served = threading.Event(), threading.Event()

    def make_slowly():
        begun.set()
        return other_is_served.wait(10)

    slow = threading.Thread(target=edition.once, args=("slow", make_slowly))
    slow.start()
    assert begun.wait(10)
    edition.once("other", lambda: "served")
    other_is_served.set()
    slow.join(10)

    assert edition.known("slow") is True


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
@pytest.mark.parametrize("url", ["/en/statement/", "/statement.json", "/embed/website.js", "/"])
def test_pages_are_read_only(published, client, url, method):
    assert getattr(client, method)(url).status_code == 405


@pytest.mark.parametrize("url", [*HTML_PAGES, "/en/nowhere/"])
def test_every_page_carries_the_security_headers(published, client, url):
    response = client.get(url)

    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy
    for directive in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ):
        assert directive in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert "geolocation=()" in response["Permissions-Policy"]


@pytest.mark.parametrize("url", HTML_PAGES)
def test_no_page_asks_anything_of_another_host_or_runs_inline_code(published, client, url):
    page = client.get(url).text

    assert not re.findall(r'<(?:script|img|iframe|link rel="stylesheet")[^>]*(?:src|href)="(?:https?:)?//', page)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


# -- Versions --------------------------------------------------------------------------------


def test_visitors_read_the_published_text_and_not_the_draft(published, publish, client):
    ProcessingPurpose.objects.filter(slug="contact").update(title_en="We phone you", title_nl="Wij bellen je")
    assert "Wij bellen je" not in client.get("/nl/verklaring/").text

    publish()

    assert "Wij bellen je" in client.get("/nl/verklaring/").text
    assert "We phone you" in client.get("/en/statement/").text


def test_an_older_version_stays_as_it_was_and_says_that_it_is_older(published, publish, client):
    Section.objects.filter(slug="about").update(text_en="Brand-new words.", text_nl="Gloednieuwe woorden.")
    publish()

    old = client.get("/nl/verklaring/versies/1/").text
    new = client.get("/nl/verklaring/versies/2/").text
    assert "Gloednieuwe woorden." in new
    assert "Gloednieuwe woorden." not in old
    assert 'href="/nl/verklaring/"' in old
    assert published.digest in old


def test_the_list_of_versions_says_what_changed_since_when(published, publish, client):
    Section.objects.filter(slug="about").update(text_en="New.", text_nl="Nieuw.")
    publish(change_summary={"en": "A sentence was added.", "nl": "Er is een zin toegevoegd."})

    dutch = client.get("/nl/verklaring/versies/").text
    assert "Er is een zin toegevoegd." in dutch
    assert "8 november 2021" in dutch
    assert 'href="/nl/verklaring/versies/1/"' in dutch
    assert 'href="/nl/verklaring/versies/2/"' in dutch


def test_a_version_that_is_not_in_force_yet_is_not_shown(published, publish, client):
    Section.objects.filter(slug="about").update(text_en="Future.", text_nl="Toekomst.")
    publish(effective_at=timezone.now() + timedelta(days=1))

    assert "Toekomst." not in client.get("/nl/verklaring/").text
    assert client.get("/nl/verklaring/versies/2/").status_code == 404
    assert "versies/2/" not in client.get("/nl/verklaring/versies/").text


def test_a_version_takes_effect_at_its_moment(published, publish, client, time_machine):
    Section.objects.filter(slug="about").update(text_en="Future.", text_nl="Toekomst.")
    moment = timezone.now().replace(microsecond=0) + timedelta(days=1)
    publish(effective_at=moment)
    assert "Toekomst." not in client.get("/nl/verklaring/").text

    time_machine.move_to(moment)
    rendering.look_again()

    assert "Toekomst." in client.get("/nl/verklaring/").text


# -- Forms for machines ----------------------------------------------------------------------


def test_statement_json_can_be_verified_by_anybody(published, client):
    response = client.get("/statement.json")

    answer = json.loads(response.content)
    assert sha256(canonical(answer["document"])) == answer["sha256"] == published.digest
    assert answer["number"] == answer["document"]["number"] == 1
    assert response["Access-Control-Allow-Origin"] == "*"


def test_the_statement_in_vocabulary_terms_has_every_purpose_and_vendor(published, client):
    response = client.get("/statement.jsonld")

    notice = json.loads(response.content)
    identifiers = [process["dct:identifier"] for process in notice["dpv:hasProcess"]]
    assert response["Content-Type"] == "application/ld+json"
    assert notice["@type"] == "dpv:PrivacyNotice"
    assert len(identifiers) == len(set(identifiers)) == 19 + 15
    screening = next(p for p in notice["dpv:hasProcess"] if p["dct:identifier"] == "applicant-online-screening")
    assert screening["dpv:hasLegalBasis"] == [{"@id": "eu-gdpr:A6-1-f-controller"}]
    assert screening["dpv:hasPurpose"] == [{"@id": "dpv:RecruitmentApplicantBackgroundCheck"}]


def test_every_vocabulary_term_has_a_known_prefix(published, client):
    notice = json.loads(client.get("/statement.jsonld").content)
    terms = set(re.findall(r'"(?:@id|@type)": ?"([a-z-]+):', json.dumps(notice)))

    assert terms
    assert terms <= notice["@context"].keys()


def test_the_site_says_that_it_honours_global_privacy_control(published, client):
    response = client.get("/.well-known/gpc.json")

    assert response["Content-Type"] == "application/json"
    assert response.json() == {"gpc": True, "lastUpdate": "2021-11-08"}


def test_the_security_contact_is_published_when_there_is_one(published, client, settings):
    assert client.get("/.well-known/security.txt").status_code == 404

    settings.SECURITY_CONTACT = "mailto:security@example.nl"
    text = client.get("/.well-known/security.txt").text
    assert "Contact: mailto:security@example.nl\n" in text
    assert re.search(r"^Expires: \d{4}-\d\d-\d\dT00:00:00Z$", text, re.M)


def test_search_engines_find_every_page_in_both_languages(published, client):
    urls = re.findall("<loc>http://localhost(.*?)</loc>", client.get("/sitemap.xml").text)

    assert set(urls) == {url for name, pair in PAGES.items() if name != "pdf" for url in pair.values()}
    assert all(client.get(url).status_code == 200 for url in urls)
    assert "Disallow: /admin/" in client.get("/robots.txt").text


# -- Health ----------------------------------------------------------------------------------


def test_a_process_that_has_seen_no_database_yet_asks_for_patience(db):
    with connection.execute_wrapper(Away()):
        response = Client(raise_request_exception=False).get("/nl/verklaring/")

    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert '<html lang="nl"' in response.text


def test_a_fault_of_ours_is_answered_without_details(published, rf, monkeypatch):
    broken = Client(raise_request_exception=False)
    monkeypatch.setattr(rendering, "statement_page", lambda *args: 1 / 0)

    response = broken.get("/nl/verklaring/")

    assert response.status_code == 500
    assert "ZeroDivisionError" not in response.text
    assert '<html lang="nl"' in response.text


def test_numbers_of_versions_have_no_gap(published, publish):
    for text in ("One.", "Two."):
        Section.objects.filter(slug="about").update(text_en=text, text_nl=text + "!")
        publish()

    assert list(StatementVersion.objects.values_list("number", flat=True)) == [3, 2, 1]
