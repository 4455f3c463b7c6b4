"""Looking into the evidence: what was shown, and what was chosen.

There may be ten million records, so no list here counts them all, sorts by a column without
an index, or loads a text that it does not show.
"""

import uuid
from datetime import timedelta

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import TruncDate
from django.http import Http404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from policies.admin import EvidenceAdmin, WebsiteAdmin
from policies.models import StatementVersion, Website

from . import desk, exporting_views, verifying_views
from .exporting import arrived, day_in, receipt_in
from .models import Banner, ConsentRecord, RecordPurge, SealedDay, SealLeaves, SealPurge

COUNTED_AT_MOST = 1000


class CautiousPaginator(Paginator):
    """Counts no further than a reader turns pages."""

    @cached_property
    def count(self):
        return self.object_list.order_by()[:COUNTED_AT_MOST].count()

    @property
    def is_capped(self):
        return self.count == COUNTED_AT_MOST


class WebsiteFilter(admin.SimpleListFilter):
    """By web site; the banners know all of them, also those that are gone."""

    title = _("web site")
    parameter_name = "website"

    def lookups(self, request, model_admin):
        return [
            (slug, slug) for slug in Banner.objects.order_by("website").values_list("website", flat=True).distinct()
        ]

    def queryset(self, request, queryset):
        return queryset.filter(website=self.value()) if self.value() else queryset


class VersionFilter(admin.SimpleListFilter):
    """By the number of the version that was shown."""

    title = _("version")
    parameter_name = "version"

    def lookups(self, request, model_admin):
        return [(number, number) for number in StatementVersion.objects.values_list("number", flat=True)]

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        # Also of a number that no database can hold: of what is no version there is nothing.
        known = {str(number) for number, _title in self.lookup_choices}
        return queryset.filter(version_id=self.value()) if self.value() in known else queryset.none()


class DecidedFilter(admin.SimpleListFilter):
    """By age, through the time in the identifier (UUIDv7), which is what the index is sorted by."""

    title = _("time of the decision")
    parameter_name = "decided"
    DAYS = {"1": _("in the past day"), "7": _("in the past 7 days"), "31": _("in the past 31 days")}

    def lookups(self, request, model_admin):
        return list(self.DAYS.items())

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        if self.value() not in self.DAYS:
            return queryset.none()
        since = timezone.now() - timedelta(days=int(self.value()))
        return queryset.filter(pk__gte=uuid.UUID(int=int(since.timestamp() * 1000) << 80))


class PeriodFilter(admin.ListFilter):
    """By the day of arrival: a form with the first and the last day."""

    title = _("day of arrival")
    template = "admin/consent/period_filter.html"

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        given = {name: params.pop(name)[-1].strip() for name in self.expected_parameters() if name in params}
        self.used_parameters = {name: text for name, text in given.items() if text}
        days = {name: day_in(text) for name, text in self.used_parameters.items()}
        self.since, self.until = days.get("since"), days.get("until")
        self.error = ""
        if None in days.values():
            self.error = _("Give days such as 2026-11-22.")
        elif self.since and self.until and self.since > self.until:
            self.error = _("The first day lies after the last.")

    def expected_parameters(self):
        return ["since", "until"]

    def has_output(self):
        return True

    def queryset(self, request, queryset):
        return queryset.none() if self.error else arrived(queryset, self.since, self.until)

    def choices(self, changelist):
        names = self.expected_parameters()
        yield {
            "others": [(name, value) for name, value in changelist.params.items() if name not in names],
            "since": self.used_parameters.get("since", ""),
            "until": self.used_parameters.get("until", ""),
            "error": self.error,
            "is_given": bool(self.used_parameters),
            "all": changelist.get_query_string(remove=names),
        }


class MillionsAdmin(EvidenceAdmin):
    """A list that stays quick with millions of rows."""

    paginator = CautiousPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0

    @admin.display(description=_("version"))
    def version_number(self, row):
        # The key is the number: no need to load the version, with all its text.
        return row.version_id


