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
if DEBUG and not is_loopback(_public.hostname):
    raise ImproperlyConfigured(
        f"DEBUG shows source and settings to whoever causes an error; {PUBLIC_URL} is not on this machine. Remove it."
    )
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", default=[_public.hostname])]
if any(host.strip(".") in {"", "*"} for host in ALLOWED_HOSTS):
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS holds names such as privacy.example.nl, or .example.nl for all below it; an asterisk would "
        "let anybody have us answer under a name of theirs."
    )
# Whose X-Forwarded-* headers are believed: addresses or networks of the reverse proxies. A site
# that only this machine can reach believes the proxies of this machine.
_proxies = env.list("TRUSTED_PROXIES", default=[] if HTTPS else ["127.0.0.0/8", "::1"])
try:
    TRUSTED_PROXIES = [ipaddress.ip_network(item.strip()) for item in _proxies]
except ValueError as error:
    raise ImproperlyConfigured(f"TRUSTED_PROXIES holds addresses or networks such as 10.0.0.0/8: {error}.") from error
if any(network.prefixlen == 0 for network in TRUSTED_PROXIES):
    raise ImproperlyConfigured(
        "TRUSTED_PROXIES trusts the whole world, so that every visitor could choose an address. Name your proxies, "
        "such as 10.0.0.0/8."
    )

# -- Secrets -------------------------------------------------------------------------------


def is_weak(key):
    """Whether ``key`` is short, repetitive or from Django's own template."""
    return len(key) < 50 or len(set(key)) < 5 or key.startswith("django-insecure-")


SECRET_KEY = env("SECRET_KEY", default="").strip()
if is_weak(SECRET_KEY):
    raise ImproperlyConfigured(
        "Set SECRET_KEY (or SECRET_KEY_FILE, a file that holds it) to at least 50 random "
        'characters, for instance from: python -c "import secrets; print(secrets.token_urlsafe(50))"'
    )
SECRET_KEY_FALLBACKS = [key.strip() for key in env.list("SECRET_KEY_FALLBACKS", default=[])]
if any(is_weak(key) for key in SECRET_KEY_FALLBACKS):
    raise ImproperlyConfigured(
        "SECRET_KEY_FALLBACKS opens as much as SECRET_KEY does: each key in it has at least 50 random characters. "
        "Remove what is weaker; whoever is signed in by it signs in again."
    )

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
    # Signing in of staff. Not "allauth" itself: with it would come pages and sentences that are not ours.
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]

