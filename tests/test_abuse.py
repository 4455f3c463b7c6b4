"""What somebody might send who means no good: each has one answer, and none is a fault of ours."""

import gzip
import json
import re
import time
from functools import partial
from statistics import median
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from consent import throttling
from consent.models import Banner, ConsentRecord
from consent.recording import new_id

from .arriving import refusal

ORIGIN = "https://www.pro4all.nl"
MARKUP = "<script>alert(1)</script>"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def choice(published, client, settings):
    """A choice that would be recorded, with changes; everything is refused."""
    settings.CONSENT_RATE_LIMIT = 10**6
    client.get("/embed/website.js")
    banner = Banner.objects.get(website="website", kind="script").digest

    return partial(refusal, banner)


def send(client, body, content_type="application/json", **headers):
    body = json.dumps(body) if isinstance(body, dict) else body
    kind = {"content_type": content_type, "CONTENT_TYPE": content_type}  # also of a body without a byte
    return client.generic("POST", "/consent/", body, headers={"origin": ORIGIN} | headers, **kind)


# -- Bodies --------------------------------------------------------------------------------------


def nested(depth, opening, closing):
    return opening * depth + closing * depth


BODIES = {
    "deep lists": nested(8000, "[", "]"),
    "deep objects": nested(2700, '{"a":', "}"),
    "deep in a field": '{"choices":' + nested(7000, "[", "]") + "}",
    "many keys": json.dumps({f"k{number}": 1 for number in range(1000)}),
    "a number of four thousand digits": '{"version": ' + "9" * 4200 + "}",
    "a number of fifteen thousand digits": '{"version": ' + "9" * 15_000 + "}",
    "a float beyond all": '{"version": 1e999}',
    "not a number": '{"version": NaN}',
    "UTF-16": json.dumps({"id": "x"}).encode("utf-16"),
    "UTF-16 without a mark": json.dumps({"id": "x"}).encode("utf-16-le"),
    "UTF-32": json.dumps({"id": "x"}).encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "Latin": '{"website": "caf\xe9"}'.encode("latin-1"),
    "a lone surrogate": '{"website": "\\ud800", "language": "\\udfff", "\\ud800": 1}',
    "an encoded surrogate": b'{"website": "\xed\xa0\x80"}',
    "an overlong slash": b'{"website": "\xc0\xaf"}',
    "NUL": '{"website": "a\\u0000b", "\\u0000": 1}',
    "a raw NUL": b'{"website": "a\x00b"}',
    "compressed": gzip.compress(b"{}"),
    "two documents": "{}{}",
    "nothing": "",
    "a prototype": '{"__proto__": {"admin": true}, "constructor": 1}',
    "SQL": '{"id": "\'; DROP TABLE consent_consentrecord; --"}',
    "markup": json.dumps({"website": MARKUP, MARKUP: MARKUP}),
}


def test_a_body_that_is_no_choice_is_refused_with_a_reason(choice, client):
    for what, body in BODIES.items():
        response = send(client, body)

        assert response.status_code == 400, what
        assert response["Content-Type"] == "application/json"
        assert response.json()["errors"], what
    assert not ConsentRecord.objects.exists()


def test_of_a_key_that_comes_twice_the_last_one_counts(choice, client):
    """As in every browser; what is stored is what was checked."""
    body = json.dumps(choice())
    twice = body[:-1] + ', "language": "en", "language": "nl"}'

    answer = send(client, twice)

    assert answer.status_code == 201
    assert ConsentRecord.objects.get().language == answer.json()["language"] == "nl"
    assert send(client, body[:-1] + ', "id": "x"}').status_code == 400


@pytest.mark.parametrize(
    "kind",
    [
        "", "text/plain", "text/html", "application/xml", "multipart/form-data", "multipart/form-data; boundary=x",
        "application/json-patch+json", "json", "application/jsonp", "text/json, application/json",
        "*/*", "\x00", "a" * 5000,
    ],
)  # fmt: skip
def test_another_kind_of_body_is_refused_unread(choice, client, kind):
    assert send(client, json.dumps(choice()), content_type=kind).status_code == 415
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "latin-1", "x", "utf-8; charset=utf-16"])
def test_whatever_the_header_says_json_is_utf_8(choice, client, charset):
    assert send(client, json.dumps(choice()).encode(), f"application/json; charset={charset}").status_code == 201


