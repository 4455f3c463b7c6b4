"""Whom a publication asks again: only who would agree to more than before (rules C16).

A choice holds for the fingerprint of each category that was asked. A publication that takes
something away, shortens a life or corrects a text keeps the fingerprint; one that adds to what
visitors agree to gives the category a new one. Software cannot judge a new wording: that is
shown to whoever publishes, who may have more asked again, never less.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from retention.languages import Bilingual, in_both
from retention.periods import Period
from retention.wording import SESSION, lifetime_wording

from .reading import in_language
from .snapshot import canonical, sha256

# In twelfths of a day, so that a year is both 12 months and the 365 days that a cookie counts.
UNITS = {"year": 12 * 365, "month": 365, "week": 12 * 7, "day": 12}

REASONS = {
    "new": gettext_lazy("%(vendor)s is new on this web site."),
    "moved": gettext_lazy("%(vendor)s comes from the category “%(category)s”."),
    "company": gettext_lazy("%(vendor)s belongs to another company: “%(company)s”."),
    "country": gettext_lazy("%(vendor)s moves to another country: %(country)s."),
    "lifetime": gettext_lazy("%(vendor)s is kept longer: %(now)s; before: %(before)s."),
    "cookie": gettext_lazy("%(vendor)s keeps “%(cookie)s” longer: %(now)s; before: %(before)s."),
    "new_cookie": gettext_lazy(
        "%(vendor)s keeps “%(cookie)s” longer than anything before: %(now)s; before: %(before)s."
    ),
    "safeguards": gettext_lazy("%(vendor)s has lost what protects visitors: %(safeguards)s."),
    "dpv": gettext_lazy("The category has a purpose that it did not have: %(terms)s."),
    "signals": gettext_lazy("The category tells tags of Google and Microsoft more than before: %(signals)s."),
    "consent": gettext_lazy("The category did not need consent before."),
}
REWORDINGS = {
    "name": gettext_lazy("The name of the category was reworded."),
    "purpose": gettext_lazy("The purpose of the category was reworded."),
    "vendor": gettext_lazy("The purpose of %(vendor)s was reworded."),
    "safeguard": gettext_lazy("A safeguard of %(vendor)s was reworded."),
    "banner": gettext_lazy("The text of the banner was reworded."),
}


@dataclass(frozen=True)
class Reason:
    """Why a category is asked about again: a key of REASONS, and the vendor that it is about."""

    kind: str
    vendor: str = ""
    words: dict[str, str | Bilingual] = field(default_factory=dict)

    def __str__(self) -> str:
        """A sentence in the language that is active."""
        return str(REASONS[self.kind]) % in_language(self.words, get_language())


@dataclass(frozen=True)
class Rewording:
    """A text that may ask for more than it did, or not: a key of REWORDINGS, and both texts."""

    kind: str
    before: Bilingual
    now: Bilingual
    vendor: str = ""

    def __str__(self) -> str:
        """A sentence in the language that is active."""
        return str(REWORDINGS[self.kind]) % {"vendor": self.vendor}

    @property
    def changes(self) -> list[dict[str, str]]:
        """The text before and now, in each language in which it changed."""
        return [
            {"language": language, "before": self.before[language], "now": text}
            for language, text in self.now.items()
            if text != self.before[language]
        ]


@dataclass(frozen=True)
class Shorter:
    """A choice on a web site will hold for ``now`` days, fewer than the days ``before``."""

    now: int
    before: int

    def __str__(self) -> str:
        """A sentence in the language that is active."""
        return _(
            "A choice holds for %(now)s days instead of %(before)s: visitors who chose longer ago are asked again."
        ) % {"now": self.now, "before": self.before}


Categories = Mapping[str, list[str]]  # web site → its categories, by slug
AskedAgain = dict[str, dict[str, list[Reason]]]  # web site → category → why


class Catalogue:
    """The vendors, categories and questions of a version's content, by slug; of none: nothing."""

    def __init__(self, content: dict[str, Any] | None) -> None:
        self.vendors, self.categories, self.safeguards, self.websites = (
            {entry["slug"]: entry for entry in content[key]} if content else {}
            for key in ("cookie_vendors", "cookie_categories", "vendor_safeguards", "websites")
        )
        self.asked = {
            website: {category["slug"]: category for category in entry["categories"]}
            for website, entry in self.websites.items()
            if entry["categories"]
        }


def settle_fingerprints(content: dict[str, Any], before: dict[str, Any] | None, salt: str) -> AskedAgain:
    """Set the fingerprint of every category in ``content``, and return who is asked again.

    That is, per web site, the categories that visitors who chose under ``before`` are asked
    about anew, and why. ``salt``, the digest of the version before, makes a new fingerprint one
    that never was: who agreed while a vendor was gone has not agreed to its return.
    """
    now, past = Catalogue(content), Catalogue(before)
    again: AskedAgain = {}
    for website in content["websites"]:
        asked_before = past.asked.get(website["slug"], {})
        for category in website["categories"]:
            known = asked_before.get(category["slug"])
            reasons = list(_reasons(category, asked_before, now, past))
            if known and known["needs_consent"] == category["needs_consent"] and not reasons:
                category["fingerprint"] = known["fingerprint"]
                continue
            category["fingerprint"] = _fingerprint(website["slug"], category, now, salt)
            if category["needs_consent"] and asked_before:
                again.setdefault(website["slug"], {})[category["slug"]] = reasons
    return again


