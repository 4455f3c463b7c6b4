"""The whole suite: node, SQLite, PostgreSQL, Chromium, the image; ``make test``. Standard library only.

What a part needs is looked for, then installed where that is allowed (as root on Debian).
What cannot be had is named at the end, and fails the run where ``CI=true``; but for the image, which only root
can build and run, on a machine that lets it.

TEST_DATABASE_URL names a PostgreSQL to use (its user may create databases), TEST_MARIADB_URL a MariaDB
(likewise), CHROME_PATH a browser, TEST_PYTHON_IMAGE the base of the image.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from . import mariadb_server

ROOT = Path(__file__).resolve().parent.parent
# What builds the image without a daemon, what makes its base, what runs it.
BUILDERS = ("buildah", "debootstrap", "runc")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A cluster that lives for one run has nothing to lose; the tests of durability start their own.
THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass
class Report:
    """What was run, how it ended, and what was not run."""

    lines: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    impossible: list[str] = field(default_factory=list)
    tests: int = 0
    failed: bool = False

    def add(self, name: str, tests: int, skipped: int, seconds: float, *, ok: bool) -> None:
        self.tests += tests
        self.failed |= not ok
        skips = f", {skipped} skipped" if skipped else ""
        self.lines.append(f"{'ok' if ok else 'FAILED':<8}{name:<34}{tests:>6} tests{skips}, {seconds:.0f} s")


def main() -> int:
    begun = time.monotonic()
    report = Report()
    browser = find_browser()
    if browser is None:
        report.missing.append("the tests in a browser: no Chromium was found or could be installed")
    sqlite = {"DATABASE_URL": "sqlite://:memory:"}
    if not find_mariadb():
        report.missing.append("the tests on MariaDB: no server was found or could be installed")
    # What cannot be run is left out; it is named in the report.
    possible = "not image" if browser is not None else "not image and not browser"
    run_node(report)
    with postgresql() as url:
        if url is None:
            report.missing.append("the suite on PostgreSQL: no server was found or could be installed")
            run_pytest(report, "SQLite", possible, sqlite | (browser or {}))
        else:
            # Each in one run, for what a run makes once is dear. Some tests are about no database at all, and run on
            # the quicker one; what a browser and a database do together, and pages of the desk one by one, is run on
            # the one that serves in production.
            here = f"{possible} and (not browser or any_database) and not production"
            run_pytest(report, "SQLite", here, sqlite | (browser or {}))
            environment = {"DATABASE_URL": url} | (browser or {})
            run_pytest(report, "PostgreSQL", f"{possible} and not any_database", environment)
            if can_build_images():
                # One process: the image is built once, and its containers share a port.
                run_pytest(report, "The image", "image", sqlite | {"TEST_DATABASE_URL": url}, workers="0")
            else:
                report.impossible.append(
                    "the image was neither built nor run: that takes root, the right to separate processes, and "
                    f"{', '.join(BUILDERS)}. No failure here; let a machine that can run it before a release"
                )

    print(f"\n{'=' * 70}")
    print("\n".join(report.lines))
    print(f"{report.tests} tests in {time.monotonic() - begun:.0f} s")
    for part in report.missing + report.impossible:
        print(f"\n!!! NOT RUN: {part}")
    in_ci = os.environ.get("CI", "").lower() == "true"
    return 1 if report.failed or (report.missing and in_ci) else 0


# -- Runs ----------------------------------------------------------------------------------------


def run_pytest(report: Report, name: str, marks: str, environment: dict[str, str], *, workers: str = "auto") -> None:
    print(f"\n--- {name}", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        result = Path(directory) / "result.xml"
        # Who is done takes over what waits with the other: the last tests are no one's alone.
        spread = ["-n", workers, "--dist", "worksteal"]
        command = [sys.executable, "-m", "pytest", *spread, "-q", "-m", marks, f"--junitxml={result}"]
        code = subprocess.run(command, cwd=ROOT, env=os.environ | environment, stdin=subprocess.DEVNULL).returncode
        suites = list(ElementTree.parse(result).iter("testsuite")) if result.exists() else []  # noqa: S314 - our own
    tests, skipped = (sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "skipped"))
    # Code 5: nothing was collected; a suite without tests is no success.
    report.add(name, tests, skipped, time.monotonic() - begun, ok=code == 0 and tests > 0)


def run_node(report: Report) -> None:
    """The logic of the banner, under node's own test runner."""
    if not (ROOT / "tests" / "js").is_dir():
        report.failed = True
        report.lines.append("FAILED  tests/js is not there")
        return
    node = shutil.which("node")
    if node is None:
        report.missing.append("the tests in tests/js: node was not found")
        return
    print("\n--- node", flush=True)
    begun = time.monotonic()
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", *files],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    counts = dict(line[2:].split(" ", 1) for line in done.stdout.splitlines() if line[:2] == "# " and " " in line[2:])
    ok = done.returncode == 0 and int(counts.get("pass", 0)) > 0
    if not ok:
        print(done.stdout + done.stderr, flush=True)
    print(f"{counts.get('pass', 0)} passed, {counts.get('fail', 0)} failed", flush=True)
    report.add("node", int(counts.get("tests", 0)), int(counts.get("skipped", 0)), time.monotonic() - begun, ok=ok)


