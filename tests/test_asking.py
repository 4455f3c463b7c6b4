"""Whom a publication asks again: everybody who would agree to more than before, and nobody else (C16)."""

import copy
import json
from datetime import UTC, datetime

import pytest
from django.utils import translation
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.asking import rewordings, settle_fingerprints, shorter_choices
from policies.models import (
    Cookie,
    CookieCategory,
    CookieVendor,
    StatementVersion,
    VendorSafeguard,
    Website,
    WebsiteOrigin,
)
from policies.publishing import NotPublishable, look_at_draft
from policies.snapshot import canonical, sha256

from .factories import CategoryFactory, VendorFactory, WebsiteFactory

ANALYTICAL = {"website": ["analytical"], "prostream": ["analytical"]}


def asked_of(version, website="website"):
    """Fingerprint per category of a web site."""
    websites = json.loads(version.document)["content"]["websites"]
    entry = next(entry for entry in websites if entry["slug"] == website)
    return {category["slug"]: category["fingerprint"] for category in entry["categories"]}


def hotjar(**changes):
    CookieVendor.objects.filter(slug="hotjar").update(**changes)
    return CookieVendor.objects.get(slug="hotjar")


def cookie_of_hotjar(name="_hjid", lifetime="P1Y", **values):
    return Cookie.objects.create(vendor=hotjar(), name=name, lifetime=lifetime, **values)


def reasons(website="website", category="analytical"):
    """Why the draft asks again, as sentences."""
    return [str(reason) for reason in look_at_draft().asks_again[website][category]]


# -- What the software finds -----------------------------------------------------------------


def test_a_first_publication_asks_nobody_again(published):
    assert published.asks_again == {}


def test_an_answer_on_one_web_site_is_none_on_another(published):
    """Both ask for the same vendors; where they have a domain in common, each may find the other's cookie."""
    assert asked_of(published)["marketing"] != asked_of(published, "prostream")["marketing"]


@pytest.mark.parametrize(
    "change",
    [
        {"purpose_en": "Counting.", "purpose_nl": "Tellen."},
        {"name": "Hot Jar"},
        {"privacy_url": "https://example.org/privacy"},
        {"consent_reason_en": "It replays.", "consent_reason_nl": "Het speelt af."},
        {"lifetime": "P6M"},
        {"lifetime": "session"},
        {"lifetime": "P12M"},
        {"lifetime": "P365D"},
        {"lifetime_is_maximum": True},
        {"hosts": "static.hotjar.com"},
        {"signals": ""},
        {"company": "HOTJAR LTD"},
    ],
)
def test_what_is_not_material_asks_nobody(published, publish, change):
    hotjar(**change)
    second = publish()

    assert second.asks_again == {}
    assert asked_of(second) == asked_of(published)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"lifetime": "P3Y"}, "Hotjar is kept longer: 3 years; before: 1 year."),
        ({"lifetime": "P13M"}, "Hotjar is kept longer: 13 months; before: 1 year."),
        ({"lifetime": "P366D"}, "Hotjar is kept longer: 366 days; before: 1 year."),
        ({"country": "US"}, "Hotjar moves to another country: United States."),
        ({"company": "Other Ltd."}, "Hotjar belongs to another company: “Other Ltd.”."),
        ({"company": "Hotjar 2 Ltd."}, "Hotjar belongs to another company: “Hotjar 2 Ltd.”."),
        (
            {"signals": "analytics_storage ad_storage uet:ad_storage"},
            "The category tells tags of Google and Microsoft more than before: ad_storage, uet:ad_storage.",
        ),
    ],
)
def test_what_is_material_asks_again_for_that_category_wherever_the_vendor_is_used(published, publish, change, why):
    hotjar(**change)

    assert reasons() == [why]
    assert publish().asks_again == ANALYTICAL


def test_all_that_is_material_is_said(published):
    hotjar(country="US", lifetime="P2Y", company="Other")

    assert len(reasons()) == 3


def test_a_new_vendor_asks_again_on_its_web_sites_only(published, publish):
    vendor = VendorFactory(name="Matomo", category=CookieCategory.objects.get(slug="analytical"))
    vendor.websites.set([Website.objects.get(slug="prostream")])

    assert reasons("prostream") == ["Matomo is new on this web site."]
    assert publish().asks_again == {"prostream": ["analytical"]}


