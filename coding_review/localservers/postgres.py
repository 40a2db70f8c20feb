"""The embedded PostgreSQL: made, started, adopted and stopped through its own programs.

It listens on the loopback address alone, without Unix sockets (their paths are limited to 107 bytes), and
lets in one role, by scram. The superuser has no password and cannot sign in at all: the role, its database
and the vector extension are made in single-user mode before the first start.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from coding_review.localservers.errors import LocalServersError
from coding_review.localservers.network import LOOPBACK, free_port
from coding_review.localservers.places import Place, check_space, write_private
from coding_review.localservers.processes import wait_for_end, works_in
from coding_review.localservers.programs import POSTGRES_MAJOR

ROLE = "coding_review"
DATABASE = "coding_review"
_START_SECONDS = 60
_LOG_BYTES = 10 * 1024 * 1024

_HBA = f"host all {ROLE} {LOOPBACK}/32 scram-sha-256\n"
# For a desk machine of two cores. Failed statements are not logged: they carry note text.
_SETTINGS = f"""\
listen_addresses = '{LOOPBACK}'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 100
shared_buffers = '256MB'
huge_pages = off
work_mem = '16MB'
maintenance_work_mem = '128MB'
effective_cache_size = '1GB'
random_page_cost = 1.1
jit = off
io_method = 'sync'
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
wal_level = 'minimal'
max_wal_senders = 0
max_wal_size = '1GB'
checkpoint_timeout = '15min'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_error_verbosity = 'terse'
log_min_error_statement = 'panic'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""
_FOR_THROWAWAY_DATA = "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n"


