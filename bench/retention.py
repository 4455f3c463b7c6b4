"""Keeping promises at scale: rows per second erased, anonymised and dropped, and what recording notices of it.

    DATABASE_URL=postgres://…/bench python -m bench.retention --rows 10000000

A table of applications, as another application would have it, is filled in the same database under its own
name; our engine and bare statements on known keys take turns on it, in portions of the same size. Then months
of sealed consent records are erased, by partition and by portion. Last, choices are recorded at a steady
pace, without and with a run beside them. Every database is refused that is not called “bench…”.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import django

from . import records

ROUNDS = 3
PORTION = 1000
TABLE = "bench_applications"
# Ten years of them, in the order in which they came; one in a thousand came back to us without a date.
FILL = """
CREATE TABLE {table} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, filled_on timestamptz, name text, email text, phone text,
    born date, notes text
);
INSERT INTO {table} (filled_on, name, email, phone, born, notes)
SELECT
    CASE WHEN number % 1000 = 0 THEN NULL ELSE now() - interval '10 years' * (1 - number / {rows}::float8) END,
    'Applicant ' || number, 'applicant' || number || '@example.nl', '06' || lpad((number % 100000000)::text, 8, '0'),
    date '1960-01-01' + (number % 15000)::int, repeat('Spoke well of the work. ', 4)
