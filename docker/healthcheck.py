"""Exit 0 where this container answers /healthz, 1 where it does not. Standard library only."""

import http.client
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

SECONDS = 2


def setting(name: str) -> str:
    """The variable, or what the file holds that is named instead; the file wins, as for the site."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ.get(name, "")


def host_header() -> str:
    """A host that the site answers to; requests for others are refused."""
    named = [host.strip() for host in setting("ALLOWED_HOSTS").split(",")]
    usable = [host for host in named if host and not host.startswith((".", "*"))]
    return usable[0] if usable else urlsplit(setting("PUBLIC_URL")).hostname or "localhost"


def is_alive(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": host_header()})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException) as error:
        print(f"/healthz: {error}", file=sys.stderr)
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    port = int(os.environ.get("BIND", "127.0.0.1:8000").rpartition(":")[2])
    sys.exit(0 if is_alive(port) else 1)
