"""From a draft to a version: handed in, approved by somebody else, published now or at a moment.

Every step compares digests, so that what is approved is what was handed in, and what is
published is what was approved. An edit in between voids a proposal; one whose moment of
publication has been set no longer follows the draft.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from . import rendering
from .asking import Categories
from .models import Proposal, StatementVersion, Waiver
from .publishing import Draft, NotPublishable, freeze, look_at_draft, problems_with
from .review import Finding
from .snapshot import canonical

logger = logging.getLogger(__name__)

# A version that is published later than it was to be in force does not claim to have been in force before.
PUNCTUAL = timedelta(minutes=1)

State = Proposal.State


def submit(
    *,
    by: str,
    change_summary: dict[str, str],
    ask_also: Categories | None = None,
    expected_digest: str | None = None,
    now: datetime | None = None,
) -> Proposal:
    """Hand in the draft as it is. It takes the place of a proposal that waits; raises NotPublishable.

    The other arguments are those of ``publishing.publish_statement``.
    """
    now = now or timezone.now()
    draft, also = look_at_draft(), ask_also or {}
    problems = problems_with(draft, change_summary, also, expected_digest)
    with transaction.atomic():
        waiting = _locked().filter(state__in=Proposal.OPEN, previous=draft.previous).first()
        if waiting is not None and waiting.state == State.SCHEDULED:
            problems.insert(0, _("A version is scheduled already. Cancel that first, or wait until it is in force."))
        if problems:
            raise NotPublishable(problems)
        if waiting is not None:
            _close(waiting, State.WITHDRAWN, by, now, _("A newer proposal took its place."))
        proposal = Proposal(
            digest=draft.digest,
            previous=draft.previous,
            content=canonical(draft.content),
            review=draft.review,
            change_summary_en=change_summary["en"].strip(),
            change_summary_nl=change_summary["nl"].strip(),
            ask_also=also,
            submitted_by=by,
            submitter=_account(by),
            submitted_at=now,
        )
        try:
            with transaction.atomic():
                proposal.save()
        except IntegrityError as error:
            raise NotPublishable([_("Somebody submitted at the same moment. Look at what was submitted.")]) from error
    logger.info("Proposal %s was submitted (%s)", proposal.pk, proposal.digest[:12])
    return proposal


def standing(proposal: Proposal, draft: Draft) -> str:
    """Why ``proposal`` is void beside ``draft``: a sentence, or nothing where it still stands."""
    if not proposal.is_open:
        return ""
    if proposal.previous != draft.previous:
        return _("%(version)s was published after this was submitted. Compare with it, and submit anew.") % {
            "version": draft.latest
        }
    if proposal.state != State.SCHEDULED and proposal.digest != draft.digest:
        return _("The draft or a waiver was changed after this was submitted. Submit it anew.")
    # Some rules look at what only the office keeps, and at the calendar: neither is in the digest.
    if proposal.state != State.SCHEDULED and draft.blocking:
        return _("The review finds an error that was not there when this was submitted. Repair or waive it.")
    return ""


def approve(proposal: Proposal, *, by: str, now: datetime | None = None) -> None:
    """``by`` agrees that exactly this is published. Raises NotPublishable."""
    with transaction.atomic():
        proposal = _in_state(proposal, State.SUBMITTED)
        account = _account(by)
        if by == proposal.submitted_by or (account is not None and account == proposal.submitter):
            raise NotPublishable([_("Who submits cannot approve. Ask somebody else.")])
        _demand_standing(proposal)
        proposal.state, proposal.approved_by, proposal.approved_at = State.APPROVED, by, now or timezone.now()
        proposal.approver = account
        proposal.save()
    logger.info("Proposal %s was approved (%s)", proposal.pk, proposal.digest[:12])


def send_back(proposal: Proposal, *, by: str, comment: str, now: datetime | None = None) -> None:
    """Return the proposal to who submitted it, saying what has to be done. Raises NotPublishable."""
    if not comment.strip():
        raise NotPublishable([_("Say what has to be changed.")])
    with transaction.atomic():
        proposal = _in_state(proposal, State.SUBMITTED, State.APPROVED)
        _close(proposal, State.RETURNED, by, now or timezone.now(), comment.strip())


def withdraw(proposal: Proposal, *, by: str, now: datetime | None = None) -> None:
    """Take the proposal back. Raises NotPublishable."""
    with transaction.atomic():
        proposal = _in_state(proposal, State.SUBMITTED, State.APPROVED)
        _close(proposal, State.WITHDRAWN, by, now or timezone.now(), "")


def publish_proposal(
    proposal: Proposal, *, by: str, effective_at: datetime | None = None, now: datetime | None = None
) -> StatementVersion | None:
    """Publish now, or set the moment ``effective_at`` (aware): then None. Raises NotPublishable.

    With FOUR_EYES only what somebody else has approved.
    """
    now = now or timezone.now()
    with transaction.atomic():
        ready = [State.APPROVED] if settings.FOUR_EYES else [State.SUBMITTED, State.APPROVED]
        proposal = _in_state(proposal, *ready)
        _demand_standing(proposal)
        proposal.published_by = by
        if effective_at is None or effective_at <= now:
            return _publish(proposal, now, now)
        proposal.state, proposal.effective_at = State.SCHEDULED, effective_at.replace(microsecond=0)
        proposal.save()
    logger.info("Proposal %s is to be in force from %s", proposal.pk, proposal.effective_at)
    return None


def cancel_schedule(proposal: Proposal, *, by: str, now: datetime | None = None) -> None:
    """Let the moment pass; the proposal is again what it was before. Raises NotPublishable."""
    with transaction.atomic():
        proposal = _in_state(proposal, State.SCHEDULED)
        proposal.state = State.APPROVED if proposal.approved_by else State.SUBMITTED
        proposal.effective_at, proposal.published_by = None, ""
        proposal.save()
    logger.info("The publication of proposal %s was called off", proposal.pk)


def publish_due(now: datetime) -> str:
    """Publish what was scheduled and whose moment has come; what was done, for the log.

    Run by a scheduler. Of several at once one publishes, the others find nothing left to do.
    """
    published = []
    for key in Proposal.objects.filter(state=State.SCHEDULED, effective_at__lte=now).values_list("pk", flat=True):
        try:
            with transaction.atomic():
                proposal = _locked(waits=False).filter(pk=key, state=State.SCHEDULED).first()
                if proposal is None or proposal.effective_at is None:
                    continue
                is_late = now - proposal.effective_at > PUNCTUAL
                version = _publish(proposal, now if is_late else proposal.effective_at, now)
        except NotPublishable as error:
            # Staff see on the desk that its moment has passed.
            logger.warning("Proposal %s could not be published: %s", key, error)
        else:
            published.append(str(version.number))
    return f"published version {', '.join(published)}" if published else ""


def waive(finding: Finding, *, by: str, reason: dict[str, str], now: datetime | None = None) -> Waiver:
    """``by`` answers for ``finding``, with a written reason in one language at least. Raises NotPublishable."""
    if not finding.is_waivable:
        raise NotPublishable([_("This finding cannot be waived; it has to be repaired.")])
    if not any(text.strip() for text in reason.values()):
        raise NotPublishable([_("Give the reason, in English or in Dutch.")])
    waiver, _is_new = Waiver.objects.update_or_create(
        code=finding.code,
        place=finding.path,
        defaults={
            "about": finding.about,
            "reason_en": reason.get("en", "").strip(),
            "reason_nl": reason.get("nl", "").strip(),
            "waived_by": by,
            "waived_at": now or timezone.now(),
        },
    )
    return waiver


def withdraw_waiver(waiver: Waiver) -> None:
    """The finding counts again."""
    waiver.delete()


# -- Steps ---------------------------------------------------------------------------------------


def _account(name: str) -> int | None:
    """The key of the account that is called ``name`` now; a command may run without one."""
    users = get_user_model().objects
    return users.filter(**{users.model.USERNAME_FIELD: name}).values_list("pk", flat=True).first()


def _locked(*, waits: bool = True):
    """Proposals that nobody else changes until the end of the transaction. On SQLite a transaction does so."""
    rows = Proposal.objects.all()
    if connection.vendor != "postgresql":
        return rows
    return rows.select_for_update(of=("self",), skip_locked=not waits)


def _in_state(proposal: Proposal, *states: Proposal.State) -> Proposal:
    """``proposal`` as it is now, locked. Raises NotPublishable where it is in no such state any more."""
    found = _locked().get(pk=proposal.pk)
    if found.state not in states:
        raise NotPublishable(
            [_("This proposal is %(state)s; that can no longer be done.") % {"state": found.get_state_display()}]
        )
    return found


def _demand_standing(proposal: Proposal) -> None:
    if reason := standing(proposal, look_at_draft()):
        raise NotPublishable([reason])


def _close(proposal: Proposal, state: Proposal.State, by: str, now: datetime, comment: str) -> None:
    proposal.state, proposal.closed_by, proposal.closed_at, proposal.comment = state, by, now, comment
    proposal.save()
    logger.info("Proposal %s: %s", proposal.pk, state.value)


def _publish(proposal: Proposal, effective_at: datetime, now: datetime) -> StatementVersion:
    version = freeze(
        content=rendering.parse(proposal.content),
        review_text=proposal.review,
        change_summary={"en": proposal.change_summary_en, "nl": proposal.change_summary_nl},
        ask_also=proposal.ask_also,
        effective_at=effective_at,
        by=proposal.published_by,
        now=now,
        proposal=proposal,
    )
    proposal.state, proposal.version, proposal.effective_at = State.PUBLISHED, version, version.effective_at
    proposal.closed_at = now
    proposal.save()
    return version
