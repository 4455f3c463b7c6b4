"""The banners that are compared: ours, and others as their own documentation sets them up.

Each says the same (see content.py) and holds back the same script. Where a product offers a
choice, the documented one is taken, or else the smaller: minified files, no option that only adds.
"""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .content import Content, Vendor
from .packages import COOKIECONSENT, KLARO, TARTEAUCITRON, Package

ROOT = Path(__file__).resolve().parent.parent
# What the page wants to run once the analytical category is allowed.
HELD_CATEGORY = "analytical"
HELD_SCRIPT = "/held.js"


@dataclass(frozen=True)
class Product:
    """What a page has to hold, and which files its server has to offer, at /<key>/<name>."""

    key: str
    name: str
    version: str
    head: str
    held: str
    files: dict[str, bytes] = field(default_factory=dict)


def ours(script: str) -> Product:
    """Our banner by the address that a web site embeds."""
    return Product(
        key="ours",
        name="ours",
        version=tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
        head=f'<script src="{script}" async></script>',
        held=f'<script type="text/plain" data-consent="{HELD_CATEGORY}" data-src="{HELD_SCRIPT}"></script>',
    )


def no_banner() -> Product:
    """The page alone: what the browser does without any of them."""
    return Product(key="none", name="the page alone", version="", head="", held="")


def cookieconsent(content: dict[str, Content]) -> Product:
    """orestbida's CookieConsent: a style sheet, a module with the configuration, the code that it imports."""

    def translation(said: Content) -> dict[str, Any]:
        words = said.words
        return {
            "consentModal": {
                "title": said.title,
                "description": said.text,
                "acceptAllBtn": words["accept"],
                "acceptNecessaryBtn": words["reject"],
                "showPreferencesBtn": words["manage"],
            },
            "preferencesModal": {
                "title": words["settings"],
                "acceptAllBtn": words["accept"],
                "acceptNecessaryBtn": words["reject"],
                "savePreferencesBtn": words["save"],
                "closeIconLabel": words["close"],
                "sections": [
                    {
                        "title": category.name,
                        "description": category.purpose,
                        "linkedCategory": category.slug,
                        "cookieTable": {
                            "headers": {name: words[name] for name in columns},
                            "body": [row(vendor, words["privacy"]) for vendor in category.vendors],
                        },
                    }
                    for category in said.categories
                ],
            },
        }

    columns = ["name", "company", "country", "purpose", "lifetime", "privacy"]

    def row(vendor: Vendor, privacy: str) -> dict[str, str]:
        return {
            "name": vendor.name,
            "company": vendor.company,
            "country": vendor.country,
            "purpose": vendor.purpose,
            "lifetime": vendor.lifetime,
            "privacy": f'<a href="{vendor.privacy_url}">{privacy}</a>',
        }

    config = {
        "categories": {
            category.slug: {} if category.needs_consent else {"enabled": True, "readOnly": True}
            for category in content["en"].categories
        },
        "language": {
            "default": "en",
            "autoDetect": "document",
            "translations": {language: translation(said) for language, said in content.items()},
        },
    }
    return _product(
        COOKIECONSENT,
        key="cookieconsent",
        head='<link rel="stylesheet" href="/cookieconsent/cookieconsent.css">'
        '<script type="module" src="/cookieconsent/config.js"></script>',
        held=f'<script type="text/plain" data-category="{HELD_CATEGORY}" src="{HELD_SCRIPT}"></script>',
        own=["dist/cookieconsent.css", "dist/cookieconsent.umd.js"],
        files={"config.js": f'import"./cookieconsent.umd.js";CookieConsent.run({_compact(config)});'},
    )


def klaro(content: dict[str, Content]) -> Product:
    """Klaro: the configuration, and the file with its code, its looks and its 18 languages."""

    def translation(said: Content) -> dict[str, Any]:
        words = said.words
        return {
            "ok": words["accept"],
            "acceptAll": words["accept"],
            "acceptSelected": words["save"],
            "decline": words["reject"],
            "save": words["save"],
            "close": words["close"],
            "consentNotice": {"title": said.title, "description": said.text, "learnMore": words["manage"]},
            "consentModal": {"title": words["settings"], "description": said.text},
            "purposes": {
                category.slug: {"title": category.name, "description": category.purpose} for category in said.categories
            },
        } | {vendor.slug: {"description": _sentence(vendor, words)} for vendor in said.vendors}

    config = {
        "version": 1,
        "acceptAll": True,
        "htmlTexts": True,
        "showNoticeTitle": True,
        "privacyPolicy": "/privacy",
        "translations": {language: translation(said) for language, said in content.items()},
        "services": [
            {"name": vendor.slug, "title": vendor.name, "purposes": [category.slug]}
            | ({} if category.needs_consent else {"required": True})
            for category in content["en"].categories
            for vendor in category.vendors
        ],
    }
    return _product(
        KLARO,
        key="klaro",
        head='<script defer src="/klaro/config.js"></script><script defer src="/klaro/klaro.js"></script>',
        held=f'<script type="text/plain" data-type="text/javascript" data-name="{_held_vendor(content)}" '
        f'data-src="{HELD_SCRIPT}"></script>',
        own=["dist/klaro.js"],
        files={"config.js": f"var klaroConfig={_compact(config)};"},
    )


