"""A Django project as ``startproject`` makes it, with django-cookie-consent as its documentation says.

For gunicorn: ``bench.neighbour:application``; ``python -m bench.neighbour`` makes its tables and groups of cookies.
"""

import environ
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from .loading import database

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY=environ.Env()("SECRET_KEY"),
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "cookie_consent",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "cookie_consent.middleware.CleanCookiesMiddleware",
    ],
    DATABASES={"default": database()},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)

application = get_wsgi_application()

from django.urls import include, path  # noqa: E402 - the apps are ready

urlpatterns = [path("cookies/", include("cookie_consent.urls"))]


def install() -> None:
    from cookie_consent.models import CookieGroup

    call_command("migrate", verbosity=0, interactive=False)
    for name in ("analytical", "marketing"):
        CookieGroup.objects.create(varname=name, name=name, is_required=False, is_deletable=True)


if __name__ == "__main__":
    install()
