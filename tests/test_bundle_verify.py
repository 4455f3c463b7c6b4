"""The script in an evidence bundle, run as somebody would who has nothing but the bundle."""

import ast
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from consent import bundle_verify as verify
from consent import sealing
from consent.bundling import bundle
from consent.exporting import Selection
from consent.models import ConsentRecord, SealedDay
from consent.purging import purge
from consent.purging_seals import purge_seals
from consent.sealing import seal_closed_days
from policies.models import Section

from .arriving import AMSTERDAM, MONDAY, TUESDAY, WEDNESDAY, arrive, at, once_closed, past_the_triggers
from .test_bundle import chosen, shown_form
from .trees import plain_path

KEY = bytes(range(32))
RIGHT = "All that can be checked is right."
WRONG = "Not everything is right."


def written(selection, path, **options):
    """The bundle of ``selection`` as a ZIP at ``path``."""
    parts = bundle(selection.records(), query=selection.said(), now=at(WEDNESDAY, 15), **options)
    path.write_bytes(b"".join(parts))
    return path


def run(script, *arguments):
    """(exit code, what it says) of the script, cut off from everything that is ours."""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=script.parent,
        check=False,
        env={},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


class Unpacked:
    """A bundle in a directory, and what somebody could do to it."""

    def __init__(self, archive, path):
        self.path = path
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(path)

    def check(self, *arguments):
        return run(self.path / "verify.py", *arguments)

    def file(self, name):
        return self.path / name

    def json(self, name):
        return json.loads(self.file(name).read_text())

    def write(self, name, body):
        self.file(name).parent.mkdir(parents=True, exist_ok=True)
        self.file(name).write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())

    def replace(self, name, old, new):
        body = self.file(name).read_bytes()
        assert body.count(old) >= 1
        self.write(name, body.replace(old, new, 1))

    def make_the_manifest_agree(self):
        """What somebody does who changes a file and does not want it to show."""
        manifest = self.json("manifest.json")
        names = [path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file()]
        manifest["files"] = [
            {
                "path": name,
                "size": len(body := self.file(name).read_bytes()),
                "sha256": hashlib.sha256(body).hexdigest(),
            }
            for name in sorted(names)
            if name != "manifest.json"
        ]
        manifest["records"] = len(self.file("records.jsonl").read_bytes().splitlines())
        self.write("manifest.json", manifest)


@pytest.fixture
def unpacked(tmp_path):
    """``unpacked(selection)`` → the bundle in a directory."""

    def unpack(selection, **options):
        archive = written(selection, tmp_path / "bundle.zip", **options)
        return Unpacked(archive, tmp_path / "bundle")

    return unpack


@pytest.fixture
def two_days(published, client, settings):
    """Four records of Monday, one of them by the form, and two of Tuesday; sealed, and signed."""
    settings.SEAL_SIGNING_KEY = KEY
    records = [chosen(client, at(MONDAY, 9 + hour)) for hour in range(3)]
    records.append(arrive(at(MONDAY, 20), banner_id=shown_form(client, "nl").digest))
    records += [chosen(client, at(TUESDAY, 9 + hour)) for hour in range(2)]
    seal_closed_days(once_closed(TUESDAY))
    return sorted(records, key=lambda record: record.pk)


@pytest.fixture
def of_one(two_days, unpacked):
    """The bundle of the third record."""
    return unpacked(Selection(receipt=two_days[2].pk))


@pytest.fixture
def of_days(two_days, unpacked):
    """The bundle of both days."""
    return unpacked(Selection(since=MONDAY, until=TUESDAY))


# -- What is right -----------------------------------------------------------------------------


def test_a_bundle_of_one_record_is_right_and_says_what_it_proves(of_one, published):
    code, said = of_one.check()

    assert code == 0, said
    assert RIGHT in said
    assert "NOT RIGHT" not in said
    assert "Records that are under the seal of their day as they stand here: 1 of 1." in said
    assert "Seals: 2, from 2026-05-04 to 2026-05-05; signed: 2." in said
    assert "exactly as they are here, when the day on which they arrived was sealed: 1." in said
    assert "To each record belong the version of the statement and the banner or form" in said
    assert "Of these days every record is here" not in said
    assert "Who chose: a record names no person." in said
    assert "That the clocks were right" in said
    assert "That there are no further records" in said


def test_a_bundle_of_whole_days_proves_that_nothing_is_left_out(of_days):
    code, said = of_days.check()

    assert code == 0, said
    assert "under the seal of their day as they stand here: 6 of 6." in said
    assert "Of these days every record is here, and none was put in later: 2026-05-04 – 2026-05-05." in said


def test_a_bundle_of_a_part_of_several_days_is_right(published, client, unpacked):
    for day in (MONDAY, TUESDAY):
        chosen(client, at(day), number=3)
        chosen(client, at(day), language="en", number=2)
    seal_closed_days(once_closed(TUESDAY))

    bundled = unpacked(Selection(since=MONDAY, until=TUESDAY, website="website"))
    records = ConsentRecord.objects.filter(language="nl")
    parts = bundle(records, query={"language": "nl"}, now=timezone.now())
    other = bundled.path.parent / "other.zip"
    other.write_bytes(b"".join(parts))

    code, said = run(bundled.path / "verify.py", other)
    assert code == 0, said
    assert "under the seal of their day as they stand here: 6 of 6." in said
    assert "every record is here" not in said


