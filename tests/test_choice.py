"""The cookie in which a browser keeps its choice: read with suspicion, written to be small."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.choice import Choice, latest, parse

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SUBJECT = uuid.UUID("5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11")
CHOICE = Choice(
    NOW,
    {"analytical": True, "marketing": False},
    {"analytical": "0123456789ab", "marketing": "ba9876543210"},
    {"google-maps": True},
    SUBJECT,
)
WEBSITE = {
    "categories": [
        {"slug": "functional", "needs_consent": False, "fingerprint": "aaaaaaaaaaaa"},
        {"slug": "analytical", "needs_consent": True, "fingerprint": "0123456789ab"},
        {"slug": "marketing", "needs_consent": True, "fingerprint": "ba9876543210"},
    ]
}


def cookie(**changes):
    value = {"v": 1, "t": int(NOW.timestamp()), "f": {"analytical": "x"}, "c": {"analytical": True}} | changes
    return quote(json.dumps(value))


slugs = st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True)


@given(
    st.dictionaries(slugs, st.booleans(), max_size=5),
    st.dictionaries(slugs, st.from_regex(r"[0-9a-f]{12}", fullmatch=True), max_size=5),
    st.dictionaries(slugs, st.booleans(), max_size=5),
    st.one_of(st.none(), st.uuids(version=4)),
)
def test_a_choice_is_read_as_it_was_written(choices, fingerprints, vendors, subject):
    choice = Choice(NOW, choices, fingerprints, vendors, subject)

    assert parse(str(choice), now=NOW, days=182) == choice


def test_the_cookie_holds_only_what_a_header_may_hold():
    assert set(str(CHOICE)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%-_.~")
    assert len(str(CHOICE)) < 400


def test_a_refusal_carries_no_identifier():
    assert "s" not in json.loads(unquote(str(Choice(NOW, {"a": False}, {"a": "f"}))))


def test_only_what_was_asked_and_answered_with_yes_is_allowed():
    assert CHOICE.allowed(WEBSITE) == ["analytical"]


def test_a_category_that_has_changed_since_is_not_allowed():
    changed = {"categories": [{"slug": "analytical", "needs_consent": True, "fingerprint": "ffffffffffff"}]}

    assert CHOICE.allowed(changed) == []


@pytest.mark.parametrize(
    ("age", "holds"),
    [
        (timedelta(0), True),
        (timedelta(days=181), True),
        (timedelta(days=182), False),
        (timedelta(hours=-23), True),
        (timedelta(days=-1), False),
    ],
)
def test_a_choice_holds_for_its_time_and_not_from_the_future(age, holds):
    kept = str(Choice(NOW - age, {"a": False}, {"a": "f"}))

    assert (parse(kept, now=NOW, days=182) is not None) is holds


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "%",
        "%ff",
        "null",
        "[]",
        "1",
        quote("[" * 3000),
        "x" * 4000,
        cookie(v=2),
        cookie(t="soon"),
        cookie(t=True),
        cookie(t=10**30),
        cookie(t=float("inf")),
        cookie(c=[]),
        cookie(c={"analytical": 1}),
        cookie(c={"<script>": True}),
        cookie(f={"analytical": None}),
        cookie(n="google-maps"),
        cookie(s="me@example.nl"),
        cookie(s="0f9a1e3c-c0de-11ee-8000-0242ac120002"),
        cookie(s=7),
    ],
)
def test_what_is_malformed_counts_as_no_choice(value):
    assert parse(value, now=NOW, days=182) is None


def kept(hours):
    """The cookie of a choice made some hours ago."""
    return f"privacy_consent={Choice(NOW - timedelta(hours=hours), {'a': False}, {'a': 'f'})}"


@pytest.mark.parametrize(
    "header",
    [
        kept(1),
        f"{kept(1)}; {kept(2)}",
        f"{kept(2)}; {kept(1)}",
        f"{kept(-25)}; {kept(1)}; {kept(24 * 182)}",
        f"privacy_consent=; {kept(1)}; privacy_consent=x; privacy_consent",
        f"a=b;{kept(1)};xprivacy_consent={kept(0)[16:]}",
    ],
)
def test_of_the_choices_of_a_host_and_its_domain_the_latest_valid_one_counts(header):
    assert latest(header, now=NOW, days=182).decided_at == NOW - timedelta(hours=1)


@pytest.mark.parametrize("header", ["", ";", "=", "a=b", "privacy_consent", "privacy_consent=x", kept(24 * 182)])
def test_a_header_without_a_valid_choice_holds_none(header):
    assert latest(header, now=NOW, days=182) is None


@given(st.text(max_size=200))
def test_any_text_is_a_choice_or_none(value):
    assert parse(value, now=NOW, days=182) is None or value
