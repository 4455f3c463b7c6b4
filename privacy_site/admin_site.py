"""The desk of the compliance staff: Django's admin under its own name."""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class PrivacyAdminSite(AdminSite):
    site_header = _("Privacy desk")
    site_title = _("Privacy desk")
    index_title = _("What do you want to do?")
    site_url = "/"
    enable_nav_sidebar = True