def test_the_same_is_said_in_dutch(of_days):
    code, said = of_days.check("--nl")

    assert code == 0
    assert "In orde:" in said
    assert "Registraties die zoals ze hier staan onder het zegel van hun dag vallen: 6 van 6." in said
    assert "Alles wat te controleren is, is in orde." in said
    assert "Right:" not in said


def test_a_bundle_is_checked_as_it_was_received_too(of_days, tmp_path):
    code, said = of_days.check(tmp_path / "bundle.zip")

    assert code == 0
    assert RIGHT in said


def test_a_record_of_today_is_said_to_be_unproven(published, client, unpacked):
    record = chosen(client, at(WEDNESDAY, 9))

    code, said = unpacked(Selection(receipt=record.pk)).check()

    assert code == 0, said
    assert "That the records are unchanged whose day of arrival had no seal yet: 1." in said
    assert "under the seal" not in said


def test_days_that_were_purged_are_said_to_be_erased(published, client, unpacked):
    chosen(client, at(MONDAY), number=3)
    chosen(client, at(TUESDAY))
    seal_closed_days(once_closed(TUESDAY))
    purge(cut_off=at(TUESDAY, 0), rule="records", wording="A day.", by="anna", now=at(WEDNESDAY, 9))

    code, said = unpacked(Selection(since=MONDAY, until=TUESDAY)).check()

    assert code == 0, said
    assert (
        "That the records sealed on 2026-05-04 (3) were erased under a retention rule. The bundle says so, but no seal "
        "covers that: rule records (A day.), since 2026-05-06." in said
    )
    assert "Of these days every record is here, and none was put in later: 2026-05-05." in said


@pytest.fixture
def seals_gone(published, client, unpacked):
    """The bundle of three days; of the first the seal was erased too."""
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        chosen(client, at(day, 9))
    seal_closed_days(once_closed(WEDNESDAY))
    under = {"rule": "seals", "wording": "A day.", "by": "anna", "now": at(WEDNESDAY, 9)}
    purge(cut_off=at(TUESDAY, 0), **under)
    purge_seals(cut_off=at(TUESDAY, 0), **under)
    return unpacked(Selection(since=MONDAY, until=WEDNESDAY))


def test_seals_that_were_erased_are_said_to_be(seals_gone):
    code, said = seals_gone.check()

    assert code == 0, said
    assert (
        "That the seals from 2026-05-04 until 2026-05-05 were erased under a retention rule, with all records of those "
        "days. The bundle says so: rule seals (A day.), since 2026-05-06. Ask for proof of it." in said
    )
    assert "none was put in later: 2026-05-05 – 2026-05-06." in said


@pytest.mark.parametrize("changes", [{"last_digest": "0" * 64}, {"up_to": "2026-05-03"}])
def test_an_erasure_of_seals_that_the_chain_does_not_go_on_from_explains_nothing(seals_gone, changes):
    document = seals_gone.json("seals.json")
    document["seal_purges"][0] |= changes
    seals_gone.write("seals.json", document)
    seals_gone.make_the_manifest_agree()

    code, said = seals_gone.check()

    assert code == 1
    assert "The seals from 2026-05-04 until 2026-05-05 are missing." in said


def test_a_bundle_of_a_former_release_says_nothing_of_erased_seals_and_is_right(of_days):
    document = of_days.json("seals.json")
    assert document.pop("seal_purges") == []
    of_days.write("seals.json", document)
    of_days.make_the_manifest_agree()

    code, said = of_days.check()

    assert code == 0, said


def test_a_day_on_which_nothing_arrived_is_a_whole_day(published, client, unpacked):
    chosen(client, at(MONDAY))
    chosen(client, at(WEDNESDAY))
    seal_closed_days(once_closed(WEDNESDAY))

    code, said = unpacked(Selection(since=MONDAY, until=WEDNESDAY)).check()

    assert code == 0, said
    assert "2026-05-04 – 2026-05-06." in said


def test_versions_that_follow_each_other_are_right(published, publish, client, unpacked):
    chosen(client, at(MONDAY))
    Section.objects.first().delete()
    publish()
    chosen(client, at(TUESDAY))
    bundled = unpacked(Selection(since=MONDAY), with_review=True)

    code, said = bundled.check()

    assert code == 0, said
    assert "Versions of the statement that hash to their SHA-256: 2." in said
    assert bundled.file("versions/2/review.json").exists()


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 1, 1)])
def test_the_day_of_a_record_is_the_one_in_amsterdam(published, client, unpacked, day):
    for moment in (at(day, 0), at(day + timedelta(days=1), 0) - timedelta(microseconds=1)):
        chosen(client, moment)
    seal_closed_days(once_closed(day))

    code, said = unpacked(Selection(since=day, until=day)).check()

    assert code == 0, said
    assert f"none was put in later: {day.isoformat()}." in said


# -- What somebody brings from elsewhere -----------------------------------------------------------