def test_a_vendor_that_comes_to_another_web_site_is_new_there(published, publish):
    vendor = hotjar()
    vendor.websites.set([Website.objects.get(slug="website")])
    assert publish().asks_again == {}
    vendor.websites.clear()

    assert reasons("prostream") == ["Hotjar is new on this web site."]
    assert publish().asks_again == {"prostream": ["analytical"]}


def test_a_vendor_from_another_category_asks_again_for_the_one_that_it_joins(published, publish):
    hotjar(category=CookieCategory.objects.get(slug="marketing"))

    assert reasons(category="marketing") == [
        "The category tells tags of Google and Microsoft more than before: analytics_storage.",
        "Hotjar comes from the category “Analytical”.",
    ]
    assert publish().asks_again == {"website": ["marketing"], "prostream": ["marketing"]}


def test_a_vendor_that_no_longer_passes_for_functional_asks_again(published, publish):
    CookieVendor.objects.filter(slug="datadog").update(category=CookieCategory.objects.get(slug="analytical"))

    assert publish().asks_again == {"prostream": ["analytical"]}


def test_a_new_category_is_asked_about(published, publish):
    VendorFactory(name="Mapper", category=CategoryFactory(slug="maps"))

    assert reasons(category="maps") == ["Mapper is new on this web site."]
    assert publish().asks_again == {"website": ["maps"], "prostream": ["maps"]}


def test_a_category_that_starts_to_need_consent_is_asked_about(published, publish):
    CookieCategory.objects.filter(slug="functional").update(needs_consent=True)

    assert reasons(category="functional") == ["The category did not need consent before."]
    assert publish().asks_again == {"website": ["functional"], "prostream": ["functional"]}


def test_a_category_that_stops_needing_consent_is_not_asked_about(published, publish):
    CookieCategory.objects.filter(slug="marketing").update(needs_consent=False)

    assert publish().asks_again == {}


def test_what_needs_no_consent_is_never_asked_about(published, publish):
    VendorFactory(category=CookieCategory.objects.get(slug="functional"))

    assert publish().asks_again == {}


def test_a_purpose_more_asks_again_and_one_less_does_not(published, publish):
    category = CookieCategory.objects.filter(slug="analytical")
    category.update(dpv="dpv:ServiceUsageAnalytics dpv:Personalisation")

    assert reasons() == ["The category has a purpose that it did not have: dpv:Personalisation."]
    assert publish().asks_again == ANALYTICAL

    category.update(dpv="dpv:Personalisation")
    assert publish().asks_again == {}


def test_a_signal_more_asks_again_and_one_less_does_not(published, publish):
    category = CookieCategory.objects.filter(slug="analytical")
    category.update(signals="ad_user_data analytics_storage ad_storage")

    assert reasons() == ["The category tells tags of Google and Microsoft more than before: ad_user_data, ad_storage."]
    assert publish().asks_again == ANALYTICAL

    category.update(signals="")
    assert publish().asks_again == {}


def test_a_signal_that_a_vendor_takes_over_from_its_category_asks_nobody(published, publish):
    CookieVendor.objects.filter(slug="facebook-connect").update(signals="ad_storage")
    assert look_at_draft().is_changed
    assert publish().asks_again == {}

    CookieVendor.objects.filter(category__slug="marketing").update(signals="")
    assert publish().asks_again == {}


def test_losing_a_safeguard_asks_again_and_a_safeguard_more_does_not(published, publish):
    vendor = CookieVendor.objects.get(slug="google-analytics")
    vendor.safeguards.add(VendorSafeguard.objects.create(slug="more", name_en="Audits", name_nl="Controles"))
    assert publish().asks_again == {}
    vendor.safeguards.remove(*vendor.safeguards.filter(slug__in=["more", "masked-ip"]))
    VendorSafeguard.objects.filter(slug="more").delete()

    assert reasons() == ["Google Analytics has lost what protects visitors: Audits, IP addresses masked."]
    assert publish().asks_again == ANALYTICAL


def test_a_cookie_that_outlives_what_was_stated_is_a_longer_life(published, publish):
    cookie_of_hotjar(lifetime="P2Y")

    assert reasons() == ["Hotjar keeps “_hjid” longer than anything before: 2 years; before: 1 year."]
    assert publish().asks_again == ANALYTICAL


