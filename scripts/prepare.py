"""Bring the database up to date and fill an empty one: ``make serve``, before it serves.

One process for both commands, because each start of Django takes a second. Deployments run
``manage.py migrate`` by itself (docs/operator.md).
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privacy_site.settings")
    (ROOT / "var").mkdir(exist_ok=True)

    import django
    from django.core.management import call_command
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    try:
        connection.ensure_connection()
    except OperationalError as error:
        sys.exit(f"The database of DATABASE_URL does not answer: {error}")
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print("Preparing the database", flush=True)
        call_command("migrate", verbosity=0, interactive=False)
    call_command("first_install")


if __name__ == "__main__":
    main()
