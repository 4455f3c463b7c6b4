"""What changed between two contents: each kind of change told once, in both languages."""

import copy
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.comparing import asked_again, compare
from policies.content_file import load
from policies.models import (
    Controller,
    Cookie,
    CookieCategory,
    CookieVendor,
    DataCategory,
    ProcessingPurpose,
    PurposeData,
    PurposeLegalBasis,
    PurposeRetention,
    Recipient,
    Section,
    Transfer,
    TransferSafeguard,
    Website,
)
from policies.snapshot import compose
from retention.models import RetentionRule, StatutoryException, Trigger

from .conftest import CONTENT, once
from .factories import (
    DataCategoryFactory,
    ExceptionFactory,
    RuleFactory,
    TriggerFactory,
    VendorFactory,
)

EXAMPLE = CONTENT.parent / "example.yaml"
MARKS = {"same": "{}", "added": "[+{}]", "removed": "[-{}]"}
BULLETS = {"paragraph": "{}", "item": "* {}", "gap": "…"}

pytestmark = pytest.mark.django_db


def text_of(field, language):
    """``["We call [-you][+each other]."]``: a paragraph each; list items with an asterisk."""
    return [
        BULLETS[block.shape].format("".join(MARKS[piece.status].format(piece.text) for piece in block.pieces))
        for block in field.in_language(language)["blocks"]
    ]


def told(changes, language="en"):
    """``{(kind, name, status): {label: paragraphs or note}}``"""
    return {
        (change.kind[language], change.name[language], str(change.status)): {
            field.label[language]: text_of(field, language) or field.note[language] for field in change.fields
        }
        for change in changes
    }


@pytest.fixture
def change():
    """``change(act)`` → what was told of the draft after ``act`` since before it."""

    def since(act, language="en"):
        before = compose()
        act()
        return told(compare(before, compose()), language)

    return since


@pytest.fixture
def purpose(content):
    return ProcessingPurpose.objects.get(slug="introduction")


def edit(row, **values):
    def act():
        for name, value in values.items():
            setattr(row, name, value)
        row.save()

    return act


# -- Nothing and everything --------------------------------------------------------------------


@pytest.fixture(params=[CONTENT, EXAMPLE], ids=["customer", "example"])
def composed(request, db, remembered):
    once(remembered, request.param.stem, lambda: load(request.param.read_text(encoding="utf-8")))
    return compose()


