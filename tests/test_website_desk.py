"""The desk of a web site: its settings, what to paste into its pages, and the preview of its banner."""

import base64
import hashlib
import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consent import desk
from consent.models import Banner, ConsentRecord
from policies.admin import WebsiteAdmin
from policies.models import CookieCategory, CookieVendor, Website
from policies.rendering import look_again

from .arriving import refusal
from .test_admin import form_data

ORIGIN = "http://localhost"


def change_page(slug="website"):
    return reverse("admin:policies_website_change", args=[Website.objects.get(slug=slug).pk])


def preview(slug="website", language=None):
    pk = Website.objects.get(slug=slug).pk
    if language is None:
        return reverse("admin:policies_website_preview", args=[pk])
    return reverse("admin:policies_website_preview_page", args=[pk, language])


def pasted(page, label):
    """What the box with this label holds, as somebody would copy it; None where there is no box."""
    found = re.search(
        rf'<textarea class="desk-code"[^>]*aria-labelledby="embedding-{label}">(.*?)</textarea>', page, re.S
    )
    return html.unescape(found[1]) if found else None


def script_of(page):
    """Address of the banner on a preview page."""
    return re.search(r'<script src="([^"]+)" async></script>', page)[1]


def config_of(served):
    """Which banner these bytes are."""
    config = served.decode()
    config = config[config.rindex('({website:"') :]
    named = {name: re.search(rf'[{{,]{name}:"?([^",}}]+)', config)[1] for name in ("website", "version", "details")}
    return named | {"all": config}


@pytest.fixture
def at(client, staff):
    """The desk for somebody of a group."""

    def sign_in(group):
        client.force_login(staff(group))
        return client

    return sign_in


@pytest.fixture
def editor(at):
    return at("editor")


# -- Settings ------------------------------------------------------------------------------------


def test_the_desk_that_knows_the_banner_stands_in_the_place_of_the_one_below(db):
    model_admin = admin.site.get_model_admin(Website)

    assert type(model_admin).__module__ == "consent.admin"
    assert isinstance(model_admin, WebsiteAdmin)


def test_every_setting_of_a_web_site_can_be_changed(editor, published):
    data = form_data(editor, change_page()) | {
        "consent_months": "12",
        "shared_domain": "pro4all.nl",
        "position": "bottom",
        "background": "#ffffff",
        "foreground": "#1b1f24",
        "accent": "#0a5ca8",
        "radius": "4",
        "fonts": "Inter, sans-serif",
    }

    assert editor.post(change_page(), data).status_code == 302

    website = Website.objects.get(slug="website")
    assert (website.consent_months, website.shared_domain, website.position) == (12, "pro4all.nl", "bottom")
    assert (website.background, website.foreground, website.accent) == ("#ffffff", "#1b1f24", "#0a5ca8")
    assert (website.radius, website.fonts) == (4, "Inter, sans-serif")


def test_the_form_says_what_contrast_colours_need_and_refuses_less(editor, published):
    assert "4.5 to 1" in editor.get(change_page()).text
    data = form_data(editor, change_page()) | {"background": "#ffffff", "foreground": "#dddddd"}

    response = editor.post(change_page(), data)

    assert "people need at least 4.5" in str(response.context["adminform"].form.errors["foreground"])
    assert Website.objects.get(slug="website").background == ""


def origin_errors(response):
    (formset,) = (one.formset for one in response.context["inline_admin_formsets"])
    return [form.errors.get("origin", []) for form in formset.forms]


def test_an_origin_outside_the_domain_that_is_to_share_a_choice_is_refused_where_it_stands(editor, published):
    data = form_data(editor, change_page()) | {"shared_domain": "example.nl"}

    response = editor.post(change_page(), data)

    assert origin_errors(response) == [["This lies outside example.nl, which is to share one choice."]]
    assert Website.objects.get(slug="website").shared_domain == ""


def test_an_origin_that_is_being_removed_need_not_lie_inside_the_domain(editor, published):
    data = form_data(editor, change_page()) | {
        "shared_domain": "example.nl",
        "origins-TOTAL_FORMS": "2",
        "origins-0-DELETE": "on",
        "origins-1-origin": "https://*.example.nl",
        "origins-1-website": str(Website.objects.get(slug="website").pk),
    }

    assert editor.post(change_page(), data).status_code == 302

    website = Website.objects.get(slug="website")
    assert website.shared_domain == "example.nl"
    assert [row.origin for row in website.origins.all()] == ["https://*.example.nl"]


