"""The built-in catalogue of well-known vendors: what staff may take over, and what a vendor lacks.

The facts stand in ``catalogue.yaml`` and go into forms only. Nothing of it is stored, let alone
published, before somebody has seen it and saved it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .models import CookieVendor

FILE = Path(__file__).with_suffix(".yaml")
Entry = dict[str, Any]


@cache
def entries() -> dict[str, Entry]:
    """Every entry by its slug, by name: all keys filled in, each cookie as the values of a row."""
    read = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    filled_in = [
        {"shares": [], "signals": []} | written | {"cookies": [_cookie(*row) for row in written.get("cookies", [])]}
        for written in read
    ]
    return {known["slug"]: known for known in sorted(filled_in, key=lambda known: known["name"].casefold())}


def entry(slug: str) -> Entry:
    """The entry of that slug. Raises KeyError where there is none."""
    return entries()[slug]


def values_of(known: Entry) -> dict[str, Any]:
    """An entry as values for a CookieVendor; all but the category, which is a row of its own.

    The lifetime is empty where the catalogue does not know it.
    """
    return {
        **{name: known[name] for name in ("slug", "name", "company", "country", "lifetime", "privacy_url")},
        **{f"purpose_{language}": text for language, text in known["purpose"].items()},
        "lifetime_is_maximum": known["lifetime"].startswith("P"),
        "hosts": " ".join(known["hosts"]),
        "signals": " ".join(known["signals"]),
    }


@dataclass(frozen=True)
class Additions:
    """What an entry knows and a vendor does not state."""

    entry: Entry
    hosts: list[str]
    signals: list[str]
    cookies: list[dict[str, Any]]

    def __bool__(self) -> bool:
        return bool(self.hosts or self.signals or self.cookies)

    def values_of(self, vendor: CookieVendor) -> dict[str, str]:
        """The fields of ``vendor`` with the additions behind what they hold."""
        return {
            "hosts": " ".join([*vendor.hosts.split(), *self.hosts]),
            "signals": " ".join([*vendor.signals.split(), *self.signals]),
        }


def additions(vendor: CookieVendor, known: Entry) -> Additions:
    """What of an entry a stored ``vendor`` lacks; what it states more widely is not lacking."""
    hosts, signals, stored = vendor.hosts.split(), vendor.signals.split(), list(vendor.cookies.all())
    return Additions(
        entry=known,
        hosts=[host for host in known["hosts"] if not any(takes_in(own, host) for own in hosts)],
        signals=[signal for signal in known["signals"] if signal not in signals],
        cookies=[
            cookie
            for cookie in known["cookies"]
            if not any(own.storage == cookie["storage"] and _matches(own.name, cookie["name"]) for own in stored)
        ],
    )


def entry_for(vendor: CookieVendor) -> Entry | None:
    """The entry that describes ``vendor``: by its slug, else by its name, else by one of its hosts."""
    if vendor.slug in entries():
        return entry(vendor.slug)
    name, hosts = vendor.name.casefold(), set(vendor.hosts.split())
    same_name = (known for known in entries().values() if known["name"].casefold() == name)
    same_host = (known for known in entries().values() if hosts.intersection(known["hosts"]))
    return next(same_name, None) or next(same_host, None)


def stored(vendors: Iterable[CookieVendor]) -> dict[str, CookieVendor]:
    """Those of ``vendors`` that the catalogue describes, by the slug of the entry; its namesake before others."""
    found: dict[str, CookieVendor] = {}
    for vendor in vendors:
        if (known := entry_for(vendor)) and (vendor.slug == known["slug"] or known["slug"] not in found):
            found[known["slug"]] = vendor
    return found


def takes_in(wide: str, narrow: str) -> bool:
    """Whether whatever is loaded from ``narrow`` is loaded from ``wide``: each a host, with a path or not."""
    (wide_host, _, wide_path), (host, _, path) = wide.partition("/"), narrow.partition("/")
    return (host == wide_host or host.endswith(f".{wide_host}")) and path.startswith(wide_path)


def _matches(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def _cookie(name: str, storage: str, party: str, lifetime: str, *marks: str) -> dict[str, Any]:
    return {
        "name": name,
        "storage": storage,
        "party": party,
        "lifetime": lifetime,
        "http_only": "http-only" in marks,
    }
