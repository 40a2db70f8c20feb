"""A static embedding: one vector for each piece of a word, a text is the mean of its pieces. Needs numpy only.

The folder is one of model2vec's (config.json, tokenizer.json, model.safetensors), so that package reads it too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from catalog.embedding.wordpiece import WordPiece

Vectors = NDArray[np.float32]
_TYPES: Mapping[str, type[np.generic]] = {
    "I8": np.int8,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
}
_NAMES = {np.dtype(kind): name for name, kind in _TYPES.items()}
# A header is some hundred bytes; a longer one is no file of ours.
_LONGEST_HEADER = 1_000_000


class StaticModel:
    """`rows` hold a vector for each piece, each to be multiplied by its weight."""

    def __init__(self, pieces: WordPiece, rows: NDArray[Any], weights: Vectors) -> None:
        self._pieces = pieces
        self._rows = rows
        self._weights = weights
        self.dimensions = int(rows.shape[1])

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises ValueError or OSError where the folder holds no such model."""
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        tensors = read_tensors(folder / "model.safetensors")
        if "embeddings" not in tensors or "mapping" in tensors:
            raise ValueError("model.safetensors holds no table of embeddings by piece")
        rows = tensors["embeddings"]
        weights = tensors.get("weights", np.ones(len(rows), dtype=np.float32)).astype(np.float32)
        return cls(WordPiece.from_tokenizer(tokenizer), rows, weights)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 a text; all zeros for a text of which no piece is known."""
        ids = [self._pieces.ids(text) for text in texts]
        found: Vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        some = [row for row, known in enumerate(ids) if known]
        if not some:
            return found
        flat = np.array([number for known in ids for number in known], dtype=np.intp)
        starts = np.cumsum([0, *(len(ids[row]) for row in some[:-1])])
        pieces = self._rows[flat].astype(np.float32) * self._weights[flat][:, None]
        sums = np.add.reduceat(pieces, starts, axis=0)
        found[some] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        return found


def quantized(vectors: Vectors) -> tuple[NDArray[np.int8], Vectors]:
    """Each row in 8 bits with the weight that brings it back."""
    weights = np.maximum(np.abs(vectors).max(axis=1), 1e-9).astype(np.float32) / np.float32(127)
    return np.rint(vectors / weights[:, None]).astype(np.int8), weights


def write_model(folder: Path, rows: NDArray[np.int8], weights: Vectors, tokenizer: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": int(rows.shape[1]),
        "normalize": True,
        "seq_length": 1_000_000,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    (folder / "tokenizer.json").write_text(
        json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    write_tensors(folder / "model.safetensors", {"embeddings": rows, "weights": weights})


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file: a length, a header in JSON, then the bytes."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    if not 0 < length <= min(_LONGEST_HEADER, len(content) - 8):
        raise ValueError("not a safetensors file")
    header = json.loads(content[8 : 8 + length])
    begin = 8 + length
    found: dict[str, NDArray[Any]] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in _TYPES:
            raise ValueError(f"numbers of the type {entry['dtype']} are not read")
        first, last = entry["data_offsets"]
        values = np.frombuffer(content[begin + first : begin + last], dtype=_TYPES[entry["dtype"]])
        found[name] = values.reshape(entry["shape"])
    return found


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    header: dict[str, Any] = {}
    bodies: list[bytes] = []
    at = 0
    for name, values in tensors.items():
        body = np.ascontiguousarray(values).tobytes()
        header[name] = {
            "dtype": _NAMES[values.dtype],
            "shape": list(values.shape),
            "data_offsets": [at, at + len(body)],
        }
        bodies.append(body)
        at += len(body)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    path.write_bytes(len(head).to_bytes(8, "little") + head + b"".join(bodies))
