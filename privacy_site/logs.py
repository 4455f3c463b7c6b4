"""What the processes write to standard error: a line each, as text or as JSON, and nothing about anybody.

Addresses of pages hold receipts and tokens, messages of exceptions quote rows, and those of libraries what a visitor
sent. So a request is told by its id and the name of its route, an exception by its kind and where it happened, and
what strings a library would write into its sentence is left out. What we write ourselves holds numbers and names of
things. Nothing of Django's settings is needed here: gunicorn's main process has none.
"""

import json
import logging
import random
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ImproperlyConfigured

# The request that this thread answers.
under_way: ContextVar[Any] = ContextVar("under_way", default=None)

# Whose sentences are known to hold numbers, names of things, or addresses of our own servers.
OURS = {"retention", "policies", "consent", "privacy_site", "psycopg", "gunicorn"}
# Where gunicorn quotes a visitor after all: how the sentence begins.
QUOTES_VISITOR = ("Invalid request from ip=", "Error handling request", "Exception during worker exit")
# What is wrong in the words of an operator, where the name of the logger does not say it.
SAID = {"django.security.DisallowedHost": "Asked for a host that is not in ALLOWED_HOSTS"}
# Exceptions whose words come from the code or from the settings.
SPEAK_OF_CODE = (ImproperlyConfigured, ImportError, NameError, AttributeError, SyntaxError, ArithmeticError)
# So many exceptions, one leading to the next: two may name each other.
LEADING = 10

PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-#0 +]*[\d.*]*[a-zA-Z]")
TELLING = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # addresses of mail
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # receipts and browsers
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|(?:[0-9a-f]{0,4}:){3,}[0-9a-f]{0,4}",  # addresses on the network
    re.IGNORECASE,
)


def id_of(request: Any) -> str:
    """By what the lines about ``request`` are found; made when it is first asked for, which is seldom."""
    known = request.__dict__.get("request_id")
    if known is None:
        # Not a secret, so the kernel is not asked for one.
        known = request.request_id = f"{random.getrandbits(64):016x}"
    return known


class LineFormatter(logging.Formatter):
    """``2026-11-22T20:41:45.123Z WARNING django.request [e3b0c44298fc1c14 receipt] Not Found``"""

    def format(self, record: logging.LogRecord) -> str:
        told = facts(record)
        about = " ".join(filter(None, [told.get("request_id"), told.get("route")]))
        line = f"{told['time']} {told['level']} {told['logger']} {f'[{about}] ' if about else ''}{told['message']}"
        return f"{line}\n{told['exception']}" if "exception" in told else line


class JsonFormatter(logging.Formatter):
    """One object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(facts(record), ensure_ascii=False)


FORMATS = {"line": LineFormatter, "json": JsonFormatter}


def facts(record: logging.LogRecord) -> dict[str, Any]:
    """What may be told of ``record``: ``request_id``, ``route`` and ``exception`` only where there are such."""
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    told = {
        "time": moment.replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "process": record.process,
        "message": sentence(record),
    }
    # Django writes of an answer when the request is no longer under way, and hands it over.
    request = getattr(record, "request", None) or under_way.get()
    if hasattr(request, "resolver_match"):
        told["request_id"] = id_of(request)
        if request.resolver_match is not None:
            told["route"] = request.resolver_match.view_name
    if record.exc_info and record.exc_info[1] is not None:
        told["exception"] = exception(record.exc_info[1])
    return told


def sentence(record: logging.LogRecord) -> str:
    """The message of ``record``, without what somebody sent."""
    if record.name in SAID:
        return SAID[record.name]
    if (status := getattr(record, "status_code", None)) is not None:
        return HTTPStatus(status).phrase
    if record.name.startswith("django.security."):
        return "Refused a request"
    template = str(record.msg)
    if record.name.partition(".")[0] in OURS and not template.startswith(QUOTES_VISITOR):
        return record.getMessage()
    return TELLING.sub("…", _without_strings(template, record.args))


def _without_strings(template: str, values: Any) -> str:
    """``template`` with its numbers; in the place of all else stands an ellipsis."""
    if template.startswith(QUOTES_VISITOR[0]):
        return "Invalid request"  # gunicorn has put everything into it already
    numbers = iter(values if isinstance(values, tuple) else ())

    def put(_placeholder: re.Match[str]) -> str:
        value = next(numbers, None)
        return str(value) if isinstance(value, int | float) else "…"

    return PLACEHOLDER.sub(put, template) if values else template


def exception(error: BaseException) -> str:
    """The kind of ``error`` and of what led to it, and where each came from: frames and lines of code."""
    told: list[str] = []
    before: BaseException | None = error
    while before is not None and len(told) < LEADING:
        told.append("".join(traceback.format_tb(before.__traceback__)) + _kind(before))
        before = before.__cause__ or (None if before.__suppress_context__ else before.__context__)
    return "\n\n".join(reversed(told))


def _kind(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
    words = str(error) if isinstance(error, SPEAK_OF_CODE) else ""
    return ": ".join(filter(None, [name, code, constraint, words]))
