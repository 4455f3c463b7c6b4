"""The banner of one web site as one file: code, looks, texts in both languages, vendors.

What is served is the payload and one last line, which calls it with the payload's own
SHA-256. So anybody can check a record: all that stands before the last line of the kept
bytes hashes to the digest that the record names.
"""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from retention.languages import Bilingual, in_both

HERE = Path(__file__).parent

# A text is one string where both languages say the same.
Text = str | list[str]

# Words in braces are filled in by the browser and stay as they are in a translation.
LABELS = {
    "accept": _("Accept all"),
    "reject": _("Reject all"),
    "manage": _("Manage preferences"),
    "more": _("More about cookies"),
    "settings": _("Cookie settings"),
    "save": _("Save my choice"),
    "close": pgettext_lazy("banner", "Close"),
    "always": pgettext_lazy("banner: functional cookies", "Always on"),
    "vendors": pgettext_lazy("banner", "Providers"),
    "company": pgettext_lazy("banner", "Company"),
    "country": pgettext_lazy("banner", "Country"),
    "purpose": pgettext_lazy("banner", "Purpose"),
    "lifetime": pgettext_lazy("banner: how long a cookie stays", "Kept for"),
    "statement": _("Privacy statement of {name}"),
    "saved": _("Your choice has been saved."),
    "kept": _(
        "We could not store your choice yet. It is kept in this browser and sent again later; "
        "until then optional cookies stay off."
    ),
    "failed": _("Your choice could not be stored, so optional cookies stay off. Reload the page and choose again."),
    "gpc": _("Your privacy signal (GPC) is honoured: optional cookies are off."),
    "held": _(
        "Here you would see something from {name} ({company}, {country}). Purpose: {purpose}. "
        "Your browser contacts {name} only if you allow it."
    ),
    "allow": _("Allow {name}"),
    "heldCategory": _("Here you would see something that is shown only if you allow cookies for: {name}."),
}


def payload(website: dict[str, Any], document: dict[str, Any]) -> bytes:
    """The banner of ``website``, an entry of the version's document, without the last line.

    A function of its arguments, the code and the translations: the same in every process.
    """
    config = json.dumps(_config(website, document), ensure_ascii=False, separators=(",", ":"))
    code = _code()
    return f'((config)=>{{"use strict";\n{code}\nreturn(digest)=>start(config,digest)}})({config})\n'.encode()


def serve(payload: bytes) -> tuple[bytes, str]:
    """The bytes to serve and the digest: SHA-256 of all that stands before the last line."""
    digest = hashlib.sha256(payload).hexdigest()
    return payload + f'("{digest}");\n'.encode(), digest


def _config(website: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    content = document["content"]
    categories = {category["slug"]: category for category in content["cookie_categories"]}
    vendors = {vendor["slug"]: vendor for vendor in content["cookie_vendors"]}
    text = {name: _text(in_both(lambda language, label=label: str(label))) for name, label in LABELS.items()}
    text |= {"title": _text(website["banner_title"]), "text": _text(website["banner_text"])}
    return {
        "website": website["slug"],
        "version": document["number"],
        "days": website["consent_days"],
        "language": website["default_language"],
        "text": text,
        "categories": [
            {
                "slug": asked["slug"],
                "name": _text(categories[asked["slug"]]["name"]),
                "purpose": _text(categories[asked["slug"]]["purpose"]),
                **({"fingerprint": asked["fingerprint"]} if asked["needs_consent"] else {}),
                "vendors": [_vendor(vendors[slug]) for slug in asked["vendors"]],
            }
            for asked in website["categories"]
        ],
        "css": _css(),
    }


def _vendor(vendor: dict[str, Any]) -> list[Text]:
    return [
        vendor["slug"],
        vendor["name"],
        vendor["company"],
        _text(vendor["country"]["name"]),
        _text(vendor["purpose"]),
        _text(vendor["lifetime"]["wording"]),
        vendor["privacy_url"],
    ]


def _text(texts: Bilingual) -> Text:
    return texts["en"] if texts["en"] == texts["nl"] else [texts["en"], texts["nl"]]


@cache
def _code() -> str:
    """banner.js without its comments and indentation, which stand on lines of their own."""
    source = re.sub(r"^\s*/\*\*(?:(?!\*/).)*\*/$", "", (HERE / "banner.js").read_text(), flags=re.DOTALL | re.MULTILINE)
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


@cache
def _css() -> str:
    """banner.css on one line, without comments."""
    source = re.sub(r"/\*.*?\*/", "", (HERE / "banner.css").read_text(), flags=re.DOTALL)
    line = " ".join(source.split())
    return re.sub(r"\s?([{};,])\s?|(?<=:)\s", r"\1", line)
