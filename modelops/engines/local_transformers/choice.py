"""What answers for one model version before it serves: the vLLM servers where they have it, else a process here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from modelops.checkpoint_files import check_checkpoint
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.engine import LlmEngine
from modelops.engines.llm.make import NAME, server_pool
from modelops.engines.llm.parts import parts_of
from modelops.engines.llm.served import VersionModel
from modelops.engines.llm.transport import ChatServer
from modelops.engines.local_transformers.process import LocalServer, Plan
from modelops.engines.registry import make_engine
from modelops.engines.types import Engine
from modelops.errors import EngineError, LlmError
from modelops.jobs import base_folder, training_environment
from modelops.models import ModelVersion
from modelops.training.base import Shape, check_base
from modelops.training.errors import Stopped

LOCAL = "local_transformers"
# Of the context, what an answer may have where the setting would leave a small model no room to read.
_FOR_ANSWERS = 3
_SLOTS = 2
# For one chart: slower than a model server, and nobody waits.
_CHART_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Answering:
    """`by` as it is kept with what was measured: "vllm", "local_transformers", else the engine's name."""

    engine: Engine
    by: str


class LocalModel(VersionModel):
    """Ends its process when the work with the version is over."""

    def leave(self, server: ChatServer) -> None:
        server.close()


def check_answering(version: ModelVersion) -> None:
    """Without asking any server. Raises ModelopsError where nothing could answer for the version."""
    if version.engine != NAME or settings.LLM_BASE_URLS:
        make_engine(version.engine, {"version": version})
    else:
        _small(version)


def answering(version: ModelVersion) -> Answering:
    """Asks the servers what they have. Raises ModelopsError where nothing answers for the version, or its files are
    not those that its training left: what is measured must be what was trained."""
    check_checkpoint(version)
    if version.engine != NAME:
        return Answering(make_engine(version.engine, {"version": version}), version.engine)
    if settings.LLM_BASE_URLS and _is_served(version):
        return Answering(make_engine(NAME, {"version": version}), NAME)
    return Answering(local_engine(version), LOCAL)


def _is_served(version: ModelVersion) -> bool:
    """An adapter is loaded into servers that run; a checkpoint of its own must be served already."""
    pool = server_pool(LlmConfig.from_settings())
    if not pool.healthy():
        return False
    try:
        return bool(version.adapter) or version.base in pool.models()
    except LlmError:
        return False


def local_engine(version: ModelVersion) -> LlmEngine:
    """The engine as the settings describe it, over a process that starts with the first chart. Answers, prompt, checks
    and calibration are those of the engine that the version is of, and so is its name.

    Raises EngineError, BadLlmConfig.
    """
    shape, folder, venv = _small(version)
    config = LlmConfig.from_settings()
    context = min(config.context_tokens, shape.positions or config.context_tokens)
    config = LlmConfig.from_settings(
        context_tokens=context,
        output_tokens=min(config.output_tokens, max(1, context // _FOR_ANSWERS)),
        in_flight=_SLOTS,
        chart_seconds=max(config.chart_seconds, _CHART_SECONDS),
    )
    parts = parts_of(config)
    return LlmEngine(
        LocalServer(Plan(venv, folder, version.base, slots=_SLOTS, context=context)),
        config,
        name=NAME,
        model=LocalModel(version, version.base),
        grounding=parts.grounding,
        verifier=parts.verifier,
        procedures=parts.procedures,
    )


def _small(version: ModelVersion) -> tuple[Shape, Path, Path]:
    """What it is, the folder of its weights (an adapter's base), and the environment. Raises EngineError."""
    try:
        folder = base_folder(version.base)
        shape = check_base(folder)
        venv = training_environment()
    except Stopped as error:
        raise EngineError(
            f"No vLLM server answers for the version, and it cannot be asked here: {error}"
        ) from None
    if shape.parameters > settings.LOCAL_TRANSFORMERS_PARAMETERS:
        raise EngineError(
            f"No vLLM server answers for the version, and it is too large to be asked here "
            f"({shape.parameters:,} parameters; LOCAL_TRANSFORMERS_PARAMETERS is "
            f"{settings.LOCAL_TRANSFORMERS_PARAMETERS:,})."
        )
    return shape, folder, venv
