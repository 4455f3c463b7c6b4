"""The public pages on a slow phone, as Lighthouse sees them, and what they weigh.

    python -m bench.front

Exit code 1 where a page is below its score, moves, or weighs too much. Lighthouse comes from npm; it slows the
processor four times and reckons with 150 ms and 1.6 Mbit/s, as its authors' choice of a phone has it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from tests.suite import find_browser

from .packages import STORE, NotFetched
from .serving import ask, our_site

VERSION = "13.5.0"
PAGES = ["/en/", "/nl/", "/en/statement/", "/nl/verklaring/", "/en/cookies/", "/nl/cookies/"]
STATEMENTS = {"/en/statement/", "/nl/verklaring/"}
LOWEST_SCORE = 98
MOST_BYTES = 30 * 1024
ROUNDS = 3
ATTEMPTS = 3  # on a busy machine the browser now and then starts too late for a trace
FLAGS = "--headless=new --no-sandbox --disable-gpu"
STYLESHEET = re.compile(r'<link rel="stylesheet" href="([^"]+)"(?! media="print")')


@dataclass(frozen=True)
class Seen:
    """One page: Lighthouse's scores of 100, its moments in ms, the layout shift, and bytes by Brotli."""

    path: str
    scores: dict[str, int]
    first_paint: float
    largest_paint: float
    blocked: float
    shift: float
    bytes: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each page (%(default)s)")
    rounds = max(1, parser.parse_args().rounds)
    found = find_browser()
    if found is None:
        sys.exit("Chromium is needed: set CHROME_PATH, or install it (on Debian and Ubuntu: apt-get install chromium).")
    os.environ.update(found)
    try:
        lighthouse = _fetched()
    except NotFetched as error:
        sys.exit(str(error))
    with (
        tempfile.TemporaryDirectory(prefix="privacy-bench-") as directory,
        our_site(Path(directory), embedded_by="http://127.0.0.1") as site,
    ):
        seen = [_look(lighthouse, site, path, Path(directory), rounds) for path in PAGES]
    print("## The public pages on a slow phone\n")
    print(f"Lighthouse {VERSION}, its phone: the middle of {rounds} rounds. Bytes: page and styles, Brotli.\n")
    print("| page | performance | accessibility | best practices | search | first paint, ms | largest, ms |", end="")
    print(" blocked, ms | layout shift | kB |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for page in seen:
        scores = " | ".join(str(score) for score in page.scores.values())
        print(
            f"| `{page.path}` | {scores} | {page.first_paint:.0f} | {page.largest_paint:.0f} | {page.blocked:.0f} "
            f"| {page.shift:g} | {page.bytes / 1024:.1f} |"
        )
    broken = [sentence for page in seen for sentence in _broken(page)]
    for sentence in broken:
        print(f"Over budget: {sentence}", file=sys.stderr)
    return 1 if broken else 0


def _broken(page: Seen) -> list[str]:
    """What of ``page`` does not hold, a sentence each."""
    broken = []
    if page.scores["performance"] < LOWEST_SCORE:
        broken.append(f"{page.path} performs at {page.scores['performance']}, at least {LOWEST_SCORE} is wanted.")
    if page.shift:
        broken.append(f"{page.path} moves by {page.shift:g}.")
    if page.path in STATEMENTS and page.bytes > MOST_BYTES:
        broken.append(f"{page.path} with its styles weighs {page.bytes} bytes, allowed are {MOST_BYTES}.")
    return broken


def _look(lighthouse: Path, site: str, path: str, directory: Path, rounds: int) -> Seen:
    print(f"Lighthouse: {path}", file=sys.stderr, flush=True)
    reports = sorted(
        (_report(lighthouse, site + path, directory) for _round in range(rounds)),
        key=lambda report: report["categories"]["performance"]["score"],
    )
    report = reports[rounds // 2]

    def value(name: str) -> float:
        return report["audits"][name]["numericValue"]

    return Seen(
        path,
        {key: round(100 * category["score"]) for key, category in report["categories"].items()},
        value("first-contentful-paint"),
        value("largest-contentful-paint"),
        value("total-blocking-time"),
        max(each["audits"]["cumulative-layout-shift"]["numericValue"] for each in reports),
        weight(site, path),
    )


def _report(lighthouse: Path, address: str, directory: Path) -> dict:
    command = [
        *(str(lighthouse), address, "--quiet", "--output=json", f"--output-path={directory / 'report.json'}"),
        *(f"--chrome-flags={FLAGS}", "--only-categories=performance,accessibility,best-practices,seo"),
    ]
    for _attempt in range(ATTEMPTS):
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)  # noqa: S603 - pinned above
        if done.returncode == 0:
            return json.loads((directory / "report.json").read_text())
    sys.exit(f"Lighthouse failed for {address}: {done.stderr.strip()[-500:]}")


def weight(site: str, path: str) -> int:
    """Bytes of the page and of the styles that it shows itself in, as sent with Brotli."""
    _status, _headers, page = ask(site + path)
    addresses = [path, *STYLESHEET.findall(page.decode())]
    return sum(len(ask(urljoin(site, address), "br")[2]) for address in addresses)


def _fetched() -> Path:
    """Lighthouse's own command, installed beside the other packages of the bench."""
    home = STORE / f"lighthouse-{VERSION}"
    command = home / "node_modules" / ".bin" / "lighthouse"
    if command.exists():
        return command
    npm = shutil.which("npm")
    if npm is None:
        raise NotFetched("npm is needed for Lighthouse (on Debian and Ubuntu: apt-get install npm).")
    home.mkdir(parents=True, exist_ok=True)
    install = [npm, "install", "--prefix", str(home), "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run([*install, f"lighthouse@{VERSION}"], capture_output=True, text=True)  # noqa: S603 - pinned above
    if done.returncode:
        raise NotFetched(f"npm could not fetch Lighthouse {VERSION}: {done.stderr.strip()[-300:]}")
    return command


if __name__ == "__main__":
    sys.exit(main())
