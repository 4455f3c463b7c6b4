"""The image is built, and run as compose.yaml says, by a container runtime and with a PostgreSQL of its own."""

import json
import re
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from . import arriving
from .image import building, composing
from .image.running import Container
from .suite import can_build_images, postgresql

pytestmark = pytest.mark.image

ROOT = Path(__file__).resolve().parent.parent
# Megabytes that the site and what it needs may add to the base; docs/operator.md says how many they are.
MEGABYTES = 200
UNDER_WAY = 4


# -- What is built and run ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if not can_build_images():
        pytest.skip("it takes root on Debian")
    built = building.build(tmp_path_factory.mktemp("build"))
    try:
        yield built
    finally:
        building.remove(built)


@pytest.fixture(scope="module")
def database():
    """The address of an empty database on a server of the test's own."""
    with postgresql() as server:
        assert server, "PostgreSQL is needed"
        name = f"privacy_image_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
            try:
                yield urlsplit(server)._replace(path=f"/{name}").geturl()
            finally:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def container(image, database, tmp_path_factory):
    """Makes a container of a service of compose.yaml; what still runs at the end is removed."""
    directory = tmp_path_factory.mktemp("containers")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = conninfo_to_dict(database)
    env = composing.example(
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        SECRET_KEY=uuid.uuid4().hex * 2,
        POSTGRES_PASSWORD=quote(server["password"], safe=""),
    )
    made = []

    def make(name, **changed):
        service = composing.service(name, env)
        # The database's place is the only thing that differs from what Compose would make of it.
        address = service.environment["DATABASE_URL"]
        assert address == f"postgres://privacy:{env['POSTGRES_PASSWORD']}@database:5432/privacy"
        # The network is this machine's, so that the port has to be free on it.
        changed = {"DATABASE_URL": database, "BIND": f"127.0.0.1:{port}", "WEB_CONCURRENCY": "2"} | changed
        made.append(Container(image, service, directory, changed))
        return made[-1]

    try:
        yield make
    finally:
        for container in made:
            container.remove()


@pytest.fixture(scope="module")
def migrated(container):
    """What the one-shot service said when it made the tables, and the first content."""
    said = container("migrate").run()
    container("web", FOUR_EYES="false").run("python", "manage.py", "first_install")
    return said


@pytest.fixture
def web(container, migrated):
    """The service that serves, as soon as it answers."""
    running = container("web", CONSENT_RATE_LIMIT="1000").start()
    begun = time.monotonic()
    while not answers(running):
        assert running.process.poll() is None, running.log
        assert time.monotonic() - begun < 30, running.log
        time.sleep(0.05)
    yield running
    running.remove()


def address(running):
    return running.service.environment["PUBLIC_URL"]


def ask(running, path, method="GET", body=None, headers=None):
    with closing(HTTPConnection(urlsplit(address(running)).netloc, timeout=15)) as connection:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()


def answers(running):
    try:
        return ask(running, "/healthz")[0] == 200
    except (OSError, HTTPException):
        return False


@pytest.fixture
def refusal(web):
    """Makes the body in which the banner delivers "reject all", each time of another visitor."""
    script = ask(web, "/embed/website.js")[1].decode()
    document = json.loads(ask(web, "/statement.json")[1])
    website = next(entry for entry in document["document"]["content"]["websites"] if entry["slug"] == "website")

    def make():
        choice = arriving.refusal(
            re.findall(r"[0-9a-f]{64}", script)[-1],  # the banner names its own digest, last
            version=document["number"],
            choices={category["slug"]: False for category in website["categories"] if category["needs_consent"]},
        )
        return choice["id"], json.dumps(choice).encode()

    return make


def recorded(database):
    """The ids of the choices that are stored."""
    with psycopg.connect(database) as connection:
        return {str(row[0]) for row in connection.execute("SELECT id FROM consent_consentrecord")}


# -- What is in it -----------------------------------------------------------------------------------


def test_it_is_as_small_as_the_documents_say(image):
    added = image.bytes_under("opt/venv", "srv") / 1e6
    whole = image.bytes_under("") / 1e6
    print(f"The image: {whole:.0f} MB, {added:.0f} MB of them on top of its base")

    said = int(re.search(r"adds (\d+) MB", (ROOT / "docs/operator.md").read_text())[1])

    assert added < MEGABYTES
    assert added == pytest.approx(said, rel=0.1)


