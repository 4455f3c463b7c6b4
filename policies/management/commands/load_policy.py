from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from policies.content_file import ContentFileError, load


class Command(BaseCommand):
    help = (
        "Make the editable content what a YAML file says, both languages: all of it or nothing. "
        "Visitors see it after publishing. Example: manage.py load_policy content/pro4all.yaml"
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)

    def handle(self, *, file, **options):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        try:
            changes = load(text)
        except ContentFileError as error:
            raise CommandError("\n".join(f"{file}, {problem}" for problem in error.problems)) from error
        if not changes:
            self.stdout.write("Nothing differs; nothing was changed.")
            return
        self.stdout.write(f"{changes.added} rows added, {changes.changed} changed, {changes.removed} removed.")