def leaves(value, way=()):
    """The way to every text, number and answer of a content, empty ones included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*way, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*way, index))
    else:
        yield way


def edited(content, way):
    """``content`` in which one leaf is another."""
    content = copy.deepcopy(content)
    place = content
    for key in way[:-1]:
        place = place[key]
    old = place[way[-1]]
    if isinstance(old, bool) or old is None:
        place[way[-1]] = not old
    else:
        place[way[-1]] = old + 1 if isinstance(old, int) else f"{old} anders"
    return content


# Reckoned from what is told: a choice holds for months, and its fingerprint follows from the vendors.
NOT_TOLD = {"fingerprint", "consent_days"}


def test_a_content_beside_itself_is_the_same(composed):
    assert compare(composed, copy.deepcopy(composed)) == []


def test_of_the_first_version_nothing_is_told(composed):
    assert compare(None, composed) == []


def test_every_kind_of_leaf_is_told_when_it_alone_is_edited(composed):
    # One of each kind in each place where such a leaf occurs.
    kinds = {tuple("*" if isinstance(key, int) else key for key in way): way for way in leaves(composed)}
    silent = [way for way in kinds.values() if way[-1] not in NOT_TOLD and not compare(composed, edited(composed, way))]

    assert silent == []
    assert len(kinds) > 150


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_any_edits_of_any_leaves_are_told_where_they_were_made_and_nowhere_else(composed, data):
    ways = [way for way in leaves(composed) if way[-1] not in NOT_TOLD | {"slug"}]
    chosen = data.draw(st.lists(st.sampled_from(ways), min_size=1, max_size=4, unique=True))
    now = composed
    for way in chosen:
        now = edited(now, way)

    places = {change.place[0] for change in compare(composed, now)}

    in_the_controller = {"title", "summary_title", "summary"}
    edits = {"controller" if way[0] in in_the_controller else way[0] for way in chosen}
    # What a rule says now may hold what its trigger has become, and what we store follows the web sites.
    assert places <= edits
    assert edits - places <= {"triggers", "statutory_exceptions", "own_storage"}
    assert places


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_entries_that_go_or_change_places_are_told(composed, data):
    now = copy.deepcopy(composed)
    lists = {name: entries for name, entries in (now | now["pages"]).items() if isinstance(entries, list)}
    name = data.draw(st.sampled_from([name for name, entries in lists.items() if len(entries) > 1]))
    turns, number = data.draw(st.tuples(st.booleans(), st.integers(0, 1000)))
    if turns:
        lists[name].reverse()
    else:
        del lists[name][number % len(lists[name])]

    assert compare(composed, now)
    assert compare(now, composed)


@pytest.mark.parametrize(
    "surprise",
    [
        "a text", 7, None, True, ["a", "b"], [], {}, {"en": "New", "nl": "Nieuw"}, {"deeper": {"still": [{"x": 1}]}},
        [{"slug": "a"}, {"slug": "b"}], [{"no": "name"}, {"no": "name"}], [["a"], ["b"]], [{"en": "a", "nl": "b"}, 3],
    ],
)  # fmt: skip
def test_what_only_a_later_release_knows_is_told_without_its_name_and_breaks_nothing(composed, surprise):
    """A later release compares with what an earlier one wrote, and its colleague may be older than the document."""
    now = copy.deepcopy(composed)
    now["processors"] = now["purposes"][0]["hazard"] = now["controller"]["hazard"] = surprise
    now["cookie_vendors"][0]["cookies"] = [{"name": "c", "hazard": surprise}]

    there, back = compare(composed, now), compare(now, composed)

    if surprise not in (None, [], {}):
        kinds = {change.kind["en"] for change in there}
        assert kinds == {change.kind["en"] for change in back} >= {"Processing purposes", "Controller"}
        assert "Other details" in {field.label["en"].split(" › ")[0] for change in there for field in change.fields}


def test_a_draft_without_controller_can_be_compared(composed):
    now = copy.deepcopy(composed)
    now["controller"] = now["title"] = now["summary_title"] = now["summary"] = None

    (change,) = compare(composed, now)

    assert (change.place, change.status) == (("controller",), "removed")


def test_a_document_of_an_earlier_release_differs_in_what_changed_alone(composed):
    before = copy.deepcopy(composed)
    for entry in before["data_categories"]:
        del entry["is_special"], entry["from_others"]
    for purpose in before["purposes"]:
        for key in ("source_is_public", "stays_inside", "provision", "provision_consequence", "automation"):
            del purpose[key]

    now = copy.deepcopy(before)
    now["purposes"][0]["title"]["en"] = "Another title"

    assert [change.place for change in compare(before, now)] == [("purposes", now["purposes"][0]["slug"])]


# -- Objects -----------------------------------------------------------------------------------------


def test_a_new_row_is_told_with_all_that_it_says(content, change):
    new = change(lambda: DataCategoryFactory(slug="photo", name_en="Photo", name_nl="Foto", is_special=True))

    assert new == {("Data categories", "Photo", "added"): {"Special category": ["[+yes]"]}}


def test_a_removed_row_is_told_with_all_that_it_said(content, change):
    vendor = VendorFactory(slug="old", category=CookieCategory.objects.get(slug="marketing"))

    gone = change(vendor.delete)[("Cookie vendors", "Measurer", "removed")]

    assert gone["Company"] == ["[-Measurer Ltd.]"]
    assert gone["Purpose"] == ["[-Counting visits.]"]
    assert gone["Country"] == ["[-Malta]"]
    assert "Web sites" not in gone


def test_a_row_that_only_stands_elsewhere_has_moved_and_the_others_have_not(content, change):
    first = DataCategory.objects.first()

    assert change(edit(first, order=9999)) == {("Data categories", first.name_en, "moved"): {}}


def test_a_row_may_change_and_move_at_once(content):
    before = compose()
    edit(DataCategory.objects.first(), order=9999, name_en="Renamed")()

    (moved,) = compare(before, compose())

    assert (moved.status, moved.is_moved, len(moved.fields)) == ("changed", True, 1)


def test_a_renamed_row_is_told_by_its_new_name_and_not_where_it_is_used(purpose, change):
    row = purpose.data.first().category
    old = row.name_en

    assert change(edit(row, name_en="Renamed")) == {
        ("Data categories", "Renamed", "changed"): {"Name": [f"[-{old}]", "[+Renamed]"]}
    }


def test_objects_stand_in_the_order_of_the_statement(content):
    before = compose()
    edit(Website.objects.first(), banner_title_en="A")()
    edit(CookieVendor.objects.first(), company="B")()
    edit(ProcessingPurpose.objects.first(), title_en="C")()
    edit(Section.objects.filter(page="statement").first(), heading_en="D")()
    edit(Section.objects.filter(page="summary").first(), heading_en="E")()
    edit(Controller.objects.get(), phone="F")()

    kinds = [change.kind["en"] for change in compare(before, compose())]

    parts = [section["part"] for section in before["pages"]["statement"]]
    middle = sorted(
        [("purposes", "Processing purposes"), ("cookies", "Cookie vendors"), ("contact", "Controller")],
        key=lambda pair: parts.index(pair[0]),
    )
    assert kinds == ["Text of the statement", *(kind for _part, kind in middle), "Text of the summary", "Web sites"]


def test_a_removed_row_stands_where_it_stood(content):
    before = compose()
    slugs = [entry["slug"] for entry in before["data_subjects"]]
    now = copy.deepcopy(before)
    del now["data_subjects"][1]
    for entry in now["data_subjects"]:
        entry["name"]["en"] += "!"

    assert [change.place[1] for change in compare(before, now)] == slugs


# -- Values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "label", "en", "nl"),
    [
        ({"country": "CA"}, "Country", ["[-Netherlands][+Canada]"], ["[-Nederland][+Canada]"]),
        ({"phone": ""}, "Telephone number", ["[-+31 10 237 1720]"], ["[-+31 10 237 1720]"]),
        ({"reaches_children": False}, "Children under 16 are reached", ["[+no]"], None),
        ({"dpo_name": "A. de Vries"}, "Data protection officer", ["[+A. de Vries]"], ["[+A. de Vries]"]),
        ({"statement_title_en": "New"}, "Title of the statement", ["[-Privacy and cookie statement]", "[+New]"], None),
    ],
)  # fmt: skip
def test_fields_of_the_controller_are_told(content, change, values, label, en, nl):
    row = Controller.objects.get()
    edit(row, phone="+31 10 237 1720", dpo_name="")()
    before = compose()
    edit(row, **values)()
    (found,) = compare(before, compose())
    (field,) = found.fields

    assert (found.place, field.label["en"]) == (("controller",), label)
    assert text_of(field, "en") == en
    if nl:
        assert text_of(field, "nl") == nl


def test_answers_are_told_by_their_names_in_each_language(purpose, change):
    new = change(edit(purpose, provision="voluntary"))
    assert new == {("Processing purposes", purpose.title_en, "changed"): {"Giving the data is": ["[+voluntary]"]}}

    edit(purpose, opt_out="objection", opt_out_how_en="Mail us.", opt_out_how_nl="Mail ons.")()
    ((fields),) = change(edit(purpose, opt_out="withdrawal"), "nl").values()
    (text,) = fields.values()
    assert text == ["[-bezwaar maken (artikel 21 AVG)][+toestemming intrekken (artikel 7, lid 3, AVG)]"]


def test_answers_that_the_content_holds_as_words_of_the_software_are_told_by_their_names(content, change):
    recipient = Recipient.objects.filter(role="processor", kind="category").first()
    new = change(edit(recipient, role="third-party", kind="named"))

    assert new == {
        ("Recipients", recipient.name_en, "changed"): {
            "Kind": ["[-category][+named]"],
            "Role": ["[-processor][+third party]"],
        }
    }


def test_dates_are_told_with_the_month_by_name(content, change):
    transfer = Transfer.objects.first()
    edit(transfer, certified_on="2025-03-01")()

    ((fields),) = change(edit(transfer, certified_on="2026-11-22")).values()
    assert fields == {"Certified on": ["[-1 March 2025][+22 November 2026]"]}

    ((fields),) = change(edit(transfer, certified_on=None), "nl").values()
    assert list(fields.values()) == [["[-22 november 2026]"]]


def test_lifetimes_are_told_in_words(content, change):
    vendor = CookieVendor.objects.get(slug="hotjar")
    edit(vendor, lifetime="P1Y", lifetime_is_maximum=False)()

    ((fields),) = change(edit(vendor, lifetime="P13M", lifetime_is_maximum=True)).values()
    assert fields == {"Lifetime": ["[-1 year][+At most 13 months]"]}


def test_looks_and_numbers_of_a_web_site_are_told_under_the_names_of_the_desk(content, change):
    website = Website.objects.first()

    ((fields),) = change(edit(website, radius=0, consent_months=3, position="bottom")).values()
    assert fields == {
        "A choice holds for (months)": ["[-6][+3]"],
        "Place on a wide screen": ["[-in a corner][+across the bottom]"],
        "Rounding of corners (pixels)": ["[+0]"],
    }


# -- Lists -------------------------------------------------------------------------------------------


def test_lists_of_references_are_told_by_the_names_that_came_and_went(purpose, change):
    gone = purpose.data.first().category.name_en

    def act():
        purpose.data.first().delete()
        PurposeData.objects.create(
            purpose=purpose, category=DataCategoryFactory(name_en="Photo", name_nl="Foto"), order=99
        )

    new = change(act)

    assert new[("Processing purposes", purpose.title_en, "changed")] == {"Data used": [f"* [-{gone}]", "* [+Photo]"]}


def test_a_list_in_another_order_says_so(purpose, change):
    first = purpose.data.first()

    ((fields),) = change(edit(first, order=99)).values()

    assert fields == {"Data used": "They stand in another order."}


def test_rows_within_a_row_are_told_whole_where_they_came_or_went(purpose, change):
    new = change(
        lambda: PurposeLegalBasis.objects.create(
            purpose=purpose,
            order=9,
            basis="consent",
            explanation_en="Only if you ask.",
            explanation_nl="Als je vraagt.",
        )
    )

    ((fields),) = new.values()
    assert fields == {"Legal bases": ["* [+Consent]", "[+Explanation: Only if you ask.]"]}


def test_rows_within_a_row_are_told_by_field_where_they_changed(purpose, change):
    basis = PurposeLegalBasis.objects.create(
        purpose=purpose, order=9, basis="consent", explanation_en="Only if you ask.", explanation_nl="Op je verzoek."
    )

    ((fields),) = change(edit(basis, explanation_en="Only if you ask us.")).values()

    assert fields == {"Legal bases › Consent › Explanation": ["Only if you ask [+us]."]}


def test_a_rule_that_a_purpose_takes_up_is_told_there_with_its_words(purpose, change):
    def act():
        rule = RuleFactory(period="P2Y", trigger=TriggerFactory())
        rule.exceptions.add(ExceptionFactory())
        PurposeRetention.objects.create(
            purpose=purpose, rule=rule, order=9, reason_en="To return.", reason_nl="Om terug te komen."
        )

    assert change(act) == {
        ("Processing purposes", purpose.title_en, "changed"): {
            "Retention": [
                "* [+At most 2 years after the agreement ends]",
                "[+Why so long: To return. · Longer where the law requires it: tax records, 7 years (Article 52 AWR).]",
            ]
        }
    }


def test_cookies_are_told_by_name_with_storage_party_and_life(content, change):
    vendor = CookieVendor.objects.get(slug="hotjar")

    ((fields),) = change(lambda: Cookie.objects.create(vendor=vendor, name="_hj", lifetime="P1Y")).values()
    assert fields == {"Cookies": ["* [+_hj]", "[+Kind of storage: cookie · Set by: first party · Lifetime: 1 year]"]}

    ((fields),) = change(edit(vendor.cookies.get(), party="third", http_only=True)).values()
    assert fields == {
        "Cookies › _hj › Set by": ["[-first party][+third party]"],
        "Cookies › _hj › Out of reach of scripts": ["[-no][+yes]"],
    }


def test_a_vendor_that_is_limited_to_a_web_site_is_told_as_limited(content, change):
    vendor = CookieVendor.objects.filter(websites=None).first()
    website = Website.objects.first()

    ((fields),) = change(lambda: vendor.websites.set([website])).values()

    assert fields == {"Web sites": ["* [-not limited to particular web sites]", f"* [+{website.name_en}]"]}


def test_countries_and_safeguards_of_a_transfer_are_told_by_name(content, change):
    transfer = Transfer.objects.first()
    edit(transfer, countries="US")()
    safeguard = TransferSafeguard.objects.exclude(transfers=transfer).first() or TransferSafeguard.objects.create(
        slug="adequacy", name_en="Adequacy decision", name_nl="Adequaatheidsbesluit"
    )

    def act():
        edit(transfer, countries="US JP")()
        transfer.safeguards.add(safeguard)

    (fields,) = [fields for key, fields in change(act).items() if key[0] == "Transfers"]
    assert fields == {"Countries": ["* [+Japan]"], "Safeguards": [f"* [+{safeguard.name_en}]"]}


# -- Texts -------------------------------------------------------------------------------------------


def test_texts_are_compared_by_sentence_and_changed_sentences_by_word(purpose, change):
    edit(purpose, description_en="We call you. We keep it safe. Ask us.", description_nl="Wij bellen je.")()

    ((fields),) = change(edit(purpose, description_en="We call you. We keep it very safe. Thank you.")).values()

    (text,) = fields["What we do and why"]
    assert text == "We call you. We keep it [+very] safe. [-Ask us.] [+Thank you.]"


def test_paragraphs_and_list_items_can_be_told_apart_and_what_stays_is_left_out(purpose, change):
    edit(purpose, description_en="First.\n\nSecond.\n\n- one\n- two\n\nLast.")()

    ((fields),) = change(
        edit(purpose, description_en="First.\n\nSecond.\n\n- one\n- two thousand\n- three\n\nLast.")
    ).values()

    assert fields["What we do and why"] == ["…", "* two [+thousand]", "* [+three]", "…"]


def test_where_a_link_leads_is_part_of_the_text(purpose, change):
    edit(purpose, description_en="Read [more](https://a.example).")()

    ((fields),) = change(edit(purpose, description_en="Read [more](https://b.example).")).values()

    assert fields["What we do and why"] == ["Read more ([-https://a.example][+https://b.example])."]


def test_what_only_looks_different_says_so(purpose, change):
    edit(purpose, description_en="Read it *well*.")()

    ((fields),) = change(edit(purpose, description_en="Read it **well**.")).values()

    assert fields == {"What we do and why": "A detail changed that is not visible in the text."}


def test_a_text_that_changed_in_one_language_shows_the_other_as_it_stands(purpose):
    before = compose()
    edit(purpose, description_nl="Anders dan het was.")()
    ((field,),) = [change.fields for change in compare(before, compose())]

    english, dutch = field.columns

    assert (english["language"], english["is_changed"], dutch["is_changed"]) == ("en", False, True)
    assert "".join(piece.text for block in english["blocks"] for piece in block.pieces).startswith("Would you like")
    assert not field.is_changed_in("en")
    assert field.is_changed_in("nl")


def test_markup_in_plain_texts_is_text(content, change):
    recipient = Recipient.objects.first()
    edit(recipient, task_en="", task_nl="")()

    ((fields),) = change(edit(recipient, task_en="Sends <b>mail</b>", task_nl="Verstuurt")).values()

    assert fields == {"What it does for us": ["[+Sends <b>mail</b>]"]}


# -- What follows from something else is told once ---------------------------------------------------


def test_a_period_is_told_at_its_rule_under_the_names_of_the_purposes_that_follow_it(content, change):
    new = change(edit(RetentionRule.objects.get(slug="position-filled-6w"), period="P4W"))

    assert new == {
        ("Retention rules", "Applying for a job", "changed"): {
            "How long": ["At most [-6][+4] weeks after the position is filled"]
        },
        # The rule that continues it says so in its own sentence.
        ("Retention rules", "Keeping an application longer", "changed"): {
            "How long": [
                "At most 1 year longer, counted from the end of the earlier period "
                "(at most [-6][+4] weeks after the position is filled), only with your consent"
            ]
        },
    }


def test_the_words_of_a_trigger_are_told_at_the_rules_that_say_them(content, change):
    trigger = RetentionRule.objects.get(slug="position-filled-6w").trigger

    new = change(edit(trigger, after_en="after somebody was hired", after_nl="nadat iemand is aangenomen"))

    assert {kind for kind, _name, _status in new} == {"Retention rules"}
    assert len(new) == 2


def test_words_of_a_trigger_that_no_rule_says_are_told_at_the_trigger(content, change):
    trigger = RetentionRule.objects.get(slug="position-filled-6w").trigger
    old = trigger.name_en

    assert change(edit(trigger, name_en="Filled")) == {
        ("Triggers", "Filled", "changed"): {"Name": [f"[-{old}]", "[+Filled]"]}
    }


def test_a_statutory_period_is_told_at_the_rules_that_it_lengthens(content, change):
    new = change(edit(StatutoryException.objects.get(), period="P10Y"))

    assert {kind for kind, _name, _status in new} == {"Retention rules"}
    ((label, text),) = next(iter(new.values())).items()
    assert label == "What shortens or lengthens it"
    assert "[-7][+10] years" in text[-1]


def test_another_trigger_with_the_same_words_is_told_by_its_name(content, change):
    rule = RetentionRule.objects.get(slug="position-filled-6w")
    old = rule.trigger
    same = {f"{name}_{code}": getattr(old, f"{name}_{code}") for name in ("after", "until") for code in ("en", "nl")}

    new = change(
        lambda: edit(rule, trigger=Trigger.objects.create(slug="x", name_en="Hired", name_nl="Aangenomen", **same))()
    )

    assert new == {("Retention rules", "Applying for a job", "changed"): {"Counts from": [f"[-{old.name_en}][+Hired]"]}}


def test_a_rule_that_nobody_follows_is_told_by_what_it_says(content, change):
    new = change(lambda: RuleFactory(slug="unused"))

    assert new == {
        ("Retention rules", "At most 1 year after the agreement ends", "added"): {
            "How long": ["[+At most 1 year after the agreement ends]"]
        }
    }


def test_what_a_banner_asks_is_told_at_the_vendor(content, change):
    category = CookieCategory.objects.get(slug="marketing")

    new = change(lambda: VendorFactory(slug="new", name="New vendor", category=category))

    assert list(new) == [("Cookie vendors", "New vendor", "added")]


def test_what_a_banner_asks_is_told_at_the_web_site_where_nothing_else_says_it(content):
    before = compose()
    now = copy.deepcopy(before)
    gone = now["websites"][0]["categories"].pop()

    new = told(compare(before, now))

    ((key, fields),) = new.items()
    assert key[0] == "Web sites"
    assert list(fields) == ["Categories in the banner"]
    assert gone["slug"]


def test_fingerprints_and_the_days_of_a_choice_are_not_told(content):
    before = compose()
    now = copy.deepcopy(before)
    now["websites"][0]["categories"][0]["fingerprint"] = "abc"
    now["websites"][0]["consent_days"] = 1

    assert compare(before, now) == []


def test_how_long_we_keep_a_choice_is_told_at_the_web_sites(content, change):
    new = change(lambda: Website.objects.update(consent_months=3))

    assert {kind for kind, *_rest in new} == {"Web sites"}
    assert len(new) == Website.objects.count()


# -- Who is asked again ------------------------------------------------------------------------------


def test_who_is_asked_again_is_told_by_the_names_of_sites_and_categories(content):
    now = compose()

    (site,) = asked_again({"prostream": ["marketing", "analytical"]}, now, now)

    assert site.website == {
        "en": Website.objects.get(slug="prostream").name_en,
        "nl": Website.objects.get(slug="prostream").name_nl,
    }
    assert [name["nl"] for name in site.categories] == ["Marketing", "Analytisch"]
    assert site.shorter is None


def test_a_choice_that_holds_less_long_is_told_without_categories(content):
    before = compose()
    Website.objects.filter(slug="prostream").update(consent_months=1)

    (site,) = asked_again({}, compose(), before)

    assert site.categories == []
    assert re.search("30 days instead of 182", str(site.shorter))


def test_nobody_is_asked_again_where_nothing_says_so(content):
    assert asked_again({}, compose(), compose()) == []
    assert asked_again({}, compose(), None) == []
