"""What stops the embedded servers, in words for the person at the terminal."""

from __future__ import annotations

import sys
from typing import NoReturn

EXIT_CODE = 2


class LocalServersError(Exception):
    """One paragraph: what is wrong and what to do about it."""


def leave(error: LocalServersError) -> NoReturn:
    """Print the paragraph and end the process without a traceback."""
    sys.stderr.write(f"\n{error}\n")
    sys.exit(EXIT_CODE)
