"""The PDF of a version: what it says, that it is accessible, that it is always the same."""

import io
import json
import os
import re
import subprocess
import sys
from copy import deepcopy
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pikepdf
import pytest
from django.utils.translation import get_language, override
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name

from policies.content_file import load
from policies.pdf import make_pdf
from policies.reading import read
from policies.snapshot import compose

ROOT = Path(__file__).resolve().parent.parent
DIGEST = "0123456789abcdef" * 4
BREAK = "\u200b"


# -- A document, by hand -------------------------------------------------------------------


def pair(name, **more):
    """A text of its own for each language."""
    return {"en": f"{name} in English", "nl": f"{name} in het Nederlands", **more}


def same(text):
    return {"en": text, "nl": text}


def html(name):
    return {language: f"<p>{text}</p>" for language, text in pair(name).items()}


NOTHING = same("")
NETHERLANDS = {"code": "NL", "name": {"en": "Netherlands", "nl": "Nederland"}}
CONTRACT = {"basis": "contract", "article": "6(1)(b)", "name": pair("Contract"), "dpv": "eu-gdpr:A6-1-b"}


def purpose(slug, **changes):
    return {
        "slug": slug,
        "parent": None,
        "title": pair(f"Title of {slug}"),
        "description": html(f"Description of {slug}"),
        "data_subjects": ["visitor"],
        "data": ["email"],
        "legal_bases": [CONTRACT | {"explanation": pair("Explained")}],
        "retention": [{"rule": "year", "applies_when": pair("Condition"), "reason": pair("Reason")}],
        "recipients": ["azure"],
        "opt_out": {"kind": "objection", "how": pair("By letter")},
        "source": pair("A register"),
        "automation": None,
        "dpv": ["dpv:CustomerCare"],
        "dpv_processing": [],
    } | changes


def rule(slug, **changes):
    return {
        "slug": slug,
        "trigger": "end",
        "follows": None,
        "period": "P1Y",
        "is_maximum": True,
        "action": "erase",
        "needs_consent": False,
        "ends_early_on": [],
        "exceptions": [],
        "wording": pair("One year"),
        "details": [pair("Or earlier")],
    } | changes


def recipient(slug, role, **changes):
    return {
        "slug": slug,
        "kind": "named",
        "role": role,
        "role_name": pair(f"role {role}"),
        "name": pair(f"Recipient {slug}"),
        "company": f"Company {slug}",
        "country": NETHERLANDS,
        "task": pair(f"Task of {slug}"),
        "privacy_url": f"https://{slug}.example/privacy",
        "dpv": [],
    } | changes


def vendor(slug, **changes):
    return {
        "slug": slug,
        "name": f"Vendor {slug}",
        "company": f"Company of {slug}",
        "country": NETHERLANDS,
        "category": "marketing",
        "purpose": pair(f"Use of {slug}"),
        "lifetime": {"value": "P13M", "is_maximum": True, "wording": pair("Thirteen months")},
        "privacy_url": f"https://{slug}.example/vendor",
        "consent_reason": pair("Because of profiles"),
        "safeguards": ["masked"],
        "websites": ["shop"],
        "signals": [],
        "cookies": [
            {
                "name": f"_{slug}_*",
                "storage": "cookie",
                "storage_name": pair("Cookie"),
                "party": "first",
                "party_name": pair("First party"),
                "lifetime": {"value": "session", "is_maximum": False, "wording": pair("One session")},
            }
        ],
    } | changes


def section(part, **changes):
    return {"slug": part, "part": part, "heading": pair(f"Heading of {part}"), "text": html(f"About {part}")} | changes


PARTS = [
    "text", "purposes", "sharing", "transfers", "cookies", "rights",
    "contact", "principles", "measures", "service-levels",
]  # fmt: skip


