"""Whether a weakness is known of a locked package; ``make audit``. Exit 1 where one is.

    python scripts/audit.py [database ...]

A database of advisories is asked over the network. Where none answers, or one that knows none of our packages (mirrors
of a registry often leave the advisories out, and pip-audit then calls everything well), this says that nothing was
audited and fails nothing: a fault in a network is not one in a change.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# What is deployed is among what the tests need, in the same versions.
LOCKS = (ROOT / "requirements/dev.txt", ROOT / "requirements/sbom.txt")
# The Python Package Index's own, and the Open Source Vulnerabilities database.
DATABASES = ("pypi", "osv")
# A package of which every database knows past weaknesses, in a version that has some.
KNOWN_TO_BE_WEAK = "Django==3.2.0"
SECONDS_TO_ANSWER = 15
SECONDS_FOR_A_LOCK = 120
# Advisories that do not concern us: id, and why.
ACCEPTED: dict[str, str] = {}

Package = dict[str, Any]


def ask(database: str, file: Path, *, seconds: int) -> list[Package] | None:
    """What the database says of each package in a requirements file; None where it did not answer."""
    command = [sys.executable, "-m", "pip_audit", f"--vulnerability-service={database}", "--format=json", "--desc=off"]
    command += ["--disable-pip", "--no-deps", "--progress-spinner=off", "--timeout=5", f"--requirement={file}"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
        )
        packages: list[Package] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return packages


def find_database(names: Sequence[str]) -> str | None:
    """The first of these databases that answers and knows what everybody knows."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "weak.txt"
        file.write_text(KNOWN_TO_BE_WEAK)
        for database in names:
            packages = ask(database, file, seconds=SECONDS_TO_ANSWER)
            if packages and packages[0].get("vulns"):
                return database
    return None


def judge(packages: list[Package]) -> tuple[list[str], list[str]]:
    """The weaknesses, a line each, and the packages of which the database knows nothing."""
    weak = [
        f"{package['name']} {package['version']}: {weakness['id']}"
        f" (mended in {', '.join(weakness['fix_versions']) or 'no version yet'})"
        for package in packages
        for weakness in package.get("vulns", [])
        if weakness["id"] not in ACCEPTED
    ]
    return sorted(set(weak)), sorted({package["name"] for package in packages if "skip_reason" in package})


def main(names: Sequence[str], locks: Sequence[Path]) -> int:
    database = find_database(names)
    if database is None:
        print(f"!!! NOT RUN: the audit of the dependencies. No database of advisories ({', '.join(names)}) answered.")
        return 0
    packages: list[Package] = []
    for lock in locks:
        answer = ask(database, lock, seconds=SECONDS_FOR_A_LOCK)
        if answer is None:
            # It did answer a moment ago: a lock that cannot be read must not pass for a network that is away.
            print(f"The audit of {lock.name} broke off.")
            return 1
        packages += answer
    weak, unknown = judge(packages)
    for line in weak:
        print(f"Known to be weak: {line}")
    if unknown:
        print(f"!!! NOT AUDITED, for {database} does not know them: {', '.join(unknown)}")
    audited = {package["name"] for package in packages} - set(unknown)
    print(f"{len(audited)} packages audited by {database}, {len(weak)} weaknesses.")
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or DATABASES, LOCKS))
