"""All addresses: pages under their language, machines and staff without."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

import consent.urls
import policies.urls

from . import health

urlpatterns = [
    *policies.urls.machines,
    *consent.urls.machines,
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    # The language of the desk is a choice of staff; its cookie reaches no other address.
    path("admin/language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
    *i18n_patterns(path("", include([*policies.urls.pages, *consent.urls.pages]))),
]

handler400 = "privacy_site.errors.bad_request"
handler403 = "privacy_site.errors.permission_denied"
handler404 = "privacy_site.errors.not_found"
handler500 = "privacy_site.errors.server_error"
