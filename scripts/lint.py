"""Everything that can be said about the sources without running them; exit 1 where anything is.

All checks run, so that one visit shows everything.
"""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent

# As in production, so that `check --deploy` judges what will run there.
PRODUCTION = {
    "DEBUG": "false",
    "PUBLIC_URL": "https://privacy.example.nl",
    "ALLOWED_HOSTS": "privacy.example.nl",
    "SECRET_KEY": secrets.token_urlsafe(60),
    "DATABASE_URL": "sqlite://:memory:",
    "DEMO_ORIGINS": "",
}

# No check connects to it; SQLite is none for production, which one of the checks says.
POSTGRESQL = "postgres://privacy:password@127.0.0.1:5432/privacy"


def sources(*patterns: str) -> list[str]:
    """Files of ours that match, as git knows them, the new ones included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file() and "/migrations/" not in name]


def checks() -> dict[str, list[str]]:
    """Name → command."""
    return {
        "ruff check": [str(BIN / "ruff"), "check", "."],
        "ruff format": [str(BIN / "ruff"), "format", "--check", "."],
        "mypy": [PYTHON, "-m", "mypy"],
        # request.headers copies all of them at its first use: too dear on the ways that every visitor goes.
        "django-upgrade": [
            *(str(BIN / "django-upgrade"), "--target-version", "5.2", "--skip", "request_headers", "--check"),
            *sources("*.py"),
        ],
        "djade": [str(BIN / "djade"), "--target-version", "5.2", "--check", *sources("*.html")],
        "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
        "deployment": [
            "env",
            f"DATABASE_URL={POSTGRESQL}",
            PYTHON,
            "-W",
            "error",
            "manage.py",
            "check",
            "--deploy",
            "--fail-level",
            "WARNING",
        ],
        "compose": [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
        "messages": [PYTHON, "scripts/messages.py", "check"],
    }


def main() -> int:
    failed = []
    for name, command in checks().items():
        begun = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=os.environ | PRODUCTION, capture_output=True, text=True)
        word = "FAILED" if done.returncode else "ok"
        print(f"{name:<16}{word}  ({time.monotonic() - begun:.1f} s)", flush=True)
        if done.returncode:
            failed.append(name)
            print("\n".join(f"    {line}" for line in (done.stdout + done.stderr).splitlines()), flush=True)
    if failed:
        print(f"Lint: {', '.join(failed)} failed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
