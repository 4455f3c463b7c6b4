"""Verifying the evidence of some weeks at the desk; of more, the operator's command does it."""

from datetime import timedelta

from django import forms
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from . import verdict
from .models import SealedDay
from .verifying import verify

DAYS_AT_MOST = 31
# Some ten seconds: longer than that nobody waits for a page, and a proxy may not.
RECORDS_AT_MOST = 300_000


class PeriodForm(forms.Form):
    """Which sealed days, and a digest that somebody has kept."""

    since = forms.DateField(label=gettext_lazy("First day"))
    until = forms.DateField(label=gettext_lazy("Last day"))
    expect = forms.RegexField(
        "^[0-9a-f]{64}$",
        label=gettext_lazy("Digest that was kept"),
        help_text=gettext_lazy("Of a seal or a version, kept elsewhere: the evidence must contain it. May be empty."),
        error_messages={"invalid": gettext_lazy("A digest has 64 characters, 0–9 and a–f.")},
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        for name in ("since", "until"):
            # The value of such a control is in ISO 8601 whatever the language.
            self.fields[name].widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
            self.fields[name].input_formats = ["%Y-%m-%d"]

    def clean(self):
        cleaned = super().clean()
        since, until = cleaned.get("since"), cleaned.get("until")
        if not since or not until:
            return cleaned
        if until < since:
            raise forms.ValidationError(_("The first day lies after the last."))
        if (until - since).days >= DAYS_AT_MOST:
            raise forms.ValidationError(
                _("Choose %(days)s days at most. The operator can verify all: manage.py verify_evidence.")
                % {"days": DAYS_AT_MOST}
            )
        records = SealedDay.objects.filter(day__range=(since, until)).aggregate(sum=Sum("count"))["sum"] or 0
        if records > RECORDS_AT_MOST:
            raise forms.ValidationError(
                _(
                    "These days have %(records)s records, and here %(most)s can be verified at a time. Choose fewer "
                    "days, or ask the operator for manage.py verify_evidence."
                )
                % {"records": _grouped(records), "most": _grouped(RECORDS_AT_MOST)}
            )
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
def verify_period(request, *, model_admin):
    """The form; and below it, once it was sent, what was found."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    form = PeriodForm(request.POST or None, initial=_last_month())
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Verify the evidence"),
        "opts": SealedDay._meta,
        "media": model_admin.media + form.media,
    }
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        report = verify(chosen["since"], chosen["until"], expect=[chosen["expect"]] if chosen["expect"] else [])
        context |= {
            "report": report,
            "outcome": verdict.outcome(report),
            "faults": [verdict.in_words(fault) for fault in report.faults],
            "checked": verdict.checked(report),
            "proves": verdict.proves(report) if report.is_intact else [],
            "does_not_prove": verdict.does_not_prove(report),
        }
    fieldsets = [(None, {"fields": ["since", "until", "expect"]})]
    context |= {"form": form, "adminform": helpers.AdminForm(form, fieldsets, {}, model_admin=model_admin)}
    return TemplateResponse(request, "admin/consent/sealedday/verify.html", context)


def _last_month():
    """The last days that are sealed, as many as can be verified here."""
    newest = SealedDay.objects.first()
    if newest is None:
        return {}
    return {"since": newest.day - timedelta(days=DAYS_AT_MOST - 1), "until": newest.day}


def _grouped(number):
    return number_format(number, force_grouping=True)
