"""Headers that no answer lacks, whoever gave it."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django_permissions_policy import PermissionsPolicyMiddleware

_Headers = dict[str, tuple[str, str]]


class UsualHeaders:
    """What the middlewares of Django and others put on an answer that is about nothing in particular.

    They are asked once, and so stay the only place where each header is put together.
    """

    def __init__(self) -> None:
        self._over_tls = _asked("https")
        self._in_the_clear = _asked("http")

    def complete(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Set on ``response`` what is still missing."""
        headers = response.headers._store
        # Style sheets are loaded by the preview of a banner too, which is a page without an origin.
        if request.path_info.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
        for name, header in (self._over_tls if request.is_secure() else self._in_the_clear).items():
            headers.setdefault(name, header)
        return response


def _asked(scheme: str) -> _Headers:
    request = WSGIRequest({"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": BytesIO()})
    response: Any = PermissionsPolicyMiddleware(lambda request: HttpResponse())(request)
    for kind in (XFrameOptionsMiddleware, CSPMiddleware, SecurityMiddleware):
        # Not called whole: the last one would send whoever asks in the clear to TLS.
        response = kind(lambda request: HttpResponse()).process_response(request, response)
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    del response.headers["Content-Type"]
    if settings.DEBUG:
        # Django's pages for developers have scripts in them; the middleware itself knows which these are.
        del response.headers["Content-Security-Policy"]
    headers: _Headers = response.headers._store
    return headers


class HeadersMiddleware:
    """Also those on which Django's own says nothing, and its refusal of a host that is not ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._usual = UsualHeaders()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._usual.complete(request, self.get_response(request))