def test_each_cookie_that_lives_longer_than_it_did_asks_again(published, publish):
    """Also where something else of the vendor lives longer still (rules C16: no lifetime grows)."""
    cookie_of_hotjar(lifetime="P1D")
    cookie_of_hotjar(name="_hjid", storage="local", lifetime="P6M")
    cookie_of_hotjar(name="_hjSession", lifetime="P1D")
    publish()
    Cookie.objects.filter(name="_hjid", storage="cookie").update(lifetime="P1Y")
    Cookie.objects.filter(name="_hjSession").update(lifetime="P2D")

    assert reasons() == [
        "Hotjar keeps “_hjid” longer: 1 year; before: 1 day.",
        "Hotjar keeps “_hjSession” longer: 2 days; before: 1 day.",
    ]
    assert publish().asks_again == ANALYTICAL

    Cookie.objects.update(lifetime="session")
    assert publish().asks_again == {}


def test_declaring_cookies_that_live_no_longer_than_was_stated_asks_nobody(published, publish):
    cookie_of_hotjar(lifetime="P365D")
    cookie_of_hotjar(name="_hjSession", lifetime="session", http_only=True)
    assert publish().asks_again == {}

    Cookie.objects.get(name="_hjid").delete()
    Cookie.objects.update(name="_hj*", http_only=False)
    assert publish().asks_again == {}


def test_stating_the_life_that_a_declared_cookie_had_already_asks_nobody(published, publish):
    cookie_of_hotjar(lifetime="P2Y")
    publish()
    hotjar(lifetime="P2Y")

    assert publish().asks_again == {}


def test_taking_something_away_asks_nobody(published, publish):
    hotjar().delete()
    second = publish()

    assert second.asks_again == {}
    assert asked_of(second) == asked_of(published)


def test_a_web_site_more_asks_nobody_again(published, publish):
    WebsiteFactory(slug="shop")

    assert publish().asks_again == {}


def test_how_a_web_site_looks_and_where_it_stands_asks_nobody(published, publish):
    Website.objects.update(consent_months=12, position="bottom", accent="#0a5ca8")
    Website.objects.filter(slug="website").update(shared_domain="www.pro4all.nl")
    WebsiteOrigin.objects.create(website=Website.objects.get(slug="prostream"), origin="https://*.pro4all.nl")

    assert publish().asks_again == {}


def test_who_agreed_while_a_vendor_was_gone_has_not_agreed_to_its_return(published, publish):
    vendor = hotjar()
    CookieVendor.objects.filter(pk=vendor.pk).delete()
    without = publish()
    vendor.save(force_insert=True)
    again = publish()

    assert again.asks_again == ANALYTICAL
    assert asked_of(again)["analytical"] not in {asked_of(published)["analytical"], asked_of(without)["analytical"]}


def test_only_the_categories_touched_get_another_fingerprint(published, publish):
    hotjar(country="US")
    before, after = asked_of(published), asked_of(publish())

    assert {slug for slug in before if before[slug] != after[slug]} == {"analytical"}


def test_the_reasons_are_said_in_the_language_of_the_desk(published):
    hotjar(country="US", lifetime="P2Y")

    with translation.override("nl"):
        said = " ".join(reasons())

    assert "Verenigde Staten" in said
    assert "2 jaar" in said


def test_a_version_of_the_former_release_can_be_followed(published, publish):
    document = json.loads(published.document)
    content = document["content"]
    for vendor in content["cookie_vendors"]:
        del vendor["hosts"]
        # What is new in this release is no news to visitors; a vendor had signals before.
        vendor["signals"] = []
    for category in content["cookie_categories"]:
        del category["signals"]
    for website in content["websites"]:
        for key in ("consent_months", "shared_domain", "position", "looks"):
            del website[key]
    text = canonical(document | {"number": 2, "previous": published.digest})
    StatementVersion.objects.create(
        number=2,
        document=text,
        digest=sha256(text),
        previous_digest=published.digest,
        effective_at=datetime(2022, 1, 1, tzinfo=UTC),
        published_by="anna",
        change_summary_en="a",
        change_summary_nl="b",
    )

    assert any(category.signals for category in CookieCategory.objects.filter(needs_consent=True))
    third = publish()

    assert third.asks_again == {}
    assert asked_of(third) == asked_of(published)
    assert rewordings(look_at_draft().content, content)["website", "analytical"] == []


