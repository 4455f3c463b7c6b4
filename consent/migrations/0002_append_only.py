from django.db import migrations

from retention.append_only import make_append_only


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial")]

    operations = [
        make_append_only("consent_banner", unique=["digest"], repeatable=True),
        make_append_only("consent_consentrecord", unique=["id"], repeatable=True),
    ]
