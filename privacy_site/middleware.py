"""What the reverse proxies say about a request, believed only from proxies that are ours."""

from ipaddress import ip_address

from django.conf import settings


def is_trusted(address):
    try:
        parsed = ip_address(address)
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

    def __call__(self, request):
        meta = request.META
        if settings.TRUSTED_PROXIES and is_trusted(meta.get("REMOTE_ADDR", "")):
            chain = [part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
            for address in reversed([part for part in chain if part]):
                meta["REMOTE_ADDR"] = address
                if not is_trusted(address):
                    break
            if meta.get("HTTP_X_FORWARDED_PROTO", "").strip() == "https":
                meta["wsgi.url_scheme"] = "https"
        return self.get_response(request)
