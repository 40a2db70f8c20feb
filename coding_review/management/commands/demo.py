"""manage.py demo: everything the demo needs, started, tended and stopped as one."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from coding_review import localservers
from coding_review.celery import app as celery_app
from coding_review.demo import static_state
from coding_review.demo.encounters import demo_encounters
from coding_review.demo.model_server import ModelServer, NoModelServer, model_server
from coding_review.demo.running import DemoLock, NoFreePort, choose_port
from coding_review.demo.supervisor import Program, ProgramFailed, Supervisor
from coding_review.demo.users import DEMO_USERS, passwords_file, read_passwords
from coding_review.localservers import keeper
from coding_review.queues import asks_a_server
from modelops.child_processes import die_with_parent

_HEALTHY_SECONDS = 240.0
_STEPS: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
    ("Preparing the database", ("migrate",), {"verbosity": 0, "interactive": False}),
    ("Loading ICD-10-CM", ("load_catalog", "icd10cm"), {}),
    ("Loading the sample of CPT, not for billing", ("load_catalog", "cpt"), {}),
    ("Loading modifiers", ("load_catalog", "modifiers"), {}),
    ("Loading default value sets: social determinants", ("load_catalog", "value_set"), {"name": "sdoh"}),
    ("Loading default value sets: frailty", ("load_catalog", "value_set"), {"name": "frailty"}),
    (
        "Loading default value sets: advanced illness",
        ("load_catalog", "value_set"),
        {"name": "advanced_illness"},
    ),
    ("Creating users", ("create_demo_users",), {}),
    ("Importing the demo encounters", ("import_charts", "demo"), {}),
    ("Playing a gold study", ("demo_gold_study",), {}),
)


class Command(BaseCommand):
    help = (
        "Prepares the database, loads ICD-10-CM and the tables that come with the product, creates users, imports "
        "the demo encounters, and runs the web server, the workers and beat until Ctrl-C. Everything is kept in "
        "var/ for the next time."
    )
    # The database is prepared by the first step.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="first port to try (default 8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        lock = DemoLock(settings.VAR_DIR / "demo")
        other = lock.take()
        if other is not None:
            where = f"at {other.address} " if other.address else "(it is still starting) "
            raise CommandError(
                f"The demo of this checkout already runs {where}as process {other.pid}. Ctrl-C in its terminal "
                "ends it.",
                returncode=2,
            )
        noted = settings.VAR_DIR / "demo" / "collected-from"
        begun = time.monotonic()
        if "MAKELEVEL" in os.environ:
            # Started by make: should make be killed, nobody is left to press Ctrl-C.
            die_with_parent(os.getppid())()
        stop = _StopSignals()
        try:
            server = model_server()
            if server is not None:
                server.take_in_force()
            for title, command, arguments in _STEPS:
                self._step(title, command, arguments)
            if not static_state.are_collected(noted):
                collect = {"verbosity": 0, "interactive": False, "clear": True}
                self._step("Collecting static files", ("collectstatic",), collect)
                static_state.note_collected(noted)
            port = choose_port(options["port"])
            if server is not None:
                self._say("Starting vLLM with a small untrained model, half a minute …")
            with _programs(port, server) as supervisor:
                address = f"http://localhost:{port}/"
                self._wait_until_healthy(supervisor, port, stop)
                lock.note(address)
                self._welcome(address, supervisor, time.monotonic() - begun)
                stop.defer()
                while not stop.asked:
                    for name in supervisor.tend():
                        self.stderr.write(f"{name} ended by itself and was started again.")
                    time.sleep(0.25)
                self.stdout.write("\nStopping …")
        except (NoFreePort, NoModelServer, ProgramFailed) as error:
            raise CommandError(str(error), returncode=2) from error
        except KeyboardInterrupt:
            self.stdout.write("\nStopped before the demo was up.")
            sys.exit(130)
        self.stdout.write("Stopped. The next `make demo` goes on where this one ended.")

    def _step(self, title: str, command: tuple[str, ...], arguments: dict[str, Any]) -> None:
        self._say(f"{title} …")
        said = StringIO()
        call_command(*command, stdout=said, **arguments)
        if command[0] != "create_demo_users":
            for line in said.getvalue().splitlines():
                self.stdout.write(f"  {line}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _wait_until_healthy(self, supervisor: Supervisor, port: int, stop: _StopSignals) -> None:
        self._say("Starting web server, workers and beat …")
        expected = 3 if asks_a_server(settings.ENGINE) else 2
        deadline = time.monotonic() + _HEALTHY_SECONDS
        web = workers = False
        while not (web and workers):
            supervisor.tend()
            web = web or _web_answers(port)
            workers = workers or len(celery_app.control.ping(timeout=0.5) or []) == expected
            if time.monotonic() > deadline:
                missing = "the web server" if not web else "a worker"
                raise ProgramFailed(
                    f"After {_HEALTHY_SECONDS:.0f} s {missing} does not answer. The logs are in {supervisor.logs}."
                )
            time.sleep(0.1)

    def _welcome(self, address: str, supervisor: Supervisor, seconds: float) -> None:
        passwords = read_passwords(passwords_file(settings.VAR_DIR))
        late = next(one.delivery.account_number for one in demo_encounters() if one.late_delivery)
        lines = [
            "",
            f"Up after {seconds:.0f} s:  {self.style.SUCCESS(address)}",
            "",
            "Sign in as",
            *(
                f"  {one.username:<12}{passwords.get(one.username, '(unknown)'):<16}{one.does}"
                for one in DEMO_USERS
            ),
            "",
            "What to do first",
            "  1. Sign in as coder and press N (Next encounter).",
            "  2. Decide on each suggestion: A accept, R reject, M modify; ? shows every key. Mark the principal",
            "     diagnosis with P, then sign off with S.",
            "  3. Sign in as auditor to search what was decided, and to export it.",
            f"  4. After signing off the stay with account {late}, let its addendum arrive, from another terminal:",
            f"     {sys.executable} manage.py import_charts demo --late",
            "",
            f"Logs are in {supervisor.logs}, all data in {settings.VAR_DIR}. Ctrl-C stops everything.",
        ]
        for line in lines:
            self.stdout.write(line)
        self.stdout.flush()


class _StopSignals:
    """Until `defer`, SIGINT, SIGTERM and SIGHUP interrupt what is being done; after it they are only noted.

    SIGINT also where it came in ignored, as in what a script starts in the background: with `kill -INT` the demo is
    ended there too. An ignored SIGHUP stays so: somebody chose that (nohup).
    """

    def __init__(self) -> None:
        self.asked = False
        self._deferred = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def defer(self) -> None:
        self._deferred = True

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        first, self.asked = not self.asked, True
        if first and not self._deferred:
            raise KeyboardInterrupt


@contextmanager
def _programs(port: int, server: ModelServer | None) -> Iterator[Supervisor]:
    """The programs, started; stopped at the end whatever happens."""
    hold = localservers.ensure()
    kept = keeper.start(hold.urls) if hold is not None else None
    # Plain http on this machine: cookies that are for https only would not come back.
    environment = {**os.environ, "SECURE_COOKIES": "0", "PYTHONUNBUFFERED": "1"}
    folder: Path = settings.VAR_DIR / "demo"
    supervisor = Supervisor(
        folder / "logs", environment, settings.BASE_DIR, inherited=(kept.handle,) if kept is not None else ()
    )
    # The programs get connections of their own.
    connections.close_all()
    try:
        if server is not None:
            server.start(supervisor)
        for program in _commands(port, folder):
            supervisor.start(program)
        yield supervisor
    finally:
        supervisor.stop()
        if kept is not None:
            kept.close()


def _commands(port: int, folder: Path) -> list[Program]:
    python = sys.executable
    celery = [python, "-m", "celery", "--app", "coding_review"]
    inference = Program(
        "inference",
        ["/usr/bin/env", "QUEUE_ORDER=priority", *celery, "worker",
         "--queues", "inference.interactive,inference.batch", "--pool", "threads", "--concurrency", "8",
         "--hostname", "inference@%h", "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
    )  # fmt: skip
    return [
        *([inference] if asks_a_server(settings.ENGINE) else []),
        Program(
            "worker",
            [*celery, "worker", "--queues", "predict,evaluate,train", "--concurrency", str(min(2, os.cpu_count() or 1)),
             "--hostname", "predict@%h", "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
        ),
        # Apart from the predictions, so that the sweep never waits behind them.
        Program(
            "background",
            [*celery, "worker", "--queues", "celery", "--pool", "solo",
             "--hostname", "background@%h", "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
        ),
        Program(
            "beat",
            [*celery, "beat", "--schedule", str(folder / "beat-schedule"), "--pidfile", "", "--loglevel", "INFO"],
        ),
        Program(
            "web",
            [python, "-m", "gunicorn", "coding_review.wsgi", "--bind", f"127.0.0.1:{port}",
             "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--graceful-timeout", "3",
             "--preload", "--config", "python:coding_review.gunicorn_hooks", "--no-control-socket"],
        ),
    ]  # fmt: skip


def _web_answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
