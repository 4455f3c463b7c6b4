"""The desk: what each group sees and may, what the lists answer, and that evidence stays as it is."""

import re
import uuid
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consent.models import Banner, ConsentRecord, DailyCount, RecordPurge, SealedDay, SealPurge
from consent.sealing import seal_closed_days
from policies import workflow
from policies.models import (
    Controller,
    CookieVendor,
    DataCategory,
    LegalBasis,
    ProcessingPurpose,
    Proposal,
    PurposeData,
    PurposeLegalBasis,
    PurposeRecipient,
    PurposeRetention,
    Recipient,
    Section,
    StatementVersion,
    Waiver,
    Website,
)
from retention.models import (
    ColumnTreatment,
    DeclaredTarget,
    EarlyEnd,
    LegalHold,
    RetentionRule,
    RetentionRun,
    RunUnderWay,
    Trigger,
)

from .arriving import MONDAY, arrive, at, once_closed
from .factories import DataCategoryFactory, PurposeFactory, RuleFactory

EVIDENCE = [
    StatementVersion,
    Proposal,
    Banner,
    ConsentRecord,
    SealedDay,
    RecordPurge,
    SealPurge,
    RetentionRun,
    RunUnderWay,
]
# A hold is placed and released; it is neither content nor does it go.
UNDELETABLE = [Controller, LegalHold]
WITH_HISTORY = [model for model in admin.site._registry if hasattr(model._meta, "simple_history_manager_attribute")]
# Where data is erased has a history too, but it is no content: publishers answer for it.
TARGETS = [DeclaredTarget, EarlyEnd, ColumnTreatment]
CONTENT = [model for model in WITH_HISTORY if model not in TARGETS]


def address(row, page="change"):
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])


def list_of(model, **query):
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist", query=query)


def rows_in(page):
    """What the list shows in its first column, in order."""
    found = re.findall(r'<th class="field-[a-z_]+"><a href="[^"]*">([^<]*)</a>', page)
    assert found or re.search(r"^0 [a-z]", page, re.MULTILINE)
    return found


def form_data(client, url):
    """What a browser would send if somebody pressed Save on ``url`` without typing."""
    context = client.get(url).context
    forms = [context["adminform"].form]
    for formset in context["inline_admin_formsets"]:
        forms += [formset.formset.management_form, *formset.formset.forms]
    data = {}
    for form in forms:
        for bound in form:
            value = bound.value()
            if value is None or value is False:
                continue
            data[bound.html_name] = [str(item) for item in value] if isinstance(value, list) else str(value)
    return data


def queries_of(client, url):
    client.get(url)  # content types and the session are looked up once
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.fixture
def record(published):
    banner = Banner.objects.create(
        digest="0" * 64, kind="script", website="website", version=published, body=b"/* banner */"
    )

    def add(number=1, decided_at=None, **fields):
        moment = decided_at or timezone.now()
        return ConsentRecord.objects.create(
            **(
                {
                    "id": uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (8 << 60) | number),
                    "subject": None,
                    "website": "website",
                    "version": published,
                    "banner": banner,
                    "language": "nl",
                    "gpc": False,
                    "action": "reject_all",
                    "choices": {"analytical": False, "marketing": False},
                    "decided_at": moment,
                }
                | fields
            )
        )

    return add


