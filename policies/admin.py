"""The desk for the statement, the cookies and the web sites, and the shelf of versions."""

import json
from functools import partial

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, Subquery
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override, pgettext_lazy

from retention.admin import (
    DESK_COLUMNS,
    LANGUAGES,
    ChangedFilter,
    ContentAdmin,
    LabelledRows,
    PlainTabularInline,
    TextsFilter,
    TranslatedContentAdmin,
    TranslatedStackedInline,
)
from retention.wording import lifetime_wording, rule_wording

from . import (
    catalogue,
    catalogue_views,
    comparing_views,
    history_views,
    models,
    proposal_views,
    publishing_views,
    register_views,
    review_views,
)
from .forms import country_field, word_boxes
from .groups import SUBMIT
from .reading import completed
from .rendering import parse
from .review.listing import known_to, rows_kept
from .review.structure import is_within
from .review_views import findings_of

# What changed since publication is asked of every list of content, on both floors.
ContentAdmin.last_publication = Subquery(models.StatementVersion.objects.order_by("-number").values("published_at")[:1])

# And so is what the review says of a row.
ContentAdmin.findings_of = staticmethod(findings_of)

PLACE = (_("Place"), {"fields": ["slug", "order"]})


def vocabulary(*fields):
    """The terms for machines, folded: whoever writes texts seldom needs them."""
    return (_("Data Privacy Vocabulary"), {"classes": ["collapse"], "fields": list(fields) or ["dpv"]})


class CountryByName:
    """Offers countries by name."""

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "country":
            return country_field(db_field)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


# -- The company and the texts -----------------------------------------------------------------


@admin.register(models.Controller)
class ControllerAdmin(CountryByName, TranslatedContentAdmin):
    """One row, so its list is its page."""

    list_display = ["__str__", "texts", "changed"]
    list_editable = []
    search_fields = []
    fieldsets = [
        (None, {"fields": ["name", "short_name", "product", "country", "website", "registration_number"]}),
        (_("How to reach it"), {"fields": ["postal_address", "email", "phone", "contact_url", "representative"]}),
        (_("Data protection officer"), {"fields": ["dpo_name", "dpo_email", "dpo_not_required", "privacy_email"]}),
        (_("Children"), {"fields": ["reaches_children", "children"]}),
        (_("Complaints"), {"fields": ["supervisor", "supervisor_url"]}),
        (_("Titles of the pages"), {"fields": ["statement_title", "summary_title", "summary"]}),
    ]

    def has_add_permission(self, request):
        return super().has_add_permission(request) and not models.Controller.objects.exists()

    def has_delete_permission(self, request, obj=None):
        return False

    def changelist_view(self, request, extra_context=None):
        row = models.Controller.objects.first()
        if row is None or not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(reverse("admin:policies_controller_change", args=[row.pk]))


@admin.register(models.Section)
class SectionAdmin(TranslatedContentAdmin):
    list_display = ["__str__", "page", "part", *DESK_COLUMNS]
    list_filter = ["page", "part", TextsFilter, ChangedFilter]
    search_fields = ["slug", "heading_en", "heading_nl", "text_en", "text_nl"]
    fieldsets = [
        (None, {"fields": ["heading", "text", "part"]}),
        (_("Place"), {"fields": ["page", "slug", "order"]}),
    ]

    def lacking(self, language):
        # Free text without text is a heading over nothing; a generated part needs none.
        column = f"text_{language}"
        is_empty = Q(**{f"{column}__isnull": True}) | Q(**{column: ""})
        return super().lacking(language) | (Q(part=models.Section.Part.TEXT) & is_empty)


class ExplainedAdmin(TranslatedContentAdmin):
    """Lists of a name with an explanation."""

    list_display = ["__str__", "slug", *DESK_COLUMNS]
    search_fields = ["slug", "name_en", "name_nl", "explanation_en", "explanation_nl"]


@admin.register(models.DataSubjectRight)
class DataSubjectRightAdmin(ExplainedAdmin):
    list_display = ["__str__", "article", "slug", *DESK_COLUMNS]
    fieldsets = [(None, {"fields": ["name", "explanation", "article"]}), PLACE, vocabulary()]


