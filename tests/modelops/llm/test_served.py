"""Which adapter answers while versions are promoted one after another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.models import Release
from modelops.engines.llm import served
from modelops.engines.llm.adapters import adapter_of
from modelops.engines.llm.code_prompts import SHORT
from modelops.engines.llm.make import vllm_engine
from modelops.engines.llm.pool import pool_of
from modelops.engines.llm.prompt import load_prompt
from modelops.engines.llm.served import PromotedModel, Served
from modelops.engines.llm.transport import Deadline
from modelops.errors import EngineError, ServerUnavailable
from modelops.models import ModelVersion
from tests.bench_llm.charts import known_charts
from tests.modelops.llm.contract import OPEN, request
from tests.standin.process import StandInProcess

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _looks_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_LOOK_SECONDS", 0.0)


def promoted(number: str, folder: Path) -> str:
    """Makes the version the active one; the name of its adapter."""
    made = folder / number
    made.mkdir(exist_ok=True)
    (made / "adapter_model.safetensors").write_text(number)
    ModelVersion.objects.filter(engine="vllm").update(active=False)
    version, _ = ModelVersion.objects.update_or_create(
        engine="vllm", name="coder", version=number, defaults={"adapter": str(made), "active": True}
    )
    return adapter_of(version).name


def test_without_an_active_version_the_setting_answers(standin: StandInProcess) -> None:
    model = PromotedModel("vllm", "standin")
    assert model.current(pool_of([standin.url])) == Served("standin", "standin")
    assert standin.state()["requests"] == {}


def test_the_adapter_before_stays_for_what_is_under_way(standin: StandInProcess, tmp_path: Path) -> None:
    server, model = pool_of([standin.url], model="standin"), PromotedModel("vllm", "standin")
    first = promoted("1", tmp_path)
    assert model.current(server) == Served(first, "coder 1", first)
    second = promoted("2", tmp_path)
    assert model.current(server) == Served(second, "coder 2", second)
    assert set(standin.state()["adapters"]) == {first, second}
    for name in (first, second):
        answer = server.chat(request(OPEN, model=name), Deadline.after(120))
        assert (answer.model, answer.attempts) == (name, 1)
    third = promoted("3", tmp_path)
    assert model.current(server).request == third
    assert set(standin.state()["adapters"]) == {second, third}


def test_going_back_to_the_version_before_loads_nothing_anew(standin: StandInProcess, tmp_path: Path) -> None:
    server, model = pool_of([standin.url], model="standin"), PromotedModel("vllm", "standin")
    first = promoted("1", tmp_path)
    model.current(server)
    second = promoted("2", tmp_path)
    model.current(server)
    assert promoted("1", tmp_path) == first
    assert model.current(server) == Served(first, "coder 1", first)
    assert set(standin.state()["adapters"]) == {first, second}


def test_an_adapter_that_a_server_refuses_is_tried_again_with_the_next_chart(
    standin: StandInProcess, tmp_path: Path
) -> None:
    server, model = pool_of([standin.url], model="standin"), PromotedModel("vllm", "standin")
    standin.order("status", status=500, path="/v1/load_lora_adapter", times=1)
    name = promoted("1", tmp_path)
    with pytest.raises(ServerUnavailable):
        model.current(server)
    assert model.current(server).request == name
    assert standin.state()["adapters"] == {name: str(tmp_path / "1")}


def test_the_row_that_is_active_predicts_and_is_named(
    settings: Any, icd10cm: Release, standin: StandInProcess, tmp_path: Path
) -> None:
    """The engine as the settings make it, over rows that are promoted, replaced and taken back meanwhile."""
    settings.LLM_BASE_URLS, settings.LLM_MODEL, settings.LLM_PROCEDURES = [standin.url], "standin", False
    engine = vllm_engine()
    (known,) = known_charts(1)

    def made_by() -> tuple[str, str, str]:
        result = engine.predict(known.chart, icd10cm.pk)
        assert {said.code for said in result.suggestions} == known.codes
        assert result.made_by is not None
        asked = standin.asked()[-1]["model"]
        return asked, result.made_by.model_version, result.made_by.adapter

    assert made_by() == ("standin", "standin", "")
    adapter = promoted("1", tmp_path)
    assert made_by() == (adapter, "coder 1", adapter)
    ModelVersion.objects.filter(engine="vllm").update(active=False)
    ModelVersion.objects.create(engine="vllm", name="whole", version="2", base="standin", active=True)
    assert made_by() == ("standin", "whole 2", "")
    ModelVersion.objects.filter(engine="vllm").update(active=False)
    assert made_by() == ("standin", "standin", "")
    assert promoted("1", tmp_path) == adapter
    assert made_by() == (adapter, "coder 1", adapter)
    assert set(standin.state()["adapters"]) == {adapter}


def test_a_version_is_asked_with_the_prompt_that_it_was_trained_with(
    standin: StandInProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server, model = pool_of([standin.url], model="standin"), PromotedModel("vllm", "standin")
    name = promoted("1", tmp_path)
    mine = ModelVersion.objects.filter(engine="vllm", version="1")
    for said, asked in ((load_prompt(SHORT).version, SHORT), (SHORT, SHORT), ("", "")):
        mine.update(prompt_version=said)
        fresh = PromotedModel("vllm", "standin")
        assert fresh.current(server) == Served(name, "coder 1", name, asked)
    assert [told for told in caplog.messages if "other words" in told] == []
    mine.update(prompt_version=f"{SHORT}:0123456789ab")
    assert model.current(server).prompt == SHORT
    (warned,) = [told for told in caplog.messages if "other words" in told]
    assert warned.endswith(f"was trained with other words of prompt {SHORT}")
    mine.update(prompt_version="icd10cm-unheard-1:0123456789ab")
    with pytest.raises(EngineError, match="trained with a prompt that is not here"):
        PromotedModel("vllm", "standin").current(server)