@pytest.mark.parametrize("length", ["16385", "9" * 30, "-1", "1e3", "x", "", "0x10", "+5", "١"])
def test_a_length_is_believed_only_where_it_is_one(choice, length):
    body = json.dumps(choice())
    answer = Client().post("/consent/", body, content_type="application/json", CONTENT_LENGTH=length)

    assert answer.status_code in {400, 413}
    assert not ConsentRecord.objects.exists()


@limits(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/json", FORM]))
def test_no_bytes_are_a_fault_of_ours(published, client, settings, body, kind):
    settings.CONSENT_RATE_LIMIT = 10**9

    assert send(client, body, content_type=kind).status_code in {400, 403}


@limits(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    fields=st.dictionaries(
        st.sampled_from(["banner", "language", "action", "analytical", "vendor-hotjar", "subject", "receipt", "\x00"]),
        st.one_of(st.sampled_from(["en", "nl", "save", "forget", "withdraw", "on", MARKUP]), st.text(max_size=70)),
        min_size=1,
    )
)
def test_no_form_is_a_fault_of_ours(published, client, settings, fields):
    settings.CONSENT_RATE_LIMIT = 10**9
    response = client.post("/consent/", fields, headers={"origin": "http://localhost"})
    body = "&".join(f"{quote(name)}={quote(text)}" for name, text in fields.items())
    typed = client.post("/consent/", body, content_type=FORM, headers={"origin": "http://localhost"})

    assert response.status_code == 415
    assert typed.status_code in {303, 400}
    assert MARKUP not in typed.text


def test_a_form_of_too_many_fields_is_refused(published, client):
    body = "&".join(f"f{number}=1" for number in range(1001))

    assert client.post("/consent/", body, content_type=FORM).status_code == 400


# -- Replays -------------------------------------------------------------------------------------


def test_a_replay_is_answered_as_before_and_stored_once(choice, client):
    data = choice()
    first, *others = (send(client, data) for _ in range(4))

    assert first.status_code == 201
    assert {other.status_code for other in others} == {200}
    # PostgreSQL keeps keys in an order of its own.
    assert all(other.json() == first.json() for other in others)
    assert ConsentRecord.objects.count() == 1


@pytest.mark.parametrize(
    "changes", [{"language": "en"}, {"gpc": True}, {"decided_at": "2026-01-01T00:00:00Z"}, {"action": "save"}]
)
def test_a_replay_with_anything_else_in_it_is_refused_and_changes_nothing(choice, client, changes):
    data = choice()
    send(client, data)
    before = ConsentRecord.objects.values().get()

    assert send(client, data | changes).status_code == 409
    assert ConsentRecord.objects.values().get() == before


# -- Forged origins ------------------------------------------------------------------------------

FORGED = [
    "", "null", "NULL", "https://www.pro4all.nl.evil.example", "https://evil.example/https://www.pro4all.nl",
    "https://www.pro4all.nl@evil.example", "https://www.pro4all.nl:444", "http://www.pro4all.nl",
    "https://WWW.PRO4ALL.NL", "https://www.pro4all.nl/", "https://www.pro4all.nl.", " https://www.pro4all.nl",
    "https://www.pro4all.nl, https://evil.example", "https://www.pro4all.nl https://evil.example",
    "https://www.pro4all.nl\x00", "//www.pro4all.nl", "www.pro4all.nl", "https://*.pro4all.nl", "*", "file://",
    "https://evilpro4all.nl", "https://www\u3002pro4all.nl", "https://xn--pro4all.nl", "a" * 4000, MARKUP,
]  # fmt: skip


def test_a_forged_origin_records_nothing_and_may_read_nothing_but_the_refusal(choice, client):
    for origin in FORGED:
        response = send(client, choice(), origin=origin)

        assert response.status_code == 403, origin
        assert list(response.json()["errors"]) == ["origin"]
        # Else its banner would take the refusal for an outage; there is nothing in it to read.
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response
    assert not ConsentRecord.objects.exists()


def test_a_forged_origin_reads_no_answer_to_a_choice_that_is_wrong(choice, client):
    for origin in FORGED:
        assert "Access-Control-Allow-Origin" not in send(client, choice(version=9), origin=origin), origin


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "null", "referer": "http://localhost/en/cookies/"},
        {"origin": ORIGIN},
        {"origin": "https://evil.example", "referer": "http://localhost/en/cookies/"},
        {"referer": "https://evil.example/http://localhost/"},
        {"referer": "http://localhost@evil.example/"},
        {"referer": "http://localhost.evil.example/"},
        {"referer": "http://localhost:81/"},
        {"referer": "http://["},
        {"referer": "//localhost/"},
        {"referer": MARKUP},
    ],
)
def test_a_form_from_anywhere_but_our_page_records_nothing_and_sets_no_cookie(published, client, headers):
    page = client.get("/en/cookies/").text
    banner = re.search(r'name="banner" value="([0-9a-f]{64})"', page)[1]

    response = client.post(
        "/consent/", f"banner={banner}&language=en&action=accept_all", content_type=FORM, headers=headers
    )

    assert response.status_code == 403
    assert not response.cookies
    assert MARKUP not in response.text
    assert not ConsentRecord.objects.exists()


