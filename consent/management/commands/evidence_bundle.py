from pathlib import Path

from django.core.management.base import CommandError
from django.utils import timezone

from consent import bundling
from consent.management.selecting import SelectingCommand, write_whole


class Command(SelectingCommand):
    help = (
        "Write an evidence bundle: consent records with the statements and banners that they name, the proofs of "
        "their seals, and a script that checks all of it elsewhere. However many records there are. "
        "Example: manage.py evidence_bundle --since 2026-11-01 --until 2026-11-30 november.zip"
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--with-review", action="store_true", help="add what the office noted when it published each version"
        )
        super().add_arguments(parser)

    def handle(self, *, file, with_review, receipt, since, until, website, version, **options):
        if not any([receipt, since, until]):
            raise CommandError("Say of what: --receipt, or --since and --until.")
        selection = self.selection(receipt=receipt, since=since, until=until, website=website, version=version)
        try:
            parts = bundling.bundle(
                selection.records(), query=selection.said(), now=timezone.now(), with_review=with_review
            )
        except bundling.NotBundled as refusal:
            raise CommandError(str(refusal)) from refusal
        size = write_whole(file, parts)
        self.stderr.write(f"{file}: {size} bytes")
