"""Whatever is read from outside, for any text: a value of its kind or a refusal, never anything else.

Parsers whose properties stand in files of their own: the cookie (test_choice), periods (test_periods), what the
banner sends (test_recording), tables of others (test_table_target), bundles (test_bundle_verify).
"""

import ast
import re
import time
import uuid
from datetime import UTC, date, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from consent import choice, desk, exporting, my_choice, recording, throttling
from policies import content_file, rendering, validators
from policies.rendering import Page
from privacy_site.middleware import ForwardedMiddleware

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
header = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80)
once_per_example = limits(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)


# -- Headers -------------------------------------------------------------------------------------

PAGE = Page.of("<p>A page</p>")
offers = st.lists(
    st.tuples(
        st.sampled_from(["br", "gzip", "*", "identity", "BR", "x"]),
        st.sampled_from(["", ";q=0", ";q=1", "; q=0.0", ";q=x"]),
    ),
    max_size=4,
)


def asked(**headers):
    return RequestFactory().get("/", headers=headers)


@given(offers)
def test_an_encoding_is_used_only_where_it_was_accepted(offered):
    line = ", ".join(name + weight for name, weight in offered)
    answer = rendering.respond(asked(accept_encoding=line), PAGE)
    used = answer.get("Content-Encoding")

    assert used in {None, "br", "gzip"}
    assert answer.content == PAGE.encoded.get(used, PAGE.body)
    if used:
        assert any(name == used and ";q=0" not in weight.replace(" ", "") for name, weight in offered)


@given(header)
def test_any_accept_encoding_gets_the_page(line):
    answer = rendering.respond(asked(accept_encoding=line), PAGE)

    assert answer.status_code == 200
    assert answer["ETag"] == PAGE.etag


@given(st.lists(st.one_of(header, st.just(PAGE.etag), st.just(PAGE.etag.removeprefix("W/")), st.just("*")), max_size=4))
def test_only_a_tag_of_this_page_or_an_asterisk_says_that_it_is_there(tags):
    answer = rendering.respond(asked(if_none_match=", ".join(tags)), PAGE)

    assert answer.status_code in {200, 304}
    if answer.status_code == 304:
        assert not answer.content
        assert any(PAGE.etag.strip('W/"') in tag or "*" in tag for tag in tags)
    if tags == [PAGE.etag]:
        assert answer.status_code == 304


addresses = st.one_of(
    st.ip_addresses().map(str), st.sampled_from(["10.0.0.1", "10.9.9.9", "unknown", "_hidden", "[::1]:80"]), header
)


@once_per_example
@given(chain=st.lists(addresses, max_size=5), peer=st.sampled_from(["10.0.0.1", "192.0.2.1"]))
def test_the_visitor_is_the_last_address_that_is_no_proxy_of_ours(settings, chain, peer):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=", ".join(chain))
    seen = ForwardedMiddleware(lambda request: HttpResponse(request.META["REMOTE_ADDR"]))(request).content.decode()
    parts = [part.strip() for part in ", ".join(chain).split(",") if part.strip()]

    if peer == "192.0.2.1" or not parts:
        assert seen == peer
    else:
        assert seen in parts
        # Nothing to the left of an address that is not ours is believed.
        right = parts[len(parts) - parts[::-1].index(seen) :]
        assert all(re.match(r"10\.", part) for part in right)


@given(st.one_of(st.ip_addresses(), header))
def test_addresses_of_one_subscriber_count_together_and_no_text_is_a_fault(address):
    network = throttling._network_of(str(address))

    if isinstance(address, str):
        assert isinstance(network, str)
    elif address.version == 6:
        assert ip_address(str(address)) in ip_network(network)
        assert ip_network(network).prefixlen == 64
    else:
        assert network == str(address)


@given(st.lists(header, max_size=4))
def test_any_header_of_cookies_holds_a_choice_or_none(values):
    line = "; ".join(f"privacy_consent={value}" for value in values)
    found = choice.latest(line, now=NOW, days=182)

    assert found is None or isinstance(found, choice.Choice)


# -- Numbers and names ---------------------------------------------------------------------------


@given(st.one_of(st.uuids(), st.text(max_size=60), st.uuids().map(lambda number: f"https://x.nl/consent/{number}/")))
def test_a_number_of_a_browser_or_of_a_receipt_is_one_or_none(text):
    number = my_choice.number_in(str(text))
    receipt = exporting.receipt_in(str(text))

    assert number is None or (number.version == 4 and str(number) in str(text).lower())
    assert receipt is None or (isinstance(receipt, uuid.UUID) and receipt.hex in str(text).lower().replace("-", ""))


@given(
    st.one_of(st.dates().map(date.isoformat), st.text(max_size=30), st.from_regex(r"[0-9]{1,6}-[0-9]{1,3}-[0-9]{1,3}"))
)
def test_a_day_is_one_or_none(text):
    day = exporting.day_in(text)

    assert day is None or day.isoformat() == text.strip()


