"""Commands that use embedded servers of their own, in processes of their own, under a folder of the test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from coding_review.localservers.hold import CHECKOUT
from coding_review.localservers.places import SYSTEM_HOME

# What a command prints about the servers it found.
REPORT = """
import json, os, sys
import psycopg, redis
from coding_review import localservers

def report(**more):
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num'), rolsuper, rolcreatedb, inet_server_addr()::text,"
            " inet_server_port(), pg_postmaster_start_time()::text,"
            " (SELECT count(*) FROM pg_extension WHERE extname = 'vector'),"
            " current_setting('fsync')"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    names = ("version", "superuser", "createdb", "address", "port", "started", "vector", "fsync")
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        about = dict(zip(names, row)) | {"valkey": client.info("server")["process_id"]}
    print(json.dumps(about | more | {"database": os.environ["DATABASE_URL"], "redis": os.environ["REDIS_URL"]}))
    sys.stdout.flush()
"""
_OWN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_FILE", "CODING_REVIEW_VAR")


@dataclass
class Var:
    """A folder for CODING_REVIEW_VAR; `closed` to every other user when made by root."""

    path: Path

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _OWN}
        return kept | {"CODING_REVIEW_VAR": str(self.path)} | more

    def start(self, script: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", REPORT + script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env=environment or self.environment(),
        )

    def run(self, script: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What the script reported; it must end well."""
        process = self.start(script, environment)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found

    def refused(self, script: str, environment: Mapping[str, str] | None = None) -> str:
        """The paragraph that a command ends with, status 2."""
        process = self.start(
            "try:\n  "
            + script
            + "\nexcept localservers.LocalServersError as error: localservers.leave(error)",
            environment,
        )
        _, err = process.communicate(timeout=120)
        assert process.returncode == 2, err
        assert "Traceback" not in err
        return err.strip()

    def data(self) -> Path:
        """Where the servers keep their data, which is not under `path` where their user cannot reach it."""
        noted = self.path / "servers" / "place"
        return Path(noted.read_text()) if noted.is_file() else self.path / "servers"

    def postmaster(self) -> int:
        return int((self.data() / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])

    def processes(self) -> list[psutil.Process]:
        """Those that work on our data and have not ended."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(
                    self.data()
                ):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
                continue
        return found


def make_var(*, closed: bool) -> Iterator[Var]:
    """Removed afterwards, with what had to be placed elsewhere; a server still running there is ended."""
    top = Path(tempfile.mkdtemp(prefix="coding-review-"))
    top.chmod(0o700 if closed else 0o755)
    var = Var(top / "checkout with blanks" / "var")
    var.path.parent.mkdir()
    try:
        yield var
    finally:
        for process in var.processes():
            process.kill()
        if var.data().is_relative_to(SYSTEM_HOME):
            shutil.rmtree(var.data())
        shutil.rmtree(top)
