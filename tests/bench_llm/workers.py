"""Five hundred charts through Celery, PostgreSQL, Valkey and the stand-in, by two workers in two processes, one of them
killed in the middle: what is stored in the end."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from catalog.models import Release
from coding_review.actions.queue_prediction import queue_prediction
from coding_review.celery import app
from coding_review.choices import EncounterStatus, RunStatus, RunTrigger
from coding_review.locks import lock_encounter
from coding_review.models import (
    AuditEvent,
    CodeSet,
    Document,
    DocumentVersion,
    Encounter,
    Facility,
    PredictionRun,
    Suggestion,
    WorkGroup,
)
from coding_review.queues import BATCH, INTERACTIVE
from modelops.engines.registry import get_engine
from tests.bench.figures import report
from tests.bench_llm.charts import Known, known_charts
from tests.faults.conftest import Broker, Processes, connect_to, wait_until
from tests.standin.process import StandInProcess

CHARTS = 500
THREADS = 16
SLOTS = 16
# As long as a chart stays at the model; the other worker finds the killed one's charts after the heartbeat's seconds.
REQUEST_SECONDS = 0.3
HEARTBEAT_SECONDS = 5
DAY = date(2026, 5, 4)


@dataclass(frozen=True)
class Stored:
    """What lies in the database in the end, run by run."""

    runs: int
    done: int
    results: Mapping[int, int]
    wrong: Sequence[int]
    attempts: Counter[int]

    def faults_of_ours(self, queued: Sequence[int]) -> list[str]:
        """What must never happen, in words; empty when nothing did."""
        found = []
        if self.runs != len(queued):
            found.append(f"{self.runs} runs for {len(queued)} charts")
        if self.done != len(queued):
            found.append(f"{len(queued) - self.done} without a result")
        if several := [run for run in queued if self.results.get(run, 0) != 1]:
            found.append(f"{len(several)} with no result or several")
        if self.wrong:
            found.append(f"{len(self.wrong)} with other codes than their own")
        return found


def measure(release_id: int) -> None:
    charts = known_charts(CHARTS, seed=5, prefix="killed ")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        standin = stack.enter_context(StandInProcess.started(slots=SLOTS, request_seconds=REQUEST_SECONDS))
        broker = Broker(folder)
        broker.start()
        stack.callback(broker.stop)
        environment = _environment(broker, standin)
        begun = time.monotonic()
        with _in_force(standin, broker):
            queued = dict(_queued(known, release_id) for known in charts)
        queueing = time.monotonic() - begun
        # Who finds what the killed worker had in hand.
        beat = Processes(folder, environment, "beat", "-s", str(folder / "schedule"))
        stack.callback(beat.kill)
        stack.callback(_sweeper(folder, environment).kill)
        struck, stays = (_worker(folder, environment, number) for number in (1, 2))
        stack.callback(struck.kill)
        stack.callback(stays.kill)
        wait_until(lambda: _of(RunStatus.DONE) > 0, seconds=120)
        first, busy_from = time.monotonic(), _of(RunStatus.DONE)
        wait_until(lambda: _of(RunStatus.DONE) >= CHARTS // 2, seconds=300)
        half = time.monotonic()
        in_hand = _of(RunStatus.RUNNING)
        struck.kill()
        wait_until(lambda: _of(RunStatus.DONE) == CHARTS, seconds=600)
        last = time.monotonic()
        stored = _stored(queued)
        state = standin.state()
        traced = sum("Traceback" in one.log.read_text() for one in (struck, stays))
    bad = stored.faults_of_ours(list(queued))
    again = sum(count for attempts, count in stored.attempts.items() if attempts > 1)
    report(
        f"{CHARTS} charts, two workers of {THREADS} threads, one killed at the half",
        "; ".join(bad) or "each once",
        "each once",
    )
    report(
        "… stored results, runs taken up again, asked of the server",
        f"{sum(stored.results.values())}, {again} (of {in_hand} in hand), {state['chats']} times, tracebacks {traced}",
    )
    report(
        "… charts/s with two workers, then to the end with one",
        f"{(CHARTS // 2 - busy_from) / (half - first):.1f}, {(CHARTS - CHARTS // 2) / (last - half):.1f} "
        f"(of {SLOTS / REQUEST_SECONDS:.0f} that the server can do); queued in {queueing:.1f} s",
    )


def _environment(broker: Broker, standin: StandInProcess) -> dict[str, str]:
    database = connection.settings_dict
    return os.environ | {
        "DATABASE_URL": (
            f"postgres://{database['USER']}:{database['PASSWORD']}"
            f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        ),
        "REDIS_URL": broker.url,
        "ENGINE": "vllm",
        "LLM_BASE_URLS": standin.url,
        "LLM_IN_FLIGHT": str(THREADS),
        "LLM_PROCEDURES": "0",
        "PREDICTION_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
        "QUEUE_ORDER": "priority",
        "EMBED_IN_BACKGROUND": "0",
    }


def _worker(folder: Path, environment: dict[str, str], number: int) -> Processes:
    options = [
        "-Q",
        f"{INTERACTIVE},{BATCH}",
        "--pool",
        "threads",
        "-c",
        str(THREADS),
        "-n",
        f"bench{number}@%h",
    ]
    return Processes(folder, environment, "worker", *options, "--without-gossip", "--without-mingle")


def _sweeper(folder: Path, environment: dict[str, str]) -> Processes:
    options = ["-Q", "celery", "-c", "1", "-n", "sweeper@%h", "--without-gossip", "--without-mingle"]
    return Processes(folder, environment, "worker", *options)


@contextmanager
def _in_force(standin: StandInProcess, broker: Broker) -> Iterator[None]:
    """The workers' settings here too: which engine is asked decides the queue."""
    before = {name: getattr(settings, name) for name in ("ENGINE", "LLM_BASE_URLS", "CELERY_BROKER_URL")}
    url = app.conf.broker_url
    settings.ENGINE, settings.LLM_BASE_URLS, settings.CELERY_BROKER_URL = "vllm", [standin.url], broker.url
    connect_to(broker.url)
    get_engine.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
        connect_to(url)
        get_engine.cache_clear()


