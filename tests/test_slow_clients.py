"""The server itself, with clients on the other side that mean no good: who is slow, who is odd, who floods."""

import json
import re
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import pytest

from .arriving import refusal
from .sites import ROOT, running

pytestmark = pytest.mark.processes

LIMIT = 20
CROWD = 40  # five for each thread
LONG = 6_000_000
# As privacy_site.wsgi, with less patience than visitors are given, so that a test sees the end of it;
# and an answer as long as an export of staff, that needs more time than a client who does not read is given.
HURRIED = f"""
import time
from privacy_site import serving
serving.ARRIVAL_SECONDS = 1.5
serving.SEND_SECONDS = 0.5
serving.LEAST_PACE = 4_000_000
serving.KEPT_AT_MOST = 4_000_000
from privacy_site.wsgi import application as site

def long():
    for _ in range(2):
        yield bytes({LONG // 2})
        time.sleep(0.8)

def application(environ, start_response):
    if environ["PATH_INFO"] != "/long/":
        return site(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return long()
"""


@pytest.fixture(scope="module")
def server(installed, tmp_path_factory):
    directory = tmp_path_factory.mktemp("server")
    (directory / "hurried.py").write_text(HURRIED)
    more = {"CONSENT_RATE_LIMIT": str(LIMIT), "PYTHONPATH": str(directory)}
    with running(installed, directory, "hurried:application", **more) as site:
        yield site
    assert "Traceback" not in site.log.read_text()
    assert "127.0.0.1" not in re.sub(r"Listening at.*|PUBLIC_URL.*", "", site.log.read_text())


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


def refuse(server, address):
    """A choice of somebody at ``address``: everything is refused."""
    page = server.ask("/en/cookies/").body.decode()
    banner = re.search(r'name="banner" value="([0-9a-f]{64})"', page)[1]
    body = json.dumps(refusal(banner))
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
            assert server.ask("/consent/", **refuse(server, f"192.0.2.{len(waited)}")).status in {201, 429}
            waited.append(time.monotonic() - begun)
    finally:
        done.set()
        for one in crowd:
            one.join(timeout=15)
    assert max(waited) < 2, waited