def test_a_seal_that_was_kept_has_to_be_in_the_chain(of_one):
    kept = SealedDay.objects.get(day=TUESDAY).digest

    code, said = of_one.check("--expect", kept)
    assert code == 0
    assert "Up to the seal that you kept, no sealed day was changed since you got it." in said

    code, said = of_one.check("--expect", "0" * 64)
    assert code == 1
    assert f"The seal {'0' * 64} that you kept is not in the chain." in said
    assert "Up to the seal that you kept" not in said


def test_without_a_seal_that_was_kept_it_says_what_that_means(of_one):
    _code, said = of_one.check()

    assert "That the whole chain was not made anew by who owns the database." in said


def test_the_key_has_to_be_the_one_that_was_given(of_one):
    key = SealedDay.objects.first().key

    code, said = of_one.check("--key", key)
    assert code == 0
    assert "The signed seals were made by who holds the private half of the key that you gave." in said

    code, said = of_one.check()
    assert code == 0
    assert f"give it with --key: {key}." in said

    code, said = of_one.check("--key", base64.b64encode(KEY).decode())
    assert code == 1
    assert "The seal of 2026-05-04: is signed with another key than the one you gave." in said
    assert "who holds the private half" not in said


def test_a_signature_is_of_the_days_before_it_as_well(published, client, unpacked, settings):
    settings.SEAL_SIGNING_KEY = None
    record = chosen(client, at(MONDAY))
    seal_closed_days(once_closed(MONDAY))
    settings.SEAL_SIGNING_KEY = KEY
    seal_closed_days(once_closed(TUESDAY))
    key = SealedDay.objects.get(day=TUESDAY).key

    code, said = unpacked(Selection(receipt=record.pk)).check("--key", key)

    assert code == 0, said
    assert "; signed: 1." in said


def test_who_gives_a_key_expects_signatures(published, client, unpacked, settings):
    settings.SEAL_SIGNING_KEY = None
    record = chosen(client, at(MONDAY))
    seal_closed_days(once_closed(MONDAY))
    bundled = unpacked(Selection(receipt=record.pk))

    assert bundled.check()[0] == 0
    code, said = bundled.check("--key", base64.b64encode(KEY).decode())
    assert code == 1
    assert "From the seal of 2026-05-04 on, nothing is signed." in said


# -- Tampering, and the manifest shows it ----------------------------------------------------------


def test_a_file_that_was_changed_is_named(of_one):
    with of_one.file("README.txt").open("a") as file:
        file.write("One more line.\n")

    code, said = of_one.check()

    assert code == 1
    assert "README.txt: is not the file that the manifest lists." in said
    assert WRONG in said


def test_a_file_that_was_removed_is_named(of_one):
    of_one.file("versions/1/statement-nl.pdf").unlink()

    code, said = of_one.check()

    assert code == 1
    assert "versions/1/statement-nl.pdf: is missing." in said


def test_a_file_that_was_added_is_named(of_one):
    of_one.write("versions/1/letter.txt", b"We never agreed.")

    code, said = of_one.check()

    assert code == 1
    assert "versions/1/letter.txt: was added; the manifest does not list it." in said


def test_a_link_is_not_followed(of_one, tmp_path):
    (tmp_path / "elsewhere").write_text("not of this bundle")
    of_one.file("LEESMIJ.txt").unlink()
    of_one.file("LEESMIJ.txt").symlink_to(tmp_path / "elsewhere")

    code, said = of_one.check()

    assert code == 1
    assert "LEESMIJ.txt: a link" in said


# -- Tampering with a manifest that agrees ---------------------------------------------------------


def test_a_file_without_a_place_is_named_whatever_the_manifest_says(of_one):
    of_one.write("versions/9/statement.json", b"{}")
    of_one.write("letter.txt", b"We never agreed.")
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "versions/9/statement.json: has no place in a bundle." in said
    assert "letter.txt: has no place in a bundle." in said


@pytest.mark.parametrize("bundled", ["of_one", "of_days"])
def test_a_choice_that_was_changed_is_named(request, two_days, bundled):
    bundled, record = request.getfixturevalue(bundled), two_days[2]
    lines = bundled.file("records.jsonl").read_bytes().splitlines(keepends=True)
    changed = [
        line.replace(b'"analytical":true', b'"analytical":false') if str(record.pk).encode() in line else line
        for line in lines
    ]
    assert changed != lines
    bundled.write("records.jsonl", b"".join(changed))
    bundled.make_the_manifest_agree()

    code, said = bundled.check()

    assert code == 1
    assert f"Record {record.pk}: is not what was sealed on 2026-05-04" in said
    assert said.count("is not what was sealed") == 1


def test_a_record_that_was_taken_out_of_a_day_is_missed(of_days, two_days):
    lines = of_days.file("records.jsonl").read_bytes().splitlines(keepends=True)
    of_days.write("records.jsonl", b"".join(lines[:1] + lines[2:]))
    of_days.make_the_manifest_agree()

    code, said = of_days.check()

    assert code == 1
    assert "Records sealed on 2026-05-04 that are not here as they were: 1." in said
    assert "every record is here, and none was put in later: 2026-05-05." in said


