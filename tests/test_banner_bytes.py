"""The banner as two files: what their bytes are, hold and weigh. Its behaviour is in tests/browser and tests/js."""

import base64
import copy
import hashlib
import json
import re

import brotli
import pytest

from consent import banner

LABELS = banner.LABELS | banner.DETAILS


@pytest.fixture
def content(published):
    return json.loads(published.document)["content"]


@pytest.fixture
def largest(content):
    """A web site with all fifteen vendors of the example content."""
    website = copy.deepcopy(content["websites"][0])
    for asked in website["categories"]:
        asked["vendors"] = [v["slug"] for v in content["cookie_vendors"] if v["category"] == asked["slug"]]
    assert sum(len(asked["vendors"]) for asked in website["categories"]) == 15
    return website


def told(content, website):
    """What the first file is told of the site, and what the second."""
    return banner._config(website, content), banner._explained(website, content)


def test_all_before_the_last_line_hashes_to_the_digest_in_it(content, largest):
    payload = banner.files(largest, content, 1).payload

    served, digest = banner.serve(payload)

    before, last = served[: served.rindex(b"\n", 0, -1) + 1], served.splitlines()[-1]
    assert before == payload
    assert digest == hashlib.sha256(before).hexdigest()
    assert last.decode() == f'("{digest}");'


def test_the_first_file_names_the_second_by_its_bytes(content, largest):
    """So that whoever has the bytes of the first, or pins them, has those of the second."""
    files = banner.files(largest, content, 1)

    assert f'details:"{hashlib.sha256(files.details).hexdigest()}"' in files.payload.decode()


def test_integrity_is_as_browsers_compute_it():
    expected = base64.b64encode(hashlib.sha384(b"alert(1)").digest()).decode()

    assert banner.integrity(b"alert(1)") == f"sha384-{expected}"


def test_the_same_version_gives_the_same_bytes(content, largest):
    assert banner.files(largest, content, 1) == banner.files(copy.deepcopy(largest), copy.deepcopy(content), 1)


def test_another_word_gives_other_bytes(content, largest):
    changed = largest | {"banner_text": largest["banner_text"] | {"nl": "Wij vragen iets anders."}}

    assert banner.files(largest, content, 1).payload != banner.files(changed, content, 1).payload


def test_another_word_of_the_second_file_gives_other_bytes_of_the_first(content, largest):
    changed = copy.deepcopy(content)
    changed["cookie_vendors"][0]["purpose"]["nl"] = "Doet iets anders"

    assert banner.files(largest, content, 1).payload != banner.files(largest, changed, 1).payload


def test_every_text_is_there_in_both_languages(content, largest):
    first, second = told(content, largest)
    texts = first["text"] | second["text"]

    assert texts.keys() == LABELS.keys() | {"title", "text", "mine"}
    for name, text in texts.items():
        assert isinstance(text, list), name
        assert all(text), name
        assert len({frozenset(re.findall(r"{\w+}", side)) for side in text}) == 1, name
    assert texts["accept"] == ["Accept all", "Alles accepteren"]
    assert texts["reject"] == ["Reject all", "Alles weigeren"]
    assert texts["manage"] == ["Manage preferences", "Zelf instellen"]


def test_only_what_needs_consent_has_a_fingerprint_and_is_held_back(content, largest):
    config, _explained = told(content, largest)

    fingerprints = {category["slug"]: category.get("fingerprint") for category in config["categories"]}
    assert fingerprints == {
        asked["slug"]: asked["fingerprint"] if asked["needs_consent"] else None for asked in largest["categories"]
    }
    hosts = {vendor["slug"]: vendor["hosts"] for vendor in content["cookie_vendors"]}
    assert all(hosts.values())
    for category in config["categories"]:
        for slug, *held in category["vendors"]:
            assert [host.removesuffix("/") for host in held] == (hosts[slug] if "fingerprint" in category else [])
            assert all("/" in host for host in held)


def test_a_category_without_vendors_is_not_mentioned(content, largest):
    fewer = largest | {"categories": [asked for asked in largest["categories"] if asked["slug"] != "marketing"]}
    names = next(c["purpose"] for c in content["cookie_categories"] if c["slug"] == "marketing")

    details = banner.files(fewer, content, 1).details.decode()

    assert names["en"] in banner.files(largest, content, 1).details.decode()
    assert names["en"] not in details
    assert names["nl"] not in details


def test_only_names_that_a_script_can_remove_are_told(content, largest):
    vendor = content["cookie_vendors"][0]
    common = {"lifetime": {"value": "P1D"}}
    vendor["cookies"] = [
        {"name": name, "storage": storage, "party": party, "http_only": http_only} | common
        for name, storage, party, http_only in [
            ("_own*", "cookie", "first", False),
            ("_theirs", "cookie", "third", False),
            ("_server", "cookie", "first", True),
            ("kept", "local", "first", False),
            ("kept-here", "session", "first", False),
            ("pixel", "pixel", "first", False),
            # Versions of earlier releases may hold names that would take in everything of the site.
            ("*", "cookie", "first", False),
            ("_**", "local", "first", False),
        ]
    ]

    _config, explained = told(content, largest)
    described = explained["categories"]

    [found] = [entry for category in described for entry in category[2:] if entry[0] == vendor["name"]]
    assert found[6] == [["_own*"], ["kept"], ["kept-here"]]