def could_also_ask(content: dict[str, Any], before: dict[str, Any] | None, again: AskedAgain) -> Categories:
    """Per web site, the categories that visitors chose about and are not asked about ``again``."""
    past = Catalogue(before)
    could = {
        website["slug"]: [
            category["slug"]
            for category in website["categories"]
            if category["needs_consent"] and category["slug"] not in again.get(website["slug"], {})
        ]
        for website in content["websites"]
        if website["slug"] in past.asked
    }
    return {website: categories for website, categories in could.items() if categories}


def by_website(names: Iterable[str]) -> Categories:
    """``["website/analytical"]`` → ``{"website": ["analytical"]}``."""
    categories: dict[str, list[str]] = {}
    for name in names:
        website, _slash, category = name.partition("/")
        categories.setdefault(website, []).append(category)
    return categories


def problems_of_asking(also: Categories, content: dict[str, Any], before: dict[str, Any] | None) -> list[str]:
    """Why visitors cannot be asked again about ``also``, a sentence each; empty where they can."""
    now, past = Catalogue(content), Catalogue(before)
    problems = []
    for website, categories in also.items():
        if website not in now.websites:
            problems.append(_("There is no web site “%(website)s”.") % {"website": website})
            continue
        if website not in past.asked:
            problems.append(
                _("Nobody has been asked yet on “%(website)s”, so there is nobody to ask again.") % {"website": website}
            )
            continue
        asked = now.asked.get(website, {})
        for category in categories:
            words = {"website": website, "category": category}
            if category not in asked:
                problems.append(_("The banner of “%(website)s” does not ask about “%(category)s”.") % words)
            elif not asked[category]["needs_consent"]:
                problems.append(_("“%(category)s” needs no consent, so nobody is asked about it.") % words)
    return problems


def add_to_asked(also: Categories, content: dict[str, Any], again: AskedAgain, salt: str) -> dict[str, list[str]]:
    """Give ``also`` new fingerprints too, and return all that is asked again, in order."""
    now = Catalogue(content)
    asked: dict[str, list[str]] = {}
    for website in content["websites"]:
        for category in website["categories"]:
            is_added = category["slug"] in also.get(website["slug"], [])
            if is_added:
                category["fingerprint"] = _fingerprint(website["slug"], category, now, salt)
            if is_added or category["slug"] in again.get(website["slug"], {}):
                asked.setdefault(website["slug"], []).append(category["slug"])
    return asked


def rewordings(content: dict[str, Any], before: dict[str, Any] | None) -> dict[tuple[str, str], list[Rewording]]:
    """Per web site and category, the texts under which visitors chose and that read differently now."""
    now, past = Catalogue(content), Catalogue(before)
    return {
        (website, slug): [text for text in _texts(website, known, asked[slug], now, past) if text.changes]
        for website, asked_before in past.asked.items()
        if (asked := now.asked.get(website))
        for slug, known in asked_before.items()
        if slug in asked
    }


def shorter_choices(content: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Shorter]:
    """Per web site on which visitors chose: how much less long a choice is to hold, if it is.

    That asks about no category in particular, so it changes no fingerprint.
    """
    past = Catalogue(before)
    return {
        website["slug"]: Shorter(website["consent_days"], days)
        for website in content["websites"]
        if website["slug"] in past.asked and any(category["needs_consent"] for category in website["categories"])
        if website["consent_days"] < (days := past.websites[website["slug"]]["consent_days"])
    }


def _reasons(category: dict, asked_before: dict[str, dict], now: Catalogue, past: Catalogue) -> Iterator[Reason]:
    """Why agreeing to ``category`` is agreeing to more than before, on the same web site."""
    slug = category["slug"]
    if known := asked_before.get(slug):
        if category["needs_consent"] and not known["needs_consent"]:
            yield Reason("consent")
        terms_before = past.categories[slug]["dpv"]
        if added := [term for term in now.categories[slug]["dpv"] if term not in terms_before]:
            yield Reason("dpv", words={"terms": ", ".join(added)})
        # An earlier release did not say what a category tells: nothing is news beside that.
        if "signals" in past.categories[slug]:
            told_before = _signals(known, past)
            if added := [signal for signal in _signals(category, now) if signal not in told_before]:
                yield Reason("signals", words={"signals": ", ".join(added)})
    stood_in = {vendor: slug for slug, entry in asked_before.items() for vendor in entry["vendors"]}
    for vendor in category["vendors"]:
        name = {"vendor": now.vendors[vendor]["name"]}
        if vendor not in stood_in:
            yield Reason("new", vendor, name)
        elif stood_in[vendor] != slug:
            yield Reason("moved", vendor, name | {"category": past.categories[stood_in[vendor]]["name"]})
        else:
            yield from _reasons_of_vendor(now.vendors[vendor], past.vendors[vendor], past)


