"""An example of the databases in which a company keeps what its statement promises to erase.

A table for each promise that states a period, with rows that are due, rows that are not and one without a
date; and the targets that staff would declare for them.
"""

from datetime import date

from retention import promises
from retention.models import Action, ColumnTreatment, DeclaredTarget, EarlyEnd
from retention.targets import in_code

LONG_AGO = date(2005, 3, 1)
DUE = 3
IN_PERIOD = 2


def to_declare(in_force=None):
    """The promises that state a period and that nothing in code keeps."""
    ours = {(target.purpose, target.rule) for target in in_code().values()}
    found = promises.in_force() if in_force is None else in_force
    return [promise for promise in found if promise.terms.start and promise.key not in ours]


def declare(promise, *, connection, **changes):
    """The target that staff would declare for ``promise``; its table is named after it."""
    purpose, rule = promise.key
    slug = f"{purpose}-{rule}"[:80]
    target = DeclaredTarget.objects.create(
        **{
            "slug": slug,
            "name": promise.title["en"],
            "purpose": purpose,
            "rule": rule,
            "connection": connection,
            "table": slug.replace("-", "_"),
            "key_column": "id",
            "trigger_column": "began_on",
            "max_share": 100,
            "is_active": True,
        }
        | changes
    )
    for event in early_ends(promise.terms):
        EarlyEnd.objects.create(target=target, trigger=event.slug, column=column_of(event))
    if promise.terms.action == Action.ANONYMISE:
        ColumnTreatment.objects.create(target=target, column="person")
    return target


def early_ends(terms):
    return [*terms.ends_early_on, *(early_ends(terms.follows) if terms.follows else [])]


def column_of(event):
    return event.slug.replace("-", "_")


def build(foreign, today):
    """Tables and targets on ``foreign``, a database of others; the targets."""
    targets = []
    for promise in to_declare():
        target = declare(promise, connection="hr")
        events = [f", {column_of(event)} date" for event in early_ends(promise.terms)]
        foreign.run(f"CREATE TABLE {target.table} (id {{serial}}, person varchar(40), began_on date{''.join(events)})")
        dates = [LONG_AGO] * DUE + [today] * IN_PERIOD + [None]
        nothing = [None] * len(events)
        rows = [(number, f"Person {number}", began, *nothing) for number, began in enumerate(dates, start=1)]
        if not promise.terms.period:  # until the event itself: it has not taken place yet
            rows = [row if row[2] != today else (*row[:2], None, *nothing) for row in rows]
        foreign.insert(target.table, *rows)
        targets.append(target)
    return targets