# -- Signals -------------------------------------------------------------------------------------


def signals_of(content, website):
    return told(content, website)[0]["signals"]


def test_a_signal_follows_the_vendors_that_declare_it_and_else_the_categories(content, largest):
    signals = signals_of(content, largest)["gtag"]

    assert signals["ad_storage"] == ["google-doubleclick", "ga-audiences"]
    assert signals["security_storage"] == ["functional"]
    assert signals["functionality_storage"] == []


def test_tags_of_microsoft_are_told_where_somebody_declares_their_signals(content, largest):
    assert signals_of(content, largest).keys() == {"gtag"}
    content["cookie_categories"][2]["signals"] += ["uet:ad_storage", "clarity:ad_Storage"]

    signals = signals_of(content, largest)

    assert signals["uet"] == {"ad_storage": ["marketing"]}
    assert signals["clarity"] == {"ad_Storage": ["marketing"], "analytics_Storage": []}


def test_security_is_granted_where_nobody_says_otherwise(content, largest):
    content["cookie_categories"][0]["signals"] = []

    assert signals_of(content, largest)["gtag"]["security_storage"] == ["functional"]


def test_a_site_without_signals_is_told_of_none(content, largest):
    for entry in [*content["cookie_categories"], *content["cookie_vendors"]]:
        entry["signals"] = []

    assert signals_of(content, largest) == {}


# -- Looks ---------------------------------------------------------------------------------------


def css_of(content, website):
    return told(content, website)[0]["css"]


def test_the_looks_of_a_site_stand_behind_those_of_the_page(content, largest):
    looks = {
        "background": "#ffffff",
        "foreground": "#112233",
        "accent": "#0a5ca8",
        "radius": 0,
        "fonts": "Inter, Arial",
    }

    css = css_of(content, largest | {"looks": looks, "position": "bottom"})

    for said in (
        "var(--privacy-consent-background,#ffffff)", "var(--privacy-consent-text,#112233)",
        "var(--privacy-consent-accent,#0a5ca8)", "var(--privacy-consent-radius,0px)",
        "var(--privacy-consent-font,'Inter','Arial')", "var(--privacy-consent-place,end stretch)",
        "var(--privacy-consent-width,100%)",
    ):  # fmt: skip
        assert said in css


@pytest.mark.parametrize(
    ("fonts", "said"),
    [
        # A name of which a word begins with a digit is none to CSS, unless it is quoted.
        ("Source Sans 3 , Exo 2,sans-serif", "'Source Sans 3','Exo 2',sans-serif"),
        ("inherit, SYSTEM-UI, Serif Pro", "'inherit',SYSTEM-UI,'Serif Pro'"),
    ],
)
def test_a_font_is_a_name_and_only_the_kinds_that_css_knows_are_words_of_css(content, largest, fonts, said):
    css = css_of(content, largest | {"looks": largest["looks"] | {"fonts": fonts}})

    assert f"var(--privacy-consent-font,{said})" in css


@pytest.mark.parametrize("position", ["corner", "bottom", "centre"])
def test_the_looks_of_a_site_change_nothing_else(content, largest, position):
    plain = css_of(content, largest)
    other = css_of(content, largest | {"position": position})

    assert re.sub(r"(--privacy-consent-\w+,)[^)]*", r"\1", other) == re.sub(
        r"(--privacy-consent-\w+,)[^)]*", r"\1", plain
    )


# -- Weight --------------------------------------------------------------------------------------


def weight(file):
    return len(brotli.compress(file, quality=11))


def test_what_the_files_are_told_is_in_their_bytes(content, largest):
    first, second = told(content, largest)
    files = banner.files(largest, content, 7)

    payload, details = files.payload.decode(), files.details.decode()
    assert all(side in payload for text in first["text"].values() for side in text)
    assert all(side in details for text in second["text"].values() for side in text)
    assert "version:7" in payload


def test_with_fifteen_vendors_it_weighs_six_kilobytes_and_ten_with_the_second_layer(content, largest):
    files = banner.files(largest, content, 1)
    first = weight(banner.serve(files.payload)[0])

    assert first <= 6 * 1024
    assert first + weight(files.details) <= 10 * 1024


def test_what_the_first_file_hands_over_the_second_takes_in_the_same_order():
    """Positions, because names would be sent twice."""
    lists = [
        re.search(pattern, (banner.HERE / name).read_text(), re.DOTALL)[1].replace("\n", " ").split(",")
        for name, pattern in (
            ("banner.js", r"const core = \(\) => \[(.*?)\];"),
            ("details.js", r"function explain\(explained, \[(.*?)\]\)"),
        )
    ]
    handed, taken = ([name.strip() for name in names if name.strip()] for names in lists)

    assert len(handed) > 20
    assert handed == taken
