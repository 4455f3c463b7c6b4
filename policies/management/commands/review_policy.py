import json
from itertools import groupby
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from policies.content_file import ContentFileError
from policies.publishing import look_at_draft
from policies.reading import in_language
from policies.review import Severity, unused
from policies.review.listing import SEVERITIES
from policies.review.places import in_words
from policies.review.reading import Reviewed, review_file

CANNOT_BE_READ = 2


class Command(BaseCommand):
    help = (
        "Say what is wrong with the statement, by rule and place: of the present draft, or of a content file, of "
        "which nothing is kept. Exit code 0: nothing; 1: something, from the severity of --fail-on, that nobody "
        "has waived; 2: the file cannot be loaded. Example: manage.py review_policy content/example.yaml --language nl"
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, nargs="?", help="default: the present draft")
        parser.add_argument("--language", choices=["en", "nl"], default="en")
        parser.add_argument("--format", choices=["text", "json"], default="text")
        parser.add_argument("--fail-on", choices=[severity.value for severity in Severity], default="error")

    def handle(self, *, file=None, language, fail_on, **options):
        with override(language):
            reviewed = of_file(file) if file else of_draft()
            say = as_json if options["format"] == "json" else as_text
            self.stdout.write(say(reviewed))
        failing = {Severity.ERROR, Severity(fail_on)}
        if any(finding.severity in failing and finding.waiver is None for finding in reviewed.findings):
            raise SystemExit(1)


def of_draft():
    draft = look_at_draft()
    return Reviewed(draft.content, draft.findings, draft.waivers)


def of_file(file):
    try:
        return review_file(file.read_text(encoding="utf-8"), now=timezone.now())
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", returncode=CANNOT_BE_READ) from error
    except ContentFileError as error:
        lines = "\n".join(f"{file}, {problem}" for problem in error.problems)
        raise CommandError(lines, returncode=CANNOT_BE_READ) from error


def as_json(reviewed):
    answer = {
        "findings": [finding.frozen() for finding in reviewed.findings],
        "unused_waivers": [f"{waiver.code} {waiver.place}" for waiver in unused(reviewed.waivers, reviewed.findings)],
    }
    return json.dumps(answer, ensure_ascii=False, indent=2)


def as_text(reviewed):
    """Errors before warnings; under each the places, in the order of the statement, and there what was found."""
    lines = []
    order = [*reviewed.content, "targets"]
    for severity, findings in groupby(reviewed.findings, key=lambda finding: finding.severity):
        lines += [str(SEVERITIES[severity]), ""]
        by_place = sorted(findings, key=lambda finding: (order.index(finding.place[0]), finding.place))
        for place, found in groupby(by_place, key=lambda finding: finding.place):
            lines.append(f"  {in_words(place, reviewed.content)}")
            for finding in found:
                lines.append(f"    {finding.code}  {finding}  [{finding.source}]")
                if finding.waiver:
                    lines.append("        " + _("Waived: %(reason)s") % {"reason": reason_of(finding.waiver)})
            lines.append("")
    if left := unused(reviewed.waivers, reviewed.findings):
        lines += [_("Waivers of what is no longer found"), ""]
        lines += [f"  {waiver.code}  {in_words(tuple(waiver.place.split('/')), reviewed.content)}" for waiver in left]
        lines.append("")
    return "\n".join([*lines, counts(reviewed.findings)])


def reason_of(waiver):
    reasons = {"en": waiver.reason_en or waiver.reason_nl, "nl": waiver.reason_nl or waiver.reason_en}
    return in_language(reasons, get_language())


def counts(findings):
    errors, warnings = ([finding for finding in findings if finding.severity == severity] for severity in Severity)
    return _("Errors: %(errors)s, waived: %(waived_errors)s. Warnings: %(warnings)s, waived: %(waived_warnings)s.") % {
        "errors": len(errors),
        "waived_errors": sum(finding.waiver is not None for finding in errors),
        "warnings": len(warnings),
        "waived_warnings": sum(finding.waiver is not None for finding in warnings),
    }
