"""When promises were last kept, for whoever tells visitors."""

from collections.abc import Mapping
from datetime import date

from django.db.models import Max
from django.utils import timezone

from .models import Result, RetentionRun

Key = tuple[str, str]

# A run that was written down at the same time may have got the lower number and be seen the later.
AT_THE_SAME_TIME = 100


class LastKept:
    """The day, in Amsterdam, on which each rule of some purposes was last enforced to its end.

    By the identifiers of purpose and rule. Grows with ``look``, which reads what is new: one query.
    """

    def __init__(self, purposes: frozenset[str]) -> None:
        self.purposes = purposes
        self.days: Mapping[Key, date] = {}
        self._seen = 0

    def look(self) -> None:
        if not self.purposes:
            return
        runs = RetentionRun.objects.filter(
            pk__gt=self._seen - AT_THE_SAME_TIME, purpose__in=self.purposes, is_dry=False, result=Result.DONE
        )
        rows = runs.order_by().values_list("purpose", "rule").annotate(last=Max("finished_at"), newest=Max("pk"))
        days = dict(self.days)
        for purpose, rule, last, newest in rows:
            day = timezone.localdate(last, timezone.get_default_timezone())
            days[purpose, rule] = max(day, days.get((purpose, rule), day))
            self._seen = max(self._seen, newest)
        self.days = days
