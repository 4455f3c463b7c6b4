from datetime import datetime

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from policies.asking import by_website
from policies.publishing import NotPublishable, publish_statement


def moment(text):
    """A date (its first moment in Amsterdam) or a date with a time."""
    try:
        if (date := parse_date(text)) is not None:
            return timezone.make_aware(datetime.combine(date, datetime.min.time()))
        if (exact := parse_datetime(text)) is not None:
            return exact if timezone.is_aware(exact) else timezone.make_aware(exact)
    except ValueError as error:
        raise CommandError(f"{text} is not a moment: {error}") from error
    raise CommandError(f"{text} is not a moment. Write 2026-11-22 or 2026-11-22T09:00.")


def categories(names):
    """``["website/analytical"]`` by web site."""
    for name in names:
        if name.count("/") != 1:
            raise CommandError(f"{name} is not a category of a web site. Write website/category.")
    return by_website(names)


class Command(BaseCommand):
    help = (
        "Publish the present content as the next version of the statement. Example: "
        'manage.py publish_statement --by anna --summary-en "Added Hotjar." --summary-nl "Hotjar toegevoegd."'
    )

    def add_arguments(self, parser):
        parser.add_argument("--by", required=True, help="user name of who answers for the text")
        parser.add_argument("--summary-en", required=True, help="what changed, in English")
        parser.add_argument("--summary-nl", required=True, help="what changed, in Dutch")
        parser.add_argument("--effective", help="date or moment from which it is in force; default: now")
        parser.add_argument(
            "--ask-also",
            action="append",
            default=[],
            metavar="WEBSITE/CATEGORY",
            help="ask visitors of this web site again about this category, whatever changed; may be repeated",
        )

    def handle(self, *, by, summary_en, summary_nl, effective, ask_also, **options):
        try:
            version = publish_statement(
                by=by,
                change_summary={"en": summary_en, "nl": summary_nl},
                effective_at=moment(effective) if effective else None,
                ask_also=categories(ask_also),
            )
        except NotPublishable as error:
            raise CommandError("\n".join(["Not published.", *error.problems])) from error
        self.stdout.write(f"Published version {version.number}, SHA-256 {version.digest}.")
        for website, asked in version.asks_again.items():
            self.stdout.write(f"Visitors of {website} are asked again: {', '.join(asked)}.")
