"""Every target there is: those registered in code, and the tables that staff declared."""

from .models import DeclaredTarget
from .table_target import TableTarget
from .targets import Target, in_code


def all_targets() -> dict[str, Target]:
    """What is enforced, by slug: code comes first, and a declared target is left out until it is active."""
    targets = in_code()
    active = DeclaredTarget.objects.filter(is_active=True).prefetch_related("early_ends", "treatments")
    for declared in active:
        targets.setdefault(declared.slug, target_of(declared))
    return targets


def target_of(declared: DeclaredTarget) -> TableTarget:
    """The table that ``declared`` names, whether it is active or not; nothing is asked of its database yet."""
    return TableTarget(declared, list(declared.early_ends.all()), list(declared.treatments.all()))