@pytest.fixture
def evidence(published):
    """A row of everything that is written once."""
    row = DataCategory.objects.get(slug="phone")
    row.name_en, row.name_nl = "Telephone", "Telefoon"
    row.save()
    workflow.submit(by="eva", change_summary={"en": "Phones.", "nl": "Telefoons."})
    arrive(at(MONDAY))
    seal_closed_days(once_closed(MONDAY))
    RecordPurge.objects.create(
        rule="proof-of-choice",
        wording="at most 5 years",
        cut_off=at(MONDAY, 0),
        decided_by="anna",
        decided_at=at(MONDAY),
    )
    SealPurge.objects.create(
        rule="sealed-days",
        wording="10 years",
        up_to=MONDAY - timedelta(days=1),
        cut_off=at(MONDAY, 0),
        last_digest="0" * 64,
        seals=1,
        decided_by="anna",
        decided_at=at(MONDAY),
    )
    DeclaredTarget.objects.create(
        slug="ats", name="Applicants", connection="hr", table="a", key_column="id", trigger_column="d"
    )
    LegalHold.objects.create(target="ats", reason="A claim.", placed_by="anna")
    run = {"target": "ats", "rule": "applicants", "cut_off": at(MONDAY), "run_by": "cron", "started_at": at(MONDAY)}
    RunUnderWay.objects.create(**run)
    RetentionRun.objects.create(**run, is_dry=False)


# -- Every page -------------------------------------------------------------------------------


def test_every_page_of_the_desk_opens(admin_client, evidence):
    """In English; in Dutch a browser walks past all of them."""
    opened = 0
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        pages = [reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])]
        pages.append(reverse(f"{name}_history", args=[row.pk]))
        if model is LegalHold:
            pages.append(reverse(f"{name}_add"))
        if model not in EVIDENCE and model not in UNDELETABLE:
            pages += [reverse(f"{name}_add"), reverse(f"{name}_delete", args=[row.pk])]
        if model in WITH_HISTORY:
            pages.append(reverse(f"{name}_simple_history", args=[row.pk, row.history.first().pk]))
        for page in pages:
            response = admin_client.get(page, follow=True)
            assert response.status_code == 200, page
            assert '<html lang="en"' in response.text, page
            opened += 1
    assert opened > 6 * 20


def test_all_content_is_on_the_desk_or_on_the_page_of_what_it_is_part_of():
    with_history = {
        model
        for label in ("retention", "policies")
        for model in apps.get_app_config(label).get_models()
        if hasattr(model._meta, "simple_history_manager_attribute")
    }

    inline = {part.model for model_admin in admin.site._registry.values() for part in model_admin.inlines}

    # A waiver is given and withdrawn on the page of the review.
    assert with_history == set(WITH_HISTORY) | inline | {Waiver}


def test_the_index_lists_every_desk_once_by_subject(admin_client, published):
    groups = admin_client.get(reverse("admin:index")).context["app_list"]

    labels = [entry["model"]._meta.label for group in groups for entry in group["models"] if "model" in entry]
    assert sorted(labels) == sorted(model._meta.label for model in admin.site._registry)
    assert [group["app_label"] for group in groups][:4] == ["publication", "processing", "keeping", "cookies"]


# -- Groups -----------------------------------------------------------------------------------


def may(user, action, model):
    return user.has_perm(f"{model._meta.app_label}.{action}_{model._meta.model_name}")


@pytest.mark.parametrize(("group", "publishes"), [("editor", False), ("publisher", True)])
def test_editors_and_publishers_edit_all_content_and_only_publishers_publish(staff, group, publishes):
    user = staff(group)

    parts = [PurposeData, PurposeLegalBasis, PurposeRetention, PurposeRecipient]
    for model in [*CONTENT, *parts]:
        for action in ("view", "add", "change", "delete"):
            assert may(user, action, model), (action, model)
    assert may(user, "view", StatementVersion)
    assert user.has_perm("policies.publish_statement") is publishes


@pytest.mark.parametrize(("group", "sees_evidence"), [("editor", False), ("publisher", True)])
def test_editors_and_publishers_see_the_figures_and_only_publishers_the_evidence(staff, group, sees_evidence):
    """A publisher answers for the processing, and hands a supervisor the proof of it."""
    user = staff(group)

    assert may(user, "view", DailyCount)
    for model in (ConsentRecord, Banner, SealedDay, RecordPurge, SealPurge):
        assert may(user, "view", model) is sees_evidence, model
        assert not any(may(user, action, model) for action in ("add", "change", "delete")), model


