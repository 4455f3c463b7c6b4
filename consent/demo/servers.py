"""A foreign web site and its third parties, for trying the banner out on this machine.

Two servers of the standard library. They know nothing of the product: the site embeds the
banner by one script tag, as any other site would, under a strict Content-Security-Policy.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from urllib.parse import parse_qs, urlsplit

PAGES = Path(__file__).parent / "pages"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


class Server(ThreadingHTTPServer):
    """Listens on this machine alone; ``port`` 0 takes any that is free."""

    daemon_threads = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.origin = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers GET by what ``answer`` returns: status, content type, body, further headers."""

    protocol_version = "HTTP/1.1"

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, str, bytes, dict[str, str]]:
        raise NotImplementedError

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        status, content_type, body, headers = self.answer(url.path, query)
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: what the third parties were asked is in their log.json."""


class Site(Server):
    """The web site that embeds the banner.

    ``more`` adds or replaces pages by their path; ``others`` are the origins of third parties
    beside ``vendor`` from which its policy lets scripts, frames and images load.
    """

    def __init__(
        self, port: int, *, banner: str, vendor: str, more: dict[str, str] | None = None, others: Sequence[str] = ()
    ) -> None:
        super().__init__(port, _site_handler(banner, vendor, " ".join([vendor, *others]), more or {}))


def _site_handler(banner: str, vendor: str, allowed: str, more: dict[str, str]) -> type[Handler]:
    privacy = "{0.scheme}://{0.netloc}".format(urlsplit(banner))
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'nonce-$nonce' {privacy} {allowed}",
            "style-src 'self'",
            f"connect-src {privacy}",
            f"img-src 'self' {allowed}",
            f"frame-src {allowed}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    words = {"banner": banner, "vendor": vendor}

    class SiteHandler(Handler):
        def answer(self, path, query):
            text = more.get(path) or _page(path)
            if text is None:
                return 404, "text/plain", b"There is no such page on this demo site.\n", {}
            fresh = words | {"nonce": secrets.token_urlsafe(16)}
            body = Template(text).safe_substitute(fresh).encode()
            headers = {
                "Content-Security-Policy": Template(policy).substitute(fresh),
                "X-Content-Type-Options": "nosniff",
            }
            return 200, TYPES[Path(path).suffix or ".html"], body, headers

    return SiteHandler


def _page(path: str) -> str | None:
    """``/`` is index.html, ``/nl/`` is nl/index.html, ``/plans`` is plans.html."""
    name = path.lstrip("/") + ("index" if path.endswith("/") else "")
    known: dict[str, Path] = {}
    for file in PAGES.rglob("*.*"):
        relative = file.relative_to(PAGES)
        known[(relative.with_suffix("") if file.suffix == ".html" else relative).as_posix()] = file
    return known[name].read_text(encoding="utf-8") if name in known else None


class ThirdParties(Server):
    """Stand-ins for vendors: they set cookies and remember, in ``log``, what was fetched."""

    def __init__(self, port: int) -> None:
        self.log: list[dict[str, str]] = []
        super().__init__(port, _vendor_handler(self.log.append, lambda: self.log))


def _vendor_handler(note: Callable[[dict[str, str]], None], log: Callable[[], list]) -> type[Handler]:
    class VendorHandler(Handler):
        def answer(self, path, query):
            cookie = {"Set-Cookie": "visitor=1; Path=/; Max-Age=3600; SameSite=Lax", "Access-Control-Allow-Origin": "*"}
            if path == "/log.json":
                return 200, "application/json", json.dumps(log(), indent=1).encode(), {}
            answers = {
                # A tag as they are: notes that it ran and sets a first-party cookie.
                "/hit.js": (
                    "text/javascript",
                    "(window.hits ??= []).push(%(name)s);\n"
                    'document.cookie = "_" + %(name)s + "=1; Path=/; SameSite=Lax";\n'
                    'document.dispatchEvent(new Event("hit"));\n',
                ),
                "/frame.html": (
                    "text/html",
                    '<!doctype html><html lang="en"><meta name="color-scheme" content="light dark">'
                    "<title>Third party</title><p>This is the third party: <b>%(text)s</b>.</p></html>",
                ),
            }
            if path != "/pixel.gif" and path not in answers:
                return 404, "text/plain", b"", {}
            name = query.get("name", "")
            safe = "".join(character for character in name if character.isalnum() or character in "-_")
            note({"path": path, "name": safe, "referer": self.headers.get("Referer", "")})
            if path == "/pixel.gif":
                return 200, "image/gif", PIXEL, cookie
            kind, text = answers[path]
            return 200, kind, (text % {"name": json.dumps(safe), "text": safe}).encode(), cookie

    return VendorHandler