MIDDLEWARE = [
    "privacy_site.observing.ObservedMiddleware",
    "privacy_site.middleware.ForwardedMiddleware",
    # Before all that a published page does not need, and a choice.
    "privacy_site.published.PublishedMiddleware",
    "privacy_site.recorded.RecordedMiddleware",
    # Headers first, so that an answer has them that a later one refuses or gives by itself.
    "privacy_site.headers.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "privacy_site.middleware.DeskSessionMiddleware",
    "privacy_site.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "privacy_site.middleware.DeskAuthenticationMiddleware",
    "privacy_site.middleware.DeskMessageMiddleware",
    "privacy_site.middleware.desk_history_middleware",
    "allauth.account.middleware.AccountMiddleware",
    "privacy_site.sign_in_guard.GuardMiddleware",
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


def our_database(variable, url):
    """The connection to a database of ours that ``url`` names. A refusal repeats nothing of it but the variable."""
    is_known = url.partition("://")[0] in {"postgres", "postgresql", "sqlite"}
    try:
        database = env.db_url_config(url) if is_known else {}
    except ValueError:  # not repeated, for there may be a password in it
        database = {}
    if not database:
        raise ImproperlyConfigured(
            f"{variable} names neither PostgreSQL (postgres://…) nor SQLite (sqlite:///…). In user and password, "
            "characters such as / # @ : are written as %2F %23 %40 %3A."
        )
    if "," in (database.get("HOST") or ""):
        several_servers(variable, database)
    return database


def several_servers(variable, database):
    """Let ``database`` have its hosts and ports as libpq wants them: the first that takes writes is used."""
    hosts, ports = database["HOST"].split(","), str(database["PORT"]).split(",")
    if not all(re.fullmatch(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]", host) for host in hosts) or (
        database["PORT"] and len(ports) != len(hosts)
    ):
        raise ImproperlyConfigured(
            f"{variable} names several servers: give each of them its port or none, as in "
            "postgres://user:password@one.example:5432,two.example:5432/name."
        )
    database["HOST"] = ",".join(host.strip("[]") for host in hosts)
    database["PORT"] = ",".join(ports)


def session_of(database, **more):
    """What holds for each connection to our PostgreSQL; the address may say otherwise behind its ``?``."""
    options = dict(database.get("OPTIONS", {}))
    # For a pooler that knows neither.
    options |= {name: None for name in ("options", "prepare_threshold") if options.get(name) == "none"}
    return {
        "connect_timeout": 3,
        # A server that is lost without a word is noticed by the silence, in some ten seconds.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        # What is sent apart from its values is prepared at once: the statement that records a choice.
        "prepare_threshold": 0,
        # Whoever waits for a lock keeps others waiting: a choice that was refused is sent again.
        "options": "-c lock_timeout=5s",
        **more,
        **options,
    }


_url = env("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'privacy.sqlite3'}")
DATABASES = {"default": our_database("DATABASE_URL", _url)}
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
else:
    # Of several servers, the one that takes choices: a standby answers too, and refuses every one of them.
    _writing = {"target_session_attrs": "read-write"} if "," in _database["HOST"] else {}
    _threads = int(env("WEB_THREADS", default="") or 4)  # as in gunicorn.conf.py
    _connections = env.int("DATABASE_POOL_SIZE", default=max(_threads - 1, 1))
    if _connections < 1:
        raise ImproperlyConfigured(
            f"DATABASE_POOL_SIZE is a whole number above 0, the connections of a process; it is {_connections}."
        )
    if _connections >= max(_threads, 2):
        raise ImproperlyConfigured(
            f"DATABASE_POOL_SIZE ({_connections}) has to be less than WEB_THREADS ({_threads}): else no thread is left "
            f"for pages while the database stands still. Leave it out, and it is one less."
        )
    _database["OPTIONS"] = {
        **session_of(_database, **_writing),
        "pool": {
            "min_size": 1,
            # Fewer than a process has threads: where every connection waits for the database, it is not
            # all threads that wait with them, and the watcher that finds none says that the database is away.
            "max_size": _connections,
            "timeout": 3,
            # By default the pool waits longer the longer the database was away.
            "reconnect_timeout": 5,
        },
    }

# A standby of our own database, for what reads much and need not wait for anybody: exports and statistics. No
# database of others can have this name.
if _url := env("DATABASE_REPLICA_URL", default=""):
    DATABASES["read-replica"] = _replica = our_database("DATABASE_REPLICA_URL", _url)
    if _replica["ENGINE"] != _database["ENGINE"] or _database["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_REPLICA_URL is for a standby of the PostgreSQL that DATABASE_URL names.")
    _replica["OPTIONS"] = session_of(_replica, target_session_attrs="standby")
    _replica["TEST"] = {"MIRROR": "default"}


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
    # Counts attempts to sign in, for all processes and machines together. Only who is at the desk ever uses it.
    "default": {
        "BACKEND": "privacy_site.sign_in_counters.SharedCounters",
        "LOCATION": "sign_in_counter",
        "KEY_FUNCTION": "privacy_site.sign_in_counters.keyed_hash",
        # Far beyond what one could fill to push the count of an account out.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
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
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = 63_072_000  # two years; sent over TLS only
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_SUBDOMAINS", default=False)
# Not "no-referrer": with that, browsers send "Origin: null" with the preferences form.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
# The longest text of staff; privacy_site/serving.py takes in no more either. A choice is held to 16 kB by its view.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 0  # nothing is uploaded

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
CSRF_FAILURE_VIEW = "privacy_site.errors.csrf_failure"

# -- Signing in ----------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["privacy_site.sign_in.StaffBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
ACCOUNT_ADAPTER = "privacy_site.sign_in.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "privacy_site.sign_in_forms.SignInForm",
    "reauthenticate": "privacy_site.sign_in_forms.PasswordAgainForm",
    "change_password": "privacy_site.sign_in_forms.ChangePasswordForm",
}
ACCOUNT_EMAIL_VERIFICATION = "none"  # no mail is ever sent
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,30/h/ip,5/5m/key"}
ACCOUNT_SESSION_REMEMBER = False
MFA_ADAPTER = "privacy_site.sign_in.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "privacy_site.sign_in_forms.CodeForm",
    "reauthenticate": "privacy_site.sign_in_forms.CodeAgainForm",
    "activate_totp": "privacy_site.sign_in_forms.ActivateAppForm",
    "add_webauthn": "privacy_site.sign_in_forms.AddPasskeyForm",
    "authenticate_webauthn": "privacy_site.sign_in_forms.PasskeyForm",
    "reauthenticate_webauthn": "privacy_site.sign_in_forms.PasskeyAgainForm",
    "login_webauthn": "privacy_site.sign_in_forms.PasskeyAloneForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # clocks of telephones: a code holds half a minute longer
SOCIALACCOUNT_ADAPTER = "privacy_site.sign_in.ProviderAdapter"
SOCIALACCOUNT_STORE_TOKENS = False

# Whoever has no second factor sets one up before any other page of the desk opens.
SECOND_FACTOR = env.bool("SECOND_FACTOR", default=HTTPS)
# A password or a factor that was given so many minutes ago is good for publishing.
STEP_UP_MINUTES = env.int("STEP_UP_MINUTES", default=15)
ACCOUNT_REAUTHENTICATION_TIMEOUT = STEP_UP_MINUTES * 60
# A session ends after so many minutes in which nothing was asked, and after so many hours whatever was asked.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=60)
SESSION_HOURS = env.int("SESSION_HOURS", default=10)
if min(STEP_UP_MINUTES, SESSION_IDLE_MINUTES, SESSION_HOURS) < 1:
    raise ImproperlyConfigured("STEP_UP_MINUTES, SESSION_IDLE_MINUTES and SESSION_HOURS are whole numbers above 0.")
SESSION_COOKIE_AGE = SESSION_IDLE_MINUTES * 60  # counted anew while somebody works; see sign_in_guard
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# The company's identity provider, by OpenID Connect.
OIDC_ISSUER = env("OIDC_ISSUER", default="").strip().rstrip("/")
_oidc_client = {
    "client_id": env("OIDC_CLIENT_ID", default="").strip(),
    "secret": env("OIDC_CLIENT_SECRET", default="").strip(),
}
if any([OIDC_ISSUER, *_oidc_client.values()]) and not all([OIDC_ISSUER, *_oidc_client.values()]):
    raise ImproperlyConfigured(
        "Set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET (or OIDC_CLIENT_SECRET_FILE) together, or none of "
        "them: the identity provider gives you all three."
    )
_issuer = urlsplit(OIDC_ISSUER)
if OIDC_ISSUER and _issuer.scheme != "https" and not (_issuer.scheme == "http" and is_loopback(_issuer.hostname or "")):
    raise ImproperlyConfigured(
        f"OIDC_ISSUER is an https address, such as https://login.example.nl/realms/staff; it is {OIDC_ISSUER!r}."
    )
OIDC_NAME = env("OIDC_NAME", default="").strip()
# By what an identity is taken, the first time, for an account that is there: "email" or "username".
OIDC_MATCH = env("OIDC_MATCH", default="email")
if OIDC_MATCH not in {"email", "username"}:
    raise ImproperlyConfigured(f"OIDC_MATCH is email or username; it is {OIDC_MATCH!r}.")
# Groups of the provider and the group of the desk that each stands for: "Privacy editors=editor,DPO=publisher".
OIDC_GROUPS = dict(
    (part.strip() for part in pair.rpartition("=")[::2]) for pair in env.list("OIDC_GROUPS", default=[]) if pair.strip()
)
if not all(OIDC_GROUPS) or not set(OIDC_GROUPS.values()) <= {"editor", "publisher", "auditor"}:
    raise ImproperlyConfigured(
        "OIDC_GROUPS holds pairs such as Privacy editors=editor, separated by commas; the groups of the desk are "
        "editor, publisher and auditor."
    )
OIDC_GROUPS_CLAIM = env("OIDC_GROUPS_CLAIM", default="groups")
# The provider asks for the second factor, so whoever comes from there needs none here.
OIDC_SECOND_FACTOR = env.bool("OIDC_SECOND_FACTOR", default=True)
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {"provider_id": "company", "name": OIDC_NAME, **_oidc_client, "settings": {"server_url": OIDC_ISSUER}},
        ]
        if OIDC_ISSUER
        else [],
    }
}
# Passwords, beside the provider.
PASSWORD_SIGN_IN = env.bool("PASSWORD_SIGN_IN", default=True)
if not PASSWORD_SIGN_IN and not OIDC_ISSUER:
    raise ImproperlyConfigured(
        "PASSWORD_SIGN_IN=false leaves no way to sign in. Set OIDC_ISSUER, or leave PASSWORD_SIGN_IN out."
    )

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

