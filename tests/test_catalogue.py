"""The catalogue of well-known vendors: its facts, and how staff take them over without anything passing unseen."""

import itertools
from html.parser import HTMLParser

import pytest
import yaml
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from policies import catalogue
from policies.models import Cookie, CookieCategory, CookieVendor
from retention.periods import Period

from .conftest import CONTENT
from .factories import CategoryFactory, VendorFactory

ENTRIES = list(catalogue.entries().values())
KEYS = {
    "slug", "name", "company", "country", "category", "purpose", "lifetime", "hosts", "shares", "cookies",
    "signals", "privacy_url",
}  # fmt: skip
LISTING = "/admin/policies/cookievendor/catalogue/"


def slugs(entries):
    return [entry["slug"] for entry in entries]


# -- The facts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=slugs(ENTRIES))
def test_an_entry_holds_what_a_vendor_may_hold(entry):
    vendor = CookieVendor(**catalogue.values_of(entry))

    assert set(entry) == KEYS
    assert entry["category"] in {"functional", "analytical", "marketing"}
    assert entry["hosts"]
    assert vendor.purpose_en
    assert vendor.purpose_nl
    # The category is a row of the company's own; an unknown lifetime is for staff to state.
    unknown = [] if entry["lifetime"] else ["lifetime"]
    vendor.clean_fields(exclude=["id", "category", "purpose", *unknown])


@pytest.mark.parametrize("entry", ENTRIES, ids=slugs(ENTRIES))
def test_the_cookies_of_an_entry_are_ones_that_may_be_stored(entry):
    for values in entry["cookies"]:
        cookie = Cookie(**values)
        cookie.clean_fields(exclude=["id", "vendor", "order"])
        assert cookie.storage == "cookie" or not cookie.http_only
    names = [(cookie["name"], cookie["storage"]) for cookie in entry["cookies"]]
    assert len(names) == len(set(names))


def days(lifetime):
    period = Period.parse("P1D" if lifetime == "session" else lifetime)
    return period.years * 365 + period.months * 365 / 12 + period.weeks * 7 + period.days


@pytest.mark.parametrize("entry", ENTRIES, ids=slugs(ENTRIES))
def test_the_lifetime_of_an_entry_is_the_longest_of_its_cookies(entry):
    if entry["cookies"]:
        assert days(entry["lifetime"]) == max(days(cookie["lifetime"]) for cookie in entry["cookies"])
    else:
        assert entry["lifetime"] in {"", "session"}


def test_no_entry_stands_in_the_catalogue_twice():
    written = yaml.safe_load(catalogue.FILE.read_text(encoding="utf-8"))

    assert len(written) == len({entry["slug"] for entry in written}) == len({entry["name"] for entry in written})
    assert len(written) > 40


def test_no_host_takes_in_one_of_another_entry():
    pairs = [
        (one["slug"], host, other["slug"], narrow)
        for one, other in itertools.permutations(ENTRIES, 2)
        for host, narrow in itertools.product(one["hosts"], other["hosts"])
        if catalogue.takes_in(host, narrow)
        and other["slug"] not in one["shares"]
        and one["slug"] not in other["shares"]
    ]

    assert pairs == []


def test_no_host_takes_in_another_of_its_own_entry():
    for entry in ENTRIES:
        for wide, narrow in itertools.permutations(entry["hosts"], 2):
            assert not catalogue.takes_in(wide, narrow), (wide, narrow)


def test_entries_share_hosts_only_within_one_company():
    for entry in ENTRIES:
        for slug in entry["shares"]:
            assert catalogue.entry(slug)["company"] == entry["company"]


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("example.com", "example.com", True),
        ("example.com", "www.example.com", True),
        ("example.com", "www.example.com/maps", True),
        ("example.com/maps", "www.example.com/maps/embed", True),
        ("example.com/maps", "example.com", False),
        ("example.com/maps", "example.com/mail", False),
        ("www.example.com", "example.com", False),
        ("example.com", "anexample.com", False),
    ],
)
def test_a_host_takes_in_its_subdomains_and_what_its_path_begins(wide, narrow, expected):
    assert catalogue.takes_in(wide, narrow) is expected


