"""The command line, and what a folder was begun with. Needs nothing but Python."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.gpu_training.size import FULL, TINY, GpuSize

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 8.0
KEPT = "kept.json"
# In the environment, what device.py told.
DEVICE = "GPU_TRAIN_DEVICE"
# Said by these options; the rest of a size is fixed.
_SAID = ("charts", "codes", "held_out", "epochs", "learning_rate", "micro_batch", "attention", "askers")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/gpu_train.py",
        description="Trains a Llama of 130 million parameters from scratch on one GPU, in pieces: call it again until "
        "it ends with 0. It ends with 3 where there is more to do, 2 where this machine cannot do it, 1 where the "
        "training failed.",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="where everything lies, databases and checkpoints too; the next call goes on from it (default: "
        "var/gpu-train)",
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help="that one call may take")
    parser.add_argument("--tiny", action="store_true", help="the same steps on a processor, in minutes")
    parser.add_argument(
        "--venv", type=Path, help="environment to train in (default: that of TRAINING_CUDA=1 make training)"
    )
    parser.add_argument("--again", action="store_true", help="train anew over the same charts")
    parser.add_argument(
        "--gold",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="charts of another origin (JSONL, gold format) to score beside the held-out ones",
    )
    parser.add_argument("--charts", type=int, help="to train on")
    parser.add_argument("--codes", type=int, help="that the charts are about")
    parser.add_argument("--held-out", type=int, help="charts of an unseen seed to score on")
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument(
        "--micro-batch", type=int, help="packs of one pass: fewer where memory does not suffice"
    )
    parser.add_argument("--attention", choices=("auto", "flex_attention", "flash_attention_2", "sdpa"))
    parser.add_argument("--askers", type=int, help="processes that answer at once when it is scored")
    options = parser.parse_args(arguments)
    named = options.folder or ROOT / "var" / ("gpu-train-tiny" if options.tiny else "gpu-train")
    options.folder = named.resolve()
    return options


def size_of(options: argparse.Namespace) -> GpuSize:
    said = {name: value for name in _SAID if (value := getattr(options, name)) is not None}
    return dataclasses.replace(TINY if options.tiny else FULL, **said)


def gold_of(options: argparse.Namespace) -> dict[str, Path]:
    """By name. Raises ValueError with words for people."""
    found = {}
    for said in options.gold:
        name, _, path = said.partition("=")
        if not name.replace("-", "").isalnum() or not Path(path).is_file():
            raise ValueError(f"--gold {said}: it is NAME=FILE, with a file that is there.")
        found[name] = Path(path).resolve()
    return found


def kept_in(folder: Path) -> dict[str, Any]:
    """What earlier calls did; empty for a folder that is new."""
    path = folder / KEPT
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def begun_otherwise(before: Mapping[str, Any], size: GpuSize, *, again: bool) -> list[str]:
    """Which numbers of a size differ from those that a folder was begun with: of the charts at all events, of the
    training unless it is done anew."""
    free = {"askers", "tflops"} | (
        {"epochs", "learning_rate", "micro_batch", "accumulation", "attention"} if again else set()
    )
    now = dataclasses.asdict(size)
    return sorted(name for name in now.keys() - free if now[name] != before.get(name))
