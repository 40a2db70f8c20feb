"""A small checkpoint answered by a process of the training environment: the contract of every ChatServer, and how the
process comes and goes."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from coding_review.actions.evaluate_version import evaluate_version
from coding_review.actions.gold_exchange import import_gold
from coding_review.errors import InvalidDecision
from coding_review.evaluation_job import run_evaluation
from coding_review.models import EvaluationJob
from modelops.engines.llm import asking
from modelops.engines.llm.local.tiny import TinyModel, ensure_tiny_model
from modelops.engines.llm.schema import open_schema
from modelops.engines.local_transformers.process import LocalServer, Plan
from modelops.errors import ServerUnavailable
from modelops.models import ModelVersion
from modelops.training.processes import Process, is_alive, started_at
from tests.faults.conftest import wait_until
from tests.modelops.llm.contract import FIXED, ChatServerContract, Target, request, soon

pytestmark = pytest.mark.timeout(590)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def small(training_venv: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """Made by the training environment, as `make vllm-cpu` makes one by its own."""
    texts = ROOT / "coding_review" / "demo" / "charts"
    return ensure_tiny_model(tmp_path_factory.mktemp("small") / "tiny", texts, training_venv)


@pytest.fixture(scope="module")
def server(training_venv: Path, small: TinyModel) -> Iterator[LocalServer]:
    found = LocalServer(Plan(training_venv, small.model, "small"))
    yield found
    found.close()


class TestLocalTransformers(ChatServerContract):
    @pytest.fixture
    def target(self, server: LocalServer, small: TinyModel) -> Target:
        return Target(server, "small", 2, 8192, str(small.adapter))


def test_it_is_started_when_it_is_asked_and_again_when_it_was_killed(
    training_venv: Path, small: TinyModel
) -> None:
    server = LocalServer(Plan(training_venv, small.model, "small"))
    assert server.pid == 0
    assert server.chat(request(FIXED), soon(300)).text == '{"code":"I50.9"}'
    first = Process(server.pid, started_at(server.pid))
    os.kill(first.pid, signal.SIGKILL)
    # All of its threads.
    wait_until(lambda: server.pid == 0, seconds=60)
    assert server.models() == ["small"]
    second = Process(server.pid, started_at(server.pid))
    assert second != first
    server.close()
    assert not is_alive(second)
    with pytest.raises(ServerUnavailable):
        server.models()


def test_only_who_started_it_is_answered(server: LocalServer) -> None:
    assert server.healthy() is True
    told = Path(f"/proc/{server.pid}/environ").read_bytes()
    assert b"SECRET_KEY" not in told
    assert b"DATABASE_URL" not in told
    assert b"Bearer" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    port = int(server._server().name.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/v1/models", headers={"Authorization": "Bearer guessed"})
    assert connection.getresponse().status == 401
    connection.close()


def test_what_is_no_checkpoint_is_told_without_a_wait(training_venv: Path, tmp_path: Path) -> None:
    server = LocalServer(Plan(training_venv, tmp_path, "nothing"))
    with pytest.raises(ServerUnavailable) as caught:
        server.models()
    assert caught.value.retryable is False
    assert server.healthy() is False
    server.close()


@pytest.mark.django_db
def test_a_candidate_is_measured_by_it_where_no_vllm_runs(
    admin: Any,
    training_venv: Path,
    small: TinyModel,
    settings: Any,
    tmp_path: Path,
    icd10cm: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both kinds of result: weights of their own, and an adapter of the same base."""
    # A model that learned nothing may list codes until its answer is cut: with one code at most it always ends.
    monkeypatch.setattr(asking, "open_schema", partial(open_schema, max_items=1))
    settings.TRAINING_VENV, settings.TRAINING_BASE_DIRS = str(training_venv), [small.model.parent]
    settings.EVALUATION_DIR = tmp_path / "kept"
    rows = [
        {"id": f"g-{number}", "text": "Has hypertension.", "codes": [{"code": "I10", "lines": [1]}]}
        for number in range(2)
    ]
    import_gold(
        None,
        [json.dumps(row).encode() + b"\n" for row in rows],
        name="Frozen",
        purpose="evaluation",
        without_phi=True,
    )
    base, prompt = str(small.model), "icd10cm-short-1"
    versions = [
        ModelVersion.objects.create(engine="vllm", name="m", version="1", base=base, prompt_version=prompt),
        ModelVersion.objects.create(
            engine="vllm", name="m", version="2", base=base, adapter=str(small.adapter), prompt_version=prompt
        ),
    ]
    for version in versions:
        (job,) = evaluate_version(admin, version.pk)
        ran = run_evaluation(job.pk)
        job.refresh_from_db()
        assert (ran, job.status, job.error) == (True, "done", "")
        assert (job.run.model_version, job.run.engine, job.run.charts_count) == (version, "vllm", 2)
        assert job.run.settings["answered_by"] == "local_transformers"
    assert caplog.text.count("a small model answers on port") == 2
    assert caplog.text.count("is loaded") == 1
    assert children(os.getpid(), "local_transformers.server") == []


@pytest.mark.django_db
def test_what_is_too_large_is_not_asked_here(
    admin: Any, training_venv: Path, small: TinyModel, settings: Any
) -> None:
    settings.TRAINING_VENV, settings.TRAINING_BASE_DIRS = str(training_venv), [small.model.parent]
    settings.LOCAL_TRANSFORMERS_PARAMETERS = 1000
    version = ModelVersion.objects.create(engine="vllm", name="m", version="1", base=str(small.model))
    with pytest.raises(InvalidDecision, match="too large to be asked here"):
        evaluate_version(admin, version.pk)
    assert not EvaluationJob.objects.exists()


def children(pid: int, module: str) -> list[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    numbers = [int(number) for path in found for number in path.read_text().split()]
    return [one for one in numbers if module.encode() in Path(f"/proc/{one}/cmdline").read_bytes()]
