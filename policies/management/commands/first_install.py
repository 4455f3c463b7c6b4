from django.conf import settings
from django.core.management.base import BaseCommand

from policies.first_install import ADMINISTRATOR, create_administrator, install_example


class Command(BaseCommand):
    help = (
        "On an empty database: load the example content, publish it, and create an administrator "
        "whose password is printed once. Where there is content or a user, that part does nothing."
    )

    def handle(self, **options):
        if install_example():
            self.stdout.write("Loaded the example content and published it as version 1.")
        if password := create_administrator():
            self.stdout.write(f"Administrator for {settings.PUBLIC_URL}/admin/ — shown this once:")
            self.stdout.write(f"    name      {ADMINISTRATOR}\n    password  {password}")
