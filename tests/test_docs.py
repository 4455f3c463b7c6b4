"""What the documents for web developers say about the banner, against the banner."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from consent import receipts, recording
from consent.models import ConsentRecord
from policies import catalogue
from policies.snapshot import CHOICE_COOKIE

ROOT = Path(__file__).resolve().parent.parent
BANNER = (ROOT / "consent" / "banner.js").read_text(encoding="utf-8")
DETAILS = (ROOT / "consent" / "details.js").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "developer.md").read_text(encoding="utf-8")
RECIPES = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
TYPES = (ROOT / "docs" / "privacy-consent.d.ts").read_text(encoding="utf-8")


def members(interface):
    """Name → whether it may be absent, of an interface in the types."""
    [body] = re.findall(rf"^interface {interface} {{\n(.*?)^}}", TYPES, re.MULTILINE | re.DOTALL)
    found = re.findall(r'^  ("[^"]+"|\w+)(\?)?[(:]', body, re.MULTILINE)
    return {name.strip('"'): bool(optional) for name, optional in found}


def rows(heading):
    """The first column of the first table after ``heading``, without its marks."""
    [section] = re.findall(rf"^#+ {heading}$(.*?)(?=^#+ |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    [table, *_others] = re.findall(r"^\|.*\n\|---\|.*\n((?:\|.*\n)+)", section, re.MULTILINE)
    return [re.split(r"\s*\|\s*", row)[1] for row in table.splitlines()]


def test_the_object_on_the_page_is_as_documented():
    [exposed] = re.findall(r"window\.privacyConsent = {(.+?)}", BANNER)
    names = re.findall(r"(\w+)(?:: \w+)?", exposed.replace(": isAllowed", ""))

    assert list(members("PrivacyConsent")) == names
    assert [re.match(r"`(\w+)\(", row)[1] for row in rows("Asking, and being told")] == names


def test_the_events_are_as_documented():
    told = set(re.findall(r'announce\("(\w+)"\)', BANNER))
    names = {f"privacyconsent:{name}" for name in told}

    assert set(members("DocumentEventMap")) == names
    assert names == set(re.findall(r"`(privacyconsent:\w+)` \|", GUIDE))
    [detail] = re.findall(r"const detail = {(.+)};", BANNER)
    assert list(members("PrivacyConsentDetail")) == re.findall(r"(\w+):", detail)


def test_the_cookie_is_as_documented():
    [type_of_choice] = re.findall(r"@typedef {{(v: 1.+?)}} Choice", BANNER, re.DOTALL)
    keys = {name: bool(optional) for name, optional in re.findall(r"\b([a-z])(\??): ", type_of_choice)}

    assert members("PrivacyConsentCookie") == keys
    documented = re.findall(r"^\| `([a-z])` \|", GUIDE, re.MULTILINE)
    assert documented == list(keys)
    names = re.findall(r'const (?:COOKIE|PENDING) = "(\w+)"', BANNER)
    assert names[0] == CHOICE_COOKIE
    assert [name for name in names if f"`{name}`" not in GUIDE] == []


def test_what_is_posted_and_answered_is_as_documented():
    decision = members("PrivacyConsentDecision")
    assert decision.keys() == recording.FIELDS
    assert {name for name, is_optional in decision.items() if not is_optional} == recording.REQUIRED

    now = datetime.now(UTC)
    kept = {"language": "en", "gpc": False, "action": "save", "choices": {}, "vendors": {"maps": True}}
    record = ConsentRecord(id=uuid4(), website="website", is_once=True, decided_at=now, recorded_at=now, **kept)
    assert members("PrivacyConsentReceipt").keys() == receipts.answer(record, None).keys()
    assert members("PrivacyConsentRefusal").keys() == {"errors", "server_time"}


def test_every_attribute_that_the_banner_reads_is_documented():
    read = {name for name in re.findall(r"dataset\.(consent\w*|language|reload)", BANNER + DETAILS)}
    attributes = {f"data-{re.sub('[A-Z]', lambda letter: f'-{letter[0].lower()}', name)}" for name in read}
    attributes |= set(re.findall(r"\[(data-[a-z-]+)\]", BANNER))
    [addresses] = re.findall(r"const ADDRESSES = \[(.+?)\]", BANNER)
    attributes |= {f"data-{name}" for name in re.findall(r"\w+", addresses)} | {"data-type", "data-reload"}

    assert {"data-consent", "data-consent-vendor", "data-consent-open", "data-language", "data-src"} <= attributes
    assert [name for name in sorted(attributes) if not re.search(rf"{name}\b", GUIDE)] == []


def test_every_kind_of_element_that_can_wait_is_documented():
    [tags] = re.findall(r"const TAGS = \[(.+?)\]", BANNER)
    [section] = re.findall(r"^## What has to wait$(.*?)^### ", GUIDE, re.MULTILINE | re.DOTALL)
    words = {"img": "image", "iframe": "iframe", "link": "style sheet"}

    assert [tag for tag in re.findall(r"\w+", tags) if words.get(tag, tag) not in section] == []


def test_the_custom_properties_are_those_of_the_style_sheet():
    read = set(re.findall(r"var\((--privacy-consent-\w+)", (ROOT / "consent" / "banner.css").read_text()))

    assert set(re.findall(r"^  (--privacy-consent-\w+):", GUIDE, re.MULTILINE)) == read


def test_the_stub_is_the_one_that_the_desk_shows():
    _about, *parts = (ROOT / "consent" / "defaults.js").read_text().strip().split("\n\n")

    assert "```js\n" + "\n\n".join(parts) + "\n```" in GUIDE


@pytest.mark.parametrize("text", [GUIDE, RECIPES], ids=["developer.md", "recipes.md"])
def test_vendors_in_the_examples_are_those_of_the_catalogue(text):
    named = {slug for names in re.findall(r'data-consent-vendor="([^"]+)"', text) for slug in names.split()}

    assert named - catalogue.entries().keys() == set()
