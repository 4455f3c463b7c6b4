import signal
import threading

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from retention import due


class Command(BaseCommand):
    help = (
        "Do what is due: publish what was scheduled, count, seal closed days, keep the promises about keeping data. "
        "Once, for cron; or for ever: manage.py run_due --every 20. Several may run at a time."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--every", type=float, metavar="SECONDS", help="go on, and look again after so many seconds"
        )

    def handle(self, *, every=None, **options):
        if every is None:
            done, failed = look()
            for name, said in done.items():
                self.stdout.write(f"{name}: {said}")
            if failed:
                raise CommandError(f"Failed: {failed}. The log says why; the next run tries again.")
            return
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        while not stopped.is_set():
            try:
                # The log has what was done and what failed; a database that comes back finds somebody at work.
                look()
            finally:
                connection.close()
            stopped.wait(every)


def look():
    """Run what is due: what each job did, and the names of those that failed."""
    try:
        return due.run(timezone.now()), ""
    except due.Failed as error:
        return error.done, str(error)
