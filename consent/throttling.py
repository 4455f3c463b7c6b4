"""How many choices one address may record in a minute.

The address is held as a keyed hash, in memory, for that minute; the key is drawn anew by
each process and never leaves it.
"""

import hashlib
import secrets
import time

from django.conf import settings
from django.core.cache import cache

WINDOW_SECONDS = 60
_key = secrets.token_bytes(32)


def seconds_to_wait(address: str) -> int:
    """0 when ``address`` may record now, else the seconds until it may again."""
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    hashed = hashlib.blake2b(f"{window} {address}".encode(), key=_key, digest_size=16).hexdigest()
    cache.add(f"recorded:{hashed}", 0, WINDOW_SECONDS)
    if cache.incr(f"recorded:{hashed}") <= settings.CONSENT_RATE_LIMIT:
        return 0
    return int((window + 1) * WINDOW_SECONDS - now) + 1
