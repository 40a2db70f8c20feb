"""Files stay small enough to be read in one go."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 500
# Made by tools, copied from elsewhere, or data.
NOT_WRITTEN_HERE = re.compile(
    r"^(static/vendor/|requirements/[\w-]+\.txt$|catalog/embedding/model/)|/migrations/|/data/"
    r"|\.(png|woff2|ico|safetensors|gz|zip|npz|jsonl|csv)$"
)


def test_no_file_has_more_than_500_lines() -> None:
    told = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    written = [name for name in told.split("\0") if name and not NOT_WRITTEN_HERE.search(name)]
    assert len(written) > 800
    # A file that was just deleted is listed until the deletion is committed.
    lines = {name: (ROOT / name).read_bytes().count(b"\n") for name in written if (ROOT / name).is_file()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
