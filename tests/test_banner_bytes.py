"""The banner as a file: what its bytes are, hold and weigh. Its behaviour is in tests/browser and tests/js."""

import copy
import hashlib
import json
import re
from pathlib import Path

import brotli
import pytest

from consent import banner

SOURCE = Path(banner.__file__).parent


@pytest.fixture
def document(published):
    return json.loads(published.document)


@pytest.fixture
def largest(document):
    """The web site with the most vendors: all fifteen of the example content."""
    website = max(document["content"]["websites"], key=lambda site: sum(len(c["vendors"]) for c in site["categories"]))
    assert sum(len(category["vendors"]) for category in website["categories"]) == 15
    return website


def configuration(payload):
    line = payload.decode().splitlines()[-1]
    return json.loads(line[line.index("({") + 1 : -1])


def test_all_before_the_last_line_hashes_to_the_digest_in_it(document, largest):
    payload = banner.payload(largest, document)

    served, digest = banner.serve(payload)

    before, last = served[: served.rindex(b"\n", 0, -1) + 1], served.splitlines()[-1]
    assert before == payload
    assert digest == hashlib.sha256(before).hexdigest()
    assert last.decode() == f'("{digest}");'


def test_the_same_version_gives_the_same_bytes(document, largest):
    assert banner.payload(largest, document) == banner.payload(copy.deepcopy(largest), copy.deepcopy(document))


def test_another_word_gives_other_bytes(document, largest):
    changed = largest | {"banner_text": largest["banner_text"] | {"nl": "Wij vragen iets anders."}}

    assert banner.payload(largest, document) != banner.payload(changed, document)


def test_every_text_is_there_in_both_languages(document, largest):
    config = configuration(banner.payload(largest, document))

    for name in banner.LABELS:
        text = config["text"][name]
        assert isinstance(text, list), name
        assert all(text), name
        assert len({frozenset(re.findall(r"{\w+}", side)) for side in text}) == 1, name
    assert config["text"]["accept"] == ["Accept all", "Alles accepteren"]
    assert config["text"]["reject"] == ["Reject all", "Alles weigeren"]
    assert config["text"]["manage"] == ["Manage preferences", "Zelf instellen"]


def test_only_what_needs_consent_has_a_fingerprint(document, largest):
    config = configuration(banner.payload(largest, document))

    fingerprints = {category["slug"]: category.get("fingerprint") for category in config["categories"]}
    expected = {
        asked["slug"]: asked["fingerprint"] if asked["needs_consent"] else None for asked in largest["categories"]
    }
    assert fingerprints == expected


def test_a_category_without_vendors_is_not_mentioned(document, largest):
    fewer = largest | {"categories": [asked for asked in largest["categories"] if asked["slug"] != "marketing"]}
    names = next(c["purpose"] for c in document["content"]["cookie_categories"] if c["slug"] == "marketing")

    payload = banner.payload(fewer, document).decode()

    assert names["en"] in banner.payload(largest, document).decode()
    assert names["en"] not in payload
    assert names["nl"] not in payload


def test_with_fifteen_vendors_it_weighs_ten_kilobytes_at_most(document, largest):
    served, _digest = banner.serve(banner.payload(largest, document))

    assert len(brotli.compress(served, quality=11)) <= 10_000


# -- What makes it safe to drop comments and indentation line by line ----------------------------


def test_no_text_in_the_code_goes_over_a_line():
    code = banner._code()

    assert "`" in code
    for line in code.splitlines():
        assert line.count("`") % 2 == 0, line
        assert not line.endswith("\\"), line


def test_the_code_lost_its_comments_and_nothing_else():
    kept, in_comment = [], False
    for line in map(str.strip, (SOURCE / "banner.js").read_text().splitlines()):
        in_comment = in_comment or line.startswith("/**")
        if line and not in_comment and not line.startswith("//"):
            kept.append(line)
        if in_comment and "*/" in line:
            assert line.endswith("*/"), "code behind a comment that starts the line"
            in_comment = False

    assert len(kept) > 300
    assert banner._code().splitlines() == kept


def test_every_declaration_of_the_looks_ends_in_a_semicolon():
    """Each becomes important by what is put before its semicolon."""
    css = banner._css()

    assert "/*" not in css
    assert '"' not in css
    for block in re.findall(r"{([^{}]*)}", css):
        assert block.endswith(";"), block