@given(st.one_of(st.text(max_size=80), st.from_regex(r"[0-9a-fA-F]{60,68}")))
def test_what_is_no_digest_was_never_served(text):
    """It is not even looked up."""
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        assert recording.what_was_asked(text) is None


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[a-z]+\.[0-9A-Za-z]+\.[-\w]+", fullmatch=True)))
def test_no_token_of_a_preview_is_good_but_one_that_we_signed(text):
    with pytest.raises(BadSignature):
        desk._signer().unsign(text, max_age=desk.PREVIEW_LASTS)


@given(st.text(max_size=40))
def test_a_token_holds_for_what_was_signed_and_for_nothing_else(slug):
    signer = desk._signer()
    token = signer.sign(slug)

    assert signer.unsign(token) == slug
    with pytest.raises(BadSignature):
        signer.unsign("x" + token)


# -- Origins and patterns ------------------------------------------------------------------------

host = st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,6}){1,3}", fullmatch=True)


@given(
    st.one_of(
        st.text(max_size=50), host.map(lambda name: f"https://{name}"), host.map(lambda name: f"https://*.{name}")
    )
)
def test_an_origin_that_may_be_registered_is_one_that_a_browser_can_send(text):
    try:
        validators.validate_origin(text)
    except ValidationError:
        return
    assert re.fullmatch(r"https?://(\*\.)?[a-z0-9.\[\]:-]+(:\d+)?", text)
    assert not {"@", "/", "?", "#", " ", "\\"} & set(text.partition("://")[2])


@given(origin=st.one_of(host.map(lambda name: f"https://{name}"), st.text(max_size=40)), registered=host)
def test_a_wildcard_holds_for_one_level_below_and_nothing_else(origin, registered):
    allowed = {f"https://*.{registered}"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "allowed_origins", lambda website: allowed)
        is_allowed = recording.is_allowed_origin(origin, "website")
        below = recording.is_allowed_origin(f"https://shop.{registered}", "website")
        deeper = recording.is_allowed_origin(f"https://a.shop.{registered}", "website")

    assert below
    assert not deeper
    if is_allowed:
        assert origin.endswith(f".{registered}")
        assert "." not in origin.removeprefix("https://").removesuffix(f".{registered}")


# -- The content file ----------------------------------------------------------------------------


@limits(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(text=st.one_of(st.text(max_size=120), st.from_regex(r"(\w+: [\[\{&*!|>'\"%@`-]?.{0,12}\n){1,4}")))
def test_any_text_is_a_content_file_or_a_reason_why_not(db, text):
    with pytest.raises(content_file.ContentFileError):
        content_file.load(text)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']",
        "a: !!python/name:os.system",
        "a: !!binary aGFsbG8=",
        "<<: *missing",
        "a: &a [*a]",
        "? [a, b]\n: c",
        "\x00",
        "a: 1\na: 2",
        "a: &x [1,1,1,1,1,1,1,1]\nb: &y [*x,*x,*x,*x,*x,*x]\nc: &z [*y,*y,*y,*y,*y,*y]\nd: [*z,*z,*z,*z]",
        "[" * 3000,
    ],
)
def test_a_content_file_makes_nothing_but_plain_values(db, text):
    with pytest.raises(content_file.ContentFileError):
        content_file.load(text)


# -- Time ----------------------------------------------------------------------------------------


def patterns():
    """Every regular expression in the source of the site."""
    for folder in ("consent", "policies", "retention", "privacy_site"):
        for file in (ROOT / folder).rglob("*.py"):
            for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                match call:
                    case ast.Call(ast.Attribute(ast.Name("re")), [ast.Constant(str() as pattern), *_]):
                        yield pattern


HOSTILE = [sign * 1000 for sign in ("a", "1", "-", ".", " ", "/", "aA", "1a", "a.", "a-", ":", "\n", "<", "P1")]


def test_no_pattern_takes_long_over_a_hostile_text():
    found = sorted(set(patterns()))
    assert len(found) > 20
    for pattern in found:
        compiled = re.compile(pattern)
        for text in HOSTILE:
            begun = time.perf_counter()
            compiled.search(text + "!")
            assert time.perf_counter() - begun < 2, pattern


# -- What these documents name -------------------------------------------------------------------

DOCUMENTS = ["docs/asvs.md", "docs/threat-model.md"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_test_that_the_documents_name_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text))

    assert len(named) > 20
    for file, function in named:
        assert (ROOT / file).exists(), file
        if function:
            assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{function}"
    for linked in re.findall(r"\]\(([\w./-]+\.(?:md|yaml))\)", text):
        assert (ROOT / "docs" / linked).resolve().exists(), linked


@pytest.mark.parametrize(
    ("peer", "sent", "visitor"),
    [
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("2001:db8::9", "198.51.100.1", "2001:db8::9"),
    ],
)
def test_who_listens_on_both_kinds_of_address_knows_proxies_and_visitors_all_the_same(peer, sent, visitor, settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=sent)

    ForwardedMiddleware(lambda request: request)(request)

    assert request.META["REMOTE_ADDR"] == visitor
