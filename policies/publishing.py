"""Freezing the draft as the next version of the statement."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

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
from .completeness import problems_of
from .models import StatementPdf, StatementVersion
from .pdf import make_pdf
from .reading import completed
from .snapshot import canonical, compose, sha256

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

    ``digest`` is of the content alone: whoever previews a draft hands it back when
    publishing, so that nothing is published that was not seen. ``before`` is the content of
    the latest version as its release wrote it, ``problems`` what stands in the way, a sentence each.
    """

    content: dict[str, Any]
    digest: str
    latest: StatementVersion | None
    before: dict[str, Any] | None
    problems: list[str]
    asks_again: AskedAgain

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
        content = compose()
    before = rendering.parse(latest.document)["content"] if latest else None
    again = settle_fingerprints(content, before, latest.digest if latest else "")
    return Draft(content, sha256(canonical(content)), latest, before, problems_of(content), again)


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
    """Freeze the draft as the next version, with both PDFs, and return it.

    ``by`` is the user name of who answers for the text; ``change_summary`` says in both
    languages what changed; ``effective_at`` (aware, default ``now``) may lie in the future,
    but not before the version that was published last. ``expected_digest`` is that of the
    draft that was previewed. ``ask_also``, by web site, are categories that visitors are asked
    about again though the software finds no reason; they need no change of the content.
    Raises NotPublishable.
    """
    now = now or timezone.now()
    # To the second: that is how exactly people, and PDFs, say when something holds.
    effective_at = (effective_at or now).replace(microsecond=0)
    draft = look_at_draft()
    also = ask_also or {}
    problems = [*draft.problems, *problems_of_asking(also, draft.content, draft.before)]
    if not draft.is_changed and not any(also.values()):
        problems.insert(0, _("Nothing has changed since %(version)s.") % {"version": draft.latest})
    if expected_digest is not None and expected_digest != draft.digest:
        problems.insert(0, _("The draft was changed after you opened this preview. Look at it again."))
    if not all(change_summary.get(language, "").strip() for language in ("en", "nl")):
        problems.append(_("Say in English and in Dutch what changed."))
    if draft.latest and effective_at < draft.latest.effective_at:
        problems.append(
            _("The new version cannot be in force before %(version)s, which is from %(moment)s.")
            % {
                "version": draft.latest,
                "moment": timezone.localtime(draft.latest.effective_at).strftime("%Y-%m-%d %H:%M"),
            }
        )
    if problems:
        raise NotPublishable(problems)

    asked = add_to_asked(also, draft.content, draft.asks_again, draft.previous)
    document = {
        "format": FORMAT,
        "number": draft.latest.number + 1 if draft.latest else 1,
        "previous": draft.previous,
        "effective_at": timezone.localtime(effective_at).isoformat(),
        "change_summary": {language: change_summary[language].strip() for language in ("en", "nl")},
        "content": draft.content,
    }
    version = _store(document, effective_at, by, asked, now)
    rendering.look_again()
    logger.info("Published %s (%s)", version.number, version.digest[:12])
    return version


def _store(document, effective_at, by, asked, now) -> StatementVersion:
    text = canonical(document)
    digest = sha256(text)
    pdfs = {language: make_pdf(document, digest=digest, language=language) for language in ("en", "nl")}
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
