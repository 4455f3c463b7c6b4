"""Dutch: complete, with every placeholder, in one voice, and really on the pages and the desk."""

import ast
import json
import re
from html.parser import HTMLParser

import polib
import pytest
from babel import Locale
from django.contrib import admin
from django.urls import reverse
from django.utils import translation
from django.utils.translation.reloader import translation_file_changed

from policies.groups import permissions_of_groups
from policies.models import ProcessingPurpose
from policies.templatetags.statement import article
from scripts import messages

CATALOGUE = polib.pofile(str(messages.ROOT / "locale" / "nl" / "LC_MESSAGES" / "django.po"))
PAGES = ["summary", "statement", "cookies", "versions", "version"]
OURS = ("retention", "policies", "consent")

# %(name)s and %s as Python fills them in, {name} as the banner does.
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}")

# Words that are the same in both languages. Anything else that is, somebody forgot.
SAME = {
    "Banner", "Browser", "Contact", "Cookie", "Cookies", "Data Privacy Vocabulary", "Global Privacy Control",
    "IndexedDB", "Passkey %(number)s", "Passkeys", "Pixel", "Privacy", "Product",
    "Code", "Excel (XLSX)", "Instrument", "Moment", "Status",
    "%(event)s: %(day)s.", "%(field)s (%(language)s)", "%(field)s: %(value)s", "%(period)s %(after)s",
    "%(place)s: %(sentence)s", "cookies/",
}  # fmt: skip

# What visitors choose between. These words also stand in the texts that staff write, so they do not drift.
FIXED = {
    "Accept all": "Alles accepteren",
    "Reject all": "Alles weigeren",
    "Manage preferences": "Zelf instellen",
    "Save my choice": "Mijn keuze opslaan",
    "Cookie settings": "Cookie-instellingen",
    "Not stated": "Niet vermeld",
}

# One word for one thing: the left never, the right instead.
TERMS = {
    r"\bGDPR\b": "AVG",
    r"\bgegevensverantwoordelijke|\bverantwoordelijke voor de verwerking\b": "verwerkingsverantwoordelijke",
    r"\bvendors?\b|\bleveranciers?\b": "aanbieder",
    r"\bretentie|\bbewaarperiode": "bewaartermijn",
    r"\bdisclaimer|\bprivacybeleid|\bprivacy policy": "verklaring",
    r"\bweb site|\bwebpagina": "website, pagina",
    r"\brechtsgrond|\bwettelijke basis": "grondslag",
    r"\bconsent\b": "toestemming",
    r"\bPDF\b": "pdf",
    r"(?<!fiscale )\bbewaarplicht": "vernietigingsstop",
    r"\bbelofte": "toezegging",
    r"\bplanner\b": "taakplanner",
}  # fmt: skip


def translations(entry):
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def said_in(entry):
    """The text with its placeholders left out: they are names, not words."""
    return " ".join(PLACEHOLDER.sub(" ", text) for text in translations(entry))


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """What Django reads is what the catalogue says now."""
    for path in messages.compile_catalogues():
        translation_file_changed(None, path)


# -- The catalogue ---------------------------------------------------------------------------------


def test_nothing_is_untranslated_guessed_or_left_over():
    assert len(CATALOGUE) > 400
    assert CATALOGUE.untranslated_entries() == []
    assert CATALOGUE.fuzzy_entries() == []
    assert CATALOGUE.obsolete_entries() == []
    assert [entry.msgid for entry in CATALOGUE if entry.msgid_plural and set(entry.msgstr_plural) != {0, 1}] == []


def test_the_catalogue_holds_what_the_sources_mark_and_nothing_else():
    held = {(entry.msgctxt or "", entry.msgid, entry.msgid_plural or "") for entry in CATALOGUE}

    assert held == set(messages.in_sources())


