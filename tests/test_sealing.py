"""A day that is over is sealed: its records under one hash, in a chain, perhaps signed."""

import base64
import hashlib
import json
import threading
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from consent import sealing
from consent.counting import count
from consent.models import ConsentRecord, DailyCount, SealedDay, SealLeaves
from consent.recording import new_id
from consent.sealing import (
    Tree,
    canonical_record,
    is_signature,
    leaf_hash,
    proofs_of,
    seal_closed_days,
    seal_text,
    sign,
)
from retention import due

from .arriving import AMSTERDAM, MONDAY, TUESDAY, WEDNESDAY, arrive, at, once_closed
from .trees import plain_path, plain_root, root_by

KEY = bytes(range(32))


# -- The text of a record ------------------------------------------------------------------------


def test_a_record_has_one_text_for_ever(published):
    record = arrive(
        datetime(2026, 11, 22, 20, 41, 45, 123456, tzinfo=UTC),
        id=uuid.UUID("019aad0c-8f80-7000-8000-000000000001"),
        subject=uuid.UUID("5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11"),
        choices={"marketing": False, "analytical": True},
        vendors={"hotjar": False},
        decided_at=datetime(2026, 11, 22, 21, 41, 44, tzinfo=AMSTERDAM),
    )

    expected = (
        '{"action":"save","banner":"BANNER","choices":{"analytical":true,"marketing":false},'
        '"decided_at":"2026-11-22T20:41:44.000000Z","gpc":false,"id":"019aad0c-8f80-7000-8000-000000000001",'
        '"language":"nl","once":false,"recorded_at":"2026-11-22T20:41:45.123456Z",'
        '"subject":"5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11","vendors":{"hotjar":false},"version":1,"website":"website"}'
    ).replace("BANNER", record.banner_id)
    assert canonical_record(record) == expected
    assert canonical_record(ConsentRecord.objects.get()) == expected


def test_a_refusal_has_no_browser_in_its_text(published):
    record = arrive(at(MONDAY), action="reject_all", subject=None, choices={"analytical": False})

    assert json.loads(canonical_record(record))["subject"] is None


# -- The tree ------------------------------------------------------------------------------------


def grown(leaves):
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.close()


