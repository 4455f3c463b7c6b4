from django.contrib.admin.apps import AdminConfig
from django.core.cache import close_caches
from django.core.signals import request_finished


class PrivacyAdminConfig(AdminConfig):
    default_site = "privacy_site.admin_site.PrivacyAdminSite"

    def ready(self):
        super().ready()
        # After each request Django looks for caches to close. Neither of ours holds anything open, and to find that
        # out takes a twentieth of the time in which a choice is recorded.
        request_finished.disconnect(close_caches)
        # When every app has said what it has for the desk.
        from . import checks  # noqa: F401 - registers them
        from .sign_in_admin import arrange

        arrange()