def test_a_new_web_site_is_held_to_the_same(editor, published):
    address = reverse("admin:policies_website_add")
    data = form_data(editor, address) | {
        "slug": "shop",
        "name_en": "Shop",
        "banner_title_en": "Cookies",
        "banner_text_en": "May we?",
        "shared_domain": "example.nl",
        "origins-TOTAL_FORMS": "2",
        "origins-0-origin": "https://shop.example.nl",
        "origins-1-origin": "https://example.com",
    }

    response = editor.post(address, data)

    assert origin_errors(response) == [[], ["This lies outside example.nl, which is to share one choice."]]
    assert editor.post(address, data | {"origins-1-origin": "https://example.nl"}).status_code == 302
    assert Website.objects.get(slug="shop").origins.count() == 2


# -- What to paste -------------------------------------------------------------------------------


def test_the_page_of_a_web_site_shows_its_tag(editor, published):
    page = editor.get(change_page()).text

    assert pasted(page, "tag") == f'<script src="{ORIGIN}/embed/website.js" async></script>'
    assert f"<code>connect-src {ORIGIN}</code>" in page
    assert "is not in force" not in page


def test_the_pinned_tag_names_exactly_the_bytes_that_are_served_for_ever(editor, published):
    tag = pasted(editor.get(change_page()).text, "pinned")

    source, integrity = re.fullmatch(
        rf'<script src="{ORIGIN}(/embed/website\.[0-9a-f]{{64}}\.js)" integrity="(sha384-[^"]+)" '
        r'crossorigin="anonymous" async></script>',
        tag,
    ).groups()
    served = editor.get(source)
    assert served.content == editor.get("/embed/website.js").content
    assert integrity == "sha384-" + base64.b64encode(hashlib.sha384(served.content).digest()).decode()
    assert "immutable" in served["Cache-Control"]
    assert served["Access-Control-Allow-Origin"] == "*"


def test_a_publication_that_changes_the_site_gives_another_pinned_tag_and_the_old_one_stays(editor, published, publish):
    before = pasted(editor.get(change_page()).text, "pinned")
    Website.objects.filter(slug="website").update(banner_text_en="Asked otherwise.")
    assert pasted(editor.get(change_page()).text, "pinned") == before, "a draft changes nothing"
    publish()

    page = editor.get(change_page()).text

    assert pasted(page, "pinned") != before
    assert "pinned to version 2" in page
    old = editor.get(re.search(r"/embed/[^\"]+", before)[0])
    assert config_of(old.content)["version"] == "1"


def test_before_anything_is_published_it_says_that_the_tag_brings_nothing(editor, content):
    page = editor.get(change_page()).text

    assert "The banner is not in force" in page
    assert pasted(page, "tag") == f'<script src="{ORIGIN}/embed/website.js" async></script>'
    assert pasted(page, "pinned") is None
    assert pasted(page, "defaults") is None


def test_so_it_does_for_a_web_site_that_is_in_no_version_yet_or_not_in_force_yet(editor, published, publish):
    data = {"slug": "shop", "name_en": "Shop", "name_nl": "Winkel", "banner_title_en": "C", "banner_title_nl": "C"}
    Website.objects.create(**data, banner_text_en="May we?", banner_text_nl="Mogen wij?")
    assert "The banner is not in force" in editor.get(change_page("shop")).text

    publish(effective_at=timezone.now() + timedelta(minutes=40))
    assert "The banner is not in force" in editor.get(change_page("shop")).text

    # Before the session of the editor has ended.
    with time_machine.travel(timezone.now() + timedelta(minutes=50)):
        look_again()
        assert "pinned to version 2" in editor.get(change_page("shop")).text


def test_a_form_for_a_new_web_site_shows_no_tag(editor, published):
    assert "desk-code" not in editor.get(reverse("admin:policies_website_add")).text


def test_auditors_see_the_tag_and_the_preview_too(at, published):
    auditor = at("auditor")

    page = auditor.get(change_page()).text

    assert pasted(page, "tag")
    assert f'href="{preview()}"' in page
    assert 'name="_save"' not in page
    assert auditor.get(preview()).status_code == auditor.get(preview(language="nl")).status_code == 200


def test_whoever_may_not_see_web_sites_sees_no_preview_either(client, published, django_user_model):
    client.force_login(django_user_model.objects.create_user("guest", password="a long password", is_staff=True))
    assert [client.get(address).status_code for address in (preview(), preview(language="en"))] == [404, 404]

    client.logout()
    for address in (preview(), preview(language="en")):
        assert client.get(address).url.startswith(reverse("admin:login"))


