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
    "goes on with a body that is refused": b"POST /consent/ HTTP/1.1\r\nContent-Length: 9999999\r\n\r\nx",
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


# -- Odd -----------------------------------------------------------------------------------------------------


def request(line=b"GET /en/ HTTP/1.1", *headers, host=b"Host: 127.0.0.1", body=b""):
    return b"\r\n".join([line, *([host] if host else []), *headers, b"Connection: close", b"", body])


POST = b"POST /consent/ HTTP/1.1"
JSON = b"Content-Type: application/json"
HIDDEN = b"GET /admin/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# What is sent, and every status that comes back; none: the connection is closed without a word.
SHAPES = {
    "as it should be": (request(), [200]),
    "two lengths": (request(POST, JSON, b"Content-Length: 2", b"Content-Length: 44", body=b"{}" + HIDDEN), [400]),
    "two lengths in one": (request(POST, JSON, b"Content-Length: 2, 44", body=b"{}" + HIDDEN), [400]),
    "a length with a sign": (request(POST, JSON, b"Content-Length: +2", body=b"{}"), [400]),
    "a length below nothing": (request(POST, JSON, b"Content-Length: -2", body=b"{}"), [400]),
    "a length in another system": (request(POST, JSON, b"Content-Length: 0x2", body=b"{}"), [400]),
    "chunks": (request(POST, JSON, b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"), [411]),
    "chunks and a length": (
        request(POST, JSON, b"Content-Length: 4", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
        [411],
    ),
    "chunks by another name": (request(POST, b"Transfer-Encoding : xchunked", body=b"0\r\n\r\n" + HIDDEN), [411]),
    "a space before the colon": (request(POST, JSON, b"Content-Length : 44", body=HIDDEN), [400]),
    "a folded header": (request(b"GET /en/ HTTP/1.1", b"X-A: b\r\n c: d"), [400]),
    "a header without a name": (request(b"GET /en/ HTTP/1.1", b": b"), [400]),
    "a NUL in a header": (request(b"GET /en/ HTTP/1.1", b"X-A: b\0c"), [400]),
    "a line end in a header": (request(b"GET /en/ HTTP/1.1", b"X-A: b\rX-B: c"), [400]),
    "two hosts": (request(b"GET /en/ HTTP/1.1", b"Host: evil.example"), [400]),
    "a stranger's host": (request(host=b"Host: evil.example"), [400]),
    "a method of markup": (request(b"<script> /en/ HTTP/1.1"), [400]),
    "markup in the address": (request(b"GET /<script>alert(1)</script> HTTP/1.1"), [404]),
    "bytes in the address": (request(b"GET /\xff\xfe HTTP/1.1"), [400]),
    "no address": (request(b"GET HTTP/1.1"), [400]),
    "another protocol": (request(b"GET /en/ HTTP/3.7"), [400]),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", [400]),
    "a preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "an upgrade": (request(b"GET /en/ HTTP/1.1", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"), [200]),
    "a tunnel": (request(b"CONNECT evil.example:443 HTTP/1.1"), [404]),
    "a mirror": (request(b"TRACE /en/ HTTP/1.1", b"Cookie: secret=1"), [405]),
    "a long address": (request(b"GET /" + b"a" * 4000 + b" HTTP/1.1"), [414]),
    "a long header": (request(b"GET /en/ HTTP/1.1", b"X-A: " + b"a" * 9000), [431]),
    "many headers": (request(b"GET /en/ HTTP/1.1", *(b"X-%d: a" % number for number in range(100))), [431]),
    "endless headers": (b"GET /en/ HTTP/1.1\r\n" + b"X-A: aaaaaaaaaaaaaaaaaaaaaa\r\n" * 1500, [431]),
    "a body beyond all": (request(POST, JSON, b"Content-Length: 99999999999"), [413]),
    "a length of eighteen nines": (request(POST, JSON, b"Content-Length: " + b"9" * 18), [413]),
    "a body beyond a choice": (request(POST, JSON, b"Content-Length: 20000", body=b" " * 20_000), [413]),
    "asking before sending": (
        request(POST, JSON, b"Expect: 100-continue", b"Content-Length: 2", body=b"{}"),
        [100, 400],
    ),
    "expecting something else": (request(POST, JSON, b"Expect: 200-ok", b"Content-Length: 2", body=b"{}"), [417]),
    "a header with an underscore": (request(b"GET /en/ HTTP/1.1", b"X_Forwarded_Host: evil.example"), [200]),
    "two at once": (GET.replace(b"Connection: close\r\n", b"") + GET, [200, 200]),
    "one and a half": (GET.replace(b"Connection: close\r\n", b"") + b"GET /en/", [200]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_request_of_an_odd_shape_has_one_answer_and_harms_nobody(server, shape):
    sent, expected = SHAPES[shape]
    received = exchange(server, sent)

    assert [status for status in statuses(received) if status != 100 or expected[0] == 100][
        -len(expected) :
    ] == expected
    assert b"<script>alert" not in received
    assert b"evil.example" not in received
    assert b"secret" not in received
    assert server.ask("/en/").status == 200


# -- Floods --------------------------------------------------------------------------------------------------


def test_a_flood_from_one_address_does_not_stop_another(server):
    flood = refusal(server, "203.0.113.5")
    answers_given = [server.ask("/consent/", **flood) for _ in range(LIMIT * 2 + 15)]
    held = [answer for answer in answers_given if answer.status == 429]

    # Each of the two processes counts by itself.
    assert len(held) >= 15
    assert all(0 < int(answer.headers["retry-after"]) <= 61 for answer in held)
    assert server.ask("/consent/", **refusal(server, "203.0.113.6")).status == 201
    assert server.ask("/nl/cookies/", headers={"X-Forwarded-For": "203.0.113.5"}).status == 200
