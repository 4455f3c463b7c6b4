"""Figures for monitoring: the version in force, and what is to be published."""

from collections.abc import Iterator

from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client.metrics_core import Metric

from retention.figures import gauge

from .models import Proposal, StatementVersion


def looked_up() -> Iterator[Metric]:
    """Two queries."""
    now = timezone.now()
    version = StatementVersion.objects.only("number", "effective_at").in_force(now)
    if version is not None:
        yield gauge("privacy_version_in_force", "Number of the statement in force.", version.number)
        yield gauge(
            "privacy_version_in_force_timestamp_seconds",
            "Since when that version is in force.",
            version.effective_at.timestamp(),
        )
    scheduled = Proposal.objects.filter(state=Proposal.State.SCHEDULED)
    found = scheduled.aggregate(all=Count("pk"), late=Count("pk", filter=Q(effective_at__lte=now)))
    yield gauge("privacy_publications_scheduled", "Publications that wait for their moment.", found["all"])
    yield gauge("privacy_publications_late", "Publications whose moment has passed.", found["late"])
