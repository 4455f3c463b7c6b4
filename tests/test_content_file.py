"""The content file: loaded whole or not at all, and the inverse of what is dumped."""

import itertools

import pytest
import yaml
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.content_file import KINDS, ContentFileError, dump, load
from policies.models import Controller, Cookie, CookieVendor, DataCategory, ProcessingPurpose, Section, Website
from retention.models import RetentionRule, Trigger

from .conftest import CONTENT

MINIMAL = """\
format: 1
controller:
  name: Winkel B.V.
  short_name: Winkel
  country: NL
triggers:
  - slug: agreement-ended
    name: {en: End of the agreement, nl: Einde van de overeenkomst}
    after: {en: after the agreement ends, nl: na afloop van de overeenkomst}
    until: {en: until the agreement ends, nl: tot de overeenkomst afloopt}
retention_rules:
  - {slug: later, follows: sooner, period: P1Y, action: erase}
  - {slug: sooner, trigger: agreement-ended, period: P6W, action: erase}
data_categories:
  - {slug: email, name: {en: Email, nl: E-mail}}
  - {slug: phone, name: {en: Phone, nl: Telefoon}}
purposes:
  - slug: contact
    title: {en: Contact, nl: Contact}
    description: {en: We answer., nl: Wij antwoorden.}
    data: [phone, email]
    legal_bases: [{basis: contract}]
    retention: [{rule: sooner}]
"""


def changed(old, new):
    assert old in MINIMAL
    return MINIMAL.replace(old, new)


def test_what_is_dumped_loads_without_a_difference(content):
    first = dump()

    changes = load(first)

    assert not changes
    assert dump() == first


def test_the_example_content_loads_twice_with_the_same_result(content):
    changes = load(CONTENT.read_text(encoding="utf-8"))

    assert (changes.added, changes.changed, changes.removed) == (0, 0, 0)


def test_loading_what_did_not_change_writes_no_history(content):
    before = ProcessingPurpose.history.count()

    load(dump())

    assert ProcessingPurpose.history.count() == before


def test_the_order_of_a_list_is_the_order_on_the_page(db):
    load(MINIMAL)

    assert [rule.slug for rule in RetentionRule.objects.all()] == ["later", "sooner"]
    assert [used.category.slug for used in ProcessingPurpose.objects.get().data.all()] == ["phone", "email"]


def test_a_row_that_the_file_no_longer_has_is_removed(db):
    load(MINIMAL)

    changes = load(
        changed("  - {slug: phone, name: {en: Phone, nl: Telefoon}}\n", "").replace("[phone, email]", "[email]")
    )

    assert changes.removed == 2
    assert [used.category.slug for used in ProcessingPurpose.objects.get().data.all()] == ["email"]


def test_a_changed_text_changes_its_row_and_keeps_its_identity(db):
    load(MINIMAL)
    before = ProcessingPurpose.objects.get().pk

    changes = load(changed("Wij antwoorden.", "Wij antwoorden snel."))

    purpose = ProcessingPurpose.objects.get()
    assert (changes.added, changes.changed, changes.removed) == (0, 1, 0)
    assert (purpose.pk, purpose.description_nl) == (before, "Wij antwoorden snel.")


def test_a_missing_translation_is_allowed_in_a_draft(db):
    load(changed("{en: We answer., nl: Wij antwoorden.}", "{en: We answer.}"))

    assert not ProcessingPurpose.objects.get().description_nl


@pytest.mark.parametrize("rounding", ["", "month", "year"])
def test_from_whose_end_a_period_counts_comes_back_as_it_was_given(db, rounding):
    phrase = "until: {en: until the agreement ends, nl: tot de overeenkomst afloopt}"
    load(changed(phrase, f'{phrase}\n    rounding: "{rounding}"'))
    first = dump()

    changes = load(first)

    assert Trigger.objects.get().rounding == rounding
    assert (f"rounding: {rounding}" in first) == bool(rounding)
    assert (not changes, dump()) == (True, first)