def test_auditors_see_everything_and_change_nothing(staff):
    user = staff("auditor")

    assert {name.split(".")[1].split("_")[0] for name in user.get_all_permissions()} == {"view"}
    for label in ("retention", "policies", "consent"):
        for model in apps.get_app_config(label).get_models():
            is_history = hasattr(model, "instance_type")  # open to whoever may look at the row
            assert is_history or may(user, "view", model), model


@pytest.mark.django_db
def test_migrating_again_puts_permissions_right_and_leaves_members_alone(staff):
    user = staff("editor")
    editor = Group.objects.get(name="editor")
    before = set(editor.permissions.values_list("pk", flat=True))
    editor.permissions.set([Permission.objects.get(codename="delete_user")])
    Group.objects.filter(name="auditor").delete()

    call_command("migrate", verbosity=0)

    assert set(editor.permissions.values_list("pk", flat=True)) == before
    assert list(editor.user_set.all()) == [user]
    assert Group.objects.get(name="auditor").permissions.exists()


def test_an_auditor_opens_every_list_and_no_form_takes_anything(client, staff, record):
    record()
    client.force_login(staff("auditor"))
    purpose = ProcessingPurpose.objects.first()

    for model in admin.site._registry:
        assert client.get(list_of(model), follow=True).status_code == 200, model
    page = client.get(address(purpose)).text
    assert purpose.title_en in page
    assert "Title (Dutch)" in page
    assert "Explanation (English)" in page
    assert 'name="_save"' not in page
    assert client.post(address(purpose), {"title_en": "x", "title_nl": "x"}).status_code == 403
    assert client.post(address(purpose, "delete"), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:policies_processingpurpose_add")).status_code == 403


def test_an_auditor_cannot_restore_an_older_state(client, staff, content):
    category = DataCategory.objects.get(slug="phone")
    older = category.history.get().pk
    category.name_en = "Telephone"
    category.save()
    url = reverse("admin:policies_datacategory_simple_history", args=[category.pk, older])
    client.force_login(staff("auditor"))

    page = client.get(url)
    refused = client.post(url, {"name_en": "Phone number", "name_nl": "Telefoonnummer", "order": "4"})

    assert page.status_code == 200
    assert "Phone number" in page.text
    assert 'name="name_en"' not in page.text
    assert refused.status_code == 403
    category.refresh_from_db()
    assert category.name_en == "Telephone"


def test_an_editor_restores_an_older_state(client, staff, content):
    category = DataCategory.objects.get(slug="phone")
    older = category.history.get().pk
    category.name_en = "Telephone"
    category.save()
    client.force_login(staff("editor"))

    url = reverse("admin:policies_datacategory_simple_history", args=[category.pk, older])
    response = client.post(url, {"name_en": "Phone number", "name_nl": "Telefoonnummer", "order": "4"})

    assert response.status_code == 302
    category.refresh_from_db()
    assert category.name_en == "Phone number"
    assert category.history.count() == 3


def test_an_editor_sees_no_consent_records(client, staff, record):
    row = record()
    client.force_login(staff("editor"))

    assert client.get(list_of(ConsentRecord)).status_code == 403
    assert client.get(address(row)).status_code == 403
    assert "Consent records" not in client.get(reverse("admin:index")).text


# -- Evidence ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", EVIDENCE)
def test_nobody_adds_changes_or_deletes_evidence_superusers_included(admin_client, evidence, model):
    row, count = model.objects.first(), model.objects.count()
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"

    assert admin_client.get(address(row)).status_code == 200
    assert admin_client.get(reverse(f"{name}_add")).status_code == 403
    assert admin_client.post(reverse(f"{name}_add"), {}).status_code == 403
    assert admin_client.post(address(row), {}).status_code == 403
    assert admin_client.post(address(row, "delete"), {"post": "yes"}).status_code == 403
    page = admin_client.get(list_of(model)).text
    assert 'name="action"' not in page
    assert model.objects.count() == count


def test_the_page_of_a_version_leads_to_its_pages_its_pdfs_and_its_exact_text(admin_client, published):
    page = admin_client.get(address(published)).text

    for link in ("/en/statement/versions/1/", "/nl/verklaring/versies/1/"):
        assert f'href="{link}"' in page
        assert admin_client.get(link).status_code == 200
    for language in ("en", "nl"):
        url = reverse("admin:policies_statementversion_pdf", args=[published.pk, language])
        assert f'href="{url}"' in page
        assert admin_client.get(url).content == bytes(published.pdfs.get(language=language).body)
    document = reverse("admin:policies_statementversion_document", args=[published.pk])
    assert f'href="{document}"' in page
    assert admin_client.get(document).content.decode() == published.document
    assert published.digest in page


def test_a_version_that_is_not_in_force_yet_has_no_link_to_a_page_that_is_not_there(admin_client, published, publish):
    Section.objects.first().delete()
    later = publish(effective_at=timezone.now() + timedelta(days=2))

    page = admin_client.get(address(later)).text

    assert "/en/statement/versions/2/" not in page
    assert "not in force" in page


@pytest.mark.parametrize("name", ["pdf", "document"])
def test_files_of_a_version_are_for_who_may_see_versions(client, published, django_user_model, name):
    args = [published.pk, "en"] if name == "pdf" else [published.pk]
    url = reverse(f"admin:policies_statementversion_{name}", args=args)
    client.force_login(django_user_model.objects.create_user("new", is_staff=True))

    assert client.get(url).status_code == 404


# -- Consent records ----------------------------------------------------------------------------


def test_a_record_is_found_by_its_whole_number_and_by_nothing_less(admin_client, record):
    row, other = record(1), record(2)

    found = admin_client.get(list_of(ConsentRecord, q=str(row.pk))).text
    part = admin_client.get(list_of(ConsentRecord, q=str(row.pk)[:8])).text

    assert str(row.pk) in found
    assert str(other.pk) not in found
    assert str(row.pk) not in part.replace(f'value="{str(row.pk)[:8]}"', "")


@pytest.mark.parametrize(
    "query",
    [{"website": "app"}, {"action__exact": "withdraw"}, {"gpc__exact": "1"}, {"version": "7"}, {"decided": "1"}],
)
def test_records_are_narrowed_down_by_site_version_action_signal_and_time(admin_client, record, query):
    kept = record(1, timezone.now() - timedelta(days=2))

    everything = admin_client.get(list_of(ConsentRecord)).text
    narrowed = admin_client.get(list_of(ConsentRecord, **query)).text

    assert str(kept.pk) in everything
    assert str(kept.pk) not in narrowed
    assert str(kept.pk) in admin_client.get(list_of(ConsentRecord, decided="7", version="1", website="website")).text


def test_the_list_of_records_never_reads_the_whole_table_and_loads_no_text(admin_client, record, monkeypatch):
    monkeypatch.setattr(admin.site.get_model_admin(ConsentRecord), "list_per_page", 1)
    record(1)
    record(2)

    with CaptureQueriesContext(connection) as queries:
        admin_client.get(list_of(ConsentRecord))

    on_records = [query["sql"] for query in queries if 'FROM "consent_consentrecord"' in query["sql"]]
    assert on_records
    for sql in on_records:
        assert "LIMIT" in sql
    assert not [query for query in queries if '"document"' in query["sql"] or '"body"' in query["sql"]]


def test_the_list_of_records_says_when_there_are_more_than_it_counts(admin_client, record, monkeypatch):
    monkeypatch.setattr("consent.admin.COUNTED_AT_MOST", 2)
    record(1)
    assert "The newest" not in admin_client.get(list_of(ConsentRecord)).text

    record(2)
    record(3)

    assert "The newest 2;" in admin_client.get(list_of(ConsentRecord)).text


# -- Both languages -----------------------------------------------------------------------------


def test_both_languages_of_a_text_stand_in_one_row_and_say_which_they_are(admin_client, content):
    page = admin_client.get(reverse("admin:policies_datacategory_add")).text

    assert "field-name_en field-name_nl" in page
    assert "Name (English)" in page
    assert "Name (Dutch)" in page
    assert re.search(r'<input[^>]*name="name_nl"[^>]*lang="nl"', page)
    assert re.search(r'<textarea[^>]*name="explanation_en"[^>]*lang="en"', page)


@pytest.mark.parametrize(("written", "lacking"), [("en", "Dutch"), ("nl", "English")])
def test_a_row_may_be_written_in_either_language_first_and_the_list_says_what_it_lacks(
    admin_client, db, written, lacking
):
    admin_client.post(
        reverse("admin:policies_datacategory_add"), {"slug": "shoe-size", f"name_{written}": "EU 43", "order": ""}
    )

    assert DataCategory.objects.get().slug == "shoe-size"
    assert f"lacks {lacking}</strong>" in admin_client.get(list_of(DataCategory)).text


def test_a_pasted_character_that_the_content_file_could_not_hold_is_refused(admin_client, content):
    category = DataCategory.objects.get(slug="phone")

    response = admin_client.post(
        address(category), {"name_en": "Phone\x0bnumber", "name_nl": "Telefoonnummer", "order": "4"}
    )

    assert "The character U+000B cannot stand in a text." in response.text
    category.refresh_from_db()
    assert category.name_en == "Phone number"


def test_a_text_in_no_language_is_refused(admin_client, db):
    response = admin_client.post(reverse("admin:policies_datacategory_add"), {"slug": "nothing", "order": ""})

    assert "at least one of the two languages" in response.text
    assert not DataCategory.objects.exists()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, "complete"),
        ({"explanation_en": None, "explanation_nl": ""}, "complete"),
        ({"name_nl": ""}, "lack-nl"),
        ({"name_nl": None}, "lack-nl"),
        ({"name_en": ""}, "lack-en"),
        ({"explanation_en": "Only if you tell us."}, "lack-nl"),
        ({"explanation_nl": "Alleen als je het zegt."}, "lack-en"),
    ],
)
def test_lists_tell_what_lacks_a_language_and_an_optional_text_in_neither_is_no_lack(admin_client, db, texts, expected):
    DataCategoryFactory(slug="the-row", **texts)

    for choice in ("complete", "lack-nl", "lack-en"):
        page = admin_client.get(list_of(DataCategory, texts=choice)).text
        assert ("the-row" in page) is (choice == expected)


