"""The drills: each breaks one thing under visitors, puts it right, and counts what they were told."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from . import serving
from .postgres import Cluster, cluster, directories, free_port, small_disk, standby
from .serving import ROOT, Web, install, manage, nginx, run_manage, web
from .visitors import Visitors

MEGABYTES = 300
# More than the "fail_timeout" in docker/nginx.conf: until then it may hold a process that is back for one that is away.
NGINX_TRUSTS_AGAIN_AFTER = 3.0
# As many seconds pass before somebody, or a program, promotes the standby or brings the database back.
NOTICED_AFTER = 2.0


@dataclass
class Result:
    """What a drill found. ``recovered`` are the seconds from the repair to the next acknowledged choice."""

    name: str
    visitors: Visitors
    lost: list[str]
    recovered: float
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not (self.lost or self.faults or self.visitors.undelivered or self.visitors.conflicts)


@contextmanager
def site(directory: Path, database_url: str, **more: str) -> Iterator[Web]:
    """An installed site on its own port."""
    port = free_port()
    environment = serving.environment(directory, f"http://127.0.0.1:{port}", database_url, **more)
    manage(environment, "collectstatic", "--no-input", "--verbosity=0")
    install(environment)
    with web(environment, directory / "web.log", port) as running:
        yield running


@contextmanager
def _home() -> Iterator[Path]:
    with directories("site") as (home,):
        yield home


def _broken(
    visitors: Visitors, seconds: float, lose: Callable[[], object], regain: Callable[[], object], after: float
) -> float:
    """``lose`` something, ``regain`` it ``after`` so many seconds; how long until one of ``visitors`` could record."""
    with visitors.visiting():
        time.sleep(seconds / 2)
        lose()
        time.sleep(after)
        regain()
        repaired_at = time.monotonic()
        recovered = visitors.acknowledged_after(repaired_at)
        time.sleep(seconds / 2)
    return recovered


# -- One machine -------------------------------------------------------------------------------------


def worker(seconds: float) -> Result:
    """`kill -9` of a web process that answers."""
    with (
        directories("data") as (data,),
        _home() as home,
        cluster(data) as database,
        site(home, database.url()) as served,
    ):
        visitors = Visitors(served.port)
        with visitors.visiting():
            time.sleep(seconds / 2)
            killed_at = time.monotonic()
            os.kill(served.workers()[0], signal.SIGKILL)
            recovered = visitors.acknowledged_after(killed_at)
            time.sleep(seconds / 2)
        faults = [] if len(served.workers()) == serving.WORKERS else ["the killed process was not replaced"]
        return Result("worker", visitors, visitors.lost(database), recovered, faults=faults)


def database(seconds: float) -> Result:
    """`kill -9` of PostgreSQL with all its processes; started again two seconds later."""
    with directories("data") as (data,), _home() as home, cluster(data) as server, site(home, server.url()) as served:
        visitors = Visitors(served.port)
        recovered = _broken(visitors, seconds, server.kill, server.start, NOTICED_AFTER)
        return Result("database", visitors, visitors.lost(server), recovered)


def disk(seconds: float) -> Result:
    """The disk of PostgreSQL full; room is made five seconds after the first refusal."""
    with ExitStack() as stack:
        (data,) = stack.enter_context(directories("data"))
        home = stack.enter_context(_home())
        notes = [f"its data on a tmpfs of {MEGABYTES} MB"]
        if not stack.enter_context(small_disk(data, MEGABYTES)):
            raise NotPossible("mounting a small file system needs root")
        server = stack.enter_context(cluster(data))
        served = stack.enter_context(site(home, server.url()))
        visitors = Visitors(served.port)
        ballast = data / "ballast"
        with visitors.visiting():
            time.sleep(seconds / 2)
            _fill(ballast)
            _until(lambda: bool(visitors.refused), within=60)
            time.sleep(5)
            ballast.unlink()
            if server.server is not None and server.server.poll() is not None:
                notes.append("PostgreSQL had ended by itself and was started again")
                server.start()
            else:
                notes.append("PostgreSQL had gone on refusing")
                server.wait_until_it_answers()
            repaired_at = time.monotonic()
            recovered = visitors.acknowledged_after(repaired_at)
            time.sleep(seconds / 2)
        return Result("disk", visitors, visitors.lost(server), recovered, notes)


def _fill(path: Path) -> None:
    """Write until there is no room left."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


# -- A primary and a standby ---------------------------------------------------------------------------


@contextmanager
def _pair() -> Iterator[tuple[Cluster, Cluster]]:
    """A primary and a standby that has applied whatever the primary reports as committed."""
    with ExitStack() as stack:
        first, second = stack.enter_context(directories("primary", "standby"))
        primary = stack.enter_context(cluster(first))
        follower = stack.enter_context(standby(second, primary, "standby"))
        primary.set("synchronous_commit", "remote_apply")
        primary.set("synchronous_standby_names", "standby")
        _until(lambda: primary.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == [(1,)])
        yield primary, follower


