"""Recording a choice, durably on PostgreSQL: against a bare view with one INSERT, a neighbour, and ours on SQLite."""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from tests.suite import postgresql

from .loading import Budget, Load, best_of, head, in_turns, machine, need_wrk, requests_per_second, row, verdict
from .serving import ROOT, ask, gunicorn, install, our_environment

ROUNDS, SECONDS = 7, 4.0
# Of most choices: the banner stands on another site than ours.
ORIGIN = "http://127.0.0.1:1"
TOKEN = "a" * 32
# As a server is that nobody has touched; those of tests are made to forget.
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")
# Every request is a decision of its own, made now.
SCRIPT = """
local choice = [==[CHOICE]==]
local number = 0

function init()
  math.randomseed(os.time() * 100 + tonumber(tostring({}):sub(-4), 16) % 100)
end

function request()
  number = number + 1
  local now = os.time()
  local milliseconds = now * 1000
  local id = string.format("%08x-%04x-7%03x-8%03x-%06x%06x",
    math.floor(milliseconds / 65536), milliseconds % 65536, number % 4096,
    math.random(0, 4095), math.random(0, 16777215), math.random(0, 16777215))
  local decided_at = os.date("!%Y-%m-%dT%H:%M:%S+00:00", now)
  local body = string.format('{"id": "%s", "decided_at": "%s", %s', id, decided_at, choice)
  return wrk.format("POST", nil, nil, body)
end
"""
POSTED = """
wrk.method = "POST"
wrk.body = "all_groups=true"
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, for trying")
    rounds, seconds = (2, 1.0) if parser.parse_args().quick else (ROUNDS, SECONDS)
    need_wrk()
    with (
        tempfile.TemporaryDirectory(prefix="privacy-bench-") as name,
        durable_postgresql() as server,
        ExitStack() as up,
    ):
        directory = Path(name)
        ours = our_environment(directory, database=new_database(server, "bench"), embedded_by=ORIGIN)
        on_sqlite = our_environment(directory, embedded_by=ORIGIN)
        (directory / "body").write_bytes(b"")
        # In the same table as ours.
        bare = our_environment(directory, database=ours["DATABASE_URL"], BENCH_BODY=str(directory / "body"))
        neighbour = our_environment(directory, database=new_database(server, "bench_neighbour"))
        install(ours)
        install(on_sqlite)
        subprocess.run([sys.executable, "-m", "bench.neighbour"], cwd=ROOT, env=neighbour, check=True)
        site = up.enter_context(gunicorn(ours, directory)).address
        lite = up.enter_context(gunicorn(on_sqlite, directory)).address
        view = up.enter_context(gunicorn(bare, directory, "bench.bare:application")).address
        cookies = up.enter_context(gunicorn(neighbour, directory, "bench.neighbour:application")).address
        loads = {
            "ours": choices(site, directory),
            "bare INSERT": choices(site, directory, address=f"{view}/record/"),
            "django-cookie-consent": accepting(cookies, directory),
            "ours on SQLite": choices(lite, directory),
        }
        found = in_turns({name: partial(requests_per_second, load, seconds) for name, load in loads.items()}, rounds)
        with psycopg.connect(ours["DATABASE_URL"]) as connection:
            durable = [connection.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "synchronous_commit")]  # type: ignore[index]
            release = connection.execute("SHOW server_version").fetchone()[0]  # type: ignore[index]
    ratios = {name: max(found["ours"]) / max(figures) for name, figures in found.items()}
    print("## Recording a choice\n")
    print(
        f"{machine()}, PostgreSQL {release} with fsync {durable[0]} and synchronous_commit {durable[1]}; as many "
        f"processes as gunicorn.conf.py starts here, which share the processors with the database. Best (median) of "
        f"{rounds} rounds.\n"
    )
    head("", "choices/s", "ours ÷ it", "budget")
    for name, budget in (
        ("ours", ""),
        ("bare INSERT", "≥ 0.7"),
        ("django-cookie-consent", "≥ 2"),
        ("ours on SQLite", ""),
    ):
        row(name, best_of(found[name]), f"{ratios[name]:.2f}" if name != "ours" else "", budget)
    return verdict(
        Budget("recording ÷ a bare INSERT", ratios["bare INSERT"], least=0.7),
        Budget("recording ÷ django-cookie-consent", ratios["django-cookie-consent"], least=2),
    )


@contextmanager
def durable_postgresql() -> Iterator[str]:
    """The address of a server that keeps what it has acknowledged, for this run."""
    with postgresql(DURABLE) as url:
        if url is None:
            sys.exit("PostgreSQL is needed. On Debian and Ubuntu: apt-get install postgresql")
        yield url


def new_database(server: str, name: str) -> str:
    """The address of an empty database on ``server``."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server.rpartition('/')[0]}/{name}"


def choice_of(site: str) -> dict[str, Any]:
    """A refusal of all that ``site`` asks, without its id and moment."""
    document = json.loads(ask(f"{site}/statement.json")[2])
    website = next(entry for entry in document["document"]["content"]["websites"] if entry["slug"] == "website")
    return {
        "website": "website",
        "version": document["number"],
        # The banner names its own digest, last.
        "banner": re.findall(r"[0-9a-f]{64}", ask(f"{site}/embed/website.js")[2].decode())[-1],
        "language": "nl",
        "gpc": False,
        "action": "reject_all",
        "choices": {entry["slug"]: False for entry in website["categories"] if entry["needs_consent"]},
    }


def choices(site: str, directory: Path, address: str = "") -> Load:
    """Refusals of what ``site`` asks, each with an id of its own, sent to ``address`` or to itself."""
    script = directory / f"choices-{site.rpartition(':')[2]}.lua"
    script.write_text(SCRIPT.replace("CHOICE", json.dumps(choice_of(site))[1:]))
    headers = {"Content-Type": "application/json", "Origin": ORIGIN}
    return Load(address or f"{site}/consent/", headers, str(script))


def accepting(site: str, directory: Path) -> Load:
    """Everything accepted, as its own script would send it."""
    script = directory / "accepting.lua"
    script.write_text(POSTED)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Cookie-Consent-Fetch": "1",
        "Cookie": f"csrftoken={TOKEN}",
        "X-CSRFToken": TOKEN,
    }
    return Load(f"{site}/cookies/accept/", headers, str(script))


if __name__ == "__main__":
    sys.exit(main())
