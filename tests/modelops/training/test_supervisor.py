"""The supervisor over trainers that do as they are told: who has the last word, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelops.training.files import RunFolder, State
from modelops.training.processes import Process, is_alive, marked, started_at
from tests.modelops.training.rows import job_file

ROOT = Path(__file__).resolve().parents[3]
# A trainer in the place of the real one: its folder is its last argument.
TRAINER = """
import json, os, pathlib, subprocess, sys, time
folder = pathlib.Path(sys.argv[-1])
def say(status, **more):
    path = folder / "new"
    path.write_text(json.dumps({"attempt": 1, "status": status, "step": 3, "steps": 9, **more}))
    path.replace(folder / "state.json")
"""


# The supervisor, with another patience for the one of an attempt before.
IMPATIENT = """
import sys
from modelops.training import supervisor
supervisor._WAIT_SECONDS = 2.0
sys.exit(supervisor.main(sys.argv[1:]))
"""


@pytest.fixture
def run(tmp_path):
    """Starts a supervisor over a trainer of these lines."""
    started = []
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()

    def start(*lines, attempt=1, token=None, impatient=False):
        script = tmp_path / "trainer.py"
        script.write_text(TRAINER + "\n".join(lines))
        python = tmp_path / "venv" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
        python.chmod(0o755)
        folder.write_run(
            job_file(tmp_path, token=token or f"test-{os.getpid()}-{tmp_path.name}", attempt=attempt)
        )
        program = ["-c", IMPATIENT] if impatient else ["-m", "modelops.training.supervisor"]
        process = subprocess.Popen(
            [sys.executable, *program, str(folder.path), str(tmp_path / "venv")],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "SECRET_KEY": "secret", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        started.append(process)
        return process

    yield folder, start
    for process in started:
        process.kill()
        process.wait()
    for pid in marked(folder.read_run().token):
        os.kill(pid, signal.SIGKILL)


def wait_until(true, seconds=120.0):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)


def test_the_trainers_own_word_stands(run):
    folder, start = run
    assert start('say("done", result={"sha256": "ab"})', "sys.exit(3)").wait(120) == 0
    told = folder.read_state()
    assert (told.status, told.step, told.result, told.error_code) == ("done", 3, {"sha256": "ab"}, "")
    beat = json.loads(folder.heartbeat.read_text())
    assert (beat["attempt"], beat["started"] != "") == (1, True)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["os.kill(os.getpid(), 9)"], "worker_lost"),
        (['raise KeyError("x")'], "crashed"),
        (['print("OSError: [Errno 28] No space left on device")', "sys.exit(1)"], "disk_full"),
        (['print("torch.OutOfMemoryError: CUDA out of memory.")', "sys.exit(1)"], "out_of_memory"),
        (["sys.exit(0)"], "crashed"),
    ],
)
def test_where_the_trainer_said_nothing_the_supervisor_names_the_error(run, lines, code):
    folder, start = run
    start('say("running")', *lines).wait(120)
    told = folder.read_state()
    assert (told.status, told.error_code, told.step) == ("failed", code, 3)


def test_a_word_of_the_attempt_before_is_not_the_present_ones(run):
    folder, start = run
    folder.write_state(State(attempt=1, status="done"))
    start("sys.exit(1)", attempt=2).wait(120)
    told = folder.read_state()
    assert (told.attempt, told.status, told.error_code) == (2, "failed", "crashed")


def test_without_an_environment_it_says_so(run, tmp_path):
    folder, start = run
    start("pass").wait(120)
    (tmp_path / "venv" / "bin" / "python").unlink()
    process = subprocess.run(
        [sys.executable, "-m", "modelops.training.supervisor", str(folder.path), str(tmp_path / "venv")],
        cwd=ROOT, check=False, timeout=120,
    )  # fmt: skip
    # The first attempt's end stands.
    assert (process.returncode, folder.read_state().error_code) == (0, "crashed")
    folder.write_run(job_file(tmp_path, attempt=2))
    subprocess.run(
        [sys.executable, "-m", "modelops.training.supervisor", str(folder.path), str(tmp_path / "venv")],
        cwd=ROOT, check=False, timeout=120,
    )  # fmt: skip
    assert folder.read_state().error_code == "environment_missing"


def test_the_trainer_sees_none_of_the_applications_environment(run):
    folder, start = run
    start("print(json.dumps(dict(os.environ)))", 'say("done")').wait(120)
    seen = json.loads(folder.log.read_text().splitlines()[-1])
    assert "SECRET_KEY" not in seen
    assert (seen["WORLD_SIZE"], seen["RANK"], seen["HF_HUB_OFFLINE"], seen["OMP_NUM_THREADS"]) == (
        "1",
        "0",
        "1",
        "1",
    )
    # What malloc is told, where there are no GPUs.
    assert [
        seen.get(name) for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
    ] == [
        "268435456",
        "2147483648",
        "glibc.malloc.hugetlb=1",
    ]


def test_a_file_that_cannot_be_read_for_a_while_ends_no_training(run):
    """As of a file system of the network that is away for some seconds."""
    folder, start = run
    process = start(
        "unread = folder / 'state.json'",
        "unread.mkdir()",
        "beats = set()",
        # The supervisor looks whenever it beats.
        "while len(beats) < 3:",
        "    beats.add((folder / 'heartbeat.json').read_text())",
        "    time.sleep(0.05)",
        "unread.rmdir()",
        "say('done', result={'sha256': 'ab'})",
    )
    assert process.wait(120) == 0
    told = folder.read_state()
    assert (told.status, told.result) == ("done", {"sha256": "ab"})


def test_processes_that_the_trainer_leaves_behind_are_ended(run):
    folder, start = run
    child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)"
    start(f"child = {child}", '(folder / "child").write_text(str(child.pid))', 'say("done")').wait(120)
    pid = int((folder.path / "child").read_text())
    wait_until(lambda: not started_at(pid))
    assert folder.read_state().status == "done"


def test_a_killed_supervisor_takes_its_trainer_along(run):
    folder, start = run
    supervisor = start('(folder / "pid").write_text(str(os.getpid()))', 'say("running")', "time.sleep(600)")
    wait_until(lambda: folder.read_state() is not None)
    pid = int((folder.path / "pid").read_text())
    trainer = Process(pid, started_at(pid))
    assert is_alive(trainer)
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not is_alive(trainer))
    assert folder.read_state().status == "running"


def test_there_is_one_supervisor_of_a_run_at_a_time(run):
    folder, start = run
    lines = (
        '(folder / "count").open("a").write("x")',
        'while not (folder / "enough").exists(): time.sleep(0.02)',
        'say("done")',
    )
    first = start(*lines)
    wait_until(lambda: (folder.path / "count").exists())
    assert start(*lines, impatient=True).wait(120) == 0
    (folder.path / "enough").touch()
    first.wait(120)
    assert (folder.path / "count").read_text() == "x"


def test_a_number_that_came_again_is_another_process():
    me = Process(os.getpid(), started_at(os.getpid()))
    assert is_alive(me)
    assert not is_alive(Process(me.pid, "another boot:1"))
    assert not is_alive(Process(me.pid, ""))
    assert not is_alive(Process(2**22 + 1, me.started))
