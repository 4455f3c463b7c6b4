"""How long it takes to publish: the snapshot, both languages, both PDFs; and to have every page and banner ready."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .loading import Budget, head, machine, row, tell, verdict
from .serving import ROOT, install, our_environment

ROUNDS = 9
LIMIT = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, for trying")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)  # the process that publishes
    options = parser.parse_args()
    rounds = 2 if options.quick else ROUNDS
    if options.inside:
        for seconds in publish(rounds):
            print(f"{seconds[0]:.4f} {seconds[1]:.4f}")
        return 0
    with tempfile.TemporaryDirectory(prefix="privacy-bench-") as name:
        environment = our_environment(Path(name), FOUR_EYES="false", PUBLICATION_POLL_SECONDS="0", LOG_LEVEL="WARNING")
        install(environment)
        command = [sys.executable, "-m", "bench.publication", "--inside", *(["--quick"] if options.quick else [])]
        said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout  # noqa: S603
    lines = [line.split() for line in said.splitlines()]
    published, ready = [float(line[0]) for line in lines], [float(line[1]) for line in lines]
    print("## Publishing\n")
    print(f"{machine()}. {rounds} rounds.\n")
    head("seconds", "best", "median", "budget")
    row("review, snapshot, both languages, both PDFs", *_figures(published), f"≤ {LIMIT:g}")
    row("every page and banner made and compressed, once per process", *_figures(ready), "")
    return verdict(Budget("seconds to publish", min(published), most=LIMIT))


def _figures(seconds: list[float]) -> tuple[str, str]:
    return f"{min(seconds):.2f}", f"{statistics.median(seconds):.2f}"


def publish(rounds: int) -> list[tuple[float, float]]:
    """Seconds of each publication and of what follows in a process, after one that does not count."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privacy_site.settings")
    django.setup()
    from policies import rendering
    from policies.models import Controller
    from policies.publishing import publish_statement

    taken = []
    for number in range(rounds + 1):
        Controller.objects.update(phone=f"+31 88 555 01 {number:02}")
        begun = time.perf_counter()
        publish_statement(by="bench", change_summary={"en": "A telephone number.", "nl": "Een telefoonnummer."})
        published = time.perf_counter()
        rendering.look_again()
        rendering.warm(rendering.current())
        taken.append((published - begun, time.perf_counter() - published))
        tell(f"published in {taken[-1][0]:.2f} s, ready in {taken[-1][1]:.2f} s more")
    return taken[1:]


if __name__ == "__main__":
    sys.exit(main())
