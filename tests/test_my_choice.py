"""The visitor's own page: what this browser chose, now and before, and how to end it."""

import json
import logging
import re
from datetime import timedelta
from urllib.parse import quote, unquote, urlencode

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import override

from consent import my_choice
from consent.models import Banner, ConsentRecord
from consent.recording import new_id
from policies import rendering
from policies.models import CookieVendor, Website

FORM = "application/x-www-form-urlencoded"
OWN = {"origin": "http://localhost"}
SUBJECT = "5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11"
NOBODY = "0b9f3f1c-6a53-4c39-8f5e-6a1d1c0f7a55"
BY_CLOCK = "0f9a1e3c-c0de-11ee-8000-0242ac120002"  # version 1, which no browser of ours has


def address(language="en"):
    with override(language):
        return reverse("my_choice")


@pytest.fixture
def press(published, client):
    """Press a button of our forms: ``press("accept_all")`` → the response."""

    def act(action, language="en", headers=OWN, **more):
        client.get(f"/{language}/cookies/")
        banner = Banner.objects.filter(kind="form", language=language).latest("version_id").digest
        body = urlencode({"action": action, "banner": banner, "language": language} | more)
        return client.post("/consent/", body, content_type=FORM, headers=headers)

    return act


@pytest.fixture
def recorded(published, client):
    """Rows as other web sites' banners would have left them: ``recorded(3, website="prostream")``."""

    def make(number=1, *, subject=SUBJECT, website="website", **changes):
        client.get(f"/embed/{website}.js")
        banner = Banner.objects.filter(website=website, kind="script").latest("version_id")
        start = timezone.now() - timedelta(minutes=number)
        rows = [
            ConsentRecord(
                **{
                    "id": new_id(start + timedelta(seconds=n)),
                    "subject": subject,
                    "website": website,
                    "version_id": banner.version_id,
                    "banner": banner,
                    "language": "en",
                    "gpc": False,
                    "action": "save",
                    "choices": {"analytical": True, "marketing": False},
                    "decided_at": start + timedelta(seconds=n),
                }
                | changes
            )
            for n in range(number)
        ]
        return ConsentRecord.objects.bulk_create(rows)

    return make


def ask(client, subject, language="en", **more):
    return client.post(address(language), urlencode({"subject": subject}), content_type=FORM, **more)


def kept(client):
    return json.loads(unquote(client.cookies["privacy_consent"].value))


def buttons(page):
    return re.findall(r'name="action" value="(\w+)"', page)


def receipts_in(page):
    return re.findall(r'href="/consent/([0-9a-f-]{36})/"', page)


def words(page):
    return " ".join(re.sub(r"<[^>]*>", " ", page[page.index("<main") : page.index("</main>")]).split())


def day(moment):
    return date_format(timezone.localtime(moment), "j F Y")


@pytest.fixture
def away():
    def refuse(execute, sql, params, many, context):
        raise OperationalError("gone")

    return lambda: connection.execute_wrapper(refuse)


# -- The page --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_page_exists_in_both_languages_and_in_no_search_engine(published, client, language):
    response = client.get(address(language))

    assert response.status_code == 200
    assert response["Content-Language"] == language
    assert '<meta name="robots" content="noindex">' in response.text
    other = {"en": "nl", "nl": "en"}[language]
    assert f'rel="alternate" hreflang="{other}" href="http://localhost{address(other)}"' in response.text
    assert re.search(rf'<a class="head__language" href="{re.escape(address(other))}"', response.text)
    assert address() == "/en/cookies/your-choice/"


def test_nobody_keeps_a_copy_of_it(press, client):
    press("accept_all")

    for response in (client.get(address()), ask(client, SUBJECT)):
        assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_cookies_page_leads_there(published, client, language):
    assert f'href="{address(language)}"' in client.get(f"/{language}/cookies/").text


def test_it_has_no_script_or_style_of_its_own_inside(press, client):
    press("accept_all")
    page = client.get(address()).text

    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    assert "style=" not in page
    assert "<style" not in page


# -- Nothing chosen, or refused --------------------------------------------------------------


def test_who_has_chosen_nothing_has_no_number_and_is_told_so(published, client, django_assert_num_queries):
    client.get(address())
    with django_assert_num_queries(0):
        page = client.get(address()).text

    assert "This browser holds no choice for our site." in words(page)
    assert buttons(page) == []
    assert not client.cookies


def test_who_refused_has_no_number_and_no_history_and_can_still_forget(press, client, django_assert_num_queries):
    press("reject_all")
    client.get(address())
    with django_assert_num_queries(0):
        page = client.get(address()).text

    said = words(page)
    assert "Analytical Refused Marketing Refused" in said
    assert "None. You allowed nothing" in said
    assert "A choice that allows nothing is recorded without a number" in said
    assert receipts_in(page) == []
    assert buttons(page) == ["forget"]


