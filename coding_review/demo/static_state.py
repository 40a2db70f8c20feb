"""Whether the collected static files still fit their sources: collecting takes seconds, looking does not."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders


def sources() -> str:
    """A digest over name, size and time of every source file, and how they are stored."""
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            about = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def are_collected(noted: Path) -> bool:
    """Whether what `note_collected` wrote into this file is still true."""
    if not settings.STATIC_ROOT.is_dir() or not noted.is_file():
        return False
    return noted.read_text(encoding="ascii") == sources()


def note_collected(noted: Path) -> None:
    noted.write_text(sources(), encoding="ascii")