# -- Any content at all ----------------------------------------------------------------------

SALT = "0" * 64
lifetimes = st.sampled_from(["session", "P1D", "P30D", "P1M", "P6M", "P52W", "P365D", "P12M", "P1Y", "P13M", "P2Y"])
signals = st.lists(st.sampled_from(["ad_storage", "analytics_storage"]), unique=True)
names = st.tuples(st.sampled_from(["_id", "basket"]), st.sampled_from(["cookie", "local"]))


def both(text):
    return {"en": text, "nl": text}


@st.composite
def contents(draw):
    """The parts of a version's content that are asked about: two web sites, up to three categories."""
    categories = [
        {
            "slug": slug,
            "name": both(slug),
            "purpose": both(slug),
            "needs_consent": draw(st.booleans()),
            "dpv": draw(st.lists(st.sampled_from(["dpv:A", "dpv:B", "dpv:C"]), unique=True)),
            "signals": draw(signals),
        }
        for slug in ("one", "two", "three")[: draw(st.integers(1, 3))]
    ]
    vendors = [
        {
            "slug": f"vendor-{index}",
            "name": f"Vendor {index}",
            "company": draw(st.sampled_from(["A", "B"])),
            "country": {"code": draw(st.sampled_from(["NL", "US"])), "name": both("Somewhere")},
            "category": draw(st.sampled_from(categories))["slug"],
            "purpose": both("Counting"),
            "lifetime": {"value": draw(lifetimes)},
            "safeguards": draw(st.lists(st.sampled_from(["masked", "agreed"]), unique=True)),
            "signals": draw(signals),
            "cookies": [
                {"name": name, "storage": storage, "lifetime": {"value": draw(lifetimes)}}
                for name, storage in draw(st.lists(names, unique=True, max_size=3))
            ],
        }
        for index in range(draw(st.integers(1, 4)))
    ]
    websites = []
    for slug in ("website", "shop"):
        used = draw(st.lists(st.sampled_from(vendors), unique_by=lambda vendor: vendor["slug"]))
        websites.append({"slug": slug, "banner_text": both("May we?"), "categories": asked_by(categories, used)})
    return {
        "cookie_categories": categories,
        "cookie_vendors": vendors,
        "vendor_safeguards": [{"slug": slug, "name": both(slug)} for slug in ("masked", "agreed")],
        "websites": websites,
    }


def asked_by(categories, vendors):
    """What the banner of a web site with these vendors asks about, as ``snapshot`` composes it."""
    members = {
        category["slug"]: [vendor["slug"] for vendor in vendors if vendor["category"] == category["slug"]]
        for category in categories
    }
    return [
        {"slug": entry["slug"], "needs_consent": entry["needs_consent"], "vendors": members[entry["slug"]]}
        for entry in categories
        if members[entry["slug"]]
    ]


def settled(content, before=None, salt=""):
    """A copy of ``content`` with fingerprints, and who is asked again."""
    after = copy.deepcopy(content)
    return after, settle_fingerprints(after, before, salt)


def fingerprints(content):
    return {
        (website["slug"], category["slug"]): category["fingerprint"]
        for website in content["websites"]
        for category in website["categories"]
    }


def ways_to_take_away(content):
    """Every list of ``content`` from which an entry may go without anybody losing protection."""
    yield content["websites"]
    for website in content["websites"]:
        yield website["categories"]
        for category in website["categories"]:
            if len(category["vendors"]) > 1:
                yield category["vendors"]
    for category in content["cookie_categories"]:
        yield category["dpv"]
        yield category["signals"]
    for vendor in content["cookie_vendors"]:
        yield vendor["cookies"]
        yield vendor["signals"]


@given(contents(), st.data())
def test_taking_anything_away_asks_nobody_whatever_the_content(content, data):
    before, _again = settled(content)
    smaller = copy.deepcopy(content)
    for _ in range(data.draw(st.integers(0, 4))):
        lists = [entries for entries in ways_to_take_away(smaller) if entries]
        if lists:
            entries = data.draw(st.sampled_from(lists))
            entries.pop(data.draw(st.integers(0, len(entries) - 1)))

    after, again = settled(smaller, before, SALT)

    assert again == {}
    assert fingerprints(after).items() <= fingerprints(before).items()


