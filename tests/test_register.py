"""The register of Art. 30 GDPR: its columns, its files, and that what only the office knows stays there."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pikepdf
import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from policies import register, sheets
from policies.first_install import install_example
from policies.models import (
    Controller,
    DataCategory,
    ProcessingPurpose,
    PurposeLegalBasis,
    PurposeRecipient,
    Recipient,
    SecurityMeasure,
    StatementVersion,
    Transfer,
    TransferSafeguard,
)
from policies.register import COLUMNS, make_register, to_do

from .conftest import once
from .factories import PurposeFactory
from .test_pdf import squeezed, words_of

PAGE = "admin:policies_statementversion_register"
FILE = "admin:policies_register_file"
PUBLIC = ["/en/", "/nl/", "/en/statement/", "/nl/verklaring/", "/en/cookies/", "/nl/cookies/", "/statement.json",
          "/statement.jsonld", "/en/statement/versions/", "/en/statement/versions/1/", "/embed/website.js"]  # fmt: skip


@pytest.fixture
def contact(content):
    return ProcessingPurpose.objects.get(slug="contact")


def cells(slug, language="en", **options):
    made = make_register(language=language, **options)
    return next(row for row in made.rows if row.slug == slug).cells


def keep(purpose, **values):
    for field, value in values.items():
        setattr(purpose, field, value)
    purpose.save()


# -- Columns -----------------------------------------------------------------------------------


def test_there_is_a_row_for_each_purpose_and_a_cell_for_each_column(content):
    made = make_register(language="en")

    assert [row.slug for row in made.rows] == list(ProcessingPurpose.objects.values_list("slug", flat=True))
    assert {row.cells.keys() == {column.key for column in COLUMNS} for row in made.rows} == {True}
    assert list(made.header) == [column.key for column in COLUMNS]


def test_who_is_responsible_is_in_every_row(content):
    """Art. 30(1)(a)."""
    Controller.objects.update(
        postal_address="Straat 1\n1234 AB Delft", email="info@example.nl", representative="Rep GmbH",
        dpo_name="F. Jansen", dpo_email="fg@example.nl", dpo_not_required=False, privacy_email="",
    )  # fmt: skip

    for row in make_register(language="nl").rows:
        assert row.cells["controller"][:4] == (
            "Pro4all Cloud Services B.V.", "Straat 1", "1234 AB Delft", "Nederland",
        )  # fmt: skip
        assert "info@example.nl" in row.cells["controller"]
        assert row.cells["representative"] == ("Rep GmbH",)
        assert row.cells["officer"] == ("F. Jansen", "fg@example.nl")


def test_a_company_without_officer_says_that_none_is_required(content):
    Controller.objects.update(dpo_name="", dpo_email="", dpo_not_required=True, privacy_email="vragen@example.nl")

    assert cells("contact")["officer"] == ("No officer is required.", "vragen@example.nl")


def test_a_joint_controller_stands_in_its_own_column_too(contact):
    """Art. 30(1)(a)."""
    twin = Recipient.objects.create(
        slug="twin", kind="named", role="joint-controller", name_en="Twin", name_nl="Tweeling", company="Twin B.V.",
        country="NL",
    )  # fmt: skip
    PurposeRecipient.objects.create(purpose=contact, recipient=twin)

    row = cells("contact")

    assert row["joint_controllers"] == ("Twin (joint controller, Twin B.V., Netherlands)",)
    assert row["joint_controllers"][0] in row["recipients"]
    assert cells("introduction")["joint_controllers"] == ()


def test_a_purpose_that_is_part_of_another_names_it(contact):
    keep(contact, parent=ProcessingPurpose.objects.get(slug="introduction"))

    assert cells("contact")["part_of"] == ("Introduction",)
    assert cells("introduction")["part_of"] == ()


def test_special_categories_are_marked_and_listed(contact):
    """Art. 30(1)(c)."""
    used = contact.data.first().category
    DataCategory.objects.filter(pk=used.pk).update(is_special=True)

    row = cells("contact")

    assert row["special"] == (used.name_en,)
    assert f"{used.name_en} (special category)" in row["data"]
    assert len(row["data"]) == contact.data.count()


def test_a_recipient_outside_the_eea_is_a_transfer_with_its_safeguards(contact):
    """Art. 30(1)(e)."""
    Transfer.objects.update(
        countries="US", certified_on=date(2023, 7, 10), copy_how_en="Ask us.", copy_how_nl="Vraag ons."
    )
    TransferSafeguard.objects.filter(slug="eu-model-clauses").update(instrument="scc")
    for name, country in (("Far", "US"), ("Near", "NL")):
        recipient = Recipient.objects.create(
            slug=name.lower(), kind="named", role="processor", name_en=name, name_nl=name, country=country
        )
        PurposeRecipient.objects.create(purpose=contact, recipient=recipient)

    row = cells("contact")

    assert row["transfers"] == ("United States: Far",)
    assert row["safeguards"] == (
        "European Commission model agreement, Article 46(2)(c) GDPR",
        "Other arrangements (not specified)",
        "Certified under the EU-US Data Privacy Framework since 10 July 2023",
        "Copy: Ask us.",
    )
    assert cells("job-applications")["transfers"] == ()


def test_a_transfer_that_nobody_tied_to_a_purpose_is_in_every_row(content):
    Transfer.objects.update(countries="")

    found = {row.cells["transfers"] for row in make_register(language="en").rows}

    assert found == {
        ("For all purposes: Outside the EEA, only with an appropriate level of protection (countries not stated)",)
    }


def test_the_time_limit_is_the_promise_that_visitors_read(content):
    """Art. 30(1)(f)."""
    row = cells("introduction", "nl")

    assert row["erasure"][0].startswith("Tot de kennismaking heeft plaatsgevonden")
    assert any("als je klant wordt" in line for line in row["erasure"])


def test_measures_are_described(content):
    """Art. 30(1)(g)."""
    SecurityMeasure.objects.exclude(pk=SecurityMeasure.objects.first().pk).delete()
    SecurityMeasure.objects.update(name_en="Locks", explanation_en="We have **good** locks.")

    assert cells("contact")["measures"] == ("Locks: We have good locks.",)


def test_an_interest_comes_with_whose_it_is_and_where_it_was_weighed(content):
    used = PurposeLegalBasis.objects.filter(basis="legitimate-interests").select_related("purpose").first()
    used.interest_of, used.balancing_test = "controller", "LIA 2026-4"
    used.save()

    row = cells(used.purpose.slug)

    assert "Legitimate interest, Article 6(1)(f) GDPR (Whose interest: ours): " in " ".join(row["legal_bases"])
    assert row["balancing_tests"] == ("Legitimate interest: LIA 2026-4",)


@pytest.mark.parametrize(
    ("source", "from_others", "said"),
    [
        ("", False, ("the person whose data it is",)),
        ("", True, ()),
        ("LinkedIn", True, ("LinkedIn", "A public source")),
    ],
)
def test_the_source_is_the_person_unless_data_comes_from_others(contact, source, from_others, said):
    keep(contact, source_en=source, source_nl=source, source_is_public=True if source else None)
    DataCategory.objects.filter(uses__purpose=contact).update(is_special=False, from_others=from_others)

    assert cells("contact")["source"] == said


def test_what_only_the_office_knows_is_there_and_dates_are_dates(contact):
    keep(
        contact, owner="Sales", system="CRM", dpia="done", dpia_reference="DPIA 7", review_on=date(2027, 1, 1),
        starts_on=date(2026, 12, 1),
    )  # fmt: skip

    row = cells("contact")

    assert (row["owner"], row["system"], row["dpia"], row["dpia_reference"]) == (
        ("Sales",), ("CRM",), ("done",), ("DPIA 7",),
    )  # fmt: skip
    assert (row["review_on"], row["starts_on"]) == (date(2027, 1, 1), date(2026, 12, 1))


def test_a_row_says_when_it_was_entered_and_when_it_or_a_part_of_it_was_changed(db):
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False):
        purpose = PurposeFactory(slug="dated")
        Controller.objects.create(name="X", short_name="X", country="NL")
    with time_machine.travel(datetime(2026, 5, 2, 12, tzinfo=UTC), tick=False):
        PurposeLegalBasis.objects.create(purpose=purpose, basis="consent")

    row = cells("dated")

    assert (row["made_on"], row["updated_on"]) == (date(2026, 3, 1), date(2026, 5, 2))


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_register_is_in_one_language(content, language):
    made = make_register(language=language)

    assert made.language == language
    subjects = {line for row in made.rows for line in row.cells["data_subjects"]}
    assert ("Job applicant" in subjects) is (language == "en")
    assert ("Sollicitant" in subjects) is (language == "nl")


# -- Draft and versions ------------------------------------------------------------------------


def test_each_purpose_says_whether_it_is_in_force_changed_or_draft_only(published):
    keep(ProcessingPurpose.objects.get(slug="contact"), title_nl="Contact opnemen")
    PurposeFactory(slug="new")
    ProcessingPurpose.objects.get(slug="anonymisation").delete()

    statuses = {row.slug: row.cells["status"][0] for row in make_register(language="en").rows}

    assert statuses["introduction"] == "in force (version 1)"
    assert statuses["contact"] == "in force, changed since version 1"
    assert statuses["new"] == "draft only, not in force"
    assert statuses["anonymisation"] == "in force, no longer in the draft"


def test_a_change_of_what_a_purpose_refers_to_is_a_change_of_the_purpose(published):
    category = ProcessingPurpose.objects.get(slug="contact").data.first().category
    category.name_nl = "Anders"
    category.save()

    assert cells("contact")["status"] == ("in force, changed since version 1",)


def test_an_internal_field_changes_nothing_of_what_is_in_force(published):
    keep(ProcessingPurpose.objects.get(slug="contact"), owner="Sales")

    assert cells("contact")["status"] == ("in force (version 1)",)


def test_the_register_of_a_version_has_its_texts_and_the_internal_fields_of_today(published):
    keep(ProcessingPurpose.objects.get(slug="contact"), title_en="Renamed", owner="Sales")

    row = cells("contact", version=published)

    assert row["purpose"] == ("Contact",)
    assert row["owner"] == ("Sales",)
    made = make_register(language="en", version=published)
    assert any("version 1" in sentence for sentence in made.about)
    assert "always the present ones" in " ".join(made.about)
    assert published.digest in " ".join(made.about)


def test_a_version_knows_whether_it_holds(published):
    before = published.effective_at - timedelta(days=1)

    assert cells("contact", version=published)["status"] == ("in force (version 1)",)
    assert cells("contact", version=published, now=before)["status"] == ("not in force yet (version 1)",)


def test_an_empty_desk_has_an_empty_register(db):
    made = make_register(language="en")

    assert made.rows == ()
    assert made.general == {}


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonld"])
def test_each_file_that_an_empty_desk_offers_can_be_had(admin_client, kind):
    response = admin_client.get(reverse(FILE, args=[kind]))

    assert response.status_code == 200
    assert b"".join(response)


def test_nobody_is_named_responsible_before_the_company_is_known(published, admin_client):
    assert "dpv:hasDataController" in admin_client.get(reverse(FILE, args=["jsonld"])).json()
    Controller.objects.all().delete()

    record = admin_client.get(reverse(FILE, args=["jsonld"])).json()

    assert "dpv:hasDataController" not in record
    assert len(record["dpv:hasProcess"]) == 19


# -- To do -------------------------------------------------------------------------------------


def test_a_row_with_everything_leaves_nothing_to_do(contact):
    keep(contact, owner="Sales", system="CRM", dpia="not-needed", review_on=timezone.localdate())

    assert to_do(make_register(language="en"))["contact"] == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"owner": ""}, "Name the owner."),
        ({"system": ""}, "Say in which system the data is kept."),
        ({"dpia": ""}, "Say whether an impact assessment is needed."),
        ({"dpia": "to-do"}, "Carry out the impact assessment."),
        ({"dpia": "done"}, "Say where the impact assessment is kept."),
        ({"review_on": None}, "Set a date for the next review."),
        ({"review_on": date(2026, 1, 1)}, "The review was due on 1 January 2026."),
    ],
)
def test_what_is_missing_is_told_in_a_sentence(contact, values, sentence):
    complete = {"owner": "Sales", "system": "CRM", "dpia": "not-needed", "review_on": date(2100, 1, 1)}
    keep(contact, **(complete | values))

    assert to_do(make_register(language="nl"))["contact"] == [sentence]


def test_an_interest_that_nobody_weighed_is_told(content):
    used = PurposeLegalBasis.objects.filter(basis="legitimate-interests").select_related("purpose").first()

    assert "Say where the balancing test is kept." in to_do(make_register(language="en"))[used.purpose.slug]
    assert "Say where the balancing test is kept." not in to_do(make_register(language="en"))["contact"]


# -- Files -------------------------------------------------------------------------------------


def read_csv(response):
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_csv_can_be_read_back(published, admin_client, language):
    response = admin_client.get(reverse(FILE, args=["csv"], query={"language": language}))

    rows = read_csv(response)
    made = make_register(language=language)
    assert len(rows) == 19
    assert list(rows[0]) == list(made.header.values())
    expected = "\n".join(made.rows[0].cells["data"])
    assert rows[0][made.header["data"]] == expected
    assert response["Content-Language"] == language


def test_the_csv_begins_with_the_mark_that_a_spreadsheet_needs(published, admin_client):
    response = admin_client.get(reverse(FILE, args=["csv"]))

    assert b"".join(response.streaming_content).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_workbook_can_be_read_back(published, admin_client, language):
    keep(ProcessingPurpose.objects.get(slug="contact"), review_on=date(2027, 2, 3))

    response = admin_client.get(reverse(FILE, args=["xlsx"], query={"language": language}))

    book = openpyxl.load_workbook(io.BytesIO(response.content))
    sheet = book.worksheets[0]
    made = make_register(language=language)
    header = [cell.value for cell in sheet[1]]
    assert header == list(made.header.values())
    assert sheet.max_row == 20
    line = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == "contact")
    values = dict(zip(made.header, line, strict=True))
    assert values["review_on"].value.date() == date(2027, 2, 3)
    assert values["review_on"].is_date
    assert values["data"].alignment.wrap_text
    assert sheet.freeze_panes == "C2"
    assert (book.properties.language, book.properties.title) == (language, made.title)
    explained = [cell.value for cell in book.worksheets[1]["A"]]
    assert explained[:-1] == [made.title, *made.about[:-1]]  # the last tells the minute


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1+1", '=HYPERLINK("http://x.example";"x")', "＝1+1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_of_an_editor_becomes_a_formula(contact, text):
    keep(contact, owner=text)
    made = make_register(language="en")

    lines = "".join(register.as_csv(made)).removeprefix("\ufeff")
    row = next(row for row in csv.DictReader(io.StringIO(lines), delimiter=";") if row["Reference"] == "contact")
    sheet = openpyxl.load_workbook(io.BytesIO(register.as_xlsx(made))).worksheets[0]
    cell = next(line for line in sheet.iter_rows(min_row=2) if line[0].value == "contact")[
        list(made.header).index("owner")
    ]

    assert row["Owner"] == f"'{text}"
    assert (cell.value.strip(), cell.data_type) == (text.strip(), "s")
    assert cell.quotePrefix


def test_a_text_that_is_no_formula_is_left_as_it_is():
    lines = list(sheets.csv_lines(["a"], [["1 = 1"], ["mail@example.nl"], [None], [date(2026, 1, 2)]]))

    assert lines == ["\ufeffa\r\n", "1 = 1\r\n", "mail@example.nl\r\n", '""\r\n', "2026-01-02\r\n"]


def test_the_register_in_vocabulary_terms_is_a_record_of_processing(published, admin_client):
    keep(ProcessingPurpose.objects.get(slug="contact"), owner="Sales", system="CRM", dpia="done", dpia_reference="D7")

    response = admin_client.get(reverse(FILE, args=["jsonld"]))

    record = json.loads(response.content)
    process = next(p for p in record["dpv:hasProcess"] if p["dct:identifier"] == "contact")
    assert response["Content-Type"] == "application/ld+json"
    assert record["@type"] == "dpv:ROPA"
    assert len(record["dpv:hasProcess"]) == 19
    assert process["dpv:hasResponsibleEntity"]["dpv:hasName"] == "Sales"
    assert process["dpv:isImplementedUsingTechnology"]["dct:title"] == "CRM"
    assert process["dpv:hasAssessment"] == [{"@type": "dpv:DPIA", "dct:identifier": "D7"}]
    prefixes = {term.split(":")[0] for term in terms_of(record)}
    assert prefixes <= record["@context"].keys()


def terms_of(value):
    """Every term that stands as a key, a type or an identifier."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in {"@id", "@type"}:
                yield from [item] if isinstance(item, str) else item
            elif not key.startswith("@"):
                yield key
            yield from terms_of(item) if key != "@context" else ()
    elif isinstance(value, list):
        for item in value:
            yield from terms_of(item)


