"""The desk of the compliance staff: Django's admin under its own name, in the order of the work."""

from django.contrib.admin import AdminSite
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# What belongs together for whoever edits; what is not named here keeps Django's own place.
GROUPS = [
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
        ["retention.RetentionRule", "retention.Trigger", "retention.StatutoryException"],
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
        "evidence",
        pgettext_lazy("heading", "Evidence"),
        ["policies.StatementVersion", "consent.ConsentRecord", "consent.Banner"],
    ),
]


class PrivacyAdminSite(AdminSite):
    site_header = _("Privacy desk")
    site_title = _("Privacy desk")
    index_title = _("What do you want to do?")
    site_url = "/"
    enable_nav_sidebar = True

    def get_app_list(self, request, app_label=None):
        """Models by subject instead of by app, wherever all of them are listed."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = {entry["model"]._meta.label: entry for app in apps for entry in app["models"]}
        groups = []
        for key, name, labels in GROUPS:
            members = [models.pop(label) for label in labels if label in models]
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
