"""Whether a page view or a choice notices how many choices there are: ten million of them, or ten thousand."""

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from .loading import Budget, Load, best_of, head, in_turns, machine, need_wrk, requests_per_second, row, tell, verdict
from .pages import PAGE
from .recording import ORIGIN, choices, durable_postgresql, new_database
from .serving import ROOT, gunicorn, manage, our_environment

FEW, MANY = 10_000, 10_000_000
ROUNDS, SECONDS = 7, 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=MANY, help="in the larger table (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="shorter, for trying")
    options = parser.parse_args()
    rounds, seconds, most = (2, 1.0, 100_000) if options.quick else (ROUNDS, SECONDS, options.records)
    need_wrk()
    os.environ["WEB_CONCURRENCY"] = "1"
    with ExitStack() as up:
        directory = Path(up.enter_context(tempfile.TemporaryDirectory(prefix="privacy-bench-")))
        server = up.enter_context(durable_postgresql())
        loads = {}
        for number in (FEW, most):
            environment = our_environment(
                directory, database=new_database(server, f"bench_{number}"), embedded_by=ORIGIN
            )
            _fill(environment, number)
            site = up.enter_context(gunicorn(environment, directory)).address
            loads[f"page, {number:,}"] = Load(site + PAGE, {"Accept-Encoding": "br"})
            loads[f"choice, {number:,}"] = choices(site, directory)
        found = in_turns({name: partial(requests_per_second, load, seconds) for name, load in loads.items()}, rounds)
    print("## With the records growing\n")
    print(f"{machine()}, PostgreSQL, durable; one process. Best (median) of {rounds} rounds.\n")
    head("requests/s", f"{FEW:,} records", f"{most:,} records", "ratio of times", "budget")
    budgets = []
    for what in ("page", "choice"):
        few, many = found[f"{what}, {FEW:,}"], found[f"{what}, {most:,}"]
        budgets.append(Budget(f"a {what} with {most:,} records", max(few) / max(many), most=1.1))
        row(what, best_of(few), best_of(many), f"{budgets[-1].ratio:.2f}", "≤ 1.1")
    return verdict(*budgets)


def _fill(environment: dict[str, str], number: int) -> None:
    tell(f"Filling {number:,} records")
    manage(["migrate", "--no-input", "-v0"], environment)
    manage(["collectstatic", "--no-input", "-v0"], environment)
    command = [sys.executable, "-m", "bench.records", "--number", str(number)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=sys.stderr)  # noqa: S603 - ourselves


if __name__ == "__main__":
    sys.exit(main())
