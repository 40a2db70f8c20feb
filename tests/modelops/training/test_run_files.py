"""What lies in a run's folder: checkpoints that are whole, progress, errors by name, job files, card."""

import errno
import json
import shlex
import signal
import subprocess

import pytest
import yaml

from modelops.training import card
from modelops.training.checkpoints import (
    is_complete,
    mark_complete,
    newest_complete,
    remove_incomplete,
    step_of,
    world_size_of,
)
from modelops.training.config import Resources
from modelops.training.errors import ERRORS, Stopped, code_in, code_of
from modelops.training.files import RunFolder, State
from modelops.training.progress import read_progress
from modelops.training.templates import render
from tests.modelops.training.rows import job_file, weights


def checkpoint(folder, step, *, complete=True):
    made = folder / f"checkpoint-{step}"
    (made / "global_step").mkdir(parents=True)
    (made / "trainer_state.json").write_text("{}")
    (made / "latest").write_text("global_step")
    (made / "global_step" / "states.pt").write_bytes(b"x" * step)
    if complete:
        mark_complete(made, step=step, world_size=2)
    return made


def test_the_newest_whole_checkpoint_counts_by_number_not_by_name(tmp_path):
    for step in (9, 10):
        checkpoint(tmp_path, step)
    half = checkpoint(tmp_path, 11, complete=False)
    assert newest_complete(tmp_path) == tmp_path / "checkpoint-10"
    assert (step_of(half), world_size_of(tmp_path / "checkpoint-10")) == (11, 2)
    assert remove_incomplete(tmp_path) == ["checkpoint-11"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-9"]
    assert newest_complete(tmp_path / "absent") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda made: (made / "global_step" / "states.pt").write_bytes(b"x"),
        lambda made: (made / "global_step" / "states.pt").unlink(),
        lambda made: (made / "complete.json").write_text("{"),
        lambda made: (made / "complete.json").write_text('{"files": {}}'),
    ],
)
def test_a_checkpoint_that_lost_something_is_passed_over(tmp_path, damage):
    before, made = checkpoint(tmp_path, 1), checkpoint(tmp_path, 2)
    assert is_complete(made)
    damage(made)
    assert not is_complete(made)
    assert newest_complete(tmp_path) == before


def line(step, **more):
    return (
        json.dumps({"step": step, "at": "2026-11-21T10:00:00+00:00", "attempt": 1, **more}).encode() + b"\n"
    )


def test_progress_is_read_on_from_where_it_ended_whole_lines_only(tmp_path):
    path = tmp_path / "progress.jsonl"
    assert read_progress(path, 0).rows == {}
    path.write_bytes(line(1, loss=3.0) + line(2, loss=2.0)[:-9])
    first = read_progress(path, 0)
    assert [row["loss"] for row in first.rows.values()] == [3.0]
    path.write_bytes(line(1, loss=3.0) + line(2, loss=2.0) + line(2, validation_loss=2.5) + line(1, loss=2.9))
    second = read_progress(path, first.offset)
    assert list(second.rows) == [1, 2]
    assert (second.rows[2]["loss"], second.rows[2]["validation_loss"], second.rows[1]["loss"]) == (
        2.0,
        2.5,
        2.9,
    )
    assert second.offset == path.stat().st_size
    assert read_progress(path, second.offset).rows == {}
    path.write_bytes(line(5, loss=1.0))
    assert list(read_progress(path, second.offset).rows) == [5]


def test_a_row_behind_half_a_row_counts(tmp_path):
    """The disk was full in the midst of one; the next attempt writes on behind it."""
    path = tmp_path / "progress.jsonl"
    path.write_bytes(line(1, loss=3.0) + line(2, loss=2.0)[:-9])
    first = read_progress(path, 0)
    with path.open("ab") as out:
        out.write(line(2, loss=1.75) + line(3, loss=1.5))
    second = read_progress(path, first.offset)
    assert [(step, row["loss"]) for step, row in second.rows.items()] == [(2, 1.75), (3, 1.5)]


