"""Running the harness as a process: what it is asked, what is read back, and what happens when it fails.

A stand-in takes the place of the harness's interpreter: it is called as `PYTHON -m lm_eval …` and writes what the
harness writes. The real one needs torch and is no part of the default install (docs/evaluation.md says what was run).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
import yaml

from modelops.evaluation.knowledge import harness
from modelops.evaluation.knowledge.harness import (
    SAMPLES,
    TASKS,
    Accuracy,
    Checkpoint,
    Endpoint,
    HarnessFailed,
    measure,
)

STAND_IN = """#!{python}
import json, os, pathlib, sys
arguments = dict(zip(sys.argv[3::2], sys.argv[4::2]))
told = {{"argv": sys.argv[1:], "cwd": os.getcwd(), "environment": dict(os.environ)}}
pathlib.Path({seen!r}).write_text(json.dumps(told))
{extra}
tasks = arguments["--tasks"].split(",")
out = pathlib.Path(arguments["--output_path"]) / "a__model"
out.mkdir(parents=True)
results = {{
    "results": {{task: {{"alias": task, "acc,none": 0.4, "acc_stderr,none": 0.2449}} for task in tasks}},
    "n-samples": {{task: {{"original": 5, "effective": 5}} for task in tasks}},
    "lm_eval_version": "0.4.13",
}}
(out / "results_2026-11-21T10-00-00.json").write_text(json.dumps(results))
"""


@pytest.fixture
def stand_in(tmp_path):
    def make(extra=""):
        path = tmp_path / "python"
        path.write_text(STAND_IN.format(python=sys.executable, seen=str(tmp_path / "seen.json"), extra=extra))
        path.chmod(0o755)
        return path

    return make


def seen(folder: Path):
    return json.loads((folder / "seen.json").read_text())


def test_every_task_is_asked_offline_in_the_folder_of_the_data(stand_in, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "not for a child")
    measured = measure(Checkpoint(tmp_path / "model"), python=stand_in(), data=SAMPLES)
    assert measured.tasks == dict.fromkeys(TASKS, Accuracy(0.4, 0.2449, 5))
    assert (measured.harness, len(measured.data_sha256)) == ("0.4.13", 64)
    told = seen(tmp_path)
    assert told["cwd"] == str(SAMPLES.resolve())
    assert told["argv"][:6] == [
        "-m",
        "lm_eval",
        "--model",
        "hf",
        "--model_args",
        f"pretrained={tmp_path / 'model'},dtype=auto,trust_remote_code=False",
    ]
    assert told["environment"]["HF_HUB_OFFLINE"] == told["environment"]["HF_DATASETS_OFFLINE"] == "1"
    assert "SECRET_KEY" not in told["environment"]
    assert told["environment"]["HOME"] != os.environ["HOME"]


def test_an_endpoint_is_asked_through_completions_with_a_local_tokenizer(stand_in, tmp_path):
    target = Endpoint("http://127.0.0.1:8001/", "coder", tmp_path / "tokenizer")
    measure(target, python=stand_in(), data=SAMPLES, limit=2)
    argv = seen(tmp_path)["argv"]
    assert argv[argv.index("--model") + 1] == "local-completions"
    assert argv[argv.index("--model_args") + 1].startswith(
        f"model=coder,base_url=http://127.0.0.1:8001/v1/completions,tokenizer={tmp_path / 'tokenizer'},"
    )
    assert argv[argv.index("--limit") + 1] == "2"


def test_a_file_that_is_absent_leaves_its_task_out(stand_in, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "medqa.jsonl").write_bytes((SAMPLES / "medqa.jsonl").read_bytes())
    measured = measure(Checkpoint(tmp_path), python=stand_in(), data=data)
    assert list(measured.tasks) == ["medqa"]
    whole = measure(Checkpoint(tmp_path), python=stand_in(), data=SAMPLES)
    assert measured.data_sha256 != whole.data_sha256


def test_no_data_or_no_harness_is_told_before_anything_runs(stand_in, tmp_path):
    with pytest.raises(HarnessFailed, match=r"holds none of medmcqa\.jsonl"):
        measure(Checkpoint(tmp_path), python=stand_in(), data=tmp_path)
    with pytest.raises(HarnessFailed, match="make knowledge"):
        measure(Checkpoint(tmp_path), python=tmp_path / "absent", data=SAMPLES)
    assert not (tmp_path / "seen.json").exists()


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("print('no such model'); sys.exit(3)", "status 3: …no such model"),
        ("sys.exit(0)", "wrote no results"),
        ("arguments['--tasks'] = 'coding_review_medqa'", "no accuracy for medmcqa"),
    ],
)
def test_a_run_that_failed_says_why(stand_in, tmp_path, extra, said):
    with pytest.raises(HarnessFailed, match=said):
        measure(Checkpoint(tmp_path), python=stand_in(extra), data=SAMPLES)


def test_a_run_that_takes_too_long_is_ended_with_its_children(stand_in, tmp_path):
    child = tmp_path / "child.pid"
    extra = (
        "import subprocess, time\n"
        "child = subprocess.Popen(['sleep', '300'])\n"
        f"pathlib.Path({str(child)!r}).write_text(str(child.pid))\n"
        "time.sleep(300)"
    )
    with pytest.raises(HarnessFailed, match="longer than 10 s"):
        measure(Checkpoint(tmp_path), python=stand_in(extra), data=SAMPLES, seconds=10)
    pid = int(child.read_text())
    until = time.monotonic() + 60
    while _runs(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """A process that ended and waits to be collected counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("name", TASKS)
def test_the_samples_have_the_columns_that_their_task_asks_for(name):
    task = yaml.safe_load((Path(harness.__file__).parent / "tasks" / f"{name}.yaml").read_text())
    rows = [json.loads(line) for line in (SAMPLES / f"{name}.jsonl").read_text().splitlines()]
    assert task["task"] == f"coding_review_{name}"
    assert task["dataset_kwargs"]["data_files"] == {"test": f"{name}.jsonl"}
    assert len(rows) == 5
    for row in rows:
        target = row[task["doc_to_target"]]
        assert target in task["doc_to_choice"] or task["doc_to_choice"][target]
