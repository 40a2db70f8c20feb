"""Where the servers' files lie, and which user the servers run as.

PostgreSQL refuses to run as root. Started by root, the servers run as a system user of their own; where
that user cannot reach the checkout (a folder of mode 700 above it), data and copies of the programs lie
under /var/lib/coding-review instead. No existing folder is ever given another mode.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from coding_review.localservers.errors import LocalServersError
from coding_review.localservers.programs import Account, Programs, installed

SYSTEM_USER = "coding-review"
SYSTEM_HOME = Path("/var/lib/coding-review")
_FREE_BYTES = 400 * 1024 * 1024


@dataclass(frozen=True)
class Place:
    """`keys` holds locks and passwords (this process's user only), `data` one folder for each server."""

    keys: Path
    data: Path
    programs: Programs
    account: Account

    def folder(self, name: str) -> Path:
        """A server's own folder, made with mode 700 for the servers' user."""
        path = self.data / name
        if not path.is_dir():
            path.mkdir(mode=0o700)
            if self.account.uid is not None:
                os.chown(path, self.account.uid, self.account.gid or 0)
        owner = path.stat().st_uid
        if owner != (os.geteuid() if self.account.uid is None else self.account.uid):
            raise LocalServersError(
                f"{path} belongs to the user {user_name(owner)}, so the embedded servers cannot use it as "
                f"{user_name(os.geteuid())}. Run the command as {user_name(owner)}, or set "
                "CODING_REVIEW_VAR to a folder of your own, or set DATABASE_URL and REDIS_URL to given servers."
            )
        return path

    def write(self, path: Path, text: str) -> None:
        """Write a file that only the servers' user may read, whole or not at all."""
        write_private(path, text, self.account)


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"


def write_private(path: Path, text: str, account: Account | None = None) -> None:
    """Write a file of mode 600 by renaming, so that a reader never sees half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        if account is not None and account.uid is not None:
            os.chown(name, account.uid, account.gid or 0)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def make_var(var: Path) -> Path:
    """The checkout's folder for everything that is not in git. Raises LocalServersError, told plainly."""
    keys = var / "servers"
    try:
        var.mkdir(parents=True, exist_ok=True)
        # 711 for root: the servers' own user passes through to its folder, but lists nothing.
        keys.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=keys):
            pass
    except OSError as error:
        raise LocalServersError(
            f"The folder {var} cannot be written ({error.strerror}), and the embedded servers keep their data "
            "there. Set CODING_REVIEW_VAR to a folder that you can write, or set DATABASE_URL, REDIS_URL and "
            "SECRET_KEY to use given servers."
        ) from error
    return keys


def check_space(folder: Path) -> None:
    """Refuse to begin on a disk that PostgreSQL would fill."""
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        raise LocalServersError(
            f"The disk that holds {folder} has {free // 1024**2} MiB free; the embedded PostgreSQL needs at "
            f"least {_FREE_BYTES // 1024**2} MiB. Free some space, or set CODING_REVIEW_VAR to a folder on "
            "another disk."
        )


def find(var: Path) -> Place:
    """Decide on user and folders for the checkout whose files lie in `var`, and make the folders."""
    keys = make_var(var)
    found = installed()
    if os.geteuid() != 0:
        return Place(keys, keys, found, Account())
    noted = keys / "place"
    data = Path(noted.read_text(encoding="utf-8").strip()) if noted.is_file() else None
    account = _owner_of(data or keys) or _system_account()
    if data is None or not data.is_dir():
        data = keys if _reaches(account, keys) else _system_folder(var)
        write_private(noted, str(data))
    elif not _reaches(account, data):
        raise LocalServersError(
            f"The embedded PostgreSQL runs as the user {user_name(account.uid or 0)}, who can no longer reach "
            f"its data in {data}: a folder above it is closed to others. Move the checkout back to where it "
            "was, or set CODING_REVIEW_VAR to another folder to begin anew."
        )
    if account.run([found.pg("postgres"), "--version"]).returncode != 0:
        found = found.copied_to(SYSTEM_HOME / "programs")
    return Place(keys, data, found, account)


def _owner_of(data: Path) -> Account | None:
    """Whoever the data belongs to already goes on serving it."""
    for name in ("postgres", "valkey"):
        path = data / name
        if path.is_dir() and path.stat().st_uid != 0:
            return Account(path.stat().st_uid, path.stat().st_gid)
    return None


def _system_account() -> Account:
    """The system user of this application, made on first use; `nobody` where none can be made."""
    for attempt in range(2):
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            if attempt == 0:
                _add_system_user()
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _add_system_user() -> None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return
    # Its outcome shows in the next look-up: a second process may have been quicker.
    subprocess.run(  # noqa: S603  a fixed command of the system
        [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin",
         "--comment", "Embedded servers of coding-review", SYSTEM_USER],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=30,
    )  # fmt: skip


def _reaches(account: Account, folder: Path) -> bool:
    return account.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]).returncode == 0


def _system_folder(var: Path) -> Path:
    path = SYSTEM_HOME / hashlib.sha256(str(var.resolve()).encode()).hexdigest()[:12]
    try:
        SYSTEM_HOME.mkdir(parents=True, exist_ok=True, mode=0o755)
        path.mkdir(mode=0o711, exist_ok=True)
    except OSError as error:
        raise LocalServersError(
            f"The servers' own user cannot reach {var}, and {path} cannot be made ({error.strerror}). Move the "
            "checkout to a folder that others may pass through, or run the command as an ordinary user."
        ) from error
    return path