def test_no_call_of_gettext_in_the_code_escapes_the_search():
    """Read a second time, by Python itself: the search could be blind to a way of writing."""
    called = set()
    for directory in messages.SOURCES:
        for path in (messages.ROOT / directory).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            imported = {
                alias.asname or alias.name: alias.name.removesuffix("_lazy")
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
                for alias in node.names
                if "gettext" in alias.name
            }
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
            for call in (call for call in calls if call.func.id in imported):
                position = 1 if imported[call.func.id] in {"pgettext", "npgettext"} else 0
                # A text that is put together at run time could never be looked up.
                assert isinstance(call.args[position], ast.Constant), f"{path}:{call.lineno}"
                called.add((call.args[0].value if position else "", call.args[position].value))

    assert len(called) > 300
    assert called - {(entry.msgctxt or "", entry.msgid) for entry in CATALOGUE} == set()


def test_every_placeholder_is_in_the_translation():
    wrong = [
        (entry.msgid, text)
        for entry in CATALOGUE
        for text in translations(entry)
        # A set: a sentence may name a thing twice where the other language says “it”.
        if set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(entry.msgid + entry.msgid_plural))
    ]

    assert wrong == []


def test_what_stands_around_a_text_stays():
    """A space before or after it, a full stop, a colon: pages are put together from them."""

    def edges(text):
        return text[:1].isspace(), text[-1:].isspace(), text.rstrip()[-1:] in ".:…", "\n" in text

    wrong = [
        (entry.msgid, text) for entry in CATALOGUE for text in translations(entry) if edges(text) != edges(entry.msgid)
    ]

    assert wrong == []


def test_no_english_was_copied():
    same = {entry.msgid for entry in CATALOGUE if entry.msgid in translations(entry)}

    assert {text for text in same if text not in SAME and text.capitalize() not in SAME} == set()


# -- The voice -------------------------------------------------------------------------------------


def test_nobody_is_addressed_formally():
    formal = [entry.msgid for entry in CATALOGUE if re.search(r"\b(u|uw|uzelf)\b", said_in(entry), re.IGNORECASE)]

    assert formal == []
    assert re.search(r"\b(je|jouw)\b", " ".join(map(said_in, CATALOGUE)))


def test_quotes_and_apostrophes_are_typographic():
    # What an attribute of HTML stands between is no quotation mark.
    texts = {entry.msgid: re.sub(r"<[^>]*>", "", said_in(entry)) for entry in CATALOGUE}
    wrong = [msgid for msgid, text in texts.items() if re.search(r"[\"'“”„`]", text)]

    assert wrong == []


def test_a_thing_has_one_name():
    wrong = [
        (entry.msgid, instead)
        for entry in CATALOGUE
        for word, instead in TERMS.items()
        # Names that others gave: Google Consent Mode.
        if re.search(word, said_in(entry).replace("Consent Mode", ""), re.IGNORECASE if word.islower() else 0)
    ]

    assert wrong == []


def test_the_words_of_the_choice_are_fixed():
    known = {entry.msgid: entry.msgstr for entry in CATALOGUE if not entry.msgctxt}

    assert {text: known.get(text) for text in FIXED} == FIXED


@pytest.mark.parametrize(
    ("reference", "dutch"),
    [
        ("6(1)(b)", "artikel 6, lid 1, onder b, AVG"),
        ("7(3)", "artikel 7, lid 3, AVG"),
        ("17", "artikel 17 AVG"),
        ("13-15", "artikel 13-15 AVG"),
    ],
)
def test_the_law_is_cited_as_dutch_lawyers_do(reference, dutch):
    with translation.override("nl"):
        cited = article(reference)

    assert cited.replace("\u00a0", " ") == dutch
    # Number and word stay on one line.
    assert not re.search("(artikel|lid|onder) ", cited)


# -- On the pages and on the desk ------------------------------------------------------------------


# Hosts, paths, digests, identifiers and names of files are of no language.
ADDRESS = re.compile(r"(https?://)?[\w.-]+\.[a-z]{2,4}(/\S*)?|\S+/\S+|[0-9a-f]{12,64}|SHA-256.*")

# What Django itself says in English on a Dutch page.
DJANGO = {"Add link", "Change or view list link", "False", "Model name", "Search", "True", "auto"}

# The same word, and no mistake.
DESK = {
    "Filter", "ISO 8601", "banner", "contact", "cookie", "cookies", "pixel", "Code", "Instrument",
    # Rules and terms that have one name.
    "Art. 5", "Art. 5 UAVG", "Art. 11.7a Telecommunicatiewet", "RFC 7568", "RFC 8996", "SSL",
    "uet:ad_storage", "clarity:ad_Storage …",
}  # fmt: skip


