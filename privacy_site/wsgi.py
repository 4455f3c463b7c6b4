"""The application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privacy_site.settings")

application = get_wsgi_application()

# The apps must be ready before their modules are imported.
from policies import rendering  # noqa: E402
from privacy_site import metrics  # noqa: E402

rendering.rounds.append(metrics.tell_of_process)
rendering.keep_watching()
