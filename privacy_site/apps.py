from django.contrib.admin.apps import AdminConfig


class PrivacyAdminConfig(AdminConfig):
    default_site = "privacy_site.admin_site.PrivacyAdminSite"

    def ready(self):
        super().ready()
        # When every app has said what it has for the desk.
        from . import checks  # noqa: F401 - registers them
        from .sign_in_admin import arrange

        arrange()
