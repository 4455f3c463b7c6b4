"""A choice is recorded past most middlewares, and nobody can tell: not by a header, not by a refusal."""

import json
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from consent import recording
from consent.models import Banner, ConsentRecord

from .arriving import refusal

pytestmark = pytest.mark.django_db

OURS = "privacy_site.recorded.RecordedMiddleware"
ORIGIN = "https://www.pro4all.nl"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@pytest.fixture
def long_way(visitor_without):
    """A visitor of a site where choices take the way of everything else."""
    return visitor_without(OURS, raise_request_exception=False)


@pytest.fixture
def visitor():
    return Client(raise_request_exception=False)


@pytest.fixture
def banner(published, client):
    client.get("/embed/website.js")
    return Banner.objects.get(website="website", kind="script").digest


def everything(response):
    """Status, headers and body, but for the number that each request has of its own."""
    headers = {name: value for name, value in response.items() if name != "X-Request-ID"}
    return response.status_code, headers, response.content


def asked(banner):
    """Requests at the address of recording, by what they are; none of them records anything new."""
    known = refusal(banner)
    ConsentRecord.objects.create(
        **{name: value for name, value in known.items() if name not in {"version", "banner"}},
        version_id=known["version"],
        banner_id=known["banner"],
    )
    form = urlencode({"banner": "0" * 64, "language": "nl", "action": "reject_all"})
    return {
        "sent again": ("POST", json.dumps(known), JSON, {"origin": ORIGIN}),
        "another choice under its id": ("POST", json.dumps(known | {"gpc": True}), JSON, {"origin": ORIGIN}),
        "no JSON": ("POST", "{", JSON, {"origin": ORIGIN}),
        "of a page that is not ours": ("POST", json.dumps(refusal(banner)), JSON, {"origin": "https://example.org"}),
        "too long": ("POST", " " * 20_000, JSON, {"origin": ORIGIN}),
        "of another kind": ("POST", "<choice/>", "text/xml", {"origin": ORIGIN}),
        "a form that is too old": ("POST", form, FORM, {"origin": "http://localhost"}),
        "asked beforehand": ("OPTIONS", "", JSON, {"origin": ORIGIN, "access-control-request-method": "POST"}),
        "read": ("GET", "", JSON, {}),
        "taken away": ("DELETE", "", JSON, {"origin": ORIGIN}),
    }


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_the_short_way_answers_what_the_long_way_does_with_every_header(banner, visitor, long_way, secure):
    statuses = set()
    for what, (method, body, kind, headers) in asked(banner).items():
        short, long = (
            everything(client.generic(method, "/consent/", body, content_type=kind, headers=headers, secure=secure))
            for client in (visitor, long_way)
        )
        assert short == long, what
        statuses.add(short[0])
    assert statuses == {200, 204, 400, 403, 405, 409, 413, 415}


def test_a_new_choice_is_recorded_with_the_same_headers_too(banner, visitor, long_way):
    of_both = []
    for client in (visitor, long_way):
        sent = refusal(banner)
        response = client.post("/consent/", json.dumps(sent), content_type=JSON, headers={"origin": ORIGIN})
        status, headers, _body = everything(response)
        assert headers.pop("Location") == f"/consent/{sent['id']}/"
        of_both.append((status, headers))

    assert of_both[0] == of_both[1]
    assert ConsentRecord.objects.count() == 2


def test_a_fault_of_ours_is_answered_as_everywhere(banner, visitor, long_way, monkeypatch):
    monkeypatch.setattr(recording, "STATEMENT", "SELECT 1")
    of_both = []
    for client in (visitor, long_way):
        body = json.dumps(refusal(banner))
        of_both.append(everything(client.post("/consent/", body, content_type=JSON, headers={"origin": ORIGIN})))
        if connection.needs_rollback:
            connection.set_rollback(False)

    assert of_both[0][0] == 500
    assert of_both[0] == of_both[1]


def test_a_machine_is_told_in_english_whoever_was_answered_before(banner, visitor):
    visitor.get("/nl/cookies/")

    response = visitor.post("/consent/", "{", content_type=JSON, headers={"origin": ORIGIN})

    assert response.json()["errors"]["body"] == "This is not JSON in UTF-8."


def test_without_tls_where_it_is_expected_and_for_a_host_that_is_not_ours_nothing_is_recorded(
    banner, visitor, long_way, settings
):
    def send(client, **extra):
        body = json.dumps(refusal(banner))
        return everything(client.post("/consent/", body, content_type=JSON, headers={"origin": ORIGIN}, **extra))

    elsewhere = send(visitor, SERVER_NAME="example.org")
    assert elsewhere[0] == 400
    assert elsewhere == send(long_way, SERVER_NAME="example.org")

    settings.SECURE_SSL_REDIRECT = True
    in_the_clear = send(Client())  # Django reads this setting once for each
    assert in_the_clear[0] == 301
    assert in_the_clear[1]["Location"] == "https://testserver/consent/"
    assert not ConsentRecord.objects.exists()
