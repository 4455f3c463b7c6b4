"""Published pages, answered before anything that a published page does not need.

The long way (addresses, languages, views, and the headers that other middlewares add) is gone once for each
form of a page. What comes out is remembered with the edition in force and goes with it: there is one list of
headers, and this module knows none of them.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, reverse
from django.utils.translation import override

from policies import rendering
from policies.rendering import Edition, Page

# Of so many pages. Beyond it the oldest are forgotten.
PATHS_KEPT = 200
# A company has some; all of a domain may be ours.
HOSTS_KEPT = 100
VARIES_BY = {"accept-encoding"}


class Answer(HttpResponse):
    """``like`` once more. Its headers were looked at when it was made, which takes as long as all the rest."""

    def __init__(self, like: HttpResponse) -> None:
        super().__init__(like.content, content_type="", status=like.status_code)
        self.headers._store = dict(like.headers._store)


@dataclass(frozen=True)
class Remembered:
    """A page, and the answers that were given with it: over TLS or not, in each form."""

    page: Page
    match: ResolverMatch | None
    answers: dict[tuple[bool, str], HttpResponse] = field(default_factory=dict)


class PublishedMiddleware:
    """Gives out again what any cache on the way might; everything else goes the long way.

    Nothing that the answer does not follow from is looked at: not cookies, not languages, not
    what else a visitor sends. An address with a query goes the long way, as does a host that is
    not ours.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._our_hosts = OurHosts()
        self._remembering = threading.Lock()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        edition = rendering.at_hand()
        if edition is None or request.method not in {"GET", "HEAD"} or request.META.get("QUERY_STRING"):
            return self.get_response(request)
        # Taken before the answer is made: when a page changes, there are others.
        known = edition.answers
        remembered = known.get(request.path_info)
        if remembered is not None and self._our_hosts.has_asked(request):
            form = request.is_secure(), rendering.form_for(request, remembered.page)
            if (answer := remembered.answers.get(form)) is not None:
                request.resolver_match = remembered.match  # the figures of an address are by its route
                return Answer(answer)
        response = self.get_response(request)
        page = getattr(response, "page", None)
        if (
            isinstance(response, HttpResponse)
            and page is not None
            and _is_for_everybody(response, page, edition)
            and (remembered is not None or _is_its_address(request, page))
        ):
            self._remember(known, request, response, page)
        return response

    def _remember(self, known: dict[str, Any], request: HttpRequest, response: HttpResponse, page: Page) -> None:
        form = request.is_secure(), rendering.form_for(request, page)
        answer = Answer(response)  # whoever sees the other on its way out may add to it
        with self._remembering:
            remembered = known.get(request.path_info)
            if remembered is None or remembered.page is not page:
                known[request.path_info] = remembered = Remembered(page, request.resolver_match)
                if len(known) > PATHS_KEPT:
                    del known[next(iter(known))]
            remembered.answers[form] = answer


def _is_for_everybody(response: HttpResponse, page: Page, edition: Edition) -> bool:
    """Whether a shared cache could keep ``response``, and ``page`` is one that ``edition`` keeps.

    It keeps no banner whose evidence could not be stored: the next visitor has it tried again.
    """
    varies_by = {name.strip().lower() for name in response.get("Vary", "").split(",") if name}
    return (
        response.get("Cache-Control", "").startswith("public")
        and not response.cookies
        and varies_by <= VARIES_BY
        and edition.keeps(page)
    )


def _is_its_address(request: HttpRequest, page: Page) -> bool:
    """Whether ``page`` is found where it was asked for. Visitors make up others: "versions/01/" is a page too."""
    match = request.resolver_match
    if match is None:
        return False
    with override(page.language or settings.LANGUAGE_CODE):
        return reverse(match.view_name, args=match.args, kwargs=match.kwargs) == request.path


class OurHosts:
    """The names by which visitors ask for us: to check one takes as long as to answer."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def has_asked(self, request: HttpRequest) -> bool:
        """Whether ``request`` is for a host of ours; if not, the long way says so in the words of the site."""
        name = request.META.get("HTTP_HOST", "")
        if name not in self._seen:
            try:
                request.get_host()
            except DisallowedHost:
                return False
            if len(self._seen) >= HOSTS_KEPT:  # somebody counts through the ports
                self._seen.clear()
            if name:
                self._seen.add(name)
        return True
