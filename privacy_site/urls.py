"""All addresses: pages under their language, machines and staff without."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

import consent.urls
import policies.urls

from . import health, metrics


def public(patterns):
    """``patterns`` of what needs no account: no cookie gives authority there, so no request can be forged.

    Also, whoever uses a method that is not allowed is told so, instead of being asked for a token.
    """
    for pattern in patterns:
        pattern.callback = csrf_exempt(pattern.callback)
    return patterns


urlpatterns = [
    *public(policies.urls.machines),
    *public(consent.urls.machines),
    *public(
        [
            path("healthz", health.alive, name="healthz"),
            path("readyz", health.ready, name="readyz"),
            path("metrics", metrics.metrics, name="metrics"),
        ]
    ),
    # The language of the desk is a choice of staff; its cookie reaches no other address.
    path("admin/language/", set_language, name="set_language"),
    path("admin/account/", include("privacy_site.sign_in_urls")),
    path("admin/", admin.site.urls),
    *i18n_patterns(path("", include(public([*policies.urls.pages, *consent.urls.pages])))),
]

handler400 = "privacy_site.errors.bad_request"
handler403 = "privacy_site.errors.permission_denied"
handler404 = "privacy_site.errors.not_found"
# Called by django-allauth, whose limits these are.
handler429 = "privacy_site.errors.too_many_requests"
handler500 = "privacy_site.errors.server_error"
