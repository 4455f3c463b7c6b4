"""The draft rows as one document: everything that visitors see, in both languages.

A text is ``{"en": …, "nl": …}``; Markdown has become clean HTML; sentences that follow from
structure (retention, lifetimes, countries, legal bases) are written out, so that a version
says the same for ever, whatever later releases of the software would generate.
"""

import hashlib
import json

from babel import Locale
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext

from retention.languages import Bilingual, both, in_both
from retention.models import RetentionRule, StatutoryException, Trigger
from retention.wording import lifetime_wording, rule_details, rule_wording

from . import models
from .markdown import to_html

CHOICE_COOKIE = "privacy_consent"
PENDING_CHOICE = "privacy_consent_pending"


def canonical(document: dict) -> str:
    """``document`` as canonical JSON: equal content, equal text, whatever the order of keys.

    RFC 8785 for what occurs here: text, whole numbers, booleans, null, lists, objects whose
    keys lie in the Basic Multilingual Plane.
    """
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def sha256(text: str) -> str:
    """Hexadecimal SHA-256 of ``text`` in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def compose() -> dict:
    """The content of the next version, from the rows as they are now."""
    controller = models.Controller.objects.first()
    vendors = _vendors()
    categories = _all(models.CookieCategory, ["name", "purpose"], "needs_consent", words=["signals"])
    return {
        "controller": _controller(controller) if controller else None,
        "title": both(controller, "statement_title") if controller else None,
        "summary_title": both(controller, "summary_title") if controller else None,
        "summary": _html(controller, "summary") if controller else None,
        "pages": {page: _sections(page) for page in models.Section.Page.values},
        "data_subjects": _all(models.DataSubjectCategory, ["name"]),
        "data_categories": _all(models.DataCategory, ["name", "explanation"], "is_special", "from_others"),
        "triggers": _all(Trigger, ["name", "after", "until"], "rounding"),
        "statutory_exceptions": _all(StatutoryException, ["name", "law"], "period"),
        "retention_rules": _rules(),
        "recipients": _recipients(),
        "purposes": _purposes(),
        "sharing_grounds": _grounds(),
        "transfer_safeguards": _all(models.TransferSafeguard, ["name"], "instrument"),
        "transfers": _transfers(),
        "rights": _all(models.DataSubjectRight, ["name"], "article", html=["explanation"]),
        "principles": _all(models.Principle, ["name"], html=["explanation"]),
        "measures": _all(models.SecurityMeasure, ["name"], html=["explanation"]),
        "service_levels": _all(models.ServiceLevel, ["name"], html=["explanation"]),
        "cookie_categories": categories,
        "vendor_safeguards": _all(models.VendorSafeguard, ["name"]),
        "cookie_vendors": vendors,
        "own_storage": _own_storage(),
        "websites": _websites(categories, vendors),
    }


def compose_internal() -> dict:
    """What the office keeps beside the statement: never frozen, never public.

    ``{"purposes": {slug: {"owner", …, "balancing_tests": {basis: reference}}}}``; dates in ISO 8601.
    """
    rows = models.ProcessingPurpose.objects.prefetch_related("legal_bases")
    plain = ["owner", "system", "dpia", "dpia_reference"]
    return {
        "purposes": {
            row.slug: {field: getattr(row, field) for field in plain}
            | {field: _day(getattr(row, field)) for field in ("review_on", "starts_on")}
            | {"balancing_tests": {used.basis: used.balancing_test for used in row.legal_bases.all()}}
            for row in rows
        }
    }


def _day(value) -> str:
    return value.isoformat() if value else ""


def _answer(row, field: str) -> dict | None:
    """One of several answers with its words in both languages; None where nobody has answered."""
    value = getattr(row, field)
    if not value:
        return None
    label = dict(row._meta.get_field(field).flatchoices)[value]
    return {"value": value, "name": in_both(lambda language: str(label))}


def country(code: str) -> dict | None:
    """``"US"`` → ``{"code": "US", "name": {"en": "United States", …}}``; None for no code."""
    if not code:
        return None
    return {"code": code, "name": in_both(lambda language: Locale(language).territories[code])}


def lifetime(value: str, is_maximum: bool = False) -> dict:
    return {
        "value": value,
        "is_maximum": is_maximum,
        "wording": in_both(lambda language: lifetime_wording(value, is_maximum)),
    }


def _html(row, field: str) -> Bilingual:
    return {language: to_html(text) for language, text in both(row, field).items()}


def _all(model, texts, *plain, html=(), words=()) -> list[dict]:
    """Every row of ``model`` in order: slug, texts, Markdown fields, plain fields, lists of words."""
    rows = []
    for row in model.objects.all():
        entry = {"slug": row.slug}
        entry |= {field: both(row, field) for field in texts}
        entry |= {field: _html(row, field) for field in html}
        entry |= {field: getattr(row, field) for field in plain}
        terms = ["dpv"] if isinstance(row, models.Described) else []
        entry |= {field: getattr(row, field).split() for field in [*words, *terms]}
        rows.append(entry)
    return rows


def _controller(row) -> dict:
    plain = [
        "name", "short_name", "product", "website", "postal_address", "registration_number", "email", "phone",
        "contact_url", "representative", "privacy_email", "reaches_children",
    ]  # fmt: skip
    return {field: getattr(row, field) for field in plain} | {
        "country": country(row.country),
        "dpo": {"name": row.dpo_name, "email": row.dpo_email, "is_not_required": row.dpo_not_required},
        "children": both(row, "children"),
        "supervisor": {"name": both(row, "supervisor"), "url": row.supervisor_url},
    }


def _sections(page: str) -> list[dict]:
    return [
        {"slug": row.slug, "part": row.part, "heading": both(row, "heading"), "text": _html(row, "text")}
        for row in models.Section.objects.filter(page=page)
    ]


def _rules() -> list[dict]:
    rows = RetentionRule.objects.select_related("trigger", "follows__trigger").prefetch_related(
        "ends_early_on", "exceptions"
    )
    return [
        {
            "slug": row.slug,
            "trigger": row.trigger.slug if row.trigger else None,
            "follows": row.follows.slug if row.follows else None,
            "period": row.period,
            "is_maximum": row.is_maximum,
            "action": row.action,
            "needs_consent": row.needs_consent,
            "ends_early_on": [trigger.slug for trigger in row.ends_early_on.all()],
            "exceptions": [exception.slug for exception in row.exceptions.all()],
            "wording": in_both(lambda language, row=row: rule_wording(row)),
            "details": _lists(lambda row=row: rule_details(row)),
        }
        for row in rows
    ]


def _lists(say) -> list[Bilingual]:
    """``say()`` gives as many sentences in one language as in the other: a list of pairs."""
    sides: dict[str, list[str]] = {}

    def collect(language: str) -> str:
        sides[language] = say()
        return ""

    in_both(collect)
    return [dict(zip(sides, texts, strict=True)) for texts in zip(*sides.values(), strict=True)]


def _purposes() -> list[dict]:
    rows = models.ProcessingPurpose.objects.select_related("parent").prefetch_related(
        "data_subjects", "data__category", "legal_bases", "retention__rule", "recipients__recipient"
    )
    return [
        {
            "slug": row.slug,
            "parent": row.parent.slug if row.parent else None,
            "title": both(row, "title"),
            "description": _html(row, "description"),
            "data_subjects": [subject.slug for subject in row.data_subjects.all()],
            "data": [used.category.slug for used in row.data.all()],
            "legal_bases": [_basis(used) for used in row.legal_bases.all()],
            "retention": [
                {"rule": used.rule.slug, "applies_when": both(used, "applies_when"), "reason": both(used, "reason")}
                for used in row.retention.all()
            ],
            "recipients": [used.recipient.slug for used in row.recipients.all()],
            "opt_out": {"kind": row.opt_out, "how": both(row, "opt_out_how")} if row.opt_out else None,
            "source": both(row, "source"),
            "source_is_public": row.source_is_public,
            "stays_inside": row.stays_inside,
            "provision": _answer(row, "provision"),
            "provision_consequence": both(row, "provision_consequence"),
            "automation": _answer(row, "automation"),
            "automation_explained": both(row, "automation_explained"),
            "shows_last_kept": row.shows_last_kept,
            "dpv": row.dpv.split(),
            "dpv_processing": row.dpv_processing.split(),
        }
        for row in rows
    ]


def _basis(row) -> dict:
    return _basis_name(row.basis) | {
        "explanation": both(row, "explanation"),
        "interest_of": _answer(row, "interest_of"),
    }


def _basis_name(value: str) -> dict:
    basis = models.LegalBasis(value)
    return {
        "basis": basis.value,
        "article": basis.article,
        "name": in_both(lambda language: str(basis.label)),
        "dpv": basis.dpv,
    }


def _recipients() -> list[dict]:
    return [
        {
            "slug": row.slug,
            "kind": row.kind,
            "role": row.role,
            "role_name": in_both(lambda language, row=row: row.get_role_display()),
            "name": both(row, "name"),
            "company": row.company,
            "country": country(row.country),
            "task": both(row, "task"),
            "privacy_url": row.privacy_url,
            "dpv": row.dpv.split(),
        }
        for row in models.Recipient.objects.all()
    ]


def _grounds() -> list[dict]:
    return [
        {
            "slug": row.slug,
            "name": both(row, "name"),
            "explanation": _html(row, "explanation"),
            "basis": _basis_name(row.basis) if row.basis else None,
        }
        for row in models.SharingGround.objects.all()
    ]


def _transfers() -> list[dict]:
    return [
        {
            "slug": row.slug,
            "name": both(row, "name"),
            "explanation": _html(row, "explanation"),
            "countries": [country(code) for code in row.countries.split()],
            "safeguards": [safeguard.slug for safeguard in row.safeguards.all()],
            "certified_on": _day(row.certified_on),
            "copy_how": both(row, "copy_how"),
        }
        for row in models.Transfer.objects.prefetch_related("safeguards")
    ]


def _vendors() -> list[dict]:
    rows = models.CookieVendor.objects.select_related("category").prefetch_related("safeguards", "websites", "cookies")
    return [
        {
            "slug": row.slug,
            "name": row.name,
            "company": row.company,
            "country": country(row.country),
            "category": row.category.slug,
            "purpose": both(row, "purpose"),
            "lifetime": lifetime(row.lifetime, row.lifetime_is_maximum),
            "privacy_url": row.privacy_url,
            "consent_reason": both(row, "consent_reason"),
            "analytics_conditions": [_condition(name) for name in row.analytics_conditions.split()],
            "safeguards": [safeguard.slug for safeguard in row.safeguards.all()],
            "websites": [website.slug for website in row.websites.all()],
            "hosts": row.hosts.split(),
            "signals": row.signals.split(),
            "cookies": [
                {
                    "name": cookie.name,
                    "storage": cookie.storage,
                    "storage_name": in_both(lambda language, c=cookie: c.get_storage_display()),
                    "party": cookie.party,
                    "party_name": in_both(lambda language, c=cookie: c.get_party_display()),
                    "http_only": cookie.http_only,
                    "lifetime": lifetime(cookie.lifetime),
                }
                for cookie in row.cookies.all()
            ],
        }
        for row in rows
    ]


def _condition(name: str) -> dict:
    label = models.AnalyticsCondition(name).label
    return {"value": name, "name": in_both(lambda language: str(label))}


def _own_storage() -> list[dict]:
    """What the product itself keeps in the browser: it declares itself, as functional."""
    storage = models.Cookie.Storage
    months = set(models.Website.objects.values_list("consent_months", flat=True)) or {6}
    return [
        {
            "name": CHOICE_COOKIE,
            "storage_name": in_both(lambda language: str(storage.COOKIE.label)),
            "lifetime": lifetime(f"P{max(months)}M", is_maximum=len(months) > 1),
            "purpose": in_both(
                lambda language: gettext(
                    "Remembers your choice about cookies, so that we need not ask on every page. "
                    "It holds a random number for your browser only if you allowed something. "
                    "As proof, our server also keeps what was asked, on which site, in which language, what you "
                    "answered and when, and that number; not your name, your address or your IP address."
                )
            ),
        },
        {
            "name": PENDING_CHOICE,
            "storage_name": in_both(lambda language: str(storage.LOCAL.label)),
            "lifetime": {
                "value": "",
                "is_maximum": False,
                "wording": in_both(
                    lambda language: capfirst(pgettext("lifetime of a pending choice", "until your choice is stored"))
                ),
            },
            "purpose": in_both(
                lambda language: gettext("Keeps your choice while our server cannot be reached, and sends it later.")
            ),
        },
    ]


def _websites(categories: list[dict], vendors: list[dict]) -> list[dict]:
    websites = []
    for row in models.Website.objects.prefetch_related("origins"):
        used = [vendor for vendor in vendors if not vendor["websites"] or row.slug in vendor["websites"]]
        asked = []
        for category in categories:
            members = [vendor for vendor in used if vendor["category"] == category["slug"]]
            if members:
                asked.append(
                    {
                        "slug": category["slug"],
                        "needs_consent": category["needs_consent"],
                        "vendors": [vendor["slug"] for vendor in members],
                        "fingerprint": "",  # settled against the version before, see asking.py
                    }
                )
        websites.append(
            {
                "slug": row.slug,
                "name": both(row, "name"),
                "origins": [origin.origin for origin in row.origins.all()],
                "default_language": row.default_language,
                "hosts_statement": row.hosts_statement,
                "banner_title": both(row, "banner_title"),
                "banner_text": both(row, "banner_text"),
                "consent_months": row.consent_months,
                "consent_days": row.consent_days,
                "shared_domain": row.shared_domain,
                "position": row.position,
                "looks": {
                    name: getattr(row, name) for name in ("background", "foreground", "accent", "radius", "fonts")
                },
                "categories": asked,
            }
        )
    return websites