def test_the_vendors_of_the_example_have_the_hosts_of_the_catalogue():
    vendors = yaml.safe_load(CONTENT.read_text(encoding="utf-8"))["cookie_vendors"]

    assert len(vendors) == 15
    assert {vendor["slug"]: vendor["hosts"] for vendor in vendors} == {
        vendor["slug"]: catalogue.entry(vendor["slug"])["hosts"] for vendor in vendors
    }
    # Its source names no cookies; staff add them after having seen them.
    assert not any("cookies" in vendor for vendor in vendors)


def test_an_entry_makes_a_vendor_with_its_cookies(db):
    entry = catalogue.entry("google-maps")

    vendor = CookieVendor.objects.create(category=CategoryFactory(), **catalogue.values_of(entry))
    for values in entry["cookies"]:
        vendor.cookies.create(**values)

    vendor.full_clean()
    assert "google.com/maps" in vendor.hosts.split()
    assert not catalogue.additions(vendor, entry)


def test_an_unknown_entry_is_an_error():
    with pytest.raises(KeyError):
        catalogue.entry("no-such-vendor")


# -- Which entry describes a vendor, and what it adds ---------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"slug": "hotjar", "name": "Recordings"}, "hotjar"),
        ({"slug": "recordings", "name": "HOTJAR"}, "hotjar"),
        ({"slug": "recordings", "name": "Recordings", "hosts": "cdn.example.com hotjar.com"}, "hotjar"),
        ({"slug": "vimeo", "name": "Hotjar", "hosts": "youtube.com"}, "vimeo"),
        ({"slug": "videos", "name": "Hotjar", "hosts": "youtube.com"}, "hotjar"),
        ({"slug": "recordings", "name": "Recordings", "hosts": "cdn.example.com"}, None),
        ({"slug": "recordings", "name": "Recordings"}, None),
    ],
)
def test_a_vendor_is_recognised_by_its_identifier_its_name_or_a_host(fields, expected):
    known = catalogue.entry_for(CookieVendor(**fields))

    assert (known and known["slug"]) == expected


def test_an_entry_adds_what_a_vendor_lacks(db):
    vendor = VendorFactory(slug="google-analytics", hosts="google-analytics.com")
    vendor.cookies.create(name="_ga", lifetime="P1Y")

    more = catalogue.additions(vendor, catalogue.entry("google-analytics"))

    assert more
    assert more.hosts == ["analytics.google.com", "googletagmanager.com/gtag"]
    assert more.signals == ["analytics_storage"]
    assert "_ga" not in [cookie["name"] for cookie in more.cookies]
    assert "_ga_*" in [cookie["name"] for cookie in more.cookies]
    assert more.values_of(vendor)["hosts"] == "google-analytics.com analytics.google.com googletagmanager.com/gtag"


def test_what_a_vendor_states_more_widely_is_not_lacking(db):
    vendor = VendorFactory(slug="mouseflow", hosts="com.example mouseflow.com")
    vendor.cookies.create(name="mf*", lifetime="P90D")

    assert not catalogue.additions(vendor, catalogue.entry("mouseflow"))


def test_a_name_in_another_kind_of_storage_is_lacking(db):
    vendor = VendorFactory(slug="mouseflow", hosts="mouseflow.com")
    vendor.cookies.create(name="mf_*", storage="local", lifetime="P90D")

    more = catalogue.additions(vendor, catalogue.entry("mouseflow"))

    assert [cookie["name"] for cookie in more.cookies] == ["mf_user", "mf_*"]


def test_a_namesake_of_an_entry_counts_before_others_that_it_describes(db):
    other = VendorFactory(slug="recordings", name="Hotjar")
    assert catalogue.stored([other]) == {"hotjar": other}

    namesake = VendorFactory(slug="hotjar")

    assert catalogue.stored([other, namesake]) == {"hotjar": namesake}
    assert catalogue.stored([namesake, other]) == {"hotjar": namesake}


# -- The list ----------------------------------------------------------------------------------------------