@given(contents(), contents())
def test_fingerprints_follow_from_the_content_and_the_version_before_alone(content, other):
    before, _again = settled(other)

    assert settled(content, before, SALT) == settled(content, before, SALT)
    assert settled(before, before, SALT) == (before, {})


@given(contents(), contents())
def test_who_is_asked_again_is_who_chose_and_whose_fingerprint_is_no_longer_theirs(content, other):
    before, _again = settled(other)
    after, again = settled(content, before, SALT)

    were = fingerprints(before)
    chose = {website for website, _category in were}
    for website in after["websites"]:
        for category in website["categories"]:
            place = website["slug"], category["slug"]
            is_other = were.get(place) != category["fingerprint"]
            is_asked = category["slug"] in again.get(website["slug"], {})
            assert is_asked == (is_other and category["needs_consent"] and website["slug"] in chose)
            if is_other:
                # Never one that was: not even by coming back to what the first version asked.
                assert category["fingerprint"] not in were.values()
            if is_asked:
                assert all(map(str, again[website["slug"]][category["slug"]]))
                assert again[website["slug"]][category["slug"]]


@given(contents(), st.data())
def test_whatever_is_longer_than_the_longest_life_asks_again_and_nothing_shorter_does(content, data):
    before, _again = settled(content)
    changed = copy.deepcopy(content)
    vendor = data.draw(st.sampled_from(changed["cookie_vendors"]))
    vendor["cookies"].append({"name": "new", "storage": "cookie", "lifetime": {"value": "P20Y"}})
    places = {
        (website["slug"], category["slug"])
        for website in content["websites"]
        for category in website["categories"]
        if vendor["slug"] in category["vendors"] and category["needs_consent"]
    }

    longer, again = settled(changed, before, SALT)

    assert {(website, slug) for website, asked in again.items() for slug in asked} == places
    assert settled(content, longer, "1" * 64)[1] == {}


@given(contents(), st.data())
def test_whatever_of_a_vendor_lives_longer_than_it_did_asks_again(content, data):
    before, _again = settled(content)
    changed = copy.deepcopy(content)
    cookies = [
        (cookie, place)
        for website in changed["websites"]
        for category in website["categories"]
        for vendor in changed["cookie_vendors"]
        for cookie in vendor["cookies"]
        if vendor["slug"] in category["vendors"] and category["needs_consent"]
        for place in [(website["slug"], category["slug"])]
    ]
    assume(cookies)
    cookie, (website, slug) = data.draw(st.sampled_from(cookies))
    cookie["lifetime"] = {"value": "P20Y"}

    _longer, again = settled(changed, before, SALT)

    assert len(again[website][slug]) == 1


# -- What a publisher adds -------------------------------------------------------------------


def refused(publish, **changes):
    with pytest.raises(NotPublishable) as refusal:
        publish(**changes)
    return refusal.value.problems


def test_a_publisher_may_have_more_asked_again(published, publish):
    hotjar(country="US")
    second = publish(ask_also={"website": ["marketing"]})

    before, after = asked_of(published), asked_of(second)
    assert second.asks_again == {"website": ["analytical", "marketing"], "prostream": ["analytical"]}
    assert {slug for slug in before if before[slug] != after[slug]} == {"analytical", "marketing"}
    assert asked_of(second, "prostream")["marketing"] == asked_of(published, "prostream")["marketing"]


def test_a_version_may_be_published_only_to_ask_again(published, publish):
    second = publish(ask_also={"website": ["analytical"]})

    assert second.asks_again == {"website": ["analytical"]}
    assert asked_of(second)["analytical"] != asked_of(published)["analytical"]


def test_asking_again_happens_once(published, publish):
    second = publish(ask_also={"website": ["analytical"]})

    assert refused(publish) == ["Nothing has changed since version 2."]
    hotjar(purpose_en="Counting.", purpose_nl="Tellen.")
    assert asked_of(publish()) == asked_of(second)


def test_naming_what_is_asked_again_anyway_changes_nothing(published, publish):
    hotjar(country="US")
    expected = look_at_draft().content["websites"][0]["categories"]

    second = publish(ask_also={"website": ["analytical"]})

    assert second.asks_again == ANALYTICAL
    assert asked_of(second) == {category["slug"]: category["fingerprint"] for category in expected}


