from django.db import migrations

from retention.append_only import make_append_only


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial")]

    operations = [
        make_append_only("policies_statementversion", unique=["id", "number", "digest"]),
        make_append_only("policies_statementpdf", unique=["id"]),
    ]