# -- A flood -------------------------------------------------------------------------------------


def test_a_flood_from_one_address_is_held_back_and_nobody_else_is(choice, client, settings):
    settings.CONSENT_RATE_LIMIT = 5
    settings.TRUSTED_PROXIES = []
    statuses = [send(Client(REMOTE_ADDR="192.0.2.1"), choice()).status_code for _ in range(8)]
    held = send(Client(REMOTE_ADDR="192.0.2.1"), choice())

    assert statuses == [201] * 5 + [429] * 3
    assert 0 < int(held["Retry-After"]) <= 61
    assert send(Client(REMOTE_ADDR="192.0.2.2"), choice()).status_code == 201
    # Whoever writes an address in a header is who they are.
    assert send(Client(REMOTE_ADDR="192.0.2.1"), choice(), **{"x-forwarded-for": "192.0.2.9"}).status_code == 429
    # Pages are not part of it.
    assert Client(REMOTE_ADDR="192.0.2.1").get("/nl/cookies/").status_code == 200


def test_a_flood_from_many_addresses_fills_no_memory(choice, monkeypatch):
    """The oldest counters go. What is left to protect is the database: each choice is one short row."""
    monkeypatch.setattr(throttling, "ADDRESSES_KEPT", 50)
    body = {"id": "x"}
    for number in range(200):
        assert send(Client(REMOTE_ADDR=f"198.51.{number}.7"), body).status_code == 400

    assert len(throttling._counts) == 50
    assert send(Client(REMOTE_ADDR="192.0.2.2"), choice()).status_code == 201


# -- Caches on the way ---------------------------------------------------------------------------

POISON = {
    "x-forwarded-host": "evil.example",
    "x-host": "evil.example",
    "x-forwarded-server": "evil.example",
    "forwarded": "host=evil.example;proto=http",
    "x-original-url": "/admin/",
    "x-rewrite-url": "/admin/",
    "x-forwarded-prefix": "/evil",
    "x-forwarded-port": "1",
    "x-forwarded-proto": "evil",
    "x-forwarded-scheme": "http",
    "x-http-method-override": "DELETE",
    "x-method-override": "POST",
    "accept-language": "nl",
    "accept": "application/json",
    "user-agent": MARKUP,
    "referer": MARKUP,
    "origin": "https://evil.example",
    "range": "bytes=0-9",
    "if-range": "x",
    "cookie": "session=x; language=nl; privacy_consent=x",
    "x-requested-with": "XMLHttpRequest",
}
CACHED = [
    "/en/",
    "/nl/verklaring/",
    "/statement.json",
    "/statement.jsonld",
    "/embed/website.js",
    "/sitemap.xml",
    "/robots.txt",
]


