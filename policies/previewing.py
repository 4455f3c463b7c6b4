"""A draft as visitors would read it, and links with which a colleague without an account sees it.

A link is signed and holds all there is to it: what it shows, who made it and until when. Nothing of
it is stored, and it opens no more than its maker could: once that account is closed or may no
longer submit, the link shows nothing. What it holds names nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, Signer
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from .groups import SUBMIT
from .models import Proposal
from .publishing import one_moment
from .reading import completed, read
from .rendering import LANGUAGES, parse
from .snapshot import compose

PAGES = ("statement", "summary")


class NoSuchLink(Exception):
    """We never made this link, or not all of it arrived."""


class LinkIsOver(Exception):
    """The link was good once; the message is for whoever has it."""


@dataclass(frozen=True)
class Link:
    """What a link shows, a proposal by its key or else the draft; the key of its maker; its end."""

    proposal: int | None
    maker: int
    until: datetime


def make_link(*, by: int, days: int, now: datetime, proposal: Proposal | None = None) -> str:
    """The token of a link that user ``by`` answers for: to ``proposal``, or to the draft as it is from time to time."""
    until = now + timedelta(days=days)
    return _signer().sign_object([proposal.pk if proposal else None, by, int(until.timestamp())])


def read_link(token: str, *, now: datetime) -> Link:
    """What ``token`` stands for, without asking the database. Raises NoSuchLink, LinkIsOver."""
    try:
        proposal, maker, until = _signer().unsign_object(token)
    except BadSignature as error:
        raise NoSuchLink from error
    link = Link(proposal, maker, datetime.fromtimestamp(until, UTC))
    if now >= link.until:
        raise LinkIsOver(_("This link has expired. Ask whoever sent it for a new one."))
    return link


def content_of(link: Link) -> dict[str, Any]:
    """What ``link`` shows now. Raises LinkIsOver."""
    maker = get_user_model().objects.filter(pk=link.maker, is_staff=True).first()
    if maker is None or not maker.has_perm(SUBMIT):
        raise LinkIsOver(_("This link is no longer valid. Ask whoever sent it for a new one."))
    if link.proposal is None:
        return content_of_draft()
    proposal = Proposal.objects.filter(pk=link.proposal).first()
    if proposal is None or not proposal.is_open:
        raise LinkIsOver(_("What this link showed has been published, or is no longer proposed."))
    return content_of_proposal(proposal)


def content_of_draft() -> dict[str, Any]:
    with one_moment():
        return compose()


def content_of_proposal(proposal: Proposal) -> dict[str, Any]:
    return completed(parse(proposal.content))


def addresses_of(token: str) -> dict[str, str]:
    """In each language, where the link leads to."""
    found = {}
    for language in LANGUAGES:
        with override(language):
            found[language] = reverse("draft_statement", args=[token])
    return found


def draw(content: dict[str, Any], page: str, language: str, address: Callable[[str, str], str]) -> str:
    """``page`` of a draft in ``language``: no banner, and marked as a draft on screen and on paper.

    It leads only to pages of the same draft; ``address`` of a language and a page says where they are.
    """
    text = read(content, language)
    other = next(code for code in LANGUAGES if code != language)
    context = {
        "language": language,
        "text": text,
        "sections": text["pages"][page],
        "page": page,
        "nav": {name: address(language, name) for name in PAGES},
        "counterpart": {"language": other, "url": address(other, page)},
    }
    with override(language):
        return render_to_string(f"policies/draft_{page}.html", context)


def _signer() -> Signer:
    # A full stop needs no escape in an address.
    return Signer(salt="policies.previewing", sep=".")
