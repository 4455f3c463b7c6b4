"""A version in terms of the Data Privacy Vocabulary 2.3, as JSON-LD."""

from typing import Any

from retention.periods import Period

CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "tech": "https://w3id.org/dpv/tech#",
    "legal-nl": "https://w3id.org/dpv/legal/nl#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
ROLES = {
    "processor": "dpv:DataProcessor",
    "joint-controller": "dpv:JointDataControllers",
    "third-party": "dpv:ThirdParty",
    "authority": "dpv:Authority",
}


def describe(document: dict[str, Any], digest: str) -> dict[str, Any]:
    """The privacy notice with a ``dpv:Process`` for each purpose and each cookie vendor."""
    content = document["content"]
    controller = content["controller"]
    entries = {key: {entry["slug"]: entry for entry in content[key]} for key in
               ("data_categories", "data_subjects", "recipients", "retention_rules", "cookie_categories")}  # fmt: skip
    return {
        "@context": CONTEXT,
        "@type": "dpv:PrivacyNotice",
        "dct:title": _texts(content["title"]),
        "dct:identifier": f"urn:sha256:{digest}",
        "dct:hasVersion": str(document["number"]),
        "dct:issued": {"@value": document["effective_at"], "@type": "xsd:dateTime"},
        "dpv:hasDataController": {
            "@type": "dpv:DataController",
            "dpv:hasName": controller["name"],
            "dpv:hasCountry": {"@id": f"loc:{controller['country']['code']}"},
        },
        "dpv:hasProcess": [
            *(_process(purpose, entries) for purpose in content["purposes"]),
            *(_vendor(vendor, entries) for vendor in content["cookie_vendors"]),
        ],
        "dpv:hasRight": [_entry(right) for right in content["rights"]],
        "dpv:hasTechnicalOrganisationalMeasure": [_entry(measure) for measure in content["measures"]],
    }


def _process(purpose, entries) -> dict[str, Any]:
    return {
        "@type": "dpv:Process",
        "dct:identifier": purpose["slug"],
        "dct:title": _texts(purpose["title"]),
        "dpv:hasPurpose": _ids(purpose["dpv"]),
        "dpv:hasProcessing": _ids(purpose["dpv_processing"]),
        "dpv:hasDataSubject": [_entry(entries["data_subjects"][slug]) for slug in purpose["data_subjects"]],
        "dpv:hasPersonalData": [_entry(entries["data_categories"][slug]) for slug in purpose["data"]],
        "dpv:hasLegalBasis": _ids(basis["dpv"] for basis in purpose["legal_bases"]),
        "dpv:hasRecipient": [_entry(entries["recipients"][slug]) for slug in purpose["recipients"]],
        "dpv:hasStorageCondition": [
            _storage(entries["retention_rules"][used["rule"]]) for used in purpose["retention"]
        ],
    }


def _vendor(vendor, entries) -> dict[str, Any]:
    category = entries["cookie_categories"][vendor["category"]]
    return {
        "@type": "dpv:Process",
        "dct:identifier": f"cookies/{vendor['slug']}",
        "dct:title": vendor["name"],
        "dct:description": _texts(vendor["purpose"]),
        "dpv:hasPurpose": _ids(category["dpv"]),
        "dpv:isImplementedUsingTechnology": {"@id": "tech:Cookie"},
        "dpv:hasLegalBasis": _ids(["eu-gdpr:A6-1-a"] if category["needs_consent"] else []),
        "dpv:hasRecipient": [
            {
                "@type": "dpv:ThirdParty",
                "dpv:hasName": vendor["company"],
                "dpv:hasCountry": {"@id": f"loc:{vendor['country']['code']}"},
            }
        ],
        "dpv:hasStorageCondition": [
            {
                "@type": "dpv:StorageDuration",
                "dct:description": _texts(vendor["lifetime"]["wording"]),
                **_duration("" if vendor["lifetime"]["value"] == "session" else vendor["lifetime"]["value"]),
            }
        ],
    }


def _storage(rule) -> dict[str, Any]:
    if rule["period"]:
        kind = "dpv:TemporalDuration"
    else:
        kind = "dpv:UntilEventDuration" if rule["trigger"] else "dpv:IndeterminateDuration"
    end = {"erase": "dpv:StorageDeletion", "anonymise": "dpv:Anonymise"}.get(rule["action"])
    return {
        "@type": ["dpv:StorageDuration", kind],
        "dct:identifier": rule["slug"],
        "dct:description": _texts(rule["wording"]),
        **_duration(rule["period"]),
        **({"dpv:hasProcessing": {"@id": end}} if end else {}),
    }


def _duration(period) -> dict[str, Any]:
    """As XML Schema writes it, which knows no weeks (part 2, 3.2.6)."""
    if not period:
        return {}
    weeks = Period.parse(period).weeks
    return {"dpv:hasDuration": {"@value": f"P{weeks * 7}D" if weeks else period, "@type": "xsd:duration"}}


def _entry(entry) -> dict[str, Any]:
    types = list(entry.get("dpv", [])) or ([ROLES[entry["role"]]] if "role" in entry else [])
    return {"dct:identifier": entry["slug"], "dct:title": _texts(entry["name"])} | ({"@type": types} if types else {})


def _texts(texts) -> list[dict[str, str]]:
    return [{"@value": text, "@language": language} for language, text in texts.items() if text]


def _ids(terms) -> list[dict[str, str]]:
    return [{"@id": term} for term in terms]