# -- The stub for the tags of others -------------------------------------------------------------


def signals(category="", vendor=""):
    """Let one category and one vendor send these, and nobody else anything."""
    CookieCategory.objects.update(signals="")
    CookieVendor.objects.update(signals="")
    CookieCategory.objects.filter(slug="analytical").update(signals=category)
    CookieVendor.objects.filter(slug="linkedin-ads").update(signals=vendor)


@pytest.mark.parametrize(
    ("category", "vendor", "expected"),
    [
        ("analytics_storage", "", ["gtag"]),
        ("", "ad_storage", ["gtag"]),
        ("", "uet:ad_storage", ["uetq"]),
        ("clarity:analytics_Storage", "uet:ad_storage", ["uetq", "clarity"]),
        ("analytics_storage clarity:analytics_Storage", "uet:ad_storage", ["gtag", "uetq", "clarity"]),
    ],
)
def test_defaults_are_shown_for_the_tags_that_the_site_sends_signals_to(
    editor, published, publish, category, vendor, expected
):
    signals(category, vendor)
    publish()

    page = editor.get(change_page()).text

    stub = pasted(page, "defaults")
    assert [name for name in ("gtag", "uetq", "clarity") if name in stub] == expected
    inline = stub.removeprefix("<script>").removesuffix("</script>")
    assert f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'" in html.unescape(page)


def test_where_the_site_sends_no_signals_there_is_nothing_to_paste_above_the_tag(editor, published, publish):
    signals()
    publish()

    page = editor.get(change_page()).text

    assert pasted(page, "defaults") is None
    assert f"<code>script-src {ORIGIN}</code>" in page


def test_signals_of_vendors_on_other_sites_do_not_count(editor, published, publish):
    signals(vendor="uet:ad_storage")
    CookieVendor.objects.get(slug="linkedin-ads").websites.set([Website.objects.get(slug="prostream")])
    publish()

    assert pasted(editor.get(change_page()).text, "defaults") is None
    assert "uetq" in pasted(editor.get(change_page("prostream")).text, "defaults")


def test_developers_read_the_same_defaults_in_their_document():
    _about, *parts = desk.DEFAULTS.read_text().strip().split("\n\n")
    document = (settings.BASE_DIR / "docs" / "developer.md").read_text()

    assert [part.split(":")[0] for part in parts] == ["// gtag", "// uet", "// clarity"]
    assert "```js\n" + "\n\n".join(parts) + "\n```" in document


# -- The preview ---------------------------------------------------------------------------------


