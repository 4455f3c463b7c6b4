"""A version in terms of the Data Privacy Vocabulary 2.3, as JSON-LD."""

from typing import Any

from retention.periods import Period

from .reading import completed

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
# Of a derogation the vocabulary has each letter of Art. 49, which we do not keep.
INSTRUMENTS = {
    "adequacy": "eu-gdpr:A45-3",
    "dpf": "eu-gdpr:A45-3",
    "scc": "eu-gdpr:A46-2-c",
    "bcr": "eu-gdpr:A46-2-b",
    "derogation": "dpv:DataTransferLegalBasis",
}
NECESSITIES = {"statutory": "dpv:Required", "contractual": "dpv:Required", "voluntary": "dpv:Optional"}


def describe(document: dict[str, Any], digest: str) -> dict[str, Any]:
    """The privacy notice with a ``dpv:Process`` for each purpose and each cookie vendor."""
    content = completed(document["content"])
    entries = entries_of(content)
    return {
        "@context": CONTEXT,
        "@type": "dpv:PrivacyNotice",
        "dct:title": _texts(content["title"]),
        "dct:identifier": f"urn:sha256:{digest}",
        "dct:hasVersion": str(document["number"]),
        "dct:issued": {"@value": document["effective_at"], "@type": "xsd:dateTime"},
        "dpv:hasDataController": controller_of(content),
        "dpv:hasProcess": [
            *(process(purpose, entries) for purpose in content["purposes"]),
            *(_vendor(vendor, entries) for vendor in content["cookie_vendors"]),
        ],
        "dpv:hasRight": [_entry(right) for right in content["rights"]],
        "dpv:hasTechnicalOrganisationalMeasure": measures_of(content),
    }


def entries_of(content) -> dict[str, dict[str, Any]]:
    """The entries of the lists to which purposes and vendors refer, by list and slug."""
    lists = ("data_categories", "data_subjects", "recipients", "retention_rules", "cookie_categories")
    return {key: {entry["slug"]: entry for entry in content[key]} for key in lists}


def controller_of(content) -> dict[str, Any]:
    """Who is responsible, and who answers for privacy there."""
    controller = content["controller"]
    officer = controller["dpo"]
    contacts = [controller[field] for field in ("email", "phone", "contact_url", "privacy_email")]
    described = {
        "@type": "dpv:DataController",
        "dpv:hasName": controller["name"],
        "dpv:hasAddress": controller["postal_address"],
        "dpv:hasContact": list(filter(None, contacts)),
        "dpv:hasCountry": {"@id": f"loc:{controller['country']['code']}"},
    }
    if officer["name"] or officer["email"]:
        described["dpv:hasDataProtectionOfficer"] = _filled(
            {
                "@type": "dpv:DataProtectionOfficer",
                "dpv:hasName": officer["name"],
                "dpv:hasContact": officer["email"],
            }
        )
    if controller["representative"]:
        described["dpv:hasRepresentative"] = {
            "@type": "dpv:Representative",
            "dct:description": controller["representative"],
        }
    return _filled(described)


def measures_of(content) -> list[dict[str, Any]]:
    """What protects the data, here and in countries outside the EEA."""
    return [
        *(_entry(measure) for measure in content["measures"]),
        *(_safeguard(safeguard) for safeguard in content["transfer_safeguards"]),
    ]


def _safeguard(safeguard) -> dict[str, Any]:
    entry = _entry(safeguard)
    entry["@type"] = ["dpv:SafeguardForDataTransfer", *safeguard["dpv"]]
    if safeguard["instrument"]:
        entry["dpv:hasLegalBasis"] = {"@id": INSTRUMENTS[safeguard["instrument"]]}
    return entry


def process(purpose, entries) -> dict[str, Any]:
    """One purpose as a ``dpv:Process``; ``entries`` as ``entries_of`` gives them."""
    return {
        "@type": "dpv:Process",
        "dct:identifier": purpose["slug"],
        "dct:title": _texts(purpose["title"]),
        "dpv:hasPurpose": _ids(purpose["dpv"]),
        "dpv:hasProcessing": _ids(purpose["dpv_processing"]),
        "dpv:hasDataSubject": [_entry(entries["data_subjects"][slug]) for slug in purpose["data_subjects"]],
        "dpv:hasPersonalData": [_data(entries["data_categories"][slug]) for slug in purpose["data"]],
        "dpv:hasLegalBasis": _ids(map(_basis, purpose["legal_bases"])),
        "dpv:hasRecipient": [_entry(entries["recipients"][slug]) for slug in purpose["recipients"]],
        "dpv:hasStorageCondition": [
            _storage(entries["retention_rules"][used["rule"]]) for used in purpose["retention"]
        ],
    } | _answers(purpose)


def _answers(purpose) -> dict[str, Any]:
    """What Art. 13(2)(e) and (f) and Art. 14(2)(f) ask for, where it has been answered."""
    found: dict[str, Any] = {}
    if provision := purpose["provision"]:
        found["dpv:hasNecessity"] = {
            "@type": NECESSITIES[provision["value"]],
            "dct:description": _texts(purpose["provision_consequence"]),
        }
    if any(purpose["source"].values()):
        kinds = {True: "dpv:PublicDataSource", False: "dpv:NonPublicDataSource", None: "dpv:DataSource"}
        found["dpv:hasDataSource"] = {
            "@type": kinds[purpose["source_is_public"]],
            "dct:description": _texts(purpose["source"]),
        }
    automation = purpose["automation"]["value"] if purpose["automation"] else "none"
    if automation == "none":
        return found
    if automation == "profiling":
        found["dpv:hasProcessing"] = _ids([*purpose["dpv_processing"], "dpv:Profiling"])
        found["dpv:hasHumanInvolvement"] = {"@id": "dpv:HumanInvolvementForDecision"}
    else:
        found["dpv:hasContext"] = {"@id": "dpv:AutomatedDecisionMaking"}
    logic = {"@type": "dpv:AlgorithmicLogic", "dct:description": _texts(purpose["automation_explained"])}
    return found | {"dpv:hasAlgorithmicLogic": logic}


def _basis(basis) -> str:
    interest = basis["interest_of"]
    if interest and interest["value"] == "third-party":
        return "eu-gdpr:A6-1-f-third-party"
    return basis["dpv"]


def _data(category) -> dict[str, Any]:
    if not category["is_special"]:
        return _entry(category)
    return _entry(category) | {"@type": [*category["dpv"], "dpv:SpecialCategoryPersonalData"]}


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


def _filled(described: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in described.items() if value}


def _ids(terms) -> list[dict[str, str]]:
    return [{"@id": term} for term in terms]