@dataclass(frozen=True)
class Postgres:
    place: Place
    durable: bool

    @property
    def folder(self) -> Path:
        return self.place.folder("postgres")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def url(self, port: int, password: str) -> str:
        return f"postgres://{ROLE}:{password}@{LOOPBACK}:{port}/{DATABASE}"

    def up(self, *, alone: bool) -> str:
        """The URL of the running server: one left running is adopted, else it is started.

        `alone` says that no other process uses it, so that it may be stopped for repairs.
        """
        password = self._password()
        port = self._adopt(password)
        if port is None:
            if self._running() is not None:
                if not alone:
                    raise LocalServersError(
                        f"The embedded PostgreSQL is running for another command here, but does not accept the "
                        f"password in {self._password_file}. Stop the other command and try again."
                    )
                self.down()
            port = self._start(password)
        return self.url(port, password)

    def down(self) -> None:
        """Stop it, if it runs; waits until it has ended."""
        pid = self._running()
        if pid is None:
            return
        for mode in ("fast", "immediate"):
            self.place.account.run(
                [self.place.programs.pg("pg_ctl"), "stop", "-D", str(self.data), "-m", mode, "-w", "-t", "30"]
            )
            if wait_for_end(pid, 2):
                return

    @property
    def _password_file(self) -> Path:
        return self.place.keys / "postgres.password"

    def _password(self) -> str:
        if not self._password_file.is_file():
            write_private(self._password_file, secrets.token_urlsafe(24))
        return self._password_file.read_text(encoding="utf-8").strip()

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _running(self) -> int | None:
        lines = self._pid_lines()
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        return pid if works_in(pid, self.data) else None

    def _adopt(self, password: str) -> int | None:
        """The port of a server that runs on our data and answers, waiting while it starts or recovers."""
        deadline = time.monotonic() + 30
        while self._running() is not None and time.monotonic() < deadline:
            lines = self._pid_lines()
            if len(lines) >= 8 and lines[3].strip().isdigit():
                problem = self._try(int(lines[3]), password)
                if problem is None:
                    return int(lines[3])
                if "authentication failed" in problem or "does not exist" in problem:
                    return None
            time.sleep(0.05)
        return None

    def _try(self, port: int, password: str) -> str | None:
        """None when the role can sign in, else what the server answered."""
        try:
            psycopg.connect(self.url(port, password), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            return str(error)
        return None

    def _start(self, password: str) -> int:
        check_space(self.folder)
        self._check_version()
        self._drop_stale_pid()
        if not (self.data / "PG_VERSION").is_file():
            self._initialise()
        self._provision(password)
        self.place.write(self.data / "pg_hba.conf", _HBA)
        settings = _SETTINGS if self.durable else _SETTINGS + _FOR_THROWAWAY_DATA
        self.place.write(self.data / "postgresql.conf", settings)
        if self.log.is_file() and self.log.stat().st_size > _LOG_BYTES:
            self.log.unlink()
        deadline = time.monotonic() + _START_SECONDS
        while True:
            # A port may be taken between asking and binding, and the processes of a killed server may
            # hold its shared memory for a moment longer: both pass by themselves.
            port = free_port()
            answer = self.place.account.run(
                [self.place.programs.pg("pg_ctl"), "start", "-D", str(self.data), "-l", str(self.log),
                 "-o", f"-p {port}", "-w", "-t", str(_START_SECONDS)],
                timeout=_START_SECONDS + 30,
            )  # fmt: skip
            if answer.returncode == 0 and self._try(port, password) is None:
                return port
            tail = self._log_tail()
            self.down()
            passing = "could not bind" in tail or "in use" in tail
            if not passing or time.monotonic() > deadline:
                raise LocalServersError(
                    f"The embedded PostgreSQL did not start. The end of its log ({self.log}):\n{tail}\n"
                    "If its data is not worth a repair, remove "
                    f"{self.folder} to begin anew, or set DATABASE_URL to a given server."
                )
            time.sleep(0.3)

    def _log_tail(self) -> str:
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
        except OSError:
            return "(no log was written)"

    def _check_version(self) -> None:
        stamp = self.data / "PG_VERSION"
        found = stamp.read_text(encoding="ascii").strip() if stamp.is_file() else POSTGRES_MAJOR
        if found != POSTGRES_MAJOR:
            raise LocalServersError(
                f"The data in {self.data} was written by PostgreSQL {found}; this version of the application "
                f"carries PostgreSQL {POSTGRES_MAJOR}, which cannot read it. Export it with the application "
                f"version that wrote it, or move {self.folder} away to begin anew."
            )

    def _drop_stale_pid(self) -> None:
        """Remove the lock file of a killed server whose number still, or again, names a process.

        PostgreSQL would refuse to start, though the number names another program or a dead process that
        nobody has collected. Whether processes of the killed server still use its memory it checks anyway.
        """
        lines = self._pid_lines()
        number = lines[0].strip() if lines else ""
        if number.isdigit() and self._running() is None and Path("/proc", number).exists():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _initialise(self) -> None:
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        # An empty or half-made folder of an initdb that was killed.
        shutil.rmtree(self.data, ignore_errors=True)
        answer = self.place.account.run(
            [self.place.programs.pg("initdb"), "-D", str(unfinished), "-U", "postgres", "--encoding=UTF8",
             "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
             "--auth=scram-sha-256", "--auth-host=scram-sha-256", "--auth-local=reject", "--no-instructions",
             *([] if self.durable else ["--no-sync"])],
        )  # fmt: skip
        if answer.returncode != 0:
            tail = "\n".join(answer.stdout.splitlines()[-6:])
            raise LocalServersError(
                f"The embedded PostgreSQL could not make its data folder {self.data}. It said:\n{tail}\n"
                "Free some space or set CODING_REVIEW_VAR to another folder, or set DATABASE_URL to a given server."
            )
        unfinished.rename(self.data)

    def _provision(self, password: str) -> None:
        """Role, database and extension, in single-user mode; noted, so that it happens once a password."""
        noted = self.data / "coding-review.provisioned"
        fingerprint = hashlib.sha256(password.encode()).hexdigest()
        if noted.is_file() and noted.read_text(encoding="ascii") == fingerprint:
            return
        # Single-user mode reads one statement a line, reports errors and goes on. "Already exists" is fine;
        # whether all of it holds is proved by signing in after the start.
        self._single("template1", "CREATE EXTENSION IF NOT EXISTS vector;\n")
        self._single(
            "postgres",
            f"CREATE ROLE {ROLE} LOGIN CREATEDB;\n"
            f"ALTER ROLE {ROLE} PASSWORD '{password}';\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n",
        )
        self.place.write(noted, fingerprint)

    def _single(self, database: str, statements: str) -> None:
        answer = self.place.account.run(
            [self.place.programs.pg("postgres"), "--single", "-D", str(self.data), database], stdin=statements
        )
        if answer.returncode != 0:
            tail = "\n".join(answer.stdout.splitlines()[-6:])
            raise LocalServersError(
                f"The embedded PostgreSQL could not prepare its database in {self.data}. It said:\n{tail}"
            )