def test_a_purpose_lacks_a_language_where_one_of_its_parts_does(admin_client, db):
    purpose = PurposeFactory()
    assert purpose.title_en in admin_client.get(list_of(ProcessingPurpose, texts="complete")).text

    PurposeLegalBasis.objects.create(purpose=purpose, basis=LegalBasis.CONTRACT, explanation_nl="Voor de levering.")

    assert purpose.title_en in rows_in(admin_client.get(list_of(ProcessingPurpose, texts="lack-en")).text)
    assert not rows_in(admin_client.get(list_of(ProcessingPurpose, texts="complete")).text)


@pytest.mark.parametrize(("part", "expected"), [("text", True), ("purposes", False)])
def test_a_section_of_free_text_lacks_its_text_and_a_generated_one_does_not(admin_client, db, part, expected):
    Section.objects.create(slug="s", page="statement", part=part, heading_en="A heading", heading_nl="Een kop")

    assert ("A heading" in admin_client.get(list_of(Section, texts="lack-nl")).text) is expected


def test_the_search_finds_words_of_both_languages(admin_client, content):
    for words in ("Phone number", "Telefoonnummer"):
        assert rows_in(admin_client.get(list_of(DataCategory, q=words)).text)[0] == "Phone number"


# -- What changed since publication ----------------------------------------------------------------


