"""What a process takes: memory when it is idle and after load, and the time from its start to the first page."""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from .loading import Load, head, machine, need_wrk, requests_per_second, row, tell
from .pages import PAGE
from .recording import ORIGIN, choices
from .serving import gunicorn, install, our_environment

ROUNDS, SECONDS = 5, 20.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, for trying")
    rounds, seconds = (1, 2.0) if parser.parse_args().quick else (ROUNDS, SECONDS)
    need_wrk()
    os.environ["WEB_CONCURRENCY"] = "1"
    with tempfile.TemporaryDirectory(prefix="privacy-bench-") as name:
        directory = Path(name)
        environment = our_environment(directory, embedded_by=ORIGIN)
        install(environment)
        starts = []
        for number in range(rounds):
            begun = time.perf_counter()
            with gunicorn(environment, directory, wait_for=PAGE):
                starts.append(time.perf_counter() - begun)
            tell(f"start {number + 1} of {rounds}: {starts[-1]:.2f} s")
        with gunicorn(environment, directory) as site:
            time.sleep(5)  # until the pages that are kept ready are there
            idle = memory(site.workers[0])
            pages = requests_per_second(Load(site.address + PAGE, {"Accept-Encoding": "br"}), seconds)
            recorded = requests_per_second(choices(site.address, directory), seconds)
            loaded = memory(site.workers[0])
    requests = (pages + recorded) * seconds
    print("## A process\n")
    print(f"{machine()}, SQLite. Memory is the proportional set size (PSS) of a worker.\n")
    head("", "MB or s")
    row("memory, idle", f"{idle:.0f}")
    row(f"memory after {requests:,.0f} requests", f"{loaded:.0f}")
    row(f"start to first page, best of {rounds}", f"{min(starts):.2f}")
    return 0


def memory(pid: int) -> float:
    """The proportional set size of process ``pid``, in MB."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    if found is None:
        raise LookupError("this kernel tells no PSS")
    return int(found.group(1)) / 1000


if __name__ == "__main__":
    sys.exit(main())
