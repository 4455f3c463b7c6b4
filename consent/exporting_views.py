"""Handing over what the list of records shows: as a table, as lines of JSON, as an evidence bundle."""

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from . import bundling
from .exporting import FORMATS, receipt_in, select
from .models import ConsentRecord

REVIEWS = "policies.publish_statement"

# The parameters of the list, as a bundle calls them.
NAMES = {SEARCH_VAR: "receipt", "action__exact": "action", "gpc__exact": "gpc", "decided": "decided_in_past_days"}


@require_GET
def export(request, form, *, model_admin):
    """All records of the present selection, however many."""
    if form not in FORMATS:
        raise Http404
    records, query = _selected(request, model_admin)
    write, content_type = FORMATS[form]
    _log(request, query, _("Exported as %(form)s.") % {"form": form.upper()})
    name = f"consent-records-{timezone.localtime():%Y-%m-%d-%H%M%S}.{form}"
    return _file(write(select(records)), content_type, name)


@require_GET
def evidence(request, *, model_admin):
    """One bundle of the present selection."""
    records, query = _selected(request, model_admin)
    try:
        response = _bundle(request, records, query)
    except bundling.NotBundled as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:consent_consentrecord_changelist", query=request.GET))
    _log(request, query, _("Made an evidence bundle."))
    return response


@require_GET
def evidence_of_one(request, pk, *, model_admin):
    """The bundle of one record."""
    record = model_admin.get_object(request, str(pk))
    if record is None or not model_admin.has_view_permission(request, record):
        raise Http404
    response = _bundle(request, ConsentRecord.objects.filter(pk=record.pk), {"receipt": str(record.pk)})
    model_admin.log_change(request, record, _("Made an evidence bundle."))
    return response


def _selected(request, model_admin):
    """What the list shows under the same address, and what narrows it down."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    shown = model_admin.get_changelist_instance(request)
    query = {NAMES.get(name, name): value for name, value in shown.params.items() if value}
    if "receipt" in query:
        query["receipt"] = str(receipt_in(query["receipt"]) or query["receipt"])
    return shown.queryset, query


def _bundle(request, records, query):
    now = timezone.now()
    parts = bundling.bundle(
        records,
        query=query,
        now=now,
        with_review=request.user.has_perm(REVIEWS),
        at_most=bundling.MOST_RECORDS,
    )
    return _file(parts, "application/zip", bundling.filename(query, now))


def _file(parts, content_type, name):
    return StreamingHttpResponse(
        parts, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _log(request, query, sentence):
    """Who took which evidence out: about no single record, so it points at none."""
    said = "; ".join(f"{name} = {value}" for name, value in sorted(query.items()))
    LogEntry.objects.create(
        user_id=request.user.pk,
        content_type_id=get_content_type_for_model(ConsentRecord).pk,
        object_repr=(said or str(ConsentRecord._meta.verbose_name_plural))[:200],
        action_flag=CHANGE,
        change_message=sentence,
    )