def test_naming_no_category_is_naming_nothing(published, publish):
    assert refused(publish, ask_also={"website": []}) == ["Nothing has changed since version 1."]


def test_what_is_added_leaves_the_digest_of_what_was_previewed(published, publish):
    seen = look_at_draft().digest

    assert publish(expected_digest=seen, ask_also={"website": ["marketing"]}).number == 2


@pytest.mark.parametrize(
    ("also", "sentence"),
    [
        ({"blog": ["analytical"]}, "There is no web site “blog”."),
        ({"website": ["maps"]}, "The banner of “website” does not ask about “maps”."),
        ({"website": ["functional"]}, "“functional” needs no consent, so nobody is asked about it."),
        ({"shop": ["analytical"]}, "Nobody has been asked yet on “shop”, so there is nobody to ask again."),
    ],
)
def test_what_cannot_be_asked_again_is_refused(published, publish, also, sentence):
    WebsiteFactory(slug="shop")

    assert refused(publish, ask_also=also) == [sentence]
    assert StatementVersion.objects.count() == 1


def test_before_the_first_publication_there_is_nobody_to_ask_again(content, publish):
    assert refused(publish, ask_also={"website": ["analytical"]}) == [
        "Nobody has been asked yet on “website”, so there is nobody to ask again."
    ]


# -- A choice that holds less long ------------------------------------------------------------


def test_where_a_choice_will_hold_less_long_is_told_and_asks_nobody_else(published, publish):
    """It is no matter of a category: who chose longer ago is asked about everything (see recording)."""
    Website.objects.filter(slug="prostream").update(consent_months=1)
    Website.objects.filter(slug="website").update(consent_months=12)
    draft = look_at_draft()

    assert {site: str(shorter) for site, shorter in shorter_choices(draft.content, draft.before).items()} == {
        "prostream": "A choice holds for 30 days instead of 182: visitors who chose longer ago are asked again."
    }
    assert publish().asks_again == {}
    assert look_at_draft().shorter_choices == {}


def test_a_choice_that_nobody_has_made_holds_no_less_long(published):
    WebsiteFactory(slug="shop", consent_months=1)
    Website.objects.filter(slug="prostream").update(consent_months=1)
    for vendor in CookieVendor.objects.filter(category__needs_consent=True):
        vendor.websites.set([Website.objects.get(slug="website")])

    assert look_at_draft().shorter_choices == {}


# -- What software cannot judge --------------------------------------------------------------


def reworded(website="website", category="analytical"):
    draft = look_at_draft()
    return rewordings(draft.content, draft.before)[website, category]


def test_nothing_is_to_be_judged_where_no_text_changed(published):
    assert reworded() == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda: hotjar(purpose_en="Recording"), "The purpose of Hotjar was reworded."),
        (
            lambda: CookieCategory.objects.filter(slug="analytical").update(purpose_en="Follow everybody"),
            "The purpose of the category was reworded.",
        ),
        (
            lambda: CookieCategory.objects.filter(slug="analytical").update(name_en="Insight"),
            "The name of the category was reworded.",
        ),
        (
            lambda: VendorSafeguard.objects.filter(slug="masked-ip").update(name_en="IP addresses"),
            "A safeguard of Google Analytics was reworded.",
        ),
    ],
)
def test_a_reworded_text_is_shown_to_the_publisher_for_its_category(published, change, sentence):
    change()

    assert [str(text) for text in reworded()] == [sentence]
    assert reworded(category="marketing") == []


def test_the_text_of_a_banner_concerns_every_category_of_its_web_site(published):
    Website.objects.filter(slug="website").update(banner_text_nl="Wij vragen iets anders.")

    assert [str(text) for text in reworded()] == ["The text of the banner was reworded."]
    assert [str(text) for text in reworded(category="marketing")] == ["The text of the banner was reworded."]
    assert reworded("prostream") == []


def test_both_texts_are_shown_in_the_language_that_changed(published):
    hotjar(purpose_nl="Opnemen wat je doet")

    (text,) = reworded()

    assert text.changes == [
        {"language": "nl", "before": "Gebruikerservaring begrijpen", "now": "Opnemen wat je doet"},
    ]


def test_of_a_vendor_that_is_new_there_is_no_former_text(published):
    VendorFactory(category=CookieCategory.objects.get(slug="analytical"))

    assert reworded() == []
