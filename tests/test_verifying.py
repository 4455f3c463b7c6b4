"""Whoever reaches past the triggers is found: what was changed, taken away or added is named."""

import hashlib
import inspect
import io
import json
import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from consent import sealing, verdict, verifying
from consent.models import Banner, ConsentRecord, RecordPurge, SealedDay, SealLeaves
from consent.purging import purge
from consent.sealing import leaves_of, records_of, seal_closed_days, seal_text, sign
from consent.verifying import verify
from policies.models import Section, StatementPdf, StatementVersion
from retention.append_only import execute

from .arriving import BODY, MONDAY, TUESDAY, WEDNESDAY, arrive, at, once_closed, past_the_triggers

NOW = once_closed(WEDNESDAY)
KEY = bytes(range(32))
UNDER = {"rule": "proof-of-choice", "wording": "at most 5 years after the choice", "by": "run_due", "now": NOW}


@pytest.fixture
def sealed(published, settings):
    """Three sealed days with two, three and two records, signed."""
    settings.SEAL_SIGNING_KEY = KEY
    arrive(at(MONDAY), number=2)
    arrive(at(TUESDAY), number=3)
    arrive(at(WEDNESDAY), number=2)
    Banner.objects.create(
        digest=hashlib.sha256(b"other").hexdigest(), kind="script", website="website", version=published, body=b"other"
    )
    seal_closed_days(NOW)


def found(*arguments, **options):
    """Each fault as ``(kind, subject, day)``."""
    report = verify(*arguments, **{"now": NOW} | options)
    assert report.is_intact == (not report.faults)
    return [(fault.kind, fault.subject, fault.day) for fault in report.faults]


def record_of(day):
    return ConsentRecord.objects.filter(recorded_at__gte=at(day, 0)).order_by("recorded_at", "id").first()


def tamper(row, **fields):
    """UPDATE as any SQL would, past the manager."""
    type(row)._base_manager.filter(pk=row.pk).update(**fields)


def take_away(row):
    type(row)._base_manager.filter(pk=row.pk)._raw_delete("default")


# -- Intact -------------------------------------------------------------------------------------


def test_what_nobody_touched_is_intact(sealed):
    report = verify(now=NOW)

    assert report.is_intact
    assert (report.seals, report.days, report.records) == (3, 3, 7)
    assert (report.versions, report.pdfs) == (1, 2)
    assert report.banners == Banner.objects.count()
    assert report.newest == SealedDay.objects.get(day=WEDNESDAY)
    assert report.unsealed is None


def test_records_of_today_are_no_fault(sealed):
    arrive(at(WEDNESDAY + timedelta(days=1)))

    assert found() == []


def test_a_period_bounds_the_records_that_are_read_and_never_the_chain(sealed):
    reached = []

    report = verify(TUESDAY, TUESDAY, lambda day, records: reached.append((day, records)), now=NOW)

    assert (report.seals, report.days, report.records) == (3, 1, 3)
    assert reached == [(TUESDAY, 3)]


def test_without_seals_and_records_only_versions_are_checked(published):
    report = verify(now=NOW)

    assert report.is_intact
    assert (report.seals, report.versions) == (0, 1)


def test_few_rows_are_in_memory_and_few_queries_are_made(sealed):
    with CaptureQueriesContext(connection) as few:
        verify(now=NOW)
    arrive(at(WEDNESDAY + timedelta(days=1)), number=300)
    seal_closed_days(NOW + timedelta(days=1))

    with CaptureQueriesContext(connection) as more:
        verify(now=NOW)

    one_day = 8  # the records, their leaves, what was erased; on PostgreSQL the transaction
    assert len(more) <= len(few) + one_day
    assert all("recorded_at" in query["sql"] for query in more if 'FROM "consent_consentrecord"' in query["sql"])


# -- Records --------------------------------------------------------------------------------------


