"""What the statement in force promises about keeping data, told to the floor that keeps it."""

import json

from django.utils import timezone

from retention.promises import Promise
from retention.terms import terms_from_content

from .models import StatementVersion


def promises_in_force() -> list[Promise]:
    """A promise per purpose and rule of the version in force, in its order; none before the first.

    Read from the database, not from what this process serves: what was published a second ago holds.
    """
    version = StatementVersion.objects.in_force(timezone.now())
    return promises_of(json.loads(version.document)["content"], version.number) if version else []


def promises_of(content: dict, version: int) -> list[Promise]:
    """The promises in the ``content`` of a version, or of a draft that would become it."""
    wordings = {rule["slug"]: rule["wording"] for rule in content["retention_rules"]}
    return [
        Promise(
            purpose=purpose["slug"],
            title=purpose["title"],
            terms=terms_from_content(content, used["rule"]),
            wording=wordings[used["rule"]],
            applies_when=used["applies_when"],
            version=version,
        )
        for purpose in content["purposes"]
        for used in purpose["retention"]
    ]