# -- What holds now --------------------------------------------------------------------------


def test_it_says_what_was_chosen_when_under_which_version_and_until_when(press, client):
    with time_machine.travel("2026-11-22T10:15:00+01:00", tick=False):
        press("save", **{"allow-analytical": "yes"})
        page = client.get(address()).text

    said = words(page)
    assert "Analytical Allowed Marketing Refused" in said
    assert "Chosen on 22 November 2026, 10:15" in said
    assert "Holds until 23 May 2027" in said
    assert 'href="/en/statement/versions/1/">version 1 of our statement</a>' in page
    assert kept(client)["s"] in said


def test_a_provider_that_was_answered_apart_is_named(press, client):
    press("accept_all")
    client.cookies["privacy_consent"] = quote(json.dumps(kept(client) | {"n": {"hotjar": False}}))

    assert "Analytical Allowed Hotjar refused" in words(client.get(address()).text)


def test_a_category_that_has_changed_since_counts_as_off(press, client, publish):
    press("accept_all")
    CookieVendor.objects.filter(slug="hotjar").update(lifetime="P3Y")
    publish()
    rendering.look_again()

    said = words(client.get(address()).text)
    assert "Analytical Off: this has changed since you chose" in said
    assert "Marketing Allowed" in said
    assert "version 1 of our statement" in said


def test_a_refusal_stands_under_the_version_that_was_in_force_then(press, client, publish):
    press("reject_all")
    CookieVendor.objects.filter(slug="hotjar").update(lifetime="P3Y")
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        publish()
        rendering.look_again()

        assert "version 1 of our statement" in words(client.get(address()).text)


@pytest.mark.parametrize("action", ["accept_all", "reject_all"])
@pytest.mark.parametrize(("months", "days"), [(12, 182), (6, 182), (3, 91)])
def test_it_holds_as_long_as_was_said_then_and_no_longer_than_now(press, client, publish, action, months, days):
    """The browser deletes the cookie after the time for which it was set."""
    then = timezone.now() + timedelta(hours=1)
    with time_machine.travel(then, tick=False):
        press(action)
    Website.objects.filter(slug="website").update(consent_months=months)
    CookieVendor.objects.filter(slug="datadog").update(lifetime="P2D")
    with time_machine.travel(then + timedelta(hours=1), tick=False):
        publish()
        rendering.look_again()

        assert f"Holds until {day(then + timedelta(days=days))}" in words(client.get(address()).text)


def test_a_choice_that_was_made_elsewhere_and_is_shared_holds_as_long_as_there(shared, press, client, publish):
    """Hosts of one domain may have web sites of their own, which set the same cookie."""
    Website.objects.filter(slug="prostream").update(consent_months=2)
    publish()
    rendering.look_again()
    then = timezone.now() + timedelta(hours=1)
    with time_machine.travel(then, tick=False):
        press("accept_all", headers=shared)
        record = ConsentRecord.objects.get()
        client.get("/embed/prostream.js")
        ConsentRecord.objects.create(
            id=new_id(timezone.now()),
            subject=record.subject,
            website="prostream",
            version_id=record.version_id,
            banner=Banner.objects.filter(website="prostream", kind="script").latest("version_id"),
            language="en",
            gpc=False,
            action="accept_all",
            choices=record.choices,
            decided_at=record.decided_at + timedelta(seconds=10),
        )
        later = json.dumps(kept(client) | {"t": int(record.decided_at.timestamp()) + 10})
        client.cookies["privacy_consent"] = quote(later)

        assert f"Holds until {day(then + timedelta(days=60, seconds=10))}" in words(client.get(address()).text)


def test_until_when_an_older_choice_holds_is_not_said_while_that_cannot_be_looked_up(press, client, publish, away):
    then = timezone.now() + timedelta(hours=1)
    with time_machine.travel(then, tick=False):
        press("accept_all")
    Website.objects.filter(slug="website").update(consent_months=12)
    with time_machine.travel(then + timedelta(hours=1), tick=False):
        publish()
        rendering.forget()
        Client().get(address())
        with away():
            said = words(client.get(address()).text)
    assert "Analytical Allowed" in said
    assert "Holds until" not in said


# -- History ---------------------------------------------------------------------------------


