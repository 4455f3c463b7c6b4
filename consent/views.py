"""Asking on other sites and on our own, recording, and giving the receipt."""

import json
import logging
import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    RawPostDataException,
    UnreadablePostError,
)
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from policies import rendering
from policies.rendering import Page, respond
from policies.views import current_edition

from . import choice as browser
from . import evidence, my_choice, receipts, recording, removal
from .answering import answer_form
from .models import ConsentRecord
from .throttling import seconds_to_wait

logger = logging.getLogger(__name__)

MAX_BODY = 16 * 1024
RETRY_SECONDS = 30
EMBED_CACHE = "public, max-age=300, stale-while-revalidate=3600, stale-if-error=604800"


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


JSON = json.JSONDecoder(parse_constant=_no_constant)


# -- Asking ----------------------------------------------------------------------------------


@require_safe
def embed(request, website):
    """The banner of a web site: code, words and vendors in one file."""
    page = evidence.banner_page(current_edition(), website)
    if page is None:
        raise Http404(_("There is no web site “%(website)s”.") % {"website": website})
    return _embedded(request, page, EMBED_CACHE)


@require_safe
def embed_exact(request, website, digest):
    """One of its files as it was served under a version, at an address that never means anything else."""
    page = evidence.exact_page(current_edition(), website, digest)
    if page is None:
        raise Http404(_("There is no web site “%(website)s”.") % {"website": website})
    return _embedded(request, page, "public, max-age=31536000, immutable")


def _embedded(request, page, cache_control):
    response = respond(request, page, cache_control)
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
def cookies(request):
    """What is stored in the browser, by whom, how long; and the visitor's own choice as a form."""
    edition, language = current_edition(), get_language()
    choice = present_choice(request, edition)
    page = edition.known(("cookies", language)) if choice is None else None
    if page is None:
        page = _cookies_page(edition, language, choice, _receipt_of(choice, request))
        # Only with a form whose evidence is stored: what it asks could not be recorded otherwise.
        if choice is None and edition.known(("form", language)):
            edition.keep(("cookies", language), page)
    response = respond(request, page, "private, max-age=0, must-revalidate")
    patch_vary_headers(response, ["Cookie"])
    return response


def present_choice(request, edition):
    """The choice that this browser keeps for our own site, if it still holds."""
    website = rendering.home_website(edition.content)
    if website is None:
        return None
    header = request.headers.get("Cookie", "")
    return browser.latest(header, now=timezone.now(), days=website["consent_days"])


def _cookies_page(edition, language, choice=None, receipt_url=None, error=""):
    form = evidence.preferences_form(edition, language)
    context = edition.context("cookies", language) | {
        "choice": {"decided_at": choice.decided_at} if choice else None,
        "receipt": receipt_url,
        "my_choice": reverse("my_choice"),
        "error": error,
        "form_action": reverse("record"),
        "hidden": [("banner", form.digest), ("language", language)] if form else [],
        "preferences": "",
    }
    if form:
        website = rendering.home_website(edition.content)
        allowed, exceptions = (choice.allowed(website), choice.exceptions(website)) if choice else ([], {})
        is_plain = not (allowed or exceptions)
        context["preferences"] = form.html if is_plain else evidence.fragment(edition, language, allowed, exceptions)
    is_for_all = choice is None and not error
    html = rendering.render("consent/cookies.html", "cookies", **context)
    return Page.of(html, language=language, quality=11 if is_for_all else 5)


# -- Recording -------------------------------------------------------------------------------


@csrf_exempt  # No cookie of ours gives authority here; the Origin header is checked instead.
@require_http_methods(["POST", "OPTIONS"])
def record(request):
    """A choice, as JSON from the banner or as the form of the cookies page."""
    if request.method == "OPTIONS":
        response = _preflight(request)
    elif request.content_type == "application/json":
        response = _allow_origin(request, _record_json(request))
    elif request.content_type == "application/x-www-form-urlencoded":
        response = _record_form(request)
    else:
        refusal = _problem(415, {"body": _("Send JSON, or the form of the cookies page.")})
        response = _allow_origin(request, refusal)
    response["Cache-Control"] = "no-store"
    return response


def _preflight(request):
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = "POST"
    response["Access-Control-Allow-Headers"] = "Content-Type"
    response["Access-Control-Max-Age"] = "7200"
    return _allow_origin(request, response)


def _allow_origin(request, response):
    """Let the pages of our web sites read the answer.

    Whether they may record is checked apart. A page of no site of ours may read just that it
    may not: else its banner would take the refusal for an outage and try for ever.
    """
    origin = request.META.get("HTTP_ORIGIN", "")
    try:
        edition = rendering.current()
    except (rendering.NothingPublished, *rendering.AWAY):
        return response
    if any(recording.is_allowed_origin(origin, website["slug"]) for website in edition.content["websites"]):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = "Retry-After"
    elif request.method == "OPTIONS" or response.status_code == 403:
        response["Access-Control-Allow-Origin"] = "*"
    response["Vary"] = "Origin"
    return response