def example(**changes):
    named = {"slug": "one", "dpv": []}
    return {
        "controller": {
            "name": "Voorbeeld B.V.",
            "short_name": "Voorbeeld",
            "product": "Product X",
            "website": "https://www.voorbeeld.example",
            "postal_address": "Hoofdstraat 1\n1234 AB Utrecht",
            "registration_number": "12345678",
            "email": "privacy@voorbeeld.example",
            "phone": "+31 30 123 45 67",
            "country": NETHERLANDS,
            "dpo": {"name": "F. Jansen", "email": "fg@voorbeeld.example"},
            "supervisor": {"name": pair("Authority"), "url": "https://authority.example/complaints"},
        },
        "title": {"en": "Privacy statement", "nl": "Privacyverklaring"},
        "summary_title": pair("Home"),
        "summary": html("Summary"),
        "pages": {"statement": [section(part) for part in PARTS], "summary": []},
        "data_subjects": [named | {"slug": "visitor", "name": pair("Visitor")}],
        "data_categories": [named | {"slug": "email", "name": pair("Mail"), "explanation": pair("Your own")}],
        "triggers": [],
        "statutory_exceptions": [],
        "retention_rules": [rule("year")],
        "recipients": [
            recipient("azure", "processor"),
            recipient("suppliers", "processor", kind="category"),
            recipient("twin", "joint-controller"),
            recipient("maps", "third-party"),
            recipient("police", "authority"),
        ],
        "purposes": [purpose("jobs"), purpose("pool", parent="jobs")],
        "sharing_grounds": [{"slug": "law", "name": pair("Ground"), "explanation": html("Why"), "basis": CONTRACT}],
        "transfer_safeguards": [named | {"slug": "clauses", "name": pair("Clauses")}],
        "transfers": [
            {
                "slug": "outside",
                "name": pair("Outside"),
                "explanation": html("How"),
                "countries": [NETHERLANDS],
                "safeguards": ["clauses"],
            }
        ],
        "rights": [named | {"article": "15", "name": pair("Access"), "explanation": html("Ask us")}],
        "principles": [named | {"name": pair("Principle"), "explanation": html("Principled")}],
        "measures": [named | {"name": pair("Measure"), "explanation": html("Measured")}],
        "service_levels": [{"slug": "up", "name": pair("Uptime"), "explanation": html("Always")}],
        "cookie_categories": [
            named | {"slug": "functional", "name": pair("Needed"), "purpose": pair("To work"), "needs_consent": False},
            named | {"slug": "marketing", "name": pair("Ads"), "purpose": pair("To sell"), "needs_consent": True},
        ],
        "vendor_safeguards": [{"slug": "masked", "name": pair("Masked address")}],
        "cookie_vendors": [vendor("ads")],
        "own_storage": [
            {
                "name": "privacy_consent",
                "storage_name": pair("Kept as cookie"),
                "lifetime": {"value": "P182D", "is_maximum": False, "wording": pair("Half a year")},
                "purpose": pair("Remembers"),
            }
        ],
        "websites": [
            {"slug": "shop", "name": pair("Shop"), "categories": [], "hosts_statement": True, "consent_days": 182}
        ],
    } | changes


def document(number=2, **changes):
    return {
        "format": 1,
        "number": number,
        "previous": "fedcba9876543210" * 4 if number > 1 else "",
        "effective_at": "2021-11-08T00:00:00+01:00",
        "change_summary": pair("What is new"),
        "content": example(**changes),
    }


def statement_of(*sections):
    """The content of a statement that consists of ``sections``."""
    return {"pages": {"statement": list(sections), "summary": []}}


# -- Reading a PDF from outside ------------------------------------------------------------


def pdf_of(document, language="en", digest=DIGEST):
    return pikepdf.open(io.BytesIO(make_pdf(document, digest=digest, language=language)))


def structure(pdf):
    """Every structure element, in reading order, with its depth."""
    found = []

    def walk(node, depth):
        if isinstance(node, Array):
            for child in node:
                walk(child, depth)
        elif isinstance(node, Dictionary) and Name.S in node:
            found.append((depth, node))
            if Name.K in node:
                walk(node.K, depth + 1)

    walk(pdf.Root.StructTreeRoot.K, 0)
    return found


def bookmarks(pdf):
    """The titles of the outline, depth first, without the numbers before them."""
    with pdf.open_outline() as outline:
        waiting, titles = list(outline.root), []
        while waiting:
            item = waiting.pop(0)
            titles.append(re.sub(r"^[\d.]+ ", "", item.title).replace(BREAK, ""))
            waiting = [*item.children, *waiting]
    return titles


