"""A Django project with two views and no middleware: the least that any site costs that gives these answers.

One gives the bytes of a page or says that they are known, one writes a record as it comes: nothing is checked, and
nothing told to whoever asks. For gunicorn: ``bench.bare:application``; BENCH_BODY is the file with the bytes.
"""

import hashlib
import json
import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from .loading import database

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    MIDDLEWARE=[],
    DATABASES={"default": database()},
    USE_TZ=True,
)

from django.db import connection  # noqa: E402 - Django is set up above
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.http import etag  # noqa: E402

BODY = Path(os.environ["BENCH_BODY"]).read_bytes()
TAG = f'"{hashlib.sha256(BODY).hexdigest()}"'
# The columns of ours, into the table of ours.
INSERT = """
INSERT INTO consent_consentrecord (
    id, website, version_id, banner_id, language, gpc, action, choices, vendors, is_once, decided_at
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '{}', false, %s)
"""


@etag(lambda request: TAG)
def page(request):
    return HttpResponse(
        BODY,
        content_type="text/html; charset=utf-8",
        headers={"Content-Encoding": "br", "Content-Length": str(len(BODY))},
    )


def record(request):
    sent = json.loads(request.body)
    choices = json.dumps(sent["choices"])
    names = ("id", "website", "version", "banner", "language", "gpc", "action")
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [*(sent[name] for name in names), choices, sent["decided_at"]])
    return HttpResponse(status=201)


urlpatterns = [path("page/", page), path("record/", record)]
application = get_wsgi_application()
