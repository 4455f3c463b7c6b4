"""Handing over what the list of records shows: as a table, as lines of JSON, as an evidence bundle."""

import re

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters, get_content_type_for_model
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from . import bundling
from .exporting import FORMATS, day_in, receipt_in, select
from .models import ConsentRecord

REVIEWS = "policies.publish_statement"

# Parameters of the list that choose no records, and those that choose some also where they are empty.
LOOKS = {ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR}
ALWAYS = {"action__exact", "gpc__exact", "language"}


def _slug(text):
    return text if re.fullmatch(r"[-\w]{1,50}", text, re.ASCII) else None


def _number(text):
    return text if re.fullmatch(r"[1-9][0-9]{0,8}", text) else None


def _boolean(text):
    return {"1": True, "0": False}.get(text)


# The parameters of the list: what a bundle calls each (see exporting.Selection), and what a value of it
# means; None where it means nothing.
MEANINGS = {
    SEARCH_VAR: ("receipt", receipt_in),
    "since": ("since", day_in),
    "until": ("until", day_in),
    "website": ("website", _slug),
    "version": ("version", _number),
    "action__exact": ("action", _slug),
    "gpc__exact": ("gpc", _boolean),
    "language": ("language", _slug),
    "decided": ("decided_in_past_days", _number),
}


class NotSelected(Exception):
    """What the list was asked for cannot be said in words of a bundle."""


@require_GET
def export(request, form, *, model_admin):
    """All records of the present selection, however many."""
    if form not in FORMATS:
        raise Http404
    try:
        records, query = _selected(request, model_admin)
    except NotSelected as refusal:
        return _back_to_the_list(request, refusal)
    write, content_type = FORMATS[form]
    _log(request, query, _("Exported as %(form)s.") % {"form": form.upper()})
    name = f"consent-records-{timezone.localtime():%Y-%m-%d-%H%M%S}.{form}"
    return _file(write(select(records)), content_type, name)


@require_GET
def evidence(request, *, model_admin):
    """One bundle of the present selection."""
    try:
        records, query = _selected(request, model_admin)
        response = _bundle(request, records, query)
    except (NotSelected, bundling.NotBundled) as refusal:
        return _back_to_the_list(request, refusal)
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
    """What the list shows under the same address, and what narrows it down. Raises NotSelected."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    query = _in_words_of_a_bundle(request.GET)
    try:
        return model_admin.get_changelist_instance(request).queryset, query
    except IncorrectLookupParameters as error:
        raise NotSelected(_not_said()) from error


def _in_words_of_a_bundle(given):
    """What the log and the bundle say of the selection: no more, no less and nothing else than what was selected."""
    query = {}
    for name, values in given.lists():
        if name in LOOKS or (values == [""] and name not in ALWAYS):
            continue
        if name not in MEANINGS or len(values) > 1:
            raise NotSelected(_not_said())
        called, meaning_of = MEANINGS[name]
        if (meaning := meaning_of(values[0])) is None:
            raise NotSelected(_not_said())
        query[called] = str(meaning)
    return query


def _not_said():
    return _("Nothing was handed over, because part of this search means nothing. Choose again with the filters.")


def _back_to_the_list(request, refusal):
    messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse("admin:consent_consentrecord_changelist", query=request.GET))


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
