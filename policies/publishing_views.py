"""The page of the draft: what stands in its way, what it changes, and the next step."""

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from . import preview_views, previewing, workflow
from .asking import rewordings
from .comparing import compare
from .forms import LinkForm, PublishForm, SubmitForm
from .groups import PUBLISH, SUBMIT
from .models import Proposal, StatementVersion
from .publishing import NotPublishable, look_at_draft
from .review.listing import known_to, rows_of


@permission_required(SUBMIT, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request, *, model_admin):
    """Hand in the draft, or publish it at once where nobody has to approve it."""
    at_once = not settings.FOUR_EYES and request.user.has_perm(PUBLISH)
    form_class, act = (PublishForm, _publish) if at_once else (SubmitForm, _submit)
    draft = look_at_draft()
    form = form_class(request.POST or None, initial={"expected_digest": draft.digest})
    form.offer(_asked_about(draft))
    if request.method == "POST" and form.is_valid():
        try:
            return HttpResponseRedirect(act(request, form, model_admin))
        except NotPublishable as error:
            for problem in error.problems:
                messages.error(request, problem)
            draft = look_at_draft()
            form.offer(_asked_about(draft))
    if form.is_bound:
        # What was typed stays; what the next attempt agrees to is the draft on this page.
        form.data = form.data.copy()
        form.data["expected_digest"] = draft.digest

    proposal = _open_proposal(draft)
    rows = rows_of(draft.findings, draft.content, known_to(draft.latest))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("The draft"),
        "opts": StatementVersion._meta,
        "draft": draft,
        "proposal": proposal,
        "void": proposal and workflow.standing(proposal, draft),
        "next_number": draft.latest.number + 1 if draft.latest else 1,
        "blocking": [row for row in rows if row.severity == "error" and not row.waiver],
        "new": [row for row in rows if row.is_new],
        "changes": compare(draft.before, draft.content),
        "asking": _asking(draft, form),
        "changed": _changed(request, model_admin.admin_site),
        "previews": preview_views.frames("admin:policies_statementversion_preview"),
        "link_form": LinkForm(),
        "form": form,
        "at_once": at_once,
        "adminform": helpers.AdminForm(form, form.FIELDSETS, {}, model_admin=model_admin),
        "media": model_admin.media + form.media,
        # On a draft that cannot be published there is nothing to sign; but what was typed is kept.
        "has_form": form.is_bound or (not draft.blocking and (draft.is_changed or draft.could_also_ask)),
    }
    return TemplateResponse(request, "admin/policies/statementversion/publish.html", context)


@permission_required(SUBMIT, raise_exception=True)
def preview(request, language, page):
    """A page of the draft as visitors would see it, without the banner, marked as a draft."""

    def address(code, name):
        return reverse("admin:policies_statementversion_preview", args=[code, name])

    return preview_views.at_the_desk(request, previewing.content_of_draft(), language, page, address)


@permission_required(SUBMIT, raise_exception=True)
@require_POST
def link(request, *, model_admin):
    """A link with which a colleague without an account sees the draft, as it is whenever they look."""
    form = LinkForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("No link was made: that number of days is not offered."))
        return HttpResponseRedirect(reverse("admin:policies_statementversion_publish"))
    return preview_views.offer_link(request, form.cleaned_data["days"], model_admin=model_admin)


def _open_proposal(draft):
    """The proposal that waits for somebody or for its moment, if there is one."""
    return Proposal.objects.filter(state__in=Proposal.OPEN, previous=draft.previous).defer("content", "review").first()


def _submit(request, form, model_admin):
    """The address to go on to, with a message on what was done. Raises NotPublishable."""
    proposal = _handed_in(request, form)
    model_admin.log_addition(request, proposal, _("Submitted."))
    messages.success(request, _("Submitted: %(proposal)s. It waits for a publisher.") % {"proposal": proposal})
    return reverse("admin:policies_proposal_change", args=[proposal.pk])


def _publish(request, form, model_admin):
    """The same in one step, for who needs nobody's approval."""
    with transaction.atomic():
        proposal = _handed_in(request, form)
        version = workflow.publish_proposal(
            proposal, by=request.user.get_username(), effective_at=form.cleaned_data["effective_at"]
        )
    if version is None:
        model_admin.log_addition(request, proposal, _("Scheduled."))
        messages.success(request, _("Scheduled. Visitors read it from the moment that you chose."))
        return reverse("admin:policies_proposal_change", args=[proposal.pk])
    model_admin.log_addition(request, version, _("Published."))
    messages.success(request, told(version))
    return reverse("admin:policies_statementversion_change", args=[version.pk])


def _handed_in(request, form):
    return workflow.submit(
        by=request.user.get_username(),
        change_summary=form.change_summary,
        ask_also=form.cleaned_data["ask_also"],
        expected_digest=form.cleaned_data["expected_digest"],
    )


def told(version):
    """The message after publishing, with the way to where visitors read it."""
    with override(language := get_language()):
        url = reverse("statement")
    return format_html(
        '{} <a href="{}" hreflang="{}">{}</a>',
        _("Published: %(version)s.") % {"version": version},
        url,
        language,
        _("Read it as visitors do"),
    )


def _asked_about(draft):
    """All that visitors can be asked again, be it by choice: pairs of a web site and a category."""
    for asked in (draft.asks_again, draft.could_also_ask):
        for website, categories in asked.items():
            yield from ((website, category) for category in categories)


def _asking(draft, form):
    """Per web site: what is asked again and why, and boxes for the rest with what there is to weigh.

    Where a choice holds less long, there are boxes or reasons too.
    """
    language = get_language()
    websites, categories = (
        {entry["slug"]: entry["name"][language] or entry["slug"] for entry in draft.content[key]}
        for key in ("websites", "cookie_categories")
    )
    found, others, shorter = draft.asks_again, draft.could_also_ask, draft.shorter_choices
    texts = rewordings(draft.content, draft.before)
    boxes = {box.data["value"]: box for box in form["ask_also"]}
    return [
        {
            "name": name,
            "shorter": shorter.get(website, ""),
            "found": [
                {"name": categories[slug], "reasons": reasons} for slug, reasons in found.get(website, {}).items()
            ],
            "others": [
                {"name": categories[slug], "box": boxes[f"{website}/{slug}"], "texts": texts[website, slug]}
                for slug in others.get(website, [])
            ],
        }
        for website, name in websites.items()
        if website in found or website in others
    ]


def _changed(request, admin_site):
    """The lists with rows that changed since the latest publication, and how many."""
    lists = []
    for model, model_admin in admin_site._registry.items():
        if not hasattr(model._meta, "simple_history_manager_attribute"):
            continue
        count = model_admin.get_queryset(request).filter(is_changed=True).count()
        if count:
            meta = model._meta
            url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist", query={"changed": "yes"})
            lists.append({"name": meta.verbose_name_plural, "count": count, "url": url})
    return lists
