"""What the rules look at, from the rows as they are now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from retention.coverage import Known

from ..reading import completed
from ..snapshot import compose, compose_internal
from . import Subject
from .editing import last_edits


def gather(*, before: dict[str, Any] | None = None, now: datetime, targets: Sequence[Known] | None = None) -> Subject:
    """The draft as the rules see it; ``before`` is the content of the latest version as its release wrote it.

    Whoever calls this wants the rows of one moment (``publishing.one_moment``): it takes one
    query for each list of the content, and one for each history.
    """
    return Subject(
        content=compose(),
        internal=compose_internal(),
        before=completed(before) if before else None,
        edited=last_edits(),
        today=timezone.localdate(now),
        targets=targets,
    )