@pytest.mark.parametrize("address", CACHED)
def test_no_header_that_a_cache_does_not_know_of_changes_what_it_keeps(published, client, address):
    plain = client.get(address)
    for name, value in POISON.items():
        answer = client.get(address, headers={name: value})

        assert (answer.status_code, answer.content) == (plain.status_code, plain.content), name
        assert dict(answer.items()) == dict(plain.items()), name


@pytest.mark.parametrize("address", ["/", "/en", "/en/statement", "/admin"])
def test_no_header_leads_a_redirect_elsewhere(published, client, address):
    plain = client.get(address)["Location"]
    for name, value in POISON.items():
        if (name, address) != ("accept-language", "/"):
            assert client.get(address, headers={name: value})["Location"] == plain, name
    assert plain.startswith("/")
    for path in ("//evil.example", "//evil.example/en", "/\\evil.example", "/en//evil.example"):
        answer = client.get("/", PATH_INFO=path)
        assert answer.status_code == 404
        assert "Location" not in answer


HOSTS = ["evil.example", "localhost.evil.example", "localhost:80@evil.example", "localhost, evil.example", ""]


@pytest.mark.parametrize("address", ["/en/", "/embed/website.js", "/nowhere/"])
def test_a_host_that_is_not_ours_gets_no_page_that_anybody_keeps(published, client, address):
    client.get(address)  # known by now
    for host in HOSTS:
        answer = client.get(address, headers={"host": host})

        assert answer.status_code == 400, host
        assert answer["Cache-Control"] == "no-store"
        assert "evil" not in answer.text


@pytest.mark.parametrize(
    "accepted",
    [
        "br",
        "gzip",
        "br;q=0",
        "br;q=0, gzip",
        "*",
        "*;q=0",
        "identity;q=0",
        ",,,",
        "br;q=x",
        "BR",
        "gzip;q=1.1",
        "x" * 4000,
    ],
)
def test_whatever_encodings_are_accepted_it_is_the_same_page(published, client, accepted):
    plain = client.get("/en/statement/")
    answer = client.get("/en/statement/", headers={"accept-encoding": accepted})

    assert answer.status_code == 200
    assert answer["Vary"] == plain["Vary"] == "Accept-Encoding"
    assert answer["ETag"] == plain["ETag"]
    assert answer.get("Content-Encoding", "") in {"", "br", "gzip"}
    if accepted in {"br;q=0", "*;q=0"}:
        assert answer.get("Content-Encoding") != "br"


# -- Tricks with paths ---------------------------------------------------------------------------

PATHS = [
    "/embed/../admin/", "/embed/..%2fadmin", "/embed/%2e%2e/%2e%2e/etc/passwd", "/embed/%252e%252e%252fwebsite.js",
    "/embed/website%00.js", "/embed/website.js%00", "/embed/website%2ejs%2f", "/embed/website.js/", "/embed/WEBSITE.js",
    "/embed/Website.js", "/embed/website.JS", "/embed/website..js", "/embed/website.js.", "/embed/website.js%20",
    "/embed/%77ebsite.js%3f", "/embed/w\u0435bsite.js", "/embed/ｗebsite.js", "/embed/website\u2024js",
    "/embed/./website.js", "/embed\\website.js", "/embed/website;x=1.js", "/embed/.js", "/embed/-.js", "/embed/_.js",
    "/embed/website." + "0" * 64 + ".js", "/embed/website." + "A" * 64 + ".js", "/embed/website.0.js",
    "/embed/preview/x.y.z.js", "/embed/preview/website.js", f"/embed/{'a' * 5000}.js", f"/embed/{quote(MARKUP)}.js",
    "/embed/con.js", "/embed/website.js%0d%0aSet-Cookie:x=y", "/static/../privacy_site/settings.py",
    "/static/%2e%2e/manage.py", "/static/..%5c..%5cmanage.py", "/.env", "/.git/config", "/%c0%ae%c0%ae/", "/%ff%fe/",
]  # fmt: skip


