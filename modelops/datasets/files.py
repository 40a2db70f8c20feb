"""A dataset version on disk: a folder of its own, whole or not there, and never written to again.

The manifest holds the hashes of both files and its own hash is the dataset's: the same rows built again with the same
settings are the same dataset.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelops.datasets.build import Assembled, row_of
from modelops.datasets.split import SPLITS
from modelops.errors import ModelopsError

MANIFEST = "manifest.json"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_CHUNK = 1 << 20


class AlteredDataset(ModelopsError):
    """The files are not what was built."""

    code = "dataset_altered"


@dataclass(frozen=True, slots=True)
class Written:
    """`path` below the folder of all datasets; `sha256` of the manifest."""

    path: str
    sha256: str
    manifest: Mapping[str, Any]


def file_of(split: str) -> str:
    return f"{split}.jsonl"


def write(assembled: Assembled, name: str, root: Path, key: bytes) -> Written:
    """Raises OSError, and ValueError for a name that is no folder's (NAME)."""
    if NAME.fullmatch(name) is None:
        raise ValueError("a dataset's name has small letters, digits and hyphens")
    root.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=root, prefix=".unfinished-"))
    try:
        files = {
            file_of(split): _lines(
                unfinished / file_of(split),
                (row_of(row, key) for row in assembled.rows if row.split == split),
            )
            for split in SPLITS
        }
        manifest = {**assembled.facts, "files": files}
        sha256 = manifest_hash(manifest)
        _whole(unfinished / MANIFEST, (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode())
        path = f"{name}-{sha256[:16]}"
        _settle(unfinished, root / path, sha256)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return Written(path, sha256, manifest)


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over the manifest as canonical JSON."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def verify(folder: Path, sha256: str) -> dict[str, Any]:
    """The manifest, where it and both files are what was built. Raises AlteredDataset."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if not isinstance(manifest, dict) or manifest_hash(manifest) != sha256:
            raise AlteredDataset(f"The manifest in {folder.name} is not the one that was written.")
        for name, told in manifest["files"].items():
            if _sha256(folder / name) != told["sha256"]:
                raise AlteredDataset(f"{name} in {folder.name} is not the file that was written.")
    except OSError as error:
        raise AlteredDataset(f"A file of {folder.name} is missing or cannot be read.") from error
    except ValueError as error:
        raise AlteredDataset(f"The manifest in {folder.name} is not JSON.") from error
    return manifest


def _settle(unfinished: Path, target: Path, sha256: str) -> None:
    """The folder gets its name at once and whole. Where it is there, it is the same dataset or it was altered."""
    # For the application and the trainers, who may be another user of its group: notes, if without identifiers.
    for path in unfinished.iterdir():
        path.chmod(0o440)
    unfinished.chmod(0o750)
    if target.exists():
        verify(target, sha256)
        shutil.rmtree(unfinished)
        return
    unfinished.rename(target)
    _sync(target.parent)


def _lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    digest, count, size = hashlib.sha256(), 0, 0
    with path.open("xb") as file:
        for row in rows:
            data = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")
            digest.update(data)
            file.write(data)
            count, size = count + 1, size + len(data)
        file.flush()
        os.fsync(file.fileno())
    return {"rows": count, "bytes": size, "sha256": digest.hexdigest()}


def _whole(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
