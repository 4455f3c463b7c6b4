"""A MariaDB for tests, one per run: standard library only, for the suite starts it before there is anything else.

TEST_MARIADB_URL names a server to use; its user may create databases and users.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "only for tests"
INIT = f"""
CREATE USER 'tests'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO 'tests'@'127.0.0.1' WITH GRANT OPTION;
"""
THROWAWAY = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=8M",
    "--log-warnings=0",
)


class Server:
    """A server of our own in ``directory``, on the loopback address; never as root."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.process: subprocess.Popen[str] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"mysql://tests:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/"

    def install(self) -> None:
        self._run("mariadb-install-db", "--skip-test-db", "--skip-name-resolve", f"--datadir={self.data}")
        (self.directory / "init.sql").write_text(INIT)

    def start(self, *options: str) -> None:
        """Returns when it answers."""
        command = ["mariadbd", "--no-defaults", *self._user(), f"--datadir={self.data}", *THROWAWAY, *options]
        command += [f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        command += [f"--socket={self.directory}/socket", f"--pid-file={self.directory}/pid"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        said = []
        for line in self.process.stderr:
            said.append(line)
            if "ready for connections" in line:
                return
        raise RuntimeError("MariaDB did not start:\n" + "".join(said[-20:]))

    def first_start(self, *options: str) -> None:
        self.install()
        self.start(f"--init-file={self.directory}/init.sql", *options)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _user(self) -> list[str]:
        """Whose the data is: nobody's, where we are root, whom MariaDB refuses to run as."""
        return ["--user=nobody"] if os.geteuid() == 0 else []

    def _run(self, command: str, *options: str) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.directory, "nobody")
        subprocess.run(
            [command, "--no-defaults", *self._user(), "--auth-root-authentication-method=normal", *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )


def is_installed() -> bool:
    return bool(shutil.which("mariadbd") and shutil.which("mariadb-install-db"))


@contextmanager
def server(*options: str) -> Iterator[Server]:
    """A server that lives as long as the block."""
    with tempfile.TemporaryDirectory(prefix="mariadb-tests-") as directory:
        own = Server(Path(directory))
        own.first_start(*options)
        try:
            yield own
        finally:
            own.kill()
