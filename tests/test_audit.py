"""The audit of the dependencies, against a database of advisories on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scripts import audit

pytestmark = pytest.mark.any_database

LOCK = f"""
gunicorn==27.0.1 --hash=sha256:{"0" * 64}
whitenoise==6.12.0 ; python_version >= "3.8" --hash=sha256:{"0" * 64}
"""


def advisory(name, number, mended_in):
    events = [{"introduced": "0"}, {"fixed": mended_in}]
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": ranges}]
    return {"id": number, "schema_version": "1.0.0", "summary": "Something.", "affected": affected}


@pytest.fixture
def audited(monkeypatch, tmp_path, capsys):
    """Runs the audit of two packages against a database that knows what it is given: {(package, version): advisory}."""
    knows = {}

    class Database(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet; else each answer waits for an acknowledgement

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = [knows[key] for key in [(asked["package"]["name"], asked["version"])] if key in knows]
            body = json.dumps({"vulns": found} if found else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    lock = tmp_path / "lock.txt"
    lock.write_text(LOCK)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def run(advisories):
        """The exit code, and what was said."""
        knows.update(advisories)
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"http://127.0.0.1:{server.server_port}/")
        return audit.main(["osv"], [lock]), capsys.readouterr().out

    with ThreadingHTTPServer(("127.0.0.1", 0), Database) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield run
        server.shutdown()
        thread.join()


WELL_KNOWN = {("django", "3.2.0"): advisory("django", "OLD-1", "3.2.1")}


def test_dependencies_of_which_no_weakness_is_known_pass(audited):
    code, said = audited(WELL_KNOWN)

    assert code == 0
    assert said == "2 packages audited by osv, 0 weaknesses.\n"


def test_a_known_weakness_of_a_locked_package_fails_and_is_named(audited):
    code, said = audited(WELL_KNOWN | {("gunicorn", "27.0.1"): advisory("gunicorn", "NEW-7", "99.1")})

    assert code == 1
    assert "Known to be weak: gunicorn 27.0.1: NEW-7 (mended in 99.1)" in said


def test_a_database_that_knows_nothing_is_not_taken_for_good_news(audited):
    code, said = audited({})

    assert code == 0
    assert said.startswith("!!! NOT RUN: the audit of the dependencies.")


def test_packages_that_a_database_does_not_know_are_named():
    known = {"name": "django", "version": "5.2.19", "vulns": []}

    weak, unknown = audit.judge([known, {"name": "ours", "skip_reason": "not found"}])

    assert (weak, unknown) == ([], ["ours"])
