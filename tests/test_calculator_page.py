"""The calculator of the desk: a rule, the days on which things took place, and what follows."""

import html
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from retention.models import RetentionRule, StatutoryException, Trigger

from .factories import ExceptionFactory, RuleFactory, TriggerFactory

PAGE = "/admin/retention/calculator/"


@pytest.fixture
def look(client, staff):
    """The page as an editor reads it: ``look(promise=…)`` → its text, without tags."""
    client.force_login(staff("editor"))

    def open_page(**query):
        response = client.get(PAGE, query)
        assert response.status_code == 200
        main = response.content.decode().split('id="content-main"')[1]
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())

    return open_page


@pytest.fixture
def rule(db):
    """A rule in a draft: six weeks after a position was filled, or until an objection."""
    filled = TriggerFactory(slug="filled", name_en="position filled", name_nl="functie vervuld")
    rule = RuleFactory(slug="six-weeks", trigger=filled, period="P6W")
    rule.ends_early_on.add(TriggerFactory(slug="objection", name_en="objection", name_nl="bezwaar"))
    return rule


# -- Who, and what there is to choose ----------------------------------------------------------


def test_it_is_for_those_who_may_see_rules(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("temp", is_staff=True))

    assert client.get(PAGE).status_code == 403


def test_nothing_can_be_sent_to_it(client, staff):
    client.force_login(staff("editor"))

    assert client.post(PAGE).status_code == 405


def test_it_stands_on_the_desk(client, staff):
    client.force_login(staff("editor"))

    assert f'href="{PAGE}"' in client.get("/admin/").content.decode()


def test_a_rule_leads_to_it(client, staff, rule):
    client.force_login(staff("editor"))
    page = client.get(reverse("admin:retention_retentionrule_change", args=[rule.pk])).content.decode()

    assert f'href="{PAGE}?promise=six-weeks"' in page


def test_both_the_statement_in_force_and_the_draft_can_be_reckoned_with(client, staff, published):
    RuleFactory(slug="only-in-the-draft")
    client.force_login(staff("editor"))

    page = client.get(PAGE).content.decode()

    assert 'value="talent-pool/talent-pool-1y"' in page
    assert 'value="talent-pool-1y"' in page
    assert 'value="only-in-the-draft"' in page


def test_without_rules_there_is_nothing_to_choose_and_no_error(db, look):
    RetentionRule.objects.all().delete()

    assert "What follows" not in look()


def test_a_rule_that_does_not_exist_is_said_to_be_none(db, look):
    text = look(promise="no-such-rule")

    assert "Select a valid choice" in text
    assert "What follows" not in text


# -- What follows ------------------------------------------------------------------------------


def test_before_anything_took_place_there_is_no_end(rule, look):
    text = look(promise="six-weeks")

    assert "There is no end yet." in text
    assert "Position filled: not yet known, so no end is known." in text


def test_it_says_when_and_why(rule, look):
    text = look(promise="six-weeks", **{"on-filled": "2026-03-03"})

    assert "The data is erased on 14 April 2026. That day has come. Its last full day is 13 April 2026." in text
    assert "Position filled: 3 March 2026. 6 weeks later: 14 April 2026." in text


def test_an_event_that_comes_sooner_is_reckoned_with(rule, look):
    text = look(promise="six-weeks", **{"on-filled": "2026-03-03", "on-objection": "2026-03-10"})

    assert "The data is erased on 10 March 2026." in text
    assert "Objection: 10 March 2026. The data goes then, because that is earlier." in text


@pytest.mark.parametrize(("days", "has_come"), [(-1, True), (0, True), (1, False)])
def test_an_end_that_has_come_is_said_to_have_come(rule, look, days, has_come):
    end = timezone.localdate() + timedelta(days=days)

    text = look(promise="six-weeks", **{"on-filled": (end - timedelta(weeks=6)).isoformat()})

    assert f"The data is erased on {date_format(end, 'j F Y')}." in text
    assert ("That day has come." in text) == has_come


def test_what_is_anonymised_is_not_said_to_be_erased(rule, look):
    RetentionRule.objects.update(action="anonymise")

    assert "The data is anonymised on 14 April 2026." in look(promise="six-weeks", **{"on-filled": "2026-03-03"})


