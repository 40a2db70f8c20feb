"""Which model answers: the adapters of the active model version and of its canary, loaded while the servers run."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from dataclasses import dataclass

from modelops.engines.llm.adapters import Adapter, adapter_of, serve
from modelops.engines.llm.code_prompts import CODE_PROMPTS
from modelops.engines.llm.prompt import load_prompt
from modelops.engines.llm.transport import ChatServer
from modelops.errors import EngineError, LlmError
from modelops.models import ModelVersion

logger = logging.getLogger("modelops.llm")

# How often the active version is looked up.
_LOOK_SECONDS = 10.0
# As many as a server is started for (--max-loras).
_ADAPTERS = 2


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

    def current(self, server: ChatServer, chart_id: str = "") -> Served:
        return self._served


class VersionModel:
    """One model version, whatever serves: a candidate that is evaluated or asked in shadow. Thread-safe."""

    def __init__(self, version: ModelVersion, model: str = "") -> None:
        self._version = version
        self._without = model
        self._lock = threading.Lock()
        self._served: Served | None = None

    def current(self, server: ChatServer, chart_id: str = "") -> Served:
        """Raises as PromotedModel.current. Its adapter is loaded before the first request and stays until `leave`."""
        with self._lock:
            if self._served is None:
                adapter = adapter_of(self._version) if self._version.adapter else None
                if adapter is not None:
                    serve(server, adapter)
                self._served = _served(self._version, adapter, self._without)
            return self._served

    def leave(self, server: ChatServer) -> None:
        """Takes the adapter out, unless the version serves or is a canary by now. A server that cannot let go of it
        says so in the log."""
        with self._lock:
            adapter = self._served.adapter if self._served is not None else ""
            now = ModelVersion.objects.get(pk=self._version.pk)
            if not adapter or now.active or now.canary_share > 0 or now.shadow:
                return
            self._served = None
            try:
                server.unload_adapter(adapter)
            except LlmError as error:
                logger.warning("adapter %s stays loaded: %s", adapter, error.code)


class PromotedModel:
    """The engine's active ModelVersion, for a share of the charts its canary, else what the setting names.
    Thread-safe.

    A version's adapter is loaded before the first request that asks for it. Of two loaded ones that no longer
    answer, the one that answered last stays until the next is loaded, so that charts under way, here and in other
    processes, end with the model they began with; a server keeps two adapters. A canary that cannot be loaded takes
    no chart: what serves goes on answering, and the log says so.
    """

    def __init__(self, engine: str, model: str = "") -> None:
        self._engine = engine
        self._without = Served(model, model)
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._served = self._without
        self._version_id: int | None = None
        self._canary: Served | None = None
        self._canary_id: int | None = None
        self._share = 0.0
        # Those that answer, or answered last, the one that answered longest ago first.
        self._loaded: list[Adapter] = []

    def current(self, server: ChatServer, chart_id: str = "") -> Served:
        """Raises what ChatServer.load_adapter raises, and EngineError where the adapter's files or the prompt that the
        version was trained with are not there. `chart_id`: the same chart goes to the same model."""
        with self._lock:
            if time.monotonic() - self._looked_at >= _LOOK_SECONDS:
                self._look(server)
                self._looked_at = time.monotonic()
            canary = self._canary
            if canary is None or self._canary_id is None or not chart_id:
                return self._served
            return canary if place_of(self._canary_id, chart_id) < self._share else self._served

    def _look(self, server: ChatServer) -> None:
        canary = ModelVersion.objects.canary(self._engine)
        if canary is None or canary.pk != self._canary_id:
            self._canary = self._canary_id = None
        version = ModelVersion.objects.serving(self._engine)
        if version is None:
            self._version_id, self._served = None, self._without
        elif version.pk != self._version_id:
            self._served = self._made_ready(version, server)
            self._version_id = version.pk
        if canary is None:
            return
        self._share = canary.canary_share
        if self._canary is None:
            try:
                self._canary = self._made_ready(canary, server)
            except EngineError as error:
                logger.warning("canary %s takes no chart: %s", canary.pk, error.code)
                return
            self._canary_id = canary.pk

    def _made_ready(self, version: ModelVersion, server: ChatServer) -> Served:
        adapter = adapter_of(version) if version.adapter else None
        made = _served(version, adapter, self._without.request)
        if adapter is None:
            return made
        if adapter in self._loaded:
            self._loaded.remove(adapter)
        else:
            leaving = self._leaving()
            serve(server, adapter, instead_of=leaving.name if leaving else "")
            if leaving is not None:
                self._loaded.remove(leaving)
        self._loaded.append(adapter)
        return made

    def _leaving(self) -> Adapter | None:
        """Whose place a further adapter takes: the one that answered longest ago and answers no more."""
        if len(self._loaded) < _ADAPTERS:
            return None
        answering = {self._served.adapter, self._canary.adapter if self._canary is not None else ""}
        spare = [adapter for adapter in self._loaded if adapter.name not in answering]
        return (spare or self._loaded)[0]


def place_of(version_id: int, chart_id: str) -> float:
    """Where a chart lies between 0 and 1 for a canary: the same each time, so that a larger share keeps the charts
    of a smaller one, and another canary draws others."""
    digest = hashlib.sha256(f"canary {version_id} {chart_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / (1 << 64)


def _served(version: ModelVersion, adapter: Adapter | None, without: str) -> Served:
    name = adapter.name if adapter else version.base or without
    return Served(name, str(version), adapter.name if adapter else "", _prompt_of(version))


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
