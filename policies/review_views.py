"""The page of the review: what is wrong with the draft, where, what to do; and who answers for the rest."""

from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import workflow
from .forms import ReviewFilter, WaiveForm
from .groups import PUBLISH
from .models import StatementVersion, Waiver
from .publishing import NotPublishable, look_at_draft
from .review import places, unused
from .review.listing import known_to, rows_of

VIEW = "policies.view_statementversion"


def findings_of(row):
    """What the review says about ``row`` and its parts, for the top of its page at the desk."""
    draft = look_at_draft()
    return rows_of((found for found in draft.findings if places.is_in(found.place, row)), draft.content)


def page():
    return reverse("admin:policies_statementversion_review")


@permission_required(VIEW, raise_exception=True)
@require_safe
def review(request, *, model_admin):
    """All findings of the draft, those of a chosen kind, or those that the version before did not have."""
    draft = look_at_draft()
    known = known_to(draft.latest)
    rows = rows_of(draft.findings, draft.content, known)
    chosen = ReviewFilter(request.GET, rows=rows, can_be_new=known is not None)
    shown = chosen.apply(rows)
    given = {(waiver.code, waiver.place): waiver.pk for waiver in draft.waivers}
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("What the review says"),
        "opts": StatementVersion._meta,
        "draft": draft,
        "filter": chosen,
        "count": _count(rows),
        "rows": [row for row in shown if not row.waiver],
        "waived": [{"row": row, "pk": given[row.code, row.path]} for row in shown if row.waiver],
        "unused": [
            {"waiver": waiver, "where": places.in_words(tuple(waiver.place.split("/")), draft.content)}
            for waiver in unused(draft.waivers, draft.findings)
        ],
        "may_waive": request.user.has_perm(PUBLISH),
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/policies/statementversion/review.html", context)


@permission_required(PUBLISH, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def waive(request, *, model_admin):
    """One finding, and a form for the reason with which it is accepted."""
    draft = look_at_draft()
    asked = request.POST if request.method == "POST" else request.GET
    sought = tuple(asked.get(name, "") for name in ("code", "place", "about"))
    finding = next((found for found in draft.findings if (found.code, found.path, found.about) == sought), None)
    if finding is None:
        messages.warning(request, _("This is no longer found, or not in this text any more. Look at the list again."))
        return HttpResponseRedirect(page())

    form = WaiveForm(request.POST or None, initial=dict(zip(("code", "place", "about"), sought, strict=True)))
    if request.method == "POST" and form.is_valid():
        try:
            waiver = workflow.waive(finding, by=request.user.get_username(), reason=form.reason)
        except NotPublishable as error:
            form.add_error(None, error.problems)
        else:
            model_admin.log_addition(request, waiver, _("Waived."))
            messages.success(request, _("Waived. The reason is kept with the version that is published."))
            return HttpResponseRedirect(page())
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Waive a finding"),
        "opts": StatementVersion._meta,
        "row": rows_of([finding], draft.content)[0],
        "form": form,
        "adminform": helpers.AdminForm(form, WaiveForm.FIELDSETS, {}, model_admin=model_admin),
        "media": model_admin.media + form.media,
    }
    return TemplateResponse(request, "admin/policies/statementversion/waive.html", context)


@permission_required(PUBLISH, raise_exception=True)
@require_POST
def withdraw_waiver(request, pk, *, model_admin):
    """What was waived counts again."""
    waiver = get_object_or_404(Waiver, pk=pk)
    model_admin.log_deletions(request, [waiver])
    workflow.withdraw_waiver(waiver)
    messages.success(request, _("The waiver was withdrawn. What was found counts again."))
    return HttpResponseRedirect(page())


def _count(rows):
    open_rows = [row for row in rows if not row.waiver]
    errors = sum(row.severity == "error" for row in open_rows)
    return {"errors": errors, "warnings": len(open_rows) - errors, "waived": len(rows) - len(open_rows)}