def watched(leaves, index):
    """The path of leaf ``index``, as the tree tells it."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf, is_watched=tree.count == index)
    tree.close()
    return tree.paths[index]


def test_the_hash_of_a_leaf_cannot_be_taken_for_that_of_a_node():
    assert leaf_hash("abc") == hashlib.sha256(b"\x00abc").digest()
    assert grown([leaf_hash("a"), leaf_hash("b")]) == hashlib.sha256(b"\x01" + leaf_hash("a") + leaf_hash("b")).digest()


def test_the_root_of_nothing_is_the_hash_of_nothing():
    assert grown([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("number", [*range(1, 34), 63, 64, 65, 100])
def test_the_root_is_that_of_rfc_9162(number):
    leaves = [leaf_hash(str(n)) for n in range(number)]

    assert grown(leaves) == plain_root(leaves)


@given(st.lists(st.text(), min_size=1, max_size=70), st.data())
def test_every_leaf_has_the_path_of_rfc_9162_and_it_leads_to_the_root(texts, data):
    leaves = [leaf_hash(text) for text in texts]
    index = data.draw(st.integers(0, len(leaves) - 1))

    path = watched(leaves, index)

    assert [bytes.fromhex(neighbour) for _side, neighbour in path] == plain_path(index, leaves)
    assert root_by(leaves[index], path) == plain_root(leaves)


@given(st.sets(st.text(), min_size=2, max_size=40), st.data())
def test_a_path_leads_from_no_other_leaf_to_the_root(texts, data):
    leaves = [leaf_hash(text) for text in sorted(texts)]
    index, other = data.draw(st.lists(st.integers(0, len(leaves) - 1), min_size=2, max_size=2, unique=True))

    assert root_by(leaves[other], watched(leaves, index)) != plain_root(leaves)


# -- A day ---------------------------------------------------------------------------------------


def test_a_day_is_sealed_an_hour_after_it_is_over(published):
    arrive(at(MONDAY))

    assert seal_closed_days(once_closed(MONDAY) - timedelta(seconds=1)) == ""
    assert not SealedDay.objects.exists()
    said = seal_closed_days(once_closed(MONDAY))
    digest = SealedDay.objects.get().digest
    assert said == f"sealed 1 days with 1 records, the last of them 2026-05-04: {digest}"
    assert SealedDay.objects.get().day == MONDAY


def test_a_seal_says_how_many_records_there_were_and_leads_to_each(published):
    for hour in (9, 23, 0, 14):
        arrive(at(MONDAY, hour))
    records = list(ConsentRecord.objects.order_by("id"))

    seal_closed_days(once_closed(MONDAY))

    seal = SealedDay.objects.get()
    texts = [canonical_record(record) for record in records]
    assert (seal.count, seal.root) == (4, plain_root([leaf_hash(text) for text in texts]).hex())
    assert bytes(SealLeaves.objects.get().body) == b"".join(
        record.id.bytes + leaf_hash(text) for record, text in zip(records, texts, strict=True)
    )
    assert seal.digest == hashlib.sha256(seal_text(MONDAY, 4, seal.root, "", seal.sealed_at).encode()).hexdigest()


def test_the_text_of_a_seal_is_canonical_json_with_the_number_of_its_format():
    assert seal_text(MONDAY, 2, "ab", "cd", datetime(2026, 5, 5, 1, tzinfo=UTC)) == (
        '{"count":2,"day":"2026-05-04","format":1,"previous":"cd","root":"ab","sealed_at":"2026-05-05T01:00:00.000000Z"}'
    )


def test_each_seal_holds_the_digest_of_the_one_before(published):
    arrive(at(MONDAY))
    arrive(at(WEDNESDAY))

    seal_closed_days(once_closed(WEDNESDAY))

    first, second, third = SealedDay.objects.order_by("day")
    assert [first.day, second.day, third.day] == [MONDAY, TUESDAY, WEDNESDAY]
    assert (first.previous, second.previous, third.previous) == ("", first.digest, second.digest)


def test_a_day_without_records_is_sealed_so_that_one_that_is_put_there_is_noticed(published):
    arrive(at(MONDAY))

    seal_closed_days(once_closed(TUESDAY))

    empty = SealedDay.objects.get(day=TUESDAY)
    assert (empty.count, empty.root) == (0, hashlib.sha256(b"").hexdigest())
    assert not SealLeaves.objects.filter(seal=empty).exists()


def test_without_records_there_is_nothing_to_seal(db):
    assert seal_closed_days(timezone.now()) == ""


def test_sealing_begins_with_the_first_arrival_though_a_later_one_has_a_smaller_number(published):
    """A browser whose clock was behind, or that had no network for days."""
    arrive(at(WEDNESDAY), id=new_id(at(MONDAY)))
    arrive(at(TUESDAY))

    seal_closed_days(once_closed(WEDNESDAY))

    assert list(SealedDay.objects.order_by("day").values_list("day", "count")) == [(TUESDAY, 1), (WEDNESDAY, 1)]


def test_what_is_sealed_is_not_sealed_again(published):
    arrive(at(MONDAY))
    seal_closed_days(once_closed(MONDAY))

    assert seal_closed_days(once_closed(MONDAY) + timedelta(hours=3)) == ""


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 5, 3, 21, 59, 59, 999999, tzinfo=UTC), date(2026, 5, 3)),
        (datetime(2026, 5, 3, 22, tzinfo=UTC), MONDAY),
        (datetime(2025, 11, 21, 22, 59, 59, 999999, tzinfo=UTC), date(2025, 11, 21)),
        (datetime(2025, 11, 21, 23, tzinfo=UTC), date(2025, 11, 22)),
    ],
)
def test_a_record_belongs_to_the_day_in_amsterdam(published, moment, day):
    arrive(moment)

    seal_closed_days(moment + timedelta(days=3))

    assert SealedDay.objects.get(count=1).day == day


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_the_days_on_which_the_clock_changes_are_whole_days(published, day, hours):
    start = at(day, 0).astimezone(UTC)
    for hour in range(-1, hours + 1):
        arrive(start + timedelta(hours=hour))

    seal_closed_days(once_closed(day + timedelta(days=1)))

    assert list(SealedDay.objects.order_by("day").values_list("count", flat=True)) == [1, hours, 1]


def test_many_records_are_sorted_in_runs_and_kept_in_parts(published, monkeypatch):
    monkeypatch.setattr(sealing, "LEAVES_IN_RUN", 7)
    monkeypatch.setattr(sealing, "LEAVES_IN_PART", 10)
    arrive(at(MONDAY), number=33)

    seal_closed_days(once_closed(MONDAY))

    texts = [canonical_record(record) for record in ConsentRecord.objects.order_by("id")]
    assert SealedDay.objects.get().root == plain_root([leaf_hash(text) for text in texts]).hex()
    assert [len(body) // 48 for body in SealLeaves.objects.values_list("body", flat=True)] == [10, 10, 10, 3]


def test_a_clock_of_ours_that_is_ahead_closes_no_day_that_still_goes_on(published):
    """Records bear the database's clock, and go on arriving."""
    arrive(timezone.now())

    assert seal_closed_days(timezone.now() + timedelta(days=2)) == ""
    assert not SealedDay.objects.exists()


