import json

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override
from prometheus_client import generate_latest

from retention.coverage import WORDS, look
from retention.figures import census

GAPS = 1
CANNOT_TELL = 2


class Command(BaseCommand):
    help = (
        "Say which promises of the statement in force are kept, by what and since when, and which are kept by nothing. "
        "Exit code 0: all are kept; 1: something is overdue, or nothing keeps it; 2: nobody can tell, because a "
        "database is away or nothing is in force. With --format prometheus it is 0 wherever something can be told, "
        "for what is wrong is in the figures. Example: manage.py retention_coverage --format prometheus"
    )

    def add_arguments(self, parser):
        parser.add_argument("--format", choices=["text", "json", "prometheus"], default="text")
        parser.add_argument("--language", choices=["en", "nl"], default="en", help="of the text")

    def handle(self, *, language, **options):
        say = {"text": as_text, "json": as_json, "prometheus": as_prometheus}
        try:
            with override(language):
                found = look(timezone.now())
                said = say[options["format"]](found)
        except Error as error:
            raise CommandError(
                f"The database of this site does not answer ({type(error).__name__}).", returncode=CANNOT_TELL
            ) from error
        self.stdout.write(said, ending="" if said.endswith("\n") else "\n")
        if options["format"] == "prometheus":
            return
        if found.has_gaps:
            raise SystemExit(GAPS)
        if found.cannot_tell:
            raise SystemExit(CANNOT_TELL)


def as_text(found):
    """A line per promise and target, and what it comes to."""
    header = (_("Promise"), _("Target"), _("State"), _("Overdue"), _("Last kept"))
    rows = []
    for covered in found.promises:
        promise = f"{covered.promise.purpose} / {covered.promise.terms.slug}"
        for keeping in covered.keepings:
            overdue = str(keeping.overdue) if keeping.census else "?"
            rows.append((promise, keeping.target, str(WORDS[keeping.state]), overdue, _day(keeping.kept_on)))
        if not covered.keepings:
            rows.append((promise, "–", str(WORDS[covered.state]), "–", "–"))
    rows += [
        (f"{lost.purpose} / {lost.rule}", lost.target, _("nothing promises this"), "–", "–") for lost in found.astray
    ]
    lines = _table([header, *rows]) if rows else [_("No statement is in force.")]
    troubles = [
        f"{keeping.target}: {keeping.trouble}"
        for covered in found.promises
        for keeping in covered.keepings
        if keeping.trouble
    ]
    numbers = ", ".join(f"{WORDS[state]} {number}" for state, number in found.numbers.items() if number)
    summary = [
        _("Promises: %(number)s (%(states)s).") % {"number": len(found.promises), "states": numbers},
        _("Overdue rows: %(number)s.") % {"number": found.overdue},
        _("Next run: %(moment)s.") % {"moment": date_format(timezone.localtime(found.next_run), "DATETIME_FORMAT")},
    ]
    return "\n".join([*lines, "", *troubles, *([""] if troubles else []), *(summary if found.promises else [])])


def as_prometheus(found):
    class Census:
        def collect(self):
            return census(found)

    return generate_latest(Census()).decode()


def as_json(found):
    answer = {
        "version": found.version,
        "looked_at": found.looked_at.isoformat(),
        "next_run": found.next_run.isoformat(),
        "overdue": found.overdue,
        "promises": [
            {
                "purpose": covered.promise.purpose,
                "rule": covered.promise.terms.slug,
                "wording": covered.promise.wording,
                "state": covered.state.value,
                "targets": [_as_json(keeping) for keeping in covered.keepings],
                "not_active": list(covered.waiting),
            }
            for covered in found.promises
        ],
        "targets_without_promise": [
            {"target": lost.target, "purpose": lost.purpose, "rule": lost.rule} for lost in found.astray
        ],
    }
    return json.dumps(answer, ensure_ascii=False, indent=2)


def _as_json(keeping):
    last, census = keeping.last, keeping.census
    return {
        "target": keeping.target,
        "state": keeping.state.value,
        "trouble": keeping.trouble,
        "overdue": census.due if census else None,
        "rows": census.total if census else None,
        "held": census.held if census else None,
        "undated": census.undated if census else None,
        "last_kept": keeping.kept_on.isoformat() if keeping.kept_on else None,
        "last_run": last and {"at": last.finished_at.isoformat(), "result": last.result, "error": last.error},
        "under_way": keeping.is_under_way,
    }


def _day(moment):
    return date_format(timezone.localtime(moment), "DATE_FORMAT") if moment else "–"


def _table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