def test_lists_tell_what_changed_since_publication(admin_client, published):
    assert rows_in(admin_client.get(list_of(DataCategory, changed="no")).text)
    assert not rows_in(admin_client.get(list_of(DataCategory, changed="yes")).text)

    row = DataCategory.objects.get(slug="phone")
    row.explanation_en, row.explanation_nl = "Mobile or fixed", "Mobiel of vast"
    row.save()

    assert rows_in(admin_client.get(list_of(DataCategory, changed="yes")).text) == ["Phone number"]


def test_a_new_publication_settles_what_had_changed(admin_client, published, publish):
    row = DataCategory.objects.get(slug="phone")
    row.name_en = "Telephone"
    row.save()
    assert rows_in(admin_client.get(list_of(DataCategory, changed="yes")).text)

    publish()

    assert not rows_in(admin_client.get(list_of(DataCategory, changed="yes")).text)


@pytest.mark.parametrize("change", ["added", "changed", "deleted"])
def test_a_purpose_changed_where_a_part_of_it_did(admin_client, published, change):
    purpose = ProcessingPurpose.objects.first()
    used = purpose.data.first()
    if change == "added":
        unused = DataCategory.objects.exclude(uses__purpose=purpose).first()
        purpose.data.create(category=unused, order=9)
    elif change == "changed":
        used.order = 9
        used.save()
    else:
        used.delete()

    assert rows_in(admin_client.get(list_of(ProcessingPurpose, changed="yes")).text) == [purpose.title_en]