def test_what_takes_long_leaves_the_other_jobs_their_turn(published, monkeypatch):
    monkeypatch.setattr(sealing, "AT_A_TIME", 0)
    arrive(at(MONDAY))

    assert seal_closed_days(once_closed(WEDNESDAY)) == ""


def test_a_sealed_day_has_been_counted_as_it_was_sealed(published):
    arrive(at(MONDAY))
    count(once_closed(MONDAY))
    arrive(at(MONDAY, 23))  # committed after its hour had been counted

    seal_closed_days(once_closed(MONDAY))

    assert DailyCount.objects.get(category="").asked == 2


def test_sealing_is_done_with_what_is_due(published):
    arrive(timezone.now() - timedelta(days=3))

    assert "sealed" in due.run(timezone.now())["seals"]


def test_sealing_reads_days_by_the_moment_of_arrival_and_locks_nothing(published):
    arrive(at(MONDAY))

    with CaptureQueriesContext(connection) as queries:
        seal_closed_days(once_closed(MONDAY))

    on_records = [query["sql"] for query in queries if "consent_consentrecord" in query["sql"]]
    assert not [
        sql for sql in on_records if "LOCK" in sql or "FOR UPDATE" in sql or sql.startswith(("UPDATE", "DELETE"))
    ]
    whole_table = [sql for sql in on_records if "WHERE" not in sql]
    # The first of all by its key, before the first seal.
    assert [sql for sql in whole_table if not sql.endswith('ORDER BY "consent_consentrecord"."id" ASC LIMIT 1')] == []
    assert all("recorded_at" in sql.split("WHERE")[1] for sql in on_records if sql not in whole_table)


def test_no_record_is_read_or_hashed_in_the_transaction_that_writes_the_seal(published, transactional_db):
    """With SQLite nobody can record while that lasts; PostgreSQL reads in a transaction that locks nothing."""
    if connection.vendor == "postgresql":
        return
    arrive(at(MONDAY), number=3)
    count(once_closed(MONDAY))
    asked = []

    def note(execute, sql, *arguments):
        asked.append((connection.in_atomic_block, sql))
        return execute(sql, *arguments)

    with connection.execute_wrapper(note):
        seal_closed_days(once_closed(MONDAY))

    inside = [sql for is_inside, sql in asked if is_inside]
    assert [sql for sql in inside if 'INSERT INTO "consent_sealleaves"' in sql]
    assert not [sql for sql in inside if "consent_consentrecord" in sql]


def test_seals_are_never_changed_or_deleted(published):
    arrive(at(MONDAY))
    seal_closed_days(once_closed(MONDAY))

    for statement in ("UPDATE consent_sealedday SET count = 0", "DELETE FROM consent_sealedday"):
        with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
            connection.cursor().execute(statement)


# -- Several at once -------------------------------------------------------------------------------


def in_a_thread(act):
    def run():
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_of_two_that_seal_at_once_one_seals_and_the_other_goes_on(published, transactional_db):
    arrive(at(MONDAY), number=20)
    arrive(at(TUESDAY), number=20)
    said = []
    together = threading.Barrier(2)

    def seal():
        together.wait(10)
        said.append(seal_closed_days(once_closed(WEDNESDAY)))

    for thread in [in_a_thread(seal), in_a_thread(seal)]:
        thread.join(30)

    seals = list(SealedDay.objects.order_by("day"))
    assert [seal.day for seal in seals] == [MONDAY, TUESDAY, WEDNESDAY]
    assert [seal.previous for seal in seals[1:]] == [seal.digest for seal in seals[:-1]]
    assert [SealLeaves.objects.filter(seal=seal).count() for seal in seals] == [1, 1, 0]
    assert len(said) == 2


def test_the_one_who_comes_second_adds_nothing_to_a_day(published):
    arrive(at(MONDAY))
    seal_closed_days(once_closed(MONDAY))

    assert sealing._seal(MONDAY, None, once_closed(MONDAY)) is None
    assert SealLeaves.objects.count() == 1


