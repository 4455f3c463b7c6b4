"""Whatever staff type, in whichever field: visitors and colleagues read it, and no browser runs it.

The fields are those that the models have, so that one which is added is tried at once. What a field refuses
is no danger; everything else is published, and a browser's own parser says what came of it.
"""

import io
import itertools
import json

import pikepdf
import pytest
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from consent.models import Banner, ConsentRecord
from consent.recording import new_id
from policies.models import StatementPdf, StatementVersion
from retention.append_only import AppendOnlyModel

from .test_headers import addresses

PAYLOADS = [
    "<script>hostile()</script>",
    '"><img src=x onerror=hostile()>',
    "' onmouseover='hostile()' x='",
    "</script><script>hostile()//",
    "<x-hostile onclick=hostile()>",
    "[x](javascript:hostile())",
    "[x](data:text/html,<script>hostile()</script>)",
    "<!--hostile--><!-- <style>hostile",
    "</textarea></title></style><svg onload=hostile()>",
    "\u202ehostile\u2066 {{ 7*7 }} {% hostile %} %(hostile)s {hostile}",
    "<a href=javascript:hostile()>x</a> <javascript:hostile()>",
    "![x](x) # `hostile` <iframe srcdoc='<script>hostile()</script>'>",
]
# Written by acts, at the desk: never by hand.
NOT_TYPED = {"policies.proposal", "policies.waiver", "retention.rununderway"}
# What the browser finds that only a payload can have put there.
LOOK = """html => {
  const page = html === null ? document : new DOMParser().parseFromString(html, "text/html"), found = [];
  const nodes = page.createNodeIterator(page, NodeFilter.SHOW_COMMENT);
  for (let node; (node = nodes.nextNode());) if (node.data.includes("hostile")) found.push(`comment ${node.data}`);
  for (const element of page.querySelectorAll("*")) {
    const tag = element.localName;
    if (tag.includes("hostile") || element.getAttribute("src") === "x") found.push(tag);
    if (["script", "style", "title"].includes(tag) && tag !== "title" && element.textContent.includes("hostile"))
      found.push(`${tag}: ${element.textContent}`);
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || name.includes("hostile") || ["style", "srcdoc"].includes(name))
        found.push(`${tag} ${name}`);
      const isAddress = ["href", "src", "action", "formaction", "data"].includes(name);
      if (isAddress && /^\\s*(javascript|data|vbscript):/i.test(value))
        found.push(`${tag} ${name}=${value}`);
    }
  }
  return found;
}"""


def typed():
    """Every text field that staff fill in: ``(model, field)``."""
    for app in ("retention", "policies"):
        for model in apps.get_app_config(app).get_models():
            is_history = hasattr(model, "history_object") or model.__name__.startswith("Historical")
            if is_history or issubclass(model, AppendOnlyModel) or model._meta.label_lower in NOT_TYPED:
                continue
            for field in model._meta.concrete_fields:
                if isinstance(field, models.CharField | models.TextField) and not field.choices and field.editable:
                    yield model, field


def fill_in():
    """A payload in every field of every row; the fields that took none, as ``{"model.field", …}``."""
    payloads = itertools.cycle(PAYLOADS)
    took, refused = set(), set()
    for model, field in typed():
        name = f"{model._meta.label_lower}.{field.name}"
        for row in model._base_manager.all():
            # What does not fit is no text of that field; the next payload may be shorter.
            text = next(
                payload for payload in payloads if len(payload) <= (field.max_length or 10**6) or field.max_length < 26
            )
            try:
                field.clean(text, row)
                setattr(row, field.name, text)
                row.clean()
                with transaction.atomic():
                    model._base_manager.filter(pk=row.pk).update(**{field.name: text})
                took.add(name)
            except (ValidationError, IntegrityError):
                refused.add(name)
    return took, refused - took


@pytest.fixture
def hostile(published, publish):
    """The example content with a payload in every field, published as version 2."""
    took, refused = fill_in()
    assert len(took) > 100
    texts = {"en": PAYLOADS[0], "nl": PAYLOADS[1]}
    publish(by="<script>hostile()</script>", change_summary=texts)
    assert StatementVersion.objects.count() == 2
    return took, refused


def test_every_field_for_free_text_has_been_tried(published):
    """Else the tests below would prove less the more a validator refuses."""
    took, _refused = fill_in()
    free = {
        f"{m._meta.label_lower}.{f.name}" for m, f in typed() if isinstance(f, models.TextField) and m.objects.exists()
    }

    assert free - took == set()


