"""What needs somebody's attention, for the first page of the desk: of all three floors, and little of each.

Each function looks at one thing and yields a line for it, or nothing. What a user may not open is not told.
No consent record is read: what has to do with them has been counted before.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Max, Min
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from consent import partitions, statistics
from consent.chart import Chart, draw, percent
from consent.models import CountedUpTo, DailyCount, SealedDay
from consent.statistics import Period, Tally
from consent.statistics_views import PERMISSION as STATISTICS
from consent.statistics_views import category_names, website_names
from policies.comparing import compare
from policies.groups import PUBLISH, SUBMIT
from policies.models import Proposal, StatementVersion
from policies.publishing import Draft, look_at_draft
from policies.review import Severity
from policies.review.places import list_in_words
from policies.workflow import standing
from retention.models import Result, RetentionRun, RunUnderWay

REVIEW = "policies.view_statementversion"
PROPOSALS = "policies.view_proposal"
RUNS = "retention.view_retentionrun"
STUCK_RUNS = "retention.view_rununderway"
SEALS = "consent.view_sealedday"

# What is due is done within seconds. Longer than this, and nobody does it.
SCHEDULER_IS_LATE = timedelta(minutes=5)
COUNT_IS_LATE = timedelta(hours=1)
# A day is sealed an hour after its end, unless the database was away or a transaction hung.
SEAL_IS_LATE = timedelta(days=2)
# The next pass of the scheduler goes on with what stopped in the middle.
RUN_IS_STUCK = timedelta(days=1)
RECENT_DAYS = 30


class Urgency(IntEnum):
    """What is wrong, what should be looked at, and what is good to know; in this order."""

    ERROR = 1
    WARNING = 2
    NOTE = 3


@dataclass(frozen=True)
class Attention:
    """A sentence, and the page on which something can be done about it."""

    urgency: Urgency
    sentence: str
    url: str

    @property
    def kind(self) -> str:
        return self.urgency.name.lower()


@dataclass(frozen=True)
class Desk:
    """Who sits at it, and when; what several functions look at is fetched once."""

    user: Any
    now: datetime

    def may(self, permission: str) -> bool:
        return self.user.has_perm(permission)

    @cached_property
    def draft(self) -> Draft:
        return look_at_draft()


Look = Callable[[Desk], Iterator[Attention]]

LOOKS: list[Look] = []


def look(function: Look) -> Look:
    """Have the decorated function asked; of equal urgency, lines stand in this order."""
    LOOKS.append(function)
    return function


def attention(desk: Desk) -> list[Attention]:
    """All that ``desk`` should know of, the most urgent first."""
    lines = [line for function in LOOKS for line in function(desk)]
    return sorted(lines, key=lambda line: line.urgency)


def in_force(desk: Desk) -> StatementVersion | None:
    """The version that visitors read now, without its text; None where there is none, or may not be seen."""
    if not desk.may(REVIEW):
        return None
    return StatementVersion.objects.defer("document", "review").in_force(desk.now)


def recent(desk: Desk) -> tuple[Chart, Tally] | None:
    """How visitors answered in the last thirty days; None where that may not be seen."""
    if not desk.may(STATISTICS):
        return None
    period = Period.of_days(RECENT_DAYS, timezone.localdate(desk.now))
    steps = statistics.series(statistics.chosen(period), period)
    title = _("Choices of visitors in the last %(days)s days") % {"days": RECENT_DAYS}
    return draw(steps, title=title, height=170), statistics.together(steps)


# -- The draft -----------------------------------------------------------------------------------

# Findings that are told apart from the rest: by the code of their rule.
TOLD_APART: dict[str, Promise] = {
    "S2": ngettext_lazy("%(number)s text lacks a language.", "%(number)s texts lack a language.", "number"),
    "L10": ngettext_lazy(
        "%(number)s text was changed in one language only since the last version.",
        "%(number)s texts were changed in one language only since the last version.",
        "number",
    ),
    "L9": ngettext_lazy(
        "%(number)s text was changed in one language long after the other.",
        "%(number)s texts were changed in one language long after the other.",
        "number",
    ),
}


@look
def findings(desk: Desk) -> Iterator[Attention]:
    if not desk.may(REVIEW):
        return
    open_ones = [finding for finding in desk.draft.findings if not finding.waiver]
    rest = [finding for finding in open_ones if finding.code not in TOLD_APART]
    if errors := sum(finding.severity == Severity.ERROR for finding in rest):
        yield Attention(
            Urgency.ERROR,
            ngettext(
                "%(number)s error of the draft stands in the way of publishing it.",
                "%(number)s errors of the draft stand in the way of publishing it.",
                errors,
            )
            % {"number": errors},
            _review(severity="error"),
        )
    numbers = Counter(finding.code for finding in open_ones)
    severities = {finding.code: finding.severity for finding in open_ones}
    for code, sentence in TOLD_APART.items():
        if number := numbers[code]:
            urgency = Urgency.ERROR if severities[code] == Severity.ERROR else Urgency.WARNING
            yield Attention(urgency, str(sentence % {"number": number}), _review(code=code))
    if warnings := sum(finding.severity == Severity.WARNING for finding in rest):
        yield Attention(
            Urgency.WARNING,
            ngettext(
                "The review warns of %(number)s thing in the draft.",
                "The review warns of %(number)s things in the draft.",
                warnings,
            )
            % {"number": warnings},
            _review(severity="warning"),
        )


@look
def waived(desk: Desk) -> Iterator[Attention]:
    if not desk.may(REVIEW):
        return
    if number := sum(finding.waiver is not None for finding in desk.draft.findings):
        yield Attention(
            Urgency.NOTE,
            ngettext(
                "%(number)s finding is waived: somebody answers for it with a reason.",
                "%(number)s findings are waived: somebody answers for each with a reason.",
                number,
            )
            % {"number": number},
            f"{_review()}#waived",
        )


@look
def unpublished(desk: Desk) -> Iterator[Attention]:
    if not desk.may(SUBMIT):
        return
    draft, url = desk.draft, reverse("admin:policies_statementversion_publish")
    if draft.latest is None:
        yield Attention(Urgency.NOTE, _("Nothing has been published yet."), url)
        return
    if not draft.is_changed:
        return
    lists = Counter(list_in_words(change.place) for change in compare(draft.before, draft.content))
    number = sum(lists.values())
    sentence = ngettext(
        "%(number)s change is not published yet: %(lists)s.",
        "%(number)s changes are not published yet: %(lists)s.",
        number,
    )
    names = ", ".join(f"{name} ({count})" for name, count in lists.items())
    yield Attention(Urgency.NOTE, sentence % {"number": number, "lists": names}, url)


@look
def proposals(desk: Desk) -> Iterator[Attention]:
    if not desk.may(PROPOSALS):
        return
    for proposal in Proposal.objects.filter(state__in=Proposal.OPEN).defer("content", "review"):
        urgency, sentence = _about(proposal, desk)
        yield Attention(urgency, sentence, reverse("admin:policies_proposal_change", args=[proposal.pk]))


def _about(proposal: Proposal, desk: Desk) -> tuple[Urgency, str]:
    state, publishes = proposal.state, desk.may(PUBLISH)
    words = {"number": proposal.pk, "who": proposal.submitted_by, "moment": _moment(proposal.effective_at)}
    if reason := standing(proposal, desk.draft):
        return Urgency.WARNING, _("Proposal %(number)s is void. %(reason)s") % {**words, "reason": reason}
    if state == Proposal.State.SCHEDULED and proposal.effective_at:
        if proposal.effective_at < desk.now - SCHEDULER_IS_LATE:
            return Urgency.ERROR, _(
                "Proposal %(number)s was to be in force from %(moment)s and is not published. "
                "Ask the administrator whether the scheduler runs."
            ) % words
        return Urgency.NOTE, _("Proposal %(number)s will be in force from %(moment)s.") % words
    if state == Proposal.State.APPROVED or not settings.FOUR_EYES:
        urgency = Urgency.WARNING if publishes else Urgency.NOTE
        return urgency, _("Proposal %(number)s of %(who)s waits to be published.") % words
    if publishes and proposal.submitted_by != desk.user.get_username():
        return Urgency.WARNING, _("Proposal %(number)s of %(who)s waits for your approval.") % words
    return Urgency.NOTE, _("Proposal %(number)s of %(who)s waits for the approval of somebody else.") % words


# -- What runs by itself -------------------------------------------------------------------------


@look
def failed_runs(desk: Desk) -> Iterator[Attention]:
    """Of each rule and target the newest run, if it failed or was refused. A dry run is nobody's promise."""
    if not desk.may(RUNS):
        return
    real = RetentionRun.objects.order_by().filter(is_dry=False)
    newest = real.values("rule", "target").annotate(newest=Max("pk")).values("newest")
    for run in RetentionRun.objects.filter(pk__in=newest).exclude(error="").order_by("rule", "target"):
        is_refused = run.result == Result.REFUSED
        sentence = (
            _("Erasing by the rule “%(rule)s” was refused on %(moment)s: %(target)s.")
            if is_refused
            else _("Erasing by the rule “%(rule)s” stopped on %(moment)s: %(target)s.")
        )
        yield Attention(
            Urgency.WARNING if is_refused else Urgency.ERROR,
            sentence % {"rule": run.rule, "target": run.target, "moment": _moment(run.started_at)},
            reverse("admin:retention_retentionrun_change", args=[run.pk]),
        )


