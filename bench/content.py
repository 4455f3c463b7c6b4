"""What every banner in the bench has to say: the example content, as the site publishes it.

The buttons are called as in ours, so that one program can press them in all.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polib

LANGUAGES = ("en", "nl")
CATALOGUE = Path(__file__).resolve().parent.parent / "locale" / "nl" / "LC_MESSAGES" / "django.po"
WORDS = {
    "accept": "Accept all",
    "reject": "Reject all",
    "manage": "Manage preferences",
    "save": "Save my choice",
    "settings": "Cookie settings",
    "close": "Close",
    "name": "Provider",
    "company": "Company",
    "country": "Country",
    "purpose": "Purpose",
    "lifetime": "Kept for",
    "privacy": "Privacy statement",
}


@dataclass(frozen=True)
class Vendor:
    slug: str
    name: str
    company: str
    country: str
    purpose: str
    lifetime: str
    privacy_url: str


@dataclass(frozen=True)
class Category:
    slug: str
    name: str
    purpose: str
    needs_consent: bool
    vendors: list[Vendor]


@dataclass(frozen=True)
class Content:
    """The words of one web site in one language."""

    title: str
    text: str
    categories: list[Category]
    words: dict[str, str]

    @property
    def vendors(self) -> list[Vendor]:
        return [vendor for category in self.categories for vendor in category.vendors]

    @property
    def first_layer(self) -> list[str]:
        return [self.title, self.text, *(self.words[name] for name in ("accept", "reject", "manage"))]

    @property
    def second_layer(self) -> list[str]:
        """All that the opened banner says, each once."""
        said = [part for category in self.categories for part in (category.name, category.purpose)]
        for vendor in self.vendors:
            said += [vendor.name, vendor.company, vendor.country, vendor.purpose, vendor.lifetime]
        return list(dict.fromkeys(said))


def fullest_website(document: dict[str, Any]) -> str:
    """The web site that uses the most vendors."""
    return max(
        document["content"]["websites"],
        key=lambda website: sum(len(category["vendors"]) for category in website["categories"]),
    )["slug"]


def content_of(document: dict[str, Any], slug: str) -> dict[str, Content]:
    """Language → words of the web site ``slug``, from the document of the version in force."""
    content = document["content"]
    website = next(entry for entry in content["websites"] if entry["slug"] == slug)
    categories = {category["slug"]: category for category in content["cookie_categories"]}
    vendors = {vendor["slug"]: vendor for vendor in content["cookie_vendors"]}
    dutch = {entry.msgid: entry.msgstr for entry in polib.pofile(str(CATALOGUE))}

    def in_language(language: str) -> Content:
        return Content(
            title=website["banner_title"][language],
            text=website["banner_text"][language],
            categories=[
                Category(
                    slug=asked["slug"],
                    name=categories[asked["slug"]]["name"][language],
                    purpose=categories[asked["slug"]]["purpose"][language],
                    needs_consent=asked["needs_consent"],
                    vendors=[vendor(vendors[name], language) for name in asked["vendors"]],
                )
                for asked in website["categories"]
            ],
            words={name: dutch[word] if language == "nl" else word for name, word in WORDS.items()},
        )

    def vendor(entry: dict[str, Any], language: str) -> Vendor:
        return Vendor(
            slug=entry["slug"],
            name=entry["name"],
            company=entry["company"],
            country=entry["country"]["name"][language],
            purpose=entry["purpose"][language],
            lifetime=entry["lifetime"]["wording"][language],
            privacy_url=entry["privacy_url"],
        )

    return {language: in_language(language) for language in LANGUAGES}
