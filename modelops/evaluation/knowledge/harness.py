"""Running lm-evaluation-harness in its own environment, without a network, and reading what it wrote.

A folder of data holds medmcqa.jsonl, medqa.jsonl, mmlu.jsonl and pubmedqa.jsonl in the columns of the published sets
(tasks/*.yaml name them); a file that is absent leaves its task out. samples/ holds five made-up questions each, to
try the path with, never to report.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelops.errors import ModelopsError

_HERE = Path(__file__).parent
SAMPLES = _HERE / "samples"
_TASKS_FOLDER = _HERE / "tasks"
# Name of the file and of the task here → as it is printed.
TASKS: dict[str, str] = {
    "medmcqa": "MedMCQA",
    "medqa": "MedQA, four options",
    "mmlu": "MMLU, medical subjects",
    "pubmedqa": "PubMedQA",
}
_PREFIX = "coding_review_"
# Of an error's output: enough to see why, without the questions.
_TAIL = 600


class HarnessFailed(ModelopsError):
    code = "harness_failed"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with weights and tokenizer, loaded by transformers in the harness's environment."""

    folder: Path
    dtype: str = "auto"

    def arguments(self) -> list[str]:
        # A model's own code is never run.
        told = f"pretrained={self.folder.resolve()},dtype={self.dtype},trust_remote_code=False"
        return ["--model", "hf", "--model_args", told]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server with /v1/completions that returns logprobs of the prompt (vLLM does). `tokenizer`: a local folder.

    Chat endpoints return none, so they cannot be asked for multiple choice.
    """

    url: str
    model: str
    tokenizer: Path

    def arguments(self) -> list[str]:
        told = (
            f"model={self.model},base_url={self.url.rstrip('/')}/v1/completions,tokenizer={self.tokenizer.resolve()},"
            "tokenizer_backend=huggingface,tokenized_requests=False,num_concurrent=4,max_retries=3"
        )
        return ["--model", "local-completions", "--model_args", told]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """`standard_error` None where there is one question."""

    accuracy: float
    standard_error: float | None
    questions: int


@dataclass(frozen=True, slots=True)
class Measured:
    """By task; `data_sha256` over the files asked, so that before and after can be told to be of the same questions."""

    tasks: Mapping[str, Accuracy]
    data_sha256: str
    harness: str


def measure(
    target: Checkpoint | Endpoint,
    *,
    python: Path,
    data: Path,
    limit: int | None = None,
    seconds: float = 3600,
) -> Measured:
    """Ask every task whose file lies in `data`. `python`: of the harness's environment; `limit`: questions a task.

    Raises HarnessFailed: no data, no harness, a run that failed or took longer than `seconds`.
    """
    names = [name for name in TASKS if (data / f"{name}.jsonl").is_file()]
    if not names:
        raise HarnessFailed(f"{data} holds none of {', '.join(f'{name}.jsonl' for name in TASKS)}.")
    if not python.is_file():
        raise HarnessFailed(f"{python} does not exist. make knowledge makes the harness's environment.")
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        command = [
            str(python.absolute()),
            "-m",
            "lm_eval",
            *target.arguments(),
            "--tasks",
            ",".join(_PREFIX + name for name in names),
            "--include_path",
            str(_TASKS_FOLDER),
            "--output_path",
            str(out),
            "--batch_size",
            "1",
            *(("--limit", str(limit)) if limit is not None else ()),
        ]
        _run(command, data, Path(scratch), seconds)
        return Measured(*_results(out, names, data))


def _run(command: list[str], data: Path, scratch: Path, seconds: float) -> None:
    """In a session of its own, so that children end with it; the data files are named relative to its folder."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "LC_ALL", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
    } | {
        "HOME": str(scratch),
        "HF_HOME": str(scratch / "hf"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        # The harness's client wants a key; a server on this network asks for none.
        "OPENAI_API_KEY": "none",
    }
    log = scratch / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - arguments as a list, no shell
            command,
            cwd=data.resolve(),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise HarnessFailed(f"The harness took longer than {seconds:g} s and was stopped.") from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if code:
        tail = log.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
        raise HarnessFailed(f"The harness ended with status {code}: …{tail}")


def _results(out: Path, names: list[str], data: Path) -> tuple[dict[str, Accuracy], str, str]:
    written = sorted(out.rglob("results_*.json"))
    if not written:
        raise HarnessFailed("The harness wrote no results.")
    told: dict[str, Any] = json.loads(written[-1].read_text(encoding="utf-8"))
    tasks = {}
    for name in names:
        found = told["results"].get(_PREFIX + name)
        if found is None or "acc,none" not in found:
            raise HarnessFailed(f"The harness wrote no accuracy for {name}.")
        error = found.get("acc_stderr,none")
        tasks[name] = Accuracy(
            float(found["acc,none"]),
            float(error) if isinstance(error, int | float) else None,
            int(told["n-samples"][_PREFIX + name]["effective"]),
        )
    return tasks, _data_hash(names, data), str(told.get("lm_eval_version") or "")


def _data_hash(names: list[str], data: Path) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode())
        digest.update((data / f"{name}.jsonl").read_bytes())
    return digest.hexdigest()