def links(pdf):
    return [note for page in pdf.pages for note in page.obj.get(Name.Annots, []) if note.Subtype == Name.Link]


def character_map(font):
    """What the glyphs of a font stand for: ``{glyph: text}``."""

    def text(code):
        return bytes.fromhex(code).decode("utf-16-be")

    mapping, source = {}, font.ToUnicode.read_bytes().decode("latin-1")
    for block in re.findall(r"beginbfchar(.*?)endbfchar", source, re.DOTALL):
        for glyph, meaning in re.findall(r"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", block):
            mapping[int(glyph, 16)] = text(meaning)
    for block in re.findall(r"beginbfrange(.*?)endbfrange", source, re.DOTALL):
        for first, last, meaning in re.findall(r"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", block):
            for offset in range(int(last, 16) - int(first, 16) + 1):
                mapping[int(first, 16) + offset] = text(meaning)[:-1] + chr(ord(text(meaning)[-1]) + offset)
    return mapping


def words_of_page(page):
    """The characters of a page as they were drawn, footer included, without white space."""
    fonts = {name: character_map(font) for name, font in page.obj.Resources.get(Name.Font, {}).items()}
    said, current, replaced = [], {}, []
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) in {"BDC", "BMC"}:
            properties = operands[1] if len(operands) > 1 else None
            has_text = isinstance(properties, Dictionary) and Name.ActualText in properties
            replaced.append(has_text)
            if has_text:
                said.append(str(properties.ActualText))
        elif str(operator) == "EMC":
            replaced.pop()
        elif str(operator) == "Tf":
            current = fonts[str(operands[0])]
        elif str(operator) in {"Tj", "TJ"} and not any(replaced):
            runs = operands[0] if str(operator) == "TJ" else [operands[0]]
            for run in runs:
                if isinstance(run, pikepdf.String):
                    glyphs = bytes(run)
                    codes = (int.from_bytes(glyphs[i : i + 2], "big") for i in range(0, len(glyphs), 2))
                    said.append("".join(current.get(code, "") for code in codes))
    return squeezed("".join(said))


def words_of(pdf):
    return "".join(words_of_page(page) for page in pdf.pages)


def squeezed(text):
    """Without white space, soft hyphens and the invisible places where a line may end."""
    return re.sub(r"[\s\u200b\u00ad]", "", text)


def text_of_html(source):
    pieces = []
    reader = HTMLParser()
    reader.handle_data = pieces.append
    reader.feed(source)
    reader.close()
    return "".join(pieces)


# -- What it says --------------------------------------------------------------------------

# Not for the reader, or said in other words.
NOT_SAID = {
    "slug", "dpv", "dpv_processing", "basis", "article", "code", "kind", "role", "part", "parent", "value",
    "trigger", "follows", "period", "action", "ends_early_on", "exceptions", "needs_consent", "is_maximum",
    "storage", "party", "category", "signals", "short_name", "summary_title", "summary", "triggers",
    "statutory_exceptions", "hosts_statement", "categories",
}  # fmt: skip