CHANGES = {
    "subject": {"subject": uuid.UUID("5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11")},
    "no subject": {"subject": None},
    "banner": {"banner_id": hashlib.sha256(b"other").hexdigest()},
    "language": {"language": "en"},
    "signal": {"gpc": True},
    "action": {"action": "accept_all"},
    "choices": {"choices": {"analytical": True, "marketing": True}},
    "vendors": {"vendors": {"hotjar": False}},
    "once": {"is_once": True, "choices": {}},
    "decided": {"decided_at": at(TUESDAY) + timedelta(microseconds=1)},
    "recorded": {"recorded_at": at(TUESDAY) + timedelta(microseconds=1)},
}


@pytest.mark.parametrize("fields", CHANGES.values(), ids=CHANGES)
def test_a_change_of_any_field_names_the_record(sealed, fields):
    record = ConsentRecord.objects.filter(recorded_at=at(TUESDAY)).order_by("id")[1]
    with past_the_triggers():
        tamper(record, **fields)

        assert found() == [("changed", str(record.pk), TUESDAY)]


def test_every_field_of_a_record_has_been_tried():
    changed = {name.removesuffix("_id") for fields in CHANGES.values() for name in fields}

    # These three are tried below: they have more consequences.
    assert changed | {"id", "version", "website"} == {field.name for field in ConsentRecord._meta.concrete_fields}


def test_a_changed_version_names_the_record_and_what_it_points_to(sealed):
    record = record_of(TUESDAY)
    with past_the_triggers():
        tamper(record, version_id=2)

        assert found() == [
            ("changed", str(record.pk), TUESDAY),
            ("banner-version", record.banner_id, None),
            ("version-missing", "2", None),
        ]


def test_a_changed_web_site_names_the_record_and_the_banner_of_another(sealed):
    record = record_of(TUESDAY)
    with past_the_triggers():
        tamper(record, website="other")

        assert found() == [("changed", str(record.pk), TUESDAY), ("banner-website", record.banner_id, None)]


def test_a_changed_id_is_one_record_less_and_one_more(sealed):
    record, other = record_of(TUESDAY), uuid.UUID(int=1)
    with past_the_triggers():
        tamper(record, id=other)

        assert found() == [("inserted", str(other), TUESDAY), ("missing", str(record.pk), TUESDAY)]


def test_a_deleted_record_is_named(sealed):
    record = record_of(TUESDAY)
    with past_the_triggers():
        take_away(record)

        assert found() == [("missing", str(record.pk), TUESDAY)]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_record_is_missed_wherever_it_stood(sealed, which):
    record = ConsentRecord.objects.filter(recorded_at=at(TUESDAY)).order_by("id")[which]
    with past_the_triggers():
        take_away(record)

        assert found() == [("missing", str(record.pk), TUESDAY)]


def test_all_records_of_a_day_are_missed(sealed):
    with past_the_triggers():
        ConsentRecord._base_manager.filter(recorded_at=at(TUESDAY))._raw_delete("default")

        assert [kind for kind, _subject, _day in found()] == ["missing"] * 3


def test_a_record_that_is_dated_back_is_named(sealed):
    record = arrive(at(TUESDAY, 3))

    assert found() == [("inserted", str(record.pk), TUESDAY)]


def test_a_record_put_on_a_day_without_records_is_named(published):
    arrive(at(MONDAY))
    seal_closed_days(once_closed(TUESDAY))
    record = arrive(at(TUESDAY))

    assert found() == [("inserted", str(record.pk), TUESDAY)]


def test_a_record_from_before_the_first_seal_is_named(sealed):
    record = arrive(at(MONDAY - timedelta(days=30)))

    assert found() == [("inserted", str(record.pk), MONDAY - timedelta(days=30))]
    assert found(since=TUESDAY) == []


def test_a_record_that_was_moved_to_another_day_is_named_on_both(sealed):
    record = record_of(MONDAY)
    with past_the_triggers():
        tamper(record, recorded_at=at(WEDNESDAY))

        assert found() == [("moved", str(record.pk), MONDAY), ("inserted", str(record.pk), WEDNESDAY)]


