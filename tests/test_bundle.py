"""One ZIP with records and all that is needed to judge them."""

import hashlib
import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from consent import bundling
from consent.bundling import NotBundled, bundle
from consent.exporting import Selection
from consent.models import Banner, ConsentRecord, SealedDay
from consent.purging import purge
from consent.sealing import canonical_record, seal_closed_days
from policies import rendering
from policies.models import Section

from .arriving import MONDAY, TUESDAY, WEDNESDAY, arrive, at, once_closed, past_the_triggers

NOW = at(WEDNESDAY, 15, 30)
LIST = reverse("admin:consent_consentrecord_changelist")
SELECTION = reverse("admin:consent_consentrecord_evidence")


def shown_banner(client):
    """The banner of the web site as it is now."""
    client.get("/embed/website.js")
    return Banner.objects.filter(kind="script", details__isnull=False).latest("version_id")


def shown_form(client, language):
    client.get({"en": "/en/cookies/", "nl": "/nl/cookies/"}[language])
    return Banner.objects.get(kind="form", language=language)


def chosen(client, moment, **fields):
    """A record that arrived at ``moment``, under the banner as it is now."""
    banner = shown_banner(client)
    return arrive(moment, banner_id=banner.digest, version_id=banner.version_id, **fields)


def made(selection, **options):
    """The bundle of ``selection`` as an open ZIP."""
    query = options.pop("query", selection.said())
    return opened(bundle(selection.records(), query=query, now=NOW, **options))


def opened(parts):
    archive = zipfile.ZipFile(io.BytesIO(b"".join(parts)))
    assert archive.testzip() is None
    return archive


def document(archive, name):
    return json.loads(archive.read(name))


def leaf(record):
    return hashlib.sha256(b"\x00" + canonical_record(record).encode()).hexdigest()


@pytest.fixture
def auditor(client, staff):
    client.force_login(staff("auditor"))
    return client


# -- What is in it ---------------------------------------------------------------------------------


def test_the_bundle_of_a_receipt_holds_the_record_and_what_it_names(published, client):
    record = chosen(client, at(MONDAY))
    chosen(client, at(MONDAY))
    seal_closed_days(once_closed(MONDAY))
    banner = record.banner

    archive = made(Selection(receipt=record.pk))

    assert archive.namelist() == [
        "verify.py",
        "records.jsonl",
        "seals.json",
        "proofs/2026-05-04.jsonl",
        "versions/1/statement.json",
        "versions/1/statement-en.html",
        "versions/1/statement-nl.html",
        "versions/1/statement-en.pdf",
        "versions/1/statement-nl.pdf",
        "versions.json",
        *sorted([f"banners/{banner.digest}.js", f"banners/{banner.details_id}.js"]),
        "banners.json",
        "style/tokens.css",
        "style/page.css",
        "style/print.css",
        "README.txt",
        "LEESMIJ.txt",
        "manifest.json",
    ]
    assert archive.read("records.jsonl").decode() == canonical_record(record) + "\n"
    assert archive.read(f"banners/{banner.digest}.js") == bytes(banner.body)
    assert archive.read(f"banners/{banner.details_id}.js") == bytes(banner.details.body)
    assert archive.read("versions/1/statement.json").decode() == published.document
    assert archive.read("versions/1/statement-nl.pdf") == bytes(published.pdfs.get(language="nl").body)


def test_a_choice_in_the_form_brings_the_form_in_its_language(published, client):
    form = shown_form(client, "nl")
    record = arrive(at(MONDAY), banner_id=form.digest)

    archive = made(Selection(receipt=record.pk))

    assert archive.read(f"banners/{form.digest}.html") == bytes(form.body)
    (entry,) = document(archive, "banners.json")
    assert (entry["kind"], entry["language"], entry["details"]) == ("form", "nl", None)