def _queued(known: Known, release_id: int) -> tuple[int, frozenset[str]]:
    """The run of a new encounter with the chart's text, and the codes that it has to end with."""
    with transaction.atomic():
        encounter = _encounter(known, release_id)
        (run,) = queue_prediction(None, lock_encounter(encounter.pk), RunTrigger.ARRIVAL, bulk=True)
    return run.pk, known.codes


def _encounter(known: Known, release_id: int) -> Encounter:
    facility, _ = Facility.objects.get_or_create(code="BENCH", defaults={"name": "Bench"})
    group, _ = WorkGroup.objects.get_or_create(facility=facility, code="BENCH", defaults={"name": "Bench"})
    chart = known.chart
    encounter = Encounter.objects.create(
        source="bench",
        source_id=chart.id,
        facility=facility,
        work_group=group,
        setting="outpatient",
        claim_types=[chart.claim_type],
        status=EncounterStatus.RECEIVED,
        date_of_service=DAY,
        sort_date=DAY,
        document_count=1,
    )
    text = chart.documents[0].text
    document = Document.objects.create(
        encounter=encounter, source_id="D1", type="Progress note", author_role="physician", position=0
    )
    DocumentVersion.objects.create(
        document=document,
        version=1,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        line_count=text.count("\n") + 1,
    )
    CodeSet.objects.create(
        encounter=encounter, claim_type=chart.claim_type, release=Release.objects.get(pk=release_id)
    )
    return encounter


def _of(status: str) -> int:
    return PredictionRun.objects.filter(status=status).count()


def _stored(queued: Mapping[int, frozenset[str]]) -> Stored:
    found: dict[int, set[str]] = {}
    for run, code in Suggestion.objects.values_list("run_id", "code"):
        found.setdefault(run, set()).add(code)
    finished = AuditEvent.objects.filter(type="prediction.finished").values_list("data__run_id", flat=True)
    return Stored(
        runs=PredictionRun.objects.count(),
        done=_of(RunStatus.DONE),
        results=Counter(finished),
        wrong=[run for run, codes in queued.items() if found.get(run, set()) != codes],
        attempts=Counter(PredictionRun.objects.values_list("attempts", flat=True)),
    )