def test_a_rounding_that_the_file_no_longer_has_is_taken_away(db):
    phrase = "until: {en: until the agreement ends, nl: tot de overeenkomst afloopt}"
    load(changed(phrase, f"{phrase}\n    rounding: year"))

    changes = load(MINIMAL)

    assert (changes.added, changes.changed, changes.removed) == (0, 1, 0)
    assert not Trigger.objects.get().rounding


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("format: 1", "format: 2", 1, "format 1"),
        ("name: Winkel B.V.", "nam: Winkel B.V.", 3, "Did you mean “name”?"),
        ("country: NL", "country: Nederland", 3, "country"),
        ("trigger: agreement-ended", "trigger: agreement-ende", 13, "Did you mean “agreement-ended”?"),
        ("period: P6W", "period: 6 weeks", 13, "P6W for 6 weeks"),
        ("afloopt}", "afloopt}\n    rounding: decade", 7, "decade"),
        ("period: P6W, action: erase", "period: P6W", 13, "erase or anonymise"),
        ("follows: sooner", "follows: later", 12, "in a circle"),
        ("[phone, email]", "[phone, emial]", 21, "Did you mean “email”?"),
        ("[phone, email]", "phone", 21, "a list is expected"),
        ("[phone, email]", "[phone, phone]", 21, "already exists"),
        ("slug: phone", "slug: email", 16, "stands in this list twice"),
        ("{basis: contract}", "{basis: contrakt}", 22, "contrakt"),
        ("{basis: contract}", "{basis: legitimate-interests}", 22, "Explain the legitimate interest"),
        ("    title: {en: Contact, nl: Contact}", "    title: Contact", 19, "mapping"),
        (
            "    title: {en: Contact, nl: Contact}",
            "    title: {en: Contact, de: Kontakt}",
            19,
            "“de” is not known here",
        ),
        ("  - slug: contact\n", "  - order: 3\n", 18, "“slug” is missing"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_nothing_is_loaded(db, old, new, line, sentence):
    with pytest.raises(ContentFileError) as refusal:
        load(changed(old, new))

    assert any(f"line {line}:" in problem and sentence in problem for problem in refusal.value.problems), refusal.value
    assert not Controller.objects.exists()
    assert not Trigger.objects.exists()


def test_all_mistakes_are_told_at_once(db):
    with pytest.raises(ContentFileError) as refusal:
        load(changed("[phone, email]", "[fone, emial]").replace("rule: sooner", "rule: soner"))

    assert len(refusal.value.problems) == 3


@pytest.mark.parametrize(
    "text",
    ["", "- a list", "just text", "format: [", "a: b: c", "format: 1\ncontroller: {name: !!python/object:os.system x}"],
)
def test_what_is_no_content_file_is_refused(db, text):
    with pytest.raises(ContentFileError):
        load(text)


def test_rules_that_follow_each_other_in_a_circle_are_refused(db):
    with pytest.raises(ContentFileError, match="circle"):
        load(changed("trigger: agreement-ended, period: P6W", "follows: later, period: P6W"))


def test_a_failed_load_leaves_the_rows_of_before(db):
    load(MINIMAL)

    with pytest.raises(ContentFileError):
        load(changed("Wij antwoorden.", "Anders.").replace("rule: sooner", "rule: none"))

    assert ProcessingPurpose.objects.get().description_nl == "Wij antwoorden."


def test_text_that_looks_like_another_type_stays_text(db):
    load(changed("short_name: Winkel", "short_name: 2021-11-08") + "websites: []\n")

    assert Controller.objects.get().short_name == "2021-11-08"


def test_the_command_names_file_and_line(db, tmp_path):
    file = tmp_path / "content.yaml"
    file.write_text(changed("rule: sooner", "rule: soner"))

    with pytest.raises(CommandError, match=r"content\.yaml, line 23: .*“soner”.*“sooner”"):
        call_command("load_policy", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("load_policy", str(tmp_path / "absent.yaml"))


def test_the_dump_can_be_written_to_a_file(content, tmp_path):
    call_command("dump_policy", str(tmp_path / "out.yaml"))

    assert (tmp_path / "out.yaml").read_text(encoding="utf-8") == dump()
    assert CookieVendor.objects.count() == 15
    assert Section.objects.count() > 10


# -- From any content to any other ------------------------------------------------------------

HEAD = """\
format: 1
controller: {name: Winkel B.V., short_name: Winkel, country: NL}
"""
SECTIONS = """\
sections:
  - {slug: purposes, page: statement, part: purposes, heading: {en: Purposes, nl: Doelen}}
  - {slug: rights, page: statement, part: rights, heading: {en: Rights, nl: Rechten}}
  - {slug: closing, page: statement, heading: {en: Closing, nl: Slot}, text: {en: Bye., nl: Dag.}}
"""
WEBSITES = """\
websites:
  - {slug: shop, name: {en: Shop, nl: Winkel}, hosts_statement: true, banner_title: {en: C}, banner_text: {en: C}}
  - {slug: app, name: {en: App, nl: App}, hosts_statement: false, banner_title: {en: C}, banner_text: {en: C}}
"""
VENDOR = """\
cookie_categories:
  - {slug: functional, name: {en: Functional, nl: Functioneel}, purpose: {en: To work, nl: Om te werken}}
cookie_vendors:
  - slug: shop
    name: Shop
    company: Winkel B.V.
    country: NL
    category: functional
    purpose: {en: To work, nl: Om te werken}
    lifetime: P1Y
    cookies:
      - {name: basket, storage: cookie, lifetime: P1Y}
      - {name: basket, storage: local, lifetime: session}
"""


def purposes(*slugs, written=None):
    """Purposes of which each is part of the one before it, written in another order."""
    above = dict(zip(slugs[1:], slugs, strict=False))
    text = "title: {en: T, nl: T}, description: {en: D, nl: D}"
    rows = [f"  - {{slug: {slug}, parent: {above.get(slug, '~')}, {text}}}\n" for slug in written or slugs]
    return "purposes:\n" + "".join(rows)


def rules(*slugs, written=None):
    """Rules of which each follows the one before it, written in another order."""
    start = dict(zip(slugs, ["trigger: end", *(f"follows: {slug}" for slug in slugs)], strict=False))
    rows = [f"  - {{slug: {slug}, {start[slug]}, period: P1Y, action: erase}}\n" for slug in written or slugs]
    trigger = "triggers:\n  - {slug: end, name: {en: E, nl: E}, after: {en: A, nl: A}, until: {en: U, nl: U}}\n"
    return trigger + "retention_rules:\n" + "".join(rows)


@pytest.mark.parametrize("write", [purposes, rules])
@pytest.mark.parametrize("written", [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]])
def test_rows_that_refer_to_each_other_go_together_in_whatever_order(db, write, written):
    load(HEAD + write("a", "b", "c", written=written))

    changes = load(HEAD)

    assert changes.removed == (3 if write is purposes else 4)
    assert not ProcessingPurpose.objects.exists()
    assert not RetentionRule.objects.exists()


def test_a_row_goes_when_those_that_stay_no_longer_refer_to_it(db):
    load(HEAD + rules("a", "b", "c"))

    changes = load(HEAD + rules("c"))

    assert (changes.added, changes.changed, changes.removed) == (0, 1, 2)
    assert RetentionRule.objects.get().trigger.slug == "end"


def test_rows_can_change_places_in_a_chain(db):
    load(HEAD + purposes("a", "b", "c"))

    changes = load(HEAD + purposes("c", "a", "b", written=["a", "b", "c"]))

    assert (changes.added, changes.changed, changes.removed) == (0, 2, 0)
    assert ProcessingPurpose.objects.get(slug="a").parent.slug == "c"


def test_a_new_row_can_stand_above_one_that_is_there(db):
    load(HEAD + purposes("b"))

    load(HEAD + purposes("a", "b", written=["b", "a"]))

    assert ProcessingPurpose.objects.get(slug="b").parent.slug == "a"


def test_a_generated_section_can_get_another_slug(db):
    load(HEAD + SECTIONS)

    changes = load(HEAD + SECTIONS.replace("slug: purposes", "slug: why"))

    assert (changes.added, changes.changed, changes.removed) == (1, 0, 1)
    assert {section.slug: section.part for section in Section.objects.all()} == {
        "why": "purposes",
        "rights": "rights",
        "closing": "text",
    }
    # What was removed is remembered as it was.
    assert Section.history.get(slug="purposes", history_type="-").part == "purposes"


def test_sections_can_exchange_what_they_generate(db):
    load(HEAD + SECTIONS)
    exchanged = SECTIONS.replace("part: purposes", "part: x").replace("part: rights", "part: purposes")

    changes = load(HEAD + exchanged.replace("part: x", "part: rights"))

    assert (changes.added, changes.changed, changes.removed) == (0, 2, 0)
    assert Section.objects.get(slug="purposes").part == "rights"
    assert list(Section.history.filter(slug="rights").values_list("part", flat=True)) == ["purposes", "rights"]


@pytest.mark.parametrize("hosts", ["shop", "app"])
def test_the_pages_can_move_from_one_web_site_to_another(db, hosts):
    moved = WEBSITES.replace("true", "?").replace("false", "true").replace("?", "false")
    before, after = (moved, WEBSITES) if hosts == "shop" else (WEBSITES, moved)
    load(HEAD + before)

    changes = load(HEAD + after)

    assert (changes.added, changes.changed, changes.removed) == (0, 2, 0)
    assert Website.objects.get(hosts_statement=True).slug == hosts
    assert Website.history.count() == 4


@pytest.mark.parametrize("before", ["", SECTIONS, WEBSITES])
@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        (SECTIONS.replace("part: rights", "part: purposes"), 5, "That part is on the page already."),
        (WEBSITES.replace("false", "true"), 5, "Another web site has these pages already."),
    ],
)
def test_what_only_one_row_may_have_is_refused_for_two(db, before, text, line, sentence):
    load(HEAD + before)
    stored = dump()

    with pytest.raises(ContentFileError) as refusal:
        load(HEAD + text)

    assert [problem.partition(": ")[::2] for problem in refusal.value.problems] == [(f"line {line}", sentence)]
    assert dump() == stored


