"""What a training leaves behind beside the weights: a manifest with the hash of every file, and a model card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelops.training.config import JobFile, to_dict
from modelops.training.files import read_json, write_json

MANIFEST = "manifest.json"
CARD = "README.md"
# Of no use to whoever serves the model, and a pickle.
_LEFT_OUT = ("training_args.bin",)
_PIECE = 1024 * 1024


def finish(folder: Path, job: JobFile, told: Mapping[str, Any], *, base_name: str) -> str:
    """Card and manifest of the weights in `folder`; the manifest's hash. The manifest comes last: what has none is not
    whole. `told`: counts and last figures. Raises OSError."""
    for name in _LEFT_OUT:
        (folder / name).unlink(missing_ok=True)
    _rename_base(folder, base_name)
    (folder / CARD).write_text(card(job, told), encoding="utf-8")
    files = {name: file_sha256(folder / name) for name in _names(folder)}
    sha256 = manifest_sha256(files)
    write_json(
        folder / MANIFEST,
        {"sha256": sha256, "files": files, "told": dict(told), "job": job.job, "name": job.name},
    )
    return sha256


def is_whole(folder: Path) -> bool:
    """Whether all files of the manifest are there; their contents are compared by `check`."""
    told = read_json(folder / MANIFEST)
    return told is not None and all((folder / name).is_file() for name in told.get("files", {}))


def check(folder: Path) -> str:
    """The manifest's hash, when every file is what it says, and there is none beside. "" otherwise, also where one
    cannot be read."""
    try:
        return checked(folder)
    except OSError:
        return ""


def checked(folder: Path) -> str:
    """As `check`. Raises OSError where a file cannot be read, which says nothing of what it holds."""
    told = read_json(folder / MANIFEST)
    if told is None or not isinstance(told.get("files"), dict):
        return ""
    files = {name: file_sha256(folder / name) for name in _names(folder)}
    sha256 = manifest_sha256(files)
    return sha256 if files == told["files"] and sha256 == told.get("sha256") else ""


def manifest_sha256(files: Mapping[str, str]) -> str:
    return hashlib.sha256("".join(f"{name}\0{files[name]}\n" for name in sorted(files)).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            whole.update(piece)
    return whole.hexdigest()


def card(job: JobFile, told: Mapping[str, Any]) -> str:
    """Markdown: what was trained on what and how, and how far it got. Names no person and no path."""
    train = told.get("train", {})
    rows = [
        ("Base", Path(job.base).name),
        ("Method", job.method),
        ("Dataset", job.dataset or Path(job.train).parent.name),
        ("Dataset's SHA-256", job.dataset_sha256),
        ("Prompt", job.prompt_version),
        ("Code revision", job.code_revision),
        ("Examples, tokens", f"{train.get('examples', 0):,}, {train.get('tokens', 0):,}"),
        ("Tokens with a loss", f"{train.get('loss_tokens', 0):,}"),
        ("Left out as too long", f"{train.get('too_long', 0):,}"),
        ("Packs", f"{told.get('packs', 0):,}"),
        ("Steps", f"{told.get('steps', 0):,}"),
        ("Loss at the end", _figure(told.get("loss"))),
        ("Validation loss at the end", _figure(told.get("validation_loss"))),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows if value)
    recipe = json.dumps(to_dict(job.recipe), indent=1, sort_keys=True)
    return (
        f"# {job.name}\n\nFine-tuned to name diagnosis codes of clinical documents with their evidence, as JSON. Its "
        "answers are suggestions for certified coders. How well it does stands in the evaluations of its model "
        "version, not here: a training loss measures no accuracy.\n\n"
        f"| | |\n|---|---|\n{table}\n\n## Recipe\n\n```json\n{recipe}\n```\n"
    )


def _names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).as_posix() != MANIFEST
    )


def _rename_base(folder: Path, name: str) -> None:
    """An adapter names the folder that its base was loaded from: a path of the machine that trained it."""
    path = folder / "adapter_config.json"
    settings = read_json(path)
    if settings is not None:
        settings["base_model_name_or_path"] = name
        write_json(path, settings)


def _figure(value: Any) -> str:
    return "" if value is None else f"{value:.4f}"
