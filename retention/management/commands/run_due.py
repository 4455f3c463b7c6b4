import signal
import threading

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.utils import timezone

from retention import due


class Command(BaseCommand):
    help = (
        "Do what is due: publish what was scheduled, count, seal closed days. Once, for cron; or for ever: "
        "manage.py run_due --every 20. Several may run at a time."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--every", type=float, metavar="SECONDS", help="go on, and look again after so many seconds"
        )

    def handle(self, *, every=None, **options):
        if every is None:
            self.tell(due.run(timezone.now()))
            return
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        while not stopped.is_set():
            try:
                self.tell(due.run(timezone.now()))
            except DatabaseError as error:
                # The jobs have logged it; a database that comes back finds somebody at work.
                self.stderr.write(f"Failed, and tried again in {every:g} s: {type(error).__name__}")
            finally:
                connection.close()
            stopped.wait(every)

    def tell(self, done):
        for name, said in done.items():
            self.stdout.write(f"{name}: {said}")