def test_a_vendor_changed_where_a_safeguard_was_taken_away(admin_client, published):
    vendor = CookieVendor.objects.filter(safeguards__isnull=False).first()

    vendor.safeguards.clear()

    assert rows_in(admin_client.get(list_of(CookieVendor, changed="yes")).text) == [vendor.name]


def test_before_the_first_publication_everything_counts_as_changed(admin_client, content):
    shown = rows_in(admin_client.get(list_of(Trigger, changed="yes")).text)

    assert len(shown) == Trigger.objects.count()


# -- Saving ---------------------------------------------------------------------------------------


def test_a_purpose_saved_untouched_stays_the_same_statement(admin_client, published):
    from policies.publishing import look_at_draft

    before = look_at_draft().digest
    for row in [ProcessingPurpose.objects.first(), CookieVendor.objects.first(), Website.objects.first()]:
        response = admin_client.post(address(row), form_data(admin_client, address(row)))
        assert response.status_code == 302, response.context["errors"]

    assert look_at_draft().digest == before


def test_a_purpose_is_edited_with_its_parts_on_one_page(admin_client, content):
    purpose = ProcessingPurpose.objects.first()
    data = form_data(admin_client, address(purpose))
    recipient = Recipient.objects.first()
    number = int(data["recipients-TOTAL_FORMS"])
    data |= {
        "title_nl": "Kennis maken",
        "recipients-TOTAL_FORMS": str(number + 1),
        f"recipients-{number}-recipient": str(recipient.pk),
        f"recipients-{number}-purpose": str(purpose.pk),
        f"recipients-{number}-order": "",
    }

    assert admin_client.post(address(purpose), data).status_code == 302

    purpose.refresh_from_db()
    assert purpose.title_nl == "Kennis maken"
    assert [used.recipient for used in purpose.recipients.all()][-1] == recipient


def test_a_legitimate_interest_explained_in_one_language_is_refused_in_words(admin_client, content):
    purpose = ProcessingPurpose.objects.filter(legal_bases__basis="contract").first()
    data = form_data(admin_client, address(purpose))
    data |= {"legal_bases-0-basis": "legitimate-interests", "legal_bases-0-explanation_en": "Ours."}
    data["legal_bases-0-explanation_nl"] = ""

    page = admin_client.post(address(purpose), data).text

    assert "Explain the legitimate interest in English and in Dutch." in page


