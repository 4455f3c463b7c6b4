"""Load on servers that take turns, and how many requests a second each of them answered."""

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import environ

from tests.suite import apt_install

CONNECTIONS = 16


@dataclass(frozen=True)
class Load:
    """What is asked of a server: an address, with headers, or whatever a script for wrk makes up."""

    address: str
    headers: Mapping[str, str]
    script: str = ""


def requests_per_second(load: Load, seconds: float, connections: int = CONNECTIONS) -> float:
    """How many ``load`` got answered. Stops the bench where one was refused: a quick refusal is no speed."""
    return per_second(hammer(load, seconds, connections))


def hammer(load: Load, seconds: float, connections: int = CONNECTIONS) -> str:
    """What wrk says after asking for ``load`` as fast as it goes."""
    headers = [part for name, value in load.headers.items() for part in ("-H", f"{name}: {value}")]
    script = ["-s", load.script] if load.script else []
    command = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds:g}s", *headers, *script, load.address]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own words
    if done.returncode or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(f"{load.address} did not answer as it should:\n{done.stdout}{done.stderr}")
    return done.stdout


def per_second(said: str) -> float:
    return float(_found(r"Requests/sec:\s+([\d.]+)", said)[1])


def p99(said: str) -> float:
    """The 99th percentile in what wrk says, in milliseconds."""
    found = _found(r"99%\s+([\d.]+)(us|ms|s)", said)
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def _found(pattern: str, said: str) -> re.Match[str]:
    found = re.search(pattern, said)
    if found is None:
        sys.exit(f"wrk said nothing that we know:\n{said}")
    return found


def in_turns(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Each of ``measures`` once in each round, after one that does not count; its figures by its name.

    A busy moment of the machine meets all of them, and it never makes anything faster: the best counts.
    """
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, measure in measures.items():
            figure = measure()
            if number:
                found[name].append(figure)
            tell(f"round {number} of {rounds}: {name} {figure:,.0f}" if number else f"warm-up: {name} {figure:,.0f}")
    return found


def need_wrk() -> None:
    if not shutil.which("wrk"):
        apt_install("wrk")
    if not shutil.which("wrk"):
        sys.exit("wrk is needed. On Debian and Ubuntu: apt-get install wrk")


def database() -> dict[str, Any]:
    """DATABASE_URL for a project of the bench, connected as ours is."""
    settings = environ.Env().db(default="sqlite://:memory:")
    if settings["ENGINE"].endswith("postgresql"):
        settings["OPTIONS"] = {"pool": {"min_size": 1, "max_size": int(os.environ.get("WEB_THREADS") or 4) - 1}}
    return settings


# -- Telling -------------------------------------------------------------------------------------


def machine() -> str:
    """On what was measured, and with what."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    names = ("Django", "gunicorn", "psycopg")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, {versions}"


def row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def head(*cells: str) -> None:
    row(*cells)
    row(*("---" if place == 0 else "---:" for place in range(len(cells))))


def best_of(figures: list[float]) -> str:
    return f"{max(figures):,.0f} ({statistics.median(figures):,.0f})"


def tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Budget:
    """What section 8 of the design demands of a ratio."""

    name: str
    ratio: float
    least: float = 0.0
    most: float = float("inf")

    @property
    def is_kept(self) -> bool:
        return self.least <= self.ratio <= self.most


def verdict(*budgets: Budget) -> int:
    """The exit code, after a sentence on each budget that does not hold."""
    broken = [budget for budget in budgets if not budget.is_kept]
    for budget in broken:
        limit = f"at least {budget.least:g}" if budget.least else f"at most {budget.most:g}"
        tell(f"Over budget: {budget.name}: {budget.ratio:.2f}, wanted is {limit}.")
    return 1 if broken else 0