def test_a_path_that_is_nearly_one_of_ours_leads_nowhere(published, client):
    for path in PATHS:
        answer = client.get(path)

        assert answer.status_code == 404, path
        assert MARKUP not in answer.text
        assert "Set-Cookie" not in answer
        assert not answer.cookies


@limits(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    path=st.text(st.characters(codec="utf-8"), max_size=40),
    place=st.sampled_from(["/", "/en/", "/embed/", "/consent/"]),
)
def test_no_path_is_a_fault_of_ours(published, client, path, place):
    assert client.get(place + quote(path, safe="/.:;@\\")).status_code in {200, 301, 302, 404, 405}


# -- Guessing ------------------------------------------------------------------------------------

UNKNOWN = "01900000-0000-7000-8000-000000000000"
MALFORMED = [
    "x",
    "0" * 36,
    UNKNOWN.upper(),
    f"{{{UNKNOWN}}}",
    UNKNOWN[:-1],
    f"{UNKNOWN}%00",
    "1",
    "%27",
    UNKNOWN.replace("-", ""),
]


@pytest.mark.parametrize("method", ["get", "head"])
def test_an_id_that_is_none_and_one_that_is_unknown_are_told_apart_by_nothing(published, client, method):
    def seen(answer):
        # The id of a request differs always; the sentence does not, but for its length.
        headers = {name: text for name, text in answer.items() if name not in {"Content-Length", "X-Request-ID"}}
        return answer.status_code, headers, re.sub(r"<p>There is no such receipt\.</p>\s*", "", answer.text)

    unknown = seen(getattr(client, method)(f"/consent/{UNKNOWN}/"))
    assert unknown[0] == 404
    for number in MALFORMED:
        assert seen(getattr(client, method)(f"/consent/{number}/")) == unknown, number


def test_by_no_other_method_does_a_receipt_show_that_it_is_there(choice, client):
    there = send(client, choice())["Location"]
    nowhere = f"/consent/{UNKNOWN}/"
    for method in ("post", "put", "patch", "delete", "options", "trace"):
        known, unknown = (getattr(client, method)(address) for address in (there, nowhere))

        assert known.status_code == unknown.status_code == 405
        assert known.content == unknown.content
        assert known["Allow"] == unknown["Allow"]


def test_ids_hold_too_much_chance_to_be_guessed():
    """UUIDv7: 48 bits of time, 6 fixed, 74 drawn; here those of one millisecond."""
    now = timezone.now()
    drawn = [new_id(now).int & ((1 << 62) - 1) for _ in range(500)]

    assert len(set(drawn)) == 500
    # Every bit is sometimes set and sometimes not.
    assert all(0 < sum(number >> bit & 1 for number in drawn) < 500 for bit in range(62))


def test_a_near_miss_takes_as_long_as_any_other(choice, client):
    """The id is looked up by an index, as a whole; there is nothing to come closer to."""
    there = send(client, choice())["Location"].split("/")[2]
    near = there[:-1] + ("0" if there[-1] != "0" else "1")

    def seconds(number):
        begun = time.perf_counter()
        assert client.get(f"/consent/{number}/").status_code == 404
        return time.perf_counter() - begun

    times = {number: [] for number in (near, UNKNOWN)}
    for _ in range(30):
        for number, taken in times.items():
            taken.append(seconds(number))
    assert 0.5 < median(times[near]) / median(times[UNKNOWN]) < 2


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", MARKUP, "0" * 3000, "a:b:c", "%00", "eyJhbGciOiJub25lIn0.e30."])
def test_a_draft_is_opened_by_no_token_that_was_not_given(published, client, token, django_assert_num_queries):
    client.get("/en/")
    seen = set()
    for path in ("/en/draft/{}/", "/nl/concept/{}/", "/en/draft/{}/statement/"):
        with django_assert_num_queries(0):
            answer = client.get(path.format(quote(token, safe="")))
        seen.add(answer.status_code)
        assert MARKUP not in answer.text
    assert seen <= {403, 404, 410}
