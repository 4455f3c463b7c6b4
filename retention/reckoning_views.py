"""Two pages of the desk: when data has to go by a rule, step by step, and what ends in a month."""

from dataclasses import dataclass
from datetime import date, timedelta

from django import forms
from django.contrib.auth.decorators import permission_required
from django.core.validators import MinValueValidator
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.formats import date_format, number_format
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext_lazy, pgettext, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import promises
from .ending import Ending, what_ends
from .models import Action, DeclaredTarget, RetentionRule, Rounding
from .periods import BeyondCalendar, Period
from .reckoning import FIRST_DAY, asks_consent, early_ends, lengthenings, reckon
from .terms import Event, Terms, terms_of
from .wording import rule_wording

CALCULATOR_PERMISSION = "retention.view_retentionrule"
CALENDAR_PERMISSION = "retention.view_retentionrun"
TARGET_PERMISSION = "retention.view_declaredtarget"
FIRST_YEAR, LAST_YEAR = 2000, 2199


# -- The calculator ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Offered:
    """A rule to reckon with: of a purpose in the statement in force, or of the draft."""

    label: str
    rule: str
    wording: str
    terms: Terms
    version: int | None = None


class RuleForm(forms.Form):
    """Which rule to reckon with, by what ``offered`` has it under."""

    def __init__(self, data, *, offered):
        super().__init__(data, auto_id="chosen_%s", label_suffix="")
        in_force = [(key, found.label) for key, found in offered.items() if found.version is not None]
        draft = [(key, found.label) for key, found in offered.items() if found.version is None]
        self.fields["promise"] = forms.ChoiceField(
            label=_("Rule"),
            choices=[
                ("", _("Choose a rule")),
                (_("Of the statement in force"), in_force),
                (_("Of the draft"), draft),
            ],
        )


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self):
        super().__init__(format="%Y-%m-%d")


class EventsForm(forms.Form):
    """A day for each event that the rule knows, and whether there is consent, where it asks for that."""

    def __init__(self, data, *, terms):
        super().__init__(data, auto_id="chosen_%s", label_suffix="")
        self.events = {f"on-{event.slug}": event for event in _events(terms)}
        for name, event in self.events.items():
            self.fields[name] = forms.DateField(
                validators=[MinValueValidator(FIRST_DAY)],
                label=capfirst(event.name[get_language()]),
                help_text=capfirst(Rounding(event.rounding).label) if event.rounding else "",
                widget=DayInput,
                required=False,
            )
        if asks_consent(terms):
            self.fields["consent"] = forms.ChoiceField(
                label=_("Consent"), choices=[("", _("Given")), ("no", _("Not given"))], required=False
            )
        if laws := lengthenings(terms):
            names = [(law.slug, f"{capfirst(law.name[get_language()])} ({law.law[get_language()]})") for law in laws]
            self.fields["exception"] = forms.ChoiceField(
                label=_("Statutory exception"),
                help_text=_("Only for data that falls under it."),
                choices=[("", pgettext("exception", "None")), *names],
                required=False,
            )

    def reckoning(self, terms):
        """What follows from the days given; None where they make no sense, which the errors say."""
        if not self.is_valid():
            return None
        days = {event.slug: day for name, event in self.events.items() if (day := self.cleaned_data[name])}
        exception = self.cleaned_data.get("exception", "")
        try:
            return reckon(terms, days, exception, consent_given=self.cleaned_data.get("consent") != "no")
        except BeyondCalendar as error:
            self.add_error(None, str(error))
            return None


def _events(terms: Terms) -> list[Event]:
    start = [terms.start] if terms.start else []
    return start + [event for event in early_ends(terms) if event not in start]


@permission_required(CALCULATOR_PERMISSION, raise_exception=True)
@require_safe
def calculator(request, *, admin_site):
    """What a rule says of data whose events took place on these days, and why."""
    offered = _offered()
    chosen = offered.get(request.GET.get("promise", ""))
    events = reckoning = None
    if chosen is not None:
        events = EventsForm(request.GET, terms=chosen.terms)
        reckoning = events.reckoning(chosen.terms)
    context = {
        **admin_site.each_context(request),
        "title": _("When does data have to go?"),
        "rules": RuleForm(request.GET if "promise" in request.GET else None, offered=offered),
        "chosen": chosen,
        "rule_url": _rule_urls().get(chosen.rule, "") if chosen else "",
        "events": events,
        "reckoning": reckoning,
        "today": timezone.localdate(),
        "is_anonymised": chosen is not None and chosen.terms.action == Action.ANONYMISE,
    }
    return TemplateResponse(request, "admin/retention/calculator.html", context)