@admin.register(models.Principle, models.SecurityMeasure)
class PrincipleAdmin(ExplainedAdmin):
    fieldsets = [(None, {"fields": ["name", "explanation"]}), PLACE, vocabulary()]


@admin.register(models.ServiceLevel)
class ServiceLevelAdmin(ExplainedAdmin):
    fieldsets = [(None, {"fields": ["name", "explanation"]}), PLACE]


# -- Processing --------------------------------------------------------------------------------


class PurposeDataInline(PlainTabularInline):
    model = models.PurposeData
    fields = ["category", "order"]


class PurposeLegalBasisInline(TranslatedStackedInline):
    model = models.PurposeLegalBasis
    fields = ["basis", "explanation", "interest_of", "balancing_test", "order"]


class PurposeRetentionInline(TranslatedStackedInline):
    model = models.PurposeRetention
    fields = ["rule", "applies_when", "reason", "order"]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "rule":
            kwargs["queryset"] = models.RetentionRule.objects.select_related("trigger", "follows__trigger")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def name_of_choice(self, rule):
        return f"{rule_wording(rule)} ({rule.slug})"


class PurposeRecipientInline(PlainTabularInline):
    model = models.PurposeRecipient
    fields = ["recipient", "order"]

    def name_of_choice(self, recipient):
        return f"{recipient} ({recipient.get_role_display()})"


@admin.register(models.ProcessingPurpose)
class ProcessingPurposeAdmin(TranslatedContentAdmin):
    list_display = ["__str__", "how_long", *DESK_COLUMNS]
    list_filter = ["legal_bases__basis", TextsFilter, ChangedFilter]
    search_fields = ["slug", "title_en", "title_nl", "description_en", "description_nl"]
    save_on_top = True
    fieldsets = [
        (None, {"fields": ["title", "description", "data_subjects"]}),
        (_("Must people give the data?"), {"fields": ["provision", "provision_consequence"]}),
        (_("Profiling and automated decisions"), {"fields": ["automation", "automation_explained"]}),
        (_("What the visitor can do about it"), {"fields": ["opt_out", "opt_out_how"]}),
        (_("Whether its periods are kept"), {"fields": ["shows_last_kept"]}),
        (_("Place"), {"fields": ["parent", "slug", "order"]}),
        (
            _("Data that does not come from the person"),
            {"classes": ["collapse"], "fields": ["source", "source_is_public"]},
        ),
        (_("Recipients"), {"classes": ["collapse"], "fields": ["stays_inside"]}),
        (
            _("For the register only, never public"),
            {
                "classes": ["collapse"],
                "fields": ["owner", "system", "dpia", "dpia_reference", "review_on", "starts_on"],
            },
        ),
        vocabulary("dpv", "dpv_processing"),
    ]
    inlines = [PurposeDataInline, PurposeLegalBasisInline, PurposeRetentionInline, PurposeRecipientInline]

    def get_queryset(self, request):
        return (
            super()
            .get_queryset(request)
            .prefetch_related("retention__rule__trigger", "retention__rule__follows__trigger")
        )

    @admin.display(description=_("how long"))
    def how_long(self, purpose):
        return _lines(rule_wording(used.rule) for used in purpose.retention.all())


def _lines(texts):
    """Each text on a line of its own; a dash where there is none."""
    return format_html_join("", '<span class="desk-line">{}</span>', ((text,) for text in texts)) or "–"


@admin.register(models.DataCategory)
class DataCategoryAdmin(ExplainedAdmin):
    list_display = ["__str__", "purposes", "slug", *DESK_COLUMNS]
    list_filter = ["is_special", "from_others", TextsFilter, ChangedFilter]
    fieldsets = [(None, {"fields": ["name", "explanation", "is_special", "from_others"]}), PLACE, vocabulary()]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(purpose_count=Count("uses"))

    @admin.display(description=_("used by purposes"), ordering="purpose_count")
    def purposes(self, category):
        return category.purpose_count