def test_a_whole_day_that_was_taken_out_is_missed(of_days):
    lines = of_days.file("records.jsonl").read_bytes().splitlines(keepends=True)
    of_days.write("records.jsonl", b"".join(line for line in lines if b'"recorded_at":"2026-05-05' not in line))
    of_days.file("proofs/2026-05-05.leaves").unlink()
    of_days.make_the_manifest_agree()

    code, said = of_days.check()

    assert code == 1
    assert "The records of 2026-05-05 are missing: 2." in said


def test_a_record_that_was_taken_out_of_a_selection_leaves_its_proof(two_days, tmp_path):
    wanted = [record.pk for record in two_days[:2]]
    records = ConsentRecord.objects.filter(pk__in=wanted)
    archive = tmp_path / "some.zip"
    archive.write_bytes(b"".join(bundle(records, query={"website": "website"}, now=timezone.now())))
    some = Unpacked(archive, tmp_path / "some")
    assert some.check()[0] == 0
    lines = some.file("records.jsonl").read_bytes().splitlines(keepends=True)
    some.write("records.jsonl", lines[0])
    some.make_the_manifest_agree()

    code, said = some.check()

    assert code == 1
    assert f"Record {wanted[1]}: was taken out; what proves it is still here." in said


@pytest.mark.parametrize("bundled", ["of_one", "of_days"])
def test_a_record_that_was_put_in_is_named(request, two_days, bundled):
    bundled = request.getfixturevalue(bundled)
    line = bundled.file("records.jsonl").read_bytes().splitlines(keepends=True)[0]
    identifier = json.loads(line)["id"]
    invented = identifier[:-4] + "ffff"
    body = bundled.file("records.jsonl").read_bytes()
    new = sorted([*body.splitlines(keepends=True), line.replace(identifier.encode(), invented.encode())], key=_id_of)
    bundled.write("records.jsonl", b"".join(new))
    bundled.make_the_manifest_agree()

    code, said = bundled.check()

    assert code == 1
    assert f"Record {invented}: " in said


def _id_of(line):
    return json.loads(line)["id"]


def test_a_record_that_is_here_twice_is_named(of_one, two_days):
    line = of_one.file("records.jsonl").read_bytes()
    of_one.write("records.jsonl", line + line)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert f"Record {two_days[2].pk}: is here twice, or not in its place." in said


def test_a_record_in_another_form_is_named(of_one, two_days):
    of_one.replace("records.jsonl", b'"gpc":false', b'"gpc": false')
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert f"Record {two_days[2].pk}: is not written in the one form that is hashed." in said


def test_a_line_that_is_no_record_is_named(of_one):
    with of_one.file("records.jsonl").open("a") as file:
        file.write("We never agreed.\n")
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "records.jsonl, line 2: is no record." in said


def test_a_byte_of_a_banner_is_noticed(of_one, two_days):
    name = f"banners/{two_days[2].banner_id}.js"
    of_one.replace(name, b"Accept all", b"Accept alL")
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert f"{name}: is not what visitors saw; its SHA-256 is another." in said


def test_a_banner_of_another_version_is_noticed(of_one, two_days):
    banners = of_one.json("banners.json")
    for entry in banners:
        entry["version"] = 2
    of_one.write("banners.json", banners)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "does not belong to web site website and version 2." in said
    assert f"Record {two_days[2].pk}: names a banner of another web site, version or language." in said


def test_a_second_layer_that_is_missing_is_noticed(of_one):
    banners = [entry for entry in of_one.json("banners.json") if entry["kind"] == "script"]
    of_one.file(f"banners/{banners[0]['details']}.js").unlink()
    of_one.write("banners.json", banners)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert f"The second layer {banners[0]['details']} of a banner is missing." in said


def test_a_letter_of_a_statement_is_noticed(of_one):
    of_one.replace("versions/1/statement.json", b"Pro4all", b"Pro4ALL")
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "versions/1/statement.json: does not hash to the SHA-256 of version 1." in said


def test_a_statement_that_was_exchanged_is_noticed_by_the_next_version(published, publish, client, unpacked):
    chosen(client, at(MONDAY))
    Section.objects.first().delete()
    publish()
    chosen(client, at(TUESDAY))
    bundled = unpacked(Selection(since=MONDAY))
    bundled.replace("versions/1/statement.json", b"Pro4all", b"Pro4ALL")
    versions = bundled.json("versions.json")
    versions[0]["digest"] = hashlib.sha256(bundled.file("versions/1/statement.json").read_bytes()).hexdigest()
    bundled.write("versions.json", versions)
    bundled.make_the_manifest_agree()

    code, said = bundled.check()

    assert code == 1
    assert "Version 2 does not follow the version 1 that is here." in said


def test_a_predecessor_that_the_statement_does_not_name_is_noticed(of_one):
    versions = of_one.json("versions.json")
    versions[0]["previous"] = "0" * 64
    of_one.write("versions.json", versions)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "versions/1/statement.json: does not say the number and the predecessor of version 1." in said


