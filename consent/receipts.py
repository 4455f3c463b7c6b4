"""What a visitor gets as proof: the short answer to a choice, and the full receipt.

The receipt says the same twice in one document. Its members bear the names of
ISO/IEC TS 27560:2023, and ``@context`` says what each is in the Data Privacy Vocabulary, after
https://w3id.org/dpv/guides/consent-27560. It follows from the record and its version alone; that
of a withdrawal also from the choice that it takes back.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from policies import vocabulary
from policies.rendering import Edition
from retention.periods import Period

from .models import ConsentRecord

PROFILES = "https://w3id.org/dpv/schema/dpv-27560#"
CONSENT = "eu-gdpr:A6-1-a"
# What a category stands for where the version has no purpose on consent with its term.
COOKIE_DATA = "pd:Identifier"


def _reference(term: str) -> dict[str, str]:
    """A member whose text is not words but the address of something."""
    return {"@id": term, "@type": "@id"}


CONTEXT = vocabulary.CONTEXT | {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    # Header
    "schema_version": _reference("dct:conformsTo"),
    "receipt_id": "dct:identifier",
    "record": "dpv:hasRecordOfActivity",
    "record_id": "dct:identifier",
    "pii_principal_id": "dpv:hasDataSubject",
    # Processing
    "processing": "dpv:hasProcess",
    "privacy_notice": "dpv:hasNotice",
    "language": "dct:language",
    "purposes": "dpv:hasPurpose",
    "lawful_basis": _reference("dpv:hasLegalBasis"),
    "pii_information": "dpv:hasPersonalData",
    "pii_type": _reference("dct:type"),
    "pii_controllers": _reference("dpv:hasDataController"),
    "storage_locations": "dpv:hasStorageCondition",
    "retention_period": "dpv:hasStorageCondition",
    "service": "dpv:hasService",
    "jurisdiction": _reference("dpv:hasJurisdiction"),
    "recipient_third_parties": "dpv:hasRecipient",
    "withdrawal_method": "dpv:hasConsentControl",
    "privacy_rights": "dpv:hasRight",
    "authority_party": _reference("dpv:hasAuthority"),
    # Parties
    "parties": "dpv:hasEntity",
    "party_id": _reference("dpv:hasIdentifier"),
    "party_name": "dpv:hasName",
    "party_address": "dpv:hasAddress",
    "party_contact": "dpv:hasContact",
    "party_type": _reference("dct:type"),
    # Events
    "events": "dpv:hasConsentStatus",
    "event_time": {"@id": "dpv:isIndicatedAtTime", "@type": "xsd:dateTime"},
    "validity_duration": "dpv:hasDuration",
    "entity_id": _reference("dpv:isIndicatedBy"),
    "event_type": _reference("dpv:hasLegalBasis"),
    "event_state": _reference("dpv:hasStatus"),
    "concerns": _reference("dct:subject"),
}


def answer(record: ConsentRecord, edition: Edition | None) -> dict[str, Any]:
    """What was chosen, when, under which words. Without the number of the browser."""
    once = {"once": True} if record.is_once else {}
    return {
        "id": str(record.id),
        "website": record.website,
        "version": record.version_id,
        "statement": edition.digest if edition else None,
        "banner": record.banner_id,
        "language": record.language,
        "gpc": record.gpc,
        "action": record.action,
        "choices": record.choices,
        "vendors": record.vendors,
        **once,
        "decided_at": _utc(record.decided_at),
        "recorded_at": _utc(record.recorded_at),
    }


def taken_back(record: ConsentRecord) -> ConsentRecord | None:
    """The choice that the withdrawal ``record`` takes back: the last one of that browser before it.

    None where ``record`` is no withdrawal, or nothing before it is kept. One query at most.
    """
    if record.action != ConsentRecord.Action.WITHDRAW or record.subject is None:
        return None
    return ConsentRecord.objects.filter(subject=record.subject, pk__lt=record.pk, is_once=False).first()


def receipt(record: ConsentRecord, edition: Edition, before: ConsentRecord | None = None) -> dict[str, Any]:
    """The receipt of ``record``, made under ``edition``, as JSON-LD in the language of the choice.

    ``before`` is what a withdrawal takes back (see ``taken_back``).
    """
    with override(record.language):
        address = settings.PUBLIC_URL + reverse("receipt", args=[record.pk])
        return answer(record, edition) | {
            "@context": CONTEXT,
            "@id": address,
            "@type": "dpv:ConsentReceipt",
            "dct:conformsTo": {"@id": f"{PROFILES}receipt-eu-gdpr"},
            "schema_version": f"{PROFILES}receipt-eu-gdpr",
            "receipt_id": str(record.pk),
            "dct:created": {"@value": _utc(record.recorded_at), "@type": "xsd:dateTime"},
            "dct:publisher": {"@id": f"{address}#controller"},
            "record": _record(record, before, edition, address),
        }


def filename(record: ConsentRecord) -> str:
    """The name under which a browser saves the receipt."""
    word = {"en": "consent-receipt", "nl": "toestemmingsbewijs"}[record.language]
    return f"{word}-{record.decided_at:%Y-%m-%d}-{str(record.pk)[-12:]}.json"


def _utc(moment: datetime) -> str:
    """The same text whatever offset the browser sent."""
    return moment.astimezone(UTC).isoformat()


def _record(record: ConsentRecord, before: ConsentRecord | None, edition: Edition, address: str) -> dict[str, Any]:
    text = edition.text(record.language)
    website = next(entry for entry in text["websites"] if entry["slug"] == record.website)
    asking = [category for category in website["categories"] if category["needs_consent"]]
    asked = [category for category in asking if _concerns(record, category)]
    return {
        "@id": f"{address}#record",
        "@type": "dpv:ConsentRecord",
        "schema_version": f"{PROFILES}record-eu-gdpr",
        "record_id": str(record.pk),
        "pii_principal_id": _principal(record),
        "processing": [_processing(category, record, before, edition, website, address) for category in asked],
        "parties": [
            _controller(text["controller"], address),
            _supervisor(text["controller"], address),
            *(_vendor(vendor, address) for category in asked for vendor in category["vendors"]),
        ],
        "events": [
            _event(f"{address}#{part}", state, record, website)
            for part, state in _decided(record, before, asked).items()
        ],
    }


def _concerns(record: ConsentRecord, category: dict[str, Any]) -> bool:
    """A choice for one page view concerns the category of that vendor; any other all of them."""
    return not record.is_once or any(vendor["slug"] in record.vendors for vendor in category["vendors"])


def _principal(record: ConsentRecord) -> str:
    """The browser, by a digest: whoever is shown one receipt cannot ask for its history."""
    if record.subject is None:
        return _("none: nothing is allowed, so the browser holds no number")
    return f"urn:sha256:{hashlib.sha256(str(record.subject).encode()).hexdigest()}"


# -- Processing ------------------------------------------------------------------------------


def _processing(
    category, record: ConsentRecord, before: ConsentRecord | None, edition: Edition, website, address: str
) -> dict[str, Any]:
    text = edition.text(record.language)
    countries = {vendor["country"]["code"]: vendor["country"]["name"] for vendor in category["vendors"]}
    return {
        "@id": f"{address}#category-{category['slug']}",
        "@type": "dpv:Process",
        "dct:identifier": category["slug"],
        "privacy_notice": [
            {
                "@id": settings.PUBLIC_URL + reverse("version", args=[edition.number]),
                "@type": "dpv:PrivacyNotice",
                "dct:identifier": f"urn:sha256:{edition.digest}",
                "dct:hasVersion": str(edition.number),
            },
            {"@type": "dpv:ConsentNotice", "dct:identifier": f"urn:sha256:{record.banner_id}"},
        ],
        "language": record.language,
        "purposes": [
            {
                "@type": category["dpv"] or ["dpv:Purpose"],
                "dct:title": category["name"],
                "dct:description": category["purpose"],
            }
        ],
        "lawful_basis": CONSENT,
        "pii_information": _personal_data(category, text),
        "pii_controllers": [f"{address}#controller"],
        "storage_locations": [
            {
                "@type": "dpv:StorageLocation",
                "dpv:hasLocation": {"@id": "tech:Device"},
                "dct:title": _("the device of the visitor"),
            },
            *(
                {
                    "@type": "dpv:StorageLocation",
                    "dpv:hasLocation": {"@id": f"loc:{code}"},
                    "dct:title": name,
                }
                for code, name in countries.items()
            ),
        ],
        "retention_period": [_retention(vendor, address) for vendor in category["vendors"]],
        "service": website["name"],
        "jurisdiction": _country(text["controller"]),
        "recipient_third_parties": [
            {
                "@id": f"{address}#vendor-{vendor['slug']}",
                "@type": "dpv:ThirdParty",
                "dpv:hasName": vendor["company"],
                "dpv:hasCountry": {"@id": f"loc:{vendor['country']['code']}"},
                "dpv:hasConsentStatus": {"@id": _state(record, before, category["slug"], vendor["slug"])},
            }
            for vendor in category["vendors"]
        ],
        "withdrawal_method": _withdrawal(website),
        "privacy_rights": [
            {"@type": ["dpv:DataSubjectRight", *right["dpv"]], "dct:title": right["name"]} for right in text["rights"]
        ],
        "authority_party": f"{address}#supervisor",
    }


def _personal_data(category, text) -> list[dict[str, Any]]:
    """The data of the purposes on consent that share a term of DPV with ``category``."""
    entries = {
        entry["slug"]: entry
        for purpose in text["purposes"]
        if set(purpose["dpv"]) & set(category["dpv"])
        and any(basis["dpv"] == CONSENT for basis in purpose["legal_bases"])
        for entry in purpose["data"]
    }
    return [{"pii_type": entry["dpv"] or [COOKIE_DATA], "dct:title": entry["name"]} for entry in entries.values()] or [
        {"pii_type": [COOKIE_DATA], "dct:title": pgettext("personal data", "Identifier in a cookie")}
    ]


def _retention(vendor, address: str) -> dict[str, Any]:
    is_session = vendor["lifetime"]["value"] == "session"
    duration = {} if is_session else {"dpv:hasDuration": _duration(Period.parse(vendor["lifetime"]["value"]))}
    return {
        "@type": ["dpv:StorageDuration", "dpv:UntilEventDuration" if is_session else "dpv:TemporalDuration"],
        "concerns": f"{address}#vendor-{vendor['slug']}",
        "dct:title": vendor["name"],
        "dct:description": vendor["lifetime"]["wording"],
        **duration,
    }


def _duration(period: Period) -> dict[str, str]:
    """``period`` as XML Schema writes it, which knows no weeks (part 2, 3.2.6)."""
    days = Period(days=period.weeks * 7) if period.weeks else period
    return {"@value": str(days), "@type": "xsd:duration"}


def _withdrawal(website) -> dict[str, Any]:
    """Where consent is withdrawn: the cookies page for our own site, else the site that asked.

    Of a site that is known by a wildcard alone, only the words say where.
    """
    exact = [origin for origin in website["origins"] if "*" not in origin]
    addresses = [settings.PUBLIC_URL + reverse("cookies")] if website["hosts_statement"] else exact
    return {
        "@type": "dpv:WithdrawConsent",
        **({"dpv:isExercisedAt": {"@id": addresses[0]}} if addresses else {}),
        "dct:description": _("“Cookie settings” on every page of %(website)s.") % {"website": website["name"]},
    }


# -- Parties ---------------------------------------------------------------------------------


def _controller(controller, address: str) -> dict[str, Any]:
    dpo = [controller["dpo"]["name"], controller["dpo"]["email"]]
    contacts = [controller["email"], controller["phone"], *dpo, controller["website"]]
    return _party(
        f"{address}#controller",
        "dpv:DataController",
        controller["name"],
        ", ".join(filter(None, [controller["postal_address"], _name_of_country(controller)])),
        [contact for contact in contacts if contact],
    )


def _supervisor(controller, address: str) -> dict[str, Any]:
    supervisor = controller["supervisor"]
    return _party(
        f"{address}#supervisor",
        "dpv:DataProtectionAuthority",
        supervisor["name"],
        _name_of_country(controller),
        [supervisor["url"]] if supervisor["url"] else [],
    )


def _vendor(vendor, address: str) -> dict[str, Any]:
    return _party(
        f"{address}#vendor-{vendor['slug']}",
        "dpv:ThirdParty",
        vendor["company"],
        vendor["country"]["name"],
        [vendor["privacy_url"]] if vendor["privacy_url"] else [],
    )


def _party(identifier: str, kind: str, name: str, place: str, contacts: list[str]) -> dict[str, Any]:
    return {
        "@id": identifier,
        "@type": kind,
        "party_id": identifier,
        "party_type": kind,
        "party_name": name,
        "party_address": place or _("Not stated"),
        "party_contact": contacts or [_("Not stated")],
    }


def _country(controller) -> str:
    return f"loc:{controller['country']['code']}" if controller["country"] else "loc:EEA"


def _name_of_country(controller) -> str:
    return controller["country"]["name"] if controller["country"] else ""


# -- Events ----------------------------------------------------------------------------------


def _decided(record: ConsentRecord, before: ConsentRecord | None, asked) -> dict[str, str]:
    """What was decided: ``{"category-analytical": state}``; for one page view it is about a vendor."""
    if record.is_once:
        return {f"vendor-{vendor}": _state(record, before, "", vendor) for vendor in record.vendors}
    return {f"category-{category['slug']}": _state(record, before, category["slug"]) for category in asked}


def _event(subject: str, state: str, record: ConsentRecord, website) -> dict[str, Any]:
    return {
        "@type": [state, "dpv:ExpressedConsent"],
        "concerns": subject,
        "event_time": _utc(record.decided_at),
        "validity_duration": _validity(record, website),
        "entity_id": "dpv:DataSubject",
        "event_type": "dpv:ExpressedConsent",
        "event_state": state,
    }


def _state(record: ConsentRecord, before: ConsentRecord | None, category: str, vendor: str = "") -> str:
    """What became of a category, or of one vendor in it. Only what had been given is withdrawn."""
    if record.is_once and vendor not in record.vendors:
        return "dpv:ConsentUnknown"  # the record is about another vendor
    if record.vendors.get(vendor, record.choices.get(category)):
        return "dpv:ConsentGiven"
    was_given = before and before.vendors.get(vendor, before.choices.get(category))
    return "dpv:ConsentWithdrawn" if was_given else "dpv:ConsentRefused"


def _validity(record: ConsentRecord, website) -> dict[str, Any]:
    """How long the decision holds: as long for a no as for a yes."""
    if record.is_once:
        return {"@type": "dpv:FixedOccurrencesDuration", "rdf:value": "1"}
    return {"@type": "dpv:TemporalDuration", "rdf:value": f"P{website['consent_days']}D"}
