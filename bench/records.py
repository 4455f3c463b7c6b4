"""A year of consent records in PostgreSQL, as many as asked for, to measure what grows with them.

    DATABASE_URL=postgres://…/bench python -m bench.records --number 10000000

The example content is published for it with three web sites, so that each record points at a real version
and at the bytes of a real banner. Evidence cannot be taken away again: every database is refused that is not
called “bench…”, or in which there is evidence already.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import django

SITES = ("website", "product", "academy")
DAYS = 365
BATCH = 500_000

# What each banner can be answered, for the rows below to choose from.
ASKED = """
CREATE TEMPORARY TABLE bench_asked (
    place int, website text, banner text, version int, vendor text, yes jsonb, no jsonb, mixed jsonb[]
)
"""
# One row per number, in the order of time. The middle query keeps each chance from being drawn twice.
ROWS = """
INSERT INTO consent_consentrecord (
    id, subject, website, version_id, banner_id, language, gpc, action, choices, vendors, is_once,
    decided_at, recorded_at
)
SELECT
    (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
        || '7' || substr(noise, 1, 3) || 'a' || substr(noise, 4, 15))::uuid,
    CASE WHEN action = 'reject_all' OR (action = 'save' AND NOT allows) THEN NULL ELSE gen_random_uuid() END,
    website, version, banner,
    CASE WHEN tongue < 0.75 THEN 'nl' ELSE 'en' END,
    signal < 0.08,
    action, choices,
    CASE WHEN is_once THEN jsonb_build_object(vendor, true) ELSE '{}'::jsonb END,
    is_once, moment, moment + interval '0.2 seconds' * tongue
FROM (
    SELECT *, mixed[picked] @? '$.* ? (@ == true)' OR is_once AS allows,
        CASE
            WHEN is_once THEN '{}'::jsonb
            WHEN action = 'accept_all' THEN yes
            WHEN action = 'save' THEN mixed[picked]
            ELSE no
        END AS choices
    FROM (
        SELECT *,
            chance >= 0.98 AS is_once,
            1 + floor(picking * cardinality(mixed))::int AS picked,
            CASE
                WHEN chance < 0.54 THEN 'accept_all'
                WHEN chance < 0.85 THEN 'reject_all'
                WHEN chance < 0.95 OR chance >= 0.98 THEN 'save'
                ELSE 'withdraw'
            END AS action
        FROM (
            SELECT
                %(start)s::timestamptz + make_interval(secs => %(step)s * (number + random())) AS moment,
                md5(random()::text) AS noise, random() AS chance, random() AS picking, random() AS tongue,
                random() AS signal,
                CASE WHEN random() < 0.7 THEN 0 WHEN random() < 0.67 THEN 1 ELSE 2 END AS place
            FROM generate_series(%(first)s, %(last)s) AS number
            OFFSET 0
        ) AS drawn
        JOIN bench_asked USING (place)
    ) AS decided
) AS answered
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=1_000_000, metavar="RECORDS")
    number = parser.parse_args().number
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privacy_site.settings")
    os.environ["PUBLICATION_POLL_SECONDS"] = "0"  # nothing is served here
    django.setup()
    if refusal := why_not():
        sys.exit(refusal)
    publish()
    start = time.monotonic()
    for done in fill(number):
        print(f"{done:>12,} records  {time.monotonic() - start:8.1f} s", flush=True)


def why_not() -> str:
    """Why nothing may be written into this database; empty where it may."""
    from django.db import connection

    from consent.models import ConsentRecord
    from policies.models import StatementVersion

    if connection.vendor != "postgresql":
        return "Set DATABASE_URL to a PostgreSQL database."
    if not str(connection.settings_dict["NAME"]).startswith("bench"):
        return "Only a database whose name begins with “bench” is filled: evidence cannot be taken away again."
    if ConsentRecord.objects.exists() or StatementVersion.objects.exists():
        return "This database holds evidence already. Make a new one, and migrate it."
    return ""


def publish() -> None:
    """Put the example content into force, with the banners of all web sites."""
    from django.utils import timezone

    from consent import evidence
    from policies import rendering
    from policies.content_file import load
    from policies.first_install import CONTENT, SUMMARY
    from policies.models import CookieVendor, Website
    from policies.publishing import publish_statement

    load(CONTENT.read_text(encoding="utf-8"))
    website = Website.objects.get(slug=SITES[0])
    vendors = list(CookieVendor.objects.filter(websites=website))
    for order, slug in enumerate(SITES[1:], start=1):
        website.pk, website.slug, website.order = None, slug, website.order + order
        website.hosts_statement, website._state.adding = False, True
        website.save()
        for vendor in vendors:
            vendor.websites.add(website)
    publish_statement(by="bench", change_summary=SUMMARY, effective_at=timezone.now() - timedelta(days=DAYS + 1))
    evidence.warm(rendering.current())


def fill(number: int) -> Iterator[int]:
    """Insert ``number`` records up to a minute ago; yields how many there are."""
    from django.db import connection
    from django.utils import timezone

    from consent.partitions import make_ahead

    step = timedelta(days=DAYS).total_seconds() / number
    start = timezone.now() - timedelta(days=DAYS, minutes=1)
    for days in range(0, DAYS, 28):
        make_ahead(start + timedelta(days=days))  # as was done in time, had this been a year
    with connection.cursor() as cursor:
        _offer_answers(cursor)
        for first in range(0, number, BATCH):
            last = min(first + BATCH, number)
            cursor.execute(ROWS, {"start": start, "step": step, "first": first, "last": last - 1})
            yield last
        # So that the planner knows the table, and the index of arrivals all of it.
        cursor.execute("VACUUM ANALYZE consent_consentrecord")


def _offer_answers(cursor) -> None:
    from consent.models import Banner
    from consent.recording import what_was_asked

    cursor.execute(ASKED)
    for place, website in enumerate(SITES):
        banner = Banner.objects.get(website=website, kind=Banner.Kind.SCRIPT)
        asked = what_was_asked(banner.digest)
        if asked is None:
            raise LookupError(f"the banner of {website} asks for nothing")
        categories = list(asked.categories)
        mixed = [
            dict(zip(categories, answers, strict=True)) for answers in product([False, True], repeat=len(categories))
        ]
        cursor.execute(
            "INSERT INTO bench_asked VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb[])",
            [
                place,
                website,
                banner.digest,
                banner.version_id,
                next(vendor for vendors in asked.categories.values() for vendor in vendors),
                json.dumps(dict.fromkeys(categories, True)),
                json.dumps(dict.fromkeys(categories, False)),
                [json.dumps(answers) for answers in mixed],
            ],
        )


if __name__ == "__main__":
    main()