def test_records_arrive_while_a_day_is_sealed(published, transactional_db, monkeypatch):
    """Somebody records in the middle of it, and does not wait for its end."""
    arrive(at(MONDAY), number=3)
    real, recorded = sealing.leaves_of, []

    def slow(records):
        for record in real(records):
            if not recorded:
                thread = in_a_thread(lambda: recorded.append(arrive(at(TUESDAY))))
                thread.join(5)
                assert recorded, "recording waited for the seal"
            yield record

    monkeypatch.setattr(sealing, "leaves_of", slow)

    seal_closed_days(once_closed(MONDAY))

    assert SealedDay.objects.get().count == 3


def test_a_day_waits_for_a_transaction_from_before_its_end(published, transactional_db, monkeypatch):
    """PostgreSQL: a record whose commit hangs bears the day that is over."""
    if connection.vendor != "postgresql":
        return
    today = timezone.localdate()
    # Nothing else can bring on the night while a transaction of the day is still open.
    monkeypatch.setattr(sealing, "database_clock", lambda: once_closed(today))
    arrive(timezone.now())
    begun, finish = threading.Event(), threading.Event()

    def hang():
        with transaction.atomic():
            arrive(timezone.now())
            begun.set()
            finish.wait(20)

    thread = in_a_thread(hang)
    assert begun.wait(10)
    try:
        waiting = seal_closed_days(once_closed(today))
    finally:
        finish.set()
        thread.join(20)

    assert waiting == f"{today} waits: a transaction from before its end is still open"
    assert "with 2 records" in seal_closed_days(once_closed(today))


# -- Proof of one record -----------------------------------------------------------------------------


def test_a_record_of_a_sealed_day_can_be_proved(published):
    for hour in range(5):
        arrive(at(MONDAY, hour))
    record = ConsentRecord.objects.order_by("id")[3]
    seal_closed_days(once_closed(MONDAY))

    proof = proofs_of([record])[record.id]

    assert {name: proof[name] for name in ("day", "index", "count")} == {"day": "2026-05-04", "index": 3, "count": 5}
    assert root_by(leaf_hash(canonical_record(record)), proof["path"]).hex() == proof["root"]
    assert proof["root"] == SealedDay.objects.get().root


def test_of_many_records_the_leaves_of_each_day_are_read_once(published):
    for day in (MONDAY, TUESDAY):
        arrive(at(day), number=5)
    seal_closed_days(once_closed(TUESDAY))
    records = list(ConsentRecord.objects.all())

    with CaptureQueriesContext(connection) as queries:
        proofs = proofs_of(records)

    assert len(queries) == 1 + 2 * 2
    for record in records:
        proof = proofs[record.id]
        assert root_by(leaf_hash(canonical_record(record)), proof["path"]).hex() == proof["root"]


def test_of_today_there_is_no_proof_yet(published):
    assert proofs_of([arrive(at(MONDAY))]) == {}


def test_there_is_no_proof_of_what_was_not_sealed(published):
    arrive(at(MONDAY))
    seal_closed_days(once_closed(MONDAY))

    assert proofs_of([arrive(at(MONDAY, 13))]) == {}


# -- Signatures --------------------------------------------------------------------------------------


def test_a_signature_is_that_of_rfc_8032():
    """7.1, TEST 1 has an empty message, which is what text "" is."""
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )

    assert sign("", secret) == tuple(base64.b64encode(bytes.fromhex(text)).decode() for text in (public, signature))


def test_a_seal_is_signed_where_there_is_a_key(published, settings):
    settings.SEAL_SIGNING_KEY = KEY
    arrive(at(MONDAY))

    seal_closed_days(once_closed(MONDAY))

    seal = SealedDay.objects.get()
    text = seal_text(seal.day, seal.count, seal.root, seal.previous, seal.sealed_at)
    assert is_signature(text, seal.key, seal.signature)
    assert not is_signature(text + " ", seal.key, seal.signature)
    assert not is_signature(text, sign("", bytes(32))[0], seal.signature)


def test_without_a_key_it_is_not_signed(published, settings):
    settings.SEAL_SIGNING_KEY = None
    arrive(at(MONDAY))

    seal_closed_days(once_closed(MONDAY))

    seal = SealedDay.objects.get()
    assert (seal.key, seal.signature) == ("", "")


@pytest.mark.parametrize("nonsense", ["", "?", "AAAA", "é"])
def test_nonsense_is_no_signature(nonsense):
    key, signature = sign("text", KEY)

    assert not is_signature("text", nonsense, signature)
    assert not is_signature("text", key, nonsense)
