"""Keeping the exact bytes in which a choice was asked for."""

import logging
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import override

from policies.reading import home_website
from policies.rendering import AWAY, Edition, Page, sha256_of

from . import banner
from .models import Banner

logger = logging.getLogger(__name__)

SCRIPT = "text/javascript; charset=utf-8"


@dataclass(frozen=True)
class PreferencesForm:
    """The words and controls of the cookies page, nothing ticked, and their digest."""

    html: SafeString
    digest: str


def banner_page(edition: Edition, slug: str) -> Page | None:
    """The banner of web site ``slug`` as served; None where the edition has no such site."""
    website = next((entry for entry in edition.content["websites"] if entry["slug"] == slug), None)
    if website is None:
        return None
    if page := edition.known(("embed", slug)):
        return page
    files = banner.files(website, edition.content, edition.number)
    body, digest = banner.serve(files.payload)
    details_digest = sha256_of(files.details)
    same: dict[str, Any] = {"website": slug, "version_id": edition.number}
    is_kept = _keep(
        Banner(digest=details_digest, kind="details", body=files.details, **same),
        Banner(digest=digest, kind="script", body=files.payload, details_id=details_digest, **same),
    )
    page, details = (Page.of(text, SCRIPT) for text in (body, files.details))
    edition.keep(("embed", slug, digest), page)
    edition.keep(("details", details_digest), details)
    # Served all the same: without its evidence every choice is refused, and nothing released. Not as the page that is
    # kept, or it would be remembered, and nobody tried to store the evidence again.
    return edition.keep(("embed", slug), page) if is_kept else replace(page)


def exact_page(edition: Edition, slug: str, digest: str) -> Page | None:
    """The file of a banner of ``slug`` with this digest, also of an earlier version; None if there was none.

    Details are found by their digest alone: web sites with the same providers have them in
    common. Raises rendering.AWAY for what is not in memory.
    """
    banner_page(edition, slug)
    script, details = ("embed", slug, digest), ("details", digest)
    if page := edition.known(script) or edition.known(details):
        return page if edition.known(("embed", slug)) else replace(page)
    of_it = Q(kind="details") | Q(kind="script", website=slug)
    kept = Banner.objects.filter(of_it, digest=digest).first()
    if kept is None:
        return None  # not remembered: anybody can make digests up
    body = bytes(kept.body)
    if kept.kind == "details":
        return edition.keep(details, Page.of(body, SCRIPT))
    return edition.keep(script, Page.of(banner.serve(body)[0], SCRIPT))


def preferences_form(edition: Edition, language: str) -> PreferencesForm | None:
    """The form of the home web site in ``language``; None where there is no such site."""
    website = home_website(edition.content)
    if website is None:
        return None
    if form := edition.known(("form", language)):
        return form
    html = fragment(edition, language, allowed=[])
    form = PreferencesForm(html, sha256_of(html.encode()))
    is_kept = _keep(
        Banner(
            digest=form.digest,
            kind="form",
            website=website["slug"],
            version_id=edition.number,
            language=language,
            body=html.encode(),
        )
    )
    return edition.keep(("form", language), form) if is_kept else form


def fragment(
    edition: Edition, language: str, allowed: list[str], exceptions: dict[str, bool] | None = None
) -> SafeString:
    """The preferences with the categories ``allowed`` ticked: only those that the visitor chose.

    ``exceptions`` are the vendors whose answer differs from that of their category.
    """
    exceptions = exceptions or {}
    context = edition.context("cookies", language)
    website = next(entry for entry in context["text"]["websites"] if entry["hosts_statement"])
    context |= {"website": website, "allowed": allowed, "exceptions": exceptions}
    with override(language):
        return render_to_string("consent/_preferences.html", context)


def warm(edition: Edition) -> None:
    """Have all banners ready, and their evidence stored, before the first visitor comes."""
    for website in edition.content["websites"]:
        banner_page(edition, website["slug"])
    for language in ("en", "nl"):
        preferences_form(edition, language)


def _keep(*evidence: Banner) -> bool:
    """Store ``evidence`` unless it is there; whether that is certain."""
    try:
        for row in evidence:
            Banner.objects.bulk_create([row], ignore_conflicts=True)
    except AWAY as error:
        logger.warning("The banner %s could not be stored (%s)", evidence[-1].digest[:12], type(error).__name__)
        return False
    return True