def _offered() -> dict[str, Offered]:
    """By what stands in the address: ``purpose/rule`` of the statement in force, the rule alone of the draft."""
    language = get_language() or "en"
    found = {
        "/".join(promise.key): Offered(
            label=f"{promise.title[language]}: {promise.wording[language]}",
            rule=promise.terms.slug,
            wording=promise.wording[language],
            terms=promise.terms,
            version=promise.version,
        )
        for promise in promises.in_force()
    }
    rows = RetentionRule.objects.select_related("trigger").prefetch_related("ends_early_on", "exceptions")
    for row in rows:
        wording = rule_wording(row)
        found[row.slug] = Offered(f"{row.slug}: {wording}", row.slug, wording, terms_of(row))
    return found


# -- The calendar ------------------------------------------------------------------------------


class MonthForm(forms.Form):
    month = forms.TypedChoiceField(
        label=pgettext_lazy("of a year", "Month"), coerce=int, choices=lambda: [*MONTHS.items()]
    )
    year = forms.IntegerField(label=gettext_lazy("Year"), min_value=FIRST_YEAR, max_value=LAST_YEAR)

    def __init__(self, asked, *, today):
        usual = {"month": today.month, "year": today.year}
        super().__init__(usual | asked.dict(), auto_id="chosen_%s", label_suffix="")
        self.today = today

    @property
    def first(self) -> date:
        """The first day of the month that was asked for, or of this one where that makes no sense."""
        if not self.is_valid():
            return self.today.replace(day=1)
        return date(self.cleaned_data["year"], self.cleaned_data["month"], 1)


@permission_required(CALENDAR_PERMISSION, raise_exception=True)
@require_safe
def calendar(request, *, admin_site):
    """What ends on each day of a month, and apart from it what should have gone already."""
    now = timezone.now()
    form = MonthForm(request.GET, today=timezone.localdate(now))
    first = form.first
    following = Period(months=1).after(first)
    rule_urls = _rule_urls() if request.user.has_perm(CALCULATOR_PERMISSION) else {}
    target_urls = _target_urls() if request.user.has_perm(TARGET_PERMISSION) else {}
    entries = [
        _Entry(ending, target_urls.get(ending.target.slug, ""), rule_urls.get(ending.target.rule, ""))
        for ending in what_ends(first, following - timedelta(days=1), now=now)
    ]
    days = sorted({day for entry in entries for day in entry.ending.days})
    context = {
        **admin_site.each_context(request),
        "title": _("What ends in %(month)s") % {"month": date_format(first, "F Y")},
        "form": form,
        "days": [(day, [(entry, entry.rows_on(day)) for entry in entries if day in entry.ending.days]) for day in days],
        "total": _grouped(sum(rows for entry in entries for rows in entry.ending.days.values())),
        "overdue": [entry for entry in entries if entry.is_overdue],
        "unreached": [entry for entry in entries if entry.ending.census is None],
        "earlier": _of_month(first - timedelta(days=1)),
        "later": _of_month(following),
    }
    return TemplateResponse(request, "admin/retention/calendar.html", context)


@dataclass(frozen=True)
class _Entry:
    """What ends in a target, with where to look further."""

    ending: Ending
    target_url: str = ""
    rule_url: str = ""

    @property
    def wording(self) -> str:
        promise = self.ending.promise
        return promise.wording[get_language() or "en"] if promise else self.ending.target.rule

    @property
    def action(self) -> str:
        return str(Action(self.ending.promise.terms.action).label) if self.ending.promise else ""

    @property
    def is_overdue(self) -> bool:
        census = self.ending.census
        return census is not None and bool(census.due or census.held)

    @property
    def due(self) -> str:
        return _grouped(self.ending.census.due) if self.ending.census else ""

    @property
    def held(self) -> str:
        return _grouped(self.ending.census.held) if self.ending.census else ""

    def rows_on(self, day: date) -> str:
        return _grouped(self.ending.days[day])


def _grouped(number: int) -> str:
    return number_format(number, force_grouping=True)


def _of_month(day: date) -> dict[str, str] | None:
    """The address and the name of the month of ``day``; None outside the years that can be asked for."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return None
    query = {"year": day.year, "month": day.month}
    return {"url": reverse("admin:retention_calendar", query=query), "name": date_format(day, "F Y")}


def _rule_urls() -> dict[str, str]:
    """Where each rule of the draft is edited, by its identifier; the statement in force may have others."""
    return {
        slug: reverse("admin:retention_retentionrule_change", args=[pk])
        for slug, pk in RetentionRule.objects.values_list("slug", "pk")
    }


def _target_urls() -> dict[str, str]:
    """Where each declared target is edited; those in code have no such page."""
    return {
        slug: reverse("admin:retention_declaredtarget_change", args=[pk])
        for slug, pk in DeclaredTarget.objects.values_list("slug", "pk")
    }
