"""`python -m coding_review.localservers COMMAND…`: run any program while the embedded servers are up.

With no command: print the addresses as shell assignments and keep the servers until Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from coding_review.localservers import LocalServersError, ensure, leave, leave_on_signals


def main(arguments: list[str]) -> int:
    leave_on_signals()
    try:
        hold = ensure()
    except LocalServersError as error:
        leave(error)
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


def _run(arguments: list[str]) -> int:
    """The program's exit status. Ctrl-C reaches it through the terminal, SIGTERM is handed on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(  # noqa: S603  running the given command is this module's purpose
        arguments, env=os.environ, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: child.send_signal(signal.SIGTERM))
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
