"""Where the time goes between us and the bare view: calls of the WSGI application in this process, by own time.

    python -m bench --profile

A profiler makes every call dearer than it is: the lines say what there is to look at, the other parts how much it is.
"""

import argparse
import cProfile
import io
import json
import os
import pstats
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from .loading import machine
from .pages import PAGE
from .recording import ORIGIN, choice_of, durable_postgresql, new_database
from .serving import ROOT, ask, gunicorn, install, our_environment

CALLS = 2_000
LINES = 15


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter, for trying")
    parser.add_argument("--inside", nargs=3, metavar=("APPLICATION", "PATH", "CHOICE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    calls = CALLS // 10 if options.quick else CALLS
    if options.inside:
        application, path, sent = options.inside
        profile(application, path, sent, calls)
        return 0
    with ExitStack() as up:
        directory = Path(up.enter_context(tempfile.TemporaryDirectory(prefix="privacy-bench-")))
        server = up.enter_context(durable_postgresql())
        ours = our_environment(directory, database=new_database(server, "bench"), embedded_by=ORIGIN)
        install(ours)
        with gunicorn(ours, directory) as site:
            (directory / "body").write_bytes(ask(site.address + PAGE, "br")[2])
            choice = json.dumps(choice_of(site.address))
        environment = ours | {"BENCH_BODY": str(directory / "body"), "LOG_LEVEL": "WARNING"}
        print(f"## Profile\n\n{machine()}. {calls:,} calls each.\n")
        for name, application, path, sent in (
            ("statement", "privacy_site.wsgi", PAGE, ""),
            ("statement, bare view", "bench.bare", "/page/", ""),
            ("choice", "privacy_site.wsgi", "/consent/", choice),
            ("choice, bare view", "bench.bare", "/record/", choice),
        ):
            command = [sys.executable, "-m", "bench.profiling", "--inside", application, path, sent]
            quick = ["--quick"] if options.quick else []
            print(f"### {name}\n", flush=True)
            subprocess.run([*command, *quick], cwd=ROOT, env=environment, check=True)  # noqa: S603 - ourselves
    return 0


def profile(module: str, path: str, sent: str, calls: int) -> None:
    """Print microseconds per call, and the functions in which most of it is spent."""
    application = import_module(module).application
    call(application, path, sent, 1)
    time.sleep(3)  # until the pages that are kept ready are there
    call(application, path, sent, 50)
    begun = time.process_time()
    call(application, path, sent, calls)
    alone = (time.process_time() - begun) / calls * 1e6
    profiler = cProfile.Profile()
    profiler.runcall(call, application, path, sent, calls)
    said = io.StringIO()
    pstats.Stats(profiler, stream=said).strip_dirs().sort_stats("tottime").print_stats(LINES)
    lines = said.getvalue().splitlines()
    start = next(number for number, line in enumerate(lines) if line.lstrip().startswith("ncalls"))
    print(f"{alone:.0f} µs of processor time a call.\n\n```")
    print("\n".join(line.rstrip() for line in lines[start:] if line.strip()))
    print("```\n", flush=True)
    os._exit(0)  # the watcher of publications has nobody to wait for


def call(application: Callable[..., Any], path: str, sent: str, times: int) -> None:
    for _time in range(times):
        answer = application(environ(path, sent), lambda status, headers: None)
        b"".join(answer)
        answer.close()


def environ(path: str, sent: str) -> dict[str, Any]:
    """What a server would hand over; a choice gets an id of its own."""
    body = b""
    if sent:
        now = datetime.now(UTC)
        stamp, noise = f"{int(now.timestamp() * 1000):012x}", secrets.token_hex(9)
        identifier = f"{stamp[:8]}-{stamp[8:]}-7{noise[:3]}-a{noise[3:6]}-{noise[6:]}"
        body = json.dumps(json.loads(sent) | {"id": identifier, "decided_at": now.isoformat()}).encode()
    host, _colon, port = os.environ["BIND"].partition(":")
    return {
        "REQUEST_METHOD": "POST" if sent else "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": os.environ["BIND"],
        "HTTP_ORIGIN": ORIGIN,
        "HTTP_ACCEPT_ENCODING": "br",
        "CONTENT_TYPE": "application/json" if sent else "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
    }


if __name__ == "__main__":
    sys.exit(main())