def test_lines_that_say_nothing_are_left_out(tmp_path):
    path = tmp_path / "progress.jsonl"
    path.write_bytes(
        b"\xff\n[]\n{}\n" + line(-1) + line(1, loss="low", mfu=True, grad_norm=1) + b'{"step": 2, "at": 3}\n'
    )
    (row,) = read_progress(path, 0).rows.values()
    assert row == {"step": 1, "at": "2026-11-21T10:00:00+00:00", "attempt": 1, "grad_norm": 1}


def caused(outer, inner):
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "x"), "disk_full"),
        (OSError(errno.EFBIG, "x"), "disk_full"),
        (OSError(errno.EACCES, "x"), "crashed"),
        (caused(RuntimeError("x"), OSError(errno.EDQUOT, "x")), "disk_full"),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] PytorchStreamWriter failed writing file"),
            "disk_full",
        ),
        # As torch says it of the kernel's ENOSPC: the second while it handles the first.
        (
            caused(RuntimeError("unexpected pos 128 vs 0"), RuntimeError("basic_ios::clear: iostream error")),
            "disk_full",
        ),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "disk_full"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out_of_memory"),
        (ValueError("SafetensorError: invalid header"), "bad_checkpoint"),
        (Stopped("loss_not_finite"), "loss_not_finite"),
        (caused(RuntimeError("out of memory"), Stopped("bad_dataset")), "bad_dataset"),
        (ZeroDivisionError("division by zero"), "crashed"),
    ],
)
def test_what_went_wrong_has_a_name_and_advice(error, code):
    assert code_of(error) == code
    assert ERRORS[code].text.count(".") >= 2


def test_words_of_a_log_name_an_error_or_none():
    assert code_in("RuntimeError: CUDA error: out of memory") == "out_of_memory"
    assert code_in("KeyError: 'x'") == ""


