"""The page that says what a version changed, for visitors and at the desk."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from policies import rendering
from policies.models import CookieVendor, DataCategory, ProcessingPurpose, StatementVersion, Website

from .factories import DataCategoryFactory

SUMMARY = {"en": "Phones are explained.", "nl": "Telefoons worden uitgelegd."}
LANGUAGES = ("en", "nl")


def address(number, language="en"):
    with override(language):
        return reverse("changes", args=[number])


@pytest.fixture
def second(published, publish):
    """Version 2, in which a purpose has another description in both languages."""
    purpose = ProcessingPurpose.objects.get(slug="introduction")
    purpose.description_en = "Would you like to try out one of our solutions? Mail is <b>enough</b>."
    purpose.description_nl = "Wil je een van onze oplossingen uitproberen? Een mail <b>volstaat</b>."
    purpose.save()
    return publish(change_summary=SUMMARY)


def words(page):
    """The text of the page, one space between words."""
    return " ".join(re.sub("<[^>]*>", " ", page).split())


# -- Where it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "path"),
    [("en", "/en/statement/versions/2/changes/"), ("nl", "/nl/verklaring/versies/2/wijzigingen/")],
)
def test_it_has_an_address_in_each_language(language, path):
    assert address(2, language) == path


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", [0, 3, 99_999_999_999])
def test_what_was_never_published_changed_nothing(second, client, language, number):
    assert client.get(address(number, language)).status_code == 404


def test_a_version_that_is_not_in_force_yet_is_not_told(second, client, publish):
    client.get(address(2))
    DataCategory.objects.filter(slug="phone").update(name_en="Telephone", name_nl="Telefoon")
    publish(effective_at=timezone.now() + timedelta(days=1))

    assert client.get(address(3)).status_code == 404
    assert address(3) not in client.get(address(2)).text


def test_without_any_version_there_is_no_such_page(db, client):
    assert client.get(address(1)).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_versions_and_their_changes_lead_to_each_other(second, client, language, publish):
    DataCategory.objects.filter(slug="phone").update(name_en="Telephone", name_nl="Telefoon")
    publish()
    with override(language):
        versions, statement, version = reverse("versions"), reverse("statement"), reverse("version", args=[2])

    page = client.get(address(2, language)).text
    for url in (versions, version, address(1, language), address(3, language)):
        assert f'href="{url}"' in page
    assert f'href="{address(2, language)}"' in client.get(version).text
    assert f'href="{address(3, language)}"' in client.get(statement).text
    listed = client.get(versions).text
    assert [f'href="{address(number, language)}"' in listed for number in (1, 2, 3)] == [False, True, True]
    assert f'href="{address(4, language)}"' not in client.get(address(3, language)).text


def test_search_engines_are_told_of_it_but_do_not_keep_it(second, client):
    assert f"http://localhost{address(2, 'nl')}</loc>" in client.get("/sitemap.xml").text
    assert '<meta name="robots" content="noindex, follow">' in client.get(address(2)).text


# -- What it costs -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_second_view_asks_the_database_nothing_and_is_not_sent_again(
    second, client, django_assert_num_queries, language
):
    etag = client.get(address(2, language))["ETag"]

    with django_assert_num_queries(0):
        response = client.get(address(2, language))
        again = client.get(address(2, language), headers={"if-none-match": etag})
    assert (response.status_code, response["Content-Language"]) == (200, language)
    assert not response.cookies
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)


def test_of_an_older_version_too(second, client, django_assert_num_queries, publish):
    CookieVendor.objects.filter(slug="hotjar").update(country="US")
    publish()
    client.get(address(2))

    with django_assert_num_queries(0):
        assert client.get(address(2)).status_code == 200


# -- What it says --------------------------------------------------------------------------------


def test_the_first_version_says_that_it_is_the_first(published, client):
    page = client.get(address(1))

    assert "This is the first version: there is nothing before it to compare it with." in page.text
    assert "<ins>" not in page.text


def test_it_says_what_the_publisher_wrote_and_what_changed_in_the_language_of_the_page(second, client):
    english, dutch = (client.get(address(2, language)).text for language in LANGUAGES)

    assert "What version 2 changed" in english
    assert SUMMARY["en"] in english
    assert "Would you like to try" in english
    assert SUMMARY["nl"] in dutch
    assert "Een mail" in dutch
    for text in (SUMMARY["nl"], "Een mail"):
        assert text not in english
    for text in (SUMMARY["en"], "Mail is"):
        assert text not in dutch


def test_what_was_added_and_removed_is_marked_for_eyes_and_for_ears(second, client):
    page = client.get(address(2)).text

    assert re.search("<ins><span class=.unseen. lang=.en.> added: </span>Mail is &lt;b&gt;enough&lt;/b&gt;.<span", page)
    assert "removed: We then plan an introduction with you." in words(page)
    assert "let you try out the solution. (end of what was removed)" in words(page)


def test_texts_are_shown_and_never_run(second, client):
    page = client.get(address(2)).text

    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_what_changed_in_the_other_language_alone_is_said_and_not_shown(published, client, publish):
    ProcessingPurpose.objects.filter(slug="introduction").update(title_nl="Nadere kennismaking")
    publish()

    english, dutch = (client.get(address(2, language)).text for language in LANGUAGES)

    assert "Only the Dutch text changed." in english
    assert "Nadere" not in english
    assert "Nadere" in dutch


def test_what_came_and_what_went_is_told_whole(published, client, publish):
    CookieVendor.objects.get(slug="hotjar").delete()
    DataCategoryFactory(name_en="Photo", name_nl="Foto", explanation_en="Yours.", explanation_nl="De jouwe.")
    publish()

    page = words(client.get(address(2)).text)

    assert re.search(r"Photo new\b.*Explanation Yours.", page)
    assert re.search(r"Hotjar removed\b.*What it said.*Company Hotjar", page)


@pytest.mark.parametrize(
    ("language", "site", "category"), [("en", "Company website", "Analytical"), ("nl", "Bedrijfswebsite", "Analytisch")]
)
def test_whom_it_asked_again_is_told_by_name(published, client, publish, language, site, category):
    CookieVendor.objects.filter(slug="hotjar").update(country="US")
    version = publish()
    assert version.asks_again == {"website": ["analytical"], "prostream": ["analytical"]}

    asking = client.get(address(2, language)).text.split('id="asking"')[1].split("</section>")[0]

    assert site in asking
    assert asking.count(f"<li>{category}</li>") == 2


def test_that_a_choice_holds_less_long_is_told_there_too(published, client, publish):
    Website.objects.filter(slug="prostream").update(consent_months=1)
    publish()

    asking = client.get(address(2)).text.split('id="asking"')[1].split("</section>")[0]

    assert "A choice holds for 30 days instead of 182" in asking
    assert "asked again about" not in asking


def test_that_nobody_is_asked_again_is_said(second, client):
    assert "What you chose stays in force; this version asks nothing again." in client.get(address(2)).text


def test_a_version_that_only_asks_again_says_that_the_text_is_the_same(published, client, publish):
    publish(ask_also={"website": ["marketing"]})

    page = client.get(address(2)).text

    assert "The text of the statement is that of the version before." in page
    assert "<li>Marketing</li>" in page


def test_it_compares_with_a_version_that_an_earlier_release_wrote(published, client, publish):
    publish(ask_also={"website": ["marketing"]})
    rendering.forget()
    edition = rendering.published(1)
    for website in edition.document["content"]["websites"]:
        del website["position"], website["looks"], website["consent_months"]

    assert "The text of the statement is that of the version before." in client.get(address(2)).text


# -- At the desk -----------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["editor", "publisher", "auditor"])
def test_the_desk_shows_both_languages_of_a_version_side_by_side(second, client, staff, group):
    client.force_login(staff(group))
    url = reverse("admin:policies_statementversion_changes", args=[second.pk])

    assert f'href="{url}"' in client.get(reverse("admin:policies_statementversion_change", args=[second.pk])).text
    page = client.get(url).text
    for text in (*SUMMARY.values(), "Mail is", "Een mail"):
        assert text in page
    assert page.count("<ins>") >= 2


def test_of_the_first_version_the_desk_says_that_it_is_the_first(published, client, staff):
    client.force_login(staff("auditor"))

    page = client.get(reverse("admin:policies_statementversion_changes", args=[published.pk])).text

    assert "This is the first version" in page
    assert "The content is the same." not in page


def test_the_desk_tells_by_name_whom_a_version_asked_again(published, client, staff, publish):
    CookieVendor.objects.filter(slug="hotjar").update(country="US")
    version = publish()
    client.force_login(staff("auditor"))

    page = words(client.get(reverse("admin:policies_statementversion_changes", args=[version.pk])).text)

    assert "Company website Visitors are asked again about: Analytical" in page


def test_only_staff_who_may_see_versions_see_the_comparison(second, client, django_user_model):
    url = reverse("admin:policies_statementversion_changes", args=[second.pk])
    assert client.get(url).status_code == 302
    client.force_login(django_user_model.objects.create_user("x", is_staff=True))

    assert client.get(url).status_code == 404
    client.force_login(django_user_model.objects.create_superuser("root"))
    assert client.post(url).status_code == 405
    assert client.get(reverse("admin:policies_statementversion_changes", args=[999])).status_code == 404
    assert StatementVersion.objects.count() == 2