@admin.register(ConsentRecord)
class ConsentRecordAdmin(MillionsAdmin):
    list_display = ["id", "website", "version_number", "action", "language", "recorded_at"]
    list_filter = [PeriodFilter, WebsiteFilter, VersionFilter, "action", "gpc", DecidedFilter]
    sortable_by = []
    search_fields = ["id"]
    search_help_text = _("The whole number of a receipt, or the address that the visitor was given.")
    fieldsets = [
        (None, {"fields": ["id", "website", "action", "answers", "vendor_answers", "is_once", "language", "gpc"]}),
        (_("What was shown"), {"fields": ["version_link", "banner_link"]}),
        (_("When"), {"fields": ["recorded_at", "decided_at"]}),
        (_("Who"), {"fields": ["subject"], "description": _("A random number for a browser, never a person.")}),
    ]

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("export.<str:form>", wrap(self.export_view), name="consent_consentrecord_export"),
            path("evidence.zip", wrap(self.evidence_view), name="consent_consentrecord_evidence"),
            path(
                "<uuid:pk>/evidence.zip",
                wrap(self.evidence_of_one_view),
                name="consent_consentrecord_evidence_of_one",
            ),
            *super().get_urls(),
        ]

    def export_view(self, request, form):
        return exporting_views.export(request, form, model_admin=self)

    def evidence_view(self, request):
        return exporting_views.evidence(request, model_admin=self)

    def evidence_of_one_view(self, request, pk):
        return exporting_views.evidence_of_one(request, pk, model_admin=self)

    def changelist_view(self, request, extra_context=None):
        if sentence := _not_found(request.GET.get(SEARCH_VAR, "").strip()):
            self.message_user(request, sentence, messages.WARNING)
        return super().changelist_view(request, extra_context)

    def get_search_results(self, request, queryset, search_term):
        """Exactly one record, by its primary key: anything looser would read the whole table."""
        if not search_term:
            return queryset, False
        receipt = receipt_in(search_term)
        return (queryset.filter(pk=receipt) if receipt else queryset.none()), False

    @admin.display(description=_("choices"))
    def answers(self, record):
        return _answers(record.choices)

    @admin.display(description=_("vendors that differ"))
    def vendor_answers(self, record):
        return _answers(record.vendors)

    @admin.display(description=_("version"))
    def version_link(self, record):
        pk = StatementVersion.objects.filter(number=record.version_id).values_list("pk", flat=True).get()
        return _link("admin:policies_statementversion_change", pk, record.version_id)

    @admin.display(description=_("banner"))
    def banner_link(self, record):
        return _link("admin:consent_banner_change", record.banner_id, record.banner_id)