def test_a_record_that_was_moved_to_today_is_named(sealed):
    record = record_of(MONDAY)
    with past_the_triggers():
        tamper(record, recorded_at=at(WEDNESDAY + timedelta(days=1)))

        assert found() == [("moved", str(record.pk), MONDAY)]


def test_several_faults_of_several_days_are_each_named(sealed):
    changed, missing = record_of(MONDAY), record_of(WEDNESDAY)
    with past_the_triggers():
        tamper(changed, gpc=True)
        take_away(missing)
        inserted = arrive(at(TUESDAY, 20))

        assert found() == [
            ("changed", str(changed.pk), MONDAY),
            ("inserted", str(inserted.pk), TUESDAY),
            ("missing", str(missing.pk), WEDNESDAY),
        ]


def test_a_fault_outside_the_period_is_not_looked_for(sealed):
    with past_the_triggers():
        tamper(record_of(MONDAY), gpc=True)

        assert found(since=TUESDAY) == []
        assert len(found(until=MONDAY)) == 1


def test_of_very_many_faults_the_first_are_named_and_all_counted(sealed, monkeypatch):
    monkeypatch.setattr(verifying, "NAMED", 2)
    with past_the_triggers():
        ConsentRecord._base_manager.update(gpc=True)

        report = verify(now=NOW)
        assert (len(report.faults), report.unnamed) == (2, 5)
        assert verdict.outcome(report) == "Not intact: 7 faults."


# -- Leaves -----------------------------------------------------------------------------------------


def leaves_on(day):
    return SealLeaves.objects.get(seal__day=day)


@pytest.mark.parametrize("byte", [0, 15, 16, 47, 48, 143])
def test_leaves_that_were_edited_are_named_and_no_record_that_is_sound(sealed, byte):
    leaves = leaves_on(TUESDAY)
    body = bytearray(leaves.body)
    body[byte] ^= 1
    tamper(leaves, body=bytes(body))

    assert found() == [("leaves", "", TUESDAY)]


@pytest.mark.parametrize("length", [0, 1, 47, 48, 100, 143])
def test_leaves_that_were_cut_off_are_named(sealed, length):
    leaves = leaves_on(TUESDAY)
    tamper(leaves, body=bytes(leaves.body)[:length])

    assert found() == [("leaves" if length else "leaves-gone", "", TUESDAY)]


def test_leaves_that_are_gone_leave_the_records_proved_by_the_root(sealed):
    take_away(leaves_on(TUESDAY))

    assert found() == [("leaves-gone", "", TUESDAY)]


def test_without_leaves_a_changed_record_cannot_be_named_but_its_day(sealed):
    take_away(leaves_on(TUESDAY))
    with past_the_triggers():
        tamper(record_of(TUESDAY), gpc=True)

        assert found() == [("leaves-gone", "", TUESDAY), ("unknown", "", TUESDAY)]


def test_a_record_changed_together_with_its_leaf_does_not_fit_the_seal(sealed):
    with past_the_triggers():
        tamper(record_of(TUESDAY), gpc=True)
        tamper(leaves_on(TUESDAY), body=b"".join(leaves_of(records_of(TUESDAY))))

        assert found() == [("root", "", TUESDAY)]


def test_a_changed_record_beside_an_edited_leaf_of_another_names_both(sealed):
    record = record_of(TUESDAY)
    position = list(ConsentRecord.objects.filter(recorded_at=at(TUESDAY)).order_by("id")).index(record)
    leaves = leaves_on(TUESDAY)
    body = bytearray(leaves.body)
    body[(position + 1) % 3 * 48 + 20] ^= 1
    tamper(leaves, body=bytes(body))
    with past_the_triggers():
        tamper(record, gpc=True)

        assert ("leaves", "", TUESDAY) in found()
        assert ("changed", str(record.pk), TUESDAY) in found()


# -- Seals --------------------------------------------------------------------------------------------


def seal_on(day):
    return SealedDay.objects.get(day=day)


def digest_of(seal, **fields):
    said = {name: getattr(seal, name) for name in ("day", "count", "root", "previous", "sealed_at")} | fields
    return hashlib.sha256(seal_text(**said).encode()).hexdigest()


