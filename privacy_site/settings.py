"""Settings from the environment alone; ``.env.example`` has a sentence on each variable.

Nothing set means production: what is missing or weak stops the start and says what to do.
"""

import base64
import binascii
import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.FileAwareEnv()  # SECRET_KEY_FILE=/run/secrets/… wins over SECRET_KEY
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)


def is_loopback(host):
    """Whether ``host`` can only be this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# -- Where the site is ---------------------------------------------------------------------

PUBLIC_URL = env("PUBLIC_URL", default="").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if not _public.hostname or _public.scheme not in {"http", "https"} or _public.path:
    raise ImproperlyConfigured(
        "Set PUBLIC_URL to the address that visitors type, such as https://privacy.example.nl, "
        f"without a path; it is {PUBLIC_URL!r}."
    )
HTTPS = _public.scheme == "https"
if not HTTPS and not is_loopback(_public.hostname):
    raise ImproperlyConfigured(
        f"PUBLIC_URL {PUBLIC_URL} is not encrypted. Give an https address; plain http is for "
        "trying things out on 127.0.0.1 or localhost."
    )
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", default=[_public.hostname])]
# Whose X-Forwarded-* headers are believed: addresses or networks of the reverse proxies. A site
# that only this machine can reach believes the proxies of this machine.
_proxies = env.list("TRUSTED_PROXIES", default=[] if HTTPS else ["127.0.0.0/8", "::1"])
try:
    TRUSTED_PROXIES = [ipaddress.ip_network(item.strip()) for item in _proxies]
except ValueError as error:
    raise ImproperlyConfigured(f"TRUSTED_PROXIES holds addresses or networks such as 10.0.0.0/8: {error}.") from error

# -- Secrets -------------------------------------------------------------------------------

SECRET_KEY = env("SECRET_KEY", default="").strip()
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5:
    raise ImproperlyConfigured(
        "Set SECRET_KEY (or SECRET_KEY_FILE, a file that holds it) to at least 50 random "
        'characters, for instance from: python -c "import secrets; print(secrets.token_urlsafe(50))"'
    )
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# -- What it is made of --------------------------------------------------------------------

INSTALLED_APPS = [
    "retention",
    "policies",
    "consent",
    "modeltranslation",  # before the admin, whose forms it extends
    "privacy_site.apps.PrivacyAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "simple_history",
    "csp",
]

MIDDLEWARE = [
    "privacy_site.middleware.ForwardedMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "privacy_site.middleware.DeskSessionMiddleware",
    "privacy_site.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "privacy_site.middleware.DeskAuthenticationMiddleware",
    "privacy_site.middleware.DeskMessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "privacy_site.urls"
WSGI_APPLICATION = "privacy_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- Data ----------------------------------------------------------------------------------

DATABASES = {"default": env.db(default=f"sqlite:///{VAR_DIR / 'privacy.sqlite3'}")}
_database = DATABASES["default"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        # Writers take their turn at the start of a transaction instead of failing in its middle.
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        # An acknowledged choice survives a crash: WAL for readers beside a writer, FULL so
        # that a commit is on the disk before it is reported.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
elif _database["ENGINE"] == "django.db.backends.postgresql":
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "connect_timeout": 3,
        "pool": {
            "min_size": 1,
            "max_size": env.int("DATABASE_POOL_SIZE", default=10),  # one per thread, and the watcher's
            "timeout": 3,
            # By default the pool waits longer the longer the database was away.
            "reconnect_timeout": 5,
        },
    }
else:
    raise ImproperlyConfigured("DATABASE_URL names neither PostgreSQL (postgres://…) nor SQLite (sqlite:///…).")


def database_of_others(variable):
    """The connection that ``variable`` names: not ours, so nothing is made or set in it beyond the session."""
    try:
        database = env.db(variable)
    except (ValueError, ImproperlyConfigured):  # neither is repeated, for there may be a password in it
        database = {}
    options = database.get("OPTIONS", {})
    match database.get("ENGINE", "").rpartition(".")[2]:
        case "postgresql":
            options |= {"connect_timeout": 5}
        case "mysql":
            # A stand-in for mysqlclient, which Django's back end asks for by name.
            import pymysql

            pymysql.install_as_MySQLdb()
            options |= {
                "connect_timeout": 5,
                "read_timeout": 300,
                "write_timeout": 300,
                "isolation_level": "read committed",
                # Nothing is cut off or rounded to fit in silence; moments of the type TIMESTAMP come in UTC.
                "init_command": "SET SESSION sql_mode = 'TRADITIONAL', SESSION time_zone = '+00:00'",
            }
        case "sqlite3" if database["NAME"] not in {"", ":memory:"}:
            # Opened, never made: a file that is not there is a mistake in the path.
            database["NAME"] = f"file:{quote(str(database['NAME']))}?mode=rw"
            options |= {"timeout": 10}
        case _:
            raise ImproperlyConfigured(
                f"{variable} names none of PostgreSQL (postgres://…), MySQL or MariaDB (mysql://…) and "
                "a file of SQLite (sqlite:////path/to/file)."
            )
    return database | {"OPTIONS": options, "CONN_MAX_AGE": 0}


# Databases of others, in which data is kept to what the statement promises: DATABASE_URL_HR is "hr".
for _variable in sorted({name.removesuffix("_FILE") for name in os.environ if name.startswith("DATABASE_URL_")}):
    if _variable == "DATABASE_URL":
        continue  # its own DATABASE_URL_FILE
    _name = _variable.removeprefix("DATABASE_URL_")
    if not re.fullmatch(r"[A-Z0-9_]{1,40}", _name) or _name == "DEFAULT":
        raise ImproperlyConfigured(
            f"Rename {_variable}: behind DATABASE_URL_ comes a name of at most 40 capitals, digits and "
            "underscores, such as DATABASE_URL_HR, and not DEFAULT."
        )
    DATABASES[_name.lower()] = database_of_others(_variable)
DATABASE_ROUTERS = ["retention.routing.OnlyOurOwn"]

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # Counters of addresses that recorded in the last minute; beyond it the oldest are dropped.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# -- Languages and time --------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("nl", _("Dutch"))]  # this order is that of the fields in the admin
LOCALE_PATHS = [BASE_DIR / "locale"]
# The language that staff choose is theirs alone: visitors have it in the address.
LANGUAGE_COOKIE_PATH = "/admin/"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"
MODELTRANSLATION_LANGUAGES = ("en", "nl")
MODELTRANSLATION_DEFAULT_LANGUAGE = "en"
MODELTRANSLATION_FALLBACK_LANGUAGES = ()  # a missing text is a fact to show, never quietly English
FORMAT_MODULE_PATH = ["privacy_site.formats"]
TIME_ZONE = "Europe/Amsterdam"
USE_TZ = True

# -- Files ---------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env("STATIC_ROOT", default=str(VAR_DIR / "static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # nothing is uploaded
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# -- Security ------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = 63_072_000  # two years; sent over TLS only
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_SUBDOMAINS", default=False)
# Not "no-referrer": with that, browsers send "Origin: null" with the preferences form.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
SESSION_COOKIE_AGE = 60 * 60 * 10  # a long working day
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
PERMISSIONS_POLICY = {
    name: []
    for name in (
        "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope",
        "microphone", "payment", "usb",
    )
}  # fmt: skip

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"] = {"min_length": 12}
LOGIN_URL = "admin:login"
CSRF_FAILURE_VIEW = "privacy_site.errors.csrf_failure"

# -- Our own ---------------------------------------------------------------------------------

# Whoever submits a statement cannot approve it, and nothing is published that nobody approved.
FOUR_EYES = env.bool("FOUR_EYES", default=True)
# How often a process asks the database whether a newer version is in force; 0: never by itself.
PUBLICATION_POLL_SECONDS = env.float("PUBLICATION_POLL_SECONDS", default=2.0)
# Choices that one address may record in a minute.
CONSENT_RATE_LIMIT = env.int("CONSENT_RATE_LIMIT", default=30)
# Further origins that may record choices, for trying the banner out on this machine.
DEMO_ORIGINS = [origin.strip() for origin in env.list("DEMO_ORIGINS", default=[])]
for _origin in DEMO_ORIGINS:
    if not re.fullmatch(r"https?://[^/]+", _origin) or not is_loopback(urlsplit(_origin).hostname or ""):
        raise ImproperlyConfigured(
            f"DEMO_ORIGINS is for this machine alone, such as http://127.0.0.1:8001; it holds {_origin!r}. "
            "Real web sites are registered in the admin."
        )
# Where a finder of a weakness writes to (RFC 9116); without it there is no security.txt.
SECURITY_CONTACT = env("SECURITY_CONTACT", default="")

# The private key (Ed25519) with which closed days of consent records are signed; without it they are sealed only.
try:
    SEAL_SIGNING_KEY = base64.b64decode(env("SEAL_SIGNING_KEY", default="").strip(), validate=True) or None
except binascii.Error as error:
    raise ImproperlyConfigured(f"SEAL_SIGNING_KEY is not base64: {error}.") from error
if SEAL_SIGNING_KEY is not None and len(SEAL_SIGNING_KEY) != 32:
    raise ImproperlyConfigured(
        "SEAL_SIGNING_KEY holds 32 random bytes in base64, for instance from: "
        'python -c "import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())"'
    )

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}

SILENCED_SYSTEM_CHECKS = [
    # Sub-domains and preload concern more than this site; HSTS_SUBDOMAINS switches them on.
    "security.W005",
    "security.W021",
]
