"""Freezing a draft as the next version of the statement."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from retention.coverage import known_targets

from . import rendering
from .asking import (
    AskedAgain,
    Categories,
    Shorter,
    add_to_asked,
    could_also_ask,
    problems_of_asking,
    settle_fingerprints,
    shorter_choices,
)
from .models import Proposal, StatementPdf, StatementVersion, Waiver
from .pdf import make_pdf
from .reading import completed
from .review import Finding, review
from .review.gathering import gather
from .review.places import in_words
from .snapshot import canonical, sha256

logger = logging.getLogger(__name__)

FORMAT = 1


class NotPublishable(Exception):
    """The draft may not be published; ``problems`` says why, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Draft:
    """The rows as they are now, beside the version that was published last.

    ``digest`` is of the content and of the waivers: whoever looks at a draft hands it back when
    submitting or publishing, so that nothing goes on that was not seen. ``before`` is the content of
    the latest version as its release wrote it, ``findings`` what the review has to say, ``waivers``
    all that were given, needed or not.
    """

    content: dict[str, Any]
    digest: str
    latest: StatementVersion | None
    before: dict[str, Any] | None
    findings: list[Finding]
    waivers: list[Waiver]
    asks_again: AskedAgain

    @property
    def blocking(self) -> list[Finding]:
        """Errors that nobody has waived."""
        return [finding for finding in self.findings if finding.blocks]

    @property
    def problems(self) -> list[str]:
        """What stands in the way, a sentence each, in the language that is active."""
        return [
            _("%(place)s: %(sentence)s") % {"place": in_words(finding.place, self.content), "sentence": finding}
            for finding in self.blocking
        ]

    @property
    def review(self) -> str:
        """The findings as a version keeps them: canonical JSON."""
        return canonical({"findings": [finding.frozen() for finding in self.findings]})

    @property
    def is_changed(self) -> bool:
        return self.before is None or completed(self.before) != self.content

    @property
    def could_also_ask(self) -> Categories:
        """What a publisher may have asked again beside ``asks_again``."""
        return could_also_ask(self.content, self.before, self.asks_again)

    @property
    def shorter_choices(self) -> dict[str, Shorter]:
        """Web sites where visitors are asked again because their choice holds less long."""
        return shorter_choices(self.content, self.before)

    @property
    def previous(self) -> str:
        """The digest of the version that this one would follow; empty for the first."""
        return self.latest.digest if self.latest else ""


def look_at_draft() -> Draft:
    """What would be published now, and what stands in its way."""
    with one_moment():
        latest = StatementVersion.objects.first()
        before = rendering.parse(latest.document)["content"] if latest else None
        subject = gather(before=before, now=timezone.now(), targets=known_targets())
        waivers = list(Waiver.objects.all())
    content = subject.content
    again = settle_fingerprints(content, before, latest.digest if latest else "")
    findings = review(subject, waivers)
    waived = [finding.frozen() for finding in findings if finding.waiver]
    digest = sha256(canonical({"content": content, "waived": waived}))
    return Draft(content, digest, latest, before, findings, waivers, again)


@contextmanager
def one_moment() -> Iterator[None]:
    """All reads inside see the rows of one moment, whoever saves meanwhile."""
    is_first = not connection.in_atomic_block
    with transaction.atomic():
        # SQLite's transactions do so by themselves, and so does the test that runs inside one.
        if is_first and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def publish_statement(
    *,
    by: str,
    change_summary: dict[str, str],
    effective_at: datetime | None = None,
    expected_digest: str | None = None,
    ask_also: Categories | None = None,
    now: datetime | None = None,
) -> StatementVersion:
    """Freeze the draft as the next version, with both PDFs, and return it; nobody approves it.

    For installations and tools; people go by ``workflow``, which asks for a second pair of eyes.
    ``by`` is the user name of who answers for the text; ``change_summary`` says in both
    languages what changed; ``effective_at`` (aware, default ``now``) may lie in the future,
    but not before the version that was published last. ``expected_digest`` is that of the
    draft that was previewed. ``ask_also``, by web site, are categories that visitors are asked
    about again though the software finds no reason; they need no change of the content.
    Raises NotPublishable.
    """
    now = now or timezone.now()
    draft = look_at_draft()
    also = ask_also or {}
    if problems := problems_with(draft, change_summary, also, expected_digest):
        raise NotPublishable(problems)
    return freeze(
        content=draft.content,
        review_text=draft.review,
        change_summary=change_summary,
        ask_also=also,
        effective_at=effective_at or now,
        by=by,
        now=now,
    )


