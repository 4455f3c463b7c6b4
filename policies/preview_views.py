"""Pages of a draft: inside the desk, and for whoever has a link to it."""

from csp.constants import SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from .models import StatementVersion
from .previewing import PAGES, LinkIsOver, NoSuchLink, addresses_of, content_of, draw, make_link, read_link
from .rendering import LANGUAGES


@require_safe
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": [SELF]})
def at_the_desk(request, content, language, page, address):
    """A page of a draft, for a frame of the desk; the other arguments are those of ``previewing.draw``."""
    if language not in LANGUAGES or page not in PAGES:
        raise Http404
    return _shown(content, page, language, address)


def frames(route, *args):
    """Per page of a draft a frame in each language; ``route`` is its address in the desk."""
    titles = {"statement": _("The statement"), "summary": _("The summary")}
    return [
        {
            "title": titles[page],
            "frames": [{"language": code, "url": reverse(route, args=[*args, code, page])} for code in LANGUAGES],
        }
        for page in PAGES
    ]


def offer_link(request, days, *, model_admin, proposal=None):
    """A new link, to be copied: it is shown this once."""
    now = timezone.now()
    token = make_link(by=request.user.pk, days=days, now=now, proposal=proposal)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("A link to the draft"),
        "opts": StatementVersion._meta,
        "proposal": proposal,
        "until": read_link(token, now=now).until,
        "addresses": {code: settings.PUBLIC_URL + path for code, path in addresses_of(token).items()},
        "media": model_admin.media,
    }
    response = TemplateResponse(request, "admin/policies/preview_link.html", context)
    response["Cache-Control"] = "no-store"
    return response


# -- By link -----------------------------------------------------------------------------------


@require_safe
def statement(request, token):
    return _by_link(token, "statement")


@require_safe
def summary(request, token):
    return _by_link(token, "summary")


def _by_link(token, page):
    """The draft behind a link. No session is opened and no cookie set: the link is all there is."""
    language = get_language()
    try:
        content = content_of(read_link(token, now=timezone.now()))
    except NoSuchLink:
        return _refused(_("We do not know this link. Check that you copied it as a whole."), 404, language)
    except LinkIsOver as over:
        return _refused(str(over), 410, language)
    return _shown(content, page, language, lambda code, name: _address(token, code, name))


def _address(token, language, page):
    with override(language):
        return reverse(f"draft_{page}", args=[token])


def _shown(content, page, language, address):
    if content["controller"] is None:
        raise Http404(_("Fill in the controller: who is responsible for the processing?"))
    return _private(HttpResponse(draw(content, page, language, address)), language)


def _refused(sentence, status, language):
    body = render_to_string("policies/draft_refused.html", {"language": language, "message": sentence})
    return _private(HttpResponse(body, status=status), language)


def _private(response, language):
    response["Content-Language"] = language
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    # The address is the key: no site that the draft links to may read it.
    response["Referrer-Policy"] = "no-referrer"
    return response
