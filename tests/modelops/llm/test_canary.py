"""A canary's share of the charts, and a version that is asked whatever serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelops.engines.llm import served
from modelops.engines.llm.adapters import adapter_of
from modelops.engines.llm.pool import pool_of
from modelops.engines.llm.served import PromotedModel, Served, VersionModel, place_of
from modelops.models import ModelVersion
from tests.standin.process import StandInProcess

pytestmark = pytest.mark.django_db
CHARTS = [str(number) for number in range(1, 2001)]


@pytest.fixture(autouse=True)
def _looks_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_LOOK_SECONDS", 0.0)


def version(number: str, folder: Path, **more: object) -> ModelVersion:
    made = folder / number
    made.mkdir()
    (made / "adapter_model.safetensors").write_text(number)
    return ModelVersion.objects.create(engine="vllm", name="coder", version=number, adapter=str(made), **more)


def test_a_share_is_drawn_by_the_chart_and_grows_by_adding() -> None:
    small = {chart for chart in CHARTS if place_of(7, chart) < 0.1}
    large = {chart for chart in CHARTS if place_of(7, chart) < 0.3}
    other = {chart for chart in CHARTS if place_of(8, chart) < 0.1}
    assert (len(small), len(large), small < large) == (207, 628, True)
    assert other != small
    assert round(place_of(7, "1"), 6) == 0.390142


def test_charts_of_the_share_go_to_the_canary_and_name_it(standin: StandInProcess, tmp_path: Path) -> None:
    server, model = pool_of([standin.url], model="standin"), PromotedModel("vllm", "standin")
    first = version("1", tmp_path, active=True)
    second = version("2", tmp_path, canary_share=0.25)
    names = {adapter_of(first).name: "coder 1", adapter_of(second).name: "coder 2"}
    answers = {chart: model.current(server, chart) for chart in CHARTS[:200]}
    assert {(found.adapter, found.version) for found in answers.values()} == set(names.items())
    for chart, found in answers.items():
        assert (found.version == "coder 2") is (place_of(second.pk, chart) < 0.25)
    assert model.current(server).version == "coder 1"
    assert set(standin.state()["adapters"]) == set(names)


def test_all_or_none_of_the_charts(standin: StandInProcess, tmp_path: Path) -> None:
    server, model = pool_of([standin.url], model="standin"), PromotedModel("vllm", "standin")
    second = version("2", tmp_path, canary_share=1)
    assert {model.current(server, chart).version for chart in CHARTS[:50]} == {"coder 2"}
    ModelVersion.objects.filter(pk=second.pk).update(canary_share=0)
    assert {model.current(server, chart) for chart in CHARTS[:50]} == {Served("standin", "standin")}


def test_a_canary_that_cannot_be_loaded_takes_no_chart(
    standin: StandInProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server, model = pool_of([standin.url], model="standin"), PromotedModel("vllm", "standin")
    version("1", tmp_path, active=True)
    second = version("2", tmp_path, canary_share=1)
    (Path(second.adapter) / "adapter_model.safetensors").unlink()
    assert model.current(server, "1").version == "coder 1"
    assert f"canary {second.pk} takes no chart: engine_error" in caplog.messages


def test_a_promoted_canary_stays_loaded_and_a_third_takes_the_place_of_the_ended_one(
    standin: StandInProcess, tmp_path: Path
) -> None:
    server, model = pool_of([standin.url], model="standin"), PromotedModel("vllm", "standin")
    rows = [version("1", tmp_path, active=True), version("2", tmp_path, canary_share=0.5)]
    model.current(server)
    rows.append(version("3", tmp_path))
    ModelVersion.objects.update(active=False, canary_share=0)
    ModelVersion.objects.filter(pk=rows[2].pk).update(active=True)
    assert model.current(server).version == "coder 3"
    assert set(standin.state()["adapters"]) == {adapter_of(rows[0]).name, adapter_of(rows[2]).name}


def test_a_version_is_asked_though_another_serves_and_goes_when_it_is_done(
    standin: StandInProcess, tmp_path: Path
) -> None:
    server = pool_of([standin.url], model="standin")
    serving, candidate = version("1", tmp_path, active=True), version("2", tmp_path)
    promoted, asked = PromotedModel("vllm", "standin"), VersionModel(candidate, "standin")
    promoted.current(server)
    name = adapter_of(candidate).name
    assert asked.current(server, "1") == Served(name, "coder 2", name)
    assert set(standin.state()["adapters"]) == {adapter_of(serving).name, name}
    asked.leave(server)
    assert set(standin.state()["adapters"]) == {adapter_of(serving).name}


def test_a_version_that_was_promoted_meanwhile_stays_loaded(standin: StandInProcess, tmp_path: Path) -> None:
    server = pool_of([standin.url], model="standin")
    candidate = version("2", tmp_path)
    asked = VersionModel(candidate, "standin")
    asked.current(server, "1")
    ModelVersion.objects.filter(pk=candidate.pk).update(active=True)
    asked.leave(server)
    assert set(standin.state()["adapters"]) == {adapter_of(candidate).name}


def test_a_model_without_an_adapter_is_asked_for_by_its_base(standin: StandInProcess) -> None:
    server = pool_of([standin.url], model="standin")
    whole = ModelVersion.objects.create(engine="vllm", name="whole", version="1", base="coder-70b")
    assert VersionModel(whole, "standin").current(server) == Served("coder-70b", "whole 1")
    assert standin.state()["adapters"] == {}
