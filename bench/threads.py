"""How many processes and threads: pages and choices at once, with several numbers of both, on PostgreSQL."""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from .loading import Load, hammer, head, machine, need_wrk, p99, per_second, row, tell
from .pages import PAGE
from .recording import ORIGIN, choices, durable_postgresql, new_database
from .serving import gunicorn, install, our_environment

SETTINGS = [(1, 4), (1, 8), (2, 2), (2, 4), (2, 8), (2, 16), (4, 4), (4, 8)]
ROUNDS, SECONDS = 3, 4.0
# Visitors at once; more read than choose.
READERS, CHOOSERS = 24, 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, for trying")
    is_quick = parser.parse_args().quick
    rounds, seconds, settings = (1, 1.0, SETTINGS[3:5]) if is_quick else (ROUNDS, SECONDS, SETTINGS)
    need_wrk()
    best: dict[tuple[int, int], tuple[float, ...]] = {}
    with ExitStack() as up:
        directory = Path(up.enter_context(tempfile.TemporaryDirectory(prefix="privacy-bench-")))
        server = up.enter_context(durable_postgresql())
        environment = our_environment(directory, database=new_database(server, "bench"), embedded_by=ORIGIN)
        install(environment)
        for _round in range(rounds):
            for workers, threads in settings:
                numbers = {"WEB_CONCURRENCY": str(workers), "WEB_THREADS": str(threads)}
                with gunicorn(environment | numbers, directory) as site:
                    reading = Load(site.address + PAGE, {"Accept-Encoding": "br"})
                    figures = at_once(reading, choices(site.address, directory), seconds)
                tell(f"{workers} × {threads}: {' '.join(f'{figure:,.1f}' for figure in figures)}")
                best[workers, threads] = max(best.get((workers, threads), (0.0,)), figures)
    print("## Processes and threads\n")
    print(f"{machine()}, PostgreSQL, durable. {READERS} readers and {CHOOSERS} choosers at once; best of {rounds}.\n")
    head("processes × threads", "choices/s", "99th percentile, ms", "pages/s", "99th percentile, ms")
    for (workers, threads), (chosen, slow, read, slow_read) in best.items():
        row(f"{workers} × {threads}", f"{chosen:,.0f}", f"{slow:.0f}", f"{read:,.0f}", f"{slow_read:.0f}")
    return 0


def at_once(reading: Load, choosing: Load, seconds: float) -> tuple[float, float, float, float]:
    """Choices a second and their 99th percentile in ms, and the same of pages."""
    with ThreadPoolExecutor(2) as pool:
        chosen = pool.submit(hammer, choosing, seconds, CHOOSERS)
        read = pool.submit(hammer, reading, seconds, READERS)
        return per_second(chosen.result()), p99(chosen.result()), per_second(read.result()), p99(read.result())


if __name__ == "__main__":
    sys.exit(main())
