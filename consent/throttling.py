"""How many choices one address may record in a minute.

The address is held as a keyed hash, in memory, for that minute; the key is drawn anew by
each process and never leaves it.
"""

import hashlib
import secrets
import threading
import time
from ipaddress import IPv6Network

from django.conf import settings

WINDOW_SECONDS = 60
# Some 15 MB; beyond it the oldest go first. Whoever has more addresses than that is stopped by no count.
ADDRESSES_KEPT = 100_000

_key = secrets.token_bytes(32)
_counts: dict[bytes, int] = {}
_counting = threading.Lock()


def seconds_to_wait(address: str) -> int:
    """0 when ``address`` may record now, else the seconds until it may again."""
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    # The window is part of it: counts of the minute before fit nobody, and are the oldest.
    hashed = hashlib.blake2b(f"{window} {_network_of(address)}".encode(), key=_key, digest_size=16).digest()
    with _counting:
        count = _counts[hashed] = _counts.get(hashed, 0) + 1
        if len(_counts) > ADDRESSES_KEPT:
            del _counts[next(iter(_counts))]
    return 0 if count <= settings.CONSENT_RATE_LIMIT else int((window + 1) * WINDOW_SECONDS - now) + 1


def forget() -> None:
    """Begin to count anew (between tests)."""
    _counts.clear()


def _network_of(address: str) -> str:
    """A subscriber has one address of version 4, and a /64 of version 6."""
    if ":" not in address:
        return address
    try:
        return str(IPv6Network((address, 64), strict=False))
    except ValueError:
        return address