@admin.register(models.DataSubjectCategory)
class DataSubjectCategoryAdmin(TranslatedContentAdmin):
    list_display = ["__str__", "slug", *DESK_COLUMNS]
    fieldsets = [(None, {"fields": ["name"]}), PLACE, vocabulary()]


@admin.register(models.TransferSafeguard)
class TransferSafeguardAdmin(TranslatedContentAdmin):
    list_display = ["__str__", "instrument", "slug", *DESK_COLUMNS]
    list_filter = ["instrument", TextsFilter, ChangedFilter]
    fieldsets = [(None, {"fields": ["name", "instrument"]}), PLACE, vocabulary()]


@admin.register(models.Recipient)
class RecipientAdmin(CountryByName, TranslatedContentAdmin):
    list_display = ["__str__", "kind", "role", "country", *DESK_COLUMNS]
    list_filter = ["kind", "role", TextsFilter, ChangedFilter]
    search_fields = ["slug", "name_en", "name_nl", "company", "task_en", "task_nl"]
    fieldsets = [
        (None, {"fields": ["name", "task", "kind", "role"]}),
        (_("The company"), {"fields": ["company", "country", "privacy_url"]}),
        PLACE,
        vocabulary(),
    ]


@admin.register(models.SharingGround)
class SharingGroundAdmin(ExplainedAdmin):
    list_display = ["__str__", "basis", "slug", *DESK_COLUMNS]
    list_filter = ["basis", TextsFilter, ChangedFilter]
    fieldsets = [(None, {"fields": ["name", "explanation", "basis"]}), PLACE]


@admin.register(models.Transfer)
class TransferAdmin(ExplainedAdmin):
    list_display = ["__str__", "countries", "slug", *DESK_COLUMNS]
    fieldsets = [
        (None, {"fields": ["name", "explanation", "countries", "safeguards", "certified_on", "copy_how"]}),
        PLACE,
    ]


# -- Cookies and web sites -----------------------------------------------------------------------


@admin.register(models.CookieCategory)
class CookieCategoryAdmin(TranslatedContentAdmin):
    list_display = ["__str__", "needs_consent", "slug", *DESK_COLUMNS]
    search_fields = ["slug", "name_en", "name_nl", "purpose_en", "purpose_nl"]
    fieldsets = [
        (None, {"fields": ["name", "purpose", "needs_consent"]}),
        (_("What the banner tells tags"), {"fields": ["signals"]}),
        PLACE,
        vocabulary(),
    ]


@admin.register(models.VendorSafeguard)
class VendorSafeguardAdmin(TranslatedContentAdmin):
    list_display = ["__str__", "slug", *DESK_COLUMNS]
    fieldsets = [(None, {"fields": ["name"]}), PLACE]


