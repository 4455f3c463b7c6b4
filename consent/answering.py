"""The preferences form without scripts: from the pressed button to a decision, and the cookie
in which the browser keeps it. What the banner does in the browser happens here on the server."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from .choice import Choice
from .models import ConsentRecord
from .recording import Asked, Refused, new_id


@dataclass(frozen=True)
class Answer:
    """A decision as ``record_choice`` takes it, and as the browser keeps it once it is recorded."""

    data: dict[str, Any]
    kept: Choice


def answer_form(
    form: Mapping[str, str],
    *,
    asked: Asked,
    digest: str,
    language: str,
    before: Choice | None,
    gpc: bool,
    now: datetime,
) -> Answer:
    """The decision that ``form`` stands for, after the choice ``before``. Raises Refused."""
    action, choices = _pressed(form, asked)
    vendors = _exceptions(choices, asked, before) if action == ConsentRecord.Action.SAVE else {}
    is_granted = any([*choices.values(), *vendors.values()])
    subject = before.subject if before else None
    if is_granted:
        subject = subject or uuid.uuid4()
    elif subject is not None:
        action = ConsentRecord.Action.WITHDRAW
    data = {
        "id": str(new_id(now)),
        "website": asked.website,
        "version": asked.version,
        "banner": digest,
        "language": language,
        "gpc": gpc,
        "action": action,
        "choices": choices,
        "vendors": vendors,
        "decided_at": now.isoformat(),
    } | ({"subject": str(subject)} if subject else {})
    return Answer(data, Choice(now, choices, asked.fingerprints, vendors, subject if is_granted else None))


def _pressed(form: Mapping[str, str], asked: Asked) -> tuple[str, dict[str, bool]]:
    """The action, and the answer per category."""
    action = form.get("action")
    if action in {"withdraw", "forget"}:
        # Only what was granted can be withdrawn; without that it is a refusal like another.
        action = "reject_all"
    if action not in {"accept_all", "reject_all", "save"}:
        raise Refused({"action": _("This action is not known.")})
    ticked = {category: f"allow-{category}" in form for category in asked.categories}
    return action, ticked if action == "save" else dict.fromkeys(ticked, action == "accept_all")


def _exceptions(choices: dict[str, bool], asked: Asked, before: Choice | None) -> dict[str, bool]:
    """Vendors that were answered apart from their category, where the category stays as it was."""
    if before is None:
        return {}
    return {
        vendor: before.vendors[vendor]
        for category, vendors in asked.categories.items()
        if before.fingerprints.get(category) == asked.fingerprints[category]
        and before.choices.get(category) is choices[category]
        for vendor in vendors
        if vendor in before.vendors and before.vendors[vendor] is not choices[category]
    }