def test_a_changed_number_in_a_seal_is_named(sealed):
    with past_the_triggers():
        tamper(seal_on(TUESDAY), count=4)

        assert found() == [("seal", seal_on(TUESDAY).digest, TUESDAY), ("signature", seal_on(TUESDAY).key, TUESDAY),
                           ("root", "", TUESDAY)]  # fmt: skip


def test_a_changed_digest_is_named_and_does_not_fit_the_next(sealed):
    with past_the_triggers():
        tamper(seal_on(MONDAY), digest="0" * 64)

        assert found() == [("seal", "0" * 64, MONDAY), ("chain", seal_on(TUESDAY).previous, TUESDAY)]


def test_swapped_seals_are_both_named(sealed):
    first, second = seal_on(MONDAY), seal_on(TUESDAY)
    with past_the_triggers():
        tamper(first, day=MONDAY - timedelta(days=9))
        tamper(second, day=MONDAY)
        tamper(first, day=TUESDAY)

        kinds = {(kind, day) for kind, _subject, day in found()}
        assert {("seal", MONDAY), ("seal", TUESDAY), ("beginning", MONDAY), ("chain", TUESDAY)} <= kinds
        assert not {kind for kind, day in kinds if day == WEDNESDAY} - {"chain"}


def test_a_day_that_was_sealed_anew_does_not_fit_the_next(sealed):
    """Record, leaf, root, digest and even the signature are made to fit; the chain is not."""
    with past_the_triggers():
        tamper(record_of(TUESDAY), gpc=True)
        take_away(leaves_on(TUESDAY))
        seal = seal_on(TUESDAY)
        take_away(seal)
        sealing._seal(TUESDAY, seal_on(MONDAY), NOW)

        assert seal_on(TUESDAY).digest != seal.digest
        assert found() == [("chain", seal.digest, WEDNESDAY)]


def test_a_missing_seal_is_named(sealed):
    digest = seal_on(TUESDAY).digest
    with past_the_triggers():
        take_away(leaves_on(TUESDAY))
        take_away(seal_on(TUESDAY))

        assert found() == [("day", "", TUESDAY), ("chain", digest, WEDNESDAY)]


def test_a_chain_without_its_beginning_is_named(sealed):
    digest = seal_on(MONDAY).digest
    with past_the_triggers():
        take_away(leaves_on(MONDAY))
        take_away(seal_on(MONDAY))

        assert found()[0] == ("beginning", digest, TUESDAY)
        # Its records have no seal any more, so they seem to be older than sealing.
        assert {kind for kind, _subject, _day in found()[1:]} == {"inserted"}


def test_a_chain_without_its_end_is_found_against_a_digest_that_was_kept(sealed):
    kept = seal_on(WEDNESDAY).digest
    assert found(expect=[kept]) == []
    with past_the_triggers():
        take_away(leaves_on(WEDNESDAY))
        take_away(seal_on(WEDNESDAY))

        assert found() == []
        assert found(expect=[kept]) == [("expected", kept, None)]


def test_a_chain_that_was_made_anew_is_found_against_a_digest_that_was_kept(sealed):
    kept = seal_on(WEDNESDAY).digest
    with past_the_triggers():
        tamper(record_of(MONDAY), gpc=True)
        SealLeaves.objects.all().delete()
        SealedDay._base_manager.all()._raw_delete("default")
        seal_closed_days(NOW)

        assert found() == []
        assert found(expect=[kept]) == [("expected", kept, None)]


def test_a_version_that_somebody_knows_the_digest_of_must_be_there(sealed, published):
    assert found(expect=[published.digest]) == []


def test_a_chain_that_was_made_anew_without_the_key_is_found_by_the_signature(sealed, settings):
    key, _signature = sign("", KEY)
    other, _signature = sign("", bytes(32))
    assert found(keys=[key]) == []
    with past_the_triggers():
        SealLeaves.objects.all().delete()
        SealedDay._base_manager.all()._raw_delete("default")
        settings.SEAL_SIGNING_KEY = bytes(32)
        seal_closed_days(NOW)

        assert found() == []
        assert found(keys=[key]) == [("key", other, day) for day in (MONDAY, TUESDAY, WEDNESDAY)]


