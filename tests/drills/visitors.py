"""Visitors: browsers that keep a choice until it is acknowledged, and readers of pages, at a steady pace."""

import http.client
import json
import random
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from .postgres import Cluster

# The banner waits as long as Retry-After says or until the next page; a drill is shorter than that.
PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
PAGES = ("/nl/verklaring/", "/en/statement/", "/embed/website.js", "/nl/cookies/")
COLUMNS = "id, subject, website, version_id, banner_id, language, gpc, action, choices, vendors, is_once, decided_at"


@dataclass
class Choice:
    """A decision as a browser keeps it, and what became of it."""

    body: dict[str, Any]
    times_sent: int = 0
    acknowledged_at: float | None = None
    due_at: float = 0.0


@dataclass
class Visitors:
    """``pace`` choices and as many pages a second, by some threads each, at ``port``."""

    port: int
    pace: float = 40.0
    threads: int = 4
    readers: int = 2
    choices: list[Choice] = field(default_factory=list)
    pages: int = 0
    failed_pages: list[str] = field(default_factory=list)
    longest_page: float = 0.0
    refused: list[str] = field(default_factory=list)
    conflicts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _leaving: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _chance: random.Random = field(default_factory=random.SystemRandom)
    _asked: dict[str, Any] = field(default_factory=dict)

    # -- While they are there --------------------------------------------------------------------

    @contextmanager
    def visiting(self, deliver_within: float = 60.0) -> Iterator["Visitors"]:
        """They come, and before they have gone each has delivered what it kept, or ``deliver_within`` is over."""
        self._asked = self._what_is_asked()
        visitors = [threading.Thread(target=self._choose, daemon=True) for _ in range(self.threads)]
        readers = [threading.Thread(target=self._read, daemon=True) for _ in range(self.readers)]
        for thread in (*visitors, *readers):
            thread.start()
        try:
            yield self
        finally:
            self._leaving.set()
            deadline = time.monotonic() + deliver_within
            for thread in visitors:
                thread.join(timeout=max(deadline - time.monotonic(), 0))
            self._stopped.set()
            for thread in (*visitors, *readers):
                thread.join(timeout=2 * PATIENCE_SECONDS)

    def acknowledged_after(self, moment: float, within: float = 60.0) -> float:
        """Wait until a choice is acknowledged after ``moment`` (time.monotonic); how long after it that was."""
        deadline = time.monotonic() + within
        while True:
            with self._lock:
                moments = [choice.acknowledged_at or 0.0 for choice in self.choices]
            if later := [acknowledged_at for acknowledged_at in moments if acknowledged_at > moment]:
                return min(later) - moment
            assert time.monotonic() < deadline, f"no choice was acknowledged for {within} s: {self.refused[-3:]}"
            time.sleep(0.02)

    # -- What became of it -------------------------------------------------------------------------

    @property
    def acknowledged(self) -> list[Choice]:
        return [choice for choice in self.choices if choice.acknowledged_at is not None]

    @property
    def delivered_later(self) -> int:
        """Choices that the browser had to keep, and that were acknowledged when it sent them again."""
        return sum(choice.times_sent > 1 for choice in self.acknowledged)

    @property
    def undelivered(self) -> int:
        return len(self.choices) - len(self.acknowledged)

    @property
    def longest_pause(self) -> float:
        """The longest time in which no choice was acknowledged."""
        moments = sorted(choice.acknowledged_at for choice in self.acknowledged if choice.acknowledged_at)
        return max((later - moment for moment, later in pairwise(moments)), default=0.0)

    def lost(self, database: Cluster, before: float | None = None) -> list[str]:
        """The ids that were acknowledged (``before`` a moment) and are not in the database as they were sent."""
        found = {}
        for identifier, subject, *rest, decided_at in database.sql(f"SELECT {COLUMNS} FROM consent_consentrecord"):
            found[str(identifier)] = [str(subject) if subject else None, *rest, decided_at]
        wanted = [choice for choice in self.acknowledged if before is None or (choice.acknowledged_at or 0) < before]
        return [choice.body["id"] for choice in wanted if found.get(choice.body["id"]) != as_stored(choice.body)]

    # -- Browsers ----------------------------------------------------------------------------------

    def _choose(self) -> None:
        kept: deque[Choice] = deque()
        pause = self.threads / self.pace
        while not self._stopped.is_set():
            begun = time.monotonic()
            if kept and kept[0].due_at <= begun:
                choice = kept.popleft()
            elif not self._leaving.is_set():
                choice = Choice(self._new_choice())
                with self._lock:
                    self.choices.append(choice)
            elif kept:
                self._stopped.wait(0.01)
                continue
            else:
                return
            if not self._deliver(choice):
                choice.due_at = time.monotonic() + PAUSE_SECONDS
                kept.append(choice)
            self._leaving.wait(max(pause - (time.monotonic() - begun), 0))

    def _deliver(self, choice: Choice) -> bool:
        choice.times_sent += 1
        body = json.dumps(choice.body)
        headers = {"Content-Type": "application/json", "Origin": self._asked["origin"]}
        try:
            status, answer = self._ask("POST", "/consent/", body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.refused.append(type(error).__name__)
            return False
        if status == 409:
            self.conflicts += 1
        if status not in {200, 201}:
            self.refused.append(f"{status} {answer[:200]!r}")
            return False
        choice.acknowledged_at = time.monotonic()
        return True

    def _new_choice(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        # The time in milliseconds, then chance (RFC 9562, 5.7).
        number = (int(now.timestamp() * 1000) << 80) | self._chance.getrandbits(76)
        number = (number & ~(0xF << 76) | 0x7 << 76) & ~(0x3 << 62) | 0x2 << 62
        action = self._chance.choice(["accept_all", "reject_all", "reject_all", "save"])
        categories = self._asked["categories"]
        choices = dict.fromkeys(categories, action == "accept_all")
        if action == "save":
            choices[categories[0]] = True
        subject = {} if action == "reject_all" else {"subject": str(uuid.uuid4())}
        return subject | {
            "id": str(uuid.UUID(int=number)),
            "website": "website",
            "version": self._asked["version"],
            "banner": self._asked["banner"],
            "language": self._chance.choice(["nl", "en"]),
            "gpc": False,
            "action": action,
            "choices": choices,
            "decided_at": now.isoformat(),
        }

    def _what_is_asked(self) -> dict[str, Any]:
        _status, script = self._ask("GET", "/embed/website.js")
        _status, statement = self._ask("GET", "/statement.json")
        document = json.loads(statement)
        websites = document["document"]["content"]["websites"]
        website = next(entry for entry in websites if entry["slug"] == "website")
        return {
            # The banner names its own digest, last.
            "banner": re.findall(rb"[0-9a-f]{64}", script)[-1].decode(),
            "version": document["number"],
            "origin": website["origins"][0],
            "categories": [entry["slug"] for entry in website["categories"] if entry["needs_consent"]],
        }

    # -- Readers -----------------------------------------------------------------------------------

    def _read(self) -> None:
        pause = self.readers / self.pace
        while not self._leaving.is_set():
            begun = time.monotonic()
            path = PAGES[self.pages % len(PAGES)]
            try:
                status, _body = self._ask("GET", path)
                failure = "" if status == 200 else f"{path}: {status}"
            except (OSError, http.client.HTTPException) as error:
                failure = f"{path}: {type(error).__name__}"
            took = time.monotonic() - begun
            with self._lock:
                self.pages += 1
                self.longest_page = max(self.longest_page, took)
                if failure:
                    self.failed_pages.append(failure)
            self._leaving.wait(max(pause - took, 0))

    def _ask(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body=body, headers={"Connection": "close", **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def as_stored(body: dict[str, Any]) -> list[Any]:
    return [
        body.get("subject"),
        body["website"],
        body["version"],
        body["banner"],
        body["language"],
        body["gpc"],
        body["action"],
        body["choices"],
        {},
        False,
        datetime.fromisoformat(body["decided_at"]),
    ]
