"""The desk for retention rules, and what the desks of all content share.

Content lives on two floors; what its admin classes have in common stands on the lower one.
Here: both languages side by side, what lacks a language, what changed since publication,
places in a list, and history that only who may edit can restore.
"""

import dataclasses
import itertools
from datetime import UTC, datetime

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import NestedObjects, flatten_fieldsets, quote
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.db.models import Case, Exists, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Greatest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin, TranslationStackedInline
from modeltranslation.translator import NotRegistered, translator
from simple_history.admin import SimpleHistoryAdmin
from simple_history.template_utils import HistoricalRecordContextHelper

from .characters import validate_characters
from .conditions import filled
from .languages import in_both
from .models import Action, RetentionRule, StatutoryException, Trigger
from .wording import rule_details, rule_wording

LANGUAGES = tuple(language for language, _name in settings.LANGUAGES)
LONG_AGO = Value(datetime(1970, 1, 1, tzinfo=UTC), output_field=models.DateTimeField())
HISTORY_SHOWN = 200


# -- Two languages ---------------------------------------------------------------------------


def translated_fields(model):
    """Names of the fields of ``model`` that exist once per language; none where it has none."""
    try:
        return list(translator.get_options_for_model(model).all_fields)
    except NotRegistered:
        return []


def columns_of(field):
    """``"title"`` → ``("title_en", "title_nl")``."""
    return tuple(f"{field}_{language}" for language in LANGUAGES)


def label_of(column):
    """“Title (Dutch)” for the Dutch column of a title; the plain name of other fields."""
    original = getattr(column, "translated_field", None)
    if original is None:
        return capfirst(column.verbose_name)
    return gettext("%(field)s (%(language)s)") % {
        "field": capfirst(original.verbose_name),
        "language": dict(settings.LANGUAGES)[column.language],
    }


def labels_of(model):
    """The label of each translated column, for forms and for whoever may only look."""
    return {
        column: label_of(model._meta.get_field(column))
        for field in translated_fields(model)
        for column in columns_of(field)
    }


def lacks(model, language):
    """Condition: a row of ``model`` lacks a text in ``language``.

    A text that may be left out is lacking only where the other language has it.
    """
    condition = Q(pk__in=[])
    for field in translated_fields(model):
        column = f"{field}_{language}"
        missing = Q(**{f"{column}__isnull": True}) | Q(**{column: ""})
        if model._meta.get_field(field).blank:
            elsewhere = Q(pk__in=[])
            for other in LANGUAGES:
                if other != language:
                    elsewhere |= filled(f"{field}_{other}")
            missing &= elsewhere
        condition |= missing
    return condition


def owner_field(model):
    """The field through which a row is part of another and goes with it, or None."""
    for field in model._meta.fields:
        if field.many_to_one and field.remote_field.on_delete is models.CASCADE:
            return field
    return None


def _references(model):
    """Names of the fields through which a row names others, but for the one that it is part of."""
    return [field.name for field in model._meta.fields if field.many_to_one and field != owner_field(model)]


