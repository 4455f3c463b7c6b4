from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PoliciesConfig(AppConfig):
    name = "policies"
    verbose_name = _("Statement")

    def ready(self):
        from retention import due, promises
        from retention.figures import register

        from . import figures
        from .groups import keep_groups
        from .promising import promises_in_force
        from .workflow import publish_due

        due.register("publication", publish_due)
        promises.register(promises_in_force)
        register(figures.looked_up)
        post_migrate.connect(keep_groups, dispatch_uid="policies.groups")
