"""Adapters of model versions: names by content, loaded while the server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelops.engines.llm.adapters import Adapter, adapter_of, folder_sha256, serve
from modelops.engines.llm.client import VllmServer
from modelops.errors import EngineError, RequestRefused
from modelops.models import ModelVersion
from modelops.training.card import finish
from tests.modelops.training.rows import job_file
from tests.standin.process import StandInProcess


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "adapter"
    made.mkdir()
    (made / "adapter_config.json").write_text('{"r": 16}')
    (made / "adapter_model.safetensors").write_bytes(b"weights")
    return made


def version(
    folder: Path | str, *, name: str = "coder llama", number: str = "3", active: bool = True
) -> ModelVersion:
    return ModelVersion(engine="vllm", name=name, version=number, adapter=str(folder), active=active)


def test_the_name_holds_version_and_content(folder: Path) -> None:
    adapter = adapter_of(version(folder))
    assert adapter == Adapter(f"coder-llama-3-{adapter.sha256[:12]}", str(folder), folder_sha256(folder))


def test_other_content_is_another_adapter(folder: Path) -> None:
    before = folder_sha256(folder)
    (folder / "adapter_model.safetensors").write_bytes(b"Weights")
    changed = folder_sha256(folder)
    (folder / "adapter_model.safetensors").rename(folder / "other.safetensors")
    assert len({before, changed, folder_sha256(folder)}) == 3


def test_the_same_content_elsewhere_has_the_same_hash(folder: Path, tmp_path: Path) -> None:
    before = folder_sha256(folder)
    assert folder_sha256(folder.rename(tmp_path / "moved")) == before


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for missing in (tmp_path / "none", tmp_path / "empty"):
        with pytest.raises(EngineError) as caught:
            folder_sha256(missing)
        assert (str(tmp_path) in str(caught.value), caught.value.retryable) == (False, False)


def test_an_adapter_that_is_not_what_its_training_left_is_not_loaded(folder: Path, settings: Any) -> None:
    settings.TRAINING_DIR = folder.parent
    trained = version(folder)
    trained.checkpoint, trained.sha256 = folder.name, finish(folder, job_file(folder), {}, base_name="tiny")
    assert adapter_of(trained).path == str(folder)
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(b"Weights")
    with pytest.raises(EngineError, match="not those that its training left") as caught:
        adapter_of(trained)
    assert str(folder) not in str(caught.value)
    weights.write_bytes(b"weights")
    (folder / "modeling.py").write_text("print()")
    with pytest.raises(EngineError, match="not those that its training left"):
        adapter_of(trained)


def test_a_promoted_adapter_takes_the_place_of_the_one_before(standin: StandInProcess) -> None:
    server = VllmServer(standin.url)
    old, new = Adapter("a-1", "/adapters/a1", "1" * 64), Adapter("a-2", "/adapters/a2", "2" * 64)
    serve(server, old)
    serve(server, new, instead_of=old.name)
    serve(server, new, instead_of=new.name)
    assert standin.state()["adapters"] == {"a-2": "/adapters/a2"}


def test_an_adapter_that_cannot_be_loaded_leaves_the_old_one(standin: StandInProcess) -> None:
    server = VllmServer(standin.url)
    old, new = Adapter("a-1", "/adapters/a1", "1" * 64), Adapter("a-2", "/adapters/missing", "2" * 64)
    serve(server, old)
    with pytest.raises(RequestRefused):
        serve(server, new, instead_of=old.name)
    assert standin.state()["adapters"] == {"a-1": "/adapters/a1"}


def test_an_old_one_that_stays_does_not_undo_a_promotion(standin: StandInProcess) -> None:
    server = VllmServer(standin.url)
    old, new = Adapter("a-1", "/adapters/a1", "1" * 64), Adapter("a-2", "/adapters/a2", "2" * 64)
    serve(server, old)
    standin.order("status", path="/v1/unload_lora_adapter", times=-1)
    serve(server, new, instead_of=old.name)
    assert standin.state()["adapters"] == {"a-1": "/adapters/a1", "a-2": "/adapters/a2"}