def failover(seconds: float) -> Result:
    """The primary lost, the standby promoted two seconds later."""
    with _pair() as (primary, follower), _home() as home, site(home, primary.url(follower)) as served:
        visitors = Visitors(served.port)
        recovered = _broken(visitors, seconds, primary.kill, follower.promote, NOTICED_AFTER)
        return Result("failover", visitors, visitors.lost(follower), recovered)


def lone(seconds: float) -> Result:
    """The standby lost that every commit waits for; started again ten seconds later."""
    with _pair() as (primary, follower), _home() as home, site(home, primary.url(follower)) as served:
        # More of them than the site has threads: every thread that may wait does.
        visitors = Visitors(served.port, threads=24)
        recovered = _broken(visitors, seconds, follower.kill, follower.start, 10)
        return Result("lone", visitors, visitors.lost(follower), recovered)


# -- Two machines ----------------------------------------------------------------------------------------

LATER = {"DJANGO_SETTINGS_MODULE": "tests.drills.later_settings"}


@contextmanager
def _two(home: Path, database_url: str, **more: str) -> Iterator[tuple[int, list[Web], dict[str, str]]]:
    """Two web processes on ports of their own behind nginx: its port, they, and their environment."""
    port = free_port()
    # So that it may be asked at either process too.
    environment = serving.environment(home, f"http://127.0.0.1:{port}", database_url, **more)
    manage(environment, "collectstatic", "--no-input", "--verbosity=0")
    install(environment)
    with ExitStack() as stack:
        webs = [stack.enter_context(web(environment, home / f"web-{number}.log")) for number in (1, 2)]
        stack.enter_context(nginx(home, port, *(running.port for running in webs)))
        yield port, webs, environment


def rolling(seconds: float) -> Result:
    """A new release with a migration of the consent records, one web process after the other, behind nginx."""
    with directories("data") as (data,), _home() as home, cluster(data) as server, _two(home, server.url()) as started:
        port, webs, environment = started
        visitors = Visitors(port)
        later = environment | LATER
        with visitors.visiting():
            time.sleep(seconds / 2)
            report = _reading_in_its_way(server)
            migrated = run_manage(later, "migrate", "--no-input")
            report.join()
            assert migrated.returncode == 0, migrated.stderr
            gave_way = migrated.stderr.count("gives way")
            codes = []
            for running in webs:
                codes.append(running.stop())
                running.environment = later
                running.start()
                running.wait()
                time.sleep(NGINX_TRUSTS_AGAIN_AFTER)
            done_at = time.monotonic()
            recovered = visitors.acknowledged_after(done_at)
            time.sleep(seconds / 2)
        notes = [f"the migration gave way to somebody who read the records, and was tried again {gave_way} time(s)"]
        faults = [f"a web process ended with {code}" for code in codes if code]
        if not server.sql("SELECT 1 FROM information_schema.columns WHERE column_name = 'drilled'"):
            faults.append("the migration was not applied")
        return Result("rolling", visitors, visitors.lost(server), recovered, notes, faults)


def _reading_in_its_way(server: Cluster) -> threading.Thread:
    """Somebody who reads the records in one long transaction, until a second after a migration has come to wait."""
    is_reading = threading.Event()

    def read() -> None:
        with psycopg.connect(**server.address()) as connection:
            connection.execute("SELECT count(*) FROM consent_consentrecord")
            is_reading.set()
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER%'"
            _until(lambda: server.sql(waiting) != [(0,)], within=60)
            time.sleep(1.2)

    thread = threading.Thread(target=read)
    thread.start()
    assert is_reading.wait(timeout=10)
    return thread


def two_machines(seconds: float) -> Result:
    """Two web processes behind nginx and a read replica; one web process killed, then the replica."""
    with ExitStack() as stack:
        first, second = stack.enter_context(directories("primary", "replica"))
        home = stack.enter_context(_home())
        primary = stack.enter_context(cluster(first))
        replica = stack.enter_context(standby(second, primary, "replica"))
        replica.set("log_statement", "all")
        port, webs, environment = stack.enter_context(_two(home, primary.url(), DATABASE_REPLICA_URL=replica.url()))
        visitors, faults, notes = Visitors(port), [], []
        with visitors.visiting():
            time.sleep(seconds / 2)
            known = {choice.body["id"] for choice in visitors.acknowledged}
            exported = manage(environment, "export_consents", "--format", "jsonl")
            # Asked for after they were acknowledged, so all of them are in it, also from a replica.
            faults += [f"the export lacks {identifier}" for identifier in known if identifier not in exported]
            read = replica.log.read_text().count('FROM "consent_consentrecord"')
            notes.append(f"export of {exported.count(chr(10))} records by {read} questions to the replica")
            faults += [] if read else ["the export did not read the replica"]
            killed_at = time.monotonic()
            process = webs[0].process
            assert process is not None
            for pid in [*webs[0].workers(), process.pid]:
                os.kill(pid, signal.SIGKILL)
            process.wait(timeout=10)
            recovered = visitors.acknowledged_after(killed_at)
            replica.kill()
            done = run_manage(environment, "export_consents", "--format", "jsonl")
            if done.returncode or any(identifier not in done.stdout for identifier in known):
                faults.append(f"without the replica the export failed: {done.stderr[-500:]}")
            notes.append("without the replica the export came from the primary")
            webs[0].start()
            webs[0].wait()
            time.sleep(seconds / 2)
        return Result("two-machines", visitors, visitors.lost(primary), recovered, notes, faults)