def _record_json(request):
    if (refusal := _too_much(request)) is not None:
        return refusal
    origin = request.META.get("HTTP_ORIGIN", "")
    try:
        data = JSON.decode(request.body.decode())
    except (ValueError, RecursionError, UnreadablePostError, RawPostDataException):
        return _problem(400, {"body": _("This is not JSON in UTF-8.")})
    try:
        stored, is_new = recording.record_choice(data, origin=origin)
    except recording.Refused as error:
        clock = {"server_time": timezone.now().isoformat()} if error.clock else {}
        return _problem(400, error.errors, **clock)
    except recording.OriginUnknown:
        return _problem(403, {"origin": _("This page does not belong to a web site that is registered here.")})
    except recording.Conflict:
        return _problem(409, {"id": _("Another choice has this id.")})
    except rendering.NothingPublished:
        return _problem(400, {"version": _("No statement has been published yet.")})
    except rendering.AWAY as error:
        return _away(error)
    shown = rendering.published(stored.version_id)
    response = HttpResponse(
        json.dumps(receipts.answer(stored, shown)),
        content_type="application/json",
        status=201 if is_new else 200,
        # As reverse("receipt") says, for a hundredth of the time: receipts lie under the address of recording.
        headers={"Location": f"{request.path}{stored.pk}/"},
    )
    if origin == settings.PUBLIC_URL:
        # Our own page, so these are the cookies of the site that the choice is about.
        removal.remove(response, request.COOKIES, stored, shown.content, host=_host(request))
    return response


def _record_form(request):
    """The form without scripts: the same record, then back to the page with a cookie."""
    if (refusal := _too_much(request)) is not None:
        return refusal
    language = request.POST.get("language")
    if language not in rendering.LANGUAGES:
        return _problem(400, {"language": _("“en” or “nl” is expected.")})
    with override(language):
        try:
            return _store_form(request, language)
        except recording.OriginUnknown:
            return _form_again(
                request,
                403,
                language,
                _("Your choice was not stored, because it was not sent from this page. Choose here."),
            )
        except recording.Refused:
            return _form_again(
                request,
                400,
                language,
                _("Your choice was not stored, because this page has changed. Look at it and choose again."),
            )
        except rendering.AWAY as error:
            logger.warning("A choice could not be stored (%s)", type(error).__name__)
            response = _form_again(
                request,
                503,
                language,
                _("Your choice could not be stored just now; nothing has changed. Try again in a minute."),
            )
            response["Retry-After"] = str(RETRY_SECONDS)
            return response


def _store_form(request, language):
    now, edition, origin = timezone.now(), current_edition(), _form_origin(request)
    # Not from our other web sites either: the answer sets the cookie of this one.
    if origin != settings.PUBLIC_URL:
        raise recording.OriginUnknown
    if rendering.database_is_away():
        raise recording.away()
    website, host = rendering.home_website(edition.content), _host(request)
    digest = request.POST.get("banner", "")
    asked = recording.what_was_asked(digest)
    if asked is None or not asked.is_form or website is None or asked.website != website["slug"]:
        raise recording.Refused({"banner": _("This banner was never served here. Load the page again.")})

    before, action = present_choice(request, edition), request.POST.get("action")
    if action == "forget" and not (before and before.subject):
        # Nothing was granted, so there is nothing to withdraw and to record.
        response = _see(reverse("my_choice", query={"forgotten": "yes"}))
        browser.forget(response, website=website, host=host)
        return response

    answer = answer_form(
        request.POST,
        asked=asked,
        digest=digest,
        language=language,
        before=before,
        gpc=request.headers.get("Sec-GPC") == "1",
        now=now,
    )
    # Before the record, so that nothing can fail after it.
    shown = rendering.published(asked.version)
    stored, _is_new = recording.record_choice(answer.data, origin=origin, now=now)

    receipt_id = str(stored.pk)
    if action == "forget":
        response = _see(reverse("my_choice", query={"forgotten": "yes", "receipt": receipt_id}))
        browser.forget(response, website=website, host=host)
    else:
        if action == "withdraw":
            response = _see(reverse("my_choice", query={"receipt": receipt_id}))
        else:
            response = _see(reverse("cookies", query={"receipt": receipt_id}, fragment="preferences"))
        browser.keep(response, answer.kept, website=website, host=host, days=asked.days)
    removal.remove(response, request.COOKIES, stored, shown.content, host=host)
    return response


def _see(address):
    return HttpResponseRedirect(address, status=303)


def _host(request):
    """The name under which the browser reached us, without a port."""
    return urlsplit(f"//{request.get_host()}").hostname or ""


def _form_origin(request):
    """Browsers name the origin of a form; very old ones only the page that it was on."""
    if origin := request.headers.get("Origin"):
        return origin
    try:
        referer = urlsplit(request.headers.get("Referer", ""))
    except ValueError:  # half an address of version 6
        return ""
    return f"{referer.scheme}://{referer.netloc}"


def _form_again(request, status, language, error):
    """The page once more, with what went wrong; nothing that was chosen before is lost."""
    edition = current_edition()
    response = respond_once(_cookies_page(edition, language, present_choice(request, edition), error=error))
    response.status_code = status
    return response


