"""Figures for monitoring, in the format of Prometheus: numbers of rows and moments, nothing about anybody.

What can be looked up is told at every scrape, each floor registering its own: a few queries with an index. A census
of all targets is dear, and told by the command ``retention_coverage`` alone. What processes count while they work,
they count in ``counted``.
"""

from collections.abc import Callable, Iterable, Iterator

from django.db.models import Count, Max
from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from .coverage import Coverage, Covered, Keeping, known_targets
from .models import Result, RetentionRun

# When a count began, Prometheus finds out by itself; over several processes nobody could tell.
disable_created_metrics()
counted = CollectorRegistry()

Provider = Callable[[], Iterable[Metric]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Have what ``provider`` looks up told with the rest, at every scrape."""
    _providers.append(provider)


def looked_up() -> Iterator[Metric]:
    """What each floor looks up, in turn: raises what the database raises, after what was told before."""
    for provider in _providers:
        yield from provider()


def gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    """A figure of a single number."""
    return GaugeMetricFamily(name, help, value=value)


def runs() -> Iterator[Metric]:
    """When each target that is enforced was last kept, and what failed: two queries."""
    kept = GaugeMetricFamily(
        "privacy_retention_last_success_timestamp_seconds",
        "When a run of a target last came to its end.",
        labels=["target"],
    )
    failed = CounterMetricFamily(
        "privacy_retention_runs_failed",
        "Runs that failed or were refused, since the beginning.",
        labels=["target", "result"],
    )
    real = RetentionRun.objects.filter(is_dry=False).order_by("target", "result").values_list("target", "result")
    found = {(target, result): facts for target, result, *facts in real.annotate(Count("pk"), Max("finished_at"))}
    for target in sorted(known.slug for known in known_targets()):
        if (target, Result.DONE) in found:
            kept.add_metric([target], found[target, Result.DONE][1].timestamp())
        for result in (Result.REFUSED, Result.FAILED):
            # From 0 on, so that the first is an increase too.
            failed.add_metric([target, result.value], found.get((target, result), [0])[0])
    yield kept
    yield failed


register(runs)


# -- Dear ----------------------------------------------------------------------------------------


def census(coverage: Coverage) -> Iterator[Metric]:
    """What ``coverage`` found when it looked at every target, and when that was."""
    yield gauge(
        "privacy_retention_census_timestamp_seconds",
        "When all targets were last looked at.",
        coverage.looked_at.timestamp(),
    )
    overdue = GaugeMetricFamily(
        "privacy_retention_overdue_rows",
        "Rows that the last night should have erased or anonymised. A target out of reach has none.",
        labels=["target", "purpose", "rule"],
    )
    up = GaugeMetricFamily(
        "privacy_retention_target_up",
        "1 where a target could be looked at, else 0.",
        labels=["target", "purpose", "rule"],
    )
    for covered in coverage.promises:
        for keeping in covered.keepings:
            labels = _labels(covered, keeping)
            up.add_metric(labels, float(keeping.census is not None))
            if keeping.census:
                overdue.add_metric(labels, keeping.census.due)
    yield overdue
    yield up
    promises = GaugeMetricFamily(
        "privacy_retention_promises", "Promises of the statement in force, by how they stand.", labels=["state"]
    )
    for state, number in coverage.numbers.items():
        promises.add_metric([state.value], number)
    yield promises
    yield gauge(
        "privacy_retention_targets_without_promise",
        "Targets whose promise the statement in force does not make.",
        len(coverage.astray),
    )


def _labels(covered: Covered, keeping: Keeping) -> list[str]:
    purpose, rule = covered.promise.key
    return [keeping.target, purpose, rule]