FROM generate_series(1, {rows}) AS number;
CREATE INDEX ON {table} (filled_on);
"""
RECORDER_PACE = 100  # choices a second
RECORDER_SECONDS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="in the table of applications")
    parser.add_argument("--slice", type=int, default=100_000, help="rows per round")
    parser.add_argument("--records", type=int, default=1_000_000, help="consent records in a year")
    parser.add_argument("--record", metavar="SECONDS", type=float, help=argparse.SUPPRESS)  # the process beside
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privacy_site.settings")
    os.environ["PUBLICATION_POLL_SECONDS"] = "0"
    os.environ["DATABASE_URL_BENCH"] = os.environ.get("DATABASE_URL", "")
    django.setup()
    if arguments.record:
        print(" ".join(f"{wait:.6f}" for wait in record(arguments.record)))
        return
    if refusal := records.why_not():
        sys.exit(refusal)
    records.publish()
    tell(f"Filling {arguments.rows:,} rows")
    fill(arguments.rows)

    print(f"| {arguments.rows:,} rows, portions of {PORTION:,} | ours, rows/s | bare, rows/s | ratio |")
    print("|---|---|---|---|")
    for action in ("erase", "anonymise"):
        ours, bare = in_turns(action, arguments.slice)
        print(f"| {action} | {max(ours):,.0f} | {max(bare):,.0f} | {max(ours) / max(bare):.2f} |", flush=True)

    rounds = [latencies(arguments.slice) for _round in range(ROUNDS)]
    print("\n| recording, ms | median | p99 | longest |\n|---|---|---|---|")
    for name, waits in zip(("alone", "beside a run"), zip(*rounds, strict=True), strict=True):
        middle = [statistics.median(figures) for figures in zip(*waits, strict=True)]
        print(f"| {name} | {' | '.join(f'{1000 * wait:.1f}' for wait in middle)} |", flush=True)

    tell(f"Filling {arguments.records:,} consent records")
    for _done in records.fill(arguments.records):
        pass
    by_partition, by_portion = erase_records()
    print("\n| consent records | rows/s |\n|---|---|")
    print(f"| whole partitions | {by_partition:,.0f} |\n| the rest, in portions | {by_portion:,.0f} |")


def tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


# -- A table of somebody else's -----------------------------------------------------------------


def fill(rows: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(FILL.format(table=TABLE, rows=rows))
        cursor.execute(f"VACUUM (ANALYZE, FREEZE) {TABLE}")


def declared(action: str) -> Any:
    """The target of the table, saved as staff would; and treatments where it is anonymised."""
    from retention.models import ColumnTreatment, DeclaredTarget

    DeclaredTarget.objects.all().delete()
    row = DeclaredTarget.objects.create(
        slug=f"applications-{action}",
        name="Applications",
        purpose="job-applications",
        rule="position-filled-6w",
        connection="bench",
        table=TABLE,
        key_column="id",
        trigger_column="filled_on",
        max_share=100,
        batch_size=PORTION,
    )
    if action == "anonymise":
        for column in ("name", "email", "phone", "notes"):
            ColumnTreatment.objects.create(target=row, column=column, treatment="blank")
        ColumnTreatment.objects.create(target=row, column="born", treatment="year")
    return row


def promise(action: str) -> Any:
    """What the example statement says of applications, with the ``action`` at its end."""
    from dataclasses import replace

    from retention import promises

    found = next(entry for entry in promises.in_force() if entry.key == ("job-applications", "position-filled-6w"))
    return replace(found, terms=replace(found.terms, action=action))


def ours(action: str, number: int) -> Callable[[], int]:
    """A run of our engine on ``number`` rows."""
    from django.utils import timezone

    from retention.enforcing import enforce
    from retention.targeting import target_of

    target = target_of(declared(action))

    def run() -> int:
        done = enforce(target, promise(action), now=timezone.now(), by="bench", confirmed=True, limit=number)
        return done.erased + done.anonymised

    return run


def bare(action: str, number: int) -> Callable[[], int]:
    """The same number of rows, by statements on keys that are known beforehand."""
    from django.db import connections

    statement = {
        "erase": f"DELETE FROM {TABLE} WHERE id = ANY(%s)",  # noqa: S608
        "anonymise": f"UPDATE {TABLE} SET name = NULL, email = NULL, phone = NULL, notes = NULL, "  # noqa: S608
        "born = date_trunc('year', born)::date WHERE id = ANY(%s)",
    }[action]
    with connections["bench"].cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {TABLE} WHERE filled_on < now() - interval '42 days' AND name IS NOT NULL "  # noqa: S608
            "ORDER BY filled_on LIMIT %s",
            [number],
        )
        keys = [key for (key,) in cursor.fetchall()]

    def run() -> int:
        with connections["bench"].cursor() as cursor:
            for first in range(0, len(keys), PORTION):
                cursor.execute(statement, [keys[first : first + PORTION]])
        return len(keys)

    return run


def in_turns(action: str, number: int) -> tuple[list[float], list[float]]:
    """Rows per second of ours and of the bare statements, round by round."""
    from django.db import connection

    speeds: tuple[list[float], list[float]] = ([], [])
    for _round in range(ROUNDS):
        for into, make in zip(speeds, (ours, bare), strict=True):
            run = make(action, number)
            begun = time.perf_counter()
            done = run()
            into.append(done / (time.perf_counter() - begun))
            tell(f"  {action}: {make.__name__} {done:,} rows, {into[-1]:,.0f}/s")
            with connection.cursor() as cursor:
                cursor.execute(f"VACUUM {TABLE}")
    return speeds


# -- What recording notices -----------------------------------------------------------------------


def record(seconds: float) -> list[float]:
    """Record choices at a steady pace; how long each took from the moment at which it should have begun."""
    from django.utils import timezone

    from consent.models import Banner, ConsentRecord
    from consent.recording import _insert, new_id, what_was_asked

    banner = Banner.objects.filter(kind=Banner.Kind.SCRIPT).first()
    if banner is None or (asked := what_was_asked(banner.digest)) is None:
        raise LookupError("no banner asks for anything")
    waits, begun = [], time.perf_counter()
    for number in range(int(seconds * RECORDER_PACE)):
        at = begun + number / RECORDER_PACE
        time.sleep(max(0.0, at - time.perf_counter()))
        now = timezone.now()
        _insert(
            ConsentRecord(
                id=new_id(now),
                website=banner.website,
                version_id=banner.version_id,
                banner_id=banner.digest,
                language="nl",
                gpc=False,
                action="reject_all",
                choices=dict.fromkeys(asked.categories, False),
                decided_at=now,
            )
        )
        waits.append(time.perf_counter() - at)
    return waits


def latencies(number: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Median, p99 and longest of recording alone, and beside a run that erases all the while."""

    def recorder() -> subprocess.Popen:
        command = [sys.executable, "-m", "bench.retention", "--record", str(RECORDER_SECONDS)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves

    def figures(process: subprocess.Popen) -> tuple[float, ...]:
        out, _none = process.communicate()
        if process.returncode:
            raise RuntimeError("recording failed")
        waits = sorted(float(word) for word in out.split())
        found = statistics.median(waits), waits[int(len(waits) * 0.99)], waits[-1]
        tell(f"  recorded: {' '.join(f'{1000 * wait:.1f}' for wait in found)} ms")
        return found

    alone = figures(recorder())
    process, erased = recorder(), 0
    while process.poll() is None and erased < 50 * number:
        erased += ours("erase", number // 10)()
    tell(f"  {erased:,} rows erased beside it")
    return alone, figures(process)


# -- Our own records --------------------------------------------------------------------------------


def erase_records() -> tuple[float, float]:
    """Records per second that go with whole partitions, and in portions where a month is not over."""
    from django.db import transaction
    from django.utils import timezone

    from consent.purging import portions
    from consent.sealing import seal_closed_days

    tell("Sealing")
    now = timezone.now()
    while seal_closed_days(now).startswith("sealed"):
        pass  # it seals for some seconds at a time
    cut_off = timezone.make_aware(datetime(now.year, now.month, 15)) - timedelta(days=60)
    cut_off = timezone.localtime(cut_off).replace(hour=0, minute=0, second=0, microsecond=0)
    whole, rest = [0, 0.0], [0, 0.0]
    under = {"rule": "bench", "wording": "bench", "by": "bench", "now": now, "batch": PORTION}
    for portion in portions(cut_off=cut_off.astimezone(UTC), **under):
        begun = time.perf_counter()
        with transaction.atomic():
            number = portion()
        into = whole if number > PORTION else rest
        into[0] += number
        into[1] += time.perf_counter() - begun
    tell(f"  whole partitions {whole}, portions {rest}")
    return whole[0] / (whole[1] or 1), rest[0] / (rest[1] or 1)


if __name__ == "__main__":
    main()
