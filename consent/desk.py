"""A web site at the desk: what stands on its pages, and the banner of the draft to look at.

A preview is a page in a sandbox, without an origin: it has no cookies and no storage, and its
policy lets it ask nothing but for the two files of the draft's banner. Since such a page sends
no session either, these are served to whoever has the token that the page was given, for some
minutes, and they are made anew for each request: nothing of a draft is kept. The token stands in
the place of the site's name in the banner, which asks for its second file by that name; so no
visitor's address ever leads to a draft, and no choice under it could be recorded.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_safe

from policies import rendering
from policies.models import Website
from policies.publishing import Draft, look_at_draft
from policies.rendering import LANGUAGES, sha256_of

from . import banner, evidence

DEFAULTS = Path(__file__).parent / "defaults.js"
PREVIEW_LASTS = timedelta(minutes=10)


# -- What stands on the pages of the site ----------------------------------------------------


@dataclass(frozen=True)
class Embedding:
    """The tag of a web site; all else only while its banner is in force, under ``version``.

    ``pinned`` is the tag for exactly the present bytes. ``defaults`` is what stands above it for
    the tags of others, if the site sends them signals, and ``defaults_hash`` what a policy says of it.
    """

    origin: str
    tag: str
    version: int | None = None
    pinned: str = ""
    defaults: str = ""
    defaults_hash: str = ""


def embedding(slug: str) -> Embedding:
    """What to paste into the pages of web site ``slug``, by the version in force."""
    address = settings.PUBLIC_URL + reverse("embed", args=[slug])
    tag = f'<script src="{address}" async></script>'
    try:
        edition = rendering.current()
    except rendering.NothingPublished:
        return Embedding(settings.PUBLIC_URL, tag)
    page = evidence.banner_page(edition, slug)
    if page is None:
        return Embedding(settings.PUBLIC_URL, tag)

    defaults = _defaults(edition.content, slug)
    return Embedding(
        settings.PUBLIC_URL,
        tag,
        edition.number,
        _pinned(slug, page.body),
        f"<script>{defaults}</script>" if defaults else "",
        _in_base64("sha256", defaults.encode()),
    )


def _pinned(slug: str, served: bytes) -> str:
    # What is served ends with the digest by which it can be asked for again.
    digest = served.splitlines()[-1].decode().strip('();"')
    address = settings.PUBLIC_URL + reverse("embed_exact", args=[slug, digest])
    return f'<script src="{address}" integrity="{banner.integrity(served)}" crossorigin="anonymous" async></script>'


def _defaults(content: dict[str, Any], slug: str) -> str:
    """The parts of defaults.js for the tags that listen to the answers on web site ``slug``."""
    website = _by_slug(content["websites"], slug)
    asked = [_by_slug(content["cookie_categories"], category["slug"]) for category in website["categories"]]
    asked += [
        _by_slug(content["cookie_vendors"], vendor)
        for category in website["categories"]
        for vendor in category["vendors"]
    ]
    # As in validators.SIGNALS: those of Google stand there without the name of a tag.
    tags = {signal.rpartition(":")[0] or "gtag" for entry in asked for signal in entry["signals"]}
    _about, *parts = DEFAULTS.read_text().strip().split("\n\n")
    return "".join(f"\n{part}\n" for part in parts if part.removeprefix("// ").partition(":")[0] in tags)


def _by_slug(entries: list[dict[str, Any]], slug: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["slug"] == slug)


def _in_base64(algorithm: str, body: bytes) -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, body).digest()).decode()}"


# -- The banner of the draft -----------------------------------------------------------------


@require_safe
def preview(request: HttpRequest, website: Website, *, model_admin) -> HttpResponse:
    """The banner of the draft in both languages, on a narrow and on a wide page."""
    frames = [
        {"language": language, "url": reverse("admin:policies_website_preview_page", args=[website.pk, language])}
        for language in LANGUAGES
    ]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("The banner of %(website)s, as visitors would see it") % {"website": website},
        "opts": Website._meta,
        "original": website,
        "frames": frames,
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/policies/website/preview.html", context)


@require_safe
def preview_page(request: HttpRequest, slug: str, language: str) -> HttpResponse:
    """A page of some web site with the banner of the draft on it, cut off from everything else."""
    website = _in_draft(slug, look_at_draft())
    if language not in LANGUAGES:
        raise Http404
    held = next(
        (
            {"category": category["slug"], "vendor": vendor}
            for category in website["categories"]
            if category["needs_consent"]
            for vendor in category["vendors"]
        ),
        None,
    )
    address = reverse("embed_preview", args=[_signer().sign(slug)])
    with override(language):
        html = render_to_string(
            "consent/preview_page.html", {"language": language, "banner_src": address, "held": held}
        )
    # Not 'self': that this means anything in a sandbox is a later addition to the standard.
    origin = request.build_absolute_uri("/").rstrip("/")
    policy = {
        "default-src": "'none'",
        "script-src": f"{origin}/embed/preview/",
        "style-src": origin,
        "frame-ancestors": origin,
        "base-uri": "'none'",
        "form-action": "'none'",
        # Also in a tab of its own.
        "sandbox": "allow-scripts",
    }
    headers = {
        "Content-Language": language,
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Frame-Options": "SAMEORIGIN",
        # Browsers open no sandbox in a tab that is also to be isolated from others.
        "Cross-Origin-Opener-Policy": "unsafe-none",
        "X-Robots-Tag": "noindex",
    }
    return HttpResponse(html, headers=headers)


@require_safe
def preview_file(request: HttpRequest, token: str, digest: str = "") -> HttpResponse:
    """The first file of the draft's banner, or the second by its ``digest``."""
    try:
        slug = _signer().unsign(token, max_age=PREVIEW_LASTS)
    except BadSignature as error:
        raise Http404 from error
    draft = look_at_draft()
    website = _in_draft(slug, draft) | {"slug": f"preview/{token}"}
    files = banner.files(website, draft.content, draft.latest.number + 1 if draft.latest else 1)
    if digest and digest != sha256_of(files.details):
        raise Http404  # the draft has changed since the page was opened
    body = files.details if digest else banner.serve(files.payload)[0]
    return HttpResponse(
        body,
        content_type=evidence.SCRIPT,
        headers={
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cache-Control": "no-store",
            "X-Robots-Tag": "noindex",
        },
    )


def _in_draft(slug: str, draft: Draft) -> dict[str, Any]:
    """The web site as it would be published; raises Http404 where it is gone."""
    website = next((entry for entry in draft.content["websites"] if entry["slug"] == slug), None)
    if website is None:
        raise Http404
    return website


def _signer() -> TimestampSigner:
    # A full stop stands in no slug, and needs no escape in an address.
    return TimestampSigner(salt="consent.preview", sep=".")