class ContentForm(forms.ModelForm):
    """A row of content: no language comes first, and a new row comes last."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "order" in self.fields:
            self.fields["order"].required = False
            self.fields["order"].help_text = _("Lower numbers come first. Empty: at the end.")
            if self.instance._state.adding:
                self.initial["order"] = None

    def clean(self):
        cleaned = super().clean()
        for field in translated_fields(self._meta.model):
            columns = [column for column in columns_of(field) if column in self.fields]
            is_required = columns and not self._meta.model._meta.get_field(field).blank
            if is_required and not any(self.has_error(column) or cleaned.get(column) for column in columns):
                self.add_error(columns[0], _("Write this text in at least one of the two languages."))
        return cleaned

    def save(self, commit=True):
        if "order" in self.fields and self.instance.order is None:
            self.instance.order = _place_at_the_end(self.instance)
        return super().save(commit)


def _place_at_the_end(row):
    siblings = type(row)._default_manager.all()
    if owner := owner_field(type(row)):
        siblings = siblings.filter(**{owner.name: getattr(row, owner.name)})
    return (siblings.aggregate(last=Max("order"))["last"] or 0) + 1


class SideBySide:
    """Fieldsets in which each translated field is one row, with a column per language."""

    form = ContentForm

    def get_fieldsets(self, request, obj=None):
        declared = self.fieldsets or [(None, {"fields": self.fields})]
        names = translated_fields(self.model)
        return [
            (
                title,
                options | {"fields": [columns_of(name) if name in names else name for name in options["fields"]]},
            )
            for title, options in declared
        ]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, models.URLField):
            kwargs["assume_scheme"] = "https"
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and hasattr(db_field, "translated_field"):
            field.required = False  # the form asks for one language, publishing for both
            field.label = label_of(db_field)
            field.widget.attrs |= {"lang": db_field.language, "spellcheck": "true"}
        if isinstance(field, forms.CharField):
            field.validators.append(validate_characters)
        if field and isinstance(field.widget, admin.widgets.AdminTextareaWidget):
            field.widget.attrs["rows"] = 5
        if field and isinstance(field.widget, admin.widgets.RelatedFieldWidgetWrapper):
            # Other rows are changed and deleted on their own page, where it shows who uses them.
            field.widget.can_change_related = field.widget.can_delete_related = False
        return field

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        # The lists are short: boxes show what there is to choose, without a script.
        return super().formfield_for_manytomany(
            db_field, request, **({"widget": forms.CheckboxSelectMultiple} | kwargs)
        )


class PartInline(SideBySide):
    """Rows that belong to another row, shown on its page."""

    extra = 0

    def get_formset(self, request, obj=None, **kwargs):
        return super().get_formset(request, obj, **({"labels": labels_of(self.model)} | kwargs))

    def get_queryset(self, request):
        # The line above each row names what the row refers to.
        return super().get_queryset(request).select_related(*_references(self.model))

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            # A list of choices is asked for once per form set, a query set once per row.
            field.choices = [("", "—"), *((row.pk, self.name_of_choice(row)) for row in field.queryset)]
        return field

    def name_of_choice(self, row):
        return str(row)


class TranslatedStackedInline(PartInline, TranslationStackedInline):
    pass


class LabelledRows(forms.BaseInlineFormSet):
    """Rows of a table whose boxes for deleting have a name of their own, which Django's have not."""

    def add_fields(self, form, index):
        super().add_fields(form, index)
        if box := form.fields.get(forms.formsets.DELETION_FIELD_NAME):
            box.widget.attrs["aria-label"] = box.label


class PlainTabularInline(PartInline, admin.TabularInline):
    formset = LabelledRows

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            # Django names the columns of such a table, not its boxes.
            field.widget.attrs["aria-label"] = field.label
        return field


# -- Lists that answer questions ---------------------------------------------------------------


class TextsFilter(admin.SimpleListFilter):
    """What lacks Dutch? What lacks English?"""

    title = _("texts")
    parameter_name = "texts"

    def lookups(self, request, model_admin):
        return [
            ("lack-nl", _("lacks Dutch")),
            ("lack-en", _("lacks English")),
            ("complete", _("complete")),
        ]

    def queryset(self, request, queryset):
        match self.value():
            case "lack-nl":
                return queryset.filter(lacks_nl=True)
            case "lack-en":
                return queryset.filter(lacks_en=True)
            case "complete":
                return queryset.filter(lacks_nl=False, lacks_en=False)
        return queryset


class ChangedFilter(admin.SimpleListFilter):
    """What changed since publication?"""

    title = _("change since publication")
    parameter_name = "changed"

    def lookups(self, request, model_admin):
        return [("yes", _("changed")), ("no", _("unchanged"))]

    def queryset(self, request, queryset):
        if self.value() in {"yes", "no"}:
            return queryset.filter(is_changed=self.value() == "yes")
        return queryset


# The columns at the right of every list of content.
DESK_COLUMNS = ["texts", "changed", "order"]