def test_no_list_has_another_value_that_only_one_row_may_have():
    """Who adds such a constraint says so in KINDS, or files with an exchange in them are refused."""
    for kind in KINDS:
        keys = [c for c in kind.model._meta.constraints if isinstance(c, models.UniqueConstraint) and c.condition]

        taken = {name for key in keys for name in key.fields} - set(kind.identity)

        assert taken == ({kind.exclusive} if kind.exclusive else set()), kind.key


def test_one_name_can_stand_for_two_ways_of_storing(db):
    load(HEAD + VENDOR)
    before = list(Cookie.objects.values_list("pk", "storage"))

    assert not load(dump())
    assert list(Cookie.objects.values_list("pk", "storage")) == before

    changes = load(HEAD + VENDOR.replace("lifetime: session", "lifetime: P2Y"))

    assert (changes.added, changes.changed, changes.removed) == (0, 1, 0)
    assert Cookie.objects.get(storage="local").lifetime == "P2Y"
    assert Cookie.objects.get(storage="cookie").lifetime == "P1Y"


def test_a_part_that_stands_twice_in_its_list_is_refused(db):
    load(HEAD + VENDOR)

    with pytest.raises(ContentFileError, match=r"line 15: .*already exists"):
        load(HEAD + VENDOR.replace("storage: local", "storage: cookie"))


