"""The embedded servers: what they let in, who keeps them up, and what is left after every way to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis

from coding_review.localservers.hold import CHECKOUT
from coding_review.localservers.network import free_port
from coding_review.localservers.places import SYSTEM_HOME
from tests.coding_review.servers_run import Var, make_var

ENSURE = "localservers.ensure(durable=False)\n"
ONCE = ENSURE + "report()\n"
# Reports, then keeps the servers until its standard input ends.
HOLD = ONCE + "sys.stdin.read()\n"
WRITE = ENSURE + (
    "with psycopg.connect(os.environ['DATABASE_URL']) as c:\n"
    "    c.execute('CREATE TABLE kept AS SELECT 42 AS answer')\nreport()\n"
)
READ = ENSURE + (
    "with psycopg.connect(os.environ['DATABASE_URL']) as c:\n"
    "    answer = c.execute('SELECT answer FROM kept').fetchone()[0]\nreport(answer=answer)\n"
)


@pytest.fixture
def var() -> Iterator[Var]:
    yield from make_var(closed=False)


@pytest.fixture
def closed_var() -> Iterator[Var]:
    """Under a folder of mode 700, as a checkout in /root is."""
    yield from make_var(closed=True)


def wait_until_gone(var: Var, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while var.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert var.processes() == []


def held(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate(timeout=120)
    found: dict[str, object] = json.loads(line)
    return found


def let_go(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err


def test_a_command_gets_both_servers_and_leaves_no_process(var: Var) -> None:
    found = var.run("localservers.ensure()\nreport()\n")
    assert found["version"].startswith("18")
    assert (found["superuser"], found["createdb"], found["vector"]) == (False, True, 1)
    assert (found["address"], found["fsync"]) == ("127.0.0.1/32", "on")
    assert var.processes() == []


def test_throwaway_data_does_not_wait_for_the_disk(var: Var) -> None:
    assert var.run(ONCE)["fsync"] == "off"


def test_nobody_gets_in_without_the_password(var: Var) -> None:
    process = var.start(HOLD)
    found = held(process)
    database, broker = urlsplit(str(found["database"])), urlsplit(str(found["redis"]))
    for user, password in (
        ("coding_review", "wrong"),
        ("coding_review", ""),
        ("postgres", database.password),
    ):
        with pytest.raises(psycopg.OperationalError, match=r"authentication failed|no password|no pg_hba"):
            psycopg.connect(
                host="127.0.0.1", port=database.port, user=user, password=password, dbname="coding_review"
            )
    with redis.Redis(host="127.0.0.1", port=broker.port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    let_go(process)


def test_servers_listen_on_the_loopback_address_alone(var: Var) -> None:
    process = var.start(HOLD)
    found = held(process)
    ports = {urlsplit(str(found[name])).port for name in ("database", "redis")}
    listening = {
        (one.laddr.ip, one.laddr.port)
        for server in var.processes()
        for one in server.net_connections("tcp")
        if one.status == "LISTEN"
    }
    assert listening == {("127.0.0.1", port) for port in ports}
    let_go(process)


def test_secrets_are_for_this_user_alone(var: Var) -> None:
    var.run(ONCE)
    for name in ("secret_key", "servers/postgres.password", "servers/valkey.password"):
        path = var.path / name
        assert (path.stat().st_mode & 0o777, path.stat().st_uid) == (0o600, os.geteuid())
    assert (var.data() / "postgres").stat().st_mode & 0o777 == 0o700
    key = (var.path / "secret_key").read_text()
    assert len(key) >= 64
    var.run(ONCE)
    assert (var.path / "secret_key").read_text() == key


def test_the_last_to_leave_stops_the_servers(var: Var) -> None:
    first = var.start(HOLD)
    addresses = held(first)
    second = var.start(HOLD)
    assert held(second) == addresses
    let_go(first)
    # Still up for the second, and for a third that comes and goes.
    assert var.run(ONCE) == addresses
    assert var.processes() != []
    let_go(second)
    assert var.processes() == []


def test_three_commands_at_once_share_one_start(var: Var) -> None:
    processes = [var.start(HOLD) for _ in range(3)]
    found = [held(process) for process in processes]
    assert found[0] == found[1] == found[2]
    for process in processes:
        let_go(process)
    assert var.processes() == []


def test_servers_of_a_killed_command_are_adopted_with_their_data(var: Var) -> None:
    killed = var.start(WRITE + "sys.stdin.read()\n")
    found = held(killed)
    killed.kill()
    killed.communicate(timeout=120)
    assert var.processes() != []
    again = var.run(READ)
    assert (again["answer"], again["started"], again["valkey"]) == (42, found["started"], found["valkey"])
    assert var.processes() == []


def test_a_killed_server_is_started_again_with_its_data(var: Var) -> None:
    durable = WRITE.replace("durable=False", "")
    process = var.start(durable + "sys.stdin.read()\n")
    found = held(process)
    os.kill(var.postmaster(), signal.SIGKILL)
    process.kill()
    process.communicate(timeout=120)
    again = var.run(READ)
    assert again["answer"] == 42
    assert again["started"] != found["started"]
    assert var.processes() == []


def test_a_stale_lock_file_whose_number_names_another_process(var: Var) -> None:
    var.run(WRITE)
    owner = (var.data() / "postgres").stat()
    other = subprocess.Popen(["sleep", "600"], user=owner.st_uid if os.geteuid() == 0 else None)
    lock = var.data() / "postgres" / "data" / "postmaster.pid"
    lock.write_text(f"{other.pid}\n{lock.parent}\n1790000000\n5432\n\n127.0.0.1\n  5432001  1\nready   \n")
    (var.path / "servers" / "valkey.running").write_text(f"{other.pid} {free_port()}\n")
    try:
        assert var.run(READ)["answer"] == 42
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_command_ended_by_a_signal_leaves_nothing(var: Var, how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c",
         "import time; print('up', flush=True); time.sleep(600)"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env=var.environment(),
        # Under nohup these tests would hand an ignored SIGHUP down to the command, which then rightly ignores it.
        preexec_fn=lambda: signal.signal(how, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    assert var.processes() != []
    process.send_signal(how)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert var.processes() == []


def test_any_program_runs_with_the_servers(var: Var) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "coding_review.localservers", sys.executable, "-c",
         "import os, sys; print(os.environ['DATABASE_URL'][:11], os.environ['REDIS_URL'][:8]); sys.exit(7)"],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env=var.environment(),
        check=False,
    )  # fmt: skip
    assert (process.stdout, process.returncode) == ("postgres:// redis://\n", 7)
    assert var.processes() == []


def test_the_keeper_stops_the_servers_after_the_last_program(var: Var) -> None:
    """The command that started the keeper and a program is killed; the program still has its servers."""
    process = var.start(
        "import subprocess\nfrom coding_review.localservers import keeper\n"
        + ENSURE
        + "kept = keeper.start(('DATABASE_URL', 'REDIS_URL'))\n"
        "p = subprocess.Popen(['sleep', '600'], pass_fds=(kept.handle,), stdout=subprocess.DEVNULL,"
        " stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "report(program=p.pid)\nsys.stdin.read()\n"
    )
    found = held(process)
    process.kill()
    process.wait()
    with psycopg.connect(str(found["database"])) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert psutil.pid_exists(int(str(found["program"])))
    os.kill(int(str(found["program"])), signal.SIGTERM)
    # The keeper holds the other end of the error output: this ends with it.
    process.communicate(timeout=120)
    wait_until_gone(var)


def test_a_port_taken_in_the_last_moment_is_given_up_for_another(var: Var) -> None:
    found = var.run(
        "import socket\nfrom coding_review.localservers import postgres, valkey, network\n"
        "taken = socket.create_server(('127.0.0.1', 0))\nport = taken.getsockname()[1]\n"
        "for module in (postgres, valkey):\n"
        "    answers = iter([port])\n"
        "    module.free_port = lambda answers=answers: next(answers, None) or network.free_port()\n"
        + ENSURE
        + "report(taken=port)\n"
    )
    ports = {urlsplit(found[name]).port for name in ("database", "redis")}
    assert len(ports) == 2
    assert found["taken"] not in ports


def test_a_lost_password_file_is_made_anew_without_losing_data(var: Var) -> None:
    before = var.run(WRITE)
    (var.path / "servers" / "postgres.password").unlink()
    after = var.run(READ)
    assert after["answer"] == 42
    assert urlsplit(after["database"]).password != urlsplit(before["database"]).password


def test_a_lost_password_is_not_repaired_under_a_running_command(var: Var) -> None:
    process = var.start(HOLD)
    found = held(process)
    (var.path / "servers" / "postgres.password").unlink()
    assert "does not accept the password" in var.refused(ENSURE.strip())
    with psycopg.connect(str(found["database"])) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    let_go(process)


def test_data_of_another_major_version_is_named_and_left_alone(var: Var) -> None:
    var.run(WRITE)
    stamp = var.data() / "postgres" / "data" / "PG_VERSION"
    stamp.write_text("16\n")
    said = var.refused(ENSURE.strip())
    assert "was written by PostgreSQL 16" in said
    assert "carries PostgreSQL 18" in said
    stamp.write_text("18\n")
    assert var.run(READ)["answer"] == 42


def test_an_initialisation_that_was_killed_is_begun_anew(var: Var) -> None:
    var.run(WRITE)
    (var.data() / "postgres" / "data" / "PG_VERSION").unlink()
    assert var.run(ONCE)["version"].startswith("18")


def test_a_folder_that_cannot_be_written_is_told_plainly(var: Var, tmp_path: Path) -> None:
    var.path.write_text("a file where the folder should be")
    process = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--check"],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env=var.environment(),
        check=False,
    )
    assert process.returncode == 2
    assert f"The folder {var.path} cannot be written" in process.stderr
    assert "CODING_REVIEW_VAR" in process.stderr
    assert "Traceback" not in process.stderr
    assert var.path.read_text() == "a file where the folder should be"


def test_a_full_disk_is_told_before_anything_is_made(var: Var) -> None:
    said = var.refused(
        "import shutil; real = shutil.disk_usage; "
        "shutil.disk_usage = lambda path: real(path)._replace(free=50 * 1024**2); " + ENSURE.strip()
    )
    assert "has 50 MiB free; the embedded PostgreSQL needs at least 400 MiB" in said
    assert not (var.data() / "postgres" / "data").exists()


def test_given_servers_are_used_and_nothing_is_started(var: Var) -> None:
    given = var.environment(DATABASE_URL="postgres://given/one", REDIS_URL="redis://given:1/0")
    found = var.run(
        "hold = localservers.ensure()\n"
        "print(json.dumps([hold is None, os.environ['DATABASE_URL'], os.environ['REDIS_URL']]))\n",
        given,
    )
    assert found == [True, "postgres://given/one", "redis://given:1/0"]
    assert [path.name for path in (var.path / "servers").iterdir()] == []


def test_only_the_server_without_an_address_is_started(var: Var) -> None:
    found = var.run(
        "hold = localservers.ensure(durable=False)\nprint(json.dumps([sorted(hold.urls), os.environ['REDIS_URL']]))\n",
        var.environment(REDIS_URL="redis://given:1/0"),
    )
    assert found == [["DATABASE_URL"], "redis://given:1/0"]
    assert not (var.data() / "valkey").exists()


def test_a_folder_closed_to_others_is_never_opened(closed_var: Var) -> None:
    top = closed_var.path.parent.parent
    assert closed_var.run(WRITE)["version"].startswith("18")
    assert closed_var.run(READ)["answer"] == 42
    assert top.stat().st_mode & 0o777 == 0o700
    # Root's servers run as a user of their own, who cannot pass through.
    assert closed_var.data().is_relative_to(SYSTEM_HOME) == (os.geteuid() == 0)


def test_servers_never_run_as_root(var: Var) -> None:
    process = var.start(HOLD)
    held(process)
    users = {server.uids().effective for server in var.processes()}
    assert len(users) == 1
    assert 0 not in users
    let_go(process)
