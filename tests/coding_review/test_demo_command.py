"""make demo: up with everything a first visitor needs, and gone without a trace of a process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import psutil
import psycopg
import pytest

from coding_review.demo.encounters import demo_encounters
from coding_review.demo.users import DEMO_USERS
from coding_review.localservers.hold import CHECKOUT
from coding_review.localservers.network import free_port
from tests.coding_review.servers_run import Var, make_var

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass
class Demo:
    """A demo with a folder of its own; `said` is what it printed so far."""

    var: Var
    port: int
    process: subprocess.Popen[str] | None = None
    said: list[str] = field(default_factory=list)

    def start(self, *, ignoring: signal.Signals | None = None) -> None:
        """`ignoring`: the signal that comes in ignored, as SIGINT does in what a script starts in the background."""
        self.said = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=CHECKOUT,
            env=self.var.environment(PYTHONUNBUFFERED="1"),
            preexec_fn=None if ignoring is None else lambda: signal.signal(ignoring, signal.SIG_IGN),
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if "Ctrl-C stops everything." in line:
                return
        raise AssertionError("\n".join(self.said))

    @property
    def address(self) -> str:
        return next(line.split()[-1] for line in self.said if line.startswith("Up after"))

    def programs(self) -> dict[str, psutil.Process]:
        """The processes that the demo started, by the first words of what they run."""
        assert self.process is not None
        named = {"predict@%h": "worker", "background@%h": "background", "beat": "beat", "gunicorn": "web"}
        found = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                words = child.cmdline() if child.status() != psutil.STATUS_ZOMBIE else []
            except psutil.NoSuchProcess:
                # It ended between being listed and being asked.
                continue
            found |= {name: child for word, name in named.items() if word in words}
        return found

    def everything(self) -> list[psutil.Process]:
        """The servers, the programs and their children."""
        assert self.process is not None
        return [*psutil.Process(self.process.pid).children(recursive=True), *self.var.processes()]

    def end(self, how: signal.Signals) -> str:
        assert self.process is not None
        self.process.send_signal(how)
        out, _ = self.process.communicate(timeout=240)
        return out


def still_up(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    for var in make_var(closed=False):
        one = Demo(var, free_port())
        one.start()
        try:
            yield one
        finally:
            if one.process is not None and one.process.poll() is None:
                one.end(signal.SIGTERM)


def passwords(demo: Demo) -> dict[str, str]:
    found: dict[str, str] = json.loads((demo.var.path / "demo-users.json").read_text())
    return found


def database(demo: Demo) -> psycopg.Connection[tuple[object, ...]]:
    port = (demo.var.data() / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[3]
    password = (demo.var.path / "servers" / "postgres.password").read_text().strip()
    return psycopg.connect(
        host="127.0.0.1", port=port, user="coding_review", password=password, dbname="coding_review"
    )


def statuses(demo: Demo) -> dict[object, object]:
    with database(demo) as connection:
        query = "SELECT status, count(*) FROM coding_review_encounter GROUP BY status"
        return {row[0]: row[1] for row in connection.execute(query).fetchall()}


def test_it_prints_the_address_and_a_password_for_every_role(demo: Demo) -> None:
    assert demo.address == f"http://localhost:{demo.port}/"
    kept = passwords(demo)
    for user in DEMO_USERS:
        assert f"  {user.username:<12}{kept[user.username]:<16}{user.does}" in demo.said


def test_the_printed_password_opens_the_worklist(demo: Demo) -> None:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    page = browser.open(demo.address + "sign-in/", timeout=120).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    form = {"username": "coder", "password": passwords(demo)["coder"], "csrfmiddlewaretoken": token[1]}
    request = browser.open(demo.address + "sign-in/", urlencode(form).encode(), timeout=120)
    assert request.status == 200
    assert request.url == demo.address
    assert "Worklist" in request.read().decode()


def test_every_encounter_is_predicted_or_says_why_not(demo: Demo) -> None:
    deadline = time.monotonic() + 480
    # The gold study has one signed as its qualification chart.
    expected = {"ready": len(demo_encounters()) - 2, "failed": 1, "signed_off": 1}
    while statuses(demo) != expected:
        assert time.monotonic() < deadline, statuses(demo)
        time.sleep(0.5)
    with database(demo) as connection:
        why = connection.execute(
            "SELECT DISTINCT error_code FROM coding_review_predictionrun WHERE status = 'failed'"
        )
        assert why.fetchall() == [("no_release",)]


def test_the_tables_that_come_with_the_product_are_loaded(demo: Demo) -> None:
    with database(demo) as connection:
        query = "SELECT kind, name, origin FROM catalog_tableedition ORDER BY kind, name"
        assert connection.execute(query).fetchall() == [
            ("modifiers", "", "default"),
            ("value_set", "advanced_illness", "default"),
            ("value_set", "frailty", "default"),
            ("value_set", "sdoh", "default"),
        ]


def test_a_second_demo_here_says_where_the_first_one_is(demo: Demo) -> None:
    before = {name: one.pid for name, one in demo.programs().items()}
    second = subprocess.run(
        [sys.executable, "manage.py", "demo"],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env=demo.var.environment(),
        check=False,
        timeout=240,
    )
    assert second.returncode == 2
    assert f"already runs at {demo.address} as process" in second.stderr
    assert "Traceback" not in second.stderr
    assert set(before) == {"worker", "background", "beat", "web"}
    assert {name: one.pid for name, one in demo.programs().items()} == before


def test_a_killed_program_is_started_again(demo: Demo) -> None:
    before = demo.programs()["background"].pid
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 120
    while (found := demo.programs().get("background")) is None or found.pid == before:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_ctrl_c_leaves_nothing_and_the_next_start_loses_nothing(demo: Demo) -> None:
    kept, before = passwords(demo), statuses(demo)
    processes = demo.everything()
    assert len(processes) > 8
    assert "Stopped." in demo.end(signal.SIGINT)
    assert demo.process is not None
    assert demo.process.returncode == 0
    assert still_up(processes) == []
    demo.start()
    assert passwords(demo) == kept
    assert statuses(demo) == before


def test_kill_9_leaves_nothing(demo: Demo) -> None:
    assert demo.process is not None
    processes = demo.everything()
    demo.process.kill()
    demo.process.wait()
    deadline = time.monotonic() + 120
    while still_up(processes):
        assert time.monotonic() < deadline, still_up(processes)
        time.sleep(0.1)
    assert demo.var.processes() == []


def test_a_taken_port_is_passed_over(demo: Demo) -> None:
    """After the killed one: its lock is no hindrance."""
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", str(demo.port), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path("/"),
    ) as other:
        try:
            demo.start()
            taken = int(demo.address.rstrip("/").rpartition(":")[2])
            assert demo.port < taken < demo.port + 100
        finally:
            other.kill()
    demo.end(signal.SIGTERM)
    assert demo.var.processes() == []


def test_sigint_ends_it_also_where_a_script_started_it_in_the_background(demo: Demo) -> None:
    demo.start(ignoring=signal.SIGINT)
    processes = demo.everything()
    assert len(processes) > 8
    assert "Stopped." in demo.end(signal.SIGINT)
    assert demo.process is not None
    assert demo.process.returncode == 0
    assert still_up(processes) == []