@pytest.mark.parametrize(("before", "after"), [("0", "null"), ("null", "0"), ("0", "4")])
def test_no_rounding_is_another_value_than_none_given(db, before, after):
    site = "websites:\n  - {slug: shop, name: {en: Shop}, radius: %s}\n"
    load(HEAD + site % before)

    changes = load(HEAD + site % after)

    assert (changes.added, changes.changed, changes.removed) == (0, 1, 0)
    assert Website.objects.get().radius == yaml.safe_load(after)
    assert not load(dump())


def test_a_cookie_whose_name_takes_in_everything_is_refused(db):
    with pytest.raises(ContentFileError, match=r"line 15: name: “\*”"):
        load(HEAD + VENDOR.replace("name: basket, storage: local", "name: '*', storage: local"))


def test_two_categories_with_one_name_are_two_categories(db):
    load(changed("{en: Phone, nl: Telefoon}", "{en: Email, nl: E-mail}"))

    assert not load(dump())


# -- The order -------------------------------------------------------------------------------


def categories(*slugs):
    rows = "".join(f"  - {{slug: {slug}, name: {{en: {slug}, nl: {slug}}}}}\n" for slug in slugs)
    purpose = "purposes:\n  - slug: p\n    title: {en: T}\n    description: {en: D}\n"
    return HEAD + "data_categories:\n" + rows + purpose + f"    data: [{', '.join(slugs)}]\n"


def number(**orders):
    for slug, order in orders.items():
        DataCategory.objects.filter(slug=slug).update(order=order)
        ProcessingPurpose.objects.get().data.filter(category__slug=slug).update(order=order)


