"""Figures for the operator's monitoring, read from the rows, so that they hold for all workers on all machines.

Labels are names of engines and queues, statuses and error codes; nothing of a record, and nothing that a model wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Count, Max, Min, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from coding_review.broker import waiting_in
from coding_review.choices import RUN_OPEN, RunStatus
from coding_review.models import PredictionRun
from coding_review.queues import PREDICTION_QUEUES

# Ended runs are looked for among so many of the newest: there is no index on the time they ended.
NEWEST = 20_000
_PREFIX = "coding_review_runs"
# Of what engines count: fixed names, whatever else a row holds.
_COUNTED = ("requests", "windows", "passes", "prompt_tokens", "output_tokens", "retries", "repaired_quotes")


def exposition() -> bytes:
    """In Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Runs())
    return generate_latest(registry)


class _Runs:
    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield from _open()
        yield _broker()
        yield from _ended()

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing, so that registering reads nothing."""
        return []


def _open() -> Iterable[GaugeMetricFamily]:
    runs = PredictionRun.objects.filter(status__in=RUN_OPEN).order_by()
    count = GaugeMetricFamily(
        f"{_PREFIX}_open", "Runs that wait or are at work.", labels=["engine", "queue", "status"]
    )
    for engine, queue, status, number in runs.values_list("engine", "queue", "status").annotate(Count("pk")):
        count.add_metric([engine, queue, status], number)
    yield count
    oldest = GaugeMetricFamily(
        f"{_PREFIX}_oldest_waiting_seconds", "How long the longest waiting run is due.", labels=["queue"]
    )
    now = timezone.now()
    since = dict(runs.filter(status=RunStatus.QUEUED).values_list("queue").annotate(first=Min("queued_at")))
    for queue in PREDICTION_QUEUES:
        waited = (now - since[queue]).total_seconds() if queue in since else 0.0
        oldest.add_metric([queue], max(0.0, waited))
    yield oldest


def _broker() -> GaugeMetricFamily:
    waiting = GaugeMetricFamily(
        "coding_review_broker_waiting", "Messages that no worker has taken.", labels=["queue"]
    )
    for queue in PREDICTION_QUEUES:
        waiting.add_metric([queue], waiting_in(queue))
    return waiting


def _ended() -> Iterable[GaugeMetricFamily]:
    newest = PredictionRun.objects.aggregate(last=Max("pk"))["last"] or 0
    ended = PredictionRun.objects.filter(
        pk__gt=newest - NEWEST, finished_at__gte=timezone.now() - timedelta(hours=1)
    ).order_by()
    count = GaugeMetricFamily(
        f"{_PREFIX}_ended_last_hour",
        "Runs that ended in the last hour; of those that failed, by error code.",
        labels=["engine", "status", "error_code"],
    )
    for engine, status, code, number in ended.values_list("engine", "status", "error_code").annotate(
        Count("pk")
    ):
        count.add_metric([engine, status, code], number)
    yield count
    done = ended.filter(status=RunStatus.DONE)
    stood_in = GaugeMetricFamily(
        f"{_PREFIX}_fell_back_last_hour", "Runs that another engine answered.", labels=["engine"]
    )
    for engine, number in done.exclude(fallback_from="").values_list("fallback_from").annotate(Count("pk")):
        stood_in.add_metric([engine], number)
    yield stood_in
    seconds = GaugeMetricFamily(
        f"{_PREFIX}_engine_seconds_last_hour", "Seconds that engines took for answers.", labels=["engine"]
    )
    for engine, took in done.values_list("engine").annotate(Sum("engine_seconds")):
        seconds.add_metric([engine], took or 0.0)
    yield seconds
    yield _usage(done.exclude(usage={}).values_list("engine", "usage"))


def _usage(rows: Iterable[tuple[str, dict[str, int]]]) -> GaugeMetricFamily:
    sums: dict[tuple[str, str], int] = {}
    for engine, usage in rows:
        for name in _COUNTED:
            if name in usage:
                sums[engine, name] = sums.get((engine, name), 0) + int(usage[name])
    family = GaugeMetricFamily(
        f"{_PREFIX}_usage_last_hour", "What answers cost, as engines count it.", labels=["engine", "what"]
    )
    for (engine, name), total in sorted(sums.items()):
        family.add_metric([engine, name], total)
    return family
