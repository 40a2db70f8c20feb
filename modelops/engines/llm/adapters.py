"""Adapters by name: what a promoted model version brings is loaded into every server while it runs."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path

from modelops.checkpoint_files import check_checkpoint
from modelops.engines.llm.transport import ChatServer
from modelops.errors import EngineError, LlmError
from modelops.models import ModelVersion

logger = logging.getLogger("modelops.llm")

_PIECE = 1024 * 1024
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Adapter:
    """`name` is what requests ask for: name, version and content, so that changed weights are another adapter
    and no server answers with an old one under a new name. `path` as the servers see it."""

    name: str
    path: str
    sha256: str


def adapter_of(version: ModelVersion) -> Adapter:
    """Raises EngineError where its files are not there, or are not those that its training left."""
    check_checkpoint(version)
    sha256 = folder_sha256(Path(version.adapter))
    name = _UNSAFE.sub("-", f"{version.name}-{version.version}").strip("-")
    return Adapter(f"{name}-{sha256[:12]}", version.adapter, sha256)


def folder_sha256(folder: Path) -> str:
    """Of the names and contents of all files of the folder, in the order of their names.

    Raises EngineError where there is no such folder or nothing in it.
    """
    whole = hashlib.sha256()
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    if not files:
        raise EngineError("The adapter of the active model version is not where it is said to be.")
    for path in files:
        one = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                one.update(piece)
        whole.update(f"{path.relative_to(folder).as_posix()}\0{one.hexdigest()}\n".encode())
    return whole.hexdigest()


def serve(server: ChatServer, adapter: Adapter, *, instead_of: str = "") -> None:
    """Makes the adapter usable on the server, then takes the one that it replaces out.

    The new one is in place before the old one goes: what asks for either meanwhile is answered. A server that
    cannot let go of the old one is still in order, and says so in the log.
    """
    server.load_adapter(adapter.name, adapter.path)
    logger.info("adapter %s is loaded", adapter.name)
    if instead_of and instead_of != adapter.name:
        try:
            server.unload_adapter(instead_of)
        except LlmError as error:
            logger.warning("adapter %s stays loaded: %s", instead_of, error.code)