def orders():
    return dict(DataCategory.objects.values_list("slug", "order"))


def test_rows_are_dumped_in_the_order_of_the_page_whatever_their_numbers(db):
    load(categories("a", "b", "c", "d"))
    number(a=50, b=7, c=7, d=0)
    before, history = dump(), DataCategory.history.count()

    changes = load(before)

    assert [row["slug"] for row in yaml.safe_load(before)["data_categories"]] == ["d", "b", "c", "a"]
    assert not changes
    assert (dump(), DataCategory.history.count()) == (before, history)
    assert orders() == {"a": 50, "b": 7, "c": 7, "d": 0}


@pytest.mark.parametrize(
    ("slugs", "numbers"),
    [
        (["b", "c", "a"], {"b": 7, "c": 7, "a": 50}),
        (["c", "a"], {"c": 7, "a": 50}),
        (["c", "b", "a"], {"c": 7, "b": 8, "a": 50}),
        (["b", "x", "c", "a"], {"b": 7, "x": 8, "c": 9, "a": 50}),
        (["x", "b", "c", "a"], {"x": 1, "b": 7, "c": 7, "a": 50}),
        (["b", "c", "a", "x"], {"b": 7, "c": 7, "a": 50, "x": 51}),
        (["a", "b", "c"], {"a": 50, "b": 51, "c": 52}),
    ],
)
def test_a_number_changes_only_where_the_order_does(db, slugs, numbers):
    load(categories("a", "b", "c"))
    number(a=50, b=7, c=7)

    load(categories(*slugs))

    assert orders() == numbers
    assert [row.slug for row in DataCategory.objects.all()] == slugs
    assert [used.category.slug for used in ProcessingPurpose.objects.get().data.all()] == slugs
    assert not load(categories(*slugs))


def test_the_order_of_sections_is_that_of_their_page(db):
    load(HEAD + SECTIONS.replace("slug: rights, page: statement", "slug: rights, page: summary"))
    Section.objects.filter(slug="rights").update(order=40)

    changes = load(HEAD + SECTIONS.replace("slug: rights, page: statement", "slug: rights, page: summary"))

    assert not changes
    assert not load(dump())


# -- Characters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line", "code"),
    [
        ("short_name: Winkel", r'short_name: "Win\0kel"', 4, "U+0000"),
        ("short_name: Winkel", r'short_name: "Win\u000bkel"', 4, "U+000B"),
        ("short_name: Winkel", r'short_name: "Win\rkel"', 4, "U+000D"),
        ("short_name: Winkel", r'short_name: "Win\x7fkel"', 4, "U+007F"),
        ("short_name: Winkel", r'short_name: "Win\Nkel"', 4, "U+0085"),
        ("short_name: Winkel", r'short_name: "Win\ud800kel"', 4, "U+D800"),
        ("short_name: Winkel", "short_name: Win\0kel", 4, "U+0000"),
        ("short_name: Winkel", "short_name: Win\x1bkel", 4, "U+001B"),
        ("nl: Wij antwoorden.", r'nl: "Wij\x01."', 20, "U+0001"),
        ("slug: contact", r'slug: "cont\0act"', 18, "U+0000"),
        ("rule: sooner", r'rule: "soo\0ner"', 23, "U+0000"),
        ("{basis: contract}", r'{basis: "contract\0"}', 22, "U+0000"),
        ("    data: [phone, email]", r'    "data\0": [phone, email]', 21, "U+0000"),
    ],
)
def test_a_character_that_no_text_holds_is_refused_with_its_line(db, old, new, line, code):
    with pytest.raises(ContentFileError) as refusal:
        load(changed(old, new))

    assert any(f"line {line}:" in problem and code in problem for problem in refusal.value.problems), refusal.value
    assert not Controller.objects.exists()


def test_such_a_character_is_one_mistake_among_others(db):
    with pytest.raises(ContentFileError) as refusal:
        load(
            changed("Winkel B.V.", r'"Winkel\0"')
            .replace("{en: We answer.,", r'{en: "\x02",')
            .replace("emai", "emia", 1)
        )

    assert len(refusal.value.problems) == 3


def test_line_breaks_and_tabs_are_loaded_as_they_are(db):
    text = "First\tline\nsecond line\r\nthird \u2028 \U0001f36a line"
    load(MINIMAL)
    ProcessingPurpose.objects.update(description_en=text, description=text)

    assert not load(dump())
    assert ProcessingPurpose.objects.get().description_en == text


