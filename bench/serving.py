"""Who serves what in the bench: our site as in production, the pages and the others from one small server."""

import gzip
import hashlib
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import brotli

from .products import HELD_SCRIPT, Product

ROOT = Path(__file__).resolve().parent.parent
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
ENCODERS = {"br": lambda body: brotli.compress(body, quality=11), "gzip": lambda body: gzip.compress(body, 9, mtime=0)}
PARAGRAPH = "<p>" + "A page of a web site with a text that visitors came for. " * 12 + "</p>"
PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>A web site</title><link rel="icon" href="data:,">
{head}</head><body><main><h1>A web site</h1>{text}</main>{held}</body></html>"""


class Files(ThreadingHTTPServer):
    """Files by path, in the encodings and with the headers with which our own site sends its banner."""

    daemon_threads = True

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.cache_control = "no-store"
        super().__init__(("127.0.0.1", 0), _Handler)
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.put("/blank.html", b"<!doctype html><title>Blank</title><link rel='icon' href='data:,'>")
        self.put(HELD_SCRIPT, b"window.heldRan = performance.now();")

    def put(self, path: str, body: bytes) -> None:
        self.files[path] = {"": body} | {name: encode(body) for name, encode in ENCODERS.items()}

    def offer(self, product: Product) -> None:
        """The files of ``product`` at /<key>/, and its page at /<key>/<language>.html."""
        for name, body in product.files.items():
            self.put(f"/{product.key}/{name}", body)
        for language in ("en", "nl"):
            page = PAGE.format(language=language, head=product.head, text=PARAGRAPH * 12, held=product.held)
            self.put(f"/{product.key}/{language}.html", page.encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Files

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        versions = self.server.files.get(path)
        if versions is None:
            self.send_error(404)
            return
        accepted = self.headers.get("Accept-Encoding", "")
        encoding = next((name for name in ENCODERS if name in accepted), "")
        body = versions[encoding]
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        is_known = self.headers.get("If-None-Match") == tag
        self.send_response(304 if is_known else 200)
        self.send_header("Content-Type", f"{TYPES[Path(path).suffix]}; charset=utf-8")
        self.send_header("Cache-Control", "no-store" if path.endswith(".html") else self.server.cache_control)
        self.send_header("ETag", tag)
        self.send_header("Vary", "Accept-Encoding")
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", "0" if is_known else str(len(body)))
        self.end_headers()
        if not is_known:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: what was asked is seen in the browser."""


@contextmanager
def files_server() -> Iterator[Files]:
    server = Files()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Server:
    """A gunicorn that answers, and its process."""

    address: str
    pid: int

    @property
    def workers(self) -> list[int]:
        return [int(word) for word in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


@contextmanager
def our_site(directory: Path, *, embedded_by: str) -> Iterator[str]:
    """The address of our site with the example content published, under gunicorn.

    ``directory`` takes its database and files; ``embedded_by`` is the origin that may record.
    """
    environment = our_environment(directory, embedded_by=embedded_by, LOG_LEVEL="WARNING")
    install(environment)
    with gunicorn(environment, directory) as server:
        yield server.address


def our_environment(directory: Path, *, database: str = "", embedded_by: str = "", **more: str) -> dict[str, str]:
    """What our site needs to know; with an empty ``database`` it makes one in ``directory``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    return os.environ | {
        "DATABASE_URL": database or f"sqlite:///{directory / 'site.sqlite3'}",
        "STATIC_ROOT": str(directory / "static"),
        "SECRET_KEY": secrets.token_urlsafe(60),
        "PUBLIC_URL": f"http://{bind}",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DEMO_ORIGINS": embedded_by,
        "CONSENT_RATE_LIMIT": "1000000000",
        "BIND": bind,
        **more,
    }


def install(environment: dict[str, str]) -> None:
    """A database that is ready, and the example content in force."""
    for command in (["migrate", "--no-input", "-v0"], ["collectstatic", "--no-input", "-v0"], ["first_install"]):
        manage(command, environment)


@contextmanager
def gunicorn(
    environment: dict[str, str],
    directory: Path,
    application: str = "privacy_site.wsgi:application",
    *,
    wait_for: str = "/readyz",
) -> Iterator[Server]:
    """``application`` as ours is served, at the address in ``environment``, once it answers ``wait_for``."""
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", application]
    log = directory / f"log-{environment['BIND'].rpartition(':')[2]}"
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)  # noqa: S603 - ourselves
    try:
        if not _is_up(environment["BIND"] + wait_for, process):
            sys.exit(f"{application} did not start:\n{log.read_text()}")
        yield Server(f"http://{environment['BIND']}", process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def manage(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"manage.py {command[0]} failed:\n{done.stdout}{done.stderr}")


def _is_up(address: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if ask(f"http://{address}")[0] in {200, 404}:  # the others have no such address
                return True
        except (OSError, HTTPException):
            pass
        time.sleep(0.05)
    return False


def ask(address: str, encoding: str = "identity") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body as sent, for a client that accepts ``encoding`` alone."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=15)
    try:
        connection.request("GET", parts._replace(scheme="", netloc="").geturl(), headers={"Accept-Encoding": encoding})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()
