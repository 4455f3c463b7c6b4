from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RetentionConfig(AppConfig):
    name = "retention"
    verbose_name = _("Retention")

    def ready(self):
        from . import due, nightly, own

        own.register()
        due.register("retention", nightly.enforce_due)