def test_a_pdf_that_was_exchanged_is_noticed(of_one):
    of_one.write("versions/1/statement-en.pdf", b"%PDF-1.7 we never agreed")
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "versions/1/statement-en.pdf: is not the PDF made at publication." in said


def test_a_review_that_was_changed_is_noticed(two_days, unpacked):
    bundled = unpacked(Selection(receipt=two_days[0].pk), with_review=True)
    assert bundled.check()[0] == 0
    bundled.write("versions/1/review.json", b"{}")
    bundled.make_the_manifest_agree()

    code, said = bundled.check()

    assert code == 1
    assert "versions/1/review.json: is not the review that the statement names." in said


def test_a_proof_that_belongs_to_another_record_is_noticed(of_one, two_days):
    other = sealing.proofs_of([two_days[1]])[two_days[1].id]
    proof = {"id": str(two_days[2].pk), "index": other["index"], "path": [step for _side, step in other["path"]]}
    of_one.write("proofs/2026-05-04.jsonl", json.dumps(proof).encode() + b"\n")
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert f"Record {two_days[2].pk}: is not what was sealed on 2026-05-04" in said


def test_a_record_whose_proof_was_removed_is_named(of_one, two_days):
    of_one.write("proofs/2026-05-04.jsonl", b"")
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert f"Record {two_days[2].pk}: nothing shows that it was there when 2026-05-04 was sealed." in said


def test_proofs_that_were_removed_altogether_are_missed(of_one):
    of_one.file("proofs/2026-05-04.jsonl").unlink()
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "The records of 2026-05-04 (1) do not give the root of that day" in said


def test_hashes_that_are_not_under_the_seal_are_noticed(of_days):
    of_days.replace("records.jsonl", b'"analytical":true', b'"analytical":false')
    changed = of_days.file("records.jsonl").read_bytes().splitlines()[0]
    leaves = of_days.file("proofs/2026-05-04.leaves").read_bytes().splitlines(keepends=True)
    leaves[0] = hashlib.sha256(b"\x00" + changed).hexdigest().encode() + b"\n"
    of_days.write("proofs/2026-05-04.leaves", b"".join(leaves))
    of_days.make_the_manifest_agree()

    code, said = of_days.check()

    assert code == 1
    assert "proofs/2026-05-04.leaves: is not the list under the seal of that day." in said


def test_a_seal_that_was_changed_is_noticed(of_one):
    seals = of_one.json("seals.json")
    seals["seals"][0]["text"] = seals["seals"][0]["text"].replace('"count":4', '"count":5')
    of_one.write("seals.json", seals)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "The seal of 2026-05-04: its text does not hash to its SHA-256." in said
    assert "The seal of 2026-05-04: the signature is not valid." in said
    assert "exactly as they are here" not in said


def test_a_seal_that_was_made_anew_breaks_the_chain(of_one):
    seals = of_one.json("seals.json")
    text = seals["seals"][0]["text"].replace('"count":4', '"count":5')
    seals["seals"][0] |= {"text": text, "digest": hashlib.sha256(text.encode()).hexdigest(), "key": "", "signature": ""}
    of_one.write("seals.json", seals)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "The seal of 2026-05-05 does not follow the one before it." in said


def test_a_seal_that_was_taken_out_breaks_the_chain(published, client, unpacked):
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        record = chosen(client, at(day))
    seal_closed_days(once_closed(WEDNESDAY))
    bundled = unpacked(Selection(since=MONDAY, website="website"))
    seals = bundled.json("seals.json")
    del seals["seals"][1]
    bundled.write("seals.json", seals)
    bundled.make_the_manifest_agree()

    code, said = bundled.check()

    assert record
    assert code == 1
    assert "The seal of 2026-05-06 does not follow the one before it." in said


def test_a_broken_signature_is_noticed(of_one):
    seals = of_one.json("seals.json")
    signature = bytearray(base64.b64decode(seals["seals"][1]["signature"]))
    signature[40] ^= 1
    seals["seals"][1]["signature"] = base64.b64encode(signature).decode()
    of_one.write("seals.json", seals)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "The seal of 2026-05-05: the signature is not valid." in said
    assert "The seal of 2026-05-04: the signature is not valid." not in said


def test_a_record_that_was_changed_in_the_database_itself_is_named(two_days, tmp_path):
    record = two_days[2]
    with past_the_triggers():
        with connection.cursor() as cursor:
            number = record.pk.hex if connection.vendor == "sqlite" else record.pk
            cursor.execute("UPDATE consent_consentrecord SET action = 'withdraw' WHERE id = %s", [number])
        archive = written(Selection(receipt=record.pk), tmp_path / "bundle.zip")

    code, said = Unpacked(archive, tmp_path / "bundle").check()

    assert code == 1
    assert f"Record {record.pk}: is not what was sealed on 2026-05-04" in said


# -- Tampering that leaves no trace in what is left --------------------------------------------------


def without_seals(bundled, keep=lambda day: False):
    """Take the seals out of the days that are not to keep, with the proofs that need them."""
    seals = bundled.json("seals.json")
    seals["seals"] = [entry for entry in seals["seals"] if keep(json.loads(entry["text"])["day"])]
    bundled.write("seals.json", seals)
    for proof in (bundled.path / "proofs").iterdir():
        if not keep(proof.stem):
            proof.unlink()


