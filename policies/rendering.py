"""The published pages as bytes, kept in memory.

A version never changes, so each of its pages is rendered, compressed and fingerprinted once
per process. A visitor's page view asks the database nothing; a thread of its own notices a
newer version, and while the database is away what was there stays there.
"""

import gzip
import hashlib
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any

import brotli
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import override

from retention.kept import Key, LastKept

from .comparing import asked_again, compare
from .models import StatementPdf, StatementVersion
from .reading import completed, home_website, in_language, read

logger = logging.getLogger(__name__)

LANGUAGES = ("en", "nl")
OTHER_EDITIONS_KEPT = 20
PAGES_KEPT = 200
KNOWN = "304"

parse = json.loads

# What Django raises when the database does not answer, or is a standby that takes no writes.
# Its other errors are faults of ours.
AWAY = (OperationalError, InterfaceError, InternalError)


def sha256_of(body: bytes) -> str:
    """Hexadecimal SHA-256 of ``body``."""
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True)
class Page:
    """An answer that is the same for everybody: bytes in each encoding, and their tag."""

    body: bytes
    content_type: str
    language: str = ""
    encoded: dict[str, bytes] = field(default_factory=dict)
    etag: str = ""

    @classmethod
    def of(
        cls,
        body: str | bytes,
        content_type: str = "text/html; charset=utf-8",
        language: str = "",
        compress: bool = True,
        quality: int = 11,
    ):
        """``quality`` of the Brotli: 11 for what is kept, less for what is sent once."""
        raw = body.encode() if isinstance(body, str) else body
        # Weak: the encodings of one page are the same page.
        etag = f'W/"{sha256_of(raw)[:32]}"'
        encoded = {"br": brotli.compress(raw, quality=quality), "gzip": gzip.compress(raw, mtime=0)} if compress else {}
        return cls(raw, content_type, language, encoded, etag)


