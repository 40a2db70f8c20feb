"""The LLM engine as the settings describe it; nothing is read from the database or asked before the first chart."""

from __future__ import annotations

from django.conf import settings

from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.engine import LlmEngine, Model
from modelops.engines.llm.line_lookup import LineLookup
from modelops.engines.llm.parts import parts_of
from modelops.engines.llm.pool import ServerPool, pool_of
from modelops.engines.llm.served import FixedModel, PromotedModel, VersionModel
from modelops.models import ModelVersion

NAME = "vllm"


def vllm_engine(lookup: LineLookup | None = None, **overrides: object) -> LlmEngine:
    """`overrides`: fields of LlmConfig that a command says in place of the settings. `lookup`: one that is shared.

    A model that a command names is asked for by that name, a ModelVersion given as `version` as it would be if it
    served; else the engine's active model version is.
    Raises BadLlmConfig, and ServerUnavailable where no address is set.
    """
    version = overrides.pop("version", None)
    config = LlmConfig.from_settings(**overrides)
    model: Model = PromotedModel(NAME, config.model)
    if isinstance(version, ModelVersion):
        model = VersionModel(version, config.model)
    elif "model" in overrides:
        model = FixedModel(config.model)
    parts = parts_of(config, lookup)
    return LlmEngine(
        server_pool(config),
        config,
        name=NAME,
        model=model,
        grounding=parts.grounding,
        verifier=parts.verifier,
        procedures=parts.procedures,
    )


def server_pool(config: LlmConfig) -> ServerPool:
    return pool_of(
        config.base_urls,
        key=config.api_key,
        model=config.model,
        in_flight=config.in_flight,
        max_waiting=config.max_waiting,
        rate=config.rate,
        rate_store=settings.REDIS_URL,
    )
