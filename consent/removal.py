"""Cookies that a visitor does not allow, or no longer: which there are, and their removal.

On a refusal or withdrawal the server expires what the browser sent and a vendor has declared,
those out of reach of scripts included. It can do so for its own host and the domains above it;
what a vendor keeps on a domain of its own stays until it expires, and is listed (``stays``).
"""

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from http.cookies import CookieError, Morsel
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase

from policies.snapshot import CHOICE_COOKIE

from .models import ConsentRecord

# Of headers in one answer: more would not pass the usual 4 kB that a proxy has for them all.
MOST_BYTES = 2500


def stays(vendor: dict[str, Any]) -> list[dict[str, Any]]:
    """The cookies of ``vendor`` that neither script nor server can remove everywhere."""
    return [
        cookie
        for cookie in vendor["cookies"]
        if cookie["party"] == "third" or cookie["storage"] in {"indexed-db", "pixel"} or cookie["http_only"]
    ]


def matches(name: str, pattern: str) -> bool:
    """Whether ``name`` is one that ``pattern`` declares. An asterisk alone declares nothing."""
    if not pattern.strip("*"):
        return False
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))


def unwanted(
    names: Collection[str], record: ConsentRecord, website: dict[str, Any], content: dict[str, Any]
) -> list[str]:
    """Those of ``names`` that only vendors have declared which ``record`` does not allow.

    First those that no script can reach, and the shortest, of which the most fit into one answer:
    others may have set long ones. Never a cookie of our own, whatever a pattern says.
    """
    allowed = {
        vendor
        for category in website["categories"]
        for vendor in category["vendors"]
        if not category["needs_consent"] or record.vendors.get(vendor, record.choices.get(category["slug"]))
    }
    kept, gone = _our_own(), dict[str, bool]()
    for vendor, cookie in _declared(website, content):
        for name in names:
            if not matches(name, cookie["name"]):
                continue
            if vendor in allowed:
                kept.add(name)
            else:
                gone[name] = gone.get(name, False) or cookie["http_only"]
    return sorted(gone.keys() - kept, key=lambda name: (not gone[name], len(name), name))


def remove(
    response: HttpResponseBase, names: Collection[str], record: ConsentRecord, content: dict[str, Any], *, host: str
) -> None:
    """Expire those of the cookies ``names`` that ``record`` does not allow, as far as ``host`` may."""
    # One element on one page view: what was chosen before stays as it was.
    if record.is_once:
        return
    website = next(entry for entry in content["websites"] if entry["slug"] == record.website)
    room = MOST_BYTES
    for name in unwanted(names, record, website, content):
        for domain in domains(host):
            length = len(f"Set-Cookie: {name}=; Domain={domain}; Max-Age=0; Path=/; Secure\r\n")
            if length <= room:
                room -= length
                expire(response, name, domain)


def domains(host: str) -> list[str]:
    """Where a cookie that ``host`` receives may lie: on it alone (""), on its domain, on those above.

    A browser refuses the last of them where everybody can register names in it.
    """
    labels = host.split(".")
    if len(labels) == 1 or _is_address(host):
        return [""]
    return ["", *(".".join(labels[start:]) for start in range(len(labels) - 1))]


def expire(response: HttpResponseBase, name: str, domain: str = "") -> None:
    """Have the browser forget the cookie ``name`` of this host, or of ``domain``."""
    line: Morsel[str] = Morsel()
    try:
        line.set(name, "", "")
    except CookieError:
        return  # browsers send names that no header may set
    line["path"] = "/"
    line["max-age"] = 0
    line["domain"] = domain
    line["secure"] = settings.HTTPS
    # Django keeps one line per key; the same name on several domains takes several.
    response.cookies[name if name not in response.cookies else f"{name};{domain}"] = line


def _declared(website: dict[str, Any], content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each vendor of ``website`` with each cookie that it leaves on the site's own domain."""
    used = {vendor for category in website["categories"] for vendor in category["vendors"]}
    for vendor in content["cookie_vendors"]:
        for cookie in vendor["cookies"]:
            if vendor["slug"] in used and cookie["party"] == "first" and cookie["storage"] == "cookie":
                yield vendor["slug"], cookie


def _our_own() -> set[str]:
    return {
        CHOICE_COOKIE,
        settings.SESSION_COOKIE_NAME,
        settings.CSRF_COOKIE_NAME,
        settings.LANGUAGE_COOKIE_NAME,
        "messages",  # of the desk, between two of its pages
    }


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