@dataclass
class Edition:
    """A version as this process serves it: its document, parsed, and the pages made so far."""

    number: int
    digest: str
    effective_at: datetime
    document: dict[str, Any]
    history: list[dict[str, Any]]
    last_kept: LastKept = field(default_factory=lambda: LastKept(frozenset()))
    # Whole answers by path, for whoever gives them out again; another dict as soon as a page changes.
    answers: dict[str, Any] = field(default_factory=dict)
    _pages: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The document's content, complete also if an earlier release wrote it."""
        return completed(self.document["content"])

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What ``make`` returns, made once per process and edition and kept under ``key``.

        Nobody waits while something is made: two threads may make the same thing, one is kept.
        """
        made = self.known(key)
        return made if made is not None else self.keep(key, make())

    def known(self, key: Hashable) -> Any:
        """What is kept under ``key``, or None."""
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
            return self._pages.get(key)

    def keep(self, key: Hashable, made: Any) -> Any:
        """Keep ``made`` under ``key`` unless something is there already, and return what is kept."""
        with self._lock:
            kept = self._pages.setdefault(key, made)
            while len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
            return kept

    def keeps(self, page: Page) -> bool:
        """Whether ``page`` is one of those that are made once; what could not be kept is tried again."""
        with self._lock:
            return any(kept is page for kept in self._pages.values())

    def look_at_days(self) -> None:
        """See when promises were last kept; the statement changes with it while the version stays."""
        before = self.last_kept.days
        self.last_kept.look()
        if self.last_kept.days != before:
            # After the days: what is answered into the new dict can only have the new ones.
            self.answers = {}

    def text(self, language: str) -> dict[str, Any]:
        """The content as a reader of ``language`` sees it (see ``reading.read``)."""
        return self.once(("text", language), lambda: read(self.content, language))

    def context(self, page: str, language: str) -> dict[str, Any]:
        """What every page template is given."""
        website = home_website(self.content)
        return {
            "language": language,
            "text": self.text(language),
            "version": {
                "number": self.number,
                "digest": self.digest,
                "previous": self.document["previous"],
                "effective_at": self.effective_at,
                "change_summary": in_language(self.document["change_summary"], language),
            },
            "page": page,
            "nav": navigation(language),
            "banner_src": reverse("embed", args=[website["slug"]]) if website else "",
        }


# -- Which edition is in force ---------------------------------------------------------------


class NothingPublished(Exception):
    """No version is in force yet."""


@dataclass
class _Shelf:
    """The edition in force and some others, for this process."""

    current: Edition | None = None
    others: OrderedDict[int, Edition] = field(default_factory=OrderedDict)
    is_stale: bool = True
    database_is_away: bool = False
    looking: threading.Lock = field(default_factory=threading.Lock)
    watcher: threading.Thread | None = None


_shelf = _Shelf()


def current() -> Edition:
    """The edition in force. Raises NothingPublished; AWAY only before the first load."""
    if (ready := at_hand()) is not None:
        return ready
    edition = _shelf.current
    # One thread looks; the others go on with what they have, if they have something.
    if _shelf.looking.acquire(blocking=edition is None):
        try:
            if _shelf.is_stale or _shelf.current is None:
                _look()
        except AWAY:
            if _shelf.current is None:
                raise
            # The watcher goes on asking; visitors do not wait for a database that is away.
            _shelf.is_stale = _shelf.watcher is None
        finally:
            _shelf.looking.release()
    keep_watching()
    if _shelf.current is None:
        raise NothingPublished
    return _shelf.current


def at_hand() -> Edition | None:
    """The edition in force where nobody has to be asked; None where ``current`` would look or refuse."""
    edition = _shelf.current
    if edition is None or _shelf.is_stale:
        return None
    keep_watching()
    return edition


def edition(number: int) -> Edition | None:
    """Edition ``number`` as visitors may see it: in force, or before; None if there is none."""
    return published(number) if number <= current().number else None


def published(number: int) -> Edition | None:
    """Edition ``number``, from memory if it is there, even where this process does not serve it
    yet: another one may, and a choice made there may arrive here. None if there is none."""
    in_force = current()
    if number == in_force.number:
        return in_force
    if (kept := _shelf.others.get(number)) is not None:
        return kept
    version = StatementVersion.objects.filter(number=number).first()
    if version is None:
        return None
    loaded = _shelf.others.setdefault(number, _load(version))
    while len(_shelf.others) > OTHER_EDITIONS_KEPT:
        _shelf.others.popitem(last=False)
    return loaded


def look_again() -> None:
    """Let the next page view in this process ask for the version in force."""
    _shelf.is_stale = True


def database_is_away() -> bool:
    """Whether the watcher found no database when it last asked, a few seconds ago."""
    return _shelf.database_is_away


def in_memory() -> Edition | None:
    """The edition in force if this process has it, without asking anybody."""
    return _shelf.current


def forget() -> None:
    """Empty the memory of this process (a different database, as between tests)."""
    _shelf.current, _shelf.is_stale = None, True
    _shelf.others.clear()


def _look() -> None:
    newest = StatementVersion.objects.defer("document").in_force(timezone.now())
    known = _shelf.current
    if newest is None:
        _shelf.current = None
    elif known is None or known.digest != newest.digest:
        loaded = _load(newest)
        loaded.last_kept.look()
        _shelf.current = loaded
        logger.info("Serving version %s (%s)", newest.number, newest.digest[:12])
    else:
        known.look_at_days()
    _shelf.is_stale = newest is None


def _load(version: StatementVersion) -> Edition:
    rows = StatementVersion.objects.filter(number__lte=version.number).values(
        "number", "effective_at", "digest", "change_summary_en", "change_summary_nl", "asks_again"
    )
    history = [dict(row) for row in rows]
    document = parse(version.document)
    showing = {purpose["slug"] for purpose in document["content"]["purposes"] if purpose.get("shows_last_kept")}
    last_kept = LastKept(frozenset(showing))
    return Edition(version.number, version.digest, version.effective_at, document, history, last_kept)


def keep_watching() -> None:
    """Start the watcher of this process, again should it have died.

    It makes the pages ready before anybody asks, so that also a process that has seen no
    visitor yet can stand without the database.
    """
    watcher = _shelf.watcher
    if (watcher is None or not watcher.is_alive()) and settings.PUBLICATION_POLL_SECONDS:
        _shelf.watcher = threading.Thread(target=_watch, name="publication-watcher", daemon=True)
        _shelf.watcher.start()


# What else each process does every few seconds, whether the database is there or not.
rounds: list[Callable[[], None]] = []


def _watch() -> None:
    """Ask every few seconds whether a newer version is in force, and have it ready at once.

    In a thread, so that no visitor waits for a database that does not answer.
    """
    pause = threading.Event()
    while settings.PUBLICATION_POLL_SECONDS:
        try:
            with _shelf.looking:
                _look()
            if _shelf.current is not None:
                warm(_shelf.current)
            _shelf.database_is_away = False
        except AWAY as error:
            if not _shelf.database_is_away:
                logger.warning("The database is away (%s); pages are served from memory", type(error).__name__)
            _shelf.database_is_away = True
        except Exception:
            # Whatever it is, the next version must still be noticed, and somebody must read of this.
            logger.exception("Looking for a newer version failed; it is tried again")
        finally:
            connection.close()
        for turn in rounds:
            try:
                turn()
            except Exception:
                # A figure that cannot be told, as where the disk is full, keeps nobody from the next version.
                logger.exception("A round of this process failed; it is tried again")
        pause.wait(settings.PUBLICATION_POLL_SECONDS)


# -- Pages -----------------------------------------------------------------------------------


def navigation(language: str) -> dict[str, str]:
    """Addresses of the public pages in ``language``."""
    with override(language):
        return {
            "summary": reverse("summary"),
            "statement": reverse("statement"),
            "cookies": reverse("cookies"),
            "versions": reverse("versions"),
            "pdf": reverse("statement_pdf"),
        }


def render(template: str, route: str, args: tuple = (), **context: Any) -> str:
    """A page template in ``context["language"]``; ``route`` and ``args`` give its addresses."""
    language = context["language"]
    addresses = {}
    for other in LANGUAGES:
        with override(other):
            addresses[other] = reverse(route, args=args)
    counterpart = next(other for other in LANGUAGES if other != language)
    context |= {
        "counterpart": {"language": counterpart, "url": addresses[counterpart]},
        "alternates": [{"language": key, "url": settings.PUBLIC_URL + url} for key, url in addresses.items()],
        "canonical_url": settings.PUBLIC_URL + addresses[language],
    }
    with override(language):
        return render_to_string(template, context)


def summary_page(edition: Edition, language: str) -> Page:
    return edition.once(
        ("summary", language),
        lambda: Page.of(
            render("policies/summary.html", "summary", **edition.context("summary", language)),
            language=language,
        ),
    )


def statement_page(edition: Edition, language: str) -> Page:
    """The statement in force, at the address that always has it.

    Here alone stands on which day a promise was last kept: it changes while the version stays.
    """
    days = edition.last_kept.days

    def make() -> Page:
        context = edition.context("statement", language)
        context["text"] = _with_days(context["text"], days)
        return Page.of(
            render(
                "policies/statement.html",
                "statement",
                sections=edition.text(language)["pages"]["statement"],
                in_force=edition.number,
                changes_url=_changes_url(edition.number, language),
                **context,
            ),
            language=language,
        )

    return edition.once(("statement", language, frozenset(days.items())), make)


def _with_days(text: dict[str, Any], days: Mapping[Key, date]) -> dict[str, Any]:
    """``text`` with the day on which each promise was last kept, where there is one."""
    if not days:
        return text
    purposes = [
        purpose
        | {
            "retention": [
                used | {"last_kept": days.get((purpose["slug"], used["rule"]["slug"]))} for used in purpose["retention"]
            ]
        }
        for purpose in text["purposes"]
    ]
    return text | {"purposes": purposes}


def version_page(edition: Edition, in_force: Edition, language: str) -> Page:
    """Any version at its own address; it says whether it is the one in force."""
    return in_force.once(
        ("version", edition.number, language),
        lambda: Page.of(
            render(
                "policies/statement.html",
                "version",
                (edition.number,),
                sections=edition.text(language)["pages"]["statement"],
                in_force=in_force.number,
                changes_url=_changes_url(edition.number, language),
                **(
                    edition.context("version", language)
                    | {"banner_src": in_force.context("version", language)["banner_src"]}
                ),
            ),
            language=language,
        ),
    )


def versions_page(edition: Edition, language: str) -> Page:
    def make() -> Page:
        with override(language):
            versions = [
                {
                    "number": row["number"],
                    "effective_at": row["effective_at"],
                    "digest": row["digest"],
                    "change_summary": row[f"change_summary_{language}"],
                    "url": reverse("version", args=[row["number"]]),
                    "changes_url": reverse("changes", args=[row["number"]]),
                    "is_in_force": row["number"] == edition.number,
                }
                for row in edition.history
            ]
        context = edition.context("versions", language)
        return Page.of(render("policies/versions.html", "versions", versions=versions, **context), language=language)

    return edition.once(("versions", language), make)


def changes_page(edition: Edition, in_force: Edition, language: str) -> Page:
    """What ``edition`` changed in the version before it, and whom it asked again."""

    def make() -> Page:
        before = published(edition.number - 1) if edition.number > 1 else None
        past = before.content if before else None
        asks_again = next(row["asks_again"] for row in in_force.history if row["number"] == edition.number)
        context = edition.context("version", language) | {
            "banner_src": in_force.context("version", language)["banner_src"],
            "in_force": in_force.number,
            "changes": [change.in_language(language) for change in compare(past, edition.content)],
        }
        with override(language):
            context["asking"] = [
                {
                    "website": site.website[language],
                    "categories": [name[language] for name in site.categories],
                    "shorter": str(site.shorter or ""),
                }
                for site in asked_again(asks_again, edition.content, past)
            ]
        return Page.of(render("policies/changes.html", "changes", (edition.number,), **context), language=language)

    return in_force.once(("changes", edition.number, language), make)


def _changes_url(number: int, language: str) -> str:
    with override(language):
        return reverse("changes", args=[number])


def pdf_page(edition: Edition, language: str) -> Page:
    """The PDF that was made when ``edition`` was published."""

    def make() -> Page:
        pdf = StatementPdf.objects.get(version__number=edition.number, language=language)
        return Page.of(bytes(pdf.body), "application/pdf", language, compress=False)

    return edition.once(("pdf", language), make)


# What other floors want ready with a new edition; they add to it when the apps are loaded.
warmers: list[Callable[[Edition], None]] = []


def warm(edition: Edition) -> None:
    """Make the pages that visitors ask for most, before one of them has to wait."""
    for language in LANGUAGES:
        for make in (summary_page, statement_page, versions_page, pdf_page):
            make(edition, language)
    for make_ready in warmers:
        make_ready(edition)


# -- Answers ---------------------------------------------------------------------------------


def respond(
    request: HttpRequest, page: Page, cache_control: str = "public, max-age=0, must-revalidate"
) -> HttpResponse:
    """``page`` in the best encoding that the browser takes, or 304 if it has it already."""
    response: HttpResponse
    if (encoding := form_for(request, page)) == KNOWN:
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(page.encoded.get(encoding, page.body), content_type=page.content_type)
        if encoding:
            response["Content-Encoding"] = encoding
        response["Content-Length"] = str(len(response.content))
    response["ETag"] = page.etag
    response["Cache-Control"] = cache_control
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    if page.encoded:
        patch_vary_headers(response, ["Accept-Encoding"])
    if page.language:
        response["Content-Language"] = page.language
    response.page = page  # type: ignore[attr-defined]  # for PublishedMiddleware
    return response


def form_for(request: HttpRequest, page: Page) -> str:
    """In which form ``page`` goes out: KNOWN where the browser has it, or the best encoding that it takes."""
    if known := request.META.get("HTTP_IF_NONE_MATCH"):
        if known == page.etag:  # as browsers send it
            return KNOWN
        tags = parse_etags(known)
        if page.etag in tags or "*" in tags:
            return KNOWN
    accepted = _accepted(request.META.get("HTTP_ACCEPT_ENCODING", ""))
    return next((name for name in accepted if name in page.encoded), "")


@lru_cache(maxsize=64)  # browsers send a handful of different ones
def _accepted(header: str) -> tuple[str, ...]:
    """Which of our encodings ``header`` takes, the best first."""
    accepted = {}
    for item in header.split(","):
        name, _, parameters = item.strip().partition(";")
        accepted[name.strip()] = parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return tuple(name for name in ("br", "gzip") if accepted.get(name))