# -- The page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["editor", "publisher", "auditor"])
def test_everybody_at_the_desk_sees_the_register(published, client, staff, group):
    client.force_login(staff(group))

    assert client.get(reverse(PAGE)).status_code == 200
    file = client.get(reverse(FILE, args=["csv"]))
    assert file.status_code == 200
    assert b"".join(file)  # to its end: it is sent in parts


def test_nobody_else_does(published, client, django_user_model):
    assert client.get(reverse(PAGE)).status_code == 302

    client.force_login(django_user_model.objects.create_user("sam", is_staff=True))
    assert client.get(reverse(PAGE)).status_code == 403
    assert client.get(reverse(FILE, args=["xlsx"])).status_code == 403


def test_the_page_marks_what_is_missing_and_links_to_the_purpose(published, admin_client):
    purpose = ProcessingPurpose.objects.get(slug="contact")
    keep(purpose, owner="Sales", review_on=date(2026, 1, 1))

    page = admin_client.get(reverse(PAGE)).text

    assert reverse("admin:policies_processingpurpose_change", args=[purpose.pk]) in page
    assert "The review was due on 1 January 2026." in page


@pytest.mark.parametrize("query", [{}, {"language": "nl"}, {"language": "nl", "version": "1"}])
def test_the_page_takes_language_and_version_from_its_address(published, admin_client, query):
    page = admin_client.get(reverse(PAGE, query=query)).text

    assert f'class="desk-sheet" lang="{query.get("language", "en")}"' in page
    assert "version 1, in force from" in page
    assert 'name="language"' in page


