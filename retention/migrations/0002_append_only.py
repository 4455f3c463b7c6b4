from django.db import migrations

from retention.append_only import make_append_only


class Migration(migrations.Migration):
    dependencies = [("retention", "0001_initial")]

    operations = [
        make_append_only("retention_retentionrun", unique=["id"]),
    ]