def without_records(bundled, is_out):
    lines = bundled.file("records.jsonl").read_bytes().splitlines(keepends=True)
    left = [line for line in lines if not is_out(json.loads(line))]
    assert len(left) < len(lines)
    bundled.write("records.jsonl", b"".join(left))


def ask(bundled, **query):
    """Write into the manifest that something else was asked for."""
    bundled.write("manifest.json", bundled.json("manifest.json") | {"query": query})


def test_a_seal_that_was_cut_off_before_later_ones_is_missed(of_one):
    of_one.replace("records.jsonl", b'"analytical":true', b'"analytical":false')
    without_seals(of_one, keep=lambda day: day > "2026-05-04")
    of_one.make_the_manifest_agree()
    newest = SealedDay.objects.get(day=TUESDAY)

    for arguments in ([], ["--expect", newest.digest, "--key", newest.key]):
        code, said = of_one.check(*arguments)
        assert code == 1
        assert "Records of 2026-05-04: 1. That day has no seal here, though a later day has one" in said
        assert "had no seal yet" not in said


def test_a_record_from_before_the_first_seal_is_named(two_days, client, tmp_path):
    old = chosen(client, at(MONDAY - timedelta(days=1)))

    code, said = run(Path(verify.__file__), written(Selection(since=old.recorded_at.date()), tmp_path / "bundle.zip"))

    assert code == 1
    assert "Records of 2026-05-03: 1. That day has no seal here, though a later day has one" in said


def test_a_day_that_has_long_been_over_has_a_seal(of_one):
    without_seals(of_one)
    manifest = of_one.json("manifest.json")
    of_one.write("manifest.json", manifest | {"made_at": "2026-05-06T22:30:00.000000Z"})
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "Records of 2026-05-04: 1. That day was over for more than two days when the bundle was made" in said


def test_a_day_that_is_just_over_need_not_be_sealed_yet(of_one):
    without_seals(of_one)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 0, said
    assert "whose day of arrival had no seal yet: 1." in said


@pytest.mark.parametrize("option", ["--key", "--expect"])
def test_who_brings_a_key_or_a_seal_wants_proof(of_one, option):
    newest = SealedDay.objects.get(day=TUESDAY)
    without_seals(of_one)
    of_one.make_the_manifest_agree()

    code, said = of_one.check(option, newest.key if option == "--key" else newest.digest)

    assert code == 1
    assert "You gave a key or a seal, but of no record here a seal proves anything." in said


def test_a_record_that_was_deleted_behind_the_triggers_is_missed_in_a_bundle_of_its_period(two_days, tmp_path):
    with past_the_triggers():
        ConsentRecord._base_manager.filter(pk=two_days[1].pk)._raw_delete("default")
        archive = written(Selection(since=MONDAY, until=TUESDAY), tmp_path / "bundle.zip")

    code, said = run(Path(verify.__file__), archive)

    assert code == 1
    assert "Records sealed on 2026-05-04 that are not here as they were: 1." in said
    assert "every record is here, and none was put in later: 2026-05-05." in said


@pytest.mark.parametrize("purges", [[], [{"rule": "x", "wording": "y", "before": "2026-05-05"}]])
def test_a_record_that_was_taken_out_of_a_period_is_missed_whatever_is_put_in_the_place_of_the_hashes(
    of_days, two_days, purges
):
    gone = two_days[1]
    without_records(of_days, lambda record: record["id"] == str(gone.pk))
    of_days.file("proofs/2026-05-04.leaves").unlink()
    paths = [
        {"id": str(pk), "index": proof["index"], "path": [neighbour for _side, neighbour in proof["path"]]}
        for pk, proof in sealing.proofs_of([record for record in two_days if record != gone]).items()
        if proof["day"] == "2026-05-04"
    ]
    of_days.write("proofs/2026-05-04.jsonl", b"".join(json.dumps(path).encode() + b"\n" for path in paths))
    of_days.write("seals.json", of_days.json("seals.json") | {"purges": purges})
    of_days.make_the_manifest_agree()

    code, said = of_days.check()

    assert code == 1
    assert "Records sealed on 2026-05-04: 4. Here: 3." in said


def test_the_first_days_of_a_period_cannot_be_cut_off_with_their_seals(of_days):
    without_records(of_days, lambda record: record["recorded_at"] < "2026-05-05")
    without_seals(of_days, keep=lambda day: day > "2026-05-04")
    of_days.make_the_manifest_agree()

    code, said = of_days.check()

    assert code == 1
    assert "The seals from 2026-05-04 until 2026-05-05 are missing." in said


def test_the_last_days_of_a_period_cannot_be_cut_off_with_their_seals(of_days):
    without_records(of_days, lambda record: record["recorded_at"] > "2026-05-05")
    without_seals(of_days, keep=lambda day: day < "2026-05-05")
    of_days.make_the_manifest_agree()
    manifest = of_days.json("manifest.json")
    assert of_days.check()[0] == 0  # so soon after, Tuesday may have no seal yet
    of_days.write("manifest.json", manifest | {"made_at": "2026-05-08T09:00:00.000000Z"})

    code, said = of_days.check()

    assert code == 1
    assert "The seals after 2026-05-04 are missing" in said


