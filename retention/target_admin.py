"""The desk for tables of other databases: declaring them, checked as they are saved, and trying them."""

from contextlib import suppress

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import Error
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _

from . import checking, promises
from .admin import ContentAdmin, ContentForm, LabelledRows, PlainTabularInline
from .enforcing import abandon
from .holding import holds_on
from .locking import Busy
from .models import ColumnTreatment, DeclaredTarget, EarlyEnd, RetentionRule, StatutoryException, Trigger
from .table_target import TableTarget
from .targeting import target_of
from .targets import NotEnforceable
from .trying import try_out
from .wording import rule_wording

ENFORCE = "retention.enforce_retentionrule"
NONE = [("", "—")]


class Suggestions(forms.TextInput):
    """A box that suggests what may be meant; anything else can be written too."""

    def __init__(self, suggested, attrs=None):
        super().__init__(attrs)
        self.suggested = suggested

    def render(self, name, value, attrs=None, renderer=None):
        listed = f"{(attrs or {}).get('id', name)}_suggested"
        options = format_html_join("", '<option value="{}">{}</option>', self.suggested)
        box = super().render(name, value, (attrs or {}) | {"list": listed}, renderer)
        return format_html('{}<datalist id="{}">{}</datalist>', box, listed, options)


class DeclaredTargetForm(ContentForm):
    """A target is saved when it could be enforced as it stands, or when it is only switched off."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        choose = {
            "purpose": self._suggest_purposes,
            "rule": self._choose_rule,
            "exception": self._choose_exception,
            "connection": self._choose_connection,
        }
        for name in choose.keys() & self.fields.keys():
            choose[name](self.fields[name])
        # Said at the field, before the constraints of the table have their say.
        for name, (least, most) in {"max_share": (1, 100), "batch_size": (1, 20_000)}.items():
            if name in self.fields:
                self.fields[name].validators += [MinValueValidator(least), MaxValueValidator(most)]

    def clean_key_column(self):
        """A hold names a row by its key, and would keep another row or none if that were another column."""
        column, was = self.cleaned_data["key_column"], self.instance.key_column
        if self.instance.pk and column != was and any(holds_on(self.instance.slug)):
            raise ValidationError(
                _("Legal holds name rows by the column %(column)s. Release them first.") % {"column": was}
            )
        return column

    def _suggest_purposes(self, field):
        titles = {promise.purpose: promise.title[get_language()] for promise in promises.in_force()}
        field.widget = Suggestions(list(titles.items()), field.widget.attrs)
        field.help_text = _("The identifier of the purpose. Those of the statement in force are suggested.")

    def _choose_rule(self, field):
        in_force = {promise.terms.slug: promise.wording[get_language()] for promise in promises.in_force()}
        draft = RetentionRule.objects.select_related("trigger", "follows__trigger")
        drafted = {rule.slug: rule_wording(rule) for rule in draft if rule.slug not in in_force}
        self._choose(
            field,
            [
                *NONE,
                (_("In the statement in force"), _named(in_force)),
                (_("Only in the draft: nothing goes yet"), _named(drafted)),
            ],
        )

    def _choose_exception(self, field):
        known = {exception.slug: str(exception) for exception in StatutoryException.objects.all()}
        self._choose(field, NONE + _named(known))

    def _choose_connection(self, field):
        known = {name: checking.address(name) for name in checking.connection_names()}
        self._choose(field, NONE + _named(known))
        field.help_text = _("The databases that DATABASE_URL_… names in the environment.")

    def _choose(self, field, choices):
        """``choices`` for ``field``, and what it says now, for the environment or the draft may have changed."""
        known = {key for choice in choices for key in _keys(choice)}
        if (now := getattr(self.instance, _name_of(self, field), "")) and now not in known:
            choices = [*choices, (now, now)]
        field.widget = forms.Select(attrs=field.widget.attrs, choices=choices)

    def _post_clean(self):
        super()._post_clean()
        # What only somebody who looks may change holds no boxes, and is never saved.
        if self.errors or not self.fields:
            return
        self.instance.is_checked = not self._is_switched_off()
        if self.instance.is_checked:
            for problem in checking.problems_of_declaration(TableTarget(self.instance)):
                self.add_error(problem.field if problem.field in self.fields else None, problem.sentence)
        self.instance.is_checked = self.instance.is_checked and not self.errors

    def _is_switched_off(self):
        return not self.instance.is_active and self.initial.get("is_active", False)


def _named(texts):
    return [(slug, f"{slug}: {text}") for slug, text in texts.items()]


def _keys(choice):
    value, label = choice
    return [key for key, _label in label] if isinstance(label, list) else [value]


def _name_of(form, field):
    return next(name for name, each in form.fields.items() if each is field)


class CheckedRows(LabelledRows):
    """Parts of a target, looked at with the target itself."""

    def clean(self):
        super().clean()
        # Of a target that is wrong itself, its parts cannot be told.
        if not any(self.errors) and getattr(self.instance, "is_checked", False):
            self.check([form for form in self.forms if self._stays(form)])

    def _stays(self, form):
        return (form.has_changed() or form.instance.pk) and not self._should_delete_form(form)


class EarlyEndRows(CheckedRows):
    def check(self, forms_of_rows):
        self.instance.stated_early_ends = [form.instance for form in forms_of_rows]
        target = TableTarget(self.instance, self.instance.stated_early_ends)
        for form in forms_of_rows:
            for problem in checking.problems_of_early_end(target, form.instance):
                form.add_error(problem.field, problem.sentence)
                self.instance.is_checked = False


class TreatmentRows(CheckedRows):
    """The last of the forms, which also sees the whole."""

    def check(self, forms_of_rows):
        treatments = [form.instance for form in forms_of_rows]
        target = TableTarget(self.instance, getattr(self.instance, "stated_early_ends", []), treatments)
        found = False
        for form in forms_of_rows:
            for problem in checking.problems_of_treatment(target, form.instance):
                form.add_error(problem.field, problem.sentence)
                found = True
        if not found and (problems := checking.problems_as_a_whole(target)):
            raise ValidationError([problem.sentence for problem in problems])


class EarlyEndInline(PlainTabularInline):
    model = EarlyEnd
    formset = EarlyEndRows
    fields = ["trigger", "column"]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "trigger" and field is not None:
            known = [(trigger.slug, str(trigger)) for trigger in Trigger.objects.all()]
            field.widget = Suggestions(known, field.widget.attrs)
        return field


class ColumnTreatmentInline(PlainTabularInline):
    model = ColumnTreatment
    formset = TreatmentRows
    fields = ["column", "treatment", "detail"]


def _end_what_is_under_way(slug):
    """What was counted for the declaration as it was is not what the next run may touch."""
    with suppress(Busy):  # who is at work goes on with what it was told
        abandon(slug, now=timezone.now())


@admin.register(DeclaredTarget)
class DeclaredTargetAdmin(ContentAdmin):
    form = DeclaredTargetForm
    inlines = [EarlyEndInline, ColumnTreatmentInline]
    list_display = ["__str__", "place", "promise", "is_active"]
    list_editable = []
    list_filter = ["is_active", "connection"]
    search_fields = ["slug", "name", "table", "purpose", "rule"]
    # The review is about the statement, which a target is no part of.
    findings_of = None
    fieldsets = [
        (None, {"fields": ["name", "slug", "is_active"]}),
        (gettext_lazy("The promise that is kept"), {"fields": ["purpose", "rule", "exception"]}),
        (
            gettext_lazy("Where the data is"),
            {
                "fields": [
                    "connection", "table", "key_column", "trigger_column", "trigger_query", "condition", "hold_column",
                    "time_zone",
                ]
            },
        ),
        (gettext_lazy("With what caution"), {"fields": ["max_share", "batch_size"]}),
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("where"))
    def place(self, target):
        return f"{target.connection}: {target.table}"

    @admin.display(description=pgettext_lazy("of a target", "promise"))
    def promise(self, target):
        return f"{target.purpose} · {target.rule}"

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in {"trigger_query", "condition"} and field is not None:
            field.widget.attrs |= {"rows": 4, "spellcheck": "false"}
        return field

    def get_urls(self):
        view = self.admin_site.admin_view(self.try_view)
        return [path("<int:pk>/try/", view, name="retention_declaredtarget_try"), *super().get_urls()]

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        _end_what_is_under_way(form.instance.slug)
        declared = DeclaredTarget.objects.prefetch_related("early_ends", "treatments").get(pk=form.instance.pk)
        for level, sentence in _said_after_saving(declared):
            self.message_user(request, sentence, level)

    def delete_model(self, request, obj):
        super().delete_model(request, obj)
        _end_what_is_under_way(obj.slug)

    def delete_queryset(self, request, queryset):
        slugs = list(queryset.values_list("slug", flat=True))
        super().delete_queryset(request, queryset)
        for slug in slugs:
            _end_what_is_under_way(slug)

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context["may_try"] = request.user.has_perm(ENFORCE)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def try_view(self, request, pk):
        """What would be touched right now. Looking at data needs a permission of its own, though it is masked."""
        declared = self.get_queryset(request).filter(pk=pk).first()
        if not (self.has_view_permission(request, declared) and request.user.has_perm(ENFORCE)):
            raise PermissionDenied
        if declared is None:
            raise Http404
        trial = try_out(declared, timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": _("What would be touched now: %(target)s") % {"target": declared},
            "opts": self.opts,
            "declared": declared,
            "trial": trial,
            "outcome": outcome(trial),
            "is_promised": checking.promise_of(declared) is not None,
            "columns": list(trial.examples[0]) if trial.examples else [],
            "media": self.media,
        }
        return TemplateResponse(request, "admin/retention/declaredtarget/try.html", context)


def _said_after_saving(declared):
    """The advice on a target that has just been saved; of one that was switched off, what is wrong with it."""
    target = target_of(declared)
    try:
        if problems := checking.problems(target):
            return [(messages.WARNING, problem.sentence) for problem in problems]
        return [(messages.INFO, sentence) for sentence in checking.advice(target)]
    except NotEnforceable as error:
        return [(messages.WARNING, str(error))]
    except Error:
        return [(messages.WARNING, checking.unreachable(target.database))]


def outcome(trial):
    """“1 204 rows would be erased, the oldest from 3 March 2019.”"""
    census = trial.census
    if census is None:
        return ""
    if not census.due:
        return _("Nothing is due now.")
    words = {"rows": _grouped(census.due)}
    if census.oldest is not None:
        words["day"] = _day(census.oldest)
    match trial.is_anonymised, census.oldest is not None:
        case False, True:
            sentence = ngettext(
                "%(rows)s row would be erased, from %(day)s.",
                "%(rows)s rows would be erased, the oldest from %(day)s.",
                census.due,
            )
        case False, False:
            sentence = ngettext("%(rows)s row would be erased.", "%(rows)s rows would be erased.", census.due)
        case True, True:
            sentence = ngettext(
                "%(rows)s row would be anonymised, from %(day)s.",
                "%(rows)s rows would be anonymised, the oldest from %(day)s.",
                census.due,
            )
        case _other:
            sentence = ngettext("%(rows)s row would be anonymised.", "%(rows)s rows would be anonymised.", census.due)
    return sentence % words


def _grouped(number):
    return number_format(number, force_grouping=True)


def _day(moment):
    return date_format(timezone.localtime(moment), "j F Y")
