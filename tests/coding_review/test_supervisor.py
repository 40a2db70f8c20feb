"""Programs run as one: restarted when they end, stopped together, never outliving who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from coding_review.demo.supervisor import Program, ProgramFailed, Supervisor
from coding_review.localservers.hold import CHECKOUT

# Starts a child of its own in the same session and ignores SIGTERM in it.
STUBBORN = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c',"
    " 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)'])\n"
    "print(child.pid, flush=True)\ntime.sleep(600)\n"
)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    one = Supervisor(tmp_path / "logs", {**os.environ, "SAID": "by the supervisor"}, tmp_path)
    yield one
    one.stop()


def python(name: str, code: str, restarts: int = 3) -> Program:
    return Program(name, [sys.executable, "-u", "-c", code], restarts=restarts)


def is_up(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.05)


def test_programs_run_in_their_folder_with_their_environment_and_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(
        python("one", "import os, time; print(os.getcwd(), os.environ['SAID']); time.sleep(600)")
    )
    log = supervisor.log_of("one")
    eventually(lambda: log.is_file() and log.read_text() == f"{tmp_path} by the supervisor\n")
    assert supervisor.tend() == []


def test_a_killed_program_is_started_again(supervisor: Supervisor) -> None:
    supervisor.start(python("one", "import time; time.sleep(600)"))
    supervisor.start(python("two", "import time; time.sleep(600)"))
    before = supervisor.pids()
    os.kill(before["one"], signal.SIGKILL)
    restarted: list[str] = []
    eventually(lambda: bool(restarted.extend(supervisor.tend()) or restarted))
    after = supervisor.pids()
    assert restarted == ["one"]
    assert after["two"] == before["two"]
    assert after["one"] != before["one"]
    assert is_up(after["one"])


def test_a_program_that_cannot_run_is_given_up_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    supervisor.start(python("broken", "import sys; sys.exit('no such table: chairs')", restarts=2))
    with pytest.raises(ProgramFailed) as failed:
        eventually(lambda: supervisor.tend() is None)
    assert "broken ended 3 times in a row (status 1)" in str(failed.value)
    assert str(failed.value).count("no such table: chairs") == 3


def test_stop_ends_also_what_a_program_left_behind(supervisor: Supervisor) -> None:
    supervisor.start(python("stubborn", STUBBORN))
    log = supervisor.log_of("stubborn")
    eventually(lambda: log.is_file() and log.read_text().strip().isdigit())
    parent, child = supervisor.pids()["stubborn"], int(log.read_text())
    assert is_up(child)
    supervisor.stop()
    assert not is_up(parent)
    eventually(lambda: not is_up(child))
    assert supervisor.pids() == {}


def test_programs_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "from coding_review.demo.supervisor import Program, Supervisor\n"
        f"one = Supervisor(Path({str(tmp_path)!r}), os.environ, Path({str(tmp_path)!r}))\n"
        "one.start(Program('sleeper', [sys.executable, '-c', 'import time; time.sleep(600)']))\n"
        "print(one.pids()['sleeper'], flush=True)\ntime.sleep(600)\n"
    )
    killed = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
    assert killed.stdout is not None
    pid = int(killed.stdout.readline())
    assert is_up(pid)
    killed.kill()
    killed.communicate(timeout=120)
    eventually(lambda: not is_up(pid))
