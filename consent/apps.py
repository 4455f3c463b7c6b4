from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsentConfig(AppConfig):
    name = "consent"
    verbose_name = _("Consent")

    def ready(self):
        from policies import rendering
        from retention import due
        from retention.figures import register

        from . import counting, evidence, figures, kept, partitions, sealing

        rendering.warmers.append(evidence.warm)
        due.register("statistics", counting.count)
        due.register("seals", sealing.seal_closed_days)
        due.register("partitions", partitions.make_ahead)
        register(figures.looked_up)
        register(partitions.looked_up)
        kept.register()
