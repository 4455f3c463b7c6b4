"""Every fact of the company's statement is on the pages, in both languages alike."""

import itertools
import re
from html.parser import HTMLParser

import pytest
import yaml

from policies.models import CookieVendor, DataCategory, ProcessingPurpose
from policies.snapshot import compose

from .conftest import CONTENT

LANGUAGES = {"en": ("/en/", "/en/statement/", "/en/cookies/"), "nl": ("/nl/", "/nl/verklaring/", "/nl/cookies/")}


class Text(HTMLParser):
    """The words of a page, and its ids."""

    def __init__(self):
        super().__init__()
        self.words, self.ids, self.headings, self._skip = [], [], [], 0

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        self._skip += tag in {"script", "style"}

    def handle_endtag(self, tag):
        self._skip -= tag in {"script", "style"}

    def handle_data(self, data):
        if not self._skip:
            self.words.append(data)


def read(client, url):
    parser = Text()
    parser.feed(client.get(url).text)
    return parser


def words(*pages):
    return re.sub(r"\s+", " ", " ".join(" ".join(page.words) for page in pages))


@pytest.fixture
def document():
    return yaml.safe_load(CONTENT.read_text(encoding="utf-8"))


# What the source does not say, because this web site itself came later: at the end of each list.
OURS = {
    "purposes": ["proof-of-choice", "site-administration"],
    "data_categories": ["cookie-choice", "browser-number", "staff-user-name", "staff-actions", "staff-session"],
    "data_subjects": ["site-staff"],
    "triggers": ["choice-recorded", "day-of-choices", "content-changed", "action-logged", "staff-session-ended"],
    "retention_rules": [
        "consent-records", "daily-counts", "sealed-days", "content-history", "admin-log", "staff-sessions",
    ],
}  # fmt: skip


def test_the_example_holds_all_that_the_statement_names(document):
    counts = {key: len(rows) - len(OURS.get(key, [])) for key, rows in document.items() if isinstance(rows, list)}

    assert counts["purposes"] == 17
    assert counts["data_categories"] == 37
    assert counts["data_subjects"] == 5
    assert counts["retention_rules"] == 12
    assert counts["recipients"] == 13
    assert counts["sharing_grounds"] == 5
    assert counts["transfers"] == 1
    assert counts["transfer_safeguards"] == 2
    assert counts["measures"] == 6
    assert counts["service_levels"] == 5
    assert counts["rights"] == 9
    assert counts["principles"] == 5
    assert counts["cookie_categories"] == 3
    assert counts["cookie_vendors"] == 15
    assert counts["vendor_safeguards"] == 4
    assert counts["websites"] == 2


def test_what_this_web_site_itself_does_comes_after_all_that_the_statement_names(document):
    for key, ours in OURS.items():
        assert [row["slug"] for row in document[key]][-len(ours) :] == ours


def test_the_purposes_of_the_statement_use_nothing_of_ours(document):
    used = {"data": "data_categories", "data_subjects": "data_subjects"}
    for purpose in document["purposes"][:17]:
        rules = {entry["rule"] for entry in purpose["retention"]}
        assert rules.isdisjoint(OURS["retention_rules"])
        assert [purpose["slug"] for key, of in used.items() if set(purpose[key]) & set(OURS[of])] == []


@pytest.mark.parametrize("file", ["pro4all.yaml", "example.yaml"])
def test_what_the_record_of_a_choice_holds_is_said_and_nothing_more(file):
    document = yaml.safe_load(CONTENT.with_name(file).read_text(encoding="utf-8"))
    proof = next(purpose for purpose in document["purposes"] if purpose["slug"] == "proof-of-choice")

    assert proof["data"] == ["cookie-choice", "browser-number"]
    assert [basis["basis"] for basis in proof["legal_bases"]] == ["legal-obligation"]


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize(
    ("key", "field", "page"),
    [
        ("purposes", "title", 1),
        ("data_subjects", "name", 1),
        ("data_categories", "name", 1),
        ("recipients", "name", 1),
        ("sharing_grounds", "name", 1),
        ("transfers", "name", 1),
        ("transfer_safeguards", "name", 1),
        ("rights", "name", 1),
        ("principles", "name", 0),
        ("measures", "name", 0),
        ("service_levels", "name", 0),
        ("cookie_categories", "name", 2),
        ("cookie_categories", "purpose", 2),
        ("vendor_safeguards", "name", 2),
        ("cookie_vendors", "purpose", 2),
    ],
)
def test_every_entry_is_on_its_page(published, client, document, language, key, field, page):
    text = words(read(client, LANGUAGES[language][page]))

    missing = [row["slug"] for row in document[key] if row[field][language] not in text]
    assert document[key]
    assert missing == []


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_vendor_is_listed_with_company_country_and_lifetime(published, client, language):
    text = words(read(client, LANGUAGES[language][2]))
    content = compose()

    for vendor in content["cookie_vendors"]:
        assert vendor["name"] in text
        assert vendor["company"] in text
        assert vendor["country"]["name"][language] in text
        assert vendor["lifetime"]["wording"][language] in text
    assert "privacy_consent" in text


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_promise_about_keeping_is_on_the_statement(published, client, language):
    text = words(read(client, LANGUAGES[language][1])).lower()
    content = compose()
    rules = {rule["slug"]: rule for rule in content["retention_rules"]}

    for purpose in content["purposes"]:
        for used in purpose["retention"]:
            sentences = [
                rules[used["rule"]]["wording"],
                *rules[used["rule"]]["details"],
                used["applies_when"],
                used["reason"],
            ]
            assert [texts for texts in sentences if texts[language].lower() not in text] == []


@pytest.mark.parametrize("page", [0, 1, 2])
def test_both_languages_have_the_same_anchors_and_outline(published, client, page):
    english, dutch = (read(client, LANGUAGES[language][page]) for language in ("en", "nl"))

    assert english.ids == dutch.ids
    assert len(english.ids) == len(set(english.ids))
    assert english.headings == dutch.headings
    assert english.headings.count("h1") == 1


@pytest.mark.parametrize("language", ["en", "nl"])
def test_headings_never_skip_a_level(published, client, language):
    for url in LANGUAGES[language]:
        levels = [int(heading[1]) for heading in read(client, url).headings]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_dutch_visitors_are_addressed_as_je(document):
    def dutch(value):
        if isinstance(value, dict):
            if "nl" in value:
                yield value["nl"]
            for item in value.values():
                yield from dutch(item)
        elif isinstance(value, list):
            for item in value:
                yield from dutch(item)

    texts = [text for text in dutch(document) if isinstance(text, str)]
    assert len(texts) > 200
    assert [text for text in texts if re.search(r"\b(u|uw|U|Uw)\b", text)] == []


def test_what_the_source_does_not_say_is_said_to_be_missing(published, client):
    statement = read(client, "/nl/verklaring/")
    text = words(statement)

    assert not DataCategory.objects.filter(uses__purpose__slug="social-media-button").exists()
    assert "Niet vermeld" in text
    assert ProcessingPurpose.objects.get(slug="spam-protection").legal_bases.count() == 0


def test_no_cookie_name_is_invented(content):
    assert CookieVendor.objects.filter(cookies__isnull=False).count() == 0
