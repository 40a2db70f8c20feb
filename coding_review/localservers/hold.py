"""Who uses the embedded servers: each process holds a shared lock, and the last one to leave stops them.

Two lock files, because a lock cannot be turned from shared to exclusive in one step: `turn` is held alone
while somebody starts, adopts or stops the servers; `holders` is shared by all who use them. The kernel
drops the locks of a killed process. Servers that a killed process left behind are adopted by the next.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO

from coding_review.localservers import places
from coding_review.localservers.errors import LocalServersError
from coding_review.localservers.postgres import Postgres
from coding_review.localservers.valkey import Valkey

CHECKOUT = Path(__file__).resolve().parent.parent.parent
_TURN_SECONDS = 120
_current: Hold | None = None


class Hold:
    """This process's share in the servers. `urls` maps the environment's names to the servers' addresses."""

    def __init__(self, keys: Path) -> None:
        self.urls: dict[str, str] = {}
        self._pid = os.getpid()
        self._turn = _open_lock(keys / "turn.lock")
        self._holders = _open_lock(keys / "holders.lock")
        self._stop: list[Callable[[], None]] = []

    def take(self, place: places.Place, names: frozenset[str], *, durable: bool) -> None:
        """Join the others, or start the servers named in `names`."""
        _wait_for_turn(self._turn)
        try:
            alone = self._alone()
            if "DATABASE_URL" in names:
                postgres = Postgres(place, durable)
                self._stop.append(postgres.down)
                self.urls["DATABASE_URL"] = postgres.up(alone=alone)
            if "REDIS_URL" in names:
                valkey = Valkey(place)
                self._stop.append(valkey.down)
                self.urls["REDIS_URL"] = valkey.up()
            fcntl.flock(self._holders, fcntl.LOCK_SH)
        except BaseException:
            if self._alone():
                self._stop_all()
            fcntl.flock(self._holders, fcntl.LOCK_UN)
            raise
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def release(self) -> None:
        """Leave; stops the servers when nobody else holds them. A forked child's copy does nothing."""
        global _current
        if self._pid != os.getpid() or self._holders.closed:
            return
        _wait_for_turn(self._turn)
        fcntl.flock(self._holders, fcntl.LOCK_UN)
        if self._alone():
            self._stop_all()
        self._holders.close()
        self._turn.close()
        if _current is self:
            _current = None

    def _alone(self) -> bool:
        try:
            fcntl.flock(self._holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _stop_all(self) -> None:
        for stop in reversed(self._stop):
            stop()


def _open_lock(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        owner = f" and belongs to {places.user_name(path.stat().st_uid)}" if path.exists() else ""
        raise LocalServersError(
            f"{path} cannot be opened ({error.strerror}){owner}. Run the command as the user who set this "
            "checkout up, or set CODING_REVIEW_VAR to a folder of your own."
        ) from error


def _wait_for_turn(lock: IO[bytes]) -> None:
    deadline = time.monotonic() + _TURN_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LocalServersError(
                    f"Another command has been starting or stopping the embedded servers for {_TURN_SECONDS} "
                    f"seconds (it holds {lock.name}). Look for it with `fuser {lock.name}` and end it."
                ) from None
            time.sleep(0.02)
        else:
            return


def var_folder() -> Path:
    """CODING_REVIEW_VAR, or var/ in the checkout."""
    return Path(os.environ.get("CODING_REVIEW_VAR") or CHECKOUT / "var").absolute()


def _ensure_secret_key(var: Path) -> None:
    if os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE"):
        return
    path = var / "secret_key"
    if not path.is_file():
        places.make_var(var)
        places.write_private(path, secrets.token_urlsafe(48))


def ensure(*, durable: bool = True) -> Hold | None:
    """Fill os.environ with DATABASE_URL and REDIS_URL where they are unset, from embedded servers.

    Also makes the secret key file where no key is given. Returns None when both addresses are given. The
    servers stay up at least until this process ends or calls `release`. With `durable` false PostgreSQL
    does not wait for the disk: for data that may be lost. Raises LocalServersError.
    """
    global _current
    if _current is not None:
        return _current
    var = var_folder()
    names = frozenset(name for name in ("DATABASE_URL", "REDIS_URL") if not os.environ.get(name))
    try:
        _ensure_secret_key(var)
        if not names:
            return None
        place = places.find(var)
        hold = Hold(place.keys)
        hold.take(place, names, durable=durable)
    except OSError as error:
        raise LocalServersError(
            f"The embedded servers cannot be started: {error}. Check the folder {var} and its disk, or set "
            "CODING_REVIEW_VAR to another folder, or set DATABASE_URL, REDIS_URL and SECRET_KEY."
        ) from error
    os.environ.update(hold.urls)
    _current = hold
    atexit.register(hold.release)
    return hold


def leave_on_signals() -> None:
    """Let SIGTERM and a closed terminal end this process the ordinary way, so that the servers are released."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        # Not from a thread, and never over a handler or an "ignore" (nohup) that somebody chose.
        with contextlib.suppress(ValueError):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, end)
