"""Whether the training job fills one GPU, and whether what comes of it codes charts of its own kind.

    .venv/bin/python bench/gpu_train.py [--folder FOLDER] [--minutes 8] [--gold NAME=FILE …]

For one GPU with at least 80 GB: a Llama of 130 million parameters, from scratch, over synthetic charts of 1,200 codes,
through the application's own job (queue_training, supervisor, trainer). One call is one piece of at most --minutes:
it makes what is absent, trains until its time is over, and stops with a checkpoint, from which the next call goes on.
The last one asks the model for the codes of held-out charts and scores them. Ends with 0 when all is done, 3 when
there is more to do, 2 where this machine cannot do it, 1 where the training failed.

It has not been run on a GPU yet. --tiny takes the same steps on a processor, and its figures say nothing about GPUs.
Everything lies in FOLDER, the databases too. The application's environment runs this (make setup), the trainer runs
in that of TRAINING_CUDA=1 make training.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bench.gpu_training.options import DEVICE, gold_of, kept_in, parse, size_of  # noqa: E402  found by the line above
from bench.gpu_training.size import GpuSize  # noqa: E402

BYTES = 80_000_000_000
CANNOT = 2


class NoDevice(Exception):
    """This machine cannot do it; the message says why, for people."""


def environment(named: Path | None) -> Path:
    """The Python of the training environment. Raises NoDevice."""
    if named is None:
        told = subprocess.run(  # noqa: S603  our own script
            [str(ROOT / "requirements" / "training.sh"), "--path"],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode:
            raise NoDevice(
                "There is no training environment. On a machine with a GPU: TRAINING_CUDA=1 make training, then "
                "TRAINING_CUDA=1 before this command too. Or name one: --venv FOLDER."
            )
        named = Path(told.stdout.strip())
    python = named / "bin" / "python"
    if not python.exists():
        raise NoDevice(f"{named} holds no Python environment.")
    return python


def device(python: Path, size: GpuSize, *, attention: bool) -> dict[str, Any]:
    """What device.py tells, with `attention` also which kind works. Raises NoDevice where there is none that
    suffices."""
    asked = [str(python), "-W", "ignore", str(ROOT / "bench" / "gpu_training" / "device.py")]
    asked += [size.device, str(size.matrix), *(["attention"] if attention else [])]
    told = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603  our own program
    if told.returncode:
        raise NoDevice("The device could not be measured; the reason stands above.")
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    check(found, size)
    return found


def check(found: dict[str, Any], size: GpuSize) -> None:
    """Raises NoDevice."""
    if not found["name"]:
        raise NoDevice(
            f"There is no CUDA GPU that torch {found['torch']} of the training environment sees. This needs one with "
            "80 GB. --tiny takes the same steps on a processor."
        )
    if size.device == "cuda" and found["memory"] < BYTES:
        raise NoDevice(
            f"{found['name']} has {found['memory'] / 1e9:.0f} GB, and this needs a GPU with at least 80 GB."
        )


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    size = size_of(options)
    try:
        gold_of(options)
        python = environment(options.venv)
        chosen = "attention" in kept_in(options.folder) and not options.again
        found = device(python, size, attention=size.attention == "auto" and not chosen)
    except (NoDevice, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["CODING_REVIEW_VAR"] = str(options.folder / "var")
    os.environ["TRAINING_VENV"] = str(python.parents[1])
    # Settings are read from the environment as it is now.
    from tests.bench.start import start

    os.environ[DEVICE] = json.dumps(found)
    start("bench.gpu_training.calls")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