def without(nested, beginnings):
    """The nested list of what will be deleted, without the lines that begin so."""
    return [
        without(item, beginnings) if isinstance(item, list) else item
        for item in nested
        if isinstance(item, list) or not (beginnings and str(item).startswith(beginnings))
    ]


class ContentAdmin(SideBySide, SimpleHistoryAdmin):
    """The desk for one kind of content."""

    # A query expression for the moment of the latest publication; set by the floor that publishes.
    last_publication = None
    # ``findings_of(row)``: what the review has to say about a row; set by the floor that reviews.
    findings_of = None

    list_editable = ["order"]
    list_filter = [TextsFilter, ChangedFilter]
    search_fields = ["slug", "name_en", "name_nl"]
    show_facets = admin.ShowFacets.ALWAYS
    history_list_per_page = HISTORY_SHOWN
    object_history_template = "admin/content_history.html"
    object_history_list_template = "admin/content_history_list.html"
    object_history_form_template = "admin/content_history_form.html"

    def get_queryset(self, request):
        """Rows with what their list shows beside them; parts count as of the row they belong to."""
        changes = [_last_change(self.model, "id"), *(_last_change(*part) for part in self._parts())]
        if self.last_publication is None:
            is_changed = Value(True)
        else:
            after = When(changed_at__gt=Coalesce(self.last_publication, LONG_AGO), then=True)
            is_changed = Case(after, default=False)
        return (
            super()
            .get_queryset(request)
            .annotate(
                **{
                    f"lacks_{language}": Case(When(self.lacking(language), then=True), default=False)
                    for language in LANGUAGES
                },
                changed_at=Greatest(*changes) if len(changes) > 1 else changes[0],
            )
            .annotate(is_changed=is_changed)
        )

    def _parts(self):
        """Each model whose rows are part of rows of this one, and the column that says of which."""
        return [(inline.model, owner_field(inline.model).attname) for inline in self.inlines]

    def lacking(self, language):
        """Condition: a row, or a part of it, lacks a text in ``language``."""
        condition = lacks(self.model, language)
        for model, owner in self._parts():
            if translated_fields(model):
                rows = model._default_manager.filter(lacks(model, language), **{owner: OuterRef("pk")})
                condition |= Q(Exists(rows))
        return condition

    @admin.display(description=pgettext_lazy("column", "texts"))
    def texts(self, row):
        if row.lacks_en and row.lacks_nl:
            said = _("lacks English and Dutch")
        elif row.lacks_nl:
            said = _("lacks Dutch")
        elif row.lacks_en:
            said = _("lacks English")
        else:
            return _("complete")
        return format_html('<strong class="desk-lacks">{}</strong>', said)

    @admin.display(
        description=pgettext_lazy("column: when, if after the latest publication", "changed"), ordering="changed_at"
    )
    def changed(self, row):
        if not row.is_changed:
            return "–"
        # A month by its name: 11/12 is another day to a Dutch reader than to an American.
        return date_format(timezone.localtime(row.changed_at), "SHORT_DATETIME_FORMAT")

    def get_form(self, request, obj=None, **kwargs):
        return super().get_form(request, obj, **({"labels": labels_of(self.model)} | kwargs))

    def get_changelist_formset(self, request, **kwargs):
        if "order" in self.list_editable:
            # Django names the column, not the boxes in it.
            name = capfirst(self.opts.get_field("order").verbose_name)
            box = admin.widgets.AdminIntegerFieldWidget(attrs={"aria-label": name})
            kwargs = {"widgets": {"order": box}} | kwargs
        return super().get_changelist_formset(request, **kwargs)

    def get_readonly_fields(self, request, obj=None):
        if obj is None:
            return super().get_readonly_fields(request, obj)
        if not self.has_change_permission(request, obj):
            # Older states too are shown as text to whoever may only look.
            return flatten_fieldsets(self.get_fieldsets(request, obj))
        names = {field.name for field in self.model._meta.fields}
        # Addresses, recorded choices and the content file refer to a row by its identifier.
        return [*super().get_readonly_fields(request, obj), *({"slug"} & names)]

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj is not None and self.findings_of is not None:
            context["findings"] = self.findings_of(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    # -- Deleting what is in use

    def get_deleted_objects(self, objs, request):
        """Where a row is in use, name the pages that use it, not the parts of those pages."""
        to_delete, counts, lacking, protected = super().get_deleted_objects(objs, request)
        # The rows of many-to-many fields have no name that an office would know.
        links = [
            f.remote_field.through._meta for f in self.opts.many_to_many if f.remote_field.through._meta.auto_created
        ]
        to_delete = without(to_delete, tuple(f"{capfirst(link.verbose_name)}: " for link in links))
        counts = {
            name: number for name, number in counts.items() if name not in {link.verbose_name_plural for link in links}
        }
        if protected:
            collector = NestedObjects(using=objs[0]._state.db)
            collector.collect(objs)
            protected = sorted({self._place_of(row) for row in collector.protected})
        return to_delete, counts, lacking, protected

    def _place_of(self, row):
        owner = owner_field(type(row))
        used_by = getattr(row, owner.name) if owner else row
        meta = used_by._meta
        if not self.admin_site.is_registered(type(used_by)):
            return f"{capfirst(meta.verbose_name)}: {used_by}"
        return format_html(
            '{}: <a href="{}">{}</a>',
            capfirst(meta.verbose_name),
            reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(used_by.pk)]),
            used_by,
        )

    # -- History

    def history_view(self, request, object_id, extra_context=None):
        parts = [part for inline in self.inlines if (part := self._history_of_parts(inline, object_id))]
        return super().history_view(request, object_id, {"parts": parts} | (extra_context or {}))

    def _history_of_parts(self, inline, object_id):
        """What happened to the rows of ``inline`` that belong or belonged to this one."""
        owner = owner_field(inline.model).attname
        # The key comes from the address; whether it exists is for the view to say.
        if not object_id.isdecimal():
            return None
        records = list(
            inline.model.history.filter(**{owner: object_id})
            .select_related("history_user")
            ._select_related_history_tracked_objs()
            .order_by("id", "-history_date", "-history_id")[:HISTORY_SHOWN]
        )
        for newer, older in itertools.pairwise(records):
            if newer.id == older.id:
                delta = newer.diff_against(older, foreign_keys_are_objs=True)
                newer.history_delta_changes = FieldNames(inline.model, newer).context_for_delta_changes(delta)
        for record in records:
            record.name = _name_then(record)
        records.sort(key=lambda record: (record.history_date, record.history_id), reverse=True)
        return {"title": capfirst(inline.model._meta.verbose_name_plural), "records": records} if records else None

    def get_historical_record_context_helper(self, request, historical_record):
        return FieldNames(self.model, historical_record)

    def history_view_title(self, request, obj):
        return gettext("History of %(row)s") % {"row": obj}

    def history_form_view_title(self, request, obj):
        return gettext("%(row)s as it was") % {"row": obj}

    def history_form_view(self, request, object_id, version_id, extra_context=None):
        # simple_history asks for the right to look, also where it saves.
        if request.method == "POST" and not self.has_change_permission(request):
            raise PermissionDenied
        return super().history_form_view(request, object_id, version_id, extra_context)