def test_a_signature_that_is_not_of_the_key_is_named(sealed):
    with past_the_triggers():
        tamper(seal_on(TUESDAY), key=sign("", bytes(32))[0])

        assert found() == [("signature", seal_on(TUESDAY).key, TUESDAY)]


def test_it_says_from_when_to_when_which_key_signed(sealed, settings):
    settings.SEAL_SIGNING_KEY = None
    seal_closed_days(NOW + timedelta(days=2))

    spans = verify(now=NOW).keys
    assert [(span.first, span.last, span.seals) for span in spans.values()] == [
        (MONDAY, WEDNESDAY, 3),
        (WEDNESDAY + timedelta(days=1), WEDNESDAY + timedelta(days=2), 2),
    ]
    assert list(spans) == [sign("", KEY)[0], ""]


# -- What was erased under a rule -------------------------------------------------------------------


def test_what_was_erased_verifies_by_its_seal_and_says_how_many_under_which_rule(sealed):
    purge(cut_off=at(WEDNESDAY, 0), **UNDER)

    report = verify(now=NOW)

    assert report.is_intact
    (((rule, wording), erased),) = report.erased.items()
    assert (rule, wording) == ("proof-of-choice", "at most 5 years after the choice")
    assert (erased.days, erased.records) == (2, 5)
    assert (
        "5 records were erased under rule proof-of-choice (at most 5 years after the choice). Days: 2."
        in verdict.checked(report)
    )


def test_an_erasure_under_way_is_no_fault(sealed):
    RecordPurge.objects.create(rule="r", wording="w", cut_off=at(WEDNESDAY, 0), decided_by="x", decided_at=NOW)
    ConsentRecord._base_manager.filter(pk=record_of(TUESDAY).pk)._raw_delete("default")

    report = verify(now=NOW)

    assert report.is_intact
    assert report.erased[("r", "w")].records == 1


def test_a_record_is_missed_that_no_erasure_reaches(sealed):
    purge(cut_off=at(TUESDAY, 0), **UNDER)
    record = record_of(TUESDAY)
    with past_the_triggers():
        take_away(record)

        assert found() == [("missing", str(record.pk), TUESDAY)]


def test_what_is_left_of_a_day_under_erasure_may_not_be_changed(sealed):
    RecordPurge.objects.create(rule="r", wording="w", cut_off=at(WEDNESDAY, 0), decided_by="x", decided_at=NOW)
    record = record_of(TUESDAY)
    with past_the_triggers():
        tamper(record, gpc=True)

        assert found() == [("changed", str(record.pk), TUESDAY)]


def test_a_record_put_back_on_an_erased_day_is_named(sealed):
    purge(cut_off=at(WEDNESDAY, 0), **UNDER)
    record = arrive(at(TUESDAY))

    assert found() == [("inserted", str(record.pk), TUESDAY)]


def test_the_chain_of_erased_days_is_still_checked(sealed):
    purge(cut_off=at(WEDNESDAY, 0), **UNDER)
    with past_the_triggers():
        tamper(seal_on(MONDAY), count=1)

        assert ("seal", seal_on(MONDAY).digest, MONDAY) in found()


def test_leaves_that_go_without_an_erasure_are_a_fault(sealed):
    purge(cut_off=at(TUESDAY, 0), **UNDER)
    take_away(leaves_on(TUESDAY))

    assert found() == [("leaves-gone", "", TUESDAY)]


# -- Days that nobody sealed ------------------------------------------------------------------------


def test_days_that_are_over_for_long_and_not_sealed_could_not_be_checked(sealed):
    report = verify(now=NOW + timedelta(days=30))

    assert report.is_intact
    assert report.unsealed == (WEDNESDAY + timedelta(days=1), WEDNESDAY + timedelta(days=28))


