"""Each request: an id by which the lines about it are found, how long it took, and how it ended."""

import re
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from prometheus_client import Counter, Histogram

from retention.figures import counted

from .logs import id_of, under_way
from .middleware import DESK, is_trusted

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
METHODS = {method: method for method in ("GET", "HEAD", "POST", "OPTIONS")}
# A published page takes a tenth of a millisecond, a recorded choice some, a PDF of the draft a second.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

_requests = Counter(
    "privacy_requests",
    "Requests that were answered, by the name of their address, method and status.",
    ["route", "method", "status"],
    registry=counted,
)
_latency = Histogram(
    "privacy_request_duration_seconds",
    "How long an answer took, without sending it, by the name of its address.",
    ["route"],
    buckets=SECONDS,
    registry=counted,
)

# Looked up once for each name, method and status that occur: the fastest page takes little longer than that.
_Told = tuple[Callable[[], None], Callable[[float], None]]
_known: dict[tuple[str, str, int], _Told] = {}


class ObservedMiddleware:
    """The first to hear of a request and the last to see its answer; costs some ten microseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "HTTP_X_REQUEST_ID" in request.META:
            _take_id(request)
        token = under_way.set(request)
        begun = perf_counter()
        try:
            response = self.get_response(request)
        finally:
            under_way.reset(token)
        seconds = perf_counter() - begun
        match = request.resolver_match
        name = match.view_name if match is not None else _unnamed(request)
        key = name, METHODS.get(request.method or "", "other"), response.status_code
        count, observe = _known.get(key) or _learn(key, match)
        count()
        observe(seconds)
        # Not where a cache may keep the answer: the next visitor would get the id of this one.
        if "no-store" in response.headers.get("Cache-Control", ""):
            response.headers["X-Request-ID"] = id_of(request)
        return response


def _take_id(request: HttpRequest) -> None:
    """Go on with the id that our own proxy gave; anybody else may have written it."""
    given = request.META["HTTP_X_REQUEST_ID"]
    if REQUEST_ID.fullmatch(given) and is_trusted(request.META.get("REMOTE_ADDR", "")):
        request.request_id = given  # type: ignore[attr-defined]


def _unnamed(request: HttpRequest) -> str:
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"


def _learn(key: tuple[str, str, int], match: ResolverMatch | None) -> _Told:
    """What counts a request like this. All of the desk is one: it has hundreds of names."""
    name, method, status = key
    route = "desk" if match is not None and f"/{match.route}".startswith(DESK) else name
    told = _requests.labels(route, method, str(status)).inc, _latency.labels(route).observe
    return _known.setdefault(key, told)