class FieldNames(HistoricalRecordContextHelper):
    """Changes of fields, with the language where a field has one, and with room for a sentence."""

    DEFAULT_MAX_DISPLAYED_DELTA_CHANGE_CHARS = 240

    def __init__(self, model, historical_record):
        super().__init__(
            model,
            historical_record,
            max_displayed_delta_change_chars=self.DEFAULT_MAX_DISPLAYED_DELTA_CHANGE_CHARS,
        )

    def context_for_delta_changes(self, delta):
        # The original of a translated field repeats what its column in one language says.
        originals = set(translated_fields(self.model))
        changes = [change for change in delta.changes if change.field not in originals]
        return super().context_for_delta_changes(dataclasses.replace(delta, changes=changes))

    def format_delta_change(self, change):
        column = self.model._meta.get_field(change.field)
        return dataclasses.replace(super().format_delta_change(change), field=label_of(column))

    def prepare_delta_change_value(self, change, value):
        prepared = super().prepare_delta_change_value(change, value)
        return ", ".join(map(str, prepared)) if isinstance(prepared, list) else prepared


def _name_then(record):
    """What a historical part was called; what it refers to may be gone since."""
    row = record.instance
    try:
        for name in _references(type(row)):
            setattr(row, name, getattr(record, name))  # loaded with the record
        return str(row)
    except ObjectDoesNotExist:
        return gettext("number %(number)s, deleted since") % {"number": row.pk}


