"""What a fresh installation shows: the example content, published, and somebody to sign in."""

import secrets
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from .content_file import load
from .models import Controller, StatementVersion
from .publishing import publish_statement

CONTENT = Path(settings.BASE_DIR) / "content" / "pro4all.yaml"
ADMINISTRATOR = "admin"
# The date that the company's own statement carries.
EFFECTIVE_ON = datetime(2021, 11, 8)
SUMMARY = {
    "en": "First version in this form: the facts of the statement of 8 November 2021, "
    "with the rights that the law gives.",
    "nl": "Eerste versie in deze vorm: de feiten van de verklaring van 8 november 2021, "
    "met de rechten die de wet geeft.",
}


@transaction.atomic
def install_example(now: datetime | None = None) -> bool:
    """Load and publish the example content where there is none yet; whether that was done."""
    if Controller.objects.exists() or StatementVersion.objects.exists():
        return False
    load(CONTENT.read_text(encoding="utf-8"))
    publish_statement(
        by=ADMINISTRATOR,
        change_summary=SUMMARY,
        effective_at=timezone.make_aware(EFFECTIVE_ON),
        now=now,
    )
    return True


def create_administrator() -> str | None:
    """The password of a new administrator; None where there are users already."""
    users = get_user_model().objects
    if users.exists():
        return None
    password = secrets.token_urlsafe(15)
    users.create_superuser(ADMINISTRATOR, password=password)
    return password
