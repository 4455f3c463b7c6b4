from collections.abc import Iterable, Iterator
from pathlib import Path

from consent.exporting import FORMATS, select
from consent.management.selecting import SelectingCommand, write_whole
from consent.models import ConsentRecord

TOLD_EVERY = 100_000


class Command(SelectingCommand):
    help = (
        "Write consent records as a table (csv) or as one JSON object per line (jsonl), in the order of their ids. "
        "Days are those of arrival, in Europe/Amsterdam. It tells on standard error how far it is, and ends with 0 "
        "when all is written, with 1 when not. "
        "Example: manage.py export_consents --format csv --output november.csv --since 2026-11-01 --until 2026-11-30"
    )

    def add_arguments(self, parser):
        parser.add_argument("--format", choices=sorted(FORMATS), required=True)
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
        super().add_arguments(parser)

    def handle(self, *, format, output, receipt, since, until, website, version, **options):
        selection = self.selection(receipt=receipt, since=since, until=until, website=website, version=version)
        write, _content_type = FORMATS[format]
        self.written = 0
        texts = write(self.counted(select(selection.records())))
        if output is None:
            for text in texts:
                self.stdout.write(text, ending="")
        else:
            write_whole(output, (text.encode() for text in texts))
        self.stderr.write(f"{self.written} records")

    def counted(self, records: Iterable[ConsentRecord]) -> Iterator[ConsentRecord]:
        for record in records:
            self.written += 1
            if self.written % TOLD_EVERY == 0:
                self.stderr.write(f"{self.written} records …")
            yield record
