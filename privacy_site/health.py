"""Whether the process lives, and whether it can serve.

What is missing is told by a fixed sentence each. Of the keys a process that serves needs SECRET_KEY alone, without
which it does not start; the one that signs seals belongs to the scheduler, and ``/metrics`` tells when that lost it.
"""

import gettext
from functools import cache

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.cache import caches
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from policies import rendering

# Whoever asks more often gets the same answer: it costs two questions to the database.
REMEMBERED_SECONDS = 2


@require_safe
@never_cache
def alive(request):
    """200 as long as the process answers; it asks nobody else."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def ready(request):
    """200 when nothing is missing that a page or a choice needs; else 503 and what it is."""
    missing = caches["memory"].get_or_set("ready", find_missing, REMEMBERED_SECONDS)
    return JsonResponse(
        {"status": "waiting" if missing else "ready", "missing": missing}, status=503 if missing else 200
    )


def find_missing():
    """What is missing, a sentence each."""
    missing = []
    if isinstance(staticfiles_storage, ManifestFilesMixin) and not staticfiles_storage.hashed_files:
        missing.append("static files are not collected")
    if not gettext.find("django", str(settings.LOCALE_PATHS[0]), ["nl"]):
        missing.append("translations are not compiled")
    # The watcher has just asked, and threads that wait for the database serve no pages.
    if rendering.database_is_away():
        return [*missing, "the database does not answer"]
    try:
        if not last_migrations() <= MigrationRecorder(connection).applied_migrations().keys():
            missing.append("migrations are not applied")
        else:
            rendering.current()
    except rendering.NothingPublished:
        missing.append("no statement is in force")
    except rendering.AWAY:
        missing.append("the database does not answer")
    return missing


@cache
def last_migrations():
    """The last of each app, which is applied after all others; read from the disk once."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())