def test_a_new_row_without_a_place_comes_last(admin_client, content):
    last = Trigger.objects.last()
    texts = {f"{field}_{code}": "x" for field in ("name", "after", "until") for code in ("en", "nl")}

    admin_client.post(reverse("admin:retention_trigger_add"), {"slug": "aaa", "order": ""} | texts)

    assert Trigger.objects.last().slug == "aaa"
    assert Trigger.objects.last().order == last.order + 1


def test_places_are_changed_in_the_list_itself(admin_client, db):
    first, second = DataCategoryFactory(order=1), DataCategoryFactory(order=2)
    data = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "Save"}
    data |= {"form-0-id": first.pk, "form-0-order": 5, "form-1-id": second.pk, "form-1-order": 2}

    assert admin_client.post(list_of(DataCategory), data).status_code == 302

    assert list(DataCategory.objects.all()) == [second, first]


def test_every_list_with_places_lets_them_be_changed():
    for model, model_admin in admin.site._registry.items():
        if "order" in {field.name for field in model._meta.fields}:
            assert "order" in model_admin.list_editable, model


def test_an_identifier_is_chosen_once(admin_client, content):
    category = DataCategory.objects.get(slug="phone")

    data = {"slug": "fax", "name_en": "Fax", "name_nl": "Fax", "order": "4"}
    admin_client.post(address(category), data)

    category.refresh_from_db()
    assert (category.slug, category.name_en) == ("phone", "Fax")
    assert 'name="slug"' in admin_client.get(reverse("admin:policies_datacategory_add")).text


def test_countries_are_offered_by_name_in_the_language_of_the_desk(admin_client, content):
    vendor = CookieVendor.objects.filter(country="US").first()

    english = admin_client.get(address(vendor)).text
    admin_client.cookies["django_language"] = "nl"
    dutch = admin_client.get(address(vendor)).text

    assert '<option value="US" selected>United States</option>' in english
    assert '<option value="US" selected>Verenigde Staten</option>' in dutch


def test_there_is_one_controller_and_its_list_is_its_page(admin_client, content):
    row = Controller.objects.get()

    assert admin_client.get(list_of(Controller)).url == address(row)
    assert admin_client.get(reverse("admin:policies_controller_add")).status_code == 403
    assert admin_client.post(address(row, "delete"), {"post": "yes"}).status_code == 403


def test_on_an_empty_desk_the_controller_can_be_added(admin_client, db):
    assert admin_client.get(reverse("admin:policies_controller_add")).status_code == 200
    assert admin_client.get(list_of(Controller)).status_code == 200


# -- Deleting ---------------------------------------------------------------------------------------


def test_what_is_in_use_is_not_deleted_and_the_page_names_who_uses_it(admin_client, content):
    category = DataCategory.objects.filter(uses__isnull=False).first()
    purpose = category.uses.first().purpose

    page = admin_client.get(address(category, "delete")).text
    admin_client.post(address(category, "delete"), {"post": "yes"})

    assert f'Processing purpose: <a href="{address(purpose)}">{purpose}</a>' in page
    assert "Data used:" not in page
    assert DataCategory.objects.filter(pk=category.pk).exists()


def test_the_action_on_a_list_refuses_what_is_in_use_too(admin_client, content):
    rule = RetentionRule.objects.filter(uses__isnull=False).first()
    data = {"action": "delete_selected", "_selected_action": [rule.pk], "post": "yes"}

    page = admin_client.post(list_of(RetentionRule), data).text

    assert str(rule.uses.first().purpose) in page
    assert RetentionRule.objects.filter(pk=rule.pk).exists()


# -- History ------------------------------------------------------------------------------------------


