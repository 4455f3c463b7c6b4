"""What counts attempts to sign in: a table in the database, the same for all processes and machines.

The keys that are counted under hold addresses and names of accounts. They are stored as a keyed
hash, and gone soon after their time is over.
"""

from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router
from django.utils import timezone
from django.utils.crypto import salted_hmac


def keyed_hash(key, prefix, version):
    """``KEY_FUNCTION`` of the cache: says nothing to whoever lacks SECRET_KEY."""
    return salted_hmac("privacy_site.sign_in_counters", f"{prefix}:{version}:{key}", algorithm="sha256").hexdigest()


class SharedCounters(DatabaseCache):
    """Django's own cache in the database, which by itself drops what has expired only when it is full."""

    def set(self, key, *arguments, **options):
        self._drop_expired()
        super().set(key, *arguments, **options)

    def _drop_expired(self):
        connection = connections[router.db_for_write(self.cache_model_class)]
        table = connection.ops.quote_name(self._table)
        now = connection.ops.adapt_datetimefield_value(timezone.now().replace(microsecond=0))
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [now])  # noqa: S608 - our own name
