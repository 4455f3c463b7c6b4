import time
from datetime import date
from difflib import get_close_matches

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.utils import timezone

from retention import nightly
from retention.enforcing import abandon, enforce
from retention.locking import Busy
from retention.models import Result

RUN_BY = "enforce_retention"
SECONDS_BETWEEN_LINES = 3
COLUMNS = ("target", "rule", "cut-off", "due", "erased", "anonymised", "held", "undated", "result")
NUMBERS = slice(3, 8)


class Command(BaseCommand):
    help = (
        "Keep the promises of the statement in force: erase or anonymise what has come to its end. "
        "Exit code 0: all well; 1: something was refused, failed, or nobody promises it. "
        "Example: manage.py enforce_retention --target staff-sessions --dry-run"
    )

    def add_arguments(self, parser):
        parser.add_argument("--rule", metavar="SLUG", help="only the targets of this retention rule")
        parser.add_argument("--target", metavar="SLUG", help="only this target")
        parser.add_argument("--dry-run", action="store_true", help="count what is due, and touch nothing")
        parser.add_argument("--limit", type=int, metavar="N", help="touch at most so many rows of each target")
        parser.add_argument(
            "--until", metavar="DATE", help="reckon as on this earlier day (2026-11-22), for a careful start"
        )
        parser.add_argument(
            "--confirm",
            action="store_true",
            help="touch more of the target than its largest share; only with --target",
        )

    def handle(self, *, rule, target, dry_run, limit, until, confirm, **options):
        if confirm and not target:
            raise CommandError("--confirm is for one target: add --target.")
        if limit is not None and limit < 1:
            raise CommandError("--limit is at least 1.")
        today = earlier_day(until) if until else None
        self.told_at = time.monotonic()
        rows, wrong = [], []
        try:
            found = list(chosen(rule, target))
        except Error as error:
            # Not its words, which name the account.
            raise CommandError(f"The database of this site is away ({type(error).__name__}).") from None
        for each, promise in found:
            slug = each.slug
            try:
                if promise is None:
                    abandon(slug, now=timezone.now())
                    rows.append((slug, each.rule, *"–" * 6, "not promised"))
                    wrong.append(f"{slug}: the statement in force has no rule {each.rule} for {each.purpose}.")
                    continue
                run = enforce(
                    each,
                    promise,
                    now=timezone.now(),
                    by=RUN_BY,
                    today=today,
                    is_dry=dry_run,
                    confirmed=confirm,
                    limit=limit,
                    progress=self.progress,
                )
            except Busy:
                rows.append((slug, each.rule, *"–" * 6, "busy"))
                self.stderr.write(f"{slug}: another run is at work in it; it is left alone.")
                continue
            except Error as error:
                self.table(rows)
                # Not its words, which may hold what stood in a row.
                raise CommandError(f"{slug}: the database of this site is away ({type(error).__name__}).") from error
            rows.append(row_of(run))
            if run.resumed:
                self.stdout.write(
                    f"{slug}: went on with the run of {timezone.localtime(run.started_at):%Y-%m-%d %H:%M}."
                )
            if run.result in (Result.REFUSED, Result.FAILED):
                wrong.append(f"{slug}: {run.error}")
        self.table(rows)
        if wrong:
            raise CommandError("\n".join(wrong))

    def progress(self, progress):
        """A line every few seconds, where there is that much to do."""
        now = time.monotonic()
        if now - self.told_at < SECONDS_BETWEEN_LINES:
            return
        self.told_at = now
        self.stderr.write(
            f"{progress.target.slug}: {progress.done:,} of {progress.of:,} rows, "
            f"{progress.of - progress.done:,} to go, {progress.per_second:,.0f} rows/s"
        )

    def table(self, rows):
        widths = [max(len(str(cell)) for cell in column) for column in zip(COLUMNS, *rows, strict=True)]
        for row in (COLUMNS, *rows):
            cells = [str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)]
            cells[NUMBERS] = [cell.strip().rjust(width) for cell, width in zip(cells, widths, strict=True)][NUMBERS]
            self.stdout.write("  ".join(cells).rstrip())


def chosen(rule, target):
    """The targets that were asked for. Raises CommandError for what cannot be meant."""
    everything = nightly.promised()
    if target and target not in (known := [each.slug for each, _promise in everything]):
        raise CommandError(f"There is no target {target}.{nearest(target, known)}")
    if rule and rule not in (known := sorted({each.rule for each, _promise in everything})):
        raise CommandError(f"No target is about the rule {rule}.{nearest(rule, known)}")
    found = [
        (each, promise)
        for each, promise in everything
        if target in (None, each.slug) and rule in (None, each.rule)
    ]  # fmt: skip
    if not found:
        raise CommandError(f"Target {target} is not about the rule {rule}.")
    return found


def nearest(given, known):
    close = get_close_matches(given, known, n=1, cutoff=0.4)
    if close:
        return f" Did you mean {close[0]}?"
    return f" There are: {', '.join(known)}." if known else ""


def earlier_day(text):
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is no day. Write 2026-11-22.") from error
    if day >= timezone.localdate():
        raise CommandError(f"--until is for a day that is over; {text} would erase too early.")
    return day


def row_of(run):
    result = "dry run, " * run.is_dry + run.result
    counts = (run.due, run.erased, run.anonymised, run.held, run.undated)
    return (run.target, run.rule, in_amsterdam(run.cut_off), *counts, result)


def in_amsterdam(moment):
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"