def test_a_period_may_begin_before_the_first_seal_and_end_after_the_last(two_days, unpacked):
    code, said = unpacked(Selection(since=date(2020, 1, 1), until=date(2030, 1, 1))).check()

    assert code == 0, said


def test_without_any_record_it_is_no_bundle(of_one):
    of_one.write("records.jsonl", b"")
    without_seals(of_one)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "There is no record here." in said


def test_what_the_bundle_says_was_erased_is_not_proven(of_days):
    purge = {"rule": "x", "wording": "y", "before": "2026-05-05", "decided_at": "2026-05-05T23:00:00.000000Z"}
    without_records(of_days, lambda record: record["recorded_at"] < "2026-05-05")
    of_days.write("seals.json", of_days.json("seals.json") | {"purges": [purge]})
    of_days.file("proofs/2026-05-04.leaves").unlink()
    of_days.make_the_manifest_agree()

    _code, said = of_days.check()

    unproven = said.partition("What this does not prove:")[2]
    assert (
        "That the records sealed on 2026-05-04 (4) were erased under a retention rule. The bundle says so, but no seal "
        "covers that: rule x (y), since 2026-05-06." in unproven
    )


@pytest.mark.parametrize(
    "query",
    [
        {"receipt": "019aad0c-8f80-7000-8000-000000000001"},
        {"website": "app"},
        {"version": "2"},
        {"action": "withdraw"},
        {"gpc": "True"},
        {"since": "2026-05-05"},
        {"until": "2026-05-03"},
    ],
)
def test_a_record_that_does_not_answer_the_question_is_named(of_one, two_days, query):
    ask(of_one, **query)

    code, said = of_one.check()

    assert code == 1
    assert f"Record {two_days[2].pk}: is not what the manifest says was asked for." in said


def test_a_record_that_answers_the_question_is_right(two_days, unpacked):
    selection = Selection(
        receipt=two_days[2].pk, website="website", version=1, since=MONDAY, until=MONDAY, action="save", gpc=False
    )

    code, said = unpacked(selection).check()

    assert code == 0, said


# -- When a seal was made --------------------------------------------------------------------------


def test_a_seal_says_when_it_was_made(of_one):
    _code, said = of_one.check()

    assert "The newest says that it was made on 2026-05-06." in said
    assert "which was late" not in said


def test_a_seal_that_was_made_late_is_named(published, client, unpacked):
    record = chosen(client, at(MONDAY))
    seal_closed_days(once_closed(date(2026, 5, 8)))

    code, said = unpacked(Selection(receipt=record.pk)).check()

    assert code == 0, said
    assert (
        "That nothing was changed before the seal of these days was made, which was late, on 2026-05-09: 2026-05-04 "
        "– 2026-05-06." in said
    )


def test_a_moment_beside_a_seal_that_is_not_the_one_in_it_is_noticed(of_one):
    seals = of_one.json("seals.json")
    seals["seals"][0]["sealed_at"] = "2026-05-05T00:00:00.000000Z"
    of_one.write("seals.json", seals)
    of_one.make_the_manifest_agree()

    code, said = of_one.check()

    assert code == 1
    assert "The seal of 2026-05-04: the moment beside it is not the one in its text." in said


# -- What cannot be checked ------------------------------------------------------------------------


def test_without_a_bundle_nothing_can_be_checked(tmp_path):
    script = shutil.copy(verify.__file__, tmp_path / "verify.py")

    code, said = run(Path(script))
    assert (code, said) == (2, "COULD NOT CHECK: There is no manifest.json here.\n")
    code, said = run(Path(script), tmp_path / "nothing.zip")
    assert code == 2
    code, said = run(Path(script), "--nl")
    assert (code, said) == (2, "NIET TE CONTROLEREN: Er is hier geen manifest.json.\n")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("manifest.json", b"no JSON"),
        ("manifest.json", b"[]"),
        ("manifest.json", b'{"format": 2}'),
        ("manifest.json", b'{"format": 1, "files": [1]}'),
        ("manifest.json", b"[" * 100_000),
        ("seals.json", b'{"seals": [{}]}'),
        ("seals.json", b"\xff"),
        ("versions.json", b"[[]]"),
        ("banners.json", b"[{}]"),
        ("proofs/2026-05-04.jsonl", b'{"id": 5}'),
    ],
)
def test_a_bundle_of_another_form_cannot_be_checked(of_one, name, body):
    of_one.write(name, body)

    code, said = of_one.check()

    assert code == 2
    assert "COULD NOT CHECK" in said
    assert RIGHT not in said


@pytest.mark.parametrize("name", ["records.jsonl", "seals.json", "versions.json", "banners.json"])
def test_without_one_of_its_parts_nothing_can_be_checked(of_one, name):
    of_one.file(name).unlink()

    assert of_one.check()[0] == 2