@admin.register(Banner)
class BannerAdmin(MillionsAdmin):
    list_display = ["short_digest", "website", "kind", "version_number", "language", "first_served_at"]
    list_filter = [WebsiteFilter, "kind", VersionFilter]
    sortable_by = ["first_served_at"]
    search_fields = ["=digest"]
    search_help_text = _("The whole SHA-256.")
    fieldsets = [
        (None, {"fields": ["website", "kind", "version_number", "language", "first_served_at", "digest"]}),
        (None, {"fields": ["details_link"]}),
        (_("The bytes as they were served"), {"classes": ["collapse"], "fields": ["text"]}),
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("body")

    @admin.display(description="SHA-256", ordering="digest")
    def short_digest(self, banner):
        return format_html('<code title="{}">{}</code>', banner.digest, banner.digest[:12])

    @admin.display(description=_("second layer of a banner"))
    def details_link(self, banner):
        if banner.details_id is None:
            return "–"
        return _link("admin:consent_banner_change", banner.details_id, banner.details_id)

    @admin.display(description=_("text"))
    def text(self, banner):
        return format_html('<pre class="desk-document" tabindex="0">{}</pre>', bytes(banner.body).decode())


@admin.register(SealedDay)
class SealedDayAdmin(EvidenceAdmin):
    """The seals of closed days, and a page on which they are verified."""

    list_display = ["day", "count", "erased", "is_signed", "short_digest"]
    date_hierarchy = "day"
    sortable_by = ["day"]
    search_fields = ["=digest"]
    search_help_text = _("The whole SHA-256.")
    fieldsets = [
        (None, {"fields": ["day", "count", "erased", "erased_wording", "sealed_at"]}),
        (_("Seal"), {"fields": ["digest", "root", "previous"]}),
        (_("Signature"), {"fields": ["key", "signature"]}),
    ]

    def get_urls(self):
        return [
            path("verify/", self.admin_site.admin_view(self.verify_view), name="consent_sealedday_verify"),
            *super().get_urls(),
        ]

    def get_queryset(self, request):
        # A day belongs to the erasure that reached it first (see purging.erasure_of).
        erasures = RecordPurge.objects.annotate(erased_up_to=TruncDate("cut_off")).filter(
            erased_up_to__gt=OuterRef("day")
        )
        first = erasures.order_by("id")
        return (
            super()
            .get_queryset(request)
            .annotate(
                has_leaves=Exists(SealLeaves.objects.filter(seal=OuterRef("pk"))),
                erased_under=Subquery(first.values("rule")[:1]),
                erased_by_wording=Subquery(first.values("wording")[:1]),
            )
        )

    def verify_view(self, request):
        return verifying_views.verify_period(request, model_admin=self)

    @admin.display(description=_("erased since, under rule"), empty_value="–")
    def erased(self, seal):
        return seal.erased_under if _is_erased(seal) else None

    @admin.display(description=_("the rule in words"), empty_value="–")
    def erased_wording(self, seal):
        return seal.erased_by_wording if _is_erased(seal) else None

    @admin.display(description=_("signed"), boolean=True)
    def is_signed(self, seal):
        return bool(seal.signature)

    @admin.display(description="SHA-256")
    def short_digest(self, seal):
        return format_html('<code title="{}">{}</code>', seal.digest, seal.digest[:12])


@admin.register(RecordPurge)
class RecordPurgeAdmin(EvidenceAdmin):
    """Which consent records were erased under which rule."""

    list_display = ["cut_off", "rule", "wording", "decided_by", "decided_at"]
    list_filter = ["rule"]
    fields = ["cut_off", "rule", "wording", "decided_by", "decided_at"]


@admin.register(SealPurge)
class SealPurgeAdmin(EvidenceAdmin):
    """Which seals were erased under which rule, and where the chain goes on."""

    list_display = ["up_to", "seals", "rule", "wording", "decided_by", "decided_at"]
    list_filter = ["rule"]
    fields = ["up_to", "cut_off", "seals", "rule", "wording", "decided_by", "decided_at", "last_digest"]


# The lower floor has the desk of a web site; here it gets what can be said of its banner.
admin.site.unregister(Website)


@admin.register(Website)
class EmbeddedWebsiteAdmin(WebsiteAdmin):
    """A web site with what its pages embed: the tag to paste, and a preview of the banner."""

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/preview/", wrap(self.preview_view), name="policies_website_preview"),
            path(
                "<int:pk>/preview/<str:language>/", wrap(self.preview_page_view), name="policies_website_preview_page"
            ),
            *super().get_urls(),
        ]

    def preview_view(self, request, pk):
        return desk.preview(request, self._website_or_404(request, pk), model_admin=self)

    def preview_page_view(self, request, pk, language):
        return desk.preview_page(request, self._website_or_404(request, pk).slug, language)

    def _website_or_404(self, request, pk):
        website = self.get_object(request, str(pk))
        if website is None or not self.has_view_permission(request, website):
            raise Http404
        return website

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj:
            context["embedding"] = desk.embedding(obj.slug)
        return super().render_change_form(request, context, add, change, form_url, obj)


def _not_found(search):
    """Why nothing comes of ``search``, in a sentence; empty where there is nothing to say."""
    if not search:
        return ""
    receipt = receipt_in(search)
    if receipt is None:
        return _("This is no receipt. Paste its whole number, or the address that the visitor was given.")
    if not ConsentRecord.objects.filter(pk=receipt).exists():
        return _(
            "There is no record with this receipt. Either it never reached us, or its time was over and it was erased."
        )
    return ""


def _is_erased(seal):
    return bool(seal.count) and not seal.has_leaves


def _answers(answers):
    said = ((name, _("allowed") if allowed else _("refused")) for name, allowed in sorted(answers.items()))
    return format_html_join("", '<span class="desk-line">{}: {}</span>', said) or "–"


def _link(name, pk, text):
    return format_html('<a href="{}">{}</a>', reverse(name, args=[pk]), text)