def _reasons_of_vendor(vendor: dict, before: dict, past: Catalogue) -> Iterator[Reason]:
    slug, name = vendor["slug"], {"vendor": vendor["name"]}
    if _letters(vendor["company"]) != _letters(before["company"]):
        yield Reason("company", slug, name | {"company": vendor["company"]})
    # The code, not the name: locale data of a later release may write a name differently.
    if vendor["country"]["code"] != before["country"]["code"]:
        yield Reason("country", slug, name | {"country": vendor["country"]["name"]})
    yield from _longer_lives(vendor, before)
    if lost := [safeguard for safeguard in before["safeguards"] if safeguard not in vendor["safeguards"]]:
        names = in_both(lambda language: ", ".join(past.safeguards[one]["name"][language] for one in lost))
        yield Reason("safeguards", slug, name | {"safeguards": names})


def _longer_lives(vendor: dict, before: dict) -> Iterator[Reason]:
    """What is kept longer than it was; what was not known before, longer than anything was."""
    longest, lives_before = _longest(before), _lives(before)
    lives = {("", ""): vendor["lifetime"]["value"]} | _lives(vendor)
    for (cookie, storage), life in lives.items():
        life_before = lives_before.get((cookie, storage), longest)
        if _length(life) > _length(life_before):
            kind = "lifetime" if not cookie else "cookie" if (cookie, storage) in lives_before else "new_cookie"
            words = {"vendor": vendor["name"], "now": _in_words(life), "before": _in_words(life_before)}
            yield Reason(kind, vendor["slug"], words | {"cookie": cookie})


def _texts(website: str, known: dict, category: dict, now: Catalogue, past: Catalogue) -> Iterator[Rewording]:
    yield Rewording("banner", past.websites[website]["banner_text"], now.websites[website]["banner_text"])
    for key in ("name", "purpose"):
        yield Rewording(key, past.categories[known["slug"]][key], now.categories[known["slug"]][key])
    for slug in category["vendors"]:
        if slug in known["vendors"]:
            vendor, before = now.vendors[slug], past.vendors[slug]
            yield Rewording("vendor", before["purpose"], vendor["purpose"], vendor["name"])
            for one in vendor["safeguards"]:
                if one in before["safeguards"]:
                    texts = past.safeguards[one]["name"], now.safeguards[one]["name"]
                    yield Rewording("safeguard", *texts, vendor["name"])


def _fingerprint(website: str, category: dict, now: Catalogue, salt: str) -> str:
    """Twelve hexadecimal digits over what a visitor agrees to by allowing ``category`` on ``website``.

    Of that site alone: another one may find its cookie, where the two have a domain in common.
    """
    vendors = sorted(canonical(_material(now.vendors[vendor])) for vendor in category["vendors"])
    purposes = sorted(now.categories[category["slug"]]["dpv"])
    material = {
        "website": website,
        "category": category["slug"],
        "purposes": purposes,
        "signals": sorted(_signals(category, now)),
        "vendors": vendors,
        "after": salt,
    }
    return sha256(canonical(material))[:12]


def _signals(category: dict, catalogue: Catalogue) -> list[str]:
    """What tags may be told where ``category`` is allowed: its own signals and those of its vendors.

    All of them: which of its own a vendor takes over depends on the rest of the web site, and
    the end of that vendor is to ask nobody.
    """
    own = catalogue.categories[category["slug"]]["signals"]
    return list(dict.fromkeys([*own, *(s for slug in category["vendors"] for s in catalogue.vendors[slug]["signals"])]))


def _material(vendor: dict) -> dict[str, Any]:
    return {
        "slug": vendor["slug"],
        "company": vendor["company"],
        "country": vendor["country"]["code"],
        "lifetime": vendor["lifetime"]["value"],
        "cookies": sorted([*cookie, life] for cookie, life in _lives(vendor).items()),
        "safeguards": sorted(vendor["safeguards"]),
    }


def _letters(company: str) -> str:
    """Letters and digits of ``company``: a full stop more or a capital less is no other company."""
    return "".join(filter(str.isalnum, company.casefold()))


def _lives(vendor: dict) -> dict[tuple[str, str], str]:
    """How long each cookie lives, by name and kind of storage."""
    return {(cookie["name"], cookie["storage"]): cookie["lifetime"]["value"] for cookie in vendor["cookies"]}


def _longest(vendor: dict) -> str:
    """The longest life that ``vendor`` or one of its cookies has."""
    return max([vendor["lifetime"]["value"], *_lives(vendor).values()], key=_length)


def _length(lifetime: str) -> int:
    if lifetime == SESSION:
        return 0
    return sum(number * UNITS[unit] for unit, number in Period.parse(lifetime).parts())


def _in_words(lifetime: str) -> Bilingual:
    return in_both(lambda language: lifetime_wording(lifetime))
