"""What ``check --deploy`` says beside Django's own: settings that work and should not be kept."""

from django.conf import settings
from django.core.checks import Tags, Warning, register


@register(Tags.security, deploy=True)
def database_is_for_production(app_configs, **kwargs):
    """SQLite has one machine and one writer; a public site deserves more."""
    is_file = settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
    if not (is_file and settings.HTTPS):
        return []
    return [
        Warning(
            "A public site keeps its evidence in SQLite: on one machine, with one writer at a time.",
            hint="Set DATABASE_URL to a PostgreSQL, such as postgres://privacy:password@database:5432/privacy.",
            id="privacy.W001",
        )
    ]
