"""The statement page and its 304, against a bare Django view that gives the same bytes under the same gunicorn."""

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from .loading import Budget, Load, best_of, head, in_turns, machine, need_wrk, requests_per_second, row, verdict
from .serving import ask, gunicorn, install, our_environment

PAGE = "/nl/verklaring/"
ROUNDS, SECONDS = 7, 3.0
# One process: what asks and what answers have a processor each.
ONE_PROCESS = {"WEB_CONCURRENCY": "1"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, for trying")
    rounds, seconds = (2, 1.0) if parser.parse_args().quick else (ROUNDS, SECONDS)
    need_wrk()
    os.environ.update(ONE_PROCESS)
    with tempfile.TemporaryDirectory(prefix="privacy-bench-") as name:
        directory = Path(name)
        ours = our_environment(directory)
        install(ours)
        with gunicorn(ours, directory) as site:
            _status, headers, body = ask(site.address + PAGE, "br")
            (directory / "body").write_bytes(body)
            bare = our_environment(directory, BENCH_BODY=str(directory / "body"))
            with gunicorn(bare, directory, "bench.bare:application") as other:
                tag = ask(f"{other.address}/page/", "br")[1]["etag"]
                accepts = {"Accept-Encoding": "br"}
                loads = {
                    "ours": Load(site.address + PAGE, accepts),
                    "bare": Load(f"{other.address}/page/", accepts),
                    "ours, 304": Load(site.address + PAGE, accepts | {"If-None-Match": headers["etag"]}),
                    "bare, 304": Load(f"{other.address}/page/", accepts | {"If-None-Match": tag}),
                }
                found = in_turns(
                    {name: partial(requests_per_second, load, seconds) for name, load in loads.items()}, rounds
                )
    page, known = (max(found[f"ours{what}"]) / max(found[f"bare{what}"]) for what in ("", ", 304"))
    print("## Pages\n")
    print(
        f"{machine()}; one process. {len(body):,} bytes of Brotli. Best (median) of {rounds} rounds of {seconds:g} s.\n"
    )
    head("requests/s", "ours", "bare view", "ratio", "budget")
    row("statement", best_of(found["ours"]), best_of(found["bare"]), f"{page:.2f}", "≥ 0.9")
    row(
        "… known to the browser: 304", best_of(found["ours, 304"]), best_of(found["bare, 304"]), f"{known:.2f}", "≥ 0.9"
    )
    return verdict(Budget("statement page", page, least=0.9), Budget("statement page, 304", known, least=0.9))


if __name__ == "__main__":
    sys.exit(main())
