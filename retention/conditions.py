"""Conditions that several models share."""

from django.db.models import Q


def filled(field):
    """Condition: ``field`` holds text.

    Translated columns are nullable, and SQL lets a CHECK pass on NULL, so comparing
    with the empty string alone would accept a missing translation.
    """
    return Q(**{f"{field}__isnull": False}) & ~Q(**{field: ""})


def filled_in_both(field):
    """Condition: the translated ``field`` holds text in English and in Dutch."""
    return filled(f"{field}_en") & filled(f"{field}_nl")


def leads_back(row, field):
    """Whether following the foreign key ``field`` from ``row`` ever leads to ``row`` again."""
    seen = [row]
    while (row := getattr(row, field)) is not None:
        if row in seen:
            return True
        seen.append(row)
    return False
