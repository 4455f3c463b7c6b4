"""``/metrics``: what the processes counted, how each of them is, and what the database says.

For the scraper alone. Whoever comes by a proxy needs the token: behind a proxy on this machine every visitor comes
from this machine.
"""

import hmac
import resource
from collections.abc import Iterator
from ipaddress import ip_address
from os import environ, sysconf
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, Gauge, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from policies import rendering
from retention import figures

from . import VERSION

# What a proxy adds to a request; a scraper that comes directly sends none of it.
BY_PROXY = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")
MEMORY = Path("/proc/self/statm")


def _of_each_process(name: str, help: str, labels: tuple[str, ...] = ()) -> Gauge:
    return Gauge(name, help, labels, registry=figures.counted, multiprocess_mode="liveall")


_served = _of_each_process("privacy_version_served", "The version that each process serves; 0 before the first.")
_memory = _of_each_process("privacy_process_memory_bytes", "Resident memory of each process.")
_connections = _of_each_process(
    "privacy_database_pool_connections",
    "Connections of each process to PostgreSQL: how many it may have, has, and has idle.",
    ("state",),
)
_waiting = _of_each_process("privacy_database_pool_waiting", "Threads of each process that wait for a connection.")


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Every figure; 404 for whoever may not see them."""
    if not (_has_token(request) or _is_near(request)):
        raise Http404
    return HttpResponse(generate_latest(Everything()), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _has_token(request: HttpRequest) -> bool:
    given = request.META.get("HTTP_AUTHORIZATION", "")
    expected = f"Bearer {settings.METRICS_TOKEN}"
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given.encode(), expected.encode())


def _is_near(request: HttpRequest) -> bool:
    """Whether the request came from one of METRICS_NETWORKS, by no proxy and not for the name that visitors type."""
    if any(name in request.META for name in BY_PROXY):
        return False
    host, _port = split_domain_port(request.get_host())
    if settings.HTTPS and host == urlsplit(settings.PUBLIC_URL).hostname:
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in network for network in settings.METRICS_NETWORKS)


class Everything:
    """All figures as they are now. While the database is away, those of the processes."""

    def collect(self) -> Iterator[Metric]:
        tell_of_process()
        if directory := environ.get("PROMETHEUS_MULTIPROC_DIR"):
            yield from MultiProcessCollector(None, directory).collect()
        else:
            yield from figures.counted.collect()
        build = GaugeMetricFamily("privacy_build_info", "The release that runs.", labels=["version"])
        build.add_metric([VERSION], 1)
        yield build
        # The watcher has just asked; nobody has to wait for the database once more.
        is_up = not rendering.database_is_away()
        if is_up:
            try:
                yield from figures.looked_up()
            except Error:
                is_up = False
        yield figures.gauge("privacy_database_up", "1 where the database answered, else 0.", is_up)


def tell_of_process() -> None:
    """How this process is. Each tells for itself, every few seconds; a scrape reaches one of them."""
    edition = rendering.in_memory()
    _served.set(edition.number if edition else 0)
    _memory.set(_resident_bytes())
    if (pool := getattr(connection, "pool", None)) is not None:
        found = pool.get_stats()
        for state, name in (("max", "pool_max"), ("open", "pool_size"), ("idle", "pool_available")):
            _connections.labels(state).set(found.get(name, 0))
        _waiting.set(found.get("requests_waiting", 0))


def _resident_bytes() -> int:
    if MEMORY.exists():
        return int(MEMORY.read_text().split()[1]) * sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # at its most, where there is no /proc
