"""The desk of the compliance staff: Django's admin under its own name, in the order of the work."""

from dataclasses import dataclass
from functools import partial

from django.contrib.admin import AdminSite
from django.http import HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from consent import statistics_views
from consent.chart import KINDS
from policies import history_views
from retention import coverage_views, reckoning_views

from . import dashboard


@dataclass(frozen=True)
class Page:
    """A page of the desk that is no list of rows, for those who have ``permission``."""

    key: str
    name: Promise
    url_name: str
    permission: str

    def entry(self):
        """As Django lists a model."""
        return {
            "name": self.name,
            "object_name": self.key,
            "perms": {"view": True},
            "admin_url": reverse(f"admin:{self.url_name}"),
            "add_url": None,
            "view_only": True,
        }


# What belongs together for whoever edits; a model that is not named here keeps Django's own place.
GROUPS = [
    (
        "publication",
        _("Review and publish"),
        [
            Page(
                "review",
                _("What the review says"),
                "policies_statementversion_review",
                "policies.view_statementversion",
            ),
            Page("draft", _("The draft"), "policies_statementversion_publish", "policies.submit_statement"),
            "policies.Proposal",
            "policies.StatementVersion",
        ],
    ),
    (
        "processing",
        _("Processing"),
        [
            "policies.ProcessingPurpose",
            "policies.DataCategory",
            "policies.DataSubjectCategory",
            "policies.Recipient",
            "policies.SharingGround",
            "policies.Transfer",
            "policies.TransferSafeguard",
        ],
    ),
    (
        "keeping",
        _("How long"),
        [
            "retention.RetentionRule",
            "retention.Trigger",
            "retention.StatutoryException",
            "retention.DeclaredTarget",
            "retention.LegalHold",
            Page("retention-coverage", _("Coverage"), "retention_coverage", coverage_views.PERMISSION),
            Page(
                "retention-calculator",
                _("When does data have to go?"),
                "retention_calculator",
                reckoning_views.CALCULATOR_PERMISSION,
            ),
            Page(
                "retention-calendar",
                _("Calendar of what ends"),
                "retention_calendar",
                reckoning_views.CALENDAR_PERMISSION,
            ),
        ],
    ),
    (
        "cookies",
        _("Cookies and web sites"),
        ["policies.CookieVendor", "policies.CookieCategory", "policies.VendorSafeguard", "policies.Website"],
    ),
    (
        "texts",
        _("Texts of the statement"),
        [
            "policies.Controller",
            "policies.Section",
            "policies.DataSubjectRight",
            "policies.Principle",
            "policies.SecurityMeasure",
            "policies.ServiceLevel",
        ],
    ),
    (
        "registers",
        _("Registers and figures"),
        [
            Page(
                "register",
                _("Register of processing activities"),
                "policies_statementversion_register",
                "policies.view_processingpurpose",
            ),
            Page(
                "content-history",
                _("History of the content"),
                "policies_statementversion_history",
                history_views.PERMISSION,
            ),
            Page("statistics", _("Statistics of consent"), "consent_statistics", statistics_views.PERMISSION),
        ],
    ),
    (
        "evidence",
        pgettext_lazy("heading", "Evidence"),
        [
            "consent.ConsentRecord",
            "consent.Banner",
            "consent.SealedDay",
            "consent.RecordPurge",
            "consent.SealPurge",
            "retention.RetentionRun",
            "retention.RunUnderWay",
        ],
    ),
]


class PrivacyAdminSite(AdminSite):
    site_header = _("Privacy desk")
    site_title = _("Privacy desk")
    index_title = _("Overview")
    site_url = "/"
    enable_nav_sidebar = True

    def get_urls(self):
        def page(view):
            return self.admin_view(partial(view, admin_site=self))

        return [
            path("consent/statistics/", page(statistics_views.page), name="consent_statistics"),
            path("consent/statistics.csv", page(statistics_views.export), name="consent_statistics_csv"),
            path("retention/coverage/", page(coverage_views.page), name="retention_coverage"),
            path("retention/calculator/", page(reckoning_views.calculator), name="retention_calculator"),
            path("retention/calendar/", page(reckoning_views.calendar), name="retention_calendar"),
            *super().get_urls(),
        ]

    def login(self, request, extra_context=None):
        """Where whoever is not signed in is sent; what comes behind ``next`` is looked at there."""
        onward = {"next": request.GET["next"]} if "next" in request.GET else None
        return HttpResponseRedirect(reverse("account_login", query=onward))

    def password_change(self, request, extra_context=None):
        return HttpResponseRedirect(reverse("account_change_password"))

    def index(self, request, extra_context=None):
        """What needs attention, what is in force and how visitors answer, above what there is to edit."""
        desk = dashboard.Desk(request.user, timezone.now())
        context = {
            "attention": dashboard.attention(desk),
            "version": dashboard.in_force(desk),
            "recent": dashboard.recent(desk),
            "kinds": KINDS,
        }
        return super().index(request, context | (extra_context or {}))

    def get_app_list(self, request, app_label=None):
        """Models and pages by subject instead of by app, wherever all of them are listed."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = {entry["model"]._meta.label: entry for app in apps for entry in app["models"]}
        groups = []
        for key, name, listed in GROUPS:
            members = [entry for item in listed if (entry := _entry(item, models, request.user))]
            if members:
                groups.append(
                    {
                        "name": name,
                        "app_label": key,
                        "app_url": reverse("admin:index", current_app=self.name) + f"#{key}",
                        "has_module_perms": True,
                        "models": members,
                    }
                )
        for app in apps:
            if rest := [entry for entry in app["models"] if entry in models.values()]:
                groups.append(app | {"models": rest})
        return groups


def _entry(item, models, user):
    """What to list for a page, or a model, which is taken out of ``models``; None where it may not be seen."""
    if isinstance(item, Page):
        return item.entry() if user.has_perm(item.permission) else None
    return models.pop(item, None)