def sayings(value, key=""):
    """Every text in ``value`` that a reader should find."""
    if key in NOT_SAID:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from sayings(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from sayings(item, key)
    elif isinstance(value, str) and value:
        text = text_of_html(value) if value.startswith("<") else value
        yield from text.splitlines() if key == "postal_address" else [re.sub(r"^https?://(www\.)?", "", text)]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_everything_that_a_version_says_in_a_language_stands_in_its_pdf(language):
    version = document()
    version["content"]["cookie_vendors"].append(vendor("quiet", category="functional"))
    version["content"]["purposes"][1]["recipients"] = ["suppliers", "twin", "maps", "police"]

    said = words_of(pdf_of(version, language))

    expected = list(sayings(read(version["content"], language)))
    assert len(expected) > 100
    assert [text for text in expected if squeezed(text) not in said] == []


def test_nothing_of_the_other_language_stands_in_a_pdf():
    version = document()

    said = words_of(pdf_of(version, "nl"))

    assert "inhetNederlands" in said
    assert "inEnglish" not in said


@pytest.mark.parametrize(("language", "date"), [("en", "8 November 2021"), ("nl", "8 november 2021")])
def test_the_first_page_says_which_version_it_is_since_when_and_what_changed(language, date):
    version = document(number=7)

    pdf = pdf_of(version, language)
    first = words_of_page(pdf.pages[0])

    for fact in ["Voorbeeld B.V.", "7", date, version["change_summary"][language], DIGEST, version["previous"]]:
        assert squeezed(fact) in first


def test_the_first_version_names_no_version_before_it():
    words = words_of(pdf_of(document(number=1)))

    assert "SHA-256" in words
    assert "SHA-256ofversion" not in words


def test_every_page_carries_version_digest_and_its_number():
    many = [purpose(f"p{number}") for number in range(12)]
    pdf = pdf_of(document(purposes=many))

    assert len(pdf.pages) > 4
    for number, page in enumerate(pdf.pages, start=1):
        said = words_of_page(page)
        assert f"Version2SHA-256{DIGEST}" in said
        assert f"Page{number}of{len(pdf.pages)}" in said


def test_what_is_missing_is_said():
    silent = purpose(
        "silent", data_subjects=[], data=[], legal_bases=[], recipients=[], opt_out=None, source=NOTHING,
        retention=[{"rule": "unknown", "applies_when": pair("see the table"), "reason": NOTHING}],
    )  # fmt: skip
    unknown = rule("unknown", trigger=None, period="", wording=same("Not stated"), details=[])
    sections = statement_of(section("purposes"))

    said = words_of(pdf_of(document(purposes=[silent], retention_rules=[unknown], **sections)))

    assert squeezed("Whose data Not stated") in said
    assert squeezed("What we use Not stated") in said
    assert squeezed("Legal basis Not stated") in said
    assert squeezed("How long Not stated. See the table in English.") in said
    assert squeezed("Who receives it No particular recipients are named for this purpose.") in said
    assert squeezed("Your choice") not in said


def test_contact_details_that_nobody_filled_in_are_said_to_be_missing():
    version = document(**statement_of(section("contact")))
    version["content"]["controller"] |= {"postal_address": "", "email": "", "phone": "", "registration_number": ""}
    version["content"]["controller"]["dpo"] = {"name": "", "email": ""}

    assert words_of(pdf_of(version)).count("Notstated") == 6


def test_a_category_of_recipients_is_no_company_that_lacks_a_country():
    kind = recipient("all", "authority", kind="category", company="", country=None, task=NOTHING, privacy_url="")

    said = words_of(pdf_of(document(recipients=[kind], purposes=[], **statement_of(section("sharing")))))

    assert squeezed("Authorities Categories Recipient all in English Version") in said
    assert "Notstated" not in said


def test_a_part_without_entries_is_said_to_be_missing():
    said = words_of(pdf_of(document(transfers=[], **statement_of(section("transfers")))))

    assert squeezed("About transfers in English Not stated") in said


def test_a_category_without_providers_says_so_and_is_no_empty_table():
    pdf = pdf_of(document(cookie_vendors=[], own_storage=[], **statement_of(section("cookies"))))

    assert "Noprovidersinthiscategory." in words_of(pdf)
    assert [node for _, node in structure(pdf) if str(node.S) == "/Table"] == []


def test_own_storage_is_declared_even_where_every_category_needs_consent():
    categories = [entry for entry in example()["cookie_categories"] if entry["needs_consent"]]

    said = words_of(pdf_of(document(cookie_categories=categories, **statement_of(section("cookies")))))

    assert "privacy_consent" in said


# -- That everybody can use it --------------------------------------------------------------


@pytest.mark.parametrize(("language", "title"), [("en", "Privacy statement"), ("nl", "Privacyverklaring")])
def test_a_pdf_is_tagged_and_knows_its_language_and_title(language, title):
    pdf = pdf_of(document(), language)

    assert pdf.check_pdf_syntax() == []
    assert bool(pdf.Root.MarkInfo.Marked) is True
    assert str(pdf.Root.Lang) == language
    assert str(pdf.docinfo["/Title"]) == title
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle) is True
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == title


def test_bookmarks_follow_the_sections_and_what_is_in_them():
    sections = statement_of(section("text"), section("purposes"), section("rights"))

    assert bookmarks(pdf_of(document(**sections))) == [
        "Contents",
        "Heading of text in English",
        "Heading of purposes in English",
        "Title of jobs in English",
        "Title of pool in English",
        "Heading of rights in English",
        "Access in English",
    ]