class Form(HTMLParser):
    """What a browser without scripts sends when somebody presses Save without typing."""

    def __init__(self, page):
        super().__init__()
        self.data, self.textarea, self.select = {}, None, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = {"value": ""} | dict(attributes)
        name, value = attributes.get("name"), attributes["value"]
        if tag == "textarea":
            self.textarea, self.data[name] = name, ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and "selected" in attributes:
            self.data[self.select] = value
        elif tag == "input" and name and attributes.get("type") not in {"submit", "button"}:
            if attributes.get("type") != "checkbox":
                self.data[name] = value
            elif "checked" in attributes:
                self.data.setdefault(name, []).append(attributes.get("value") or "on")

    def handle_endtag(self, tag):
        if tag == "textarea":
            self.textarea = None

    def handle_data(self, data):
        if self.textarea:
            # The line break that follows the tag is none of the value.
            self.data[self.textarea] += data.removeprefix("\r\n").removeprefix("\n")


def sent_from(page):
    return Form(page.text.split('id="cookievendor_form"')[1].split("</form>")[0]).data


def add_page(slug):
    return reverse("admin:policies_cookievendor_add", query={"catalogue": slug})


def change_page(vendor, **query):
    return reverse("admin:policies_cookievendor_change", args=[vendor.pk], query=query)


def test_the_list_of_vendors_leads_to_the_catalogue(client, staff, content):
    client.force_login(staff("editor"))

    page = client.get(reverse("admin:policies_cookievendor_changelist")).text

    assert reverse("admin:policies_cookievendor_catalogue") == LISTING
    assert f'href="{LISTING}"' in page
    assert client.get(LISTING).status_code == 200


def test_the_catalogue_offers_what_is_not_there_and_names_what_is(client, staff, content):
    client.force_login(staff("editor"))
    vendor = CookieVendor.objects.get(slug="hotjar")

    page = client.get(LISTING).text

    for entry in ENTRIES:
        is_offered = f'href="{add_page(entry["slug"])}"' in page
        assert is_offered is not CookieVendor.objects.filter(slug=entry["slug"]).exists()
    assert f'href="{change_page(vendor)}"' in page
    assert "Functional" in page
    assert "Malta" in page


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        ("google maps", ["google-maps"]),
        (" HOTJAR ", ["hotjar"]),
        ("twilio", ["segment"]),
        ("no such vendor", []),
    ],
)
def test_the_catalogue_is_searched_by_name_or_company(admin_client, db, sought, expected):
    response = admin_client.get(LISTING, {"q": sought})

    assert slugs(row["entry"] for row in response.context["rows"]) == expected
    assert f'value="{sought.strip()}"' in response.text


def test_a_search_is_shown_as_text(admin_client, db):
    assert "<b>x" not in admin_client.get(LISTING, {"q": '"><b>x'}).text


def test_the_catalogue_speaks_the_language_of_the_desk(admin_client, content):
    admin_client.cookies["django_language"] = "nl"

    page = admin_client.get(LISTING).text

    assert '<html lang="nl"' in page
    assert "Functioneel" in page
    assert "Verenigde Staten" in page


def test_the_catalogue_costs_the_same_queries_for_one_vendor_and_for_three(admin_client, db):
    def queries():
        admin_client.get(LISTING)
        with CaptureQueriesContext(connection) as captured:
            admin_client.get(LISTING)
        return len(captured)

    VendorFactory(slug="hotjar").cookies.create(name="_hjSession_*", lifetime="P1D")
    one = queries()
    VendorFactory(slug="segment").cookies.create(name="ajs_user_id", lifetime="P1Y")
    VendorFactory(slug="vimeo")

    assert queries() == one


def test_who_may_neither_add_nor_change_vendors_has_no_catalogue(client, staff, content):
    client.force_login(staff("auditor"))
    vendor = CookieVendor.objects.get(slug="hotjar")

    assert LISTING not in client.get(reverse("admin:policies_cookievendor_changelist")).text
    assert client.get(LISTING).status_code == 403
    assert client.get(add_page("google-maps")).status_code == 403
    for url in (change_page(vendor), change_page(vendor, catalogue="hotjar")):
        page = client.get(url)
        assert page.status_code == 200
        assert "The catalogue knows more" not in page.text
        assert "Nothing of it is saved yet" not in page.text
        assert "_hjSession" not in page.text


