"""The desk's page of statistics, and the same figures as a file. No consent record is read for it."""

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBadRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_safe

from policies.models import CookieCategory, Website
from policies.sheets import csv_lines
from retention.routing import Reading

from . import statistics
from .chart import KINDS, draw, when
from .counting import COUNTED
from .models import CountedUpTo, DailyCount
from .statistics import Period

PERMISSION = "consent.view_dailycount"
USUAL_PERIOD = 30
# Longer than anything is kept, and short enough to be drawn.
LONGEST = 40 * 366


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self):
        super().__init__(format="%Y-%m-%d")


class StatisticsForm(forms.Form):
    """Which figures: of which days, web site and language, and what the bars are of.

    A number of ``days`` up to today takes the place of the first and the last day.
    """

    since = forms.DateField(label=gettext_lazy("From"), widget=DayInput)
    until = forms.DateField(label=pgettext_lazy("a day", "Until"), widget=DayInput)
    website = forms.ChoiceField(label=gettext_lazy("Web site"), required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    category = forms.ChoiceField(label=gettext_lazy("Bars of"), required=False)

    def __init__(self, asked, *, websites, categories, today):
        data = asked.dict()
        self.today, self.days = today, _number_of_days(data)
        if self.days:
            period = Period.of_days(self.days, today)
            data |= {"since": period.first.isoformat(), "until": period.last.isoformat()}
        super().__init__(data, auto_id="chosen_%s", label_suffix="")
        self.fields["website"].choices = [("", _("All")), *websites.items()]
        self.fields["language"].choices = [("", _("All")), *settings.LANGUAGES]
        self.fields["category"].choices = [("", _("all choices")), *categories.items()]

    def clean(self):
        cleaned = super().clean()
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            raise ValidationError(_("The last day lies before the first."))
        if since and until and (until - since).days >= LONGEST:
            raise ValidationError(_("That is too long a period."))
        return cleaned

    @property
    def period(self):
        """What was asked for, or what is usual where that makes no sense."""
        if not self.is_valid():
            return Period.of_days(USUAL_PERIOD, self.today)
        return Period(self.cleaned_data["since"], self.cleaned_data["until"])

    @property
    def rows(self):
        period = self.period
        narrowed = {name: self.cleaned_data.get(name) or "" for name in ("website", "language")}
        return statistics.chosen(period, **narrowed)

    @property
    def category_shown(self):
        return self.cleaned_data.get("category") or ""


def _number_of_days(data):
    """One of the usual periods; None where the days themselves were given."""
    if data.get("days") in map(str, statistics.PERIODS):
        return int(data["days"])
    return None if data.get("since") or data.get("until") else USUAL_PERIOD


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def page(request, *, admin_site):
    """How visitors answered: bars over time, and tables of what they have in common."""
    websites, categories = website_names(), category_names()
    form = StatisticsForm(request.GET, websites=websites, categories=categories, today=timezone.localdate())
    period, rows, category = form.period, form.rows, form.category_shown
    steps = statistics.series(rows, period, category=category)
    context = {
        **admin_site.each_context(request),
        "title": _("Statistics of consent"),
        "form": form,
        "period": period,
        "chart": draw(steps, title=_title(categories.get(category, ""), period), height=260),
        "kinds": KINDS,
        "total": statistics.together(steps),
        "steps": [(when(step), step.tally) for step in steps],
        "tables": _tables(rows, websites, categories),
        "counted": CountedUpTo.objects.first(),
        "periods": statistics.PERIODS,
        "query": request.GET.urlencode(),
    }
    return TemplateResponse(request, "admin/consent/statistics/page.html", context)


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def export(request, *, admin_site):
    """The counts behind the page, a line for each that tells them apart."""
    form = StatisticsForm(
        request.GET, websites=website_names(), categories=category_names(), today=timezone.localdate()
    )
    if not form.is_valid():
        return HttpResponseBadRequest(_("These are no days."), content_type="text/plain; charset=utf-8")
    period = form.period
    keys = ("day", "website", "language", "category", "gpc")
    rows = Reading().rows(form.rows.order_by(*keys).values_list(*keys, *COUNTED))
    lines = csv_lines(
        [capfirst(str(DailyCount._meta.get_field(name).verbose_name)) for name in (*keys, *COUNTED)],
        (
            [day, website, language, category, _yes_or_no(gpc), *map(str, counts)]
            for day, website, language, category, gpc, *counts in rows
        ),
    )
    response = HttpResponse("".join(lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="consent-{period.first}-{period.last}.csv"'
    return response


def website_names():
    """``{slug: name}`` of every web site that has answers, also one that is gone."""
    return _named(Website, DailyCount.objects.order_by("website").values_list("website", flat=True).distinct())


def category_names():
    """``{slug: name}`` of every category that was answered, also one that is gone."""
    answered = DailyCount.objects.exclude(category="").order_by("category")
    return _named(CookieCategory, answered.values_list("category", flat=True).distinct())


def _named(model, slugs):
    names = dict(model.objects.values_list("slug", "name"))
    return {slug: names.get(slug) or slug for slug in slugs}


def _title(category, period):
    days = {
        "first": date_format(period.first, "DATE_FORMAT"),
        "last": date_format(period.last, "DATE_FORMAT"),
        "category": category,
    }
    if category:
        return _("Answers about “%(category)s” from %(first)s to %(last)s") % days
    return _("Choices of visitors from %(first)s to %(last)s") % days


def _tables(rows, websites, categories):
    """Captions, what the rows are, and the rows with their names."""
    languages = dict(settings.LANGUAGES)
    signals = {True: _("Global Privacy Control sent"), False: _("No signal")}
    return [
        {
            "caption": caption,
            "head": head,
            "has_once": has_once,
            "rows": [(names.get(key, key), tally) for key, tally in found.items()],
        }
        for caption, head, has_once, names, found in (
            (_("By category"), _("Category"), False, categories, statistics.by_category(rows)),
            (_("By web site"), _("Web site"), True, websites, statistics.by("website", rows)),
            (_("By language"), _("Language"), True, languages, statistics.by("language", rows)),
            (
                _("By signal"),
                pgettext("of a browser", "Signal"),
                True,
                signals,
                statistics.by("gpc", rows),
            ),
        )
    ]


def _yes_or_no(answer):
    return _("Yes") if answer else _("No")