@contextmanager
def reluctant(server, sent):
    """A client who has hardly room for what comes back."""
    host, port = server.environment["BIND"].split(":")
    with socket.socket() as client:
        client.settimeout(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect((host, int(port)))
        client.sendall(sent)
        yield client


@pytest.mark.parametrize("path", ["/en/statement/", "/static/admin/js/vendor/xregexp/xregexp.js"])
@pytest.mark.parametrize("times", [1, 60])
def test_whoever_reads_slowly_keeps_nobody_waiting(server, path, times):
    """Pages and files; one, or more at once than any buffer holds. A little is read, so that it never stands still."""
    server.ask(path)
    asked = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * times
    with ExitStack() as stack:
        crowd = [stack.enter_context(reluctant(server, asked)) for _ in range(CROWD)]
        for client in crowd:
            assert client.recv(1) == b"H"
        waited = []
        for _ in range(4):
            begun = time.monotonic()
            assert server.ask("/nl/verklaring/").status == 200
            waited.append(time.monotonic() - begun)
            for client in crowd:
                client.settimeout(0)
                with suppress(OSError):
                    client.recv(4096)
    assert max(waited) < 2, waited


def test_whoever_takes_an_answer_in_at_all_gets_all_of_it(server):
    asked = b"GET /static/admin/js/vendor/xregexp/xregexp.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    length = len(server.ask("/static/admin/js/vendor/xregexp/xregexp.js").body)
    with reluctant(server, asked * 3 + GET) as client:
        received = b""
        while chunk := client.recv(65_536):
            received += chunk
    assert received.count(b"\r\n\r\n") >= 4
    assert len(received) > 3 * length
    assert received.rstrip().endswith(b"</html>")


def test_an_answer_without_end_is_cut_where_nobody_reads_it_and_not_where_it_takes_time(server):
    """Meanwhile every thread is held: what waits for one is bounded as well."""
    with ExitStack() as stack:
        asked = b"GET /long/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        idle = [stack.enter_context(reluctant(server, asked)) for _ in range(CROWD // 2)]
        large = request(b"POST /admin/ HTTP/1.1", b"Content-Length: 1900000", body=bytes(1_900_000))
        with ThreadPoolExecutor(8) as pool:
            refused = [statuses(received) for received in pool.map(lambda _: exchange(server, large), range(8))]
        prompt = server.ask("/long/")
        cut = []
        for client in idle:
            received = 0
            with suppress(ConnectionResetError):
                while chunk := client.recv(65_536):
                    received += len(chunk)
            cut.append(received)

    assert [503] in refused
    assert prompt.body == bytes(LONG)
    assert 0 < max(cut) < LONG


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
    "a length that begins with nothing": (
        request(POST, JSON, b"Content-Length: " + b"0" * 20 + b"%d" % len(HIDDEN), body=HIDDEN),
        [400],
    ),
    "the same length twice": (request(POST, JSON, b"Content-Length: 2", b"content-length: 2", body=b"{}"), [400]),
    "a length and more": (request(POST, JSON, b"Content-Length: 2\x0b", body=b"{}" + HIDDEN), [400]),
    "a length on two lines": (request(POST, JSON, b"Content-Length: 2\nX-A: b", body=b"{}" + HIDDEN), [400]),
    "an empty line first": (b"\r\n" + GET, [200]),
    "two empty lines first": (
        b"\r\n\r\n" + request(POST, JSON, b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
        [400],
    ),
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
        [400],
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

    assert statuses(received) == expected
    assert b"<script>alert" not in received
    assert b"evil.example" not in received
    assert b"secret" not in received
    assert server.ask("/en/").status == 200


@pytest.mark.parametrize("length", [b"0" * 20 + b"%d" % len(HIDDEN), b"+%d" % len(HIDDEN), b"\xb2", b"1" * 19])
def test_a_body_that_comes_late_is_never_a_request_of_its_own(server, length):
    with connect(server) as client:
        client.sendall(b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + length + b"\r\n\r\n")
        received = client.recv(65_536)
        with suppress(OSError):
            client.sendall(HIDDEN)
            while chunk := client.recv(65_536):
                received += chunk
    assert statuses(received) == [400]


@pytest.mark.parametrize(("version", "answered"), [(b"1.1", [100, 400]), (b"1.0", [400])])
def test_who_asks_before_sending_is_told_once_if_it_knows_of_that(server, version, answered):
    asked = request(b"POST /consent/ HTTP/" + version, JSON, b"Expect: 100-continue", b"Content-Length: 2")
    with connect(server) as client:
        client.sendall(asked)
        told, _, _ = select.select([client], [], [], 0.5)
        received = client.recv(100) if told else b""
        client.sendall(b"{}")
        while chunk := client.recv(65_536):
            received += chunk
    assert [int(number) for number in re.findall(rb"^HTTP/1\.[01] (\d{3}) ", received, re.MULTILINE)] == answered


# -- Floods --------------------------------------------------------------------------------------------------


def test_a_flood_from_one_address_does_not_stop_another(server):
    flood = refuse(server, "203.0.113.5")
    answers_given = [server.ask("/consent/", **flood) for _ in range(LIMIT * 2 + 15)]
    held = [answer for answer in answers_given if answer.status == 429]

    # Each of the two processes counts by itself.
    assert len(held) >= 15
    assert all(0 < int(answer.headers["retry-after"]) <= 61 for answer in held)
    assert server.ask("/consent/", **refuse(server, "203.0.113.6")).status == 201
    assert server.ask("/nl/cookies/", headers={"X-Forwarded-For": "203.0.113.5"}).status == 200


# -- An address of its own -----------------------------------------------------------------------------------


def test_a_site_on_a_file_does_not_start(server):
    """There, no visitor and no proxy has an address."""
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--check-config"]
    environment = server.environment | {"BIND": "unix:/run/site"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert done.stderr.startswith("BIND has to be an address and a port")


@pytest.mark.parametrize("request_line", ["HEAD /en/ HTTP/1.1", "OPTIONS /consent/ HTTP/1.1", "GET /en HTTP/1.1"])
def test_an_answer_with_no_body_is_not_kept_back_for_one(server, request_line):
    with connect(server) as client:
        for _time in range(2):  # the connection stays
            client.sendall(f"{request_line}\r\nHost: 127.0.0.1\r\n\r\n".encode())
            received = b""
            while b"\r\n\r\n" not in received:
                received += client.recv(65_536)
            assert len(statuses(received)) == 1


def test_whoever_is_gone_before_being_asked_to_go_on_takes_no_process_along(server):
    request = b"POST /consent/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"
    for _time in range(20):
        with connect(server) as client:
            client.sendall(request)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no farewell

    assert server.ask("/en/").status == 200
    assert "Exception in worker process" not in server.log.read_text()