def test_a_line_without_end_is_not_read_into_memory(of_one):
    of_one.write("records.jsonl", b" " * (verify.LONGEST_LINE + 2))

    code, said = of_one.check()

    assert code == 2
    assert "has a line of more than" in said


# -- Hostile archives ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../outside.txt", "/etc/outside.txt", "versions/../../outside.txt", "C:outside.txt", "a\\b.txt", "./x", "a//b"],
)
def test_a_name_that_leads_outside_is_named_and_nothing_is_written(of_one, tmp_path, name):
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(zipfile.ZipInfo(name), "We never agreed.")
    before = sorted(tmp_path.rglob("*"))

    code, said = of_one.check(archive)

    assert code == 1
    assert "a name that leads outside; it is not looked at." in said
    assert sorted(tmp_path.rglob("*")) == before


def test_a_name_twice_is_named_and_the_first_is_read(of_one, tmp_path):
    archive = tmp_path / "bundle.zip"
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("README.txt", "We never agreed.")

    code, said = of_one.check(archive)

    assert code == 1
    assert "README.txt: a link, a name twice" in said


def test_a_link_in_an_archive_is_named(of_one, tmp_path):
    archive = tmp_path / "bundle.zip"
    link = zipfile.ZipInfo("versions/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(link, "/etc/passwd")

    code, said = of_one.check(archive)

    assert code == 1
    assert "versions/link: a link" in said


def test_a_name_cannot_steer_the_terminal(of_one):
    of_one.write("versions/\x1b[2Jnothing to see.txt", b"")

    _code, said = of_one.check()

    assert "\x1b" not in said
    assert "[2Jnothing to see.txt" in said


def test_a_broken_archive_cannot_be_checked(of_one, tmp_path):
    whole = (tmp_path / "bundle.zip").read_bytes()
    for body in (whole[: len(whole) // 2], b"", whole[:2000] + b"\0" * 3000 + whole[5000:]):
        (tmp_path / "broken.zip").write_bytes(body)
        assert of_one.check(tmp_path / "broken.zip")[0] == 2


# -- The script ------------------------------------------------------------------------------------


def test_the_script_needs_the_standard_library_of_python_3_8_alone():
    tree = ast.parse(Path(verify.__file__).read_text(), feature_version=(3, 8))

    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {
        "argparse", "base64", "binascii", "datetime", "hashlib", "json", "os", "re", "sys", "zipfile", "zlib",
    }  # fmt: skip
    # What came later than 3.8.
    assert not {"removeprefix", "removesuffix", "is_relative_to", "zoneinfo", "fromisoformat"} & {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }


# RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


def is_valid(key, message, signature):
    return verify.signature_is_valid(base64.b64encode(key).decode(), message, base64.b64encode(signature).decode())


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_signatures_of_the_standard_are_valid_and_no_others(key, message, signature):
    key, message, signature = map(bytes.fromhex, (key, message, signature))

    assert is_valid(key, message, signature)
    assert not is_valid(key, message + b"x", signature)
    for place in (0, 31, 32, 63):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert not is_valid(key, message, bytes(changed))
    # The same number plus the order of the group: valid by arithmetic, refused by the standard.
    higher = int.from_bytes(signature[32:], "little") + verify.ORDER
    assert not is_valid(key, message, signature[:32] + higher.to_bytes(32, "little"))


@pytest.mark.parametrize(
    ("key", "signature"), [("", ""), ("no base64!", "="), ("AAAA", "AAAA"), ("/" * 43 + "=", "/" * 86 + "==")]
)
def test_what_is_no_signature_is_not_valid(key, signature):
    assert verify.signature_is_valid(key, b"text", signature) is False


@settings(deadline=None, max_examples=20)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_signatures_of_another_implementation_are_valid(secret, message):
    key, signature = sealing.sign(message.hex(), secret)

    assert verify.signature_is_valid(key, message.hex().encode(), signature)
    assert not verify.signature_is_valid(key, message.hex().encode() + b"0", signature)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70), st.data())
def test_paths_lead_to_the_root_from_their_own_leaf_and_place_alone(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = [neighbour.hex() for neighbour in plain_path(index, leaves)]
    tree = verify.Tree()
    for leaf in leaves:
        tree.add(leaf)
    root = tree.root().hex()

    assert verify.root_by_path(leaves[index], index, len(leaves), path) == root
    assert verify.root_by_path(b"\0" * 31 + b"\1", index, len(leaves), path) != root
    assert verify.root_by_path(leaves[index], index, len(leaves), [*path, "0" * 64]) is None
    assert verify.root_by_path(leaves[index], index + len(leaves), len(leaves), path) is None
    if path:
        assert verify.root_by_path(leaves[index], index, len(leaves), path[:-1]) is None
        assert verify.root_by_path(leaves[index], index, len(leaves), [*path[:-1], "no hash"]) is None


def test_the_tree_of_nothing_is_the_hash_of_nothing():
    assert verify.Tree().root() == hashlib.sha256(b"").digest()


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))
def test_its_calendar_is_that_of_amsterdam(moment):
    moment = moment.replace(tzinfo=UTC)

    assert verify.day_of(sealing.canonical_moment(moment)) == moment.astimezone(AMSTERDAM).date().isoformat()