def respond_once(page):
    """A page that is an answer to this request alone."""
    return HttpResponse(
        page.body,
        content_type=page.content_type,
        headers={"Cache-Control": "no-store", "Content-Language": page.language},
    )


def _too_much(request):
    """413 for a long body, 429 for an address that sends too many; None where all is well."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = MAX_BODY + 1
    if length > MAX_BODY:
        return _problem(413, {"body": _("A choice is shorter than %(limit)s bytes.") % {"limit": MAX_BODY}})
    if wait := seconds_to_wait(request.META.get("REMOTE_ADDR", "")):
        response = _problem(429, {"rate": _("Too many choices from this address. Try again later.")})
        response["Retry-After"] = str(wait)
        return response
    return None


def _away(error):
    logger.warning("A choice could not be stored (%s)", type(error).__name__)
    response = _problem(503, {"server": _("The choice cannot be stored just now. Send it again later.")})
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _problem(status, errors, **more):
    return JsonResponse({"errors": errors} | more, status=status)


def _receipt_of(choice, request, *, is_forgotten=False):
    """Where the receipt is that the address claims; None unless it is that of ``choice``.

    Where the choice ``is_forgotten``, it has to be that of a withdrawal. Anybody can write an
    address, and it stays there when the browser has chosen anew.
    """
    text = request.GET.get("receipt", "")
    if rendering.database_is_away():
        return None
    try:
        stored = ConsentRecord.objects.filter(pk=uuid.UUID(text)).first() if len(text) == 36 else None
    except (ValueError, *rendering.AWAY):
        return None
    if stored is None:
        return None
    if is_forgotten:
        fits = stored.action == ConsentRecord.Action.WITHDRAW
    else:
        fits = choice is not None and choice.is_recorded_as(stored)
    return reverse("receipt", args=[stored.pk]) if fits else None


# -- Proving ---------------------------------------------------------------------------------


@require_safe
@never_cache
def receipt(request, record_id):
    """What was recorded under this id, for who knows it: the id is a secret of 74 random bits."""
    if rendering.database_is_away():
        return _away(recording.away())
    try:
        stored = ConsentRecord.objects.filter(pk=record_id).first()
        shown = rendering.published(stored.version_id) if stored else None
        before = receipts.taken_back(stored) if stored else None
    except rendering.AWAY as error:
        return _away(error)
    if shown is None:
        raise Http404(_("There is no such receipt."))
    response = JsonResponse(
        receipts.receipt(stored, shown, before),
        json_dumps_params={"indent": 2, "ensure_ascii": False},
        content_type="application/ld+json",
        headers={"X-Robots-Tag": "noindex"},
    )
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="{receipts.filename(stored)}"'
    return response


@csrf_exempt  # It changes nothing: who sends the number of a browser reads what that browser chose.
@require_http_methods(["GET", "HEAD", "POST"])
def own_page(request):
    """What this browser chose, now and before; by POST, what the browser with another number did.

    The number comes in the body, so that it stands in no address, log or history.
    """
    edition = current_edition()
    choice = present_choice(request, edition)
    number = choice.subject if choice else None
    is_about_another, records, error, status, wait = False, [], "", 200, 0
    if request.method == "POST":
        sent = my_choice.number_in(request.POST.get("subject", ""))
        is_about_another = sent is None or sent != number
        number = sent
        wait = seconds_to_wait(request.META.get("REMOTE_ADDR", ""))
    if wait:
        status, error = 429, _("Too many requests from this address. Try again in a minute.")
    else:
        try:
            records = my_choice.history(number)
        except rendering.AWAY as away:
            logger.warning("A history could not be shown (%s)", type(away).__name__)
            status, wait = 503, RETRY_SECONDS
            error = _("What was recorded cannot be shown just now. Try again in a minute.")
    context = {"error": error, "is_about_another": is_about_another}
    page = _own_page(request, edition, None if is_about_another else choice, records, context)
    response = respond_once(page)
    response.status_code = status
    if wait:
        response["Retry-After"] = str(wait)
    return response


def _own_page(request, edition, choice, records, context):
    language = get_language()
    is_forgotten = choice is None and "forgotten" in request.GET
    form = evidence.preferences_form(edition, language) if choice else None
    rows = my_choice.rows(edition, language, records)
    context |= edition.context("my_choice", language) | {
        "present": my_choice.present(edition, language, choice, records) if choice else None,
        "rows": rows,
        "is_more": len(records) > len(rows),
        "sites": sorted({row["website"] for row in rows}),
        # Not what was sent: a number that is unknown and one that is none get the same page.
        "number": records[0].subject if records and request.method == "POST" else None,
        "receipt": None if context["error"] else _receipt_of(choice, request, is_forgotten=is_forgotten),
        "is_forgotten": is_forgotten,
        "form_action": reverse("record"),
        "hidden": [("banner", form.digest), ("language", language)] if form else [],
    }
    html = rendering.render("consent/my_choice.html", "my_choice", **context)
    return Page.of(html, language=language, compress=False)