def test_no_heading_level_is_skipped():
    pdf = pdf_of(document())
    levels = [int(str(node.S)[2]) for _, node in structure(pdf) if re.fullmatch(r"/H\d", str(node.S))]

    assert levels[0] == 1
    assert set(levels) == {1, 2}


def test_every_table_has_header_cells_that_say_what_they_head():
    pdf = pdf_of(document())
    elements = structure(pdf)
    tables = [node for _, node in elements if str(node.S) == "/Table"]
    headers = [node for _, node in elements if str(node.S) == "/TH"]

    assert len(tables) == 8  # grounds, four roles, own storage, providers, their cookies
    assert len(headers) == 3 + 4 * 4 + 4 + 5 + 4
    for header in headers:
        assert any(attributes.get(Name.Scope) == Name.Column for attributes in header.A)


def test_the_facts_of_a_purpose_are_a_list_of_labels_and_values():
    pdf = pdf_of(document(**statement_of(section("purposes"))))
    items = [node for _, node in structure(pdf) if str(node.S) == "/LI"]

    assert items
    for item in items:
        assert [str(child.S) for child in item.K] == ["/Lbl", "/LBody"]


def test_a_long_table_repeats_its_header_on_each_page():
    vendors = [vendor(f"v{number}", cookies=[]) for number in range(40)]
    pdf = pdf_of(document(cookie_vendors=vendors, **statement_of(section("cookies"))))

    pages = [words_of_page(page) for page in pdf.pages]
    with_vendors = [page for page in pages if "Vendorv" in page]
    assert len(with_vendors) > 2
    assert all("ProviderCompanyandcountryPurposeKeptfor" in page for page in with_vendors)


def test_links_say_where_they_lead():
    pdf = pdf_of(document())
    found = links(pdf)

    addresses = {str(link.A.URI) for link in found if Name.A in link}
    assert {"mailto:privacy@voorbeeld.example", "tel:+31301234567", "https://ads.example/vendor"} <= addresses
    assert all(str(link.Contents) for link in found)


def test_the_address_behind_words_can_be_read_on_paper():
    text = {"en": '<p>Ask <a href="https://www.example.nl/ask">us</a>.</p>', "nl": "<p>x</p>"}

    said = words_of(pdf_of(document(**statement_of(section("text", text=text)))))

    assert "Askus(example.nl/ask)." in said


def test_rich_text_keeps_its_paragraphs_and_lists():
    text = same(
        "<p>One <strong>two</strong><br>three</p>\n<ul>\n<li>a</li>\n<li>b <em>c</em></li>\n</ul>\n<ol><li>d</li></ol>"
    )
    pdf = pdf_of(document(**statement_of(section("text", text=text))))

    tags = [str(node.S) for _, node in structure(pdf)]
    chapter = tags[tags.index("/H1", tags.index("/H1") + 1) :]
    assert chapter.count("/L") == 2
    assert chapter.count("/LI") == 3
    assert "Onetwothree–a–bc1.d" in words_of(pdf)


# -- That no text is markup ------------------------------------------------------------------