def problems_with(
    draft: Draft, change_summary: dict[str, str], ask_also: Categories, expected_digest: str | None
) -> list[str]:
    """Why ``draft`` can neither be submitted nor published, a sentence each."""
    problems = [*draft.problems, *problems_of_asking(ask_also, draft.content, draft.before)]
    if not draft.is_changed and not any(ask_also.values()):
        problems.insert(0, _("Nothing has changed since %(version)s.") % {"version": draft.latest})
    if expected_digest is not None and expected_digest != draft.digest:
        problems.insert(0, _("The draft was changed after you opened this page. Look at it again."))
    # Rule A18: every version says what it changed.
    if not all(change_summary.get(language, "").strip() for language in rendering.LANGUAGES):
        problems.append(_("Say in English and in Dutch what changed."))
    return problems


def freeze(
    *,
    content: dict[str, Any],
    review_text: str,
    change_summary: dict[str, str],
    ask_also: Categories,
    effective_at: datetime,
    by: str,
    now: datetime,
    proposal: Proposal | None = None,
) -> StatementVersion:
    """Make ``content`` the next version, which nothing can change or undo. Raises NotPublishable.

    ``review_text`` is kept beside it, with who submitted, approved and published, under the same
    digest. All other proposals lapse: they were compared with a version that is no longer the latest.
    """
    # To the second: that is how exactly people, and PDFs, say when something holds.
    effective_at = effective_at.replace(microsecond=0)
    latest = StatementVersion.objects.first()
    if latest and effective_at < latest.effective_at:
        moment = timezone.localtime(latest.effective_at).strftime("%Y-%m-%d %H:%M")
        raise NotPublishable(
            [
                _("The new version cannot be in force before %(version)s, which is from %(moment)s.")
                % {"version": latest, "moment": moment}
            ]
        )
    before = rendering.parse(latest.document)["content"] if latest else None
    previous = latest.digest if latest else ""
    review_text = _signed(review_text, by, proposal)
    again = settle_fingerprints(content, before, previous)
    asked = add_to_asked(ask_also, content, again, previous)
    document = {
        "format": FORMAT,
        "number": latest.number + 1 if latest else 1,
        "previous": previous,
        "effective_at": timezone.localtime(effective_at).isoformat(),
        "change_summary": {language: change_summary[language].strip() for language in rendering.LANGUAGES},
        "review": sha256(review_text),
        "content": content,
    }
    with transaction.atomic():
        version = _store(document, review_text, effective_at, by, asked, now, proposal)
        others = Proposal.objects.filter(state__in=Proposal.OPEN)
        if proposal is not None:
            others = others.exclude(pk=proposal.pk)
        others.update(state=Proposal.State.LAPSED, closed_at=now)
    rendering.look_again()
    logger.info("Published %s (%s)", version.number, version.digest[:12])
    return version


def _signed(review_text: str, by: str, proposal: Proposal | None) -> str:
    """The review with who answers for the version: names are for the office, their digest for everybody."""
    approved_at = proposal.approved_at if proposal else None
    return canonical(
        rendering.parse(review_text)
        | {
            "submitted_by": proposal.submitted_by if proposal else "",
            "approved_by": proposal.approved_by if proposal else "",
            "approved_at": timezone.localtime(approved_at).isoformat() if approved_at else "",
            "published_by": by,
        }
    )


def _store(document, review_text, effective_at, by, asked, now, proposal) -> StatementVersion:
    text = canonical(document)
    digest = sha256(text)
    pdfs = {language: make_pdf(document, digest=digest, language=language) for language in rendering.LANGUAGES}
    try:
        with transaction.atomic():
            version = StatementVersion.objects.create(
                # Two publishers at once reach for the same number; its unique constraint
                # lets one through and refuses the other.
                number=document["number"],
                document=text,
                digest=digest,
                previous_digest=document["previous"],
                effective_at=effective_at,
                published_at=now,
                published_by=by,
                submitted_by=proposal.submitted_by if proposal else "",
                approved_by=proposal.approved_by if proposal else "",
                approved_at=proposal.approved_at if proposal else None,
                review=review_text,
                change_summary_en=document["change_summary"]["en"],
                change_summary_nl=document["change_summary"]["nl"],
                asks_again=asked,
            )
            for language, body in pdfs.items():
                StatementPdf.objects.create(
                    version=version, language=language, body=body, digest=rendering.sha256_of(body)
                )
    except IntegrityError as error:
        if not StatementVersion.objects.filter(number=document["number"]).exists():
            raise
        raise NotPublishable(
            [_("Somebody else published a version at the same moment. Look at it, and at what is left of yours.")]
        ) from error
    return version