def test_a_state_of_an_unknown_shape_is_none(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.read_state() is None
    told = State(attempt=2, status="running", step=3, steps=9, at="now")
    folder.write_state(told)
    assert folder.read_state() == told
    assert not told.is_end
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
    folder.state.write_text('{"status": "done"}')
    assert folder.read_state() is None


@pytest.mark.parametrize(
    "wrong",
    [{"step": "3"}, {"step": True}, {"attempt": None}, {"steps": -1}, {"status": ["done"]}, {"result": "ab"}],
)
def test_a_state_whose_fields_are_of_another_kind_is_none(tmp_path, wrong):
    folder = RunFolder(tmp_path)
    folder.state.write_text(json.dumps({"attempt": 1, "status": "running", "step": 3} | wrong))
    assert folder.read_state() is None


SLURM = Resources(
    place="slurm",
    partition="gpu",
    account="coding",
    nodes=2,
    processes=8,
    project_dir="/srv/app",
    venv="/srv/venv",
)


def test_a_slurm_file_starts_the_trainer_on_every_node(tmp_path):
    text = render(job_file(tmp_path, resources=SLURM), "/shared/job-7")
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    for wanted in (
        "--partition=gpu",
        "--account=coding",
        "--nodes=2",
        "--gpus-per-node=8",
        "--time=24:00:00",
    ):
        assert f"#SBATCH {wanted}" in lines
    assert "srun /srv/venv/bin/python -m torch.distributed.run \\" in lines
    assert "    -m modelops.training.entrypoint /shared/job-7 &" in lines
    assert 'MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)' in lines


def test_a_slurm_file_keeps_blanks_and_signs_of_paths(tmp_path):
    """Run as it is, with programs of the same names in the place of Slurm's."""
    run, programs = tmp_path / "jo\"hn's $HOME runs; 100 %j" / "job-7", tmp_path / "bin"
    run.mkdir(parents=True)
    programs.mkdir()
    told = tmp_path / "told"
    # Slurm's word before the end, then until the file that the trainer looks for is there.
    srun = 'printf "%s\\0" "$PYTHONPATH" "$@" > "$TOLD"; kill -TERM $PPID; until [ -e "$CANCEL" ]; do sleep 0.05; done'
    for name, does in (("srun", srun), ("scontrol", "echo node-1")):
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    script = render(job_file(tmp_path, resources=SLURM), str(run))
    done = subprocess.run(
        ["bash", "-c", script],
        env={
            "PATH": f"{programs}:/usr/bin:/bin",
            "SLURM_JOB_NODELIST": "node-1",
            "SLURM_JOB_ID": "9",
            "TOLD": str(told),
            "CANCEL": str(run / "cancel"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")
    arguments = told.read_text().split("\0")[:-1]
    assert arguments[:2] == ["/srv/app", "/srv/venv/bin/python"]
    assert arguments[-3:] == ["-m", "modelops.training.entrypoint", str(run)]
    assert "--rdzv-endpoint=node-1:29500" in arguments
    (output,) = (line for line in script.splitlines() if line.startswith("#SBATCH --output="))
    # In double quotes sbatch reads what Python's lexer does; a sign of percent is one when it stands twice.
    assert shlex.split(output[len("#SBATCH ") :]) == [f"--output={str(run).replace('%', '%%')}/slurm-%j.txt"]


@pytest.mark.parametrize("word", ["yes", "no", "on", "null", "12", "1e3", "0x1f"])
def test_words_that_yaml_reads_otherwise_stay_words(tmp_path, word):
    resources = Resources(
        place="kubernetes", image=word, claim=word, claim_path="/data", project_dir="/app", namespace=word
    )
    service, job = yaml.safe_load_all(
        render(job_file(tmp_path, resources=resources), "/data/my runs: #7/{a}")
    )
    assert service["metadata"]["namespace"] == job["metadata"]["namespace"] == word
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == word
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == word
    assert container["command"][-1] == "/data/my runs: #7/{a}"
    assert container["command"][0] == "/opt/training/bin/python"
    assert {"name": "PYTHONPATH", "value": "/app"} in container["env"]


def test_a_kubernetes_file_is_a_service_and_a_job_without_rights(tmp_path):
    resources = Resources(
        place="kubernetes", image="registry/trainer:1", claim="data", claim_path="/data", project_dir="/app", nodes=2,
        processes=8,
    )  # fmt: skip
    service, job = yaml.safe_load_all(render(job_file(tmp_path, resources=resources), "/data/job-7"))
    assert (service["kind"], job["kind"], job["spec"]["completions"]) == ("Service", "Job", 2)
    pod = job["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["command"][-3:] == ["-m", "modelops.training.entrypoint", "/data/job-7"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 8
    assert {"name": "data", "mountPath": "/data"} in container["volumeMounts"]


def test_card_and_manifest_tell_what_was_made_and_show_what_was_changed(tmp_path):
    folder = tmp_path / "output"
    folder.mkdir()
    weights(folder / "model.safetensors")
    (folder / "training_args.bin").write_bytes(b"pickle")
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/home/somebody/base"}')
    told = {
        "steps": 12,
        "loss": 0.5,
        "train": {"examples": 40, "tokens": 9000, "loss_tokens": 800, "too_long": 1},
    }
    job = job_file(tmp_path, dataset="charts v3", dataset_sha256="ab" * 32, code_revision="1234567")
    assert not card.is_whole(folder)
    sha256 = card.finish(folder, job, told, base_name="llama")
    assert card.is_whole(folder)
    assert card.check(folder) == sha256
    assert not (folder / "training_args.bin").exists()
    assert json.loads((folder / "adapter_config.json").read_text()) == {"base_model_name_or_path": "llama"}
    text = (folder / "README.md").read_text()
    assert "| Dataset | charts v3 |" in text
    assert "| Loss at the end | 0.5000 |" in text
    assert str(tmp_path) not in text
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    assert (card.is_whole(folder), card.check(folder)) == (True, "")
    (folder / "model.safetensors").unlink()
    assert (card.is_whole(folder), card.check(folder)) == (False, "")
