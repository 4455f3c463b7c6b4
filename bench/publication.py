"""How long it takes to publish: the snapshot, both languages, both PDFs, and the banners of all web sites."""

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
        print(" ".join(f"{seconds:.4f}" for seconds in publish(rounds)))
        return 0
    with tempfile.TemporaryDirectory(prefix="privacy-bench-") as name:
        environment = our_environment(Path(name), FOUR_EYES="false", PUBLICATION_POLL_SECONDS="0", LOG_LEVEL="WARNING")
        install(environment)
        command = [sys.executable, "-m", "bench.publication", "--inside", *(["--quick"] if options.quick else [])]
        said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout  # noqa: S603
    seconds = [float(word) for word in said.split()]
    print("## Publishing\n")
    print(f"{machine()}. A change is published, and every page and banner made that is kept ready; {rounds} rounds.\n")
    head("", "best", "median", "budget")
    row("seconds", f"{min(seconds):.2f}", f"{statistics.median(seconds):.2f}", f"≤ {LIMIT:g}")
    return verdict(Budget("seconds to publish", min(seconds), most=LIMIT))


def publish(rounds: int) -> list[float]:
    """Seconds of each publication, after one that does not count."""
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
        rendering.look_again()
        rendering.warm(rendering.current())
        taken.append(time.perf_counter() - begun)
        tell(f"published in {taken[-1]:.2f} s")
    return taken[1:]


if __name__ == "__main__":
    sys.exit(main())