def test_the_history_has_every_decision_of_this_browser_the_newest_first(press, client):
    press("accept_all")
    press("save", **{"allow-marketing": "yes"})
    page = client.get(address()).text

    own = [str(record.pk) for record in ConsentRecord.objects.order_by("-id")]
    assert receipts_in(page) == own
    assert f'href="/consent/{own[0]}/?download" download' in page
    said = words(page)
    assert "Own choice Allowed: Marketing Company website Version 1" in said
    assert "Everything accepted Allowed: Analytical, Marketing" in said
    assert said.index("Own choice") < said.index("Everything accepted")


def test_the_records_of_other_browsers_are_not_in_it(press, client, recorded):
    [other] = recorded()
    press("accept_all")

    assert str(other.pk) not in client.get(address()).text


def test_what_was_allowed_for_one_page_view_says_so(press, client, recorded):
    press("accept_all")
    recorded(subject=kept(client)["s"], is_once=True, choices={}, vendors={"facebook-connect": True})

    assert "Allowed once, on one page: Facebook Connect" in words(client.get(address()).text)


def test_two_that_were_allowed_at_once_for_one_page_view_are_told_apart(press, client, recorded):
    press("accept_all")
    both = {"facebook-connect": True, "linkedin-ads": True}
    recorded(subject=kept(client)["s"], is_once=True, choices={}, vendors=both)

    said = words(client.get(address()).text)
    assert re.search("on one page: (Facebook Connect, LinkedIn Ads|LinkedIn Ads, Facebook Connect) Company", said)


@pytest.mark.parametrize(("number", "more"), [(99, False), (100, True)])
def test_at_most_a_hundred_are_shown_and_it_says_if_there_are_more(press, client, recorded, number, more):
    press("accept_all")
    recorded(number, subject=kept(client)["s"])
    page = client.get(address()).text

    assert len(receipts_in(page)) == 100
    assert ("These are the newest 100; there are more." in page) is more


@pytest.mark.parametrize("number", [1, 5])
def test_the_history_costs_one_query_however_long(press, client, recorded, django_assert_num_queries, number):
    press("accept_all")
    recorded(number, subject=kept(client)["s"])
    client.get(address())

    with django_assert_num_queries(1):
        client.get(address())


def test_names_that_the_present_version_no_longer_has_stay_readable(press, client, recorded, publish):
    press("accept_all")
    recorded(subject=kept(client)["s"], website="prostream", vendors={"facebook-connect": True})
    Website.objects.filter(slug="prostream").delete()
    CookieVendor.objects.filter(slug="facebook-connect").delete()
    publish()
    rendering.look_again()

    said = words(client.get(address()).text)
    assert "facebook-connect allowed prostream Version 1" in said


# -- Withdrawing -----------------------------------------------------------------------------


def test_consent_is_withdrawn_in_one_action(press, client):
    press("accept_all")
    subject = kept(client)["s"]
    assert buttons(client.get(address()).text) == ["withdraw", "forget"]

    response = press("withdraw")

    withdrawal = ConsentRecord.objects.get(action="withdraw")
    assert response.status_code == 303
    assert response["Location"] == f"{address()}?receipt={withdrawal.pk}"
    assert (str(withdrawal.subject), withdrawal.choices) == (subject, {"analytical": False, "marketing": False})
    assert kept(client)["c"] == {"analytical": False, "marketing": False}
    assert "s" not in kept(client)
    page = client.get(response["Location"]).text
    assert f'href="/consent/{withdrawal.pk}/"' in page
    assert "Analytical Refused Marketing Refused" in words(page)


@pytest.mark.parametrize("before", [None, "reject_all"])
def test_where_nothing_was_granted_withdrawing_is_a_refusal(press, client, before):
    if before:
        press(before)

    press("withdraw")

    assert {record.action for record in ConsentRecord.objects.all()} == {"reject_all"}
    assert {record.subject for record in ConsentRecord.objects.all()} == {None}
    assert kept(client)["c"] == {"analytical": False, "marketing": False}


# -- Having the number deleted ---------------------------------------------------------------


def forgotten(response):
    """Whether the answer makes the browser forget its choice."""
    line = response.cookies["privacy_consent"]
    return (line.value, line["max-age"], line["path"]) == ("", 0, "/")


def test_deleting_the_number_withdraws_and_removes_the_cookie(press, client):
    press("accept_all")
    subject = kept(client)["s"]

    response = press("forget", "nl")

    withdrawal = ConsentRecord.objects.get(action="withdraw")
    assert str(withdrawal.subject) == subject
    assert response["Location"] == f"{address('nl')}?forgotten=yes&receipt={withdrawal.pk}"
    assert forgotten(response)
    page = client.get(f"{address()}?forgotten=yes&receipt={withdrawal.pk}").text
    assert "This browser holds no choice, so you will be asked again." in page
    assert "What you had allowed has been withdrawn." in page
    assert f'href="/consent/{withdrawal.pk}/"' in page
    assert subject not in page
    # Article 7(1) GDPR: the evidence is kept, and nobody has the number any more.
    assert ConsentRecord.objects.filter(subject=subject).count() == 2