def tarteaucitron(content: dict[str, Content]) -> Product:
    """tarteaucitron.js: its code, which loads its looks, its services and one of its languages."""
    # Its kinds of service that are nearest to our categories; their names are replaced by ours.
    kinds = {"functional": "api", "analytical": "analytic", "marketing": "ads"}

    def key(vendor: Vendor) -> str:
        # It knows services by some of these names, and would replace ours by them.
        return f"own-{vendor.slug}"

    def words_of(said: Content) -> dict[str, Any]:
        words = said.words
        return (
            {
                "middleBarHead": said.title,
                "alertBigPrivacy": said.text,
                "acceptAll": words["accept"],
                "denyAll": words["reject"],
                "personalize": words["manage"],
                "allowAll": words["accept"],
                "title": said.title,
                "close": words["close"],
                "more": words["privacy"],
            }
            | {
                kinds[category.slug]: {"title": category.name, "details": category.purpose}
                for category in said.categories
            }
            | {f"desc-{key(vendor)}": _sentence(vendor, words, link=False) for vendor in said.vendors}
        )

    services = "".join(
        f"tarteaucitron.services[{_compact(key(vendor))}]={{"
        f"key:{_compact(key(vendor))},type:{_compact(kinds[category.slug])},name:{_compact(vendor.name)},"
        f"needConsent:{_compact(category.needs_consent)},cookies:[],"
        f"readmoreLink:{_compact(vendor.privacy_url)},uri:{_compact(vendor.privacy_url)},"
        f"js:function(){{{_add_held(vendor, content)}}}}};"
        f"tarteaucitron.job.push({_compact(key(vendor))});"
        for category in content["en"].categories
        for vendor in category.vendors
    )
    texts = {language: words_of(said) for language, said in content.items()}
    config = (
        f"var tarteaucitronCustomText={_compact(texts)}[document.documentElement.lang];"
        'tarteaucitron.init({privacyUrl:"",orientation:"middle",highPrivacy:true,DenyAllCta:true,AcceptAllCta:true,'
        "mandatory:false,showIcon:true,moreInfoLink:true,removeCredit:true});"
        f"tarteaucitron.job=tarteaucitron.job||[];{services}"
    )
    return _product(
        TARTEAUCITRON,
        key="tarteaucitron",
        head='<script src="/tarteaucitron/tarteaucitron.min.js"></script>'
        '<script src="/tarteaucitron/config.js"></script>',
        held="",
        own=[
            "tarteaucitron.min.js",
            "tarteaucitron.services.min.js",
            "css/tarteaucitron.min.css",
            "lang/tarteaucitron.en.min.js",
            "lang/tarteaucitron.nl.min.js",
        ],
        files={"config.js": config},
        flat=False,
    )


RIVALS: list[Callable[[dict[str, Content]], Product]] = [cookieconsent, klaro, tarteaucitron]


def _product(
    package: Package, *, key: str, head: str, held: str, own: list[str], files: dict[str, str], flat: bool = True
) -> Product:
    """``own`` are files of the package, kept in their directories unless ``flat``."""
    return Product(
        key=key,
        name=package.name,
        version=package.version,
        head=head,
        held=held,
        files={(Path(path).name if flat else path): package.read(path) for path in own}
        | {name: text.encode() for name, text in files.items()},
    )


def _held_vendor(content: dict[str, Content]) -> str:
    """The vendor to which the held script belongs, where a product asks for one."""
    return next(category for category in content["en"].categories if category.slug == HELD_CATEGORY).vendors[0].slug


def _add_held(vendor: Vendor, content: dict[str, Content]) -> str:
    return f"tarteaucitron.addScript({_compact(HELD_SCRIPT)})" if vendor.slug == _held_vendor(content) else ""


def _sentence(vendor: Vendor, words: dict[str, str], *, link: bool = True) -> str:
    """What a product without fields for it says of a vendor."""
    facts = ["company", "country", "purpose", "lifetime"]
    text = "<br>".join(f"{words[fact]}: {getattr(vendor, fact)}" for fact in facts)
    return f'{text}<br><a href="{vendor.privacy_url}">{words["privacy"]}</a>' if link else text


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