class FilledInRows(LabelledRows):
    """A row for each of the ``initial`` values, which stay proposals until they are sent back."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = len(self.initial_extra or [])


class CookieInline(PlainTabularInline):
    model = models.Cookie
    formset = FilledInRows
    fields = ["name", "storage", "party", "lifetime", "http_only", "order"]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "lifetime":
            field.widget.attrs |= {"class": "", "size": 8}
        return field


@admin.register(models.CookieVendor)
class CookieVendorAdmin(CountryByName, TranslatedContentAdmin):
    """The form may be filled in from the catalogue (``?catalogue=…``); only saving stores anything."""

    list_display = ["__str__", "category", "country", "kept_for", *DESK_COLUMNS]
    list_filter = ["category", "websites", TextsFilter, ChangedFilter]
    list_select_related = ["category"]
    search_fields = ["slug", "name", "company", "purpose_en", "purpose_nl", "cookies__name"]
    save_on_top = True
    fieldsets = [
        (None, {"fields": ["name", "company", "country", "category", "purpose", "privacy_url"]}),
        (_("How long"), {"fields": ["lifetime", "lifetime_is_maximum"]}),
        (_("Consent"), {"fields": ["consent_reason", "analytics_conditions", "websites", "safeguards"]}),
        (_("What the banner holds back and tells"), {"fields": ["hosts", "signals"]}),
        PLACE,
    ]
    inlines = [CookieInline]

    def get_urls(self):
        view = self.admin_site.admin_view(self.catalogue_view)
        return [path("catalogue/", view, name="policies_cookievendor_catalogue"), *super().get_urls()]

    def catalogue_view(self, request):
        return catalogue_views.listing(request, model_admin=self)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "analytics_conditions":
            return word_boxes(db_field, models.AnalyticsCondition.choices)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in {"hosts", "signals"}:
            field.widget.attrs |= {"class": "vLargeTextField", "spellcheck": "false"}
        return field

    # -- Filled in from the catalogue

    def _chosen(self, request, vendor=None):
        """The entry to fill in: when the form is first shown, to somebody who may save it."""
        may_save = self.has_change_permission(request, vendor) if vendor else self.has_add_permission(request)
        chosen = request.GET.get("catalogue")
        return catalogue.entries().get(chosen) if request.method == "GET" and may_save else None

    def get_changeform_initial_data(self, request):
        initial = super().get_changeform_initial_data(request)
        if chosen := self._chosen(request):
            category = models.CookieCategory.objects.filter(slug=chosen["category"]).first()
            return initial | catalogue.values_of(chosen) | {"category": category}
        return initial

    def get_formset_kwargs(self, request, obj, inline, prefix):
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        if chosen := self._chosen(request, obj if obj.pk else None):
            # Only now: values that a form takes for initial when it is sent back, it would not save.
            cookies = catalogue.additions(obj, chosen).cookies if obj.pk else chosen["cookies"]
            return kwargs | {"initial": cookies}
        return kwargs

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if chosen := self._chosen(request, obj):
            context["is_filled_in"] = True
            if obj:
                context["adminform"].form.initial |= catalogue.additions(obj, chosen).values_of(obj)
        elif obj and self.has_change_permission(request, obj) and (known := catalogue.entry_for(obj)):
            context["additions"] = catalogue.additions(obj, known)
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.display(description=_("lifetime"), ordering="lifetime")
    def kept_for(self, vendor):
        return lifetime_wording(vendor.lifetime, vendor.lifetime_is_maximum)


class OriginsOfOneDomain(LabelledRows):
    """Origins that can share a choice, where the web site wants them to."""

    def clean(self):
        super().clean()
        domain = self.instance.shared_domain
        for form in self.forms if domain else []:
            origin = form.cleaned_data.get("origin")
            if origin and not form.cleaned_data.get("DELETE") and not is_within(origin, domain):
                form.add_error(
                    "origin", _("This lies outside %(domain)s, which is to share one choice.") % {"domain": domain}
                )


class WebsiteOriginInline(PlainTabularInline):
    model = models.WebsiteOrigin
    formset = OriginsOfOneDomain
    fields = ["origin", "order"]


@admin.register(models.Website)
class WebsiteAdmin(TranslatedContentAdmin):
    list_display = ["__str__", "origin_list", "default_language", "hosts_statement", *DESK_COLUMNS]
    search_fields = ["slug", "name_en", "name_nl", "origins__origin"]
    fieldsets = [
        (None, {"fields": ["name", "default_language", "hosts_statement"]}),
        (_("How long and where"), {"fields": ["consent_months", "shared_domain"]}),
        (_("Banner"), {"fields": ["banner_title", "banner_text"]}),
        (
            _("Looks"),
            {
                "fields": ["position", ("background", "foreground"), "accent", "radius", "fonts"],
                "description": _(
                    "Colours are written as #0a5ca8. What is empty follows the page: its style sheet may set it, else "
                    "the banner is light or dark as the page is. Text needs a contrast of at least 4.5 to 1 with its "
                    "background, the accent 3 to 1; without a background, on white and on black."
                ),
            },
        ),
        PLACE,
    ]
    inlines = [WebsiteOriginInline]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("origins")

    @admin.display(description=_("origins"))
    def origin_list(self, website):
        return _lines(origin.origin for origin in website.origins.all())


# -- Versions ------------------------------------------------------------------------------------


class EvidenceAdmin(admin.ModelAdmin):
    """Evidence is read here and changed nowhere, whoever asks."""

    actions = None

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(models.StatementVersion)
class StatementVersionAdmin(EvidenceAdmin):
    list_display = ["__str__", "effective_at", "published_at", "published_by", "summary", "short_digest"]
    search_fields = ["=number", "change_summary_en", "change_summary_nl", "=digest"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "number",
                    "effective_at",
                    "published_at",
                    "published_by",
                    "submitted_by",
                    "approved_by",
                    "approved_at",
                ]
            },
        ),
        (None, {"fields": ["what_changed", "asked_again"]}),
        (_("Pages"), {"fields": ["pages", "pdfs"]}),
        (_("Evidence"), {"fields": ["digest", "previous_digest", "document_file"]}),
        (_("Content as JSON, laid out to be read"), {"classes": ["collapse"], "fields": ["text"]}),
    ]

    def get_queryset(self, request):
        # A document is some hundred thousand characters; the list needs none of them.
        return super().get_queryset(request).defer("document", "review")

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("publish/", wrap(self.publish_view), name="policies_statementversion_publish"),
            *register_views.urls(wrap),
            *history_views.urls(wrap),
            path("publish/link/", wrap(self.link_view), name="policies_statementversion_link"),
            path("review/", wrap(self.review_view), name="policies_statementversion_review"),
            path("review/waive/", wrap(self.waive_view), name="policies_statementversion_waive"),
            path(
                "review/waivers/<int:pk>/withdraw/",
                wrap(self.withdraw_waiver_view),
                name="policies_statementversion_withdraw_waiver",
            ),
            path(
                "publish/preview/<str:language>/<str:page>/",
                wrap(publishing_views.preview),
                name="policies_statementversion_preview",
            ),
            path("<int:pk>/changes/", wrap(self.changes_view), name="policies_statementversion_changes"),
            path("<int:pk>/document.json", wrap(self.document_view), name="policies_statementversion_document"),
            path("<int:pk>/<str:language>.pdf", wrap(self.pdf_view), name="policies_statementversion_pdf"),
            *super().get_urls(),
        ]

    def publish_view(self, request):
        return publishing_views.publish(request, model_admin=self)

    def link_view(self, request):
        return publishing_views.link(request, model_admin=self)

    def review_view(self, request):
        return review_views.review(request, model_admin=self)

    def waive_view(self, request):
        return review_views.waive(request, model_admin=self)

    def withdraw_waiver_view(self, request, pk):
        return review_views.withdraw_waiver(request, pk, model_admin=self)

    def changelist_view(self, request, extra_context=None):
        may_submit = request.user.has_perm(SUBMIT)
        return super().changelist_view(request, {"may_submit": may_submit} | (extra_context or {}))

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """With what the review found when it was published, whatever has become of that since."""
        before = models.StatementVersion.objects.filter(digest=obj.previous_digest).defer("document").first()
        rows = rows_kept(obj.review, completed(parse(obj.document)["content"]), known_to(before))
        found = {
            "rows": [row for row in rows if not row.waiver],
            "waived": [{"row": row} for row in rows if row.waiver],
            "new": [row for row in rows if row.is_new],
            "proposal": models.Proposal.objects.filter(version=obj).defer("content", "review").first(),
        }
        return super().render_change_form(request, context | found, add, change, form_url, obj)

    def changes_view(self, request, pk):
        version = self._version_or_404(request, pk)
        return comparing_views.changes(request, version=version, model_admin=self)

    # -- Files

    def document_view(self, request, pk):
        """The exact text whose SHA-256 is the digest of the version."""
        version = self._version_or_404(request, pk)
        response = HttpResponse(version.document, content_type="application/json; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="statement-{version.number}.json"'
        return response

    def pdf_view(self, request, pk, language):
        """The PDF as it was made when the version was published."""
        version = self._version_or_404(request, pk)
        pdf = version.pdfs.filter(language=language).first()
        if pdf is None:
            raise Http404
        response = HttpResponse(bytes(pdf.body), content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="statement-{version.number}-{language}.pdf"'
        return response

    def _version_or_404(self, request, pk):
        version = self.get_object(request, str(pk))
        if version is None or not self.has_view_permission(request, version):
            raise Http404
        return version

    # -- What is shown

    @admin.display(description=_("what changed"))
    def summary(self, version):
        with_language = {"en": version.change_summary_en, "nl": version.change_summary_nl}
        return _in_both_languages(with_language)

    what_changed = summary

    @admin.display(description="SHA-256")
    def short_digest(self, version):
        return format_html('<code title="{}">{}</code>', version.digest, version.digest[:12])

    @admin.display(description=_("asked again"))
    def asked_again(self, version):
        said = (f"{website}: {', '.join(categories)}" for website, categories in version.asks_again.items())
        return _lines(said) if version.asks_again else _("Nobody: no cookie category changed in substance.")

    @admin.display(description=pgettext_lazy("links", "public pages"))
    def pages(self, version):
        if version.effective_at > timezone.now():
            return _("Not public yet: this version is not in force.")
        links = []
        for language in LANGUAGES:
            with override(language):
                links.append((reverse("version", args=[version.number]), language))
        return _links((url, language, url) for url, language in links)

    @admin.display(description=_("PDFs"))
    def pdfs(self, version):
        return _links(
            (
                reverse("admin:policies_statementversion_pdf", args=[version.pk, pdf.language]),
                pdf.language,
                f"{pdf.language}.pdf · SHA-256 {pdf.digest[:12]}…",
            )
            for pdf in version.pdfs.defer("body").order_by("language")
        )

    @admin.display(description=_("file"))
    def document_file(self, version):
        url = reverse("admin:policies_statementversion_document", args=[version.pk])
        return format_html('<a href="{}">statement-{}.json</a>', url, version.number)

    @admin.display(description=_("content"))
    def text(self, version):
        readable = json.dumps(json.loads(version.document), ensure_ascii=False, indent=1, sort_keys=True)
        return format_html('<pre class="desk-document" tabindex="0">{}</pre>', readable)


@admin.register(models.Proposal)
class ProposalAdmin(EvidenceAdmin):
    """What was handed in: read here, and taken further with the buttons of ``proposal_views``."""

    list_display = ["__str__", "state", "submitted_by", "submitted_at", "approved_by", "effective_at", "version"]
    list_filter = ["state"]
    list_select_related = ["version"]
    search_fields = ["submitted_by", "approved_by", "change_summary_en", "change_summary_nl", "=digest"]
    ACTS = {
        "approve": proposal_views.approve,
        "send_back": proposal_views.send_back,
        "withdraw": proposal_views.withdraw,
        "publish": proposal_views.publish,
        "schedule": proposal_views.schedule,
        "cancel": proposal_views.cancel_schedule,
        "link": proposal_views.link,
    }

    def get_queryset(self, request):
        # As long as a document of a version, and the list needs none of it.
        return super().get_queryset(request).defer("content", "review", "version__document", "version__review")

    def get_urls(self):
        wrap = self.admin_site.admin_view
        acts = [
            path(
                f"<int:pk>/{name.replace('_', '-')}/",
                wrap(partial(view, model_admin=self)),
                name=f"policies_proposal_{name}",
            )
            for name, view in self.ACTS.items()
        ]
        preview = path(
            "<int:pk>/preview/<str:language>/<str:page>/",
            wrap(proposal_views.preview),
            name="policies_proposal_preview",
        )
        return [*acts, preview, *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        proposal = self.get_object(request, object_id)
        if proposal is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST" or not self.has_view_permission(request, proposal):
            raise PermissionDenied
        return proposal_views.show(request, proposal, model_admin=self)


def _links(links):
    """Each of ``(address, language, text)`` as a link on a line of its own."""
    return format_html_join("", '<a class="desk-line" href="{}" hreflang="{}">{}</a>', links)


def _in_both_languages(texts):
    return format_html_join("", '<span class="desk-words" lang="{}">{}</span>', texts.items())
