"""Pages of the desk about the past: what changed, and what the content said at a moment."""

from datetime import datetime, time, timedelta
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_safe

from . import content_file, history, sheets
from .models import StatementVersion

# Who may see what is processed, and why, may see how that came about: editors, publishers, auditors.
PERMISSION = "policies.view_processingpurpose"
PER_PAGE = 100
BY_COMMAND = "command"
# Long before and after any record, and far from the ends of the calendar, beyond which no clock counts.
YEARS = range(2000, 2101)


def near_our_time(moment):
    if moment.year not in YEARS:
        raise ValidationError(
            gettext_lazy("Choose a year from %(first)s to %(last)s."), params={"first": YEARS[0], "last": YEARS[-1]}
        )


class Day(forms.DateInput):
    """Browsers offer a calendar for it, in the language and the order of their user."""

    input_type = "date"

    def __init__(self):
        super().__init__(format="%Y-%m-%d")


class Moment(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self):
        super().__init__(format="%Y-%m-%dT%H:%M")


class SoughtForm(forms.Form):
    """Which changes to show. What cannot be read is told, and asks for nothing."""

    since = forms.DateField(
        label=pgettext_lazy("period", "from"), required=False, widget=Day(), validators=[near_our_time]
    )
    until = forms.DateField(
        label=gettext_lazy("up to and including"), required=False, widget=Day(), validators=[near_our_time]
    )
    person = forms.ChoiceField(label=gettext_lazy("who"), required=False)
    list = forms.ChoiceField(label=gettext_lazy("list"), required=False)
    text = forms.CharField(label=gettext_lazy("text or identifier"), required=False, max_length=200)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        everybody = [("", gettext_lazy("everybody")), (BY_COMMAND, pgettext("who changed a row", "a command"))]
        people = get_user_model().objects.order_by("username").values_list("pk", "username")
        self.fields["person"].choices = everybody + [(str(key), name) for key, name in people]
        every_list = [(key, capfirst(model._meta.verbose_name_plural)) for key, model in history.lists().items()]
        self.fields["list"].choices = [("", gettext_lazy("all lists")), *every_list]

    @property
    def sought(self):
        chosen = {name: value for name, value in getattr(self, "cleaned_data", {}).items() if value}
        person = chosen.get("person", "")
        return history.Sought(
            since=_start_of(chosen["since"]) if "since" in chosen else None,
            before=_start_of(chosen["until"] + timedelta(days=1)) if "until" in chosen else None,
            person=int(person) if person.isdecimal() else None,
            by_command=person == BY_COMMAND,
            list=chosen.get("list", ""),
            text=chosen.get("text", ""),
        )


class MomentForm(forms.Form):
    at = forms.DateTimeField(
        label=gettext_lazy("moment"),
        widget=Moment(),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        validators=[near_our_time],
    )


def _start_of(day):
    return timezone.make_aware(datetime.combine(day, time.min))


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def changes(request):
    """Every change of every field, newest first, in pages."""
    form = SoughtForm(request.GET)
    form.is_valid()
    keys = history.find(form.sought)
    if form.sought.text:
        keys = list(keys)  # a search is dear: once for the number of pages and for this one
    page = Paginator(keys, PER_PAGE).get_page(request.GET.get("p"))
    asked = urlencode({name: value for name, value in request.GET.items() if name != "p" and value})
    context = {
        "title": _("What changed in the content"),
        "form": form,
        "page": page,
        "events": [(event, _address(event)) for event in history.describe(page.object_list)],
        "pages": page.paginator.get_elided_page_range(page.number),
        "asked": asked,
        "is_filtered": bool(asked),
    }
    return _answer(request, "history.html", context)


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def changes_csv(request):
    """The same as a table: one line for each field that changed."""
    form = SoughtForm(request.GET)
    form.is_valid()
    header = [
        _("When"), _("Who"), _("What"), _("List"), _("Identifier"), _("Row"), _("Part"), _("Field"), _("Language"),
        pgettext("history", "From"), pgettext("history", "To"),
    ]  # fmt: skip
    lines = (
        [event.at, event.by, event.what, event.list, event.slug, event.row, event.part,
         change.field, change.language, change.before, change.after]
        for event in history.described(form.sought)
        for change in event.changes
    )  # fmt: skip
    response = StreamingHttpResponse(sheets.csv_lines(header, lines), content_type="text/csv; charset=utf-8")
    return _attached(response, "changes.csv")


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def content(request):
    """The whole content as it was at a moment (``?at=2026-11-22T09:00``, local time)."""
    now = timezone.localtime()
    form = MomentForm(request.GET if "at" in request.GET else {"at": now.strftime("%Y-%m-%dT%H:%M:%S")})
    context = {"title": _("What the content said"), "form": form, "lists": None}
    if form.is_valid():
        at = form.cleaned_data["at"]
        context |= {
            "at": at,
            "lists": list(history.content_then(history.RowsThen(at))),
            "file": reverse("admin:policies_content_then_file", query={"at": _written(at)}),
            "version": StatementVersion.objects.in_force(at),
        }
    return _answer(request, "content_then.html", context)


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def content_yaml(request):
    """That content as a file for ``load_policy``."""
    form = MomentForm(request.GET)
    if not form.is_valid():
        said = [*form.errors["at"], _("Say which moment, such as ?at=2026-11-22T09:00.")]
        return HttpResponse("\n".join(said), status=400, content_type="text/plain; charset=utf-8")
    at = form.cleaned_data["at"]
    text = content_file.dump(history.RowsThen(at))
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    return _attached(response, f"content-{timezone.localtime(at):%Y-%m-%d-%H%M}.yaml")


def urls(wrap):
    """The addresses of these pages; ``wrap`` is the admin's own check of who is there."""
    return [
        path("history/", wrap(changes), name="policies_statementversion_history"),
        path("history/changes.csv", wrap(changes_csv), name="policies_history_csv"),
        path("history/content/", wrap(content), name="policies_content_then"),
        path("history/content.yaml", wrap(content_yaml), name="policies_content_then_file"),
    ]


def _address(event):
    """Where the row is now; nothing for one that was deleted since, or that has no page of its own."""
    if not event.is_there or not admin.site.is_registered(event.model):
        return ""
    meta = event.model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[event.key])


def _written(at):
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M:%S")


def _attached(response, name):
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _answer(request, template, context):
    context = admin.site.each_context(request) | {"opts": StatementVersion._meta} | context
    return TemplateResponse(request, f"admin/policies/statementversion/{template}", context)
