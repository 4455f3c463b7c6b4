"""What the commands that hand over consent records have in common."""

import os
import tempfile
from argparse import ArgumentTypeError
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent.exporting import Selection, day_in, receipt_in
from consent.models import Banner
from policies.models import StatementVersion


class SelectingCommand(BaseCommand):
    """A command on some of the records."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Here --version is that of the statement, not of Django.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--receipt", type=_receipt, help="number of one record, or the address of its receipt")
        parser.add_argument("--since", type=_day, metavar="DAY", help="what arrived on this day (2026-11-22) and later")
        parser.add_argument("--until", type=_day, metavar="DAY", help="what arrived on this day and earlier")
        parser.add_argument("--website", default="", help="identifier of a web site")
        parser.add_argument("--version", type=int, metavar="NUMBER", help="number of the version that was shown")

    def selection(
        self, *, receipt: UUID | None, since: date | None, until: date | None, website: str, version: int | None
    ) -> Selection:
        """Raises CommandError for what cannot be meant."""
        if since and until and since > until:
            raise CommandError("--since lies after --until.")
        if website and not Banner.objects.filter(website=website).exists():
            raise CommandError(f"No banner of a web site {website!r} was ever served.")
        if version is not None and not StatementVersion.objects.filter(number=version).exists():
            raise CommandError(f"There is no version {version}.")
        selection = Selection(receipt=receipt, since=since, until=until, website=website, version=version)
        if receipt and not selection.records().exists():
            raise CommandError(f"There is no consent record with receipt {receipt} in this selection.")
        return selection


def write_whole(path: Path, parts: Iterable[bytes]) -> int:
    """Write ``parts`` to ``path``, readable for its owner alone; the size.

    Under its name stands the whole file or none. Raises CommandError where it cannot be written.
    """
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CommandError(f"Cannot write {path}: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        os.replace(beside, path)
    except OSError as error:
        raise CommandError(f"Cannot write {path}: {error.strerror}.") from error
    finally:
        Path(beside).unlink(missing_ok=True)
    return size


def _receipt(text: str) -> UUID:
    if (receipt := receipt_in(text)) is None:
        raise ArgumentTypeError(f"{text!r} is no receipt")
    return receipt


def _day(text: str) -> date:
    if (day := day_in(text)) is None:
        raise ArgumentTypeError(f"{text!r} is no day; write 2026-11-22")
    return day