def test_the_preview_shows_both_languages_narrow_and_wide(editor, published):
    assert f'href="{preview()}"' in editor.get(change_page()).text

    page = editor.get(preview()).text

    frames = re.findall(r'<iframe src="([^"]+)" title="([^"]+)" sandbox="allow-scripts"></iframe>', page)
    assert frames == [
        (preview(language="en"), "English, narrow"),
        (preview(language="nl"), "Dutch, narrow"),
        (preview(language="en"), "English, wide"),
        (preview(language="nl"), "Dutch, wide"),
    ]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_preview_page_is_cut_off_from_everything(editor, published, language):
    response = editor.get(preview(language=language))

    policy = dict(part.split(" ", 1) for part in response["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "http://testserver/embed/preview/",
        "style-src": "http://testserver",
        "frame-ancestors": "http://testserver",
        "base-uri": "'none'",
        "form-action": "'none'",
        "sandbox": "allow-scripts",
    }
    assert "no-store" in response["Cache-Control"]
    assert f'<html lang="{language}">' in response.text
    assert response["Content-Language"] == language


def test_it_is_the_banner_of_the_draft_and_needs_no_session(editor, client, published):
    Website.objects.filter(slug="website").update(banner_text_en="Asked otherwise.", position="centre", radius=7)
    address = script_of(editor.get(preview(language="en")).text)
    client.logout()

    response = client.get(address)

    config = config_of(response.content)
    assert 'text:["Asked otherwise."' in config["all"]
    assert "--privacy-consent-radius,7px" in config["all"]
    assert config["version"] == "2"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["Cache-Control"] == "no-store"
    assert "Asked otherwise." not in client.get("/embed/website.js").text


def test_its_second_file_is_where_the_first_one_looks_for_it(editor, client, published):
    CookieVendor.objects.filter(slug="hotjar").update(name="Otherjar")
    address = script_of(editor.get(preview(language="en")).text)
    config = config_of(client.get(address).content)

    response = client.get(f"/embed/{config['website']}.{config['details']}.js")

    assert hashlib.sha256(response.content).hexdigest() == config["details"]
    assert "Otherjar" in response.text


def test_a_second_file_that_the_draft_no_longer_has_is_not_there(editor, client, published):
    address = script_of(editor.get(preview(language="en")).text)
    config = config_of(client.get(address).content)
    CookieVendor.objects.filter(slug="hotjar").update(name="Otherjar")

    assert client.get(f"/embed/{config['website']}.{config['details']}.js").status_code == 404
    assert client.get(f"/embed/{config['website']}.{'0' * 64}.js").status_code == 404


def test_nothing_of_a_draft_can_be_had_without_the_token(editor, client, published):
    address = script_of(editor.get(preview(language="en")).text)
    config = config_of(client.get(address).content)
    slug, moment, signature = address.removeprefix("/embed/preview/").removesuffix(".js").split(".")

    for wrong in (
        "/embed/preview/website.js",
        f"/embed/preview/prostream.{moment}.{signature}.js",
        f"/embed/preview/{slug}.{moment}0.{signature}.js",
        f"/embed/preview/{slug}.{moment}.{'A' * len(signature)}.js",
        f"/embed/preview/{slug}.{moment}.{'A' * len(signature)}.{config['details']}.js",
    ):
        assert client.get(wrong).status_code == 404, wrong


def test_the_details_of_a_draft_are_at_no_address_of_visitors(editor, client, published):
    CookieVendor.objects.filter(slug="hotjar").update(name="Otherjar")
    config = config_of(client.get(script_of(editor.get(preview(language="en")).text)).content)

    assert client.get(f"/embed/website.{config['details']}.js").status_code == 404
    assert "Otherjar" not in client.get("/embed/website.js").text


def test_a_token_ends_after_ten_minutes(editor, client, published):
    address = script_of(editor.get(preview(language="en")).text)

    with time_machine.travel(timezone.now() + timedelta(minutes=9)):
        assert client.get(address).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.get(address).status_code == 404


def test_a_preview_leaves_nothing_in_the_evidence_and_no_choice_under_it_can_be_recorded(editor, client, published):
    client.get("/embed/website.js")
    kept = set(Banner.objects.values_list("digest", flat=True))
    served = client.get(script_of(editor.get(preview(language="en")).text)).content
    config = config_of(served)
    answer = refusal(
        served.splitlines()[-1].decode().strip('();"'),
        website=config["website"],
        version=int(config["version"]),
        language="en",
    )

    for website in (config["website"], "website"):
        response = client.post(
            "/consent/",
            answer | {"website": website},
            content_type="application/json",
            headers={"origin": "https://www.pro4all.nl"},
        )
        assert response.status_code == 400
        assert "banner" in response.json()["errors"]

    assert set(Banner.objects.values_list("digest", flat=True)) == kept
    assert not ConsentRecord.objects.exists()


def test_a_draft_can_be_looked_at_before_anything_is_published_and_with_texts_missing(editor, content):
    Website.objects.filter(slug="website").update(banner_title_nl="")

    page = editor.get(preview(language="nl")).text

    config = config_of(editor.get(script_of(page)).content)
    assert 'title:["Cookies on our website",""]' in config["all"]
    assert config["version"] == "1"


def test_the_page_holds_back_something_of_a_vendor_of_that_site(editor, published):
    assert 'data-consent-vendor="' in editor.get(preview(language="en")).text

    CookieVendor.objects.filter(category__needs_consent=True).delete()

    assert 'data-consent-vendor="' not in editor.get(preview(language="en")).text


def test_addresses_that_mean_nothing_are_not_there(editor, published):
    assert editor.get(preview(language="en").replace("/en/", "/de/")).status_code == 404
    assert editor.get(reverse("admin:policies_website_preview", args=[99999])).status_code == 404
    assert editor.post(preview()).status_code == 405


def test_the_page_asks_the_database_no_more_for_more_origins(editor, published):
    def queries():
        editor.get(change_page())
        with CaptureQueriesContext(connection) as captured:
            assert editor.get(change_page()).status_code == 200
        return len(captured)

    before = queries()
    website = Website.objects.get(slug="website")
    for number in range(3):
        website.origins.create(origin=f"https://{number}.pro4all.nl")

    assert queries() == before
