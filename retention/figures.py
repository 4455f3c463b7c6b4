"""Figures for monitoring, in the text format of Prometheus.

Upper floors add theirs with ``register``. Numbers of rows and moments only: nothing about anybody.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import Count

from .coverage import Coverage, Covered, Keeping
from .models import Result, RetentionRun

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Figure:
    """A metric: its name, what it is, ``gauge`` or ``counter``, and a number for each set of labels."""

    name: str
    help: str
    kind: str
    samples: tuple[tuple[Labels, float], ...]


Provider = Callable[[], Iterable[Figure]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Have what ``provider`` counts told with the rest."""
    _providers.append(provider)


def figures(coverage: Coverage) -> list[Figure]:
    """What ``coverage`` found and what runs did, and what the upper floors count."""
    keepings = [(_labels(covered, keeping), keeping) for covered in coverage.promises for keeping in covered.keepings]
    failed = RetentionRun.objects.filter(is_dry=False, result__in=[Result.REFUSED, Result.FAILED])
    return [
        Figure(
            "privacy_retention_overdue_rows",
            "Rows that the last night should have erased or anonymised. A target out of reach has none.",
            "gauge",
            tuple((labels, keeping.census.due) for labels, keeping in keepings if keeping.census),
        ),
        Figure(
            "privacy_retention_target_up",
            "1 where a target could be looked at, else 0.",
            "gauge",
            tuple((labels, float(keeping.census is not None)) for labels, keeping in keepings),
        ),
        Figure(
            "privacy_retention_last_success_timestamp_seconds",
            "When a run of a target last came to its end.",
            "gauge",
            tuple((labels, keeping.kept_on.timestamp()) for labels, keeping in keepings if keeping.kept_on),
        ),
        Figure(
            "privacy_retention_promises",
            "Promises of the statement in force, by how they stand.",
            "gauge",
            tuple(((("state", state.value),), number) for state, number in coverage.numbers.items()),
        ),
        Figure(
            "privacy_retention_targets_without_promise",
            "Targets whose promise the statement in force does not make.",
            "gauge",
            (((), len(coverage.astray)),),
        ),
        Figure(
            "privacy_retention_runs_failed_total",
            "Runs that failed or were refused, since the beginning.",
            "counter",
            tuple(
                ((("target", target), ("result", result)), number)
                for target, result, number in failed.order_by("target", "result")
                .values_list("target", "result")
                .annotate(Count("pk"))
            ),
        ),
        *(figure for provider in _providers for figure in provider()),
    ]


def _labels(covered: Covered, keeping: Keeping) -> Labels:
    purpose, rule = covered.promise.key
    return (("target", keeping.target), ("purpose", purpose), ("rule", rule))


def as_prometheus(figures: Iterable[Figure]) -> str:
    """``figures`` in the text format 0.0.4."""
    lines = []
    for figure in figures:
        lines.append(f"# HELP {figure.name} {_escaped(figure.help)}")
        lines.append(f"# TYPE {figure.name} {figure.kind}")
        for labels, number in figure.samples:
            named = ",".join(f'{name}="{_quoted(text)}"' for name, text in labels)
            value = f"{number:.3f}".rstrip("0").rstrip(".")
            lines.append(f"{figure.name}{{{named}}} {value}" if named else f"{figure.name} {value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
