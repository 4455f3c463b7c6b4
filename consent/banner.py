"""The banner of one web site: code, looks, texts in both languages, vendors.

It comes in two files. The first is all that a first visit needs: it asks, holds back and
releases. It names the second, the details, by the SHA-256 of its bytes and fetches it when the
visitor answers or wants to know more; so a record that names the first one proves both.

What is served of the first is the payload and one last line, which calls it with the
payload's own SHA-256. So anybody can check a record: all that stands before the last line of
the kept bytes hashes to the digest that the record names.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import minify
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from policies.validators import SIGNALS, is_name
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
    "kept": _("Not stored yet; your browser will try again."),
    "failed": _("That did not work. Try again."),
    "gpc": _("Privacy signal (GPC) received: optional cookies are off."),
}
DETAILS = {
    "saved": _("Your choice has been saved."),
    "receipt": pgettext_lazy("banner", "Receipt"),
    "save": _("Save my choice"),
    "close": pgettext_lazy("banner", "Close"),
    "always": pgettext_lazy("banner: functional cookies", "Always on"),
    "vendors": pgettext_lazy("banner", "Providers"),
    "lifetime": pgettext_lazy("banner: how long a cookie stays", "Kept for"),
    "statement": _("Privacy statement of {name}"),
    "held": _("Your browser contacts it only if you allow it."),
    "once": pgettext_lazy("banner", "Allow once"),
    "allow": _("Always allow {name}"),
    "history": _("Your choices and receipts"),
}


@dataclass(frozen=True)
class Files:
    """The two files of a banner: what is hashed of the first, and the second as it is served."""

    payload: bytes
    details: bytes


def files(website: dict[str, Any], content: dict[str, Any], version: int) -> Files:
    """The banner of ``website``, an entry of ``content``, which is that of ``version``.

    A function of its arguments, the code and the translations: the same in every process.
    """
    details = _framed("details.js", _explained(website, content))
    config = _config(website, content) | {"version": version, "details": hashlib.sha256(details).hexdigest()}
    return Files(_framed("banner.js", config), details)


def serve(payload: bytes) -> tuple[bytes, str]:
    """The bytes to serve and the digest: SHA-256 of all that stands before the last line."""
    digest = hashlib.sha256(payload).hexdigest()
    return payload + f'("{digest}");\n'.encode(), digest


def integrity(served: bytes) -> str:
    """What a tag says of ``served`` so that a browser runs nothing else (W3C Subresource Integrity)."""
    return "sha384-" + base64.b64encode(hashlib.sha384(served).digest()).decode()


# The fields of a web site's looks, by the custom properties whose place they take.
LOOKS = {"background": "background", "text": "foreground", "accent": "accent"}
# Those of CSS Fonts 4 that are one word; in quotation marks they would be names of fonts.
GENERIC_FAMILIES = {
    "serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui", "math",
    "ui-serif", "ui-sans-serif", "ui-monospace", "ui-rounded",
}  # fmt: skip
PLACES = {"corner": {}, "bottom": {"place": "end stretch", "width": "100%"}, "centre": {"place": "center"}}

# -- What the first file is told -----------------------------------------------------------------


def _config(website: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    vendors = _by_slug(content["cookie_vendors"])
    return {
        "website": website["slug"],
        "days": website["consent_days"],
        "domain": website["shared_domain"],
        "language": website["default_language"],
        "text": _labels(LABELS) | {"title": _text(website["banner_title"]), "text": _text(website["banner_text"])},
        "categories": [
            {
                "slug": asked["slug"],
                **({"fingerprint": asked["fingerprint"]} if asked["needs_consent"] else {}),
                "vendors": [[slug, *_held_back(vendors[slug], asked)] for slug in asked["vendors"]],
            }
            for asked in website["categories"]
        ],
        "signals": _signals(website, content),
        "css": _looks(_css("banner.css"), website),
    }


def _held_back(vendor: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    """Hosts of ``vendor`` up to a slash at least; what needs no consent is never held back."""
    return [host if "/" in host else f"{host}/" for host in vendor["hosts"]] if asked["needs_consent"] else []


def _signals(website: dict[str, Any], content: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Per tag, per signal, the vendors of which one has to be allowed; where none has it, the categories."""
    categories, vendors = (_by_slug(content[key]) for key in ("cookie_categories", "cookie_vendors"))
    tags: dict[str, dict[str, list[str]]] = {}
    for name in SIGNALS:
        tag, _colon, signal = name.rpartition(":")
        members = [
            slug for asked in website["categories"] for slug in asked["vendors"] if name in vendors[slug]["signals"]
        ]
        tags.setdefault(tag or "gtag", {})[signal] = members or [
            asked["slug"] for asked in website["categories"] if name in categories[asked["slug"]]["signals"]
        ]
    used = {tag: signals for tag, signals in tags.items() if any(signals.values())}
    if "gtag" in used and not used["gtag"]["security_storage"]:
        # What keeps a site safe needs no consent, and the default of Google's own snippet grants it.
        free = [asked["slug"] for asked in website["categories"] if not asked["needs_consent"]]
        used["gtag"]["security_storage"] = free
    return used