def test_it_holds_the_site_and_nothing_that_builds_or_tests_it(image):
    site = {path.name for path in (image.rootfs / "srv/privacy").iterdir()}
    packages = {path.name.partition("-")[0] for path in image.rootfs.glob("opt/venv/lib/python3*/site-packages/*")}

    assert {"manage.py", "gunicorn.conf.py", "consent", "policies", "retention", "privacy_site"} <= site
    assert site & {"tests", "scripts", "bench", "docs", "var", ".env", ".git", "requirements"} == set()
    assert {"django", "gunicorn"} <= packages
    assert packages & {"pip", "setuptools", "wheel", "pytest", "cyclonedx_bom"} == set()
    assert not (image.rootfs / "build").exists()


def test_nothing_of_the_machine_that_built_it_is_in_it(image):
    names = {pair.partition("=")[0] for pair in image.config["Env"]}

    # No key, though the step that collects static files needs one; not how its packages were found.
    assert {name for name in names if re.search("KEY|SECRET|PASSWORD|PIP|PROXY|URL", name, re.IGNORECASE)} == set()
    assert not (image.rootfs / "etc/pip.conf").exists()


def test_its_user_owns_no_file(image):
    uid, gid = map(int, image.config["User"].split(":"))

    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in image.rootfs.rglob("*")}

    assert uid not in {owner for owner, _ in owners}
    assert gid not in {group for _, group in owners}


