"""A dataset's files as Parquet. Run by the training environment's Python, which has `datasets`; no Django here.

    python to_parquet.py FOLDER OUT

FOLDER holds train.jsonl and validation.jsonl; OUT, which exists, gets a .parquet for each that has rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

SPLITS = ("train", "validation")


def convert(folder: Path, out: Path) -> dict[str, int]:
    """Rows by split."""
    from datasets import load_dataset

    found = {}
    for split in SPLITS:
        source = folder / f"{split}.jsonl"
        if not source.stat().st_size:
            found[split] = 0
            continue
        rows = load_dataset("json", data_files=str(source), split="train", cache_dir=str(out / ".cache"))
        rows.to_parquet(str(out / f"{split}.parquet"))
        found[split] = len(rows)
    return found


def main() -> None:
    folder, out = (Path(argument) for argument in sys.argv[1:3])
    for split, rows in convert(folder, out).items():
        sys.stdout.write(f"{split} {rows}\n")


if __name__ == "__main__":
    main()