def test_versions_and_banners_that_no_record_names_stay_out(published, publish, client):
    first = chosen(client, at(MONDAY))
    Section.objects.first().delete()
    publish()
    rendering.look_again()
    second = chosen(client, at(TUESDAY))
    shown_form(client, "en")

    one, both = made(Selection(receipt=second.pk)), made(Selection(since=MONDAY))

    assert first.version_id == 1
    assert [entry["number"] for entry in document(one, "versions.json")] == [2]
    assert not [name for name in one.namelist() if first.banner_id in name or name.startswith("versions/1/")]
    assert [entry["number"] for entry in document(both, "versions.json")] == [1, 2]
    assert {entry["kind"] for entry in document(both, "banners.json")} == {"script", "details"}


def test_the_manifest_lists_every_file_with_its_size_and_hash(published, client):
    record = chosen(client, at(MONDAY))

    archive = made(Selection(receipt=record.pk))
    manifest = document(archive, "manifest.json")

    assert {entry["path"]: (entry["size"], entry["sha256"]) for entry in manifest["files"]} == {
        name: (len(archive.read(name)), hashlib.sha256(archive.read(name)).hexdigest())
        for name in archive.namelist()
        if name != "manifest.json"
    }
    del manifest["files"]
    assert manifest == {
        "format": 1,
        "product": "Privacy site",
        "site": "http://localhost",
        "made_at": "2026-05-06T13:30:00.000000Z",
        "query": {"receipt": str(record.pk)},
        "records": 1,
        "versions": [1],
    }


def test_the_same_question_at_the_same_moment_gives_the_same_bytes(published, client):
    for day in (MONDAY, TUESDAY):
        chosen(client, at(day), number=3)
    seal_closed_days(once_closed(TUESDAY))
    selection = Selection(since=MONDAY)

    first, second = (b"".join(bundle(selection.records(), query=selection.said(), now=NOW)) for _ in range(2))

    assert first == second


def test_the_statement_needs_nothing_but_the_style_sheets_beside_it(published, client):
    record = chosen(client, at(MONDAY))

    archive = made(Selection(receipt=record.pk))

    for language in ("en", "nl"):
        page = archive.read(f"versions/1/statement-{language}.html").decode()
        assert f'<html lang="{language}">' in page
        assert published.digest in page
        assert "<script" not in page
        addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
        relative = {address for address in addresses if not re.match(r"https?://|mailto:|tel:|#", address)}
        assert relative == {"../../style/tokens.css", "../../style/page.css", "../../style/print.css"}
        anchors = {address[1:] for address in addresses if address.startswith("#")}
        assert anchors <= set(re.findall(r'id="([^"]*)"', page))


def test_the_explanation_is_in_both_languages_and_says_what_was_asked(published, client):
    chosen(client, at(MONDAY))

    archive = made(Selection(since=MONDAY, until=TUESDAY, website="website"))
    english, dutch = archive.read("README.txt").decode(), archive.read("LEESMIJ.txt").decode()

    assert "what arrived from 4 May 2026 up to and including 5 May 2026\n             with website website" in english
    assert "wat binnenkwam vanaf 4 mei 2026 tot en met 5 mei 2026\n               met website website" in dutch
    assert "6 May 2026, 15:30 CEST" in english
    assert "1 record\n" in english
    assert "1 registratie\n" in dutch
    verify = hashlib.sha256(archive.read("verify.py")).hexdigest()
    for text in (english, dutch):
        assert verify in text
        assert "&" not in text
        assert "\n\n\n\n" not in text


def test_an_explanation_names_the_receipt(published, client):
    record = chosen(client, at(MONDAY))

    archive = made(Selection(receipt=record.pk))

    assert f"the decision with receipt {record.pk}\n" in archive.read("README.txt").decode()
    assert f"de keuze met bewijs {record.pk}\n" in archive.read("LEESMIJ.txt").decode()


def test_what_the_office_noted_stays_out_unless_asked_for(published, client):
    record = chosen(client, at(MONDAY))

    with_it, without = (made(Selection(receipt=record.pk), with_review=asked) for asked in (True, False))

    assert with_it.read("versions/1/review.json").decode() == published.review
    assert "versions/1/review.json" not in without.namelist()


# -- Proofs ----------------------------------------------------------------------------------------


