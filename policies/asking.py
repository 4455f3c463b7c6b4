"""Whom a publication asks again: only who would agree to more than before (rules C16).

A choice holds for the fingerprint of each category that was asked. A publication that takes
something away, shortens a life or corrects a text keeps the fingerprint; one that adds to what
visitors agree to gives the category a new one.
"""

from typing import Any

from retention.periods import Period
from retention.wording import SESSION

from .snapshot import canonical, sha256

DAYS = {"year": 365.2425, "month": 30.436875, "week": 7, "day": 1}


def settle_fingerprints(content: dict[str, Any], before: dict[str, Any] | None, salt: str) -> dict[str, list[str]]:
    """Set the fingerprint of every category in ``content``, and return who is asked again.

    That is, per web site, the categories that visitors who chose under ``before`` are asked
    about anew. ``salt``, the digest of the version before, makes a new fingerprint one that
    never was: who agreed while a vendor was gone has not agreed to its return.
    """
    vendors = {vendor["slug"]: vendor for vendor in content["cookie_vendors"]}
    vendors_before = {vendor["slug"]: vendor for vendor in before["cookie_vendors"]} if before else {}
    asked_before = {
        (website["slug"], category["slug"]): category
        for website in (before["websites"] if before else [])
        for category in website["categories"]
    }
    sites_before = {website for website, _category in asked_before}
    again: dict[str, list[str]] = {}
    for website in content["websites"]:
        for category in website["categories"]:
            members = [vendors[slug] for slug in category["vendors"]]
            known = asked_before.get((website["slug"], category["slug"]))
            if known and known["needs_consent"] == category["needs_consent"]:
                members_before = {slug: vendors_before[slug] for slug in known["vendors"]}
                if not any(_asks_more(member, members_before.get(member["slug"])) for member in members):
                    category["fingerprint"] = known["fingerprint"]
                    continue
            category["fingerprint"] = _fingerprint(category["slug"], members, salt)
            if category["needs_consent"] and website["slug"] in sites_before:
                again.setdefault(website["slug"], []).append(category["slug"])
    return again


def _fingerprint(category: str, vendors: list[dict[str, Any]], salt: str) -> str:
    """Twelve hexadecimal digits over what a visitor agrees to by allowing ``category``."""
    material = sorted(canonical(_material(vendor)) for vendor in vendors)
    return sha256(canonical({"category": category, "vendors": material, "after": salt}))[:12]


def _material(vendor: dict[str, Any]) -> dict[str, Any]:
    return {
        "slug": vendor["slug"],
        "company": vendor["company"],
        "country": vendor["country"]["code"],
        "lifetime": vendor["lifetime"]["value"],
        "safeguards": sorted(vendor["safeguards"]),
    }


def _asks_more(vendor: dict[str, Any], before: dict[str, Any] | None) -> bool:
    """Whether agreeing to ``vendor`` is agreeing to more than to what it was ``before``."""
    if before is None:
        return True
    return (
        vendor["company"] != before["company"]
        or vendor["country"] != before["country"]
        or _days(vendor["lifetime"]["value"]) > _days(before["lifetime"]["value"])
        or not set(before["safeguards"]) <= set(vendor["safeguards"])
    )


def _days(lifetime: str) -> float:
    if lifetime == SESSION:
        return 0
    return sum(number * DAYS[unit] for unit, number in Period.parse(lifetime).parts())