HOSTILE = [
    '#import "/etc/passwd": *',
    "#panic()",
    "*bold* _it_ `raw` $x^2$ = Heading",
    "back\\slash \\u{41} \\#",
    "<script>alert(1)</script> &amp; <b>",
    "// comment /* and */ ~ -- --- ...",
    "@label <label> [x] {y} %(page)s {page}",
    "\"quotes\" 'single'",
    "https://example.nl/" + "very-long/" * 30,
    "x" * 400,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stands_there_as_it_was_typed(text):
    version = document(
        title=same(text),
        purposes=[purpose("evil", title=same(text), source=same(text))],
        cookie_vendors=[vendor("evil", name=text)],
        **statement_of(section("purposes"), section("cookies", heading=same(text))),
    )

    pdf = pdf_of(version)

    assert bookmarks(pdf).count(text) == 2
    said = words_of(pdf)
    assert said.count(squeezed(text)) >= 4


@settings(max_examples=12, deadline=None)
@given(st.text(st.sampled_from("#$*_`\\/<>[]{}()@~=+-'\"&;:!?,. aéß1"), min_size=1, max_size=60).filter(str.strip))
def test_no_combination_of_signs_is_markup(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    sections = statement_of(section("text", heading=same(text), text=same(f"<p>{escaped}</p>")))

    pdf = pdf_of(document(**sections))

    assert " ".join(bookmarks(pdf)[1].split()) == " ".join(text.split())
    assert words_of(pdf).count(squeezed(text)) >= 2


@settings(max_examples=12, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_no_character_keeps_a_version_from_being_published(text):
    pdf = pdf_of(document(**statement_of(section("text", heading=same(f"Heading {text}")))))

    assert bookmarks(pdf)[1].startswith("Heading")


def test_a_character_without_a_glyph_is_named_by_its_code_point():
    pdf = pdf_of(document(**statement_of(section("text", heading=same("Tokyo 東京 \U0001f600 \x00")))))

    assert bookmarks(pdf)[1] == "Tokyo [U+6771][U+4EAC] [U+1F600] [U+0000]"
    assert "Tokyo[U+6771][U+4EAC][U+1F600][U+0000]" in words_of(pdf)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "https://", "", "https://x.nl/" + "a" * 3000]
)
def test_an_address_of_another_kind_is_text_and_not_a_link(address):
    text = same(f'<p><a href="{address}">words</a></p>')
    pdf = pdf_of(document(**statement_of(section("text", text=text))))

    assert "words" in words_of(pdf)
    assert [link for link in links(pdf) if Name.A in link] == []


# -- That it is always the same --------------------------------------------------------------


def test_the_same_version_gives_the_same_bytes():
    first = make_pdf(document(), digest=DIGEST, language="nl")
    with override("en"):
        second = make_pdf(deepcopy(document()), digest=DIGEST, language="nl")

    assert first == second
    assert first != make_pdf(document(), digest=DIGEST[::-1], language="nl")


def test_another_machine_at_another_time_makes_the_same_bytes(tmp_path):
    """Another process, place on the globe, home directory and order of hashes."""
    script = (
        "import json, sys, django; django.setup()\n"
        "from policies.pdf import make_pdf\n"
        "sys.stdout.buffer.write(make_pdf(json.load(sys.stdin), digest=sys.argv[1], language='nl'))"
    )
    elsewhere = {
        "TZ": "Pacific/Auckland",
        "HOME": str(tmp_path),
        "PYTHONHASHSEED": "7",
        "LANG": "C",
        "PYTHONPATH": str(ROOT),
    }
    result = subprocess.run(
        [sys.executable, "-c", script, DIGEST],
        input=json.dumps(document()).encode(),
        env=os.environ | elsewhere | {"DJANGO_SETTINGS_MODULE": "privacy_site.settings"},
        cwd=ROOT,
        capture_output=True,
        check=True,
    )

    assert result.stdout == make_pdf(document(), digest=DIGEST, language="nl")


def test_its_date_is_the_moment_from_which_the_version_is_in_force():
    version = document()

    pdf = pdf_of(version)
    information = pdf.docinfo

    made = re.match(r"D:(\d{14})", str(information["/CreationDate"]))[1]
    moment = datetime.fromisoformat(version["effective_at"]).astimezone(UTC)
    assert made == moment.strftime("%Y%m%d%H%M%S")
    assert information["/ModDate"] == information["/CreationDate"]


def test_making_a_pdf_leaves_language_and_document_as_they_were():
    version = document()
    before = deepcopy(version)

    with override("en"):
        make_pdf(version, digest=DIGEST, language="nl")
        assert get_language() == "en"

    assert version == before


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_content_of_a_fresh_install_is_all_there(language):
    load((ROOT / "content" / "pro4all.yaml").read_text(encoding="utf-8"))
    version = document() | {"content": compose()}

    pdf = pdf_of(version, language)

    said = words_of(pdf)
    texts = version["content"]
    for purpose_text in texts["purposes"]:
        assert purpose_text["title"][language] in bookmarks(pdf)
    for entry in texts["cookie_vendors"]:
        assert squeezed(entry["company"]) in said
    assert said.count("https://") == 0  # addresses are written for paper
