"""A version's content as one reader sees it: one language, and references followed."""

import copy
from typing import Any

LANGUAGE_KEYS = {"en", "nl"}

# What the documents of earlier releases do not say, as it was then.
WEBSITE_BEFORE = {
    "shared_domain": "",
    "position": "corner",
    "looks": {"background": "", "foreground": "", "accent": "", "radius": None, "fonts": ""},
}


NOT_ASKED_BEFORE: dict[str, dict[str, Any]] = {
    "controller": {"contact_url": "", "representative": "", "privacy_email": "", "reaches_children": None},
    "data_categories": {"is_special": False, "from_others": False},
    "transfer_safeguards": {"instrument": ""},
    "triggers": {"rounding": ""},
    "purposes": {
        "source_is_public": None, "stays_inside": False, "provision": None, "automation": None,
        "shows_last_kept": False,
    },
    "transfers": {"certified_on": ""},
    "cookie_categories": {"signals": []},
    "cookie_vendors": {"hosts": [], "analytics_conditions": []},
}  # fmt: skip
NO_TEXT_BEFORE = {
    "controller": ["children"],
    "purposes": ["provision_consequence", "automation_explained"],
    "transfers": ["copy_how"],
}


def completed(content: dict[str, Any]) -> dict[str, Any]:
    """``content`` with what an earlier release did not write into it yet; the given one stays as it is."""
    content = copy.deepcopy(content)
    for website in content["websites"]:
        website.setdefault("consent_months", round(website["consent_days"] * 12 / 365))
        for name, value in WEBSITE_BEFORE.items():
            website.setdefault(name, value)
    for key, values in NOT_ASKED_BEFORE.items():
        texts = {name: dict.fromkeys(sorted(LANGUAGE_KEYS), "") for name in NO_TEXT_BEFORE.get(key, [])}
        for entry in [content[key]] if key == "controller" else content[key]:
            for name, value in copy.deepcopy(values | texts).items():
                entry.setdefault(name, value)
    content["controller"]["dpo"].setdefault("is_not_required", False)
    for purpose in content["purposes"]:
        for basis in purpose["legal_bases"]:
            basis.setdefault("interest_of", None)
    for vendor in content["cookie_vendors"]:
        for cookie in vendor["cookies"]:
            cookie.setdefault("http_only", False)
    return content


def in_language(value: Any, language: str) -> Any:
    """``value`` with every bilingual text replaced by its side in ``language``."""
    if isinstance(value, dict):
        if value.keys() == LANGUAGE_KEYS:
            return value[language]
        return {key: in_language(item, language) for key, item in value.items()}
    if isinstance(value, list):
        return [in_language(item, language) for item in value]
    return value


def read(content: dict, language: str) -> dict:
    """``content`` in ``language``, with slugs replaced by the entries that they name.

    In addition each purpose has its ``parent_title`` and each cookie category its ``vendors``;
    ``is_never_automated`` says that all purposes deny profiling and automated decisions.
    """
    text = in_language(content, language)
    subjects, data, recipients, rules = (
        _by_slug(text[key]) for key in ("data_subjects", "data_categories", "recipients", "retention_rules")
    )
    titles = {purpose["slug"]: purpose["title"] for purpose in text["purposes"]}
    answers = [purpose["automation"] for purpose in text["purposes"]]
    text["is_never_automated"] = bool(answers) and all(answer and answer["value"] == "none" for answer in answers)
    for purpose in text["purposes"]:
        purpose["parent_title"] = titles.get(purpose["parent"])
        purpose["data_subjects"] = [subjects[slug] for slug in purpose["data_subjects"]]
        purpose["data"] = [data[slug] for slug in purpose["data"]]
        purpose["recipients"] = [recipients[slug] for slug in purpose["recipients"]]
        purpose["retention"] = [used | {"rule": rules[used["rule"]]} for used in purpose["retention"]]

    transfer_safeguards = _by_slug(text["transfer_safeguards"])
    for transfer in text["transfers"]:
        transfer["safeguards"] = [transfer_safeguards[slug] for slug in transfer["safeguards"]]

    vendor_safeguards, websites = _by_slug(text["vendor_safeguards"]), _by_slug(text["websites"])
    for vendor in text["cookie_vendors"]:
        vendor["safeguards"] = [vendor_safeguards[slug] for slug in vendor["safeguards"]]
        vendor["websites"] = [websites[slug] for slug in vendor["websites"]]
    vendors = _by_slug(text["cookie_vendors"])
    categories = _by_slug(text["cookie_categories"])
    for category in text["cookie_categories"]:
        category["vendors"] = [v for v in text["cookie_vendors"] if v["category"] == category["slug"]]
    for website in text["websites"]:
        website["categories"] = [
            categories[asked["slug"]] | asked | {"vendors": [vendors[slug] for slug in asked["vendors"]]}
            for asked in website["categories"]
        ]
    return text


def home_website(content: dict) -> dict | None:
    """The web site to which the pages of the statement belong."""
    return next((website for website in content["websites"] if website["hosts_statement"]), None)


def _by_slug(entries: list[dict]) -> dict[str, dict]:
    return {entry["slug"]: entry for entry in entries}
