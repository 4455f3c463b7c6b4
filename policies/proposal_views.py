"""The page of a proposal, and what may be done with it: one view for each act of ``workflow``."""

from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from . import preview_views, previewing, workflow
from .asking import add_to_asked, settle_fingerprints
from .comparing import asked_again, compare
from .edits import edits_since
from .forms import LinkForm, ScheduleForm, SendBackForm
from .groups import PUBLISH, SUBMIT
from .models import Proposal, StatementVersion
from .publishing import NotPublishable, look_at_draft
from .reading import in_language
from .rendering import parse
from .review.listing import known_to, rows_kept

VIEW = "policies.view_proposal"
State = Proposal.State


def page_of(proposal):
    return reverse("admin:policies_proposal_change", args=[proposal.pk])


def show(request, proposal, *, model_admin, schedule_form=None):
    """Exactly what was handed in, whether it still stands, and the buttons that this user may press now."""
    draft = look_at_draft()
    void = workflow.standing(proposal, draft)
    base = StatementVersion.objects.filter(digest=proposal.previous).first()
    before = parse(base.document)["content"] if base else None
    content = previewing.content_of_proposal(proposal)
    rows = rows_kept(proposal.review, content, known_to(base))
    schedule_form = schedule_form or ScheduleForm()
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Proposal %(number)s") % {"number": proposal.pk},
        "opts": Proposal._meta,
        "original": proposal,
        "proposal": proposal,
        "state": proposal.get_state_display(),
        "void": void,
        "edits": edits_since(proposal.submitted_at) if void else [],
        "base": base,
        "changes": compare(before, content),
        "asking": _asking(proposal, content, before),
        "rows": [row for row in rows if not row.waiver],
        "waived": [{"row": row} for row in rows if row.waiver],
        "new": [row for row in rows if row.is_new],
        "previews": preview_views.frames("admin:policies_proposal_preview", proposal.pk),
        "acts": _possible(request.user, proposal, void),
        "waits_for": _waits_for(request.user, proposal, void),
        "link_form": LinkForm() if proposal.is_open and request.user.has_perm(SUBMIT) else None,
        "schedule_form": schedule_form,
        "schedule_fields": helpers.AdminForm(schedule_form, ScheduleForm.FIELDSETS, {}, model_admin=model_admin),
        "media": model_admin.media + schedule_form.media,
    }
    return TemplateResponse(request, "admin/policies/proposal/change_form.html", context)


def _asking(proposal, content, before):
    """Per web site, about which categories its publication asks again: by itself, and by choice."""
    again = settle_fingerprints(content, before, proposal.previous)
    asked = add_to_asked(proposal.ask_also, content, again, proposal.previous)
    language = get_language()
    return [
        {
            "website": in_language(site.website, language),
            "categories": in_language(site.categories, language),
            "shorter": site.shorter,
        }
        for site in asked_again(asked, content, before)
    ]


@permission_required(VIEW, raise_exception=True)
def preview(request, pk, language, page):
    """A page of exactly what was handed in."""
    proposal = get_object_or_404(Proposal, pk=pk)

    def address(code, name):
        return reverse("admin:policies_proposal_preview", args=[pk, code, name])

    return preview_views.at_the_desk(request, previewing.content_of_proposal(proposal), language, page, address)


# -- What may be done now ------------------------------------------------------------------------


def _possible(user, proposal, void):
    """The acts that ``user`` has a button for; each act refuses by itself what is not possible."""
    waits = proposal.state in {State.SUBMITTED, State.APPROVED}
    is_ready = proposal.state == State.APPROVED or (proposal.state == State.SUBMITTED and not settings.FOUR_EYES)
    is_submitter = _has_submitted(user, proposal)
    is_fresh = proposal.state == State.SUBMITTED and not void
    publishes = user.has_perm(PUBLISH)
    return {
        "approve": publishes and settings.FOUR_EYES and is_fresh and not is_submitter,
        "publish": publishes and is_ready and not void,
        "cancel": publishes and proposal.state == State.SCHEDULED,
        "send_back": publishes and waits and not is_submitter,
        "withdraw": waits and is_submitter and user.has_perm(SUBMIT),
    }