def visitor_addresses():
    for language in ("en", "nl"):
        with override(language):
            for name in ("summary", "statement", "versions", "cookies", "my_choice"):
                yield reverse(name)
            for number in (1, 2):
                yield reverse("version", args=[number])
                yield reverse("changes", args=[number])
            yield f"/{language}/<script>hostile()</script>/"
    yield from ("/statement.json", "/statement.jsonld", "/embed/website.js", "/sitemap.xml", "/robots.txt")
    yield from ("/.well-known/gpc.json", "/embed/<script>hostile()<.js", "/consent/<script>hostile()/")


@pytest.mark.browser
def test_no_page_of_visitors_or_staff_has_anything_of_it_as_markup(hostile, client, admin_client, browser_page):
    """Each page as a browser parses it, those of the desk too."""
    found, texts = {}, 0
    pages = [(client, address) for address in visitor_addresses()]
    desk = [address for address in addresses() if address.startswith("/admin/")]
    # The pages of rows: whatever is first in each list.
    for model in admin.site._registry:
        if (row := model._base_manager.first()) is not None:
            desk.append(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]))
    pages += [(admin_client, address) for address in dict.fromkeys(desk)]
    for who, address in pages:
        response = who.get(address)
        assert response.status_code < 500, address
        if not response.get("Content-Type", "").startswith("text/html") or response.streaming:
            continue
        texts += "hostile" in response.text
        if wrong := browser_page.evaluate(LOOK, response.text):
            found[address] = wrong

    assert found == {}
    assert texts > 40  # so they do stand there, as text


@pytest.mark.browser
def test_the_parser_would_see_it(browser_page):
    """Each payload as a page that escapes nothing would have it."""
    for text in PAYLOADS:
        if "<" in text and "](" not in text:
            page = f"<p title='{text}'>{text}<textarea>{text}</textarea></p><input value=\"{text}\">"
            assert browser_page.evaluate(LOOK, page), text


@pytest.mark.browser
def test_nothing_of_it_runs_where_visitors_are_asked(site, content_live, browser_page):
    """The cookies page with the banner, its second layer and the preferences, as a visitor opens them."""
    called = []
    browser_page.expose_function("hostile", lambda: called.append(1))
    for path in ("/en/cookies/", "/nl/cookies/", "/nl/verklaring/"):
        browser_page.goto(site + path)
        browser_page.evaluate("window.privacyConsent.open()")
        browser_page.wait_for_function("document.body.textContent.split('hostile').length > 20")
        browser_page.wait_for_load_state("networkidle")

        assert browser_page.evaluate(LOOK, None) == []
    assert called == []


@pytest.fixture
def content_live(site, published, publish):
    fill_in()
    publish(change_summary={"en": PAYLOADS[0], "nl": PAYLOADS[1]})


def test_what_machines_read_is_data(hostile, client):
    document = json.loads(client.get("/statement.json").content)
    described = json.loads(client.get("/statement.jsonld").content)
    for address in ("/statement.json", "/statement.jsonld", "/embed/website.js"):
        response = client.get(address)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert not response["Content-Type"].startswith("text/html")
    assert "hostile" in str(document)
    assert "hostile" in str(described)
    # A page of its own could never be closed by a text: it is no part of one.
    assert "</script" not in client.get("/embed/website.js").text.lower()


def test_the_pdf_leads_nowhere_but_to_addresses(hostile):
    for pdf in StatementPdf.objects.filter(version__number=2):
        with pikepdf.open(io.BytesIO(bytes(pdf.body))) as document:
            assert "/JavaScript" not in document.Root.get("/Names", {})
            assert "/OpenAction" not in document.Root
            for page in document.pages:
                for link in page.get("/Annots", []):
                    address = str(link.get("/A", {}).get("/URI", ""))
                    assert address == "" or address.startswith(("https://", "mailto:", "tel:")), address


def test_a_receipt_is_data_whatever_its_statement_says(hostile, client):
    client.get("/en/cookies/")
    client.get("/embed/website.js")
    banner = Banner.objects.get(website="website", kind="script", version_id=2)
    choices = {"analytical": True, "marketing": False}
    choice = {
        "id": str(new_id(timezone.now())), "subject": "5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11", "website": "website",
        "version": 2, "banner": banner.digest, "language": "nl", "gpc": False, "action": "save", "choices": choices,
        "decided_at": timezone.now().isoformat(),
    }  # fmt: skip
    response = Client().post(
        "/consent/", json.dumps(choice), content_type="application/json", headers={"origin": "http://localhost"}
    )
    assert response.status_code == 201, response.text
    assert ConsentRecord.objects.count() == 1
    receipt = client.get(response["Location"])
    assert receipt["Content-Type"] == "application/ld+json"
    assert "hostile" in str(json.loads(receipt.content))
