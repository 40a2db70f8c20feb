"""Small inputs of the training tests: a job file, rows of a dataset, a folder that looks like a base."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from modelops.training.config import JobFile, Recipe, Resources

CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 300,
    "max_position_embeddings": 1024,
}
SHAPES = {"model.embed_tokens.weight": [300, 64], "lm_head.weight": [300, 64]}


def row(question: str = "1| COPD", answer: str = '{"codes":[]}', **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": question}], "completion": answer, "tokens": 10, **more}


def write_rows(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return path


def weights(path: Path, shapes: dict[str, list[int]] = SHAPES) -> Path:
    """A file of safetensors in 32 bits, all zero."""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + b"\0" * end)
    return path


def base(folder: Path, config: dict[str, object] | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG if config is None else config))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    weights(folder / "model.safetensors")
    return folder


def job_file(folder: Path, **more: object) -> JobFile:
    fields = {
        "job": 7,
        "token": "0123456789abcdef",
        "attempt": 1,
        "name": "coder",
        "base": str(folder / "base"),
        "train": str(folder / "train.jsonl"),
        "recipe": Recipe(optimizer="adam", offload_optimizer=False, precision="fp32"),
        "resources": Resources(device="cpu"),
    }
    return JobFile(**{**fields, **more})  # type: ignore[arg-type]
