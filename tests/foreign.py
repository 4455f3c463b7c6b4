"""Databases of others, for tests: SQLite, MariaDB, and PostgreSQL where the suite runs on it.

Each test gets an empty one under the alias "hr", as DATABASE_URL_HR would name it.
"""

import os
import uuid
from contextlib import contextmanager
from urllib.parse import quote, unquote, urlencode, urlsplit

import psycopg
import pymysql
import pytest
from django.conf import settings
from django.db import connections

from privacy_site.settings import database_of_others

from . import mariadb_server

ALIAS = "hr"
VENDORS = [
    pytest.param("sqlite", marks=pytest.mark.any_database),
    pytest.param("mysql", marks=pytest.mark.any_database),
]
if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
    VENDORS.append("postgresql")
# What the vendors call the same thing.
TYPES = {
    "sqlite": {"moment": "datetime", "zoned": "timestamp", "text": "text", "serial": "integer primary key"},
    "mysql": {"moment": "datetime(6)", "zoned": "timestamp", "text": "text", "serial": "int primary key"},
    "postgresql": {"moment": "timestamp", "zoned": "timestamptz", "text": "text", "serial": "integer primary key"},
}


class Foreign:
    """The connection "hr" with a few words for tests."""

    def __init__(self, vendor):
        self.vendor = vendor
        self.types = TYPES[vendor]

    @property
    def connection(self):
        return connections[ALIAS]

    def run(self, statement, *params):
        with self.connection.cursor() as cursor:
            cursor.execute(statement.format(**self.types), params or None)
            return list(cursor.fetchall()) if cursor.description else []

    def insert(self, table, *rows):
        with self.connection.cursor() as cursor:
            if self.vendor == "sqlite":
                cursor.execute("PRAGMA query_only = OFF")
            for row in rows:
                cursor.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)

    def column(self, statement):
        return [row[0] for row in self.run(statement)]


@contextmanager
def declared(url, alias=ALIAS):
    """The connection that DATABASE_URL_HR=``url`` makes."""
    variable = f"DATABASE_URL_{alias.upper()}"
    os.environ[variable] = url
    try:
        # As Django fills in what a connection leaves out.
        made = connections.configure_settings({"default": {}, alias: database_of_others(variable)})[alias]
    finally:
        del os.environ[variable]
    connections.settings[alias] = made
    allow(connections[alias])
    try:
        yield
    finally:
        connections[alias].close()
        del connections.settings[alias]
        del connections[alias]


def allow(connection):
    """Let a test connect, which Django's tests forbid for every alias that they did not make a database for."""

    def ensure_connection():
        if connection.connection is None:
            with connection.wrap_database_errors:
                connection.connect()

    connection.ensure_connection = ensure_connection


def postgresql_url(name):
    ours = settings.DATABASES["default"]
    user = f"{quote(ours['USER'], safe='')}:{quote(ours['PASSWORD'], safe='')}"
    options = {key: ours["OPTIONS"][key] for key in ("sslmode",) if key in ours["OPTIONS"]}
    return f"postgres://{user}@{ours['HOST']}:{ours['PORT']}/{name}?{urlencode(options)}".rstrip("?")


def fresh_name():
    return f"foreign_{uuid.uuid4().hex[:12]}"


@contextmanager
def postgresql_database():
    """An empty database beside ours; its address."""
    ours, name = settings.DATABASES["default"], fresh_name()
    server = {key: ours[key.upper()] for key in ("host", "port", "user", "password")}
    with psycopg.connect(dbname="postgres", autocommit=True, **server) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield postgresql_url(name)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def mysql_database(server):
    """An empty database on a MariaDB; its address."""
    where, name = urlsplit(server), fresh_name()
    login = {"host": where.hostname, "port": where.port, "user": where.username, "password": unquote(where.password)}
    with pymysql.connect(autocommit=True, **login) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield f"{server.rstrip('/')}/{name}"
        finally:
            cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def sqlite_database(directory):
    """An empty file; its address."""
    path = directory / "people of others.sqlite3"
    path.touch()
    yield f"sqlite:///{quote(str(path))}"


@pytest.fixture(scope="session")
def mariadb_url():
    """The address of a MariaDB: the one of the suite, or one for this session."""
    if url := os.environ.get("TEST_MARIADB_URL"):
        yield url
        return
    if not mariadb_server.is_installed():
        pytest.skip("MariaDB is not installed")
    with mariadb_server.server() as server:
        yield server.url


@pytest.fixture(params=VENDORS)
def foreign(request, db, tmp_path):
    """An empty database of others under the alias "hr", of each vendor in turn."""
    with connected(request, request.param, tmp_path) as database:
        yield database


@contextmanager
def connected(request, vendor, directory):
    if vendor == "sqlite":
        made = sqlite_database(directory)
    elif vendor == "mysql":
        made = mysql_database(request.getfixturevalue("mariadb_url"))
    else:
        made = postgresql_database()
    with made as url, declared(url):
        yield Foreign(vendor)
