"""Headers that no answer lacks, whoever gave it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class HeadersMiddleware:
    """Sets what is still missing.

    Django's SecurityMiddleware sets most of it, but not on its own refusal of a host that is not ours.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        set_missing = response.headers.setdefault
        # Style sheets are loaded by the preview of a banner too, which is a page without an origin.
        is_for_all = request.path_info.startswith(settings.STATIC_URL)
        set_missing("Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY)
        set_missing("Cross-Origin-Resource-Policy", "cross-origin" if is_for_all else "same-origin")
        set_missing("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
        set_missing("X-Content-Type-Options", "nosniff")
        return response