def test_who_may_change_vendors_but_add_none_sees_what_is_there(client, content, django_user_model):
    user = django_user_model.objects.create_user("eva", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["change_cookievendor", "view_cookievendor"]))
    client.force_login(user)

    page = client.get(LISTING).text

    assert f'href="{change_page(CookieVendor.objects.get(slug="hotjar"))}"' in page
    assert "?catalogue=" not in page


def test_the_catalogue_takes_nothing(admin_client, db):
    assert admin_client.post(LISTING, {"q": "maps"}).status_code == 405


# -- Adding ------------------------------------------------------------------------------------------------


def test_a_form_filled_in_from_the_catalogue_stores_nothing_until_it_is_sent(client, staff, content):
    client.force_login(staff("editor"))
    entry = catalogue.entry("google-maps")

    page = client.get(add_page("google-maps"))

    assert not CookieVendor.objects.filter(slug="google-maps").exists()
    assert "Nothing of it is saved yet" in page.text
    sent = sent_from(page)
    assert sent["slug"] == "google-maps"
    assert sent["name"] == "Google Maps"
    assert sent["country"] == "US"
    assert sent["purpose_en"] == entry["purpose"]["en"]
    assert sent["purpose_nl"] == entry["purpose"]["nl"]
    assert sent["hosts"].split() == entry["hosts"]
    assert sent["category"] == str(CookieCategory.objects.get(slug="marketing").pk)
    assert sent["cookies-0-name"] == "NID"
    assert sent["cookies-0-party"] == "third"
    assert sent["cookies-0-http_only"] == ["on"]


@pytest.mark.parametrize("slug", ["google-maps", "google-fonts", "posthog", "meta-pixel"])
def test_what_was_filled_in_is_stored_when_it_is_sent_as_it_was(client, staff, content, slug):
    client.force_login(staff("editor"))
    entry = catalogue.entry(slug)

    response = client.post(add_page(slug), sent_from(client.get(add_page(slug))))

    assert response.status_code == 302
    vendor = CookieVendor.objects.get(slug=slug)
    assert vendor.category.slug == entry["category"]
    expected = catalogue.values_of(entry)
    assert {name: getattr(vendor, name) for name in expected} == expected
    stored = vendor.cookies.values("name", "storage", "party", "lifetime", "http_only")
    assert list(stored) == entry["cookies"]
    assert vendor.history.count() == 1


def test_a_lifetime_that_the_catalogue_does_not_know_is_for_staff_to_state(client, staff, content):
    client.force_login(staff("editor"))
    sent = sent_from(client.get(add_page("paypal")))
    assert sent["lifetime"] == ""

    assert client.post(add_page("paypal"), sent).status_code == 200
    assert not CookieVendor.objects.filter(slug="paypal").exists()
    assert client.post(add_page("paypal"), sent | {"lifetime": "P3Y"}).status_code == 302
    assert CookieVendor.objects.get(slug="paypal").lifetime == "P3Y"


def test_a_cookie_that_staff_change_or_leave_out_is_stored_so(client, staff, content):
    client.force_login(staff("editor"))
    sent = sent_from(client.get(add_page("meta-pixel")))
    sent |= {"cookies-0-lifetime": "P1Y", "cookies-2-name": "", "cookies-2-lifetime": "", "cookies-2-party": "first"}
    del sent["cookies-2-http_only"]

    client.post(add_page("meta-pixel"), sent)

    stored = CookieVendor.objects.get(slug="meta-pixel").cookies.values_list("name", "lifetime")
    assert list(stored) == [("_fbp", "P1Y"), ("_fbc", "P90D")]


def test_a_form_with_a_mistake_comes_back_as_it_was_sent(client, staff, content):
    client.force_login(staff("editor"))
    sent = sent_from(client.get(add_page("meta-pixel"))) | {"name": "", "cookies-0-name": "_other"}

    page = client.post(add_page("meta-pixel"), sent)

    assert page.status_code == 200
    again = sent_from(page)
    assert again["name"] == ""
    assert again["cookies-0-name"] == "_other"
    assert again["cookies-TOTAL_FORMS"] == sent["cookies-TOTAL_FORMS"] == "3"


def test_where_the_company_has_no_such_category_staff_choose_one(admin_client, db):
    CategoryFactory(slug="statistics")

    sent = sent_from(admin_client.get(add_page("hotjar")))

    assert sent["category"] == ""
    assert sent["name"] == "Hotjar"