def test_a_rounding_is_said_beside_the_date_and_in_the_steps(rule, look):
    Trigger.objects.filter(slug="filled").update(rounding="year")

    text = look(promise="six-weeks", **{"on-filled": "2026-03-03"})

    assert "The end of the calendar year in which it falls" in text
    assert "The period counts from the end of that calendar year: 31 December 2026." in text
    assert "The data is erased on 12 February 2027." in text


def test_a_law_is_chosen_where_the_rule_knows_one(rule, look):
    assert "Statutory exception" not in look(promise="six-weeks")
    rule.exceptions.add(ExceptionFactory(slug="tax"))

    filled = {"on-filled": "2026-03-03"}

    assert "The data is erased on 14 April 2026." in look(promise="six-weeks", **filled)
    assert "The data is erased on 4 March 2033." in look(promise="six-weeks", exception="tax", **filled)


def test_consent_is_asked_where_the_rule_needs_it(rule, look):
    RuleFactory(slug="longer", trigger=None, follows=rule, period="P1Y", needs_consent=True)
    filled = {"on-filled": "2026-03-03"}

    assert "Not given" not in look(promise="six-weeks", **filled)
    assert "The data is erased on 14 April 2027." in look(promise="longer", **filled)
    assert "The data is erased on 14 April 2026." in look(promise="longer", consent="no", **filled)


def test_a_rule_that_does_not_say_how_long_asks_nothing(db, look):
    RuleFactory(slug="unstated", trigger=None, period="", is_maximum=False, action="")

    text = look(promise="unstated")

    assert "The rule does not say how long." in text
    assert "What took place" not in text


def test_the_statement_in_force_is_reckoned_with_as_it_was_published(published, look):
    RetentionRule.objects.filter(slug="position-filled-6w").update(period="P1W")
    filled = {"on-position-filled": "2026-03-03"}

    assert "14 April 2026" in look(promise="job-applications/position-filled-6w", **filled)
    assert "10 March 2026" in look(promise="position-filled-6w", **filled)


def test_every_rule_of_the_example_can_be_opened(published, look):
    for slug in RetentionRule.objects.values_list("slug", flat=True):
        assert "What follows" in look(promise=slug)


def test_it_speaks_dutch(rule, look, client):
    client.cookies["django_language"] = "nl"

    assert "14 april 2026" in look(promise="six-weeks", **{"on-filled": "2026-03-03"})


# -- What makes no sense -----------------------------------------------------------------------


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "30-30-2026", "99999-01-01", "'; --", "\x00"])
def test_a_day_that_does_not_exist_is_an_error_beside_its_field(rule, look, day):
    text = look(promise="six-weeks", **{"on-filled": day})

    assert "These days cannot be reckoned with." in text
    assert "Enter a valid date." in text or "Null characters are not allowed." in text
    assert "What follows" not in text


def test_an_end_beyond_the_calendar_is_said_to_be_so(rule, look):
    text = look(promise="six-weeks", **{"on-filled": "9999-12-31"})

    assert "That day lies after the year 9999, beyond the calendar." in text
    assert "What follows" not in text


def test_a_law_that_the_rule_does_not_know_is_an_error(rule, look):
    rule.exceptions.add(ExceptionFactory(slug="tax"))
    StatutoryException.objects.create(slug="other", name_en="other", law_en="other")

    text = look(promise="six-weeks", exception="other", **{"on-filled": "2026-03-03"})

    assert "Select a valid choice" in text
    assert "What follows" not in text


def test_errors_are_tied_to_their_fields(rule, client, staff):
    client.force_login(staff("editor"))

    page = client.get(PAGE, {"promise": "six-weeks", "on-filled": "nonsense"}).content.decode()

    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="chosen_on-filled_error"' in page
    assert 'id="chosen_on-filled_error"' in page


def test_what_is_typed_stays_text(rule, client, staff):
    client.force_login(staff("editor"))

    page = client.get(PAGE, {"promise": "six-weeks", "on-filled": '"><script>alert(1)</script>'}).content.decode()

    assert "<script>alert" not in page