def test_its_bill_of_materials_is_valid_and_lists_exactly_what_is_installed(image):
    import jsonschema
    from referencing import Registry, Resource

    bill = json.loads((image.rootfs / "srv/sbom.cdx.json").read_text())
    schemas = files("cyclonedx.schema") / "_res"
    schema = json.loads((schemas / "bom-1.6.SNAPSHOT.schema.json").read_text())
    named = ("spdx", "jsf-0.82")
    others = {name: json.loads((schemas / f"{name}.SNAPSHOT.schema.json").read_text()) for name in named}
    # One is named by its file, and is looked for beside the schema that names it.
    registry = Registry().with_resources(
        (f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", Resource.from_contents(other))
        for name, other in others.items()
    )

    jsonschema.Draft7Validator(schema, registry=registry).validate(bill)
    installed = {
        re.search(r"^Name: (.+)$", text, re.MULTILINE)[1]: re.search(r"^Version: (.+)$", text, re.MULTILINE)[1]
        for path in image.rootfs.glob("opt/venv/lib/python3*/site-packages/*.dist-info/METADATA")
        for text in [path.read_text(encoding="utf-8")]
    }
    assert len(installed) > 30
    assert {entry["name"]: entry["version"] for entry in bill["components"]} == installed
    assert bill["metadata"]["component"]["version"] == image.config["Labels"]["org.opencontainers.image.version"]
    assert all(entry["purl"].startswith("pkg:pypi/") for entry in bill["components"])


# -- What it does ------------------------------------------------------------------------------------


def test_it_can_write_in_memory_and_nowhere_else(container, image):
    tried = """
import errno, os
for directory in ("/tmp", "/dev/shm", "/srv/privacy", "/opt/venv", "/var/tmp", "/run", "/"):
    try:
        open(directory + "/new", "w").close()
        print(directory, "written")
    except OSError as error:
        print(directory, errno.errorcode[error.errno])
print(os.getuid(), os.getgid())
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapEff", "CapBnd", "NoNewPrivs"))))
"""

    said = container("web").run("python", "-c", tried).splitlines()

    *written, user, powers = said
    assert [line.split()[1] for line in written] == ["written"] * 2 + ["EROFS"] * 5
    assert user.split() == image.config["User"].split(":")
    assert [int(number, 16) for number in powers.split()] == [0, 0, 1]


def test_the_one_shot_service_applies_the_migrations_and_does_so_once(container, migrated):
    assert "Applying consent." in migrated
    assert "No migrations to apply." in container("migrate").run()


def test_it_serves_both_languages_and_records_a_choice(web, refusal, database):
    english, dutch = ask(web, "/en/statement/"), ask(web, "/nl/verklaring/")
    name, body = refusal()
    status, _ = ask(web, "/consent/", "POST", body, {"Content-Type": "application/json", "Origin": address(web)})

    assert (english[0], dutch[0], status) == (200, 200, 201)
    assert b'<html lang="en"' in english[1]
    assert b'<html lang="nl"' in dutch[1]
    assert "Privacyverklaring" in dutch[1].decode()
    assert ask(web, "/nl/verklaring.pdf")[1].startswith(b"%PDF")
    assert ask(web, "/readyz")[0] == 200
    assert name in recorded(database)
    print(f"Memory of web with two processes: {web.most_memory() / 1e6:.0f} MB")
    assert web.most_memory() < web.service.memory / 2


def test_it_finds_itself_healthy_by_the_command_of_the_image(web, image):
    kind, *command = image.healthcheck
    assert kind == "CMD"

    assert web.execute(*command).returncode == 0
    # The same command knows a server that does not answer.
    assert web.execute("env", "BIND=127.0.0.1:1", *command).returncode == 1


def test_the_scheduler_does_what_is_due_and_stops_when_asked(container, migrated, database):
    # What was to be erased last night is looked for at the first look, whatever the hour.
    scheduler = container("scheduler").start()
    deadline = time.monotonic() + 30
    with psycopg.connect(database, autocommit=True) as connection:
        while not connection.execute("SELECT count(*) FROM retention_retentionrun").fetchone()[0]:
            assert scheduler.process.poll() is None, scheduler.log
            assert time.monotonic() < deadline, scheduler.log
            time.sleep(0.1)

    assert scheduler.stop() < 10
    assert "Traceback" not in scheduler.log


def test_it_stops_within_ten_seconds_and_loses_no_request(web, refusal, database):
    """Some visitors are in the middle of sending their choice when it is asked to stop; others go on coming."""
    slow = [Slow(web, *refusal()) for _ in range(UNDER_WAY)]
    for request in slow:
        request.begin()

    with ThreadPoolExecutor(UNDER_WAY) as pool:
        crowd = [pool.submit(record_until_refused, web, refusal) for _ in range(UNDER_WAY)]
        time.sleep(0.3)
        begun = time.monotonic()
        web.ask_to_stop()
        time.sleep(0.5)
        statuses = [request.finish() for request in slow]
        assert web.wait(10) == 0, web.log
        seconds = time.monotonic() - begun
        acknowledged = [name for done in crowd for name in done.result(timeout=20)]

    print(f"Stopped in {seconds:.1f} s; {len(slow)} under way answered, {len(acknowledged)} acknowledged beside them")
    assert statuses == [201] * UNDER_WAY
    assert len(acknowledged) > 0
    assert {*acknowledged, *(request.name for request in slow)} <= recorded(database)
    assert "Traceback" not in web.log


class Slow:
    """A choice of which the server has read the head and waits for the rest."""

    def __init__(self, running, name, body):
        self.name, self.body = name, body
        place = urlsplit(address(running))
        self.socket = socket.create_connection((place.hostname, place.port), timeout=15)
        self.head = (
            f"POST /consent/ HTTP/1.1\r\nHost: {place.netloc}\r\nOrigin: {address(running)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )

    def begin(self):
        self.socket.sendall(self.head.encode())
        # It says so when somebody is reading: the request has left the queue.
        assert self.socket.recv(100).startswith(b"HTTP/1.1 100")
        self.socket.sendall(self.body[:20])

    def finish(self):
        with self.socket:
            self.socket.sendall(self.body[20:])
            response = HTTPResponse(self.socket, method="POST")
            response.begin()
            return response.status


def record_until_refused(running, refusal):
    """One choice after the other, each on a connection of its own; the ids of those that were acknowledged."""
    acknowledged = []
    headers = {"Content-Type": "application/json", "Origin": address(running)}
    while True:
        name, body = refusal()
        try:
            status, _ = ask(running, "/consent/", "POST", body, headers)
        except (OSError, HTTPException):
            return acknowledged
        if status == 201:
            acknowledged.append(name)