def test_before_deleting_it_is_said_what_stays_and_why(press, client):
    press("accept_all")

    said = words(client.get(address()).text)
    assert "What was recorded stays with us" in said
    assert "Article 7(1) GDPR" in said


def test_after_a_refusal_forgetting_records_nothing(press, client):
    press("reject_all")

    response = press("forget")

    assert response["Location"] == f"{address()}?forgotten=yes"
    assert forgotten(response)
    assert [record.action for record in ConsentRecord.objects.all()] == ["reject_all"]
    assert "you will be asked again." in client.get(response["Location"]).text


def test_forgetting_twice_is_no_fault(press, client):
    assert press("forget").status_code == 303
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize("claim", ["forgotten=yes", "forgotten=yes&receipt={}", "receipt={}"])
def test_a_claim_in_the_address_is_not_believed_while_another_choice_is_there(press, client, claim):
    """Who has the number deleted, and then answers the banner on that page, reloads it."""
    with time_machine.travel("2026-11-22T10:15:00+01:00", tick=False):
        press("accept_all")
    with time_machine.travel("2026-11-22T10:16:00+01:00", tick=False):
        press("forget")
    withdrawal = ConsentRecord.objects.get(action="withdraw")
    with time_machine.travel("2026-11-22T10:17:00+01:00", tick=False):
        press("accept_all")
        page = client.get(f"{address()}?{claim.format(withdrawal.pk)}").text

    assert 'role="status"' not in page
    assert str(withdrawal.pk) not in page


def test_nobody_is_told_that_something_was_withdrawn_by_the_receipt_of_something_else(press):
    press("accept_all")
    acceptance = ConsentRecord.objects.get()

    said = words(Client().get(f"{address()}?forgotten=yes&receipt={acceptance.pk}").text)
    assert "This browser holds no choice" in said
    assert "withdrawn" not in said.partition("What you allow now")[0]
    assert str(acceptance.pk) not in said


def test_the_receipt_of_a_choice_that_the_browser_does_not_hold_is_not_claimed(press):
    press("accept_all")

    said = words(Client().get(f"{address()}?receipt={ConsentRecord.objects.get().pk}").text)
    assert "Your choice has been saved" not in said


@pytest.mark.parametrize("before", ["accept_all", "reject_all"])
@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {}])
def test_another_site_cannot_have_the_choice_forgotten(press, client, before, headers):
    press(before)

    response = press("forget", headers=headers)

    assert response.status_code == 403
    assert not response.cookies
    assert ConsentRecord.objects.count() == 1


def test_what_cannot_be_withdrawn_just_now_is_not_forgotten_either(press, client, away):
    press("accept_all")
    before = client.cookies["privacy_consent"].value
    banner = Banner.objects.get(kind="form", language="en").digest
    body = urlencode({"action": "forget", "banner": banner, "language": "en"})

    with away():
        response = client.post("/consent/", body, content_type=FORM, headers=OWN)
    assert response.status_code == 503
    assert client.cookies["privacy_consent"].value == before


@pytest.fixture
def shared(published, publish, settings):
    """The web site shares one choice with its subdomains."""
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "privacy.pro4all.nl"]
    Website.objects.filter(slug="website").update(shared_domain="pro4all.nl")
    publish()
    rendering.look_again()
    return OWN | {"host": "privacy.pro4all.nl"}


def lines(response):
    return sorted((line["domain"], line["max-age"] == 0) for line in response.cookies.values())


def test_a_shared_choice_is_kept_for_the_domain_and_leaves_none_of_the_host(shared, press):
    assert lines(press("reject_all", headers=shared)) == [("", True), ("pro4all.nl", False)]


def test_a_shared_choice_is_forgotten_on_the_domain_and_on_the_host(shared, press):
    press("accept_all", headers=shared)

    assert lines(press("forget", headers=shared)) == [("", True), ("pro4all.nl", True)]


@pytest.mark.parametrize("host", ["localhost", "notpro4all.nl"])
def test_a_host_outside_the_shared_domain_keeps_its_own_choice(shared, press, settings, host):
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, host]

    assert lines(press("reject_all", headers=shared | {"host": host})) == [("", False)]


# -- For visitors of our other web sites -----------------------------------------------------


