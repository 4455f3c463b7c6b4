"""How many choices one address may record in a minute.

The address is held as a keyed hash, in memory, for that minute; the key is drawn anew by
each process and never leaves it.
"""

import hashlib
import secrets
import time
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.cache import caches

WINDOW_SECONDS = 60
_key = secrets.token_bytes(32)


def seconds_to_wait(address: str) -> int:
    """0 when ``address`` may record now, else the seconds until it may again."""
    now = time.time()
    address = _network_of(address)
    window = int(now // WINDOW_SECONDS)
    hashed = hashlib.blake2b(f"{window} {address}".encode(), key=_key, digest_size=16).hexdigest()
    cache = caches["memory"]
    cache.add(f"recorded:{hashed}", 0, WINDOW_SECONDS)
    if cache.incr(f"recorded:{hashed}") <= settings.CONSENT_RATE_LIMIT:
        return 0
    return int((window + 1) * WINDOW_SECONDS - now) + 1


def _network_of(address: str) -> str:
    """A subscriber has one address of version 4, and a /64 of version 6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address
