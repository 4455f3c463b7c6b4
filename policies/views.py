"""Public pages and machine-readable forms of the statement. All of it comes from memory."""

import json
from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, get_supported_language_variant, override
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.http import require_safe

from . import rendering, vocabulary
from .rendering import LANGUAGES, NothingPublished, Page, respond


def current_edition():
    """The edition in force, or a page that says there is none yet."""
    try:
        return rendering.current()
    except NothingPublished as error:
        raise Http404(_("No statement has been published yet.")) from error


def edition_or_404(number):
    current_edition()
    edition = rendering.edition(number)
    if edition is None:
        raise Http404(_("There is no version %(number)s.") % {"number": number})
    return edition


@require_safe
def home(request):
    """To the summary in the first language that the browser asks for and we have."""
    language = "en"
    for code, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        try:
            language = get_supported_language_variant(code)
            break
        except LookupError:
            continue
    with override(language):
        response = HttpResponseRedirect(reverse("summary"))
    response["Vary"] = "Accept-Language"
    response["Cache-Control"] = "public, max-age=3600"
    return response


@require_safe
def summary(request):
    return respond(request, rendering.summary_page(current_edition(), get_language()))


@require_safe
def statement(request):
    return respond(request, rendering.statement_page(current_edition(), get_language()))


@require_safe
def version(request, number):
    edition = edition_or_404(number)
    return respond(request, rendering.version_page(edition, current_edition(), get_language()))


@require_safe
def changes(request, number):
    """What a version changed."""
    edition = edition_or_404(number)
    return respond(request, rendering.changes_page(edition, current_edition(), get_language()))


@require_safe
def versions(request):
    return respond(request, rendering.versions_page(current_edition(), get_language()))


@require_safe
def statement_pdf(request):
    """The PDF that was made when the version in force was published."""
    language = get_language()
    edition = current_edition()

    response = respond(request, rendering.pdf_page(edition, language))
    name = edition.content["controller"]["short_name"].encode("ascii", "ignore").decode().lower() or "statement"
    slug = {"en": "privacy-statement", "nl": "privacyverklaring"}[language]
    response["Content-Disposition"] = f'inline; filename="{slug}-{name.replace(" ", "-")}-{edition.number}.pdf"'
    return response


def _json(request, key, make, content_type="application/json"):
    edition = current_edition()
    page = edition.once(key, lambda: Page.of(make(edition), content_type))
    response = respond(request, page)
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
def statement_json(request):
    """The version in force: its canonical document and the SHA-256 of that document."""

    def make(edition):
        return json.dumps(
            {"number": edition.number, "sha256": edition.digest, "document": edition.document},
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        )

    return _json(request, "json", make)


@require_safe
def statement_jsonld(request):
    """The version in force in terms of the Data Privacy Vocabulary."""
    return _json(
        request,
        "jsonld",
        lambda edition: json.dumps(vocabulary.describe(edition.document, edition.digest), ensure_ascii=False),
        "application/ld+json",
    )


@require_safe
def gpc(request):
    """Global Privacy Control: this site honours the signal (W3C, section 4)."""
    published = current_edition().effective_at
    response = JsonResponse({"gpc": True, "lastUpdate": timezone.localtime(published).date().isoformat()})
    response["Cache-Control"] = "public, max-age=86400"
    return response


@require_safe
def security_txt(request):
    """RFC 9116; absent where the operator has named no contact."""
    if not settings.SECURITY_CONTACT:
        raise Http404
    # The RFC wants a date of expiry; a year ahead of the day on which it is read.
    expires = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=365)
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
        "Preferred-Languages: en, nl",
        f"Canonical: {settings.PUBLIC_URL}/.well-known/security.txt",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def robots(request):
    closed = ["/admin/", "/consent/"]
    for language in LANGUAGES:
        with override(language):
            # Whoever has the link to a draft may read it; nobody is to find it.
            closed.append(reverse("draft_summary", args=["x"]).removesuffix("x/"))
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), f"Sitemap: {settings.PUBLIC_URL}/sitemap.xml"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def sitemap(request):
    """Every public page in both languages, each with its counterpart (sitemaps.org, hreflang)."""
    edition = current_edition()
    routes = [("summary", ()), ("statement", ()), ("cookies", ()), ("versions", ())]
    routes += [(route, (row["number"],)) for row in edition.history for route in ("version", "changes")]
    urls = []
    for route, args in routes:
        addresses = {}
        for language in LANGUAGES:
            with override(language):
                addresses[language] = settings.PUBLIC_URL + reverse(route, args=args)
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang="{language}" href="{url}"/>' for language, url in addresses.items()
        )
        urls += [f"<url><loc>{url}</loc>{links}</url>" for url in addresses.values()]
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">'
        + "".join(urls)
        + "</urlset>"
    )
    return HttpResponse(body, content_type="application/xml")
