"""Reviewing a content file without keeping anything of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from ..content_file import load
from ..models import StatementVersion, Waiver
from ..rendering import parse
from . import Finding, review
from .gathering import gather


@dataclass(frozen=True)
class Reviewed:
    """What was read, what the review says of it, and the waivers that went with it, needed or not."""

    content: dict[str, Any]
    findings: list[Finding]
    waivers: list[Waiver]


def review_file(text: str, *, now: datetime) -> Reviewed:
    """The review of the YAML ``text``, as if it were loaded and then published after the latest version.

    It is loaded, and everything is rolled back. Raises ContentFileError.
    """
    latest = StatementVersion.objects.first()
    with transaction.atomic():
        load(text)
        subject = gather(before=parse(latest.document)["content"] if latest else None, now=now)
        waivers = list(Waiver.objects.all())
        transaction.set_rollback(True)
    return Reviewed(subject.content, review(subject, waivers), waivers)
