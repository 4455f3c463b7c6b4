"""What it weighs and how fast it is: one document in Markdown on standard output, progress on standard error.

    python -m bench                      all parts, one after the other: make bench
    python -m bench --part recording     one of them
    python -m bench --quick              all in short, to see whether they work: the figures mean little
    python -m bench --profile            what is left between us and a bare view

Exit code 1 where a budget of section 8 of the design is broken, or a part could not be measured.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from .loading import tell
from .recording import durable_postgresql, new_database
from .serving import ROOT, manage, our_environment

PARTS = ["pages", "recording", "growth", "publication", "footprint", "threads", "retention", "banner", "front"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, action="append", help="this one alone; may be given again")
    parser.add_argument("--records", type=int, help="in the larger table of growth (10 million)")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    parts = ["profiling"] if options.profile else options.part or PARTS
    failed = [part for part in parts if not _is_well(part, options)]
    if failed:
        tell(f"Over budget or not measured: {', '.join(failed)}.")
    return 1 if failed else 0


def _is_well(part: str, options: argparse.Namespace) -> bool:
    """Whether ``part`` was measured, in a process of its own, and keeps its budgets."""
    tell(f"--- {part}")
    special: dict[str, Callable[[bool], int]] = {"banner": _banner, "retention": _retention, "front": _front}
    if part in special:
        code = special[part](options.quick)
    else:
        more = ["--records", str(options.records)] if options.records and part == "growth" else []
        code = _run(part, *(["--quick"] if options.quick else []), *more)
    print(flush=True)
    return code == 0


def _run(part: str, *arguments: str, environment: dict[str, str] | None = None) -> int:
    return subprocess.run([sys.executable, "-m", f"bench.{part}", *arguments], cwd=ROOT, env=environment).returncode  # noqa: S603


def _banner(is_quick: bool) -> int:
    return _run("banner", *(["--rounds", "1"] if is_quick else []))


def _front(is_quick: bool) -> int:
    return _run("front", *(["--rounds", "1"] if is_quick else []))


def _retention(is_quick: bool) -> int:
    """It fills a database of its own; fewer rows than where it is asked for by itself."""
    rows, piece, kept = (20_000, 2_000, 20_000) if is_quick else (1_000_000, 50_000, 500_000)
    with ExitStack() as up:
        server = up.enter_context(durable_postgresql())
        directory = Path(up.enter_context(TemporaryDirectory(prefix="privacy-bench-")))
        environment = our_environment(directory, database=new_database(server, "bench"))
        manage(["migrate", "--no-input", "-v0"], environment)
        print("## Keeping promises\n", flush=True)
        arguments = ["--rows", str(rows), "--slice", str(piece), "--records", str(kept)]
        return _run("retention", *arguments, environment=environment)


if __name__ == "__main__":
    sys.exit(main())