def _has_submitted(user, proposal):
    # An account may be renamed, and a name may pass to another.
    return user.pk == proposal.submitter or user.get_username() == proposal.submitted_by


def _waits_for(user, proposal, void):
    """Why there is no button to go on with, where somebody could expect one."""
    if void or not proposal.is_open:
        return ""
    if proposal.state == State.SCHEDULED:
        return _("It comes into force by itself. Nothing has to be done.")
    if proposal.state == State.SUBMITTED and settings.FOUR_EYES:
        if not user.has_perm(PUBLISH):
            return _("A publisher has to approve this.")
        if _has_submitted(user, proposal):
            return _("You submitted this yourself, so somebody else has to approve it.")
    elif not user.has_perm(PUBLISH):
        return _("A publisher has to publish this.")
    return ""


# -- Acts ----------------------------------------------------------------------------------------


def act(permission):
    """A view for a button. The decorated function is given the request and the proposal, and
    returns what it did: a sentence for the message and for the log."""

    def decorate(do):
        @permission_required(permission, raise_exception=True)
        @require_POST
        @wraps(do)
        def view(request, pk, *, model_admin):
            proposal = get_object_or_404(Proposal, pk=pk)
            return _carry_out(request, proposal, model_admin, lambda: do(request, proposal))

        return view

    return decorate


def _carry_out(request, proposal, model_admin, do):
    try:
        done = do()
    except NotPublishable as error:
        for problem in error.problems:
            messages.error(request, problem)
    else:
        model_admin.log_change(request, proposal, done)
        messages.success(request, done)
    return HttpResponseRedirect(page_of(proposal))


@act(PUBLISH)
def approve(request, proposal):
    workflow.approve(proposal, by=request.user.get_username())
    return _("Approved. It can be published now, or at a moment that you set.")


@act(PUBLISH)
def send_back(request, proposal):
    form = SendBackForm(request.POST)
    if not form.is_valid():
        raise NotPublishable(form.errors["comment"])
    workflow.send_back(proposal, by=request.user.get_username(), comment=form.cleaned_data["comment"])
    return _("Sent back.")


@act(SUBMIT)
def withdraw(request, proposal):
    if not _has_submitted(request.user, proposal):
        raise PermissionDenied
    workflow.withdraw(proposal, by=request.user.get_username())
    return _("Withdrawn.")


@act(PUBLISH)
def publish(request, proposal):
    version = workflow.publish_proposal(proposal, by=request.user.get_username())
    return _("Published: %(version)s.") % {"version": version}


@permission_required(PUBLISH, raise_exception=True)
@require_POST
def schedule(request, pk, *, model_admin):
    """Unlike the other acts it has a form that can be filled in wrongly: then what was typed stays."""
    proposal = get_object_or_404(Proposal, pk=pk)
    form = ScheduleForm(request.POST)
    if not form.is_valid():
        return show(request, proposal, model_admin=model_admin, schedule_form=form)

    def do():
        moment = form.cleaned_data["effective_at"]
        workflow.publish_proposal(proposal, by=request.user.get_username(), effective_at=moment)
        return _("Scheduled: in force from %(moment)s.") % {"moment": in_words(moment)}

    return _carry_out(request, proposal, model_admin, do)


@act(PUBLISH)
def cancel_schedule(request, proposal):
    workflow.cancel_schedule(proposal, by=request.user.get_username())
    return _("The publication was called off. The proposal can be published now, or at another moment.")


def in_words(moment):
    """A moment in Amsterdam, with the month by its name."""
    return date_format(localtime(moment), "DATETIME_FORMAT")


# -- Links -----------------------------------------------------------------------------------------


@permission_required(SUBMIT, raise_exception=True)
@require_POST
def link(request, pk, *, model_admin):
    """A link with which a colleague without an account sees this proposal."""
    proposal = get_object_or_404(Proposal, pk=pk)
    form = LinkForm(request.POST)
    if not proposal.is_open or not form.is_valid():
        messages.error(request, _("No link was made: the proposal is closed, or the number of days is not offered."))
        return HttpResponseRedirect(page_of(proposal))
    model_admin.log_change(request, proposal, _("Made a link to the preview."))
    return preview_views.offer_link(request, form.cleaned_data["days"], model_admin=model_admin, proposal=proposal)
