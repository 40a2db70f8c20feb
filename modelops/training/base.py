"""What a base checkpoint is, read from its folder without loading it: whether it may be used, and its size."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelops.training.errors import Stopped

# Pickles run code when they are loaded.
_UNSAFE = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_MOST_HEADER = 100_000_000
# Not in the weights where the embedding serves as the last layer.
_LAST_LAYER = "lm_head.weight"
_SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size")


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a decoder with attention and a gated layer: what memory and time are reckoned from.

    `largest_layer`: parameters of the largest single layer, which ZeRO stage 3 gathers whole. `tied`: the last layer
    is the embedding once more, so that its one matrix is multiplied with too.
    """

    parameters: int
    largest_layer: int
    layers: int
    hidden: int
    intermediate: int
    heads: int
    head_size: int
    vocabulary: int
    positions: int
    tied: bool = False


def under_root(path: Path, roots: Sequence[Path]) -> Path:
    """The real path, where it and what its folder holds lie below the roots. Raises Stopped("bad_checkpoint")."""
    reals = [root.resolve() for root in roots]

    def is_below(real: Path) -> bool:
        return any(real.is_relative_to(root) and real != root for root in reals)

    try:
        real = path.resolve()
        # A link among the files would be read like any other.
        inside = [(one.name, one.resolve()) for one in real.iterdir()] if is_below(real) else []
    except (OSError, RuntimeError):
        # No folder, one that may not be read, or links in a ring.
        raise Stopped("bad_checkpoint", "The base's folder is not there or cannot be read.") from None
    if not is_below(real):
        raise Stopped("bad_checkpoint", "The base lies below none of the folders that bases are taken from.")
    astray = sorted(name for name, one in inside if not is_below(one))
    if astray:
        raise Stopped("bad_checkpoint", f"{astray[0]} leads out of the folders that bases are taken from.")
    return real


def found_below(roots: Iterable[Path]) -> list[Path]:
    """Folders that could be bases: those with a config.json and safetensors, at most three levels down."""
    return sorted(
        {
            config.parent
            for root in roots
            if root.is_dir()
            for pattern in ("*/config.json", "*/*/config.json", "*/*/*/config.json")
            for config in root.glob(pattern)
            if any(config.parent.glob("*.safetensors"))
        }
    )


def check_base(folder: Path) -> Shape:
    """Raises Stopped("bad_checkpoint") with words that say what is missing."""
    config = _object(folder / "config.json")
    if "auto_map" in config:
        raise Stopped(
            "bad_checkpoint", "config.json asks for code of the checkpoint's own, which is never run."
        )
    unsafe = sorted(path.name for path in folder.iterdir() if path.suffix in _UNSAFE)
    if unsafe:
        raise Stopped("bad_checkpoint", f"Weights are taken as safetensors only; {unsafe[0]} is none.")
    if not (folder / "tokenizer.json").is_file():
        raise Stopped("bad_checkpoint", "There is no tokenizer.json.")
    if not _has_template(folder):
        raise Stopped("bad_checkpoint", "The tokenizer has no chat template.")
    sizes = {name: size for path in weights_of(folder) for name, size in _parameters(path).items()}
    return _shape(config, sum(sizes.values()), tied=_LAST_LAYER not in sizes)


def weights_of(folder: Path) -> list[Path]:
    """Raises Stopped("bad_checkpoint") where one is missing."""
    index = folder / "model.safetensors.index.json"
    try:
        names = (
            set(_object(index).get("weight_map", {}).values()) if index.is_file() else {"model.safetensors"}
        )
        paths = sorted(folder / name for name in names)
    except (TypeError, AttributeError):
        raise Stopped("bad_checkpoint", f"{index.name} names no files.") from None
    absent = [path.name for path in paths if path.parent != folder or not path.is_file()]
    if absent or not paths:
        raise Stopped("bad_checkpoint", f"There is no {absent[0] if absent else 'file of weights'}.")
    return paths


def _parameters(path: Path) -> dict[str, int]:
    """Of each tensor, from the header: their sum must be what the file holds. Raises Stopped("bad_checkpoint")."""
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > _MOST_HEADER:
                raise ValueError
            header: dict[str, Any] = json.loads(file.read(size))
        rows = {name: row for name, row in header.items() if name != "__metadata__"}
        end = max((row["data_offsets"][1] for row in rows.values()), default=0)
        if 8 + size + end != path.stat().st_size:
            raise ValueError
        return {name: math.prod(row["shape"]) for name, row in rows.items()}
    except OSError:
        raise Stopped("bad_checkpoint", f"{path.name} is not there or cannot be read.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error):
        raise Stopped("bad_checkpoint", f"{path.name} is damaged or not whole.") from None


def _shape(config: dict[str, Any], parameters: int, *, tied: bool) -> Shape:
    try:
        sizes = {name: int(config[name]) for name in _SIZES}
        hidden, heads = sizes["hidden_size"], sizes["num_attention_heads"]
        head_size = int(config.get("head_dim") or hidden // heads)
        positions = int(config.get("max_position_embeddings") or 0)
        if min(*sizes.values(), head_size) < 1 or positions < 0:
            raise ValueError
    except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise Stopped("bad_checkpoint", "config.json does not say the sizes of a decoder.") from None
    vocabulary, intermediate = sizes["vocab_size"], sizes["intermediate_size"]
    return Shape(
        parameters=parameters,
        largest_layer=max(vocabulary * hidden, intermediate * hidden),
        layers=sizes["num_hidden_layers"],
        hidden=hidden,
        intermediate=intermediate,
        heads=heads,
        head_size=head_size,
        vocabulary=vocabulary,
        positions=positions,
        tied=tied,
    )


def _has_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    path = folder / "tokenizer_config.json"
    return path.is_file() and bool(_object(path).get("chat_template"))


def _object(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise Stopped("bad_checkpoint", f"{path.name} is not there or cannot be read.") from None
    except (ValueError, RecursionError):
        raise Stopped("bad_checkpoint", f"{path.name} is not JSON.") from None
    if not isinstance(data, dict):
        raise Stopped("bad_checkpoint", f"{path.name} is not an object.")
    return data
