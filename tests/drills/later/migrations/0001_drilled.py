from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("consent", "0006_seal_purge")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE consent_consentrecord ADD COLUMN drilled varchar(20) NULL",
            "ALTER TABLE consent_consentrecord DROP COLUMN drilled",
        )
    ]
