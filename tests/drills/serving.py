"""The site as it is deployed: gunicorn with several workers, and nginx in front where there are two machines."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from .postgres import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS, THREADS = 2, 4
NGINX = ROOT / "docker" / "nginx.conf"


def environment(directory: Path, url: str, database_url: str, **more: str) -> dict[str, str]:
    """As an operator sets it, on this machine alone."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "DATABASE_", "DJANGO_"))}
    return inherited | {
        "PUBLIC_URL": url,
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "STATIC_ROOT": str(directory / "static"),
        "FOUR_EYES": "false",
        # All visitors of a drill come from one address.
        "CONSENT_RATE_LIMIT": "1000000",
        "WEB_CONCURRENCY": str(WORKERS),
        "WEB_THREADS": str(THREADS),
        "LOG_LEVEL": "INFO",
        "PUBLICATION_POLL_SECONDS": "2",
    } | more  # fmt: skip


SECRET_KEY = secrets.token_urlsafe(60)


def manage(environment: dict[str, str], *arguments: str) -> str:
    done = run_manage(environment, *arguments)
    assert done.returncode == 0, f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def run_manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def install(environment: dict[str, str]) -> None:
    """A migrated database with the example content in force."""
    manage(environment, "migrate", "--no-input", "--verbosity=0")
    manage(environment, "first_install")


@dataclass
class Web:
    """gunicorn on a port of its own."""

    environment: dict[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, **changes: str) -> None:
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
        bind = {"BIND": f"127.0.0.1:{self.port}"}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment | bind | changes,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self, within: float = 60) -> None:
        """Until it serves the statement."""
        deadline = time.monotonic() + within
        while not is_served(self.port, "/en/statement/"):
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def workers(self) -> list[int]:
        assert self.process is not None
        pid = self.process.pid
        return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> int:
        """By SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def is_served(port: int, path: str) -> bool:
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        finally:
            connection.close()
    except (OSError, HTTPException):
        return False


@contextmanager
def web(environment: dict[str, str], log: Path, port: int | None = None) -> Iterator[Web]:
    served = Web(environment, log, port or free_port())
    served.start()
    try:
        served.wait()
        yield served
    finally:
        if served.process is not None and served.process.poll() is None:
            served.stop()


@contextmanager
def nginx(directory: Path, port: int, *webs: int) -> Iterator[None]:
    """nginx by our own example, on loopback ports and without a certificate."""
    path = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert path, "nginx is not installed"
    configuration = NGINX.read_text()
    servers = "".join(f"\n        server 127.0.0.1:{web} max_fails=3 fail_timeout=2s;" for web in webs)
    changes = {
        r"listen 443 ssl;": f"listen 127.0.0.1:{port};",
        r"\n +listen \[::\]:443 ssl;": "",
        r"\n +ssl_[^\n]+": "",
        r"\n +server web-[^\n]+": "",
        r"upstream site \{": "upstream site {" + servers,
        r"user nginx;": "",
        r"pid [^;]+;": f"pid {directory}/nginx.pid;",
        r"error_log [^;]+;": f"error_log {directory}/nginx.log warn;",
        # The site is asked by its name and port, for there is no certificate that bears a name.
        r"Host \$host;": "Host $http_host;",
    }
    for pattern, replacement in changes.items():
        configuration, number = re.subn(pattern, lambda _match, text=replacement: text, configuration)
        assert number, f"docker/nginx.conf has no {pattern}"
    file = directory / "nginx.conf"
    file.write_text(configuration)
    process = subprocess.Popen(
        [path, "-p", str(directory), "-c", str(file), "-g", "daemon off;"], stdin=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while not is_served(port, "/healthz"):
            assert process.poll() is None, f"nginx ended: see {directory}"
            assert time.monotonic() < deadline, "nginx does not serve"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)
