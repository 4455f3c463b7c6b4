"""Error pages in the language of the address, with the way back to the statement."""

import logging
import sys

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language, override

from policies import rendering

from .middleware import language_of

logger = logging.getLogger(__name__)


def _page(request, status, template, message=""):
    language = language_of(request.path_info) or get_language() or "en"
    edition = rendering.in_memory()
    context = edition.context("error", language) if edition else {"language": language, "page": "error"}
    with override(language):
        context |= {"nav": rendering.navigation(language), "message": message}
        body = render_to_string(template, context)
    response = HttpResponse(body, status=status)
    response["Content-Language"] = language
    response["Cache-Control"] = "no-store"
    return response


def bad_request(request, exception):
    return _page(request, 400, "400.html")


def permission_denied(request, exception):
    return _page(request, 403, "403.html")


def not_found(request, exception):
    # Only our own sentences are shown; what Django's resolver says is for developers.
    reason = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    return _page(request, 404, "404.html", reason)


def server_error(request):
    """The last resort: nothing here may need the database, and little may fail.

    503 where the database is away and this process has no page to show yet.
    """
    if isinstance(sys.exc_info()[1], rendering.AWAY):
        response = _page(request, 503, "500.html")
        response["Retry-After"] = "10"
        return response
    return _page(request, 500, "500.html")


def too_many_requests(request):
    return _page(request, 429, "429.html")


def csrf_failure(request, reason=""):
    return _page(request, 403, "403_csrf.html")