def test_records_without_any_seal_could_not_be_checked(published):
    arrive(at(MONDAY))

    assert verify(now=at(MONDAY)).unsealed is None
    assert verify(now=at(MONDAY + timedelta(days=9))).unsealed == (MONDAY, MONDAY + timedelta(days=6))


# -- Versions and banners ---------------------------------------------------------------------------


@pytest.fixture
def two_versions(published, publish):
    section = Section.objects.filter(page="statement").first()
    section.heading_en, section.heading_nl = "Another heading", "Een ander kopje"
    section.save()
    publish()


def test_an_edited_document_is_named(two_versions):
    version = StatementVersion.objects.get(number=1)
    with past_the_triggers():
        tamper(version, document=version.document.replace("Pro4all", "Pro4none", 1))

        assert found() == [("version", "1", None)]


def test_a_document_edited_together_with_its_digest_does_not_fit_the_next(two_versions):
    version = StatementVersion.objects.get(number=1)
    document = version.document.replace("Pro4all", "Pro4none", 1)
    with past_the_triggers():
        tamper(version, document=document, digest=hashlib.sha256(document.encode()).hexdigest())

        assert found() == [("version-chain", "2", None)]


@pytest.mark.parametrize("document", ["", "[]", "no JSON at all"])
def test_a_document_that_is_none_is_named(published, document):
    with past_the_triggers():
        tamper(published, document=document)

        assert ("version", "1", None) in found()


def test_a_missing_version_is_named(two_versions):
    with past_the_triggers():
        StatementPdf._base_manager.filter(version__number=1)._raw_delete("default")
        take_away(StatementVersion.objects.get(number=1))

        assert found() == [("version-missing", "1", None), ("version-chain", "2", None)]


@pytest.mark.parametrize(
    "fields", [{"effective_at": at(MONDAY)}, {"change_summary_nl": "Niets."}, {"change_summary_en": "Nothing."}]
)
def test_what_stands_beside_a_document_must_be_what_it_says(published, fields):
    with past_the_triggers():
        tamper(published, **fields)

        assert found() == [("version-beside", "1", None)]


def test_another_review_than_was_published_is_named(two_versions):
    with past_the_triggers():
        tamper(StatementVersion.objects.get(number=2), review='{"findings":[]}')

        assert found() == [("review", "2", None)]


def test_an_edited_pdf_is_named(published):
    with past_the_triggers():
        tamper(StatementPdf.objects.get(language="nl"), body=b"%PDF-1.7 other")

        assert found() == [("pdf", "1 (nl)", None)]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_version_without_one_of_its_pdfs_is_named(published, language):
    with past_the_triggers():
        take_away(StatementPdf.objects.get(language=language))

        assert found() == [("pdf-missing", f"1 ({language})", None)]


def test_no_pdf_at_all_is_each_of_them_missing(two_versions):
    with past_the_triggers():
        StatementPdf._base_manager.all()._raw_delete("default")

        assert found() == [("pdf-missing", subject, None) for subject in ("1 (en)", "1 (nl)", "2 (en)", "2 (nl)")]


def test_that_a_pdf_is_as_good_as_the_digest_beside_it_is_said(published):
    with past_the_triggers():
        tamper(StatementPdf.objects.get(language="nl"), body=b"other", digest=hashlib.sha256(b"other").hexdigest())

        report = verify(now=NOW)
        assert report.is_intact
        assert "A PDF is only as good as the digest beside it" in " ".join(verdict.does_not_prove(report))


def test_a_banner_of_another_web_site_than_its_records_is_named(sealed):
    digest = hashlib.sha256(BODY).hexdigest()
    with past_the_triggers():
        tamper(Banner.objects.get(digest=digest), website="other")

        assert found() == [("banner-website", digest, None)]


def test_an_edited_banner_is_named(sealed):
    digest = hashlib.sha256(BODY).hexdigest()
    with past_the_triggers():
        tamper(Banner.objects.get(digest=digest), body=BODY + b" ")

        assert found() == [("banner", digest, None)]