@pytest.mark.parametrize("query", [{"version": "99"}, {"version": "x"}, {"language": "de"}])
def test_what_does_not_exist_is_not_found(published, admin_client, query):
    assert admin_client.get(reverse(PAGE, query=query)).status_code == 404
    assert admin_client.get(reverse(FILE, args=["docx"])).status_code == 404


def test_the_page_asks_no_more_of_the_database_for_more_purposes(
    published, admin_client, django_assert_max_num_queries
):
    admin_client.get(reverse(PAGE))

    with django_assert_max_num_queries(75):
        admin_client.get(reverse(PAGE))
    for number in range(5):
        PurposeFactory(slug=f"more-{number}")
    with django_assert_max_num_queries(75):
        admin_client.get(reverse(PAGE))


# -- Never public ------------------------------------------------------------------------------


@pytest.fixture
def secrets(db, remembered, publish):
    """Every internal field filled with a word that occurs nowhere else, and published as version 2."""
    words = {field: f"sentinel{field.replace('_', '')}" for field in ("owner", "system", "dpia_reference")}

    def make():
        install_example()
        for purpose in ProcessingPurpose.objects.all():
            keep(purpose, dpia="done", review_on=date(2031, 7, 13), starts_on=date(2032, 8, 17), **words)
        for used in PurposeLegalBasis.objects.all():
            used.balancing_test = "sentinelbalance"
            used.save()
        keep(ProcessingPurpose.objects.get(slug="contact"), title_en="Contact us", title_nl="Contact met ons")
        publish()

    once(remembered, "secrets", make)
    return [*words.values(), "sentinelbalance", "2031-07-13", "2032-08-17", "13 July 2031", "13 juli 2031"]


@pytest.mark.parametrize("url", PUBLIC)
def test_what_only_the_office_knows_is_on_no_public_page(secrets, client, admin_client, url):
    kept = admin_client.get(reverse(FILE, args=["jsonld"])).content.decode()
    assert "sentinelowner" in kept  # so that there is something that could leak

    page = client.get(url).content.decode()

    assert [word for word in secrets if word in page] == []


def test_what_only_the_office_knows_is_in_no_version_and_no_pdf(secrets):
    for version in StatementVersion.objects.all():
        assert [word for word in secrets if word in version.document] == []
        for pdf in version.pdfs.all():
            said = words_of(pikepdf.open(io.BytesIO(bytes(pdf.body))))
            assert squeezed("Contact") in said
            assert [word for word in secrets if squeezed(word) in said] == []