def test_a_recursive_file_is_refused(db):
    with pytest.raises(ContentFileError, match="“again” is not known here"):
        load(MINIMAL + "again: &again [*again]\n")


def test_words_that_yaml_takes_for_something_else_are_read_as_written(db):
    """``NO`` is Norway, ``010`` no eight and ``2021`` a slug like others."""
    text = HEAD + "transfers:\n  - {slug: 2021, name: {en: 010, nl: no}, countries: [NO, US]}\n"
    load(text)

    assert not load(text)
    assert not load(dump())
    assert "countries:\n      - 'NO'\n" in dump()


# -- Any content at all -----------------------------------------------------------------------


def some(*values, least=0):
    return st.lists(st.sampled_from(values), unique=True, min_size=least)


@st.composite
def contents(draw):
    """A small file: any of a few rows, in any order, in any relation that is allowed."""
    text = {"en": draw(st.sampled_from(["A", "B"])), "nl": "C"}

    def above(slugs):
        """For each slug one of those before it, or none; then all in another order."""
        links = {slug: draw(st.sampled_from([None, *slugs[:place]])) for place, slug in enumerate(slugs)}
        return [(slug, links[slug]) for slug in draw(st.permutations(slugs))]

    rules = above(draw(some(*"pqr")))
    categories = draw(some(*"abc"))
    websites = draw(some("shop", "app", "desk"))
    host = draw(st.sampled_from([None, "shop", "app", "desk"]))
    parts = {page: iter(draw(st.permutations(["purposes", "rights", "contact"]))) for page in ["summary", "statement"]}
    return yaml.safe_dump(
        yaml.safe_load(HEAD)
        | {
            "triggers": [{"slug": "end", "name": text, "after": text, "until": text}],
            "retention_rules": [
                {"slug": slug, "period": "P1Y", "action": "erase"} | ({"follows": link} if link else {"trigger": "end"})
                for slug, link in rules
            ],
            "data_categories": [{"slug": slug, "name": text} for slug in categories],
            "purposes": [
                {"slug": slug, "parent": link, "title": text, "description": text}
                | {"data": draw(st.permutations(categories)), "retention": [{"rule": rule} for rule, _link in rules]}
                for slug, link in above(draw(some(*"xyz")))
            ],
            "cookie_categories": [{"slug": "functional", "name": text, "purpose": text}],
            "websites": [
                {"slug": slug, "name": text, "banner_title": text, "banner_text": text, "hosts_statement": slug == host}
                for slug in websites
            ],
            "cookie_vendors": [
                {"slug": "v", "name": "V", "company": "V", "country": "NL", "category": "functional"}
                | {"purpose": text, "lifetime": "session", "websites": websites}
                | {
                    "cookies": [
                        {"name": name, "storage": storage, "lifetime": draw(st.sampled_from(["P1Y", "session"]))}
                        for name in draw(some("id", "basket"))
                        for storage in draw(some("cookie", "local", "pixel", least=1))
                    ]
                }
            ],
            "sections": [
                {"slug": slug, "page": page, "heading": text, "text": text}
                | {"part": next(parts[page]) if draw(st.booleans()) else "text"}
                for page, slug in draw(some(*[(page, slug) for page in parts for slug in ["one", "two", "three"]]))
            ],
        },
        sort_keys=False,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=8)
@given(one=contents(), other=contents(), orders=st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_any_content_loads_after_any_other_and_what_is_dumped_changes_nothing(db, one, other, orders):
    histories = [apps.get_model("policies", f"Historical{kind.model.__name__}") for kind in KINDS[3:]]
    ordered = [model for kind in KINDS for model in (kind.model, *(part.model for part in kind.parts))]
    load(one)
    first = dump()

    load(other)
    load(one)
    assert dump() == first

    for model in ordered:
        for row, order in zip(model.objects.all(), itertools.cycle(orders), strict=False):
            model.objects.filter(pk=row.pk).update(order=order)
    disordered, rows = dump(), [model.objects.count() for model in histories]
    assert not load(disordered)
    assert (dump(), [model.objects.count() for model in histories]) == (disordered, rows)

    load(one)
    assert dump() == first
