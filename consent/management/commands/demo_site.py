import threading
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from consent.demo.servers import Site, ThirdParties


class Command(BaseCommand):
    help = (
        "Serve a foreign web site that embeds the banner, and stand-ins for its third parties, "
        "on this machine. Its origin has to be in DEMO_ORIGINS of the server that it asks. "
        "Example: manage.py demo_site --port 8001 --vendor-port 8002"
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8001, help="of the web site (8001)")
        parser.add_argument("--vendor-port", type=int, default=8002, help="of the third parties (8002)")
        parser.add_argument(
            "--banner",
            default=f"{settings.PUBLIC_URL}/embed/website.js",
            help="address of the banner (default: that of this installation for the site “website”)",
        )

    def handle(self, *, port, vendor_port, banner, **options):
        if urlsplit(banner).scheme not in {"http", "https"} or not urlsplit(banner).hostname:
            raise CommandError(f"{banner!r} is no address of a banner, such as http://127.0.0.1:8000/embed/website.js.")
        try:
            vendor = ThirdParties(vendor_port)
            site = Site(port, banner=banner, vendor=vendor.origin)
        except OSError as error:
            raise CommandError(f"A port cannot be used: {error}. Give others by --port and --vendor-port.") from error
        threading.Thread(target=vendor.serve_forever, daemon=True).start()
        self.stdout.write(f"The web site:      {site.origin}/ and {site.origin}/nl/")
        self.stdout.write(f"What third parties were asked: {vendor.origin}/log.json")
        if site.origin not in settings.DEMO_ORIGINS:
            self.stdout.write(
                self.style.WARNING(
                    f"Choices are recorded only if the server of {banner} knows this site: "
                    f"start it with DEMO_ORIGINS={site.origin}"
                )
            )
        self.stdout.write("Stop with Ctrl-C.")
        try:
            site.serve_forever()
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
