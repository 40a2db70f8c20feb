"""Exports on their way to a browser."""

from __future__ import annotations

import zipfile
from tempfile import TemporaryFile
from typing import IO

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


def zipped(name: str, file: IO[bytes], sha256: str) -> IO[bytes]:
    """A .zip with the file and `name`.sha256 in it: `sha256sum -c` needs no copying by hand."""
    out = TemporaryFile()  # noqa: SIM115 - the response that sends it closes it
    file.seek(0)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(name, "w", force_zip64=True) as member:
            while chunk := file.read(1 << 20):
                member.write(chunk)
        archive.writestr(f"{name}.sha256", f"{sha256}  {name}\n")
    out.seek(0)
    return out
