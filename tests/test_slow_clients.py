"""The server itself, with clients on the other side that mean no good: who is slow, who is odd, who floods."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.utils import timezone

from consent.recording import new_id

from .test_processes import Site, answers, installed  # noqa: F401 - a fixture

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 20
CROWD = 40  # five for each thread
# As privacy_site.wsgi, with less patience than visitors are given, so that a test sees the end of it.
HURRIED = """
from privacy_site import serving
serving.ARRIVAL_SECONDS = 1.5
from privacy_site.wsgi import application
"""


@pytest.fixture(scope="module")
def server(installed, tmp_path_factory):  # noqa: F811
    environment, database = installed
    directory = tmp_path_factory.mktemp("server")
    (directory / "hurried.py").write_text(HURRIED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = environment | {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "BIND": f"127.0.0.1:{port}",
        "CONSENT_RATE_LIMIT": str(LIMIT),
        "PYTHONPATH": str(directory),
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "hurried:application"]
    log = directory / "log"
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
    site = Site(environment, database, process, log)
    try:
        deadline = time.monotonic() + 30
        while not answers(site):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield site
    finally:
        process.terminate()
        process.wait(timeout=20)
    assert "Traceback" not in log.read_text()
    assert "127.0.0.1" not in re.sub(r"Listening at.*|PUBLIC_URL.*", "", log.read_text())


def connect(server):
    host, port = server.environment["BIND"].split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def exchange(server, request):
    """What comes back for these very bytes, until the server has closed."""
    with connect(server) as client:
        client.sendall(request)
        received = b""
        while chunk := client.recv(65_536):
            received += chunk
    return received


def statuses(received):
    return [int(number) for number in re.findall(rb"^HTTP/1\.1 (\d{3}) ", received, re.MULTILINE)]


def refusal(server, address):
    """A choice of somebody at ``address``: everything is refused."""
    page = server.ask("/en/cookies/").body.decode()
    banner = re.search(r'name="banner" value="([0-9a-f]{64})"', page)[1]
    body = json.dumps(
        {
            "id": str(new_id(timezone.now())),
            "website": "website",
            "version": 1,
            "banner": banner,
            "language": "nl",
            "gpc": False,
            "action": "reject_all",
            "choices": {"analytical": False, "marketing": False},
            "decided_at": timezone.now().isoformat(),
        }
    )
    headers = {"Content-Type": "application/json", "Origin": server.url, "X-Forwarded-For": address}
    return {"method": "POST", "body": body, "headers": headers}


# -- Slow ----------------------------------------------------------------------------------------------------

GET = b"GET /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
SLOW = {
    "sends nothing": b"",
    "sends half a line": b"GET /en/st",
    "never ends its headers": b"GET /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b",
    "never ends its body": b"POST /consent/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 900\r\n\r\n{"id":',
    "never ends a large body": b"POST /admin/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000000\r\n\r\n"
    + b"x" * 70_000,
    "goes on with a body that is refused": b"POST /consent/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999\r\n\r\nx",
    "never hangs up": GET,
    "never reads": GET.replace(b"/en/", b"/en/statement/"),
}


@pytest.mark.parametrize("how", SLOW)
def test_whoever_is_slow_keeps_nobody_waiting(server, how):
    """As many as would hold every thread several times over, and then come again when they are sent away."""
    server.ask("/en/")
    done = threading.Event()

    def insist():
        while not done.is_set():
            with connect(server) as client:
                try:
                    client.sendall(SLOW[how])
                    client.settimeout(0.1)
                    while not done.wait(0.1):
                        client.sendall(b"x")  # a little more, so that the connection is not idle
                except OSError:
                    continue  # sent away

    crowd = [threading.Thread(target=insist, daemon=True) for _ in range(CROWD)]
    for one in crowd:
        one.start()
    try:
        time.sleep(0.3)
        waited = []
        for _ in range(4):
            begun = time.monotonic()
            assert server.ask("/nl/verklaring/").status == 200
            assert server.ask("/consent/", **refusal(server, f"192.0.2.{len(waited)}")).status in {201, 429}
            waited.append(time.monotonic() - begun)
    finally:
        done.set()
        for one in crowd:
            one.join(timeout=15)
    assert max(waited) < 2, waited


@pytest.mark.parametrize("how", ["sends nothing", "never ends its headers", "never ends its body"])
def test_whoever_does_not_come_to_the_end_in_time_is_sent_away(server, how):
    with connect(server) as client:
        client.sendall(SLOW[how])
        begun = time.monotonic()
        assert client.recv(100) == b""
    assert time.monotonic() - begun < 4