@pytest.mark.parametrize("slug", ["", "no-such-vendor"])
def test_an_entry_that_is_not_there_fills_in_nothing(admin_client, content, slug):
    page = admin_client.get(add_page(slug))

    assert page.status_code == 200
    assert "Nothing of it is saved yet" not in page.text
    assert sent_from(page)["name"] == ""


def test_the_ordinary_form_has_no_rows_of_the_catalogue(admin_client, content):
    page = admin_client.get(reverse("admin:policies_cookievendor_add"))

    assert sent_from(page)["cookies-TOTAL_FORMS"] == "0"
    assert "catalogue" not in page.text.lower()


# -- Completing --------------------------------------------------------------------------------------------


def test_the_page_of_a_vendor_says_what_the_catalogue_knows_more(client, staff, content):
    client.force_login(staff("editor"))
    vendor = CookieVendor.objects.get(slug="hotjar")
    CookieVendor.objects.filter(pk=vendor.pk).update(hosts="hotjar.com")

    page = client.get(change_page(vendor)).text

    panel = page.split("The catalogue knows more")[1].split("</section>")[0]
    assert "hotjar.io" in panel
    assert "hotjar.com" not in panel
    assert "_hjSessionUser_*" in panel
    assert 'href="?catalogue=hotjar"' in panel
    assert sent_from(client.get(change_page(vendor)))["hosts"] == "hotjar.com"


def test_a_vendor_that_lacks_nothing_has_no_such_panel(admin_client, db):
    complete = VendorFactory(slug="google-fonts", hosts="fonts.googleapis.com fonts.gstatic.com")
    unknown = VendorFactory(slug="our-own", name="Our own", hosts="static.example.com")

    for vendor in (complete, unknown):
        assert "The catalogue knows more" not in admin_client.get(change_page(vendor)).text


def test_additions_are_filled_in_beside_what_is_there_and_stored_when_sent(client, staff, content):
    client.force_login(staff("editor"))
    vendor = CookieVendor.objects.get(slug="google-analytics")
    vendor.hosts, vendor.signals = "google-analytics.com own.example.com", ""
    vendor.save()
    mine = vendor.cookies.create(name="_ga", lifetime="P1Y")
    url = change_page(vendor, catalogue="google-analytics")

    page = client.get(url)

    vendor.refresh_from_db()
    assert vendor.hosts == "google-analytics.com own.example.com"
    assert list(vendor.cookies.all()) == [mine]
    assert "Nothing of it is saved yet" in page.text
    assert "The catalogue knows more" not in page.text

    assert client.post(url, sent_from(page)).status_code == 302

    vendor.refresh_from_db()
    assert vendor.hosts.split() == [
        "google-analytics.com", "own.example.com", "analytics.google.com", "googletagmanager.com/gtag",
    ]  # fmt: skip
    assert vendor.signals == "analytics_storage"
    names = [cookie["name"] for cookie in catalogue.entry("google-analytics")["cookies"]]
    assert list(vendor.cookies.values_list("name", flat=True)) == names
    mine.refresh_from_db()
    assert mine.lifetime == "P1Y"
    assert not catalogue.additions(vendor, catalogue.entry("google-analytics"))


def test_what_staff_wrote_about_a_vendor_stays_as_it_is(client, staff, content):
    client.force_login(staff("editor"))
    vendor = CookieVendor.objects.get(slug="facebook-connect")
    before = {name: getattr(vendor, name) for name in ("name", "company", "purpose_nl", "lifetime", "category_id")}
    url = change_page(vendor, catalogue="facebook-connect")

    client.post(url, sent_from(client.get(url)))

    vendor.refresh_from_db()
    assert {name: getattr(vendor, name) for name in before} == before
    assert vendor.cookies.filter(name="fr", http_only=True).exists()


def test_only_a_cookie_can_be_out_of_reach_of_scripts(admin_client, content):
    sent = sent_from(admin_client.get(add_page("posthog")))
    sent |= {"cookies-0-storage": "local", "cookies-0-http_only": "on"}

    page = admin_client.post(add_page("posthog"), sent)

    assert page.status_code == 200
    assert "Only a cookie can be out of reach of scripts." in page.text
