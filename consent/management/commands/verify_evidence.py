import json
import sys
from dataclasses import asdict
from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils.dateparse import parse_date

from consent import verdict
from consent.verifying import Report, verify

COULD_NOT = 2


def day(text):
    try:
        if (found := parse_date(text)) is not None:
            return found
    except ValueError as error:
        raise CommandError(f"{text} is not a day: {error}.", returncode=COULD_NOT) from error
    raise CommandError(f"{text} is not a day. Write 2026-11-22.", returncode=COULD_NOT)


def digest(text):
    if len(text) != 64 or set(text) - set("0123456789abcdef"):
        raise CommandError(f"{text} is no digest: that is 64 characters 0-9 and a-f.", returncode=COULD_NOT)
    return text


class Command(BaseCommand):
    help = (
        "Check that the evidence is what was sealed and published: the chain of seals, each record, version, PDF and "
        "banner. Exit code 0: intact; 1: not; 2: could not check, or not all."
    )

    def add_arguments(self, parser):
        parser.add_argument("--since", metavar="DAY", help="of the records, those that arrived from this day on")
        parser.add_argument("--until", metavar="DAY", help="... and up to this day, included")
        parser.add_argument(
            "--expect",
            action="append",
            default=[],
            metavar="DIGEST",
            help="the digest of a seal, or of a version, that somebody kept: it must be there; may be repeated",
        )
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            metavar="PUBLIC_KEY",
            help="each seal of the period must be signed with this key (base64); may be repeated",
        )
        parser.add_argument("--format", choices=["text", "json"], default="text", help="default: text")

    def handle(self, *, since, until, expect, key, **options):
        since, until = day(since) if since else None, day(until) if until else None
        if since and until and until < since:
            raise CommandError(f"{until} lies before {since}.", returncode=COULD_NOT)
        try:
            report = verify(since, until, self.progress, expect=[digest(text) for text in expect], keys=frozenset(key))
        except DatabaseError as error:
            raise CommandError(f"Could not check: {error}", returncode=COULD_NOT) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(as_json(report), indent=2, ensure_ascii=False))
        else:
            self.tell(report)
        if code := 0 if report.is_intact and not report.unsealed else 1 if not report.is_intact else COULD_NOT:
            sys.exit(code)

    def progress(self, reached: date, records: int):
        if self.stderr.isatty():
            self.stderr.write(f"\r{reached}  {records} records", ending="")

    def tell(self, report: Report):
        self.stdout.write(verdict.outcome(report))
        for fault in report.faults:
            self.stdout.write(f"- {verdict.in_words(fault)}")
        if report.unnamed:
            self.stdout.write(f"- … and {report.unnamed} more")
        parts = {
            "Checked": verdict.checked(report),
            "What this proves": verdict.proves(report) if report.is_intact else [],
            "What it does not prove": verdict.does_not_prove(report),
        }
        for heading, sentences in parts.items():
            if sentences:
                self.stdout.write(f"\n{heading}")
                for sentence in sentences:
                    self.stdout.write(f"- {sentence}")


def as_json(report: Report):
    faults = [
        asdict(fault) | {"day": fault.day.isoformat() if fault.day else None, "sentence": verdict.in_words(fault)}
        for fault in report.faults
    ]
    return {
        "intact": report.is_intact,
        "outcome": verdict.outcome(report),
        "faults": faults,
        "faults_not_named": report.unnamed,
        "seals": report.seals,
        "newest": {"day": report.newest.day.isoformat(), "digest": report.newest.digest} if report.newest else None,
        "days": report.days,
        "records": report.records,
        "erased": [
            {"rule": rule, "wording": wording, "days": erased.days, "records": erased.records}
            for (rule, wording), erased in report.erased.items()
        ],
        "erased_seals": [
            {"rule": rule, "wording": wording, "seals": gone.seals, "last": gone.last.isoformat()}
            for (rule, wording), gone in report.erased_seals.items()
        ],
        "keys": [
            {"key": key, "first": span.first.isoformat(), "last": span.last.isoformat(), "seals": span.seals}
            for key, span in report.keys.items()
        ],
        "unsealed": [day.isoformat() for day in report.unsealed] if report.unsealed else None,
        "versions": report.versions,
        "pdfs": report.pdfs,
        "banners": report.banners,
        "checked": verdict.checked(report),
        "proves": verdict.proves(report) if report.is_intact else [],
        "does_not_prove": verdict.does_not_prove(report),
    }
