"""What the trainer tells while it works, and when it listens: one callback on every process. Rank 0 alone writes."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from modelops.training.checkpoints import mark_complete
from modelops.training.errors import Stopped
from modelops.training.files import RunFolder, State

# Beyond the size of the checkpoint before.
_SPARE = 1.1


@dataclass(slots=True)
class Before:
    """What earlier stages of a curriculum did."""

    steps: int = 0
    tokens: int = 0


class Watcher(TrainerCallback):  # type: ignore[misc]  # transformers has no types here
    def __init__(
        self,
        folder: RunFolder,
        attempt: int,
        *,
        stage: str,
        before: Before,
        flops_per_token: float,
        peak_flops: float,
        checkpoints: Path,
    ) -> None:
        self._folder = folder
        self._attempt = attempt
        self._stage = stage
        self._before = before
        self._flops_per_token = flops_per_token
        # Of all devices together; 0: not known.
        self._peak_flops = peak_flops
        self._checkpoints = checkpoints
        self._at = time.monotonic()
        self._tokens = 0
        self.cancelled = False

    # Each takes (arguments, state, control) and what the trainer has beside.

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._at, self._tokens = time.monotonic(), int(state.num_input_tokens_seen)
        self._tell(state, "running")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._asked_to_stop(args):
            self.cancelled = True
            control.should_save = control.should_training_stop = True
        if control.should_save:
            self._about_to_save(state)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if control.should_save:
            self._about_to_save(state)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # All processes' parts must be on the disk before the checkpoint counts as whole.
        if args.world_size > 1:
            torch.distributed.barrier()
        if state.is_world_process_zero:
            written = self._checkpoints / f"checkpoint-{state.global_step}"
            mark_complete(written, step=state.global_step, world_size=args.world_size)
        self._tell(state, "cancelling" if self.cancelled else "running")

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        if not logs:
            return
        if "loss" in logs:
            self._step(state, logs)
        elif "eval_loss" in logs:
            self._write(
                {"step": self._number(state), "validation_loss": _finite(logs["eval_loss"]), "at": _now()},
                state,
            )

    def _step(self, state: Any, logs: dict[str, Any]) -> None:
        now, seen = time.monotonic(), int(state.num_input_tokens_seen)
        rate = (seen - self._tokens) / max(now - self._at, 1e-9)
        self._at, self._tokens = now, seen
        row = {
            "attempt": self._attempt,
            "step": self._number(state),
            "stage": self._stage,
            "epoch": _finite(logs.get("epoch")),
            "loss": _finite(logs["loss"]),
            "learning_rate": _finite(logs.get("learning_rate")),
            "grad_norm": _finite(logs.get("grad_norm")),
            "tokens": self._before.tokens + seen,
            "tokens_per_second": rate,
            "mfu": rate * self._flops_per_token / self._peak_flops if self._peak_flops else None,
            "host_memory": _host_memory(),
            "gpu_memory": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
            "at": _now(),
        }
        self._write(row, state)
        self._tell(state, "cancelling" if self.cancelled else "running")
        if row["loss"] is None or (logs.get("grad_norm") is not None and row["grad_norm"] is None):
            # The same figures on all processes: all stop.
            raise Stopped("loss_not_finite")

    def _asked_to_stop(self, args: Any) -> bool:
        """Rank 0 looks and tells the others: one that stopped alone would leave the rest waiting for it."""
        asked = args.process_index == 0 and self._folder.cancel.exists()
        if args.world_size == 1:
            return asked
        flag = torch.tensor([int(asked)], device=args.device)
        torch.distributed.broadcast(flag, src=0)
        return bool(flag.item())

    def _about_to_save(self, state: Any) -> None:
        self._tell(state, "cancelling" if self.cancelled else "saving")
        if not state.is_world_process_zero:
            return
        sizes = [_size(one) for one in self._checkpoints.glob("checkpoint-*") if one.is_dir()]
        if sizes and shutil.disk_usage(self._folder.path).free < max(sizes) * _SPARE:
            raise Stopped("disk_full", "there is no room for another checkpoint")

    def _number(self, state: Any) -> int:
        return self._before.steps + int(state.global_step)

    def _tell(self, state: Any, status: str) -> None:
        if state.is_world_process_zero:
            told = State(
                attempt=self._attempt,
                status=status,
                step=self._number(state),
                steps=self._before.steps + int(state.max_steps),
                stage=self._stage,
                at=_now(),
            )
            self._folder.write_state(told)

    def _write(self, row: dict[str, Any], state: Any) -> None:
        """One write of one line: a reader finds whole lines, but for the last."""
        if state.is_world_process_zero:
            with self._folder.progress.open("ab", buffering=0) as out:
                out.write(json.dumps({"attempt": self._attempt, **row}, allow_nan=False).encode() + b"\n")


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(float(value)) else None


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat()


def _host_memory() -> int:
    """Of this process, in bytes."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
