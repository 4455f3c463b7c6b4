"""The desk for enforcement: what was done, what is being done, and what is held back from it."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.http import HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from .characters import validate_characters
from .holding import release
from .models import LegalHold, RetentionRun, RunUnderWay
from .targeting import all_targets


class EvidenceAdmin(admin.ModelAdmin):
    """Evidence is read here and changed nowhere, whoever asks."""

    actions = None

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class TargetFilter(admin.SimpleListFilter):
    """By the targets that there are, and those that have been."""

    title = _("target")
    parameter_name = "target"

    def lookups(self, request, model_admin):
        known = model_admin.model._base_manager.order_by("target").values_list("target", flat=True).distinct()
        return [(slug, slug) for slug in known]

    def queryset(self, request, queryset):
        return queryset.filter(target=self.value()) if self.value() else queryset


class EnforcementAdmin(EvidenceAdmin):
    """What both kinds of runs say."""

    @admin.display(description=_("the rule in words"))
    def in_words(self, run):
        return run.wording.get(get_language()) or run.rule

    @admin.display(description=_("the rule in words"))
    def in_both(self, run):
        return format_html(
            '<span class="desk-words" lang="en">{}</span><span class="desk-words" lang="nl">{}</span>',
            run.wording.get("en", ""),
            run.wording.get("nl", ""),
        )


COUNTS = ["due", "held", "undated", "erased", "anonymised"]


@admin.register(RetentionRun)
class RetentionRunAdmin(EnforcementAdmin):
    list_display = ["started_at", "target", "in_words", "outcome", *COUNTS, "duration"]
    list_display_links = ["started_at", "target"]
    list_filter = ["result", "is_dry", TargetFilter, "rule"]
    search_fields = ["target", "rule", "purpose"]
    date_hierarchy = "started_at"
    sortable_by = ["started_at"]
    list_per_page = 50
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["target", "outcome", "error"]}),
        (_("What was promised"), {"fields": ["in_both", "purpose", "rule", "version", "cut_off"]}),
        (_("What was done"), {"fields": COUNTS}),
        (_("When"), {"fields": ["started_at", "finished_at", "duration", "resumed", "run_by"]}),
    ]

    @admin.display(description=_("result"), ordering="result")
    def outcome(self, run):
        said = capfirst(run.get_result_display())
        return gettext("Dry run: %(result)s") % {"result": run.get_result_display()} if run.is_dry else said

    @admin.display(description=pgettext_lazy("of a run", "duration"))
    def duration(self, run):
        seconds = round((run.finished_at - run.started_at).total_seconds())
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}"


@admin.register(RunUnderWay)
class RunUnderWayAdmin(EnforcementAdmin):
    list_display = ["target", "in_words", "started_at", "changed_at", *COUNTS]
    sortable_by = []
    fieldsets = [
        (None, {"fields": ["target"]}),
        (_("What was promised"), {"fields": ["in_both", "purpose", "rule", "version", "cut_off"]}),
        (_("What was done so far"), {"fields": COUNTS}),
        (_("When"), {"fields": ["started_at", "changed_at", "resumed", "run_by"]}),
    ]


class LegalHoldForm(forms.ModelForm):
    """A target by its name; no hold is placed on something that is not there."""

    target = forms.ChoiceField(label=capfirst(_("target")))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "target" in self.fields:
            known = [(slug, f"{target.name} ({slug})") for slug, target in all_targets().items()]
            self.fields["target"].choices = [("", "—"), *known]
        for name in ("key", "reason"):
            if name in self.fields:
                self.fields[name].validators.append(validate_characters)

    def clean(self):
        cleaned = super().clean()
        # Django leaves a constraint aside that is about fields which the form has not.
        if (
            "target" in cleaned
            and LegalHold.objects.filter(
                target=cleaned["target"], key=cleaned.get("key", ""), released_at=None
            ).exists()
        ):
            raise forms.ValidationError(_("There is a hold on this already."))
        return cleaned


class StandingFilter(admin.SimpleListFilter):
    """Which holds stand, and which have been released?"""

    title = pgettext_lazy("of a legal hold", "state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [
            ("standing", pgettext_lazy("legal hold", "stands")),
            ("released", pgettext_lazy("legal hold", "released")),
        ]

    def queryset(self, request, queryset):
        match self.value():
            case "standing":
                return queryset.filter(released_at=None)
            case "released":
                return queryset.exclude(released_at=None)
        return queryset


@admin.register(LegalHold)
class LegalHoldAdmin(admin.ModelAdmin):
    form = LegalHoldForm
    list_display = ["target", "what", "reason", "placed_at", "placed_by", "released_at", "released_by"]
    list_filter = [StandingFilter, TargetFilter]
    search_fields = ["target", "=key", "reason"]
    actions = ["release_holds"]
    fieldsets = [(None, {"fields": ["target", "key", "reason"]})]
    change_form_template = "admin/retention/legalhold/change_form.html"

    def get_fieldsets(self, request, obj=None):
        if obj is None:
            return super().get_fieldsets(request, obj)
        fields = ["target", "what", "reason", "placed_at", "placed_by"]
        return [(None, {"fields": [*fields, *(["released_at", "released_by"] if obj.released_at else [])]})]

    def get_readonly_fields(self, request, obj=None):
        # What was held, since when and why is not rewritten: it is released, and placed anew.
        return [] if obj is None else flatten_fieldsets(self.get_fieldsets(request, obj))

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        if not change:
            obj.placed_by = request.user.get_username()
            super().save_model(request, obj, form, change)

    def response_change(self, request, obj):
        if "_release" not in request.POST:
            return super().response_change(request, obj)
        self._release(request, [obj])
        return HttpResponseRedirect(request.path)

    def construct_change_message(self, request, form, formsets, add=False):
        if "_release" in request.POST:
            return [{"changed": {"fields": [gettext("released at")]}}]
        return super().construct_change_message(request, form, formsets, add)

    @admin.display(description=_("row"), ordering="key")
    def what(self, hold):
        return hold.key or _("Everything in the target")

    @admin.action(description=_("Release the selected holds"), permissions=["change"])
    def release_holds(self, request, queryset):
        self._release(request, queryset)

    def _release(self, request, holds):
        by, now = request.user.get_username(), timezone.now()
        released = [hold for hold in holds if release(hold, by=by, now=now)]
        if not released:
            self.message_user(request, _("Released before already."), messages.WARNING)
            return
        number = len(released)
        self.message_user(
            request,
            ngettext(
                "%(number)s hold released: the data goes again when its time comes.",
                "%(number)s holds released: the data goes again when its time comes.",
                number,
            )
            % {"number": number},
        )
