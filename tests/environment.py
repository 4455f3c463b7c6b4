"""The environment of the tests, set before Django reads its settings (see ``-p`` in pyproject.toml)."""

import os
import secrets

os.environ.update(
    PUBLIC_URL="http://localhost",
    ALLOWED_HOSTS="localhost,testserver",
    DEMO_ORIGINS="http://127.0.0.1:8001",
    PUBLICATION_POLL_SECONDS="0",
    LOG_LEVEL="WARNING",
    # Playwright runs an event loop in this thread, from which Django would refuse the database.
    DJANGO_ALLOW_ASYNC_UNSAFE="true",
)
os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")