def test_the_history_says_who_changed_which_field_from_what_to_what(client, staff, content):
    editor = staff("editor", name="eva")
    client.force_login(editor)
    category = DataCategory.objects.get(slug="phone")
    client.post(address(category), {"name_en": "Telephone", "name_nl": "Telefoonnummer", "order": "4"})

    page = client.get(address(category, "history")).text

    assert "<td>eva</td>" in page
    assert "<dt>Name (English)</dt>\n<dd><del>Phone number</del> → <ins>Telephone</ins></dd>" in page


def test_the_history_of_a_purpose_holds_that_of_its_parts_also_when_they_are_gone(admin_client, content):
    purpose = ProcessingPurpose.objects.first()
    category = DataCategory.objects.create(slug="shoe-size", name_en="Shoe size", name_nl="Schoenmaat")
    used = purpose.data.create(category=category, order=8)
    used.order = 9
    used.save()

    page = admin_client.get(address(purpose, "history")).text
    assert "added: Shoe size" in page
    assert "<del>8</del> → <ins>9</ins>" in page

    used.delete()
    category.delete()

    assert "deleted since" in admin_client.get(address(purpose, "history")).text


# -- Queries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [model for model in CONTENT if model is not Controller])
def test_a_list_costs_the_same_queries_for_one_row_and_for_three(admin_client, content, model):
    rows = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
    if len(rows) < 3:
        for number in range(3 - len(rows)):
            row = model._default_manager.first()
            row.pk, row.slug, row._state.adding = None, f"copy-{number}", True
            if model is Website:
                row.hosts_statement = False
            row.save()
        rows = list(model._default_manager.order_by("pk").values_list("pk", flat=True))

    one = queries_of(admin_client, list_of(model, pk__in=f"{rows[0]}"))
    three = queries_of(admin_client, list_of(model, pk__in=",".join(map(str, rows[:3]))))

    assert one == three


def test_the_list_of_purposes_costs_the_same_whatever_hangs_on_them(admin_client, db):
    def purpose():
        row = PurposeFactory()
        for _number in range(3):
            row.retention.create(rule=RuleFactory())
        row.legal_bases.create(basis="contract")

    purpose()
    one = queries_of(admin_client, list_of(ProcessingPurpose))
    purpose()
    purpose()

    assert queries_of(admin_client, list_of(ProcessingPurpose)) == one


def test_the_page_and_the_history_of_a_purpose_cost_the_same_for_one_part_and_for_three(admin_client, db):
    purpose = PurposeFactory()

    def part():
        purpose.data.create(category=DataCategoryFactory())
        purpose.retention.create(rule=RuleFactory())

    part()
    one = [queries_of(admin_client, address(purpose, page)) for page in ("change", "history")]
    part()
    part()

    assert [queries_of(admin_client, address(purpose, page)) for page in ("change", "history")] == one


@pytest.mark.parametrize("model", [ConsentRecord])
def test_the_list_of_records_costs_the_same_queries_for_one_row_and_for_three(admin_client, record, model):
    record(1)
    one = queries_of(admin_client, list_of(model))
    record(2)
    record(3)

    assert queries_of(admin_client, list_of(model)) == one


# -- The language of the desk ---------------------------------------------------------------------------


def test_staff_choose_the_language_of_the_desk_and_stay_where_they_are(admin_client, content):
    url = list_of(DataCategory, texts="complete")
    page = admin_client.get(url).text
    assert f'action="{reverse("set_language")}"' in page
    assert 'name="language" value="nl"' in page

    response = admin_client.post(reverse("set_language"), {"language": "nl", "next": url})

    assert response.url == url
    assert response.cookies["django_language"]["path"] == "/admin/"
    assert '<html lang="nl"' in admin_client.get(url).text


def test_the_language_can_be_chosen_before_signing_in(client, db):
    page = client.get(reverse("admin:login"), follow=True)

    form = page.text.split('class="desk-language"')[1].split("</form>")[0]
    assert "csrfmiddlewaretoken" in form
    assert 'value="nl"' in form