# -- From a backup ---------------------------------------------------------------------------------------


def restore(seconds: float) -> Result:
    """A backup under load, the server lost, the backup restored on a new one and its evidence verified."""
    with ExitStack() as stack:
        old, new = stack.enter_context(directories("old", "new"))
        home = stack.enter_context(_home())
        server = stack.enter_context(cluster(old, database="bench_restore"))
        port = free_port()
        environment = serving.environment(home, f"http://127.0.0.1:{port}", server.url())
        manage(environment, "collectstatic", "--no-input", "--verbosity=0")
        manage(environment, "migrate", "--no-input", "--verbosity=0")
        _a_year(environment)
        digest = _sealed(environment)
        dump = home / "privacy.dump"
        with web(environment, home / "web.log", port):
            visitors = Visitors(port)
            with visitors.visiting():
                time.sleep(seconds / 2)
                begun_at = time.monotonic()
                took = _script("backup.sh", server, dump)
                time.sleep(seconds / 2)
        notes = [f"a backup of {dump.stat().st_size / 1e6:.1f} MB in {took:.1f} s"]
        parts = _parts(server)
        server.kill()

        lost_at = time.monotonic()
        fresh = stack.enter_context(cluster(new, database="bench_restore"))
        _script("restore.sh", fresh, dump)
        restored = environment | {"DATABASE_URL": fresh.url()}
        manage(restored, "migrate", "--no-input", "--verbosity=0")
        with web(restored, home / "web-restored.log", port):
            recovered = time.monotonic() - lost_at
        manage(restored, "run_due")
        verified = run_manage(restored, "verify_evidence", "--expect", digest)
        notes.append(verified.stdout.partition("\n")[0].rstrip("."))
        faults = (
            [] if verified.returncode == 0 else [f"verify_evidence: {verified.stdout[:500]}{verified.stderr[:500]}"]
        )
        if missing := parts - _parts(fresh):
            faults.append(f"not restored: {sorted(missing)}")
        if not _is_refused(fresh, "UPDATE consent_consentrecord SET language = 'en'"):
            faults.append("restored evidence can be changed")
        if _run_script("restore.sh", fresh, dump).returncode == 0:
            faults.append("a restore went over what was there")
        before = [choice for choice in visitors.acknowledged if (choice.acknowledged_at or 0) < begun_at]
        later = len(visitors.acknowledged) - len(before)
        notes.append(f"{later} choices were acknowledged after the backup began: a dump cannot bring those back")
        return Result("restore", visitors, visitors.lost(fresh, begun_at), recovered, notes, faults)


def _a_year(environment: dict[str, str]) -> None:
    """Records of a year, so that there are months, days and seals to bring back."""
    command = [sys.executable, "-m", "bench.records", "--number", "20000"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _sealed(environment: dict[str, str]) -> str:
    """Seal all days that are over; the digest of the newest seal."""
    while "sealed" in manage(environment, "run_due"):
        pass
    return json.loads(manage(environment, "verify_evidence", "--format", "json"))["newest"]["digest"]


def _run_script(name: str, server: Cluster, dump: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["sh", str(ROOT / "scripts" / name), str(dump)],
        env=os.environ | server.environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )


def _script(name: str, server: Cluster, dump: Path) -> float:
    """Run a script as the operator does; the seconds that it took."""
    begun_at = time.monotonic()
    done = _run_script(name, server, dump)
    assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    return time.monotonic() - begun_at


def _parts(server: Cluster) -> set[str]:
    """Tables and partitions with their triggers, indexes and constraints, by name."""
    return {
        name
        for (name,) in server.sql(
            """
            SELECT relkind::text || ' ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION ALL
            SELECT 'trigger ' || tgname || ' on ' || tgrelid::regclass::text || ' ' || tgenabled::text
            FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL
            SELECT 'constraint ' || conname || ' on ' || conrelid::regclass::text || ' ' || convalidated::text
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            """
        )
    }


def _is_refused(server: Cluster, statement: str) -> bool:
    try:
        server.sql(statement)
    except psycopg.errors.RestrictViolation:
        return True
    return False


# -- All of them -----------------------------------------------------------------------------------------


class NotPossible(Exception):
    """The drill cannot be held on this machine; the text says why."""


DRILLS: dict[str, Callable[[float], Result]] = {
    "worker": worker,
    "database": database,
    "disk": disk,
    "failover": failover,
    "lone": lone,
    "rolling": rolling,
    "two-machines": two_machines,
    "restore": restore,
}


def _until(holds: Callable[[], bool], within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.05)