def test_of_some_records_of_a_day_each_has_its_path(published, client):
    records = sorted((chosen(client, at(MONDAY, minute=minute)) for minute in range(5)), key=lambda record: record.pk)
    seal_closed_days(once_closed(MONDAY))

    archive = made(Selection(receipt=records[4].pk))

    (proof,) = [json.loads(line) for line in archive.read("proofs/2026-05-04.jsonl").splitlines()]
    assert proof["id"] == str(records[4].pk)
    assert proof["index"] == 4
    first, second, third, fourth = (bytes.fromhex(leaf(record)) for record in records[:4])

    def node(left, right):
        return hashlib.sha256(b"\x01" + left + right).digest()

    assert proof["path"] == [node(node(first, second), node(third, fourth)).hex()]


def test_of_all_records_of_a_day_the_hashes_are_enough_and_no_id_of_another_is_given_away(published, client):
    records = sorted((chosen(client, at(MONDAY, minute=minute)) for minute in range(3)), key=lambda record: record.pk)
    seal_closed_days(once_closed(MONDAY))

    archive = made(Selection(since=MONDAY, until=MONDAY))

    assert archive.read("proofs/2026-05-04.leaves").decode().splitlines() == [leaf(record) for record in records]
    assert "proofs/2026-05-04.jsonl" not in archive.namelist()


def test_of_a_period_that_was_asked_for_whole_all_hashes_are_here_also_where_a_record_is_gone(published, client):
    records = sorted((chosen(client, at(MONDAY, minute=minute)) for minute in range(3)), key=lambda record: record.pk)
    seal_closed_days(once_closed(MONDAY))

    with past_the_triggers():
        ConsentRecord._base_manager.filter(pk=records[1].pk)._raw_delete("default")
        whole, narrowed = made(Selection(since=MONDAY)), made(Selection(since=MONDAY, website="website"))

    assert whole.read("proofs/2026-05-04.leaves").decode().splitlines() == [leaf(record) for record in records]
    assert "proofs/2026-05-04.jsonl" in narrowed.namelist()


def test_the_seals_run_from_the_first_day_asked_for_to_the_newest(published, client):
    record = chosen(client, at(MONDAY))
    chosen(client, at(WEDNESDAY))
    seal_closed_days(once_closed(WEDNESDAY))
    seals = list(SealedDay.objects.order_by("day"))

    by_receipt = document(made(Selection(receipt=record.pk)), "seals.json")["seals"]
    by_period = document(made(Selection(since=TUESDAY)), "seals.json")["seals"]

    assert [entry["digest"] for entry in by_receipt] == [seal.digest for seal in seals]
    assert [entry["digest"] for entry in by_period] == [seal.digest for seal in seals[1:]]
    assert all(hashlib.sha256(entry["text"].encode()).hexdigest() == entry["digest"] for entry in by_receipt)


def test_a_record_of_today_has_no_seal_yet(published, client):
    record = chosen(client, at(WEDNESDAY))

    archive = made(Selection(receipt=record.pk))

    assert document(archive, "seals.json") == {"seals": [], "purges": [], "seal_purges": []}
    assert not [name for name in archive.namelist() if name.startswith("proofs/")]


def test_the_bundle_tells_what_was_erased_under_which_rule(published, client):
    chosen(client, at(MONDAY))
    kept = chosen(client, at(TUESDAY))
    seal_closed_days(once_closed(TUESDAY))
    purge(cut_off=at(TUESDAY, 0), rule="records", wording="A day after they arrive.", by="anna", now=NOW)

    archive = made(Selection(since=MONDAY))

    assert archive.read("records.jsonl").decode() == canonical_record(kept) + "\n"
    document_of_seals = document(archive, "seals.json")
    assert len(document_of_seals["seals"]) == 2
    (erased,) = document_of_seals["purges"]
    assert (erased["rule"], erased["wording"], erased["before"]) == (
        "records",
        "A day after they arrive.",
        "2026-05-05",
    )


def test_paths_are_made_for_some_records_at_a_time(published, client, monkeypatch):
    monkeypatch.setattr(bundling, "PROOFS_AT_A_TIME", 2)
    for minute in range(5):
        chosen(client, at(MONDAY, minute=minute))
    chosen(client, at(MONDAY), language="en")
    seal_closed_days(once_closed(MONDAY))

    dutch = ConsentRecord.objects.filter(language="nl")
    archive = opened(bundle(dutch, query={"language": "nl"}, now=NOW))

    lines = archive.read("proofs/2026-05-04.jsonl").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(pk) for pk in sorted(dutch.values_list("pk", flat=True))]