# -- What they need ------------------------------------------------------------------------------


@contextmanager
def postgresql(settings: tuple[str, ...] = THROWAWAY) -> Iterator[str | None]:
    """The address of a PostgreSQL: the one that is named, or a cluster for this run with these ``settings``."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    if not shutil.which("pg_virtualenv"):
        apt_install("postgresql", "postgresql-common")
    if not shutil.which("pg_virtualenv"):
        yield None
        return
    # It lives as long as the command inside it, which waits for the end of its input.
    inside = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"
    options = [part for option in settings for part in ("-o", option)]
    cluster = subprocess.Popen(
        # In a directory of its own: as root, two runs at once would want the same cluster.
        ["pg_virtualenv", "-t", *options, sys.executable, "-c", inside],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tempfile.gettempdir(),  # the server's user may not be allowed into ours
    )
    assert cluster.stdin is not None
    assert cluster.stdout is not None
    try:
        line = next((line for line in cluster.stdout if line.startswith("{")), "")
        yield _url(json.loads(line)) if line else None
    finally:
        cluster.stdin.close()
        cluster.wait(timeout=60)
        cluster.stdout.close()


def _url(names: dict[str, str]) -> str:
    user, password, database = (quote(names[key], safe="") for key in ("PGUSER", "PGPASSWORD", "PGDATABASE"))
    return f"postgres://{user}:{password}@{names['PGHOST']}:{names['PGPORT']}/{database}"


def find_mariadb() -> bool:
    """Whether there is a MariaDB for the tests, which start one of their own where none is named."""
    if os.environ.get("TEST_MARIADB_URL") or mariadb_server.is_installed():
        return True
    apt_install("mariadb-server")
    return mariadb_server.is_installed()


def can_build_images() -> bool:
    """Whether this is a machine on which the image can be built and run as it is in production."""
    if os.geteuid() != 0 or not _run(["unshare", "--mount", "--pid", "--fork", "true"]):
        return False
    if lacking := [name for name in BUILDERS if not shutil.which(name)]:
        apt_install(*lacking)
    return all(shutil.which(name) for name in BUILDERS)


def find_browser() -> dict[str, str] | None:
    """The environment in which the tests find a Chromium; None where there is none."""
    if path := _system_browser():
        return {"CHROME_PATH": path}
    if _has_own_browser() or (_run([sys.executable, "-m", "playwright", "install", "chromium"]) and _has_own_browser()):
        return {}
    apt_install("chromium")
    path = _system_browser()
    return {"CHROME_PATH": path} if path else None


def _system_browser() -> str | None:
    for name in (os.environ.get("CHROME_PATH", ""), *BROWSERS):
        path = shutil.which(name) if name else None
        if path and _run([path, "--version"]):
            return path
    return None


def _has_own_browser() -> bool:
    """Whether Playwright's download is there and has the libraries that it needs."""
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: p.chromium.launch(args=['--no-sandbox']).close()"
    )
    return _run([sys.executable, "-c", script])


def apt_install(*packages: str) -> None:
    """Install packages of the distribution, where that is Debian's kind and this is root."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print(f"Installing {', '.join(packages)}", flush=True)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if _run(["apt-get", "update"], **quiet):
        _run(install, **quiet)


def _run(command: list[str], **environment: str) -> bool:
    try:
        done = subprocess.run(
            command, env=os.environ | environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
