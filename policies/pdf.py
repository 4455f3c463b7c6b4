"""A published version as a PDF: tagged, PDF/UA-1, the same bytes for the same version.

This module decides what is said and in which order; ``typst/statement.typ`` how it looks.
Texts travel between the two as data (JSON), so that nothing an editor types is markup there.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import typst
from babel.dates import format_date
from django.utils.text import capfirst
from django.utils.translation import get_language, override, pgettext
from django.utils.translation import gettext as _

from .reading import completed, read
from .templatetags.statement import article, instrument_article

TEMPLATE = Path(__file__).parent / "typst" / "statement.typ"
LINKED = re.compile(r"(https?://|mailto:|tel:)\S+$")
LONG_WORD = re.compile(r"[^\W\d_]{13,}")
BREAK = "\u200b"  # an invisible place where a line may end
LONGEST_ADDRESS = 2000  # a longer one is shown, but not linked: viewers and Typst have limits

# The European order of day and month in English too.
DATES = {"en": "en_GB", "nl": "nl"}

# A node is a string, or {"tag": …, "children": […]}; "a" has an "href", "ref" a "to".
Node = str | dict[str, Any]
Block = dict[str, Any]
Texts = dict[str, Any]  # what reading.read() gives: one language, references followed


def make_pdf(document: dict[str, Any], *, digest: str, language: str) -> bytes:
    """The PDF of ``document`` (a version's parsed JSON) in ``language``.

    ``digest`` is the SHA-256 of the version. The content must be complete as
    the review has it (``review.structure``): title and headings in both languages.
    """
    with override(language):
        statement = _statement(document, digest, language)
    effective_at = datetime.fromisoformat(document["effective_at"])
    while True:
        try:
            return _compile(statement, effective_at)
        except typst.TypstError as error:
            readable = _without(_undisplayable(error), statement)
            if readable == statement:
                raise
            statement = readable


def _compile(statement: dict[str, Any], effective_at: datetime) -> bytes:
    compiler = typst.Compiler(
        str(TEMPLATE),
        root=str(TEMPLATE.parent),
        font_paths=_fonts(),
        sys_inputs={"statement": json.dumps(statement, ensure_ascii=False)},
    )
    # Without a path to write to and as one document, the result is its bytes.
    return cast(bytes, compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=effective_at))


@cache
def _fonts() -> typst.Fonts:
    # Only those inside the wheel: the fonts of a machine would change the document.
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)


def _undisplayable(error: typst.TypstError) -> set[str]:
    """The characters for which no font has a glyph, which PDF/UA does not allow."""
    found = re.findall(r'PDF/UA-1 error: the text `"(.+?)"` could not be displayed', error.diagnostic)
    texts = (re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), text) for text in found)
    return {character for text in texts for character in text}


def _without(characters: set[str], value: Any) -> Any:
    """``value`` with each of the ``characters`` replaced by its code point: ``[U+4E2D]``."""
    if isinstance(value, str):
        return "".join(f"[U+{ord(c):04X}]" if c in characters else c for c in value)
    if isinstance(value, list):
        return [_without(characters, item) for item in value]
    if isinstance(value, dict):
        return {key: _without(characters, item) for key, item in value.items()}
    return value


# -- What is said --------------------------------------------------------------------------


def _statement(document: dict[str, Any], digest: str, language: str) -> dict[str, Any]:
    texts = read(completed(document["content"]), language)
    controller = texts["controller"]
    version = _("Version %(number)s") % {"number": document["number"]}
    in_force = format_date(datetime.fromisoformat(document["effective_at"]).date(), "long", locale=DATES[language])
    facts = [
        _fact(_("Controller"), [controller["name"]]),
        _fact(_("Version"), [str(document["number"])]),
        _fact(_("In force from"), [in_force]),
        _fact(_("What changed"), [_plain(document["change_summary"][language])]),
        _fact("SHA-256", [_tag("code", digest)]),
    ]
    if document["previous"]:
        before = _("SHA-256 of version %(number)s") % {"number": document["number"] - 1}
        facts.append(_fact(before, [_tag("code", document["previous"])]))
    return {
        "language": language,
        "title": _plain(texts["title"]),
        "controller": _plain(controller["name"]),
        "description": f"{version}, {in_force}",
        "version": version,
        "digest": digest,
        "labels": {
            "contents": _("Contents"),
            "page": _("Page %(page)s of %(pages)s") % {"page": "{page}", "pages": "{pages}"},
        },
        "facts": facts,
        "blocks": list(_blocks(texts)),
    }


def _blocks(texts: Texts) -> Iterator[Block]:
    parts = {
        "purposes": _purposes,
        "sharing": _sharing,
        "transfers": _transfers,
        "cookies": _cookies,
        "rights": _rights,
        "contact": _contact,
        "principles": lambda texts: _explained(texts["principles"], "principle"),
        "measures": lambda texts: _explained(texts["measures"], "measure"),
        "service-levels": lambda texts: _explained(texts["service_levels"], "service-level"),
    }
    for section in texts["pages"]["statement"]:
        yield _heading(1, section["heading"], section["slug"])
        if section["text"]:
            yield _text(_rich(section["text"]))
        if section["part"] != "text":
            blocks = list(parts[section["part"]](texts))
            yield from blocks or [_text(_or_missing([]))]


def _purposes(texts: Texts) -> Iterator[Block]:
    if general := list(_of_all_purposes(texts)):
        yield _facts(general)
    for purpose in texts["purposes"]:
        yield _heading(2, purpose["title"], f"purpose:{purpose['slug']}")
        yield _text(_rich(purpose["description"]))
        facts = []
        if purpose["parent"]:
            parent = {"tag": "ref", "to": f"purpose:{purpose['parent']}", "children": [_plain(purpose["parent_title"])]}
            facts.append(_fact(_("Part of"), [parent]))
        facts += [
            _fact(_("Whose data"), _or_missing(_series(purpose["data_subjects"]))),
            _fact(_("What we use"), _or_missing(_under_each_other(map(_data, purpose["data"])))),
            _fact(_("Legal basis"), _or_missing(_lines(map(_basis, purpose["legal_bases"])))),
            _fact(_("How long"), _or_missing(_lines(map(_retention, purpose["retention"])))),
            _fact(_("Who receives it"), _recipients(purpose["recipients"], purpose["stays_inside"])),
        ]
        if purpose["provision"]:
            facts.append(_fact(_("Must you give it?"), _answer(purpose["provision"], purpose["provision_consequence"])))
        if purpose["automation"] and not texts["is_never_automated"]:
            answer = _answer(purpose["automation"], purpose["automation_explained"])
            facts.append(_fact(_("Profiling and automated decisions"), answer))
        if purpose["opt_out"]:
            facts.append(_fact(_("Your choice"), _opt_out(purpose["opt_out"])))
        if purpose["source"]:
            facts.append(_fact(_("Where it comes from"), _source(purpose)))
        yield _facts(facts)


def _of_all_purposes(texts: Texts) -> Iterator[dict[str, Any]]:
    """What is said once, before the purposes, instead of with each of them."""
    controller = texts["controller"]
    if texts["is_never_automated"]:
        none = _("We use neither profiling nor automated decisions for any of these purposes.")
        yield _fact(_("Profiling and automated decisions"), [none])
    if controller["reaches_children"] is True:
        said = [_("Children under 16 may use our services and web sites."), controller["children"]]
        yield _fact(_("Children under 16"), _lines([[_plain(sentence)] for sentence in said]))
    if controller["reaches_children"] is False:
        none = _("Our services and web sites are not meant for children under 16.")
        yield _fact(_("Children under 16"), [none])


def _answer(answer: Texts, explanation: str) -> list[Node]:
    return _lines([[_tag("strong", _plain(capfirst(answer["name"])))], [_plain(explanation)]])


def _source(purpose: Texts) -> list[Node]:
    if purpose["source_is_public"] is None:
        return [_plain(purpose["source"])]
    kind = _("A public source") if purpose["source_is_public"] else _("Not a public source")
    return _lines([[_plain(purpose["source"])], [_tag("small", kind)]])


def _data(category: Texts) -> list[Node]:
    details = [
        _("special category") if category["is_special"] else "",
        _("Not obtained from you") if category["from_others"] else "",
        category["explanation"],
    ]
    nodes: list[Node] = [_plain(category["name"])]
    for detail in filter(None, details):
        nodes += [" ", _tag("small", _plain(f"({detail})"))]
    return nodes


def _basis(basis: Texts) -> list[Node]:
    nodes: list[Node] = [_tag("strong", _plain(basis["name"])), ", ", _tag("keep", article(basis["article"]))]
    if interest := basis.get("interest_of"):
        nodes.append(_plain(" (" + _("Whose interest: %(whose)s") % {"whose": interest["name"]} + ")"))
    if basis.get("explanation"):
        nodes.append(_plain(f": {basis['explanation']}"))
    return nodes


def _retention(used: Texts) -> list[Node]:
    rule, applies_when = used["rule"], used["applies_when"]
    sentences = [used["reason"], *rule["details"]]
    nodes: list[Node]
    if rule["trigger"] or rule["follows"]:
        nodes = [_tag("strong", _plain(rule["wording"])), _plain(f", {applies_when}." if applies_when else ".")]
    else:
        sentences.insert(0, f"{capfirst(applies_when)}." if applies_when else "")
        nodes = [_missing(), "." if any(sentences) else ""]
    return nodes + [_plain(f" {sentence}") for sentence in sentences if sentence]


def _recipients(recipients: list[Texts], stays_inside: bool) -> list[Node]:
    if not recipients and stays_inside:
        return [_("Nobody outside our company")]
    if not recipients:
        return [_tag("missing", _("No particular recipients are named for this purpose."))]
    return _under_each_other([_plain(f"{entry['name']} ({entry['role_name']})")] for entry in recipients)


def _opt_out(opt_out: Texts) -> list[Node]:
    name, reference = {
        "objection": (_("You can object"), "21"),
        "withdrawal": (_("You can withdraw your consent"), "7(3)"),
    }[opt_out["kind"]]
    return [_tag("strong", name), ", ", _tag("keep", article(reference)), _plain(f": {opt_out['how']}")]


def _sharing(texts: Texts) -> Iterator[Block]:
    if texts["sharing_grounds"]:
        yield _heading(2, _("When we share data"), "sharing:grounds")
        yield _table(
            [(_("Situation"), 3), (_("Explanation"), 6), (_("Legal basis"), 3)],
            [
                [
                    [_tag("strong", _plain(ground["name"]))],
                    _or_missing(_rich(ground["explanation"])),
                    _or_missing(_basis(ground["basis"]) if ground["basis"] else []),
                ]
                for ground in texts["sharing_grounds"]
            ],
        )
    names = {
        "processor": _("Processors"),
        "joint-controller": _("Joint controllers"),
        "third-party": _("Third parties"),
        "authority": _("Authorities"),
    }
    for role, name in names.items():
        recipients = [entry for entry in texts["recipients"] if entry["role"] == role]
        named = [entry for entry in recipients if entry["kind"] == "named"]
        kinds = [entry for entry in recipients if entry["kind"] != "named"]
        if recipients:
            yield _heading(2, name, f"recipients:{role}")
        if kinds:
            yield _facts([_fact(_("Categories"), _under_each_other(map(_kind_of_recipient, kinds)))])
        if named:
            yield _table(
                [(_("Recipient"), 4), (_("What for"), 4), (_("Country"), 2), (_("Privacy statement"), 4)],
                [_named_recipient(entry) for entry in named],
            )


def _kind_of_recipient(recipient: Texts) -> list[Node]:
    """Several companies at once: of them, only what is known is told."""
    country = recipient["country"]["name"] if recipient["country"] else ""
    details = "; ".join(filter(None, [recipient["task"], recipient["company"], country]))
    nodes: list[Node] = [_plain(recipient["name"])]
    if details:
        nodes += [" ", _tag("small", _plain(f"({details})"))]
    if recipient["privacy_url"]:
        nodes += [" ", *_address(recipient["privacy_url"])]
    return nodes


def _named_recipient(recipient: Texts) -> list[list[Node]]:
    return [
        _lines([[_tag("strong", _plain(recipient["name"]))], [_plain(recipient["company"])]]),
        _or_missing([_plain(recipient["task"])]),
        _or_missing([recipient["country"]["name"]] if recipient["country"] else []),
        _or_missing(_address(recipient["privacy_url"])),
    ]


def _transfers(texts: Texts) -> Iterator[Block]:
    for transfer in texts["transfers"]:
        yield _heading(2, transfer["name"], f"transfer:{transfer['slug']}")
        if transfer["explanation"]:
            yield _text(_rich(transfer["explanation"]))
        facts = [
            _fact(_("Countries"), _or_missing(_names(transfer["countries"]))),
            _fact(_("Safeguards"), _or_missing(_under_each_other(map(_safeguard, transfer["safeguards"])))),
        ]
        if transfer["certified_on"]:
            certified = format_date(date.fromisoformat(transfer["certified_on"]), "long", locale=DATES[get_language()])
            framework = _("The recipient takes part in the EU-US Data Privacy Framework.")
            facts.append(_fact(_("Certified since"), _lines([[certified], [framework]])))
        if transfer["copy_how"]:
            facts.append(_fact(_("How to get a copy"), [_plain(transfer["copy_how"])]))
        yield _facts(facts)


def _safeguard(safeguard: Texts) -> list[Node]:
    if not safeguard["instrument"]:
        return [_plain(safeguard["name"])]
    return [_plain(safeguard["name"]), ", ", _tag("keep", instrument_article(safeguard["instrument"]))]


def _cookies(texts: Texts) -> Iterator[Block]:
    own = texts["own_storage"]
    for category in texts["cookie_categories"]:
        yield _heading(2, category["name"], f"cookies:{category['slug']}")
        vendors = category["vendors"]
        facts = [
            _fact(_("Purpose"), [_plain(category["purpose"])]),
            _fact(_("Consent"), [_consent(category)]),
        ]
        if any(not vendor["websites"] for vendor in vendors):
            facts.append(_fact(_("Web sites"), [_("Not limited to particular ones, unless the table names them")]))
        yield _facts(facts)
        if vendors:
            yield _table(
                [
                    (_("Provider"), 6),
                    (_("Company and country"), 8),
                    (_("Purpose"), 7),
                    (pgettext("cookie", "Kept for"), 4),
                    (_("Safeguards and web sites"), 7),
                ],
                [_vendor(vendor, category["needs_consent"]) for vendor in vendors],
            )
        named = [(vendor, cookie) for vendor in vendors for cookie in vendor["cookies"]]
        if named:
            yield _table(
                _cookie_columns(_("Set by")),
                [
                    [
                        [_tag("code", _plain(cookie["name"]))],
                        [_plain(f"{vendor['name']} ({cookie['party_name']})")],
                        [_plain(cookie["storage_name"])],
                        [_plain(cookie["lifetime"]["wording"])],
                    ]
                    for vendor, cookie in named
                ],
            )
        if own and not category["needs_consent"]:
            yield from _own_storage(own)
            own = []
        elif not vendors:
            yield _text([_tag("p", _("No providers in this category."))])
    if own:
        yield _heading(2, _("Functional"), "cookies:own")
        yield from _own_storage(own)


def _consent(category: Texts) -> str:
    if category["needs_consent"]:
        return _("Only if you allow it")
    return _("Always on, without asking for consent")


def _vendor(vendor: Texts, needs_consent: bool) -> list[list[Node]]:
    reason: list[Node] = [_plain(vendor["consent_reason"])] if vendor["consent_reason"] else []
    if not needs_consent:
        reason = [_plain(_("Why no consent is asked:") + " "), *(reason or _or_missing([]))]
    arranged: list[Node] = []
    if vendor["analytics_conditions"] and not needs_consent:
        arranged = [
            _plain(_("Arranged, so that no consent is needed:") + " "),
            *_series(vendor["analytics_conditions"]),
        ]
    names = "; ".join(website["name"] for website in vendor["websites"])
    websites = [_tag("small", _plain(_("Only on: %(websites)s") % {"websites": names}))] if names else []
    return [
        [_tag("strong", _plain(vendor["name"]))],
        _lines([[_plain(f"{vendor['company']}, {vendor['country']['name']}")], _address(vendor["privacy_url"])]),
        _lines([[_plain(vendor["purpose"])], reason, arranged]),
        [_plain(vendor["lifetime"]["wording"])],
        _lines([_or_missing(_series(vendor["safeguards"])), websites]),
    ]


def _own_storage(entries: list[Texts]) -> Iterator[Block]:
    yield _text([_tag("p", _("We keep your choice about cookies in your browser ourselves:"))])
    yield _table(
        _cookie_columns(_("Purpose")),
        [
            [
                [_tag("code", _plain(entry["name"]))],
                [_plain(entry["purpose"])],
                [_plain(entry["storage_name"])],
                [_plain(entry["lifetime"]["wording"])],
            ]
            for entry in entries
        ],
    )


def _cookie_columns(second: str) -> list[tuple[str, int]]:
    return [
        (pgettext("cookie", "Name"), 7),
        (second, 9),
        (_("Kind of storage"), 4),
        (pgettext("cookie", "Kept for"), 4),
    ]


def _rights(texts: Texts) -> Iterator[Block]:
    for right in texts["rights"]:
        yield _heading(2, right["name"], f"right:{right['slug']}")
        yield _facts([_fact(article(right["article"]), _or_missing(_rich(right["explanation"])))])


def _contact(texts: Texts) -> Iterator[Block]:
    controller = texts["controller"]
    officer, supervisor = controller["dpo"], controller["supervisor"]
    yield _heading(2, _("Controller"), "contact:controller")
    address = _under_each_other([_plain(line)] for line in controller["postal_address"].splitlines())
    facts = [
        _fact(_("Legal name"), _or_missing([_plain(controller["name"])])),
        _fact(_("Postal address"), _or_missing(address)),
        _fact(_("Country"), _or_missing([_plain(controller["country"]["name"])])),
        _fact(_("Chamber of Commerce number"), _or_missing([_plain(controller["registration_number"])])),
        _fact(_("Email"), _or_missing(_address(controller["email"], "mailto:"))),
        _fact(_("Telephone"), _or_missing(_telephone(controller["phone"]))),
        _fact(_("Web site"), _or_missing(_address(controller["website"]))),
    ]
    if controller["contact_url"]:
        facts.append(_fact(_("Contact form"), _address(controller["contact_url"])))
    if controller["product"]:
        facts.append(_fact(_("Product"), [_plain(controller["product"])]))
    if controller["representative"]:
        lines = _under_each_other([_plain(line)] for line in controller["representative"].splitlines())
        facts.append(_fact(_("Representative in the EU"), lines))
    yield _facts(facts)
    yield _heading(2, _("Data protection officer"), "contact:officer")
    if officer["is_not_required"] and not (officer["name"] or officer["email"]):
        yield _text([_tag("p", _("We are not obliged to appoint one, and have not done so."))])
        facts = []
    else:
        facts = [
            _fact(pgettext("of a person", "Name"), _or_missing([_plain(officer["name"])])),
            _fact(_("Email"), _or_missing(_address(officer["email"], "mailto:"))),
        ]
    if controller["privacy_email"]:
        facts.append(_fact(_("Questions about privacy"), _address(controller["privacy_email"], "mailto:")))
    if facts:
        yield _facts(facts)
    yield _heading(2, _("Supervisory authority"), "contact:supervisor")
    yield _facts(
        [
            _fact(pgettext("of an authority", "Name"), _or_missing([_plain(supervisor["name"])])),
            _fact(_("Complaints"), _or_missing(_address(supervisor["url"]))),
        ]
    )


def _explained(entries: list[Texts], kind: str) -> Iterator[Block]:
    for entry in entries:
        yield _heading(2, entry["name"], f"{kind}:{entry['slug']}")
        if entry["explanation"]:
            yield _text(_rich(entry["explanation"]))


# -- Blocks --------------------------------------------------------------------------------


def _heading(level: int, text: str, anchor: str) -> Block:
    return {"kind": "heading", "level": level, "text": _plain(text), "anchor": anchor}


def _text(nodes: list[Node]) -> Block:
    return {"kind": "text", "nodes": nodes}


def _facts(facts: list[dict[str, Any]]) -> Block:
    return {"kind": "facts", "facts": facts}


def _fact(label: str, value: list[Node]) -> dict[str, Any]:
    return {"label": label, "value": value}


def _table(columns: list[tuple[str, int]], rows: list[list[list[Node]]]) -> Block:
    """A table whose ``columns`` are (label, share of the width)."""
    return {
        "kind": "table",
        "columns": [{"label": label, "width": width} for label, width in columns],
        "rows": [
            {
                "cells": [_dividable(cell) for cell in cells],
                # A row stays on one page, unless it is so long that it might not fit on any.
                "keep": max(len(_words(cell)) for cell in cells) < 500,
            }
            for cells in rows
        ],
    }


def _dividable(nodes: list[Node]) -> list[Node]:
    """``nodes`` with long words marked, which may be divided. Not in an address: its reader would type the hyphen."""
    marked: list[Node] = []
    for node in nodes:
        if isinstance(node, str):
            marked.append(_tag("dividable", node) if LONG_WORD.search(node) else node)
        elif node["tag"] == "a":
            marked.append(node)
        else:
            marked.append(node | {"children": _dividable(node["children"])})
    return marked


# -- Nodes ---------------------------------------------------------------------------------


def _plain(text: str) -> str:
    """``text`` on one line, with places where a long address or name may be broken."""
    return re.sub(r"\S{25,}", lambda run: _breakable(run[0]), re.sub(r"[ \t\r\n\f\v]+", " ", text))


def _breakable(run: str) -> str:
    parts = re.split(r"(?<=[/._=&?:@-])", run)
    return BREAK.join(
        part if _is_word(part) else re.sub(r"(.{16})(?=.)", rf"\1{BREAK}", part) for part in parts if part
    )


def _is_word(part: str) -> bool:
    """Short enough for a line, or left to hyphenation: no word of a dictionary is longer than that."""
    return len(part) <= 24 or (len(part) <= 45 and part.isalpha())


def _tag(tag: str, *children: Node) -> Node:
    return {"tag": tag, "children": list(children)}


def _lines(entries: Iterable[list[Node]]) -> list[Node]:
    """Each entry that says something as a paragraph of its own."""
    filled = [entry for entry in entries if _length(entry)]
    if len(filled) == 1:
        return filled[0]
    return [_tag("p", *entry) for entry in filled]


def _under_each_other(entries: Iterable[list[Node]]) -> list[Node]:
    """Each entry on a line of its own."""
    return [node for entry in entries for node in (_tag("br"), *entry)][1:]


def _names(entries: list[Texts]) -> list[Node]:
    return _under_each_other([_plain(entry["name"])] for entry in entries)


def _series(entries: list[Texts]) -> list[Node]:
    """The names of ``entries`` in a row; they may have commas of their own."""
    return [_plain("; ".join(entry["name"] for entry in entries))]


def _or_missing(nodes: list[Node]) -> list[Node]:
    """What is not known is said, not left out."""
    return nodes if _length(nodes) else [_missing()]


def _missing() -> Node:
    return _tag("missing", _("Not stated"))


def _length(nodes: list[Node]) -> int:
    return len(_words(nodes).strip())


def _words(nodes: list[Node]) -> str:
    """The text of ``nodes`` alone."""
    words = "".join(node if isinstance(node, str) else _words(node["children"]) for node in nodes)
    return words.replace(BREAK, "")


def _address(address: str, scheme: str = "") -> list[Node]:
    """A link to ``address`` in words that work on paper as well; nothing for no address."""
    return [_link(scheme + address, [_breakable(_on_paper(address))])] if address else []


def _telephone(number: str) -> list[Node]:
    return [_link("tel:" + re.sub(r"[^\d+]", "", number), [_plain(number)])] if number else []


def _on_paper(href: str) -> str:
    return re.sub(r"^(https?://(www\.)?|mailto:|tel:)|/$", "", href)


def _link(href: str, children: list[Node]) -> dict[str, Any]:
    linked = LINKED.match(href) and len(href) <= LONGEST_ADDRESS
    words = _words(children)
    return {
        "tag": "a" if linked else "span",
        "href": href,
        "children": children,
        "whole": len(words) <= 20 and " " not in words,  # so short that it stays on one line
    }


def _rich(html: str) -> list[Node]:
    """The HTML of a published text (see ``markdown.TAGS``) as nodes."""
    tree = _Tree()
    tree.feed(html)
    tree.close()
    return tree.nodes


class _Tree(HTMLParser):
    """Reads HTML into nodes; of a tag that is not among ours only the text is kept."""

    BLOCKS = {"p", "ul", "ol"}
    KNOWN = BLOCKS | {"li", "strong", "em", "a"}

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.open: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._add(_tag("br"))
        elif tag in self.KNOWN:
            node: dict[str, Any] = {"tag": tag, "children": [], "href": dict(attrs).get("href") or ""}
            self._add(node)
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if not any(node["tag"] == tag for node in self.open):
            return
        while (node := self.open.pop())["tag"] != tag:
            pass
        if tag == "a":
            self._close_link(node)

    def handle_data(self, data: str) -> None:
        between_blocks = not self.open or self.open[-1]["tag"] in {"ul", "ol"}
        if data.strip() or not between_blocks:
            self._add(_plain(data))

    def _add(self, node: Node) -> None:
        (self.open[-1]["children"] if self.open else self.nodes).append(node)

    def _close_link(self, node: dict[str, Any]) -> None:
        """Where the words are not the address, a reader of the paper gets the address too."""
        node |= _link(node["href"], node["children"])
        address = _on_paper(node["href"])
        if address and address not in _words(node["children"]):
            self._add(f" ({_breakable(address)})")
