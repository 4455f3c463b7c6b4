from datetime import datetime

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from policies import workflow
from policies.asking import by_website
from policies.models import Proposal
from policies.publishing import NotPublishable, look_at_draft


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


def approved(summary, ask_also):
    """The proposal that somebody has approved and that is the present draft. Raises CommandError."""
    draft = look_at_draft()
    proposal = Proposal.objects.filter(state__in=Proposal.OPEN, previous=draft.previous).first()
    if proposal is None:
        raise CommandError("Nothing is approved. Submit the draft at the desk, and have somebody else approve it.")
    if reason := workflow.standing(proposal, draft):
        raise CommandError(f"{proposal} does not stand any more. {reason}")
    if proposal.state == Proposal.State.SUBMITTED:
        raise CommandError(f"{proposal}, submitted by {proposal.submitted_by}, waits for somebody else to approve it.")
    if proposal.state == Proposal.State.SCHEDULED:
        moment = timezone.localtime(proposal.effective_at).isoformat()
        raise CommandError(f"{proposal} is scheduled for {moment}. To publish it earlier, call that off at the desk.")
    said = {"en": proposal.change_summary_en, "nl": proposal.change_summary_nl}
    if any(text and text.strip() != said[language] for language, text in summary.items()):
        raise CommandError(f"{proposal} was approved with another summary. Leave it out: it goes with the proposal.")
    if ask_also and ask_also != proposal.ask_also:
        raise CommandError(f"{proposal} was approved with other categories to ask again. Leave them out.")
    return proposal


class Command(BaseCommand):
    help = (
        "Publish the next version of the statement: what somebody approved at the desk or, where FOUR_EYES is "
        'off, the present content. Example: manage.py publish_statement --by anna --summary-en "Added Hotjar." '
        '--summary-nl "Hotjar toegevoegd."'
    )

    def add_arguments(self, parser):
        parser.add_argument("--by", required=True, help="user name of who answers for the text")
        parser.add_argument("--summary-en", default="", help="what changed, in English; goes with what was approved")
        parser.add_argument("--summary-nl", default="", help="what changed, in Dutch; goes with what was approved")
        parser.add_argument("--effective", help="date or moment from which it is in force, still to come; default: now")
        parser.add_argument(
            "--ask-also",
            action="append",
            default=[],
            metavar="WEBSITE/CATEGORY",
            help="ask visitors of this web site again about this category, whatever changed; may be repeated",
        )

    def handle(self, *, by, summary_en="", summary_nl="", effective=None, ask_also=(), **options):
        effective_at = moment(effective) if effective else None
        if effective_at and effective_at <= timezone.now():
            raise CommandError(f"{effective} has passed. Without --effective it is in force from now.")
        summary, also = {"en": summary_en, "nl": summary_nl}, categories(ask_also)
        try:
            with transaction.atomic():
                if settings.FOUR_EYES:
                    proposal = approved(summary, also)
                else:
                    proposal = workflow.submit(by=by, change_summary=summary, ask_also=also)
                version = workflow.publish_proposal(proposal, by=by, effective_at=effective_at)
        except NotPublishable as error:
            raise CommandError("\n".join(["Not published.", *error.problems])) from error
        if version is None:
            self.stdout.write(f"Scheduled {proposal}: manage.py run_due publishes it at {effective_at.isoformat()}.")
            return
        self.stdout.write(f"Published version {version.number}, SHA-256 {version.digest}.")
        for website, asked in version.asks_again.items():
            self.stdout.write(f"Visitors of {website} are asked again: {', '.join(asked)}.")
