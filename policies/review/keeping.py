"""Whether something keeps what the statement promises about keeping data.

Silent where nobody said which targets there are: a content file by itself has none. That a period is
missing or vague is A8's affair.
"""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from . import Fault, Place, Severity, Subject, name_of, rule
from .law import at, is_stated

Entry = dict[str, Any]

SOURCE = "Art. 5(1)(e), 5(2) GDPR"


def _promises(subject: Subject) -> Iterator[tuple[Entry, Entry]]:
    """Each purpose with each of its rules."""
    rules = subject.entries("retention_rules")
    for purpose in subject.content["purposes"]:
        for used in purpose["retention"]:
            yield purpose, rules[used["rule"]]


@rule("K1", SOURCE, Severity.WARNING)
def promise_is_kept_by_something(subject: Subject) -> Iterator[Fault]:
    if subject.targets is None:
        return
    rules = subject.entries("retention_rules")
    kept = {(target.purpose, target.rule) for target in subject.targets}
    for purpose, retention in _promises(subject):
        if (purpose["slug"], retention["slug"]) not in kept and is_stated(retention, rules):
            yield Fault(
                at(purpose, "retention", retention["slug"], "target"),
                _("Purpose “%(purpose)s”: nothing keeps “%(wording)s”. Say in which table this data is."),
                {"purpose": name_of(purpose), "wording": retention["wording"]},
            )


@rule("K2", SOURCE, Severity.WARNING)
def target_has_a_promise(subject: Subject) -> Iterator[Fault]:
    promised = {(purpose["slug"], retention["slug"]) for purpose, retention in _promises(subject)}
    for target in subject.targets or []:
        if (target.purpose, target.rule) not in promised:
            # What is registered in code is described, what staff declared is corrected.
            place: Place = ("targets", target.slug) if target.is_declared else ("purposes", target.purpose)
            yield Fault(
                place,
                _(
                    "Nothing would be erased in “%(target)s”: the draft has no purpose “%(purpose)s” with the rule "
                    "“%(rule)s”. Add it, or change the target."
                ),
                {"target": target.name, "purpose": target.purpose, "rule": target.rule},
            )


@rule("K3", SOURCE, Severity.WARNING)
def target_can_keep_its_promise(subject: Subject) -> Iterator[Fault]:
    rules = subject.entries("retention_rules")
    promised = {(purpose["slug"], retention["slug"]) for purpose, retention in _promises(subject)}
    for target in subject.targets or []:
        if (target.purpose, target.rule) not in promised:
            continue
        words = {"target": target.name, "rule": target.rule, "exception": target.exception}
        if not is_stated(rules[target.rule], rules):
            yield Fault(
                ("retention_rules", target.rule, "trigger"),
                _("Nothing can be erased in “%(target)s”, because the rule “%(rule)s” states no period. Add one."),
                words,
            )
        elif target.exception and target.exception not in _exceptions(rules[target.rule], rules):
            yield Fault(
                ("targets", target.slug, "exception") if target.is_declared else ("retention_rules", target.rule),
                _(
                    "Nothing would be erased in “%(target)s”: the rule “%(rule)s” has no statutory exception "
                    "“%(exception)s”. Add it, or change the target."
                ),
                words,
            )


def _exceptions(retention: Entry, rules: dict[str, Entry]) -> set[str]:
    """Those of the rule, and of the rules that it follows."""
    before = _exceptions(rules[retention["follows"]], rules) if retention["follows"] else set()
    return before | set(retention["exceptions"])