# -- What is refused -------------------------------------------------------------------------------


def test_of_nothing_no_bundle_is_made(published):
    with pytest.raises(NotBundled, match="No consent record fits"):
        bundle(ConsentRecord.objects.all(), query={}, now=NOW)


def test_a_bundle_has_a_limit_where_somebody_waits_for_it(published, client):
    chosen(client, at(MONDAY), number=3)
    records = ConsentRecord.objects.all()

    with pytest.raises(NotBundled, match="at most 2 records"):
        bundle(records, query={}, now=NOW, at_most=2)

    assert opened(bundle(records, query={}, now=NOW, at_most=3))


# -- At the desk -----------------------------------------------------------------------------------


def test_the_page_of_a_record_gives_its_bundle(auditor, published):
    record = chosen(auditor, at(MONDAY))
    page = auditor.get(reverse("admin:consent_consentrecord_change", args=[record.pk])).text
    address = reverse("admin:consent_consentrecord_evidence_of_one", args=[record.pk])

    response = auditor.get(address)

    assert f'href="{address}"' in page
    assert response["Content-Type"] == "application/zip"
    today = timezone.localdate().isoformat()
    expected = f'attachment; filename="evidence-{today}-{str(record.pk)[-12:]}.zip"'
    assert response["Content-Disposition"] == expected
    assert "no-store" in response["Cache-Control"]
    assert document(opened(response.streaming_content), "manifest.json")["query"] == {"receipt": str(record.pk)}
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.get_change_message()) == (str(record.pk), "Made an evidence bundle.")


def test_the_list_gives_one_bundle_of_what_it_shows(auditor, published):
    monday, _tuesday = chosen(auditor, at(MONDAY)), chosen(auditor, at(TUESDAY))
    query = {"until": "2026-05-04", "website": "website", "action__exact": "save", "since": ""}

    page = auditor.get(LIST, query).text
    archive = opened(auditor.get(SELECTION, query).streaming_content)

    assert f'href="{SELECTION}?action__exact=save&amp;since=&amp;until=2026-05-04&amp;website=website"' in page
    assert archive.read("records.jsonl").decode() == canonical_record(monday) + "\n"
    manifest = document(archive, "manifest.json")
    assert manifest["query"] == {"until": "2026-05-04", "website": "website", "action": "save"}
    assert LogEntry.objects.get().object_repr == "action = save; until = 2026-05-04; website = website"


def test_a_search_for_an_address_is_a_question_about_that_receipt(auditor, published):
    record = chosen(auditor, at(MONDAY))

    archive = opened(auditor.get(SELECTION, {"q": f"http://localhost/consent/{record.pk}/"}).streaming_content)

    assert document(archive, "manifest.json")["query"] == {"receipt": str(record.pk)}


@pytest.mark.parametrize("day", ["2026-5-4", " 2026-05-04", "20260504"])
def test_a_day_is_said_in_one_way_however_it_was_written(auditor, published, day):
    chosen(auditor, at(MONDAY))
    seal_closed_days(once_closed(MONDAY))

    archive = opened(auditor.get(SELECTION, {"since": day, "until": day}).streaming_content)

    assert document(archive, "manifest.json")["query"] == {"since": "2026-05-04", "until": "2026-05-04"}
    assert "from 4 May 2026 up to and including 4 May 2026" in archive.read("README.txt").decode()


@pytest.mark.parametrize("signal", [True, False])
def test_the_desk_and_the_command_say_a_question_alike(auditor, published, signal):
    chosen(auditor, at(MONDAY), gpc=signal)

    archive = opened(auditor.get(SELECTION, {"gpc__exact": int(signal), "version": "1"}).streaming_content)

    assert document(archive, "manifest.json")["query"] == Selection(gpc=signal, version=1).said()


