"""SQL put together from parts of which each carries its values: names are quoted, values are parameters.

What staff write in SQL themselves, a condition or a query, is one expression and stays one: what
could end it and begin something else is refused, by rules that every database reads alike.
"""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from string import Formatter
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .characters import validate_characters

# What a database may read as the end of the text around it, as a comment, or as an escape.
ENDINGS = (";", "--", "/*", "*/", "\\", "$")
# Of one database alone: MySQL's comment, and SQLite's third kind of quotes.
ENDINGS_OF = {"mysql": ("#",), "sqlite": ("[", "]")}
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")


@dataclass(frozen=True)
class Sql:
    """A piece of SQL with its values, in the order of their places (%s)."""

    text: str
    params: tuple[Any, ...] = ()


def sql(template: str, *parts: Sql) -> Sql:
    """``sql("{} < {}", column, value(3))``; with ``{0}`` a part may stand in several places."""
    text, next_one = "", itertools.count()
    params: tuple[Any, ...] = ()
    for literal, place, _format, _conversion in Formatter().parse(template):
        text += literal
        if place is not None:
            part = parts[int(place) if place else next(next_one)]
            text, params = text + part.text, params + part.params
    return Sql(text, params)


def value(given: Any) -> Sql:
    return Sql("%s", (given,))


def values(given: Iterable[Any]) -> Sql:
    """A list for IN; of none it is one that nothing is in."""
    params = tuple(given) or (None,)
    return Sql(", ".join(["%s"] * len(params)), params)


def name(vendor: str, *names: str) -> Sql:
    """A quoted name, such as that of a column, or a table behind its schema.

    Not Django's quote_name, which lets a quote inside a name through.
    """
    mark = "`" if vendor == "mysql" else '"'
    quoted = (mark + part.replace(mark, mark * 2) + mark for part in names)
    return Sql(".".join(quoted).replace("%", "%%"))


def written(text: str) -> Sql:
    """What staff wrote, on a line of its own; ``validate_expression`` has read it before."""
    return Sql("(\n" + text.replace("%", "%%") + "\n)")


def all_of(parts: Iterable[Sql]) -> Sql:
    return _joined(" AND ", parts)


def any_of(parts: Iterable[Sql]) -> Sql:
    return _joined(" OR ", parts)


def _joined(word: str, parts: Iterable[Sql]) -> Sql:
    given = list(parts)
    return sql("(" + word.join(["{}"] * len(given)) + ")", *given)


def validate_expression(text: str, vendor: str) -> None:
    """Raises ValidationError where ``text``, put between parentheses, could be more than what is between them."""
    validate_characters(text)
    for ending in (*ENDINGS, *ENDINGS_OF.get(vendor, ())):
        if ending in text:
            raise ValidationError(_("“%(ending)s” cannot stand in it, not even in a text.") % {"ending": ending})
    bare = QUOTED.sub("", text)
    if any(mark in bare for mark in "'\"`"):
        raise ValidationError(_("A quotation mark in it is not closed."))
    depth = 0
    for character in bare:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            break
    if depth != 0:
        raise ValidationError(_("Its parentheses do not match."))


def validate_query(text: str, vendor: str) -> None:
    """Raises ValidationError where ``text`` is not, or not only, a SELECT."""
    validate_expression(text, vendor)
    if not re.match(r"\s*(select|with)\b", text, re.IGNORECASE):
        raise ValidationError(_("A query begins with SELECT."))