@look
def stuck_runs(desk: Desk) -> Iterator[Attention]:
    if not desk.may(STUCK_RUNS):
        return
    for run in RunUnderWay.objects.filter(changed_at__lt=desk.now - RUN_IS_STUCK).order_by("target"):
        yield Attention(
            Urgency.ERROR,
            _(
                "Erasing by the rule “%(rule)s” has stood still since %(moment)s: %(target)s. "
                "Ask the administrator whether the scheduler runs."
            )
            % {"rule": run.rule, "target": run.target, "moment": _moment(run.changed_at)},
            reverse("admin:retention_rununderway_change", args=[run.pk]),
        )


@look
def jumps(desk: Desk) -> Iterator[Attention]:
    if not desk.may(STATISTICS):
        return
    found = statistics.jumped(timezone.localdate(desk.now))
    websites, categories = (website_names(), category_names()) if found else ({}, {})
    for jump in found:
        words = {
            "website": websites[jump.website],
            "category": categories[jump.category],
            "before": percent(jump.before),
            "now": percent(jump.now),
        }
        yield Attention(
            Urgency.WARNING,
            _(
                "%(website)s: in the last seven days %(now)s consented to “%(category)s”, "
                "in the four weeks before %(before)s."
            )
            % words,
            reverse(
                "admin:consent_statistics",
                query={"days": 90, "website": jump.website, "category": jump.category},
            ),
        )


