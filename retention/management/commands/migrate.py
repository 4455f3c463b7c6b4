import time

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections

# While a migration waits for a lock, all who come after it wait behind it: visitors too.
PATIENCE = "1s"
ATTEMPTS = 30
PAUSE_SECONDS = 2
# lock_not_available, deadlock_detected
GAVE_WAY = {"55P03", "40P01"}


class Command(migrate.Command):
    """Django's own, which on PostgreSQL waits a second for a lock, gives way, and tries again."""

    def handle(self, *args, **options):
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            return super().handle(*args, **options)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _wait_for_locks(connection, f"'{PATIENCE}'")
                super().handle(*args, **options)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) not in GAVE_WAY:
                    raise
                if attempt == ATTEMPTS:
                    raise CommandError(
                        "Somebody has held a table for a minute that a migration needs, such as a backup or a long "
                        "report. What was migrated stays so, and the site goes on. Run migrate again."
                    ) from error
                self.stderr.write("A table is in use. The migration gives way and is tried again.")
                time.sleep(PAUSE_SECONDS)
            else:
                return _wait_for_locks(connection, "DEFAULT")


def _wait_for_locks(connection, length):
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {length}")
