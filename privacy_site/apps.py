from django.contrib.admin.apps import AdminConfig


class PrivacyAdminConfig(AdminConfig):
    default_site = "privacy_site.admin_site.PrivacyAdminSite"
