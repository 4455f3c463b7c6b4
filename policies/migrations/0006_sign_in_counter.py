from django.core.management import call_command
from django.db import migrations

TABLE = "sign_in_counter"


def create(apps, schema_editor):
    """The table of Django's cache in the database, which has no model. A new table locks nothing."""
    call_command("createcachetable", TABLE, database=schema_editor.connection.alias, verbosity=0)


def drop(apps, schema_editor):
    schema_editor.execute(f"DROP TABLE IF EXISTS {schema_editor.quote_name(TABLE)}")


class Migration(migrations.Migration):
    dependencies = [("policies", "0005_shows_last_kept")]
    operations = [migrations.RunPython(create, drop)]
