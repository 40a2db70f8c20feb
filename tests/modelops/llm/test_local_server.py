"""How the local vLLM server is started, without one: its command, its environment, its key and its installation."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coding_review.localservers.processes import wait_for_end
from modelops.engines.llm.local import server
from modelops.engines.llm.local.serve import Holders
from modelops.engines.llm.local.server import Plan, Server, ServerFailed

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "requirements" / "vllm_cpu.sh"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(
        venv=tmp_path / "venv",
        model=tmp_path / "model",
        log=tmp_path / "run" / "server.log",
        key_file=tmp_path / "run" / "key",
        cache=tmp_path / "cache",
    )


def fake_python(plan: Plan, text: str) -> None:
    program = plan.venv / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def test_the_command_keeps_to_what_was_seen_to_work(plan: Plan) -> None:
    said = " ".join(server.command(plan, 4711))
    for flag in (
        "--host 127.0.0.1 --port 4711",
        "--no-enable-chunked-prefill",
        '{"backend": "guidance", "disable_any_whitespace": true}',
        "--no-enable-log-requests --disable-uvicorn-access-log",
        "--enable-lora",
    ):
        assert flag in said
    assert "api-key" not in said


def test_the_server_sees_its_key_and_none_of_our_secrets(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "ours")
    environment = server.environment(plan)
    key = plan.key_file.read_text().strip()
    assert plan.key_file.stat().st_mode & 0o777 == 0o600
    assert len(key) >= 32
    assert environment["VLLM_API_KEY"] == key == server.key(plan.key_file)
    assert {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"} & set(environment) == set()
    assert (environment["HF_HUB_OFFLINE"], environment["VLLM_NO_USAGE_STATS"]) == ("1", "1")


def test_a_server_that_ends_is_told_with_the_end_of_its_log(plan: Plan) -> None:
    fake_python(plan, "echo cannot find the model; exit 7")
    one = Server(plan)
    one.start()
    with pytest.raises(ServerFailed, match=r"status 7[\s\S]*cannot find the model"):
        one.wait_until_healthy(120)
    one.stop()


def test_stop_ends_every_process_of_the_server(plan: Plan, tmp_path: Path) -> None:
    child = tmp_path / "child"
    fake_python(plan, f'trap "" TERM; (trap "" TERM; exec sleep 300) & echo $! >{child}; exec sleep 300')
    one = Server(plan)
    one.start()
    pid = one.pid
    assert not one.wait_until_healthy(120, stop=lambda: child.exists() and child.read_text().endswith("\n"))
    server._STOP_SECONDS, kept = 0.2, server._STOP_SECONDS
    try:
        one.stop()
    finally:
        server._STOP_SECONDS = kept
    for number in (pid, int(child.read_text())):
        assert wait_for_end(number, 120)


def test_the_server_ends_when_nobody_holds_it_and_is_not_held_again(tmp_path: Path) -> None:
    path = tmp_path / "holders"
    with path.open("ab") as one, path.open("ab") as late:
        fcntl.flock(one, fcntl.LOCK_SH)
        holders = Holders(path)
        assert not holders.gone()
        fcntl.flock(one, fcntl.LOCK_UN)
        assert holders.gone()
        with pytest.raises(BlockingIOError):
            fcntl.flock(late, fcntl.LOCK_SH | fcntl.LOCK_NB)
        assert holders.gone()


def script(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_an_environment_that_is_not_made_has_no_path(tmp_path: Path) -> None:
    done = script("--path", VLLM_VENV_CACHE=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")


def test_a_build_for_cuda_is_refused_before_it_is_downloaded(tmp_path: Path) -> None:
    """A Python whose pip finds the public index's torch, and writes down whatever else it is asked for."""
    asked, python = tmp_path / "asked", tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in\n*"pip --version"*) exit 0;;\n*--dry-run*)\n'
        'while [ "$1" != --report ]; do shift; done\n'
        'echo \'{"install":[{"metadata":{"name":"torch","version":"2.13.0"}},'
        '{"metadata":{"name":"nvidia-cublas","version":"13.1"}}]}\' >"$2"; exit 0;;\n'
        f'*"-m pip"*) echo "$*" >>{asked}; exit 1;;\nesac\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    done = script(str(tmp_path / "venv"), APP_PYTHON=str(python))
    assert done.returncode == 2
    assert "gives a build of torch for CUDA" in done.stderr
    assert not asked.exists()
    assert not (tmp_path / "venv").exists()


def test_what_was_not_made_by_the_command_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "kept").write_text("as it was")
    done = script(str(tmp_path / "venv"), APP_PYTHON=sys.executable)
    assert done.returncode == 2
    assert "was not made by this command" in done.stderr
    assert (tmp_path / "venv" / "kept").read_text() == "as it was"
