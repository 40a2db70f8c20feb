"""Which embedding is used: the shipped one, or the folder that the setting EMBEDDING_MODEL names.

A folder is a static model (model2vec) or a sentence-transformers model. The latter needs that package, which the
application does not bring; it is imported only when such a folder is used.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from django.conf import settings

from catalog.embedding.static import StaticModel, Vectors
from catalog.errors import CatalogError

SHIPPED = Path(__file__).resolve().parent / "model"
_SENTENCE_TRANSFORMERS = "modules.json"
_MOST_NAME = 100
_HASHED = ("*.json", "*.safetensors", "*.bin", "*/config.json", "*/*.safetensors")


class NoEmbedding(CatalogError):
    """The folder of the setting holds no model that can be used here."""

    code = "no_embedding"
    status = 503


class Embedder(Protocol):
    """`name` tells models apart: it changes with any file of the model."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def batch(self) -> int:
        """How many texts at once take about a second at most."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row a text, of length 1, or all zeros where the model knows nothing of the text."""
        ...


def model_folder() -> Path:
    return Path(settings.EMBEDDING_MODEL) if settings.EMBEDDING_MODEL else SHIPPED


def embedder() -> Embedder:
    """The embedding in use, read once a process. Raises NoEmbedding."""
    return _read(model_folder())


@lru_cache(maxsize=2)
def _read(folder: Path) -> Embedder:
    if not folder.is_dir():
        raise NoEmbedding(f"EMBEDDING_MODEL: there is no folder {folder.name!r}.")
    if (folder / _SENTENCE_TRANSFORMERS).is_file():
        return _SentenceTransformer(folder)
    try:
        return _Static(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoEmbedding(
            f"EMBEDDING_MODEL: the folder {folder.name!r} holds neither a sentence-transformers nor a static model "
            f"({error})."
        ) from error


class _Static:
    batch = 2048

    def __init__(self, folder: Path) -> None:
        self._model = StaticModel.read(folder)
        self.name = model_name(folder)
        self.dimensions = self._model.dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self._model.encode(texts)


class _SentenceTransformer:
    # MiniLM does some 150 short texts a second on one core.
    batch = 256

    def __init__(self, folder: Path) -> None:
        try:
            package = importlib.import_module("sentence_transformers")
            torch = importlib.import_module("torch")
        except ImportError as error:
            raise NoEmbedding(
                f"EMBEDDING_MODEL names a sentence-transformers model ({folder.name}), and the package "
                f"{error.name or 'sentence_transformers'} is not installed here. Install sentence-transformers into "
                "this environment, or leave the setting empty for the shipped embedding."
            ) from error
        # Beside the predictions: one thread.
        torch.set_num_threads(1)
        self._model: Any = package.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self.name = model_name(folder)
        # Asked of an answer: the method that tells it has another name from one version to the next.
        self.dimensions = int(self.encode(["diabetes"]).shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        found = self._model.encode(
            list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(found, dtype=np.float32)


@lru_cache(maxsize=4)
def model_name(folder: Path) -> str:
    """The folder's name and a hash of its files, e.g. "catalog-static 0123456789ab"."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _HASHED for path in folder.glob(pattern)}):
        digest.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    title = "shipped" if folder == SHIPPED else folder.name
    return f"{title[:_MOST_NAME]} {digest.hexdigest()[:12]}"
