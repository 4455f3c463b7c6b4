"""A Django project with three views and no middleware: the least that any site costs that gives these answers.

One gives the bytes of a page, one says that they are known already, one writes a record as it comes: nothing is
checked, nothing is told to whoever asks. For gunicorn: ``bench.bare:application``, with BENCH_BODY the file of the bytes.
"""

import json
import os
from pathlib import Path

import environ
from django.conf import settings
from django.core.wsgi import get_wsgi_application

DATABASE = environ.Env().db(default="sqlite://:memory:")
if DATABASE["ENGINE"].endswith("postgresql"):
    # As ours is connected.
    DATABASE["OPTIONS"] = {"pool": {"min_size": 1, "max_size": int(os.environ.get("DATABASE_POOL_SIZE", "10"))}}

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    MIDDLEWARE=[],
    DATABASES={"default": DATABASE},
    USE_TZ=True,
)

from django.db import connection  # noqa: E402 - Django is set up above
from django.http import HttpResponse, HttpResponseNotModified  # noqa: E402
from django.urls import path  # noqa: E402

BODY = Path(os.environ["BENCH_BODY"]).read_bytes()
# The columns of ours, into the table of ours.
INSERT = """
INSERT INTO consent_consentrecord (
    id, website, version_id, banner_id, language, gpc, action, choices, vendors, is_once, decided_at
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '{}', false, %s)
"""


def page(request):
    return HttpResponse(
        BODY,
        content_type="text/html; charset=utf-8",
        headers={"Content-Encoding": "br", "Content-Length": str(len(BODY))},
    )


def known(request):
    return HttpResponseNotModified()


def record(request):
    sent = json.loads(request.body)
    choices = json.dumps(sent["choices"])
    names = ("id", "website", "version", "banner", "language", "gpc", "action")
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [*(sent[name] for name in names), choices, sent["decided_at"]])
    return HttpResponse(status=201)


urlpatterns = [path("page/", page), path("known/", known), path("record/", record)]
application = get_wsgi_application()
