"""Which model answers: the adapter of the active model version, loaded into the servers while they run."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from modelops.engines.llm.adapters import Adapter, adapter_of, serve
from modelops.engines.llm.code_prompts import CODE_PROMPTS
from modelops.engines.llm.prompt import load_prompt
from modelops.engines.llm.transport import ChatServer
from modelops.errors import EngineError
from modelops.models import ModelVersion

logger = logging.getLogger("modelops.llm")

# How often the active version is looked up.
_LOOK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Served:
    """`request`: the name that requests ask for, "" for the server's own. `version` names the model in predictions,
    "" where nobody said; `prompt` the one that it was trained with, "" where that is not known."""

    request: str = ""
    version: str = ""
    adapter: str = ""
    prompt: str = ""


class FixedModel:
    """The model that a setting or command names."""

    def __init__(self, model: str = "") -> None:
        self._served = Served(model, model)

    def current(self, server: ChatServer) -> Served:
        return self._served


class PromotedModel:
    """The engine's active ModelVersion, else what the setting names. Thread-safe.

    A promoted version's adapter is loaded before the first request that asks for it. The one that it replaces
    stays until the next promotion, so that charts under way, here and in other processes, end with the model they
    began with; a server keeps two adapters.
    """

    def __init__(self, engine: str, model: str = "") -> None:
        self._engine = engine
        self._without = Served(model, model)
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._version_id: int | None = None
        self._adapter: Adapter | None = None
        self._before: Adapter | None = None
        self._served = self._without

    def current(self, server: ChatServer) -> Served:
        """Raises what ChatServer.load_adapter raises, and EngineError where the adapter's files or the prompt that the
        version was trained with are not there."""
        with self._lock:
            if time.monotonic() - self._looked_at >= _LOOK_SECONDS:
                self._look(server)
                self._looked_at = time.monotonic()
            return self._served

    def _look(self, server: ChatServer) -> None:
        version = ModelVersion.objects.filter(engine=self._engine, active=True).first()
        if version is None:
            self._version_id, self._served = None, self._without
            return
        if version.pk == self._version_id:
            return
        prompt = _prompt_of(version)
        adapter = adapter_of(version) if version.adapter else None
        if adapter is not None and adapter != self._adapter:
            serve(server, adapter, instead_of=self._before.name if self._before else "")
            self._before, self._adapter = self._adapter, adapter
        name = adapter.name if adapter else version.base or self._without.request
        self._served = Served(name, str(version), adapter.name if adapter else "", prompt)
        self._version_id = version.pk


def _prompt_of(version: ModelVersion) -> str:
    """The name of the prompt that the version says it was trained with, as "name" or "name:hash"; "" for none."""
    name, _, sha256 = version.prompt_version.partition(":")
    if not name:
        return ""
    if name not in CODE_PROMPTS:
        raise EngineError("The active model version was trained with a prompt that is not here.")
    if sha256 and load_prompt(name).version != version.prompt_version:
        logger.warning("model version %s was trained with other words of prompt %s", version.pk, name)
    return name