def test_a_banner_that_records_point_to_and_that_is_gone_is_named(sealed):
    digest = hashlib.sha256(BODY).hexdigest()
    with past_the_triggers():
        take_away(Banner.objects.get(digest=digest))

        assert found() == [("banner-missing", digest, None)]


# -- In words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("kind", verdict.FAULTS)
def test_every_fault_has_a_sentence(kind, language):
    with override(language):
        sentence = verdict.in_words(verifying.Fault(kind, "SUBJECT", MONDAY))

    assert "%" not in sentence
    assert sentence.endswith(".")
    assert "SUBJECT" in sentence or "2026" in sentence


def test_every_kind_of_fault_that_is_found_is_in_the_list():
    told = set(re.findall(r'\.add\(\s*"([a-z-]+)"', inspect.getsource(verifying)))
    assert told <= set(verdict.FAULTS)


# -- The command ------------------------------------------------------------------------------------


def run(*arguments):
    """``(exit code, output)``."""
    output = io.StringIO()
    try:
        call_command("verify_evidence", *arguments, stdout=output, stderr=io.StringIO())
    except SystemExit as stop:
        return stop.code, output.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, output.getvalue()


@pytest.fixture
def lately(published):
    """Three days are sealed, one of which has a record, and it is the day after."""
    with time_machine.travel(NOW, tick=False):
        arrive(at(MONDAY))
        seal_closed_days(NOW)
        yield


def test_the_command_says_what_it_checked_what_that_proves_and_what_not(lately):
    code, said = run()

    assert code == 0
    assert said.startswith("Intact: everything is as it was sealed and published.\n")
    assert "Seals: 3, from 4 May 2026 to 6 May 2026." in said
    assert SealedDay.objects.first().digest in said
    for heading in ("Checked", "What this proves", "What it does not prove"):
        assert f"\n{heading}\n" in said
    assert "Not signed: the seals from 4 May 2026 to 6 May 2026 (3)." in said


def test_the_command_names_each_fault_and_ends_with_1(lately):
    record = arrive(at(MONDAY, 13))

    code, said = run()

    assert code == 1
    assert said.startswith("Not intact: 1 fault.\n")
    assert f"- Record {record.pk} was put among those of 4 May 2026 later" in said
    assert "What this proves" not in said


def test_the_command_speaks_json(lately):
    record = arrive(at(MONDAY, 13))

    code, said = run("--format", "json")

    answer = json.loads(said)
    assert (code, answer["intact"], answer["seals"]) == (1, False, 3)
    (fault,) = answer["faults"]
    assert (fault["kind"], fault["subject"], fault["day"]) == ("inserted", str(record.pk), "2026-05-04")


def test_the_command_checks_a_period(lately):
    arrive(at(MONDAY, 13))

    assert run("--since", "2026-05-05")[0] == 0
    assert run("--until", "2026-05-04")[0] == 1


def test_the_command_wants_the_digest_that_was_kept(lately):
    assert run("--expect", SealedDay.objects.first().digest)[0] == 0
    assert run("--expect", "0" * 64)[0] == 1


def test_the_command_wants_the_key_that_is_known(lately):
    code, said = run("--key", sign("", KEY)[0])

    assert code == 1
    assert "The seal of 4 May 2026 is not signed with a key that you gave." in said


def test_the_command_ends_with_2_where_days_were_never_sealed(published):
    arrive(at(MONDAY))

    code, said = run()

    assert code == 2
    assert said.startswith("Not all could be checked: the days from 4 May 2026 to ")


def test_the_command_ends_with_2_where_it_could_not_check(db):
    with transaction.atomic():
        execute(["ALTER TABLE consent_sealedday RENAME TO put_away"], "default")

        code, said = run()
        transaction.set_rollback(True)

    assert code == 2
    assert said.startswith("Could not check: ")


@pytest.mark.parametrize(
    "arguments",
    [("--since", "yesterday"), ("--until", "2026-02-30"), ("--since", "2026-05-02", "--until", "2026-05-01"),
     ("--expect", "ab")],
)  # fmt: skip
def test_the_command_refuses_what_it_does_not_understand(db, arguments):
    assert run(*arguments)[0] == 2