@look
def late_count(desk: Desk) -> Iterator[Attention]:
    if not desk.may(STATISTICS):
        return
    counted = CountedUpTo.objects.first()
    if counted is None:
        since = StatementVersion.objects.aggregate(first=Min("published_at"))["first"]
        sentence = _("Answers of visitors have never been counted. Ask the administrator whether the scheduler runs.")
    else:
        since = counted.moment
        sentence = _(
            "Answers of visitors are counted up to %(moment)s only. Ask the administrator whether the scheduler runs."
        ) % {"moment": _moment(since)}
    if since and since < desk.now - COUNT_IS_LATE:
        yield Attention(Urgency.ERROR, sentence, reverse("admin:consent_statistics"))


@look
def unsealed(desk: Desk) -> Iterator[Attention]:
    if not desk.may(SEALS):
        return
    # The first day with a record, where none is sealed yet.
    sealed = SealedDay.objects.aggregate(newest=Max("day"))["newest"]
    first = sealed + timedelta(days=1) if sealed else DailyCount.objects.aggregate(first=Min("day"))["first"]
    last = timezone.localdate(desk.now - SEAL_IS_LATE) - timedelta(days=1)
    if first and (number := (last - first).days + 1) > 0:
        yield Attention(
            Urgency.ERROR,
            ngettext(
                "The records of %(number)s past day are not sealed. Ask the administrator whether the scheduler runs.",
                "The records of %(number)s past days are not sealed. Ask the administrator whether the scheduler runs.",
                number,
            )
            % {"number": number},
            reverse("admin:consent_sealedday_changelist"),
        )


@look
def without_month(desk: Desk) -> Iterator[Attention]:
    if desk.may(SEALS) and (sentence := partitions.attention()):
        yield Attention(Urgency.WARNING, sentence, reverse("admin:consent_consentrecord_changelist"))


# -- In words --------------------------------------------------------------------------------------


def _review(**chosen: str) -> str:
    return reverse("admin:policies_statementversion_review", query=chosen or None)


def _moment(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT") if moment else ""
