"""Who asks, by the word of our own proxies, and in which language to answer."""

from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from simple_history.middleware import HistoryRequestMiddleware

from policies.rendering import LANGUAGES

DESK = "/admin/"
PROXIES_KEPT = 100


def plain(address):
    """One of version 4 as it is known: who listens at [::] is told ``::ffff:192.0.2.1`` for it."""
    return address.removeprefix("::ffff:") if "." in address else address


def is_trusted(address):
    try:
        parsed = ip_address(plain(address))
    except ValueError:
        return False
    return any(parsed in network for network in settings.TRUSTED_PROXIES)


class ForwardedMiddleware:
    """Sets ``REMOTE_ADDR`` and the scheme from ``X-Forwarded-*`` of a trusted proxy.

    The visitor is the rightmost address of X-Forwarded-For that is not one of our proxies;
    what stands left of it anybody may have written. The address serves to limit the rate of
    recording and is stored nowhere.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self._proxies = set()  # that came to us themselves: to read an address takes longer than the rest of this

    def _is_proxy(self, address):
        if address not in self._proxies:
            if not is_trusted(address):
                return False
            if len(self._proxies) >= PROXIES_KEPT:
                self._proxies.clear()
            self._proxies.add(address)
        return True

    def __call__(self, request):
        meta = request.META
        meta["REMOTE_ADDR"] = plain(meta.get("REMOTE_ADDR", ""))
        if settings.TRUSTED_PROXIES and self._is_proxy(meta["REMOTE_ADDR"]):
            chain = [part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
            for address in reversed([part for part in chain if part]):
                meta["REMOTE_ADDR"] = plain(address)
                if not is_trusted(address):  # not remembered: the last one is a visitor's
                    break
            if meta.get("HTTP_X_FORWARDED_PROTO", "").strip() == "https":
                meta["wsgi.url_scheme"] = "https"
        return self.get_response(request)


def language_of(path):
    """The language that an address is in, or None: addresses of machines and of the desk are in none."""
    language, slash, _rest = path[1:].partition("/")
    return language if slash and language in LANGUAGES else None


class LanguageMiddleware(LocaleMiddleware):
    """Pages have their language in the address; the desk follows its reader; machines get English.

    Django's own would add ``Vary: Accept-Language`` to answers that are the same for all, such
    as the banner, and so multiply them in every cache on the way.
    """

    def process_request(self, request):
        if request.path_info.startswith(DESK):
            super().process_request(request)
        else:
            request.LANGUAGE_CODE = language_of(request.path_info) or settings.LANGUAGE_CODE
            translation.activate(request.LANGUAGE_CODE)

    def process_response(self, request, response):
        if request.path_info.startswith(DESK):
            return super().process_response(request, response)
        if language := language_of(request.path_info):
            response.headers.setdefault("Content-Language", language)
        return response


class DeskOnly:
    """A middleware of the desk: visitors have no session and no account, so theirs are never looked for."""

    def __call__(self, request):
        return super().__call__(request) if request.path_info.startswith(DESK) else self.get_response(request)


class DeskSessionMiddleware(DeskOnly, SessionMiddleware):
    pass


class DeskAuthenticationMiddleware(DeskOnly, AuthenticationMiddleware):
    pass


class DeskMessageMiddleware(DeskOnly, MessageMiddleware):
    pass


def desk_history_middleware(get_response):
    """The history of content names who edits; visitors edit nothing."""
    with_history = HistoryRequestMiddleware(get_response)

    def middleware(request):
        return with_history(request) if request.path_info.startswith(DESK) else get_response(request)

    return middleware
