"""Whether a declared target can be enforced, before it is: what is wrong with it, and what to think of."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import Error, connections
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from . import promises, targets
from .fragments import name, sql
from .models import Action, ColumnTreatment, DeclaredTarget, EarlyEnd, RetentionRule
from .promises import Promise
from .reckoning import asks_consent, early_ends, lengthenings
from .routing import OUR_OWN
from .table_target import TableTarget, code_of
from .tables import TEXT, Column
from .targets import NotEnforceable
from .terms import Terms, terms_of

# Words, English and Dutch, in the names of columns that hold what somebody can be found by.
NAMING = re.compile(
    r"name|naam|mail|phone|telefo|mobi|tel(?:_|$)|address|adres|street|straat|zip|postco|postal|city|plaats|birth|geboort"
    r"|bsn|ssn|sofi|iban|bank|account|login|user|gebruiker|initial|voorletter|first|last|contact|note|notitie|comment"
    r"|opmerking|remark|letter|brief|motivat|photo|foto|image|picture|avatar|resume|(?:^|_)cv(?:_|$)|linkedin|(?:^|_)ip"
    r"(?:_|$)|passport|paspoort|licen[cs]e|rijbewijs|kenteken|plate|latitude|longitude|social|token|cookie|device",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Problem:
    """What keeps a target from being enforced, and the field that says so; none where it is about all of them."""

    field: str
    sentence: str


def connection_names() -> list[str]:
    """The databases of others that the environment names."""
    return sorted(alias for alias in connections if alias not in OUR_OWN)


def address(alias: str) -> str:
    """Where a connection leads, without user and password."""
    given = connections.settings[alias]
    vendor = given["ENGINE"].rpartition(".")[2].removesuffix("3")
    if vendor == "sqlite":
        return f"{vendor}:{given['NAME'].removeprefix('file:').partition('?')[0]}"
    port = f":{given['PORT']}" if given["PORT"] else ""
    return f"{vendor}://{given['HOST'] or 'localhost'}{port}/{given['NAME']}"


def promise_of(declared: DeclaredTarget) -> Promise | None:
    """The promise that it keeps, if the statement in force has it."""
    wanted = declared.purpose, declared.rule
    return next((promise for promise in promises.in_force() if promise.key == wanted), None)


def terms_for(declared: DeclaredTarget) -> Terms | None:
    """What its rule says: in the statement in force, or else in the draft; None where there is no such rule."""
    in_force = [promise for promise in promises.in_force() if promise.terms.slug == declared.rule]
    exact = [promise for promise in in_force if promise.purpose == declared.purpose]
    for promise in exact + in_force:
        return promise.terms
    rule = RetentionRule.objects.filter(slug=declared.rule).first()
    return terms_of(rule) if rule else None


# -- What is wrong ----------------------------------------------------------------------------------


def problems(target: TableTarget) -> list[Problem]:
    """Everything that is wrong, in the order of the form; nothing where it can be enforced."""
    found = [*problems_of_declaration(target)]
    found += [problem for early in target.early_ends for problem in problems_of_early_end(target, early)]
    found += [problem for given in target.column_treatments for problem in problems_of_treatment(target, given)]
    return found or problems_as_a_whole(target)


def problems_of_declaration(target: TableTarget) -> list[Problem]:
    return [*_about_the_promise(target.declared), *_about_the_table(target)]


def problems_of_early_end(target: TableTarget, early: EarlyEnd) -> list[Problem]:
    terms = terms_for(target.declared)
    if terms is not None and early.trigger not in {event.slug for event in early_ends(terms)}:
        sentence = _("The rule does not end earlier on this event.")
        return [Problem("trigger", sentence)]
    return _asked("column", lambda: target.date_in(early.column))


def problems_of_treatment(target: TableTarget, given: ColumnTreatment) -> list[Problem]:
    return _asked("column", lambda: target.treatment_of(given))


def problems_as_a_whole(target: TableTarget) -> list[Problem]:
    """What only shows once all its parts are right by themselves: the very statement, explained by its database."""
    terms = terms_for(target.declared)
    if terms is None:
        return []
    if terms.action == Action.ANONYMISE and not target.column_treatments:
        return [Problem("", _("The rule says that data is anonymised: say below what becomes of which columns."))]
    if terms.action != Action.ANONYMISE and target.column_treatments:
        return [Problem("", _("The rule says that data is erased: a treatment of columns has no place here."))]
    if not target.declared.exception and (problems := list(_unread(target, terms))):
        return problems
    return _asked("", lambda: target.try_out(terms.action))


def _unread(target: TableTarget, terms: Terms) -> Iterator[Problem]:
    """Events that end the rule sooner, and of which no column says when they were."""
    known = {early.trigger for early in target.early_ends}
    for event in early_ends(terms):
        if event.slug not in known:
            sentence = _("The rule ends earlier on “%(event)s”, and no column says when that was.")
            yield Problem("", sentence % {"event": event.name.get(get_language() or "en") or event.slug})


def _about_the_promise(declared: DeclaredTarget) -> Iterator[Problem]:
    if declared.slug in targets.in_code():
        yield Problem("slug", _("There is a target of this name in the software already."))
    terms = terms_for(declared)
    if terms is None:
        yield Problem("rule", _("There is no such rule in the statement in force, nor in the draft."))
    elif declared.exception and declared.exception not in {law.slug for law in lengthenings(terms)}:
        yield Problem("exception", _("The rule does not know this statutory exception."))


def _about_the_table(target: TableTarget) -> list[Problem]:
    declared = target.declared
    if found := _asked("time_zone", lambda: target.zone) + _unreachable(target):
        return found
    if found := _asked("table", lambda: target.table):
        return found
    dated_by = "trigger_query" if declared.trigger_query else "trigger_column"
    found = _asked("key_column", lambda: target.key) + _asked(dated_by, lambda: target.try_trigger())
    if declared.hold_column:
        found += _asked("hold_column", lambda: target.table.column(declared.hold_column))
        found = found or _asked("hold_column", lambda: target.is_held([]))
    return found or _asked("condition", lambda: target.try_condition())


def _unreachable(target: TableTarget) -> list[Problem]:
    try:
        target.connection.ensure_connection()
    except NotEnforceable as error:
        return [Problem("connection", str(error))]
    except Error:
        # Not its own words, which name the account.
        return [Problem("connection", unreachable(target.database))]
    return []


def unreachable(alias: str) -> str:
    return _(
        "The database “%(name)s” cannot be reached, or does not let us in. Look at its address and its account in the "
        "environment."
    ) % {"name": alias}


def _asked(field: str, question: Callable[[], object]) -> list[Problem]:
    """The reason why ``question`` cannot be answered."""
    try:
        question()
    except NotEnforceable as error:
        return [Problem(field, str(error))]
    except Error as error:
        # Not its own words, which may quote a row.
        return [
            Problem(field, _("The database refused (%(code)s).") % {"code": code_of(error) or type(error).__name__})
        ]
    return []


# -- What to think of ---------------------------------------------------------------------------------


def advice(target: TableTarget) -> list[str]:
    """What does not keep ``target`` from being enforced, and that somebody should know; of one without problems."""
    terms = terms_for(target.declared)
    if terms is None:
        return []
    found = [*_on_the_promise(target, terms), *_on_indexes(target)]
    if terms.action == Action.ANONYMISE:
        found += _on_what_stays(target)
    else:
        found += _on_references(target)
    return found


def _on_the_promise(target: TableTarget, terms: Terms) -> Iterator[str]:
    if promise_of(target.declared) is None:
        yield _("The statement in force does not promise this for this purpose: nothing goes until it does.")
    if asks_consent(terms) and not target.declared.condition:
        yield _("The rule holds with consent only, and no condition says which rows have it: all count as having it.")


def _on_indexes(target: TableTarget) -> Iterator[str]:
    dates = [] if target.declared.trigger_query else [target.declared.trigger_column]
    for wanted in [*dates, *(early.column for early in target.early_ends)]:
        column = target.table.column(wanted)
        if column.is_indexed:
            continue
        vendor = target.vendor
        statement = sql(
            "CREATE INDEX {} ON {} ({}, {})",
            name(vendor, f"{target.table.name}_{column.name}"),
            target.table.sql(vendor),
            name(vendor, column.name),
            name(vendor, target.key.name),
        )
        yield _("No index begins with the column %(column)s, so each night reads the whole table: %(statement)s") % {
            "column": column.name,
            "statement": statement.text.replace("%%", "%"),
        }


def _on_references(target: TableTarget) -> Iterator[str]:
    for table, act in target.table.referred_to_by.items():
        match act.upper():
            case "CASCADE":
                sentence = _("Rows of the table %(table)s that refer to an erased row go with it.")
            case "SET NULL" | "SET DEFAULT":
                sentence = _("Rows of the table %(table)s lose the row that they refer to, and stay.")
            case _:
                sentence = _("While rows of the table %(table)s refer to a row, it cannot be erased: they go first.")
        yield sentence % {"table": table}


def _on_what_stays(target: TableTarget) -> Iterator[str]:
    treated = {given.column for given in target.column_treatments}
    stay = [column for column in target.table.columns.values() if column.name not in treated]
    if named := [column.name for column in stay if _names_somebody(column) and column.name != target.key.name]:
        yield _("Columns that stay as they are and may name somebody: %(columns)s.") % {"columns": ", ".join(named)}
    if unique := [column.name for column in stay if column.is_unique and column.name != target.key.name]:
        sentence = _("Unique columns that stay, by which a row can be joined to other data: %(columns)s.")
        yield sentence % {"columns": ", ".join(unique)}
    yield _("The key stays: who keeps it elsewhere beside a name can still find the row.")


def _names_somebody(column: Column) -> bool:
    is_free_text = column.kind == TEXT and (column.length is None or column.length > 255)
    return is_free_text or bool(NAMING.search(column.name))
