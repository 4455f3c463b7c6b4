"""What is demanded of cookies, of who sets them, and of the banner that asks.

What needs no consent is decided for each vendor, not by the name of a category.
Company, country and lifetime of a vendor are not looked at: no row is stored without.
A vendor without listed cookies (A19b) is a warning, for its purpose, company, country and lifetime already tell
visitors what the law wants them told; the cookies are the inventory.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from retention.languages import Bilingual, in_both
from retention.periods import Period

from ..models import AnalyticsCondition
from ..validators import SESSION
from . import Fault, Place, Severity, Subject, name_of, rule
from .countries import ADEQUATE, lies_outside
from .law import DIRECT_MARKETING, WITHDRAWAL
from .wordings import is_said, listed, mention, patterns, say, words_of

Entry = dict[str, Any]

TELECOM = "Art. 11.7a Telecommunicatiewet"

# The French supervisor's bound for trackers that measure an audience without consent, which others
# have taken over; for cookies with consent it is at least a sign that a period was not thought about.
LONGEST = "P13M"
ADVERTISING = DIRECT_MARKETING | {"dpv:Advertising"}
ANALYTICS = re.compile("analy|statist|measur|meten|meting", re.IGNORECASE)
ANALYTICS_SIGNALS = {"analytics_storage", "clarity:analytics_Storage"}
ADVERTISING_SIGNALS = {"ad_storage", "ad_user_data", "ad_personalization", "uet:ad_storage", "clarity:ad_Storage"}

SILENCE_IS_CONSENT = patterns(
    en=r"\b(?:by (?:continu|us|brows|visit|clos|scroll|stay)\w*|if you (?:continue|keep|go on|stay)|continued use)\b"
    r"[^.]{0,80}\b(?:you (?:agree|accept|consent|give)|means|implies|we assume)",
    nl=r"\b(?:door\b[^.]{0,60}\b(?:verder|gebruik|surf|bezoek|sluit|scrol|blijv|blader)\w*"
    r"|als (?:je|u) (?:verder|door)\w*)"
    r"[^.]{0,60}\b(?:(?:ga je|gaat u)\b[^.]{0,30}\bakkoord|stemt? (?:je|u)\b|accepteert? (?:je|u)\b"
    r"|geeft? (?:je|u)\b[^.]{0,30}\btoestemming)",
)
LEGITIMATE_INTEREST = patterns(en=r"\blegitimate interest", nl=r"\bgerechtvaardigde? belang")


def at(vendor: Entry, *field: str) -> Place:
    return ("cookie_vendors", vendor["slug"], *field)


def is_analytics(category: Entry) -> bool:
    """Whether ``category`` measures use, as its vocabulary terms or its identifier say."""
    return any(ANALYTICS.search(word) for word in [category["slug"], *category["dpv"]])


def by_category(subject: Subject) -> Iterator[tuple[Entry, Entry]]:
    """Each vendor with its category."""
    categories = subject.entries("cookie_categories")
    for vendor in subject.content["cookie_vendors"]:
        yield vendor, categories[vendor["category"]]


@rule("A19", f"{TELECOM}; Art. 13(1)(e) GDPR")
def vendor_has_a_privacy_statement(subject: Subject) -> Iterator[Fault]:
    for vendor in subject.content["cookie_vendors"]:
        if not vendor["privacy_url"]:
            yield Fault(
                at(vendor, "privacy_url"),
                _("Vendor “%(vendor)s”: give the address of its privacy statement."),
                {"vendor": vendor["name"]},
            )


@rule("A19b", f"{TELECOM}; CJEU C-673/17", Severity.WARNING)
def vendor_lists_its_cookies(subject: Subject) -> Iterator[Fault]:
    for vendor in subject.content["cookie_vendors"]:
        if not vendor["cookies"]:
            yield Fault(
                at(vendor, "cookies"),
                _("Vendor “%(vendor)s”: list its cookies, each with its lifetime and who sets it."),
                {"vendor": vendor["name"]},
            )


@rule("V1", "Art. 11.7a(3) Telecommunicatiewet")
def what_needs_no_consent_is_necessary(subject: Subject) -> Iterator[Fault]:
    for vendor, category in by_category(subject):
        if not category["needs_consent"] and not is_analytics(category) and not is_said(vendor["consent_reason"]):
            yield Fault(
                at(vendor, "consent_reason"),
                _(
                    "Vendor “%(vendor)s” goes without consent: say why what it does is strictly necessary for what "
                    "the visitor asks, or move it to a category that needs consent."
                ),
                {"vendor": vendor["name"]},
            )


@rule("V2", "Art. 11.7a(3)(b) Telecommunicatiewet")
def analytics_without_consent_meets_its_conditions(subject: Subject) -> Iterator[Fault]:
    for vendor, category in by_category(subject):
        if category["needs_consent"] or not is_analytics(category):
            continue
        met = {condition["value"] for condition in vendor["analytics_conditions"]}
        missing = [condition for condition in AnalyticsCondition if condition.value not in met]
        if missing:
            names = listed(in_both(partial(in_words, condition)) for condition in missing)
            yield Fault(
                at(vendor, "analytics_conditions"),
                _("Vendor “%(vendor)s” measures without consent, so arrange and tick this too: %(conditions)s."),
                {"vendor": vendor["name"], "conditions": names},
            )
        if longest := too_long(vendor):
            yield Fault(
                at(vendor, *longest),
                _("Vendor “%(vendor)s” measures without consent, so what it stores may last 13 months at most."),
                {"vendor": vendor["name"]},
            )


@rule("V3", "Art. 12(1) GDPR")
def vendor_is_listed_once(subject: Subject) -> Iterator[Fault]:
    seen: set[str] = set()
    for vendor in subject.content["cookie_vendors"]:
        if folded(vendor["name"]) in seen:
            yield Fault(
                at(vendor, "name"),
                _("“%(vendor)s” is listed twice, so visitors are asked twice. Keep one, or name each differently."),
                {"vendor": vendor["name"]},
            )
        seen.add(folded(vendor["name"]))


@rule("V3b", "Art. 12(1) GDPR", Severity.WARNING)
def vendors_of_one_company_differ_in_purpose(subject: Subject) -> Iterator[Fault]:
    first: dict[tuple[str, str], str] = {}
    for vendor in subject.content["cookie_vendors"]:
        keys = [(folded(vendor["company"]), folded(purpose)) for purpose in vendor["purpose"].values() if purpose]
        other = next((first[key] for key in keys if key in first), vendor["name"])
        if folded(other) != folded(vendor["name"]):
            yield Fault(
                at(vendor, "purpose"),
                _("“%(vendor)s” has the same company and purpose as “%(other)s”. Say what each is for."),
                {"vendor": vendor["name"], "other": other},
                about=words_of(vendor["purpose"]),
            )
        first |= {key: first.get(key, vendor["name"]) for key in keys}


@rule("V4", "Art. 44 GDPR", Severity.WARNING)
def vendor_outside_the_eea_has_safeguards(subject: Subject) -> Iterator[Fault]:
    for vendor in subject.content["cookie_vendors"]:
        country = vendor["country"]
        if lies_outside(country) and country["code"] not in ADEQUATE and not vendor["safeguards"]:
            yield Fault(
                at(vendor, "safeguards"),
                _("Vendor “%(vendor)s” lies outside the EEA (%(country)s): choose what has been arranged with it."),
                {"vendor": vendor["name"], "country": country["name"]},
            )


@rule("V5", "Art. 5(1)(e) GDPR", Severity.WARNING)
def nothing_is_stored_for_very_long(subject: Subject) -> Iterator[Fault]:
    for vendor, category in by_category(subject):
        is_exempt = is_analytics(category) and not category["needs_consent"]  # see V2
        if not is_exempt and (longest := too_long(vendor)):
            yield Fault(
                at(vendor, *longest),
                _("Vendor “%(vendor)s” stores something for over 13 months: shorten it, or be able to justify it."),
                {"vendor": vendor["name"]},
            )


@rule("V6", "Art. 5(1)(a) GDPR; CJEU C-673/17")
def no_cookie_outlives_what_its_vendor_states(subject: Subject) -> Iterator[Fault]:
    for vendor in subject.content["cookie_vendors"]:
        for cookie in vendor["cookies"]:
            if outlasts(cookie["lifetime"]["value"], vendor["lifetime"]["value"]):
                yield Fault(
                    at(vendor, "cookies", cookie["name"], "lifetime"),
                    _("Vendor “%(vendor)s”: “%(cookie)s” outlives what is stated for the vendor. Correct either."),
                    {"vendor": vendor["name"], "cookie": cookie["name"]},
                )


@rule("V7", TELECOM)
def advertising_never_goes_without_consent(subject: Subject) -> Iterator[Fault]:
    """Nor may a tag be told of consent that nobody was asked for."""
    for category in subject.content["cookie_categories"]:
        if category["needs_consent"]:
            continue
        place = ("cookie_categories", category["slug"])
        if not ADVERTISING.isdisjoint(category["dpv"]):
            yield Fault(
                (*place, "needs_consent"),
                _("Cookie category “%(category)s” is for advertising, which always needs consent."),
                {"category": name_of(category)},
            )
        elif told := unasked(category["signals"], category):
            yield Fault(
                (*place, "signals"),
                _("Cookie category “%(category)s” needs no consent and yet signals consent: remove %(signals)s."),
                {"category": name_of(category), "signals": ", ".join(told)},
            )
    for vendor, category in by_category(subject):
        if not category["needs_consent"] and (told := unasked(vendor["signals"], category)):
            yield Fault(
                at(vendor, "signals"),
                _("Vendor “%(vendor)s” goes without consent and yet signals consent: remove %(signals)s."),
                {"vendor": vendor["name"], "signals": ", ".join(told)},
            )


@rule("V8", TELECOM, Severity.WARNING)
def web_site_that_asks_has_an_address(subject: Subject) -> Iterator[Fault]:
    for website in asking(subject):
        if not website["origins"] and not website["hosts_statement"]:
            yield Fault(
                ("websites", website["slug"], "origins"),
                _("Web site “%(website)s” has vendors that need consent: give its address, so that a banner can ask."),
                {"website": name_of(website)},
            )


@rule("V9", "Art. 7(3) GDPR", Severity.WARNING)
def banner_says_that_consent_can_be_withdrawn(subject: Subject) -> Iterator[Fault]:
    for website in asking(subject):
        if not say(website["banner_text"], WITHDRAWAL):
            yield Fault(
                ("websites", website["slug"], "banner_text"),
                _("Web site “%(website)s”: say in the banner that consent can be withdrawn, and how."),
                {"website": name_of(website)},
                about=words_of(website["banner_text"]),
            )


@rule("V10", "Art. 4(11) GDPR")
def banner_asks_for_consent_only(subject: Subject) -> Iterator[Fault]:
    for website in subject.content["websites"]:
        if mention(website["banner_text"], LEGITIMATE_INTEREST):
            yield Fault(
                ("websites", website["slug"], "banner_text"),
                _("Web site “%(website)s”: a banner asks for consent; leave the legitimate interest out of it."),
                {"website": name_of(website)},
                about=words_of(website["banner_text"]),
            )


@rule("V11", "Art. 4(11), 7 GDPR; CJEU C-673/17")
def silence_is_no_consent(subject: Subject) -> Iterator[Fault]:
    texts: list[tuple[Place, Bilingual]] = [
        (("websites", website["slug"], "banner_text"), website["banner_text"])
        for website in subject.content["websites"]
    ]
    for page, sections in subject.content["pages"].items():
        texts += [(("pages", page, section["slug"], "text"), section["text"]) for section in sections]
    for place, text in texts:
        if mention(text, SILENCE_IS_CONSENT):
            yield Fault(
                place,
                _("Whoever just goes on using a site has not consented. Say that consent is asked first."),
                about=words_of(text),
            )


# -- For these rules --------------------------------------------------------------------------------


def asking(subject: Subject) -> Iterator[Entry]:
    """The web sites whose visitors are asked for consent."""
    for website in subject.content["websites"]:
        if any(category["needs_consent"] for category in website["categories"]):
            yield website


def in_words(condition: AnalyticsCondition, language: str) -> str:
    return str(condition.label)


def unasked(signals: list[str], category: Entry) -> list[str]:
    """Those of ``signals`` that stand for consent, though ``category`` asks for none."""
    consent = ADVERTISING_SIGNALS | (set() if is_analytics(category) else ANALYTICS_SIGNALS)
    return [signal for signal in signals if signal in consent]


def days(lifetime: str) -> float:
    """How many days ``lifetime`` is, with months of a twelfth of a year; none for a session."""
    if lifetime == SESSION:
        return 0
    period = Period.parse(lifetime)
    return period.years * 365 + period.months * 365 / 12 + period.weeks * 7 + period.days


def outlasts(lifetime: str, bound: str) -> bool:
    """Whether ``lifetime`` is longer than ``bound`` in any year."""
    # Months and years differ in length by a day or two.
    slack = 2 if any(text.endswith(("M", "Y")) for text in (lifetime, bound)) else 0
    return days(lifetime) > days(bound) + slack


def too_long(vendor: Entry) -> Place:
    """Where ``vendor`` first states a lifetime of more than 13 months; an empty place if nowhere."""
    if outlasts(vendor["lifetime"]["value"], LONGEST):
        return ("lifetime",)
    for cookie in vendor["cookies"]:
        if outlasts(cookie["lifetime"]["value"], LONGEST):
            return ("cookies", cookie["name"], "lifetime")
    return ()


def folded(text: str) -> str:
    """``text`` without capitals, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", text.casefold())
