"""PostgreSQL clusters of a drill's own: real disks, real crashes, on the loopback address."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

USER, DATABASE = "privacy", "privacy"
PASSWORD = secrets.token_hex(8)
# As it is installed, but for what a drill needs: a replica can be made of it, and a small disk is enough.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "'127.0.0.1'",
    "max_connections": "60",
    "wal_level": "replica",
    "max_wal_senders": "6",
    "hot_standby": "on",
    "min_wal_size": "32MB",
    "max_wal_size": "64MB",
    "shared_buffers": "32MB",
    "logging_collector": "off",
    "restart_after_crash": "on",
}


def programs() -> Path | None:
    """Where initdb and postgres are; None where there is no server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    found += [Path(path).resolve().parent for path in [shutil.which("initdb")] if path]
    return next((path for path in found if (path / "initdb").exists()), None)


def version() -> str:
    return _run("postgres", "--version").stdout.split()[2] if programs() else ""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _owner() -> dict[str, Any]:
    """As whom the server runs: it refuses to be root."""
    return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess:
    directory = programs()
    assert directory is not None, "PostgreSQL's server programs are not installed"
    command = [str(directory / program), *arguments]
    environment = os.environ | {"LC_ALL": "C.UTF-8", "PGPASSWORD": PASSWORD}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd="/", **_owner())
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
    return done


class Cluster:
    """A server with its data in ``directory``, and one database."""

    def __init__(self, directory: Path, database: str = DATABASE, **settings: str) -> None:
        self.directory, self.port, self.database = directory, free_port(), database
        self.data, self.log = directory / "data", directory / "log"
        self.settings = SETTINGS | settings
        self.server: subprocess.Popen | None = None

    # -- Made -----------------------------------------------------------------------------

    def make(self) -> None:
        password = self.directory / "password"
        password.write_text(PASSWORD)
        _give_to_owner(password)
        _run(
            "initdb", f"--pgdata={self.data}", f"--username={USER}", f"--pwfile={password}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8",
        )  # fmt: skip

    def copy_of(self, primary: "Cluster", name: str) -> None:
        """A standby that follows ``primary`` under ``name``."""
        _run(
            "pg_basebackup", f"--pgdata={self.data}", "--write-recovery-conf", "--wal-method=stream",
            "--checkpoint=fast",
            f"--dbname=host=127.0.0.1 port={primary.port} user={USER} password={PASSWORD} application_name={name}",
        )  # fmt: skip

    # -- Started and stopped -----------------------------------------------------------------

    def start(self, within: float = 60) -> None:
        directory = programs()
        assert directory is not None
        options = {"port": str(self.port), "unix_socket_directories": f"'{self.directory}'"} | self.settings
        command = [str(directory / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value.strip(chr(39))}"]
        with self.log.open("a") as log:
            self.server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **_owner()
            )
        self.wait_until_it_answers(within)

    def wait_until_it_answers(self, within: float = 60) -> None:
        deadline = time.monotonic() + within
        while not self.answers():
            assert self.server is not None
            assert self.server.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            self.sql("SELECT 1", database="postgres")
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """All its processes at once, by SIGKILL."""
        assert self.server is not None
        parent = self.server.pid
        # Stopped first, so that it starts nobody while the others are looked up.
        os.kill(parent, signal.SIGSTOP)
        processes = [*_children_of(parent), parent]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        self.server.wait(timeout=10)
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{process}").exists() for process in processes) and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Fast: whoever is connected is sent away."""
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(number)
            self.server.wait(timeout=60)

    def promote(self) -> None:
        _run("pg_ctl", "promote", f"--pgdata={self.data}")

    # -- Asked --------------------------------------------------------------------------------

    def address(self, database: str = "") -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "password": PASSWORD,
            "dbname": database or self.database,
        }

    def url(self, *others: "Cluster") -> str:
        servers = ",".join(f"127.0.0.1:{cluster.port}" for cluster in (self, *others))
        return f"postgres://{USER}:{PASSWORD}@{servers}/{self.database}"

    def environment(self) -> dict[str, str]:
        """For PostgreSQL's own programs."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": USER,
            "PGPASSWORD": PASSWORD,
            "PGDATABASE": self.database,
            "PATH": f"{programs()}:{os.environ['PATH']}",
        }

    def sql(self, statement: Any, *parameters: object, database: str = "") -> list[tuple]:
        with psycopg.connect(**self.address(database), autocommit=True, connect_timeout=3) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def set(self, name: str, value: str) -> None:
        self.sql(f"ALTER SYSTEM SET {name} = '{value}'", database="postgres")
        self.sql("SELECT pg_reload_conf()", database="postgres")


@contextmanager
def cluster(directory: Path, database: str = DATABASE, **settings: str) -> Iterator[Cluster]:
    """A running cluster with an empty database, gone afterwards."""
    made = Cluster(directory, database, **settings)
    made.make()
    made.start()
    try:
        made.sql(f'CREATE DATABASE "{database}"', database="postgres")
        yield made
    finally:
        made.stop(signal.SIGQUIT)


@contextmanager
def standby(directory: Path, primary: Cluster, name: str) -> Iterator[Cluster]:
    """A running standby that follows ``primary``."""
    made = Cluster(directory)
    made.copy_of(primary, name)
    made.start()
    try:
        yield made
    finally:
        made.stop(signal.SIGQUIT)


@contextmanager
def directories(*names: str) -> Iterator[list[Path]]:
    """Empty directories of the server's user, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="privacy-drill-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        paths = [Path(home) / name for name in names]
        for path in paths:
            path.mkdir(mode=0o700)
            _give_to_owner(path)
        yield paths


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[bool]:
    """Let ``directory`` be a file system of its own; False where this user may not mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        yield False
        return
    try:
        _give_to_owner(directory)
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True, capture_output=True)


def _give_to_owner(path: Path) -> None:
    if owner := _owner():
        shutil.chown(path, owner["user"], owner["group"])


def _children_of(parent: int) -> list[int]:
    children = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        if int(fields[1]) == parent:
            children.append(int(path.parent.name))
    return children
