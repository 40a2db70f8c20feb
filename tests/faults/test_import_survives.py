"""An import killed with -9 in the middle: what was told is there, and the same file again takes in the rest, once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coding_review.audit_check import verify
from coding_review.models import AuditEvent, DocumentVersion, Encounter, PredictionRun
from tests.faults.conftest import ROOT, wait_until
from tests.faults.test_inference_workers import connections_of_others

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
CHARTS = 400


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    path = tmp_path / "charts.jsonl"
    rows = (
        {"id": f"K{number:03}", "text": f"NOTE {number}\nHypertension.", "date_of_service": "2026-06-09"}
        for number in range(CHARTS)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


Begin = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def begin(charts: Path, environment: dict[str, str]) -> Iterator[Begin]:
    """Starts an import. None is left running, with its connections, where the test ends before it does."""
    begun: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", "import_charts", str(charts), "--facility", "TVMC"]
        begun.append(
            subprocess.Popen(
                [*command, "--work-group", "inpatient"],
                cwd=ROOT,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
        return begun[-1]

    yield start
    for one in begun:
        with one:
            one.kill()


def test_killed_in_the_middle(icd10cm: Any, marked_engine: Any, work_group: Any, begin: Begin) -> None:
    before = connections_of_others()
    importing = begin()
    wait_until(lambda: Encounter.objects.count() > 0, seconds=300)
    os.kill(importing.pid, signal.SIGKILL)
    importing.communicate()
    # PostgreSQL may have its last commit still to do.
    wait_until(lambda: set(connections_of_others()) <= set(before), seconds=300)
    taken = Encounter.objects.count()
    assert 0 < taken < CHARTS
    # Whole transactions of fifty rows, or none of one.
    assert taken % 50 == 0
    assert list(verify()) == []

    again = begin()
    told, problems = again.communicate(timeout=300)
    assert (again.returncode, told) == (
        0,
        f"New encounter: {CHARTS - taken}; Already there, unchanged: {taken}\n",
    ), problems
    assert Encounter.objects.count() == DocumentVersion.objects.count() == CHARTS
    assert PredictionRun.objects.count() == CHARTS
    received = AuditEvent.objects.filter(type="encounter.received").values_list("encounter", flat=True)
    assert set(Counter(received).values()) == {1}
    assert len(received) == CHARTS
    assert list(verify()) == []
