from pathlib import Path

from django.core.management.base import BaseCommand

from policies.content_file import dump


class Command(BaseCommand):
    help = (
        "Write the editable content as YAML, in the form that load_policy reads. "
        "Example: manage.py dump_policy content.yaml"
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, nargs="?", help="default: standard output")

    def handle(self, *, file=None, **options):
        text = dump()
        if file is None:
            self.stdout.write(text, ending="")
        else:
            file.write_text(text, encoding="utf-8")
