"""``python -m tests.drills``: hold all drills, or those that are named, and print one table.

Exit code 1: something was lost, or did not go as it should.
"""

import argparse
import os
import platform
import sys

from .postgres import programs, version
from .scenarios import DRILLS, NotPossible, Result

HEAD = [
    "drill", "what is broken", "choices sent", "acknowledged", "lost", "kept and delivered later",
    "longest time without an acknowledgement, s", "from repair to the next, s", "pages asked", "failed", "slowest, s",
]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(DRILLS)}; default: all")
    parser.add_argument("--seconds", type=float, default=10, help="how long visitors come, beside what is broken")
    options = parser.parse_args()
    if unknown := set(options.names) - DRILLS.keys():
        parser.error(f"there is no drill {', '.join(sorted(unknown))}")
    if programs() is None:
        sys.exit("PostgreSQL's server programs (initdb, postgres) are not installed.")
    results = []
    for name in options.names or DRILLS:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            results.append(DRILLS[name](options.seconds))
        except NotPossible as reason:
            print(f"  not possible: {reason}", file=sys.stderr)
            continue
        for note in results[-1].notes:
            print(f"  {note}", file=sys.stderr)
    print(table(results))
    for result in results:
        for fault in [*result.faults, *(f"lost {identifier}" for identifier in result.lost)]:
            print(f"FAULT in {result.name}: {fault}", file=sys.stderr)
    return 0 if results and all(result.is_well for result in results) else 1


def table(results: list[Result]) -> str:
    lines = [HEAD, ["---", "---", *["---:"] * (len(HEAD) - 2)], *map(row, results)]
    notes = [f"- {result.name}: {'; '.join(result.notes)}." for result in results if result.notes]
    machine = (
        f"PostgreSQL {version()} with `fsync`, {len(os.sched_getaffinity(0))} cores shared by all, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}."
    )
    return "\n".join([machine, "", *(f"| {' | '.join(cells)} |" for cells in lines), "", *notes])


def row(result: Result) -> list[str]:
    visitors = result.visitors
    return [
        result.name,
        (DRILLS[result.name].__doc__ or "").rstrip("."),
        str(len(visitors.choices)),
        str(len(visitors.acknowledged)),
        str(len(result.lost)),
        str(visitors.delivered_later),
        f"{visitors.longest_pause:.1f}",
        f"{result.recovered:.1f}",
        str(visitors.pages),
        str(len(visitors.failed_pages)),
        f"{visitors.longest_page:.1f}",
    ]


if __name__ == "__main__":
    sys.exit(main())
