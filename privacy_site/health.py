"""Whether the process lives, and whether it can serve."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from policies import rendering


@require_safe
@never_cache
def alive(request):
    """200 as long as the process answers; it asks nobody else."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def ready(request):
    """200 when the database answers, is migrated and a statement is in force; else 503 and why."""
    missing = []
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            missing.append("migrations are not applied")
        else:
            rendering.current()
    except rendering.NothingPublished:
        missing.append("no statement is in force")
    except rendering.AWAY:
        missing.append("the database does not answer")
    return JsonResponse(
        {"status": "waiting" if missing else "ready", "missing": missing}, status=503 if missing else 200
    )