def _last_change(model, key):
    """The newest moment at which rows of ``model`` with ``key`` of the outer row changed."""
    newest = model.history.model.objects.filter(**{key: OuterRef("pk")}).order_by("-history_date")
    return Coalesce(Subquery(newest.values("history_date")[:1]), LONG_AGO)


class TranslatedContentAdmin(ContentAdmin, TranslationAdmin):
    """The desk for content that exists in both languages."""


# -- Retention ---------------------------------------------------------------------------------


@admin.register(Trigger)
class TriggerAdmin(TranslatedContentAdmin):
    list_display = ["__str__", "slug", "rounding", *DESK_COLUMNS]
    search_fields = ["slug", "name_en", "name_nl", "after_en", "after_nl", "until_en", "until_nl"]
    fieldsets = [(None, {"fields": ["name", "after", "until", "rounding", "slug", "order"]})]


@admin.register(StatutoryException)
class StatutoryExceptionAdmin(TranslatedContentAdmin):
    list_display = ["__str__", "slug", "period", *DESK_COLUMNS]
    search_fields = ["slug", "name_en", "name_nl", "law_en", "law_nl"]
    fieldsets = [(None, {"fields": ["name", "law", "period", "slug", "order"]})]


class StatedFilter(admin.SimpleListFilter):
    """For which rules has nobody said how long?"""

    title = _("period")
    parameter_name = "stated"

    def lookups(self, request, model_admin):
        return [("no", _("not stated")), ("yes", _("stated"))]

    def queryset(self, request, queryset):
        unstated = Q(trigger=None, follows=None)
        match self.value():
            case "no":
                return queryset.filter(unstated)
            case "yes":
                return queryset.exclude(unstated)
        return queryset


@admin.register(RetentionRule)
class RetentionRuleAdmin(ContentAdmin):
    list_display = ["slug", "promise", "at_the_end", "changed", "order"]
    list_filter = [StatedFilter, "action", "needs_consent", ChangedFilter]
    search_fields = ["slug", "trigger__name_en", "trigger__name_nl"]
    list_select_related = ["trigger", "follows__trigger"]
    readonly_fields = ["in_words"]
    fieldsets = [
        (
            None,
            {"fields": ["in_words", "trigger", "follows", "period", "is_maximum", "action", "needs_consent"]},
        ),
        (_("Earlier or later"), {"fields": ["ends_early_on", "exceptions"]}),
        (_("Place"), {"fields": ["slug", "order"]}),
    ]

    @admin.display(description=_("what it promises"))
    def promise(self, rule):
        return rule_wording(rule)

    @admin.display(description=_("at the end"), ordering="action")
    def at_the_end(self, rule):
        return Action(rule.action).label if rule.action else "–"

    @admin.display(description=_("as visitors read it"))
    def in_words(self, rule):
        if rule.pk is None:
            return _("Appears after saving.")
        said = in_both(lambda language: ". ".join([rule_wording(rule), *rule_details(rule)]))
        return format_html(
            '<span class="desk-words" lang="en">{}</span><span class="desk-words" lang="nl">{}</span>',
            said["en"],
            said["nl"],
        )


# At the end, because they may build on the classes above.
from . import enforcement_admin, target_admin  # noqa: E402, F401
