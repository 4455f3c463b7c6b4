"""What a draft needs so that it can be published at all. None of this can be waived.

Texts in one language alone, missing parts, and settings of a web site with which its banner
could not work.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from retention.languages import in_both

from ..reading import home_website
from ..validators import check_contrast
from . import Fault, Place, Subject, name_of, rule

DESIGN = "Art. 12(1) GDPR"

# Texts without which their entry says nothing; all others may be empty, in both languages.
REQUIRED = {
    "name", "title", "heading", "description", "wording", "banner_title", "banner_text",
    "statement_title", "summary_title", "purpose",
}  # fmt: skip


@rule("S1", DESIGN, is_waivable=False)
def has_its_parts(subject: Subject) -> Iterator[Fault]:
    content = subject.content
    if content["controller"] is None:
        yield Fault(("controller",), _("Fill in the controller: who is responsible for the processing?"))
    if not content["purposes"]:
        yield Fault(("purposes",), _("Add at least one processing purpose."))
    if not content["pages"]["statement"]:
        yield Fault(("pages", "statement"), _("Add at least one section to the statement."))
    if not content["pages"]["summary"]:
        yield Fault(("pages", "summary"), _("Add at least one section to the summary."))
    for page, sections in content["pages"].items():
        for section in sections:
            if section["part"] == "text" and not any(section["text"].values()):
                yield Fault(
                    ("pages", page, section["slug"], "text"),
                    _("This section is free text but has none. Write it, or take the section away."),
                )
    if home_website(content) is None:
        yield Fault(("websites",), _("Mark the web site to which the pages of the statement belong."))


@rule("S2", DESIGN, is_waivable=False)
def exists_in_both_languages(subject: Subject) -> Iterator[Fault]:
    """No fallback: a visitor never reads the other language."""
    for place, text in subject.texts:
        missing = {language for language, said in text.items() if not said.strip()}
        is_required = place[-1] in REQUIRED or (place[0], place[-1]) == ("rights", "explanation")
        if not missing or (len(missing) == len(text) and not is_required):
            continue
        if "en" in missing:
            yield Fault(place, _("The English text is missing. Write it, next to the Dutch."))
        if "nl" in missing:
            yield Fault(place, _("The Dutch text is missing. Write it, next to the English."))


def addresses(website: dict[str, Any]) -> list[str]:
    """Where the banner of ``website`` runs: its origins, and our own pages if they belong to it."""
    return [*website["origins"], *([settings.PUBLIC_URL] if website["hosts_statement"] else [])]


@rule("S3", "RFC 6265, 5.3", is_waivable=False)
def shared_domain_holds_the_choice(subject: Subject) -> Iterator[Fault]:
    for website in subject.content["websites"]:
        domain = website["shared_domain"]
        place: Place = ("websites", website["slug"], "shared_domain")
        # A browser refuses a cookie for a domain that the page is not in, so the choice would be lost.
        for origin in website["origins"] if domain else []:
            if not is_within(origin, domain):
                yield Fault(
                    place,
                    _("%(origin)s lies outside %(domain)s, which is to share one choice."),
                    {"origin": origin, "domain": domain},
                )
        # Its banner would find the cookie of this site, later than its own, and take it for no answer.
        for other in subject.content["websites"] if domain else []:
            if other is not website and any(is_within(origin, domain) for origin in addresses(other)):
                yield Fault(
                    place,
                    _(
                        "The choice is shared on %(domain)s, where “%(other)s” lies as well. "
                        "Take a narrower domain, or make one web site of the two."
                    ),
                    {"domain": domain, "other": name_of(other)},
                )


@rule("S4", "Art. 11.7a Telecommunicatiewet", is_waivable=False)
def holds_back_vendors_not_the_site(subject: Subject) -> Iterator[Fault]:
    for website in subject.content["websites"]:
        asked = [category for category in website["categories"] if category["needs_consent"]]
        members = {slug for category in asked for slug in category["vendors"]}
        for vendor in subject.content["cookie_vendors"]:
            for host in vendor["hosts"] if vendor["slug"] in members else []:
                if any(is_within(origin, host) for origin in addresses(website)):
                    yield Fault(
                        ("cookie_vendors", vendor["slug"], "hosts"),
                        _(
                            "The host %(host)s is that of “%(website)s” itself, whose own scripts would be held "
                            "back. Add the beginning of the path, such as %(host)s/matomo."
                        ),
                        {"host": host, "website": name_of(website)},
                    )


@rule("S5", "WCAG 1.4.3, 1.4.11", is_waivable=False)
def banner_can_be_read(subject: Subject) -> Iterator[Fault]:
    for website in subject.content["websites"]:
        looks = website["looks"]
        try:
            check_contrast(**{name: looks[name] for name in ("background", "foreground", "accent")})
        except ValidationError as error:
            yield Fault(
                ("websites", website["slug"], "accent" if error.code == "accent" else "foreground"),
                "%(problem)s",
                {"problem": in_both(lambda _language, error=error: " ".join(error.messages))},
            )


def is_within(origin: str, domain: str) -> bool:
    """Whether ``origin``, or all that its asterisk stands for, is ``domain`` or below it."""
    host = (urlsplit(origin).hostname or "").removeprefix("*.")
    return host == domain or host.endswith(f".{domain}")