@pytest.mark.parametrize("search", ["a\0b", 'a"\0b', "a\r\nX:y\0b", "jan.jansen@example.nl"])
def test_a_search_that_means_nothing_gives_no_bundle_of_everything(auditor, published, search):
    chosen(auditor, at(MONDAY))

    response = auditor.get(SELECTION, {"q": search}, follow=True)

    assert response.redirect_chain[0][1] == 302
    assert "Nothing was handed over" in response.text
    assert not LogEntry.objects.exists()


def test_a_selection_without_records_goes_back_to_the_list_with_a_word(auditor, published):
    response = auditor.get(SELECTION, {"website": "app"}, follow=True)

    assert response.redirect_chain == [(f"{LIST}?website=app", 302)]
    assert "No consent record fits this search" in response.text
    assert not LogEntry.objects.exists()


def test_a_selection_that_is_too_large_goes_back_to_the_list_with_a_word(auditor, published, monkeypatch):
    monkeypatch.setattr(bundling, "MOST_RECORDS", 2)
    chosen(auditor, at(MONDAY), number=3)

    assert "at most 2 records" in auditor.get(SELECTION, follow=True).text


@pytest.mark.parametrize("group", ["editor", "nobody"])
def test_bundles_are_for_who_may_see_records(client, staff, published, django_user_model, group):
    record = chosen(client, at(MONDAY))
    user = staff(group) if group == "editor" else django_user_model.objects.create_user("new", is_staff=True)
    client.force_login(user)

    assert client.get(SELECTION).status_code == 403
    assert client.get(reverse("admin:consent_consentrecord_evidence_of_one", args=[record.pk])).status_code == 404


def test_of_a_record_that_is_not_there_no_bundle_is_made(auditor, published):
    address = reverse("admin:consent_consentrecord_evidence_of_one", args=["019aad0c-8f80-7000-8000-000000000001"])

    assert auditor.get(address).status_code == 404


@pytest.mark.parametrize("is_publisher", [True, False])
def test_what_the_office_noted_is_for_who_may_publish(auditor, published, is_publisher):
    if is_publisher:
        User.objects.get().groups.add(Group.objects.get(name="publisher"))
    record = chosen(auditor, at(MONDAY))
    address = reverse("admin:consent_consentrecord_evidence_of_one", args=[record.pk])

    names = opened(auditor.get(address).streaming_content).namelist()

    assert ("versions/1/review.json" in names) is is_publisher


# -- The command -----------------------------------------------------------------------------------


def run(*arguments):
    told = io.StringIO()
    call_command("evidence_bundle", *arguments, stderr=told)
    return told.getvalue()


def test_the_command_writes_a_bundle_without_a_limit(published, client, tmp_path, monkeypatch):
    monkeypatch.setattr(bundling, "MOST_RECORDS", 1)
    chosen(client, at(MONDAY), number=3)
    file = tmp_path / "may.zip"

    told = run("--since", "2026-05-04", "--until", "2026-05-04", str(file))

    assert told == f"{file}: {file.stat().st_size} bytes\n"
    with zipfile.ZipFile(file) as archive:
        assert len(archive.read("records.jsonl").splitlines()) == 3
        assert document(archive, "manifest.json")["query"] == {"since": "2026-05-04", "until": "2026-05-04"}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Say of what"),
        (["--website", "website"], "Say of what"),
        (["--since", "2027-01-01"], "No consent record fits"),
        (["--receipt", "019aad0c-8f80-7000-8000-000000000001"], "no consent record with receipt"),
    ],
)
def test_the_command_refuses_what_gives_no_bundle(published, client, tmp_path, arguments, sentence):
    chosen(client, at(MONDAY))

    with pytest.raises(CommandError, match=sentence):
        run(*arguments, str(tmp_path / "bundle.zip"))

    assert list(tmp_path.iterdir()) == []


def test_a_bundle_of_a_version_published_before_is_the_same_as_it_was(published, publish, client):
    """What was stored is what is handed over, whatever has been published since."""
    record = chosen(client, at(MONDAY))
    before = made(Selection(receipt=record.pk))
    Section.objects.first().delete()
    publish(now=timezone.now() + timedelta(seconds=1))

    after = made(Selection(receipt=record.pk))

    assert [after.read(name) for name in after.namelist()] == [before.read(name) for name in before.namelist()]