# -- Watching ------------------------------------------------------------------------------

# Who may read /metrics: whoever has the token, and scrapers of these networks that come by no proxy.
METRICS_TOKEN = env("METRICS_TOKEN", default="").strip()
if METRICS_TOKEN and (len(METRICS_TOKEN) < 32 or len(set(METRICS_TOKEN)) < 5):
    raise ImproperlyConfigured(
        "METRICS_TOKEN has at least 32 random characters, for instance from: "
        'python -c "import secrets; print(secrets.token_urlsafe(32))". Without one, METRICS_NETWORKS alone counts.'
    )
_scrapers = env.list("METRICS_NETWORKS", default=["127.0.0.0/8", "::1"])
try:
    METRICS_NETWORKS = [ipaddress.ip_network(item.strip()) for item in _scrapers]
except ValueError as error:
    raise ImproperlyConfigured(f"METRICS_NETWORKS holds addresses or networks such as 10.0.0.0/8: {error}.") from error

LOG_FORMAT = env("LOG_FORMAT", default="line")
if LOG_FORMAT not in {"line", "json"}:
    raise ImproperlyConfigured(f"LOG_FORMAT is line or json; it is {LOG_FORMAT!r}.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "privacy_site.logs.LineFormatter"},
        "json": {"()": "privacy_site.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}

SILENCED_SYSTEM_CHECKS = [
    # Sub-domains and preload concern more than this site; HSTS_SUBDOMAINS switches them on.
    "security.W005",
    "security.W021",
]