@pytest.mark.parametrize("language", ["en", "nl"])
def test_who_shows_a_number_sees_what_was_recorded_under_it(recorded, client, language):
    mine = recorded(2, website="prostream")
    page = ask(client, SUBJECT, language).text

    assert receipts_in(page) == [str(record.pk) for record in reversed(mine)]
    assert {"en": "Prostream application", "nl": "Prostream-applicatie"}[language] in page


def test_elsewhere_consent_is_withdrawn_where_it_was_given(recorded, client):
    recorded(website="prostream")
    page = ask(client, SUBJECT).text

    assert buttons(page) == []
    assert "by “Cookie settings” on every page of Prostream application." in words(page)


def test_a_number_that_is_unknown_and_one_that_is_none_get_the_same_answer(recorded, client):
    recorded()
    answers = [ask(client, text) for text in (NOBODY, "", "x", "me@example.nl", BY_CLOCK, "5" * 4000, "<script>")]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert "Nothing is recorded under this number." in answers[0].text


@pytest.mark.parametrize("form", [f" {SUBJECT} ", SUBJECT.upper(), SUBJECT.replace("-", "")])
def test_a_number_is_taken_as_people_paste_it(recorded, client, form):
    recorded()

    assert len(receipts_in(ask(client, form).text)) == 1


def test_the_own_number_gives_the_own_page(press, client):
    press("accept_all")

    page = ask(client, kept(client)["s"]).text
    assert buttons(page) == ["withdraw", "forget"]
    assert len(receipts_in(page)) == 1


def test_another_number_gives_no_power_over_the_choice_of_this_browser(press, client, recorded):
    press("accept_all")
    recorded()

    page = ask(client, SUBJECT).text
    assert buttons(page) == []
    assert kept(client)["s"] not in page


def test_asking_changes_nothing(recorded, client):
    recorded()
    client.cookies["privacy_consent"] = "x"

    response = ask(client, SUBJECT, headers={"origin": "https://evil.example"})
    assert response.status_code == 200
    assert not response.cookies
    assert ConsentRecord.objects.count() == 1


def test_the_number_stands_in_no_address_and_in_no_log(recorded, client, caplog, away):
    recorded()
    with caplog.at_level(logging.DEBUG):
        page = ask(client, SUBJECT).text
        with away():
            ask(client, SUBJECT)

    assert SUBJECT not in caplog.text
    assert not re.search(rf'(href|action|src)="[^"]*{SUBJECT}', page)
    # A number in the address is not read.
    assert receipts_in(client.get(f"{address()}?subject={SUBJECT}").text) == []


def test_an_address_that_asks_too_often_has_to_wait(recorded, client, settings):
    settings.CONSENT_RATE_LIMIT = 2
    recorded()

    assert [ask(client, SUBJECT).status_code for _ in range(3)] == [200, 200, 429]
    response = ask(client, SUBJECT)
    assert int(response["Retry-After"]) > 0
    assert receipts_in(response.text) == []
    assert 'role="alert"' in response.text
    assert client.get(address()).status_code == 200


def test_there_is_a_field_for_who_has_no_scripts(published, client):
    page = client.get(address()).text

    assert re.search(rf'<form [^>]*method="post" action="{re.escape(address())}"', page)
    assert '<label for="subject">' in page


def test_only_looking_and_asking_are_answered(published, client):
    assert client.put(address()).status_code == 405
    assert client.head(address()).status_code == 200


# -- Without a database ----------------------------------------------------------------------


def test_while_the_database_is_away_the_cookie_still_speaks(press, client, away):
    press("accept_all")
    client.get(address())

    with away():
        response = client.get(address())
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    said = words(response.text)
    assert "What was recorded cannot be shown just now." in said
    assert "Analytical Allowed Marketing Allowed" in said
    assert "Nothing is recorded" not in said


def test_while_the_database_is_away_a_number_gets_no_false_answer(recorded, client, away):
    recorded()
    client.get(address())

    with away():
        response = ask(client, SUBJECT)
    assert response.status_code == 503
    assert "Nothing is recorded" not in response.text


def test_a_database_that_is_known_to_be_away_is_not_waited_for(press, client, monkeypatch, django_assert_num_queries):
    press("accept_all")
    client.get(address())
    monkeypatch.setattr(rendering, "database_is_away", lambda: True)

    with django_assert_num_queries(0):
        assert client.get(address()).status_code == 503


def test_without_a_published_version_there_is_no_page(db, client):
    assert client.get(address()).status_code == 404


@pytest.mark.parametrize("text", ["", " ", "x" * 100, SUBJECT + "0", BY_CLOCK, "\x00", "urn:uuid:x"])
def test_what_is_no_number_is_none(text):
    assert my_choice.number_in(text) is None