class Sayings(HTMLParser):
    """What a reader of a page sees or hears in the page's own language: a set of strings."""

    VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
    MACHINE = {"code", "pre", "script", "style"}
    HEARD = {"alt", "aria-label", "data-label", "placeholder", "title"}

    def __init__(self, page):
        super().__init__()
        self.open = []
        self.found = set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        heard = self.HEARD | ({"value"} if (tag, attributes.get("type")) == ("input", "submit") else set())
        is_foreign = "lang" in attributes and tag != "html"
        if not is_foreign:
            for name in heard & attributes.keys():
                self.hear(attributes[name] or "")
        # Code to paste stands in a field, so that it can be selected by keyboard.
        is_machine = tag in self.MACHINE or (tag == "textarea" and "readonly" in attributes)
        if tag not in self.VOID:
            self.open.append((tag, is_foreign or is_machine))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not any(is_silent for _tag, is_silent in self.open):
            self.hear(data)

    def hear(self, text):
        self.found |= parts_of(text)


def parts_of(text):
    """What ``text`` puts together: “Cookies · Pro4all (2)” → Cookies, Pro4all."""
    text = re.sub(r"\(\d+\)", "", text)
    parts = (part.strip(" ,;:·›/()|") for part in re.split(r"[·,;:]\s", " ".join(text.split())))
    return {part for part in parts if re.match(r"[^\W\d_]{2}", part) and not ADDRESS.fullmatch(part)}


def same_in_both(value):
    """The texts in a version's document that are no translation: names, addresses, slugs."""
    if isinstance(value, str):
        return parts_of(value)
    if isinstance(value, list):
        return set().union(*map(same_in_both, value))
    if isinstance(value, dict):
        if value.keys() == {"en", "nl"}:
            return parts_of(value["nl"]) if value["en"] == value["nl"] else set()
        return set().union(value.keys(), *map(same_in_both, value.values()))
    return set()


@pytest.mark.django_db
def test_no_english_word_is_left_on_a_dutch_page(client, published):
    names = same_in_both(json.loads(published.document))
    for page in PAGES:
        said = {}
        for language in ("en", "nl"):
            with translation.override(language):
                url = reverse(page, args=[1] if page == "version" else [])
            said[language] = Sayings(client.get(url).text).found
        assert len(said["nl"]) > 10
        assert said["en"] & said["nl"] - names - SAME == set(), page

    assert {"Verklaring", "Versies", "Samenvatting", "Privacy- en cookieverklaring"} <= said["nl"]


def desk_addresses():
    """The first page, that of publishing; of each kind of row the list and a form; a history."""
    yield reverse("admin:index")
    yield reverse("admin:policies_statementversion_publish")
    yield reverse("admin:auth_user_add")
    yield reverse("admin:policies_processingpurpose_history", args=[ProcessingPurpose.objects.first().pk])
    for model in admin.site._registry:
        meta = model._meta
        if meta.app_label in {*OURS, "auth"}:
            name = f"admin:{meta.app_label}_{meta.model_name}"
            yield reverse(f"{name}_changelist")
            if row := model._default_manager.first():
                yield reverse(f"{name}_change", args=[row.pk])


@pytest.mark.django_db
def test_no_english_word_is_left_on_the_dutch_desk(client, published, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("somebody"))
    countries = {*Locale("en").territories.values()} & {*Locale("nl").territories.values()}
    names = same_in_both(json.loads(published.document)) | countries | SAME | DJANGO | DESK | {"somebody", "admin"}
    names |= permissions_of_groups().keys()
    left = {}
    for url in desk_addresses():
        said = {}
        for language in ("en", "nl"):
            page = client.get(url, headers={"accept-language": language}, follow=True)
            assert page.status_code == 200
            said[language] = Sayings(page.text).found
        assert len(said["nl"]) > 10
        if both := said["en"] & said["nl"] - names:
            left[url] = both

    assert left == {}
    index = Sayings(client.get(reverse("admin:index"), headers={"accept-language": "nl"}).text).found
    assert {"Privacybeheer", "Verwerkingsdoelen", "Bewaarregels", "Toestemmingsregistraties"} <= index
