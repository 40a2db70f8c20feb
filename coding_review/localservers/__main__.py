"""`python -m coding_review.localservers COMMAND…`: run any program while the embedded servers are up.

With no command: print the addresses as shell assignments and keep the servers until Ctrl-C. With
`--until-closed`: keep them until nobody holds the other end of standard input, whatever becomes of the
process that asked for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from coding_review.localservers import LocalServersError, ensure, leave, leave_on_signals
from coding_review.localservers.keeper import UNTIL_CLOSED

_FROM_TERMINAL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    leave_on_signals()
    try:
        hold = ensure()
    except LocalServersError as error:
        leave(error)
    if arguments == [UNTIL_CLOSED]:
        return _keep()
    if arguments:
        return _run(arguments)
    for name, url in (hold.urls if hold else {}).items():
        sys.stdout.write(f"{name}={url}\n")
    sys.stdout.flush()
    try:
        signal.pause()
    except KeyboardInterrupt:
        return 0
    return 0


def _keep() -> int:
    for number in _FROM_TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.write("held\n")
    sys.stdout.flush()
    while os.read(sys.stdin.fileno(), 1024):
        pass
    return 0


def _run(arguments: list[str]) -> int:
    """The program's exit status. Ctrl-C reaches it through the terminal, SIGTERM is handed on."""
    # A handler, unlike "ignore", is not inherited by the program.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    child = subprocess.Popen(arguments)  # noqa: S603  running the given command is this module's purpose
    signal.signal(signal.SIGTERM, lambda _number, _frame: child.send_signal(signal.SIGTERM))
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
