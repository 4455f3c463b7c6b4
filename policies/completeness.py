"""What a draft lacks before it can be published at all: texts in one language, whole parts.

Also settings of a web site with which its banner could not work. Reads the composed content,
not the rows, so that what is checked is what is frozen, however it came there. Rules on what
the law asks of the texts belong to the review.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from .content_file import KINDS
from .models import Controller, Section
from .reading import LANGUAGE_KEYS, home_website
from .validators import check_contrast

# Texts without which their entry says nothing; all others may be empty, in both languages.
REQUIRED = {
    "name", "title", "heading", "description", "wording", "banner_title", "banner_text",
    "statement_title", "summary_title", "purpose",
}  # fmt: skip

# The lists of the content, and the models whose names the office knows them by.
MODELS: dict[str, type[Model]] = {kind.key: kind.model for kind in KINDS} | {"pages": Section}

Place = tuple[str, ...]  # ("purposes", "introduction", "title"): from the list to the field


def problems_of(content: dict[str, Any]) -> list[str]:
    """Why ``content`` cannot be published, a sentence each; empty where it can."""
    problems = list(_missing_parts(content))
    for website in content["websites"]:
        problems.extend(_unusable_settings(website, content))
    for place, texts in _texts(content, ()):
        problems.extend(_missing_texts(place, texts))
    return problems


def _missing_parts(content: dict[str, Any]) -> Iterator[str]:
    if content["controller"] is None:
        yield _("Fill in the controller: who is responsible for the processing?")
    if not content["purposes"]:
        yield _("Add at least one processing purpose.")
    for page, name in (("statement", _("statement")), ("summary", _("summary"))):
        if not content["pages"][page]:
            yield _("Add at least one section to the page “%(page)s”.") % {"page": name}
    for page in content["pages"].values():
        for section in page:
            if section["part"] == "text" and not any(section["text"].values()):
                yield _("Section “%(slug)s” is free text but has no text.") % {"slug": section["slug"]}
    for purpose in content["purposes"]:
        if not purpose["retention"]:
            yield _("Purpose “%(slug)s”: say how long the data is kept.") % {"slug": purpose["slug"]}
    if home_website(content) is None:
        yield _("Mark the web site to which the pages of the statement belong.")


def _addresses(website: dict[str, Any]) -> list[str]:
    """Where the banner of ``website`` runs: its origins, and our own pages if they belong to it."""
    return [*website["origins"], *([settings.PUBLIC_URL] if website["hosts_statement"] else [])]


def _unusable_settings(website: dict[str, Any], content: dict[str, Any]) -> Iterator[str]:
    domain, looks = website["shared_domain"], website["looks"]
    # A browser refuses a cookie for a domain that the page is not in, so the choice would be lost.
    for origin in website["origins"] if domain else []:
        if not is_within(origin, domain):
            yield _("Web site “%(slug)s”: %(origin)s lies outside %(domain)s, which is to share one choice.") % {
                "slug": website["slug"],
                "origin": origin,
                "domain": domain,
            }
    # Its banner would find the cookie of this site, later than its own, and take it for no answer.
    for other in content["websites"] if domain else []:
        if other is not website and any(is_within(origin, domain) for origin in _addresses(other)):
            yield _(
                "Web site “%(slug)s” shares its choice on %(domain)s, where “%(other)s” lies as well. "
                "Take a narrower domain, or make one web site of the two."
            ) % {"slug": website["slug"], "domain": domain, "other": other["slug"]}
    members = {slug for category in website["categories"] if category["needs_consent"] for slug in category["vendors"]}
    for vendor in content["cookie_vendors"]:
        for host in vendor["hosts"] if vendor["slug"] in members else []:
            if any(is_within(origin, host) for origin in _addresses(website)):
                yield _(
                    "Vendor “%(vendor)s”: the host %(host)s is that of “%(slug)s” itself, whose own scripts would be "
                    "held back. Add the beginning of the path, such as %(host)s/matomo."
                ) % {"vendor": vendor["name"], "host": host, "slug": website["slug"]}
    try:
        check_contrast(**{name: looks[name] for name in ("background", "foreground", "accent")})
    except ValidationError as error:
        yield _("Web site “%(slug)s”: %(problem)s") % {"slug": website["slug"], "problem": " ".join(error.messages)}


def is_within(origin: str, domain: str) -> bool:
    """Whether ``origin``, or all that its asterisk stands for, is ``domain`` or below it."""
    host = (urlsplit(origin).hostname or "").removeprefix("*.")
    return host == domain or host.endswith(f".{domain}")


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, dict[str, str]]]:
    """Every bilingual text in ``value``, with the place where it stands."""
    if isinstance(value, dict):
        if value.keys() == LANGUAGE_KEYS:
            yield place, value
            return
        for key, item in value.items():
            yield from _texts(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value, start=1):
            name = item.get("slug", str(index)) if isinstance(item, dict) else str(index)
            yield from _texts(item, (*place, name))


def _missing_texts(place: Place, texts: dict[str, str]) -> Iterator[str]:
    *path, field = place
    missing = [language for language in sorted(texts) if not texts[language].strip()]
    is_required = field in REQUIRED or (place[0], field) == ("rights", "explanation")
    if not missing or (len(missing) == len(texts) and not is_required):
        return
    names = {"en": _("English"), "nl": _("Dutch")}
    for language in missing:
        yield _("%(place)s: the %(language)s text of “%(field)s” is missing.") % {
            "place": " › ".join(_in_words(path)),
            "language": names[language],
            "field": _field_in_words(place),
        }


def _in_words(path: list[str]) -> list[str]:
    """``["purposes", "contact"]`` → ``["processing purposes", "contact"]``."""
    if not path:
        return [_("controller")]
    model = MODELS.get(path[0])
    return [str(model._meta.verbose_name_plural), *path[1:]] if model else path


def _field_in_words(place: Place) -> str:
    model = MODELS.get(place[0], Controller)
    try:
        return str(model._meta.get_field(place[-1]).verbose_name)  # type: ignore[union-attr]
    except FieldDoesNotExist:
        return place[-1]
