"""The address where choices are recorded, answered before anything that it does not need.

A visitor has no session, no account and no token there; what the long way does for an answer is its
headers, and it does the same for each.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve, reverse
from django.utils import translation

from .headers import UsualHeaders
from .published import OurHosts


class RecordedMiddleware:
    """Calls the view as Django would, and sets the headers that are on every answer.

    A host that is not ours goes the long way, and plain HTTP where TLS is expected: it is told so there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._address = reverse("record")
        self._match = resolve(self._address)
        # A fault of ours is reported and answered here as everywhere.
        self._record = convert_exception_to_response(self._match.func)
        self._usual = UsualHeaders()
        self._our_hosts = OurHosts()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            request.path_info != self._address
            or (settings.SECURE_SSL_REDIRECT and not request.is_secure())
            or not self._our_hosts.has_asked(request)
        ):
            return self.get_response(request)
        request.resolver_match = self._match
        # Whoever was answered before by this thread may have read another language.
        translation.activate(settings.LANGUAGE_CODE)
        response: Any = self._record(request)
        response.headers.setdefault("Content-Length", str(len(response.content)))
        return self._usual.complete(request, response)
