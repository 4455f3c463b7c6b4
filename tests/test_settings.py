"""What stops the start, and with which sentence. Each case is a process of its own.

The settings are copied to an empty directory, so that no ``.env`` of a developer helps.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from retention.routing import OnlyOurOwn

ROOT = Path(__file__).resolve().parent.parent
KEY = "k3J-9sQz_fV7tYbN2xWm8cRp4LhDgA6uEoTi1ZvXqSjKwBnMfHyC5r0"
GOOD = {"PUBLIC_URL": "https://privacy.example.nl", "SECRET_KEY": KEY}
OIDC = {"OIDC_ISSUER": "https://login.example.nl", "OIDC_CLIENT_ID": "desk", "OIDC_CLIENT_SECRET": "a secret"}
WANTED = (
    "ALLOWED_HOSTS",
    "DATABASES",
    "CSRF_COOKIE_SECURE",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "DEMO_ORIGINS",
    "OIDC_GROUPS",
    "SECOND_FACTOR",
    "SECRET_KEY",
    "SECURE_HSTS_SECONDS",
    "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
    "TRUSTED_PROXIES",
)
SHOW = f"""
import json
from privacy_site import settings
print(json.dumps({{name: getattr(settings, name) for name in {WANTED!r}}}, default=str))
"""


@pytest.fixture
def home(tmp_path):
    """An empty directory with nothing but the settings."""
    package = tmp_path / "privacy_site"
    package.mkdir()
    for name in ("__init__.py", "settings.py"):
        shutil.copy(ROOT / "privacy_site" / name, package)
    return tmp_path


def start(home, variables):
    """Load the settings under ``variables`` alone; the finished process."""
    bare = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", SHOW], cwd=home, env=bare | variables, capture_output=True, text=True, timeout=30
    )


def settings_under(home, **variables):
    done = start(home, GOOD | variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(home, variables):
    done = start(home, variables)
    assert done.returncode != 0, f"started with {variables}"
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: ")
    return last.split(": ", 1)[1]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "Set PUBLIC_URL to the address that visitors type"),
        ({"PUBLIC_URL": ""}, "Set PUBLIC_URL to the address that visitors type"),
        ({"PUBLIC_URL": "privacy.example.nl"}, "Set PUBLIC_URL to the address that visitors type"),
        ({"PUBLIC_URL": "ftp://privacy.example.nl"}, "Set PUBLIC_URL to the address that visitors type"),
        ({"PUBLIC_URL": "https://example.nl/privacy"}, "without a path"),
        ({"PUBLIC_URL": "http://privacy.example.nl"}, "is not encrypted. Give an https address"),
        ({"SECRET_KEY": ""}, "Set SECRET_KEY (or SECRET_KEY_FILE"),
        ({"SECRET_KEY": KEY[:49]}, "at least 50 random characters"),
        ({"SECRET_KEY": "abcd" * 20}, "at least 50 random characters"),
        ({"SECRET_KEY": f"   {KEY[:45]}   "}, "at least 50 random characters"),
        ({"SECRET_KEY": f"django-insecure-{KEY}"}, "at least 50 random characters"),
        ({"SECRET_KEY_FALLBACKS": "short"}, "SECRET_KEY_FALLBACKS opens as much as SECRET_KEY does"),
        ({"SECRET_KEY_FALLBACKS": f"{KEY[::-1]},{'x' * 60}"}, "SECRET_KEY_FALLBACKS opens as much as SECRET_KEY does"),
        ({"DEBUG": "true"}, "DEBUG shows source and settings to whoever causes an error"),
        ({"ALLOWED_HOSTS": "*"}, "an asterisk would let anybody have us answer under a name of theirs"),
        ({"ALLOWED_HOSTS": "privacy.example.nl, ."}, "ALLOWED_HOSTS holds names such as privacy.example.nl"),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES trusts the whole world"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8, ::/0"}, "TRUSTED_PROXIES trusts the whole world"),
        ({"TRUSTED_PROXIES": "proxy.example.nl"}, "TRUSTED_PROXIES holds addresses or networks such as 10.0.0.0/8"),
        ({"DATABASE_URL": "mysql://a:b@127.0.0.1/c"}, "DATABASE_URL names neither PostgreSQL"),
        ({"DATABASE_URL": "postgres://a:b@h/c", "DATABASE_POOL_SIZE": "0"}, "DATABASE_POOL_SIZE is a whole number"),
        ({"DATABASE_URL": "postgres://a:b@h/c", "DATABASE_POOL_SIZE": "6"}, "has to be less than WEB_THREADS (4)"),
        ({"DATABASE_URL_HR": "oracle://a:b@127.0.0.1/c"}, "DATABASE_URL_HR names none of PostgreSQL"),
        ({"DATABASE_URL_HR": "hr-db.example"}, "DATABASE_URL_HR names none of PostgreSQL"),
        ({"DATABASE_URL_HR": ""}, "DATABASE_URL_HR names none of PostgreSQL"),
        ({"DATABASE_URL_HR": "mysql://a:secret@host:port/c"}, "DATABASE_URL_HR names none of PostgreSQL"),
        ({"DATABASE_URL_HR": "sqlite://:memory:"}, "DATABASE_URL_HR names none of PostgreSQL"),
        ({"DATABASE_URL_HR": "sqlite://"}, "DATABASE_URL_HR names none of PostgreSQL"),
        ({"DATABASE_URL_hr": "postgres://a:b@127.0.0.1/c"}, "Rename DATABASE_URL_hr"),
        ({"DATABASE_URL_DEFAULT": "postgres://a:b@127.0.0.1/c"}, "Rename DATABASE_URL_DEFAULT"),
        ({"DATABASE_URL_": "postgres://a:b@127.0.0.1/c"}, "Rename DATABASE_URL_:"),
        ({f"DATABASE_URL_{'A' * 41}": "postgres://a:b@127.0.0.1/c"}, "Rename DATABASE_URL_A"),
        ({"OIDC_ISSUER": "https://login.example.nl"}, "OIDC_CLIENT_SECRET_FILE) together, or none"),
        ({"OIDC_CLIENT_ID": "desk", "OIDC_CLIENT_SECRET": "s"}, "Set OIDC_ISSUER, OIDC_CLIENT_ID"),
        (OIDC | {"OIDC_ISSUER": "http://login.example.nl"}, "OIDC_ISSUER is an https address"),
        (OIDC | {"OIDC_ISSUER": "login.example.nl"}, "OIDC_ISSUER is an https address"),
        (OIDC | {"OIDC_MATCH": "name"}, "OIDC_MATCH is email or username"),
        (OIDC | {"OIDC_GROUPS": "editors"}, "OIDC_GROUPS holds pairs"),
        (OIDC | {"OIDC_GROUPS": "editors=admin"}, "editor, publisher and auditor"),
        ({"PASSWORD_SIGN_IN": "false"}, "leaves no way to sign in"),
        ({"SESSION_HOURS": "0"}, "are whole numbers above 0"),
        ({"DEMO_ORIGINS": "https://shop.example.nl"}, "DEMO_ORIGINS is for this machine alone"),
        ({"DEMO_ORIGINS": "http://127.0.0.1:8001/"}, "DEMO_ORIGINS is for this machine alone"),
    ],
)
def test_a_missing_or_weak_setting_stops_the_start_and_says_what_to_do(home, variables, sentence):
    assert sentence in refusal(home, (GOOD | variables) if variables else {})


def test_a_file_that_holds_no_key_is_as_good_as_none(home):
    (home / "key").write_text("short")

    assert "at least 50 random" in refusal(home, GOOD | {"SECRET_KEY_FILE": str(home / "key")})


def test_a_secret_may_come_from_a_file_with_a_final_newline(home):
    (home / "key").write_text(f"{KEY[::-1]}\n")

    assert settings_under(home, SECRET_KEY_FILE=str(home / "key"))["SECRET_KEY"] == KEY[::-1]


def test_nothing_set_but_the_two_means_production(home):
    found = settings_under(home)

    assert found["DEBUG"] is False
    assert found["ALLOWED_HOSTS"] == ["privacy.example.nl"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://privacy.example.nl"]
    assert found["SECURE_SSL_REDIRECT"] is True
    assert found["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert found["SESSION_COOKIE_SECURE"] is True
    assert found["CSRF_COOKIE_SECURE"] is True
    assert found["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert found["TRUSTED_PROXIES"] == []
    assert found["DEMO_ORIGINS"] == []
    assert found["SECOND_FACTOR"] is True


def test_the_groups_of_a_provider_may_have_blanks_in_their_names(home):
    found = settings_under(home, **OIDC, OIDC_GROUPS="Privacy editors=editor, DPO = publisher")

    assert found["OIDC_GROUPS"] == {"Privacy editors": "editor", "DPO": "publisher"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_plain_http_is_for_this_machine(home, url):
    found = settings_under(home, PUBLIC_URL=url)

    assert found["SESSION_COOKIE_SECURE"] is False
    assert found["SECOND_FACTOR"] is False
    assert found["CSRF_COOKIE_SECURE"] is False
    assert found["SECURE_SSL_REDIRECT"] is False


def test_the_environment_is_stronger_than_the_file(home):
    (home / ".env").write_text("PUBLIC_URL=https://from-the-file.example\nALLOWED_HOSTS=from-the-file.example\n")

    found = settings_under(home)

    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://privacy.example.nl"]
    assert found["ALLOWED_HOSTS"] == ["from-the-file.example"]


def deployment_check(database):
    bare = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    production = {
        "ALLOWED_HOSTS": "privacy.example.nl",
        "DATABASE_URL": database,
        "DEBUG": "false",
        "DEMO_ORIGINS": "",
        "TRUSTED_PROXIES": "10.0.0.0/8",
    }
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=bare | GOOD | production,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_production_settings_pass_every_check_for_deployment():
    done = deployment_check("postgres://privacy:secret@127.0.0.1:1/privacy")

    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr


def test_a_public_site_on_sqlite_is_warned_of():
    done = deployment_check("sqlite://:memory:")

    assert done.returncode == 1
    assert "privacy.W001" in done.stderr


def test_what_is_silenced_concerns_more_than_this_site():
    """Sub-domains and preloading are decided by whoever has the domain."""
    assert settings.SILENCED_SYSTEM_CHECKS == ["security.W005", "security.W021"]


# -- Databases of others ------------------------------------------------------------------------------------


def databases(home, **variables):
    return json.loads(json.dumps(settings_under(home, **variables)["DATABASES"]))


def test_each_database_of_others_has_the_name_that_the_environment_gives_it(home):
    (home / "crm").write_text("mysql://keeper:pa%24s@crm.example:3307/crm?ssl_ca=/ca.pem")

    found = databases(
        home,
        DATABASE_URL_HR="postgres://keeper:secret@hr.example/hr?sslmode=verify-full",
        DATABASE_URL_CRM_2_FILE=str(home / "crm"),
        DATABASE_URL_OLD="sqlite:////srv/old people.sqlite3",
    )

    assert sorted(found) == ["crm_2", "default", "hr", "old"]
    hr, crm, old = found["hr"], found["crm_2"], found["old"]
    assert (hr["HOST"], hr["NAME"], hr["USER"]) == ("hr.example", "hr", "keeper")
    assert hr["OPTIONS"] == {"sslmode": "verify-full", "connect_timeout": 5}
    assert hr["CONN_MAX_AGE"] == 0
    assert (crm["HOST"], crm["PORT"], crm["PASSWORD"]) == ("crm.example", 3307, "pa$s")
    assert crm["OPTIONS"]["ssl_ca"] == "/ca.pem"
    assert crm["OPTIONS"]["isolation_level"] == "read committed"
    assert "TRADITIONAL" in crm["OPTIONS"]["init_command"]
    # A file that is not there is not made, and its journal is as its owner wants it.
    assert old["NAME"] == "file:/srv/old%20people.sqlite3?mode=rw"
    assert "init_command" not in old["OPTIONS"]


def test_the_file_of_our_own_database_is_not_taken_for_one_of_others(home):
    (home / "url").write_text("postgres://a:b@127.0.0.1/c")

    assert list(databases(home, DATABASE_URL_FILE=str(home / "url"))) == ["default"]


def test_a_password_is_never_part_of_a_refusal(home):
    for url in ("mysql://a:very-secret@host:port/c", "oracle://a:very-secret@host/c", "very-secret"):
        done = start(home, GOOD | {"DATABASE_URL_HR": url})

        assert done.returncode != 0
        assert "very-secret" not in done.stderr


def test_nothing_of_ours_is_ever_made_in_a_database_of_others():
    router = OnlyOurOwn()

    assert router.allow_migrate("default", "retention") is True
    assert router.allow_migrate("hr", "retention") is False


# -- Our own database on several servers --------------------------------------------------------------------


def test_of_several_servers_the_one_that_takes_choices_is_used(home):
    ours = databases(home, DATABASE_URL="postgres://keeper:pa%2Fss@one.example:5432,two.example:5433/privacy")[
        "default"
    ]

    assert (ours["HOST"], ours["PORT"]) == ("one.example,two.example", "5432,5433")
    assert (ours["NAME"], ours["USER"], ours["PASSWORD"]) == ("privacy", "keeper", "pa/ss")
    assert ours["OPTIONS"]["target_session_attrs"] == "read-write"


def test_servers_may_be_addresses_of_version_6_and_have_no_ports(home):
    with_ports = databases(home, DATABASE_URL="postgres://a:b@[2001:db8::1]:5432,[2001:db8::2]:5432/c")["default"]
    without = databases(home, DATABASE_URL="postgres://a:b@one.example,two.example/c")["default"]

    assert (with_ports["HOST"], with_ports["PORT"]) == ("2001:db8::1,2001:db8::2", "5432,5432")
    assert (without["HOST"], without["PORT"]) == ("one.example,two.example", "")


def test_what_the_address_says_of_the_session_is_stronger_than_ours(home):
    url = "postgres://a:b@one.example/c?connect_timeout=9&options=-c%20lock_timeout%3D1s"

    options = databases(home, DATABASE_URL=url)["default"]["OPTIONS"]

    assert options["connect_timeout"] == 9
    assert options["options"] == "-c lock_timeout=1s"
    assert "target_session_attrs" not in options
    # A server that vanished is noticed, whatever else is said.
    assert options["tcp_user_timeout"] > 0


def test_for_a_pooler_what_it_does_not_know_is_left_out(home):
    usual = databases(home, DATABASE_URL="postgres://a:b@pooler/c")["default"]["OPTIONS"]
    without = databases(home, DATABASE_URL="postgres://a:b@pooler/c?options=none&prepare_threshold=none")["default"][
        "OPTIONS"
    ]

    assert (usual["options"], usual["prepare_threshold"]) == ("-c lock_timeout=5s", 0)
    assert (without["options"], without["prepare_threshold"]) == (None, None)


@pytest.mark.parametrize("servers", ["one:5432,two", "one,,two", "one:5432,two:port"])
def test_several_servers_with_a_mistake_in_them_stop_the_start_without_the_password(home, servers):
    done = start(home, GOOD | {"DATABASE_URL": f"postgres://keeper:very-secret@{servers}/privacy"})

    assert done.returncode != 0
    assert "DATABASE_URL names" in done.stderr
    assert "very-secret" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "url"),
    [("DATABASE_URL", "postgres://a:very-se/cret@h/c"), ("DATABASE_REPLICA_URL", "privacy:very-se/cret@h/c")],
)
def test_the_password_of_our_own_database_is_never_part_of_a_refusal(home, variable, url):
    done = start(home, GOOD | {"DATABASE_URL": "postgres://a:b@h/c", variable: url})

    assert f"{variable} names neither PostgreSQL" in done.stderr
    assert "very-se" not in done.stderr


def test_the_replica_is_a_standby_under_a_name_that_no_database_of_others_can_have(home):
    found = databases(
        home,
        DATABASE_URL="postgres://a:b@one.example/privacy",
        DATABASE_REPLICA_URL="postgres://reader:secret@two.example/privacy",
        DATABASE_URL_REPLICA="sqlite:////srv/other.sqlite3",
    )

    assert sorted(found) == ["default", "read-replica", "replica"]
    assert found["read-replica"]["HOST"] == "two.example"
    assert found["read-replica"]["OPTIONS"]["target_session_attrs"] == "standby"


@pytest.mark.parametrize(
    ("url", "replica"),
    [("sqlite:////srv/privacy.sqlite3", "postgres://a:b@h/c"), ("postgres://a:b@h/c", "sqlite:////srv/p.sqlite3")],
)
def test_a_replica_is_one_of_our_postgresql(home, url, replica):
    variables = GOOD | {"DATABASE_URL": url, "DATABASE_REPLICA_URL": replica}

    assert "DATABASE_REPLICA_URL is for a standby" in refusal(home, variables)


def test_nothing_of_ours_is_ever_made_on_the_replica():
    assert OnlyOurOwn().allow_migrate("read-replica", "consent") is False
