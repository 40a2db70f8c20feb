"""A process that holds the servers until the last process that inherited one end of a pipe has ended.

The demo's programs use the servers without holding them. Should the demo be killed, they are told to end by
the kernel, and the keeper stops the servers after the last of them; otherwise the servers would stay behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass

from coding_review.localservers.hold import CHECKOUT

UNTIL_CLOSED = "--until-closed"


@dataclass
class Keeper:
    """`handle` is the pipe's end to pass to programs; `process` is the keeper."""

    handle: int
    process: subprocess.Popen[bytes]

    def close(self) -> None:
        """Give up our end and wait for the keeper, which goes when all others have ended too."""
        os.close(self.handle)
        self.process.wait(timeout=60)


def start(embedded: Collection[str]) -> Keeper:
    """A keeper of the servers whose addresses ensure() put into the variables named in `embedded`."""
    reading, writing = os.pipe()
    environment = {name: value for name, value in os.environ.items() if name not in embedded}
    with os.fdopen(reading, "rb") as theirs:
        process = subprocess.Popen(  # noqa: S603  this package's own module
            [sys.executable, "-m", "coding_review.localservers", UNTIL_CLOSED],
            stdin=theirs,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=CHECKOUT,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101  for the type checker
    process.stdout.readline()
    process.stdout.close()
    return Keeper(writing, process)