def _looks(css: str, website: dict[str, Any]) -> str:
    """``css`` with what the site's row says in the place of the values that hold without it."""
    looks = website["looks"]
    values = {name: looks[field] for name, field in LOOKS.items()}
    values["font"] = ",".join(map(_family, filter(None, map(str.strip, looks["fonts"].split(",")))))
    if looks["radius"] is not None:
        values["radius"] = f"{looks['radius']}px"
    values |= PLACES[website["position"]]
    for name, value in values.items():
        if value:
            css, found = re.subn(rf"(--privacy-consent-{name},)((?:[^()]|\([^()]*\))*)", rf"\g<1>{value}", css)
            if found != 1:
                raise LookupError(f"banner.css takes no {name}")
    return css


def _family(name: str) -> str:
    """``name`` as CSS takes it: quoted, because a bare “Source Sans 3” would void the whole declaration."""
    return name if name.lower() in GENERIC_FAMILIES else f"'{name}'"


# -- What the second file is told ----------------------------------------------------------------


def _explained(website: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    categories, vendors = (_by_slug(content[key]) for key in ("cookie_categories", "cookie_vendors"))
    return {
        "text": _labels(DETAILS) | {"mine": _text(in_both(lambda language: reverse("my_choice")))},
        "categories": [
            [
                _text(categories[asked["slug"]]["name"]),
                _text(categories[asked["slug"]]["purpose"]),
                *(_description(vendors[slug]) for slug in asked["vendors"]),
            ]
            for asked in website["categories"]
        ],
        "css": _css("details.css"),
    }


def _description(vendor: dict[str, Any]) -> list[Any]:
    """See ``Description`` in details.js; what is empty at the end is left out."""
    removable = [
        cookie
        for cookie in vendor["cookies"]
        if cookie["party"] == "first" and not cookie["http_only"] and is_name(cookie["name"])
    ]
    kinds = ("cookie", "local", "session")
    patterns = [[cookie["name"] for cookie in removable if cookie["storage"] == kind] for kind in kinds]
    description = [
        vendor["name"],
        vendor["company"],
        _text(vendor["country"]["name"]),
        _text(vendor["purpose"]),
        _text(vendor["lifetime"]["wording"]),
        vendor["privacy_url"],
        patterns if any(patterns) else "",
    ]
    while not description[-1]:
        description.pop()
    return description


# -- Words, code, looks --------------------------------------------------------------------------


def _labels(labels: dict[str, Any]) -> dict[str, Text]:
    return {name: _text(in_both(lambda language, label=label: str(label))) for name, label in labels.items()}


def _text(texts: Bilingual) -> Text:
    return texts["en"] if texts["en"] == texts["nl"] else [texts["en"], texts["nl"]]


def _by_slug(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {entry["slug"]: entry for entry in entries}


# How a file takes what it is told: banner.js waits for the digest in the last line, details.js
# hands itself to the script element that banner.js has made for it.
FRAMES = {
    "banner.js": "(config)=>{%s;return(digest)=>start(config,digest)}",
    "details.js": "(explained)=>{%s;document.currentScript.explain((core)=>explain(explained,core))}",
}


def _framed(name: str, told: dict[str, Any]) -> bytes:
    """The file as one line of code, given ``told``."""
    given = _small(json.dumps(told, ensure_ascii=False, separators=(",", ":")))
    return f"({_code(name)})({given})\n".encode()


@cache
def _code(name: str) -> str:
    """A source file in its frame, minified."""
    return _small(FRAMES[name] % (HERE / name).read_text())


def _small(expression: str) -> str:
    return minify.string("application/javascript", f"x={expression}").removeprefix("x=").removesuffix(";")


@cache
def _css(name: str) -> str:
    return minify.string("text/css", (HERE / name).read_text())
