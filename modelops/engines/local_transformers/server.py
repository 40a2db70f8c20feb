"""python -m modelops.engines.local_transformers.server MODEL NAME: chat completions of one checkpoint on loopback.

Of OpenAI's and vLLM's addresses those that the product asks. The first line of its input is the key that requests must
carry; it ends when its input does, so with whoever started it. Its one line of output is the port. It writes no log of
requests, and errors name their class alone: words of a request stand in none of them.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch

from modelops.engines.local_transformers.checkpoint import Answer, BadSchema, Checkpoint

_LIMIT_BYTES = 32 * 1024 * 1024
_LOOK_SECONDS = 0.1


class _Refused(Exception):
    def __init__(self, status: int, message: str, kind: str = "BadRequestError") -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


class _Gone(Exception):
    """Who asked no longer listens."""


class Slots:
    """As many answers at once; who waits leaves when nobody listens any more."""

    def __init__(self, number: int) -> None:
        self._free = threading.Semaphore(number)
        self._lock = threading.Lock()
        self.running = self.waiting = 0

    @contextmanager
    def taken(self, given_up: Callable[[], bool]) -> Any:
        self._count(waiting=1)
        try:
            while not self._free.acquire(timeout=_LOOK_SECONDS):
                if given_up():
                    raise _Gone
        finally:
            self._count(waiting=-1)
        self._count(running=1)
        try:
            yield
        finally:
            self._count(running=-1)
            self._free.release()

    def _count(self, *, running: int = 0, waiting: int = 0) -> None:
        with self._lock:
            self.running += running
            self.waiting += waiting


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, checkpoint: Checkpoint, *, key: str, slots: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.checkpoint, self.key, self.slots = checkpoint, key, Slots(slots)

    def handle_error(self, request: Any, client_address: Any) -> None:
        kind = sys.exc_info()[0]
        sys.stderr.write(f"{kind.__name__ if kind else 'error'}\n")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._handle(_GET)

    def do_POST(self) -> None:
        self._handle(_POST)

    def log_message(self, *args: Any) -> None:
        """Neither addresses nor times are kept."""

    def _handle(self, routes: Mapping[str, Callable[[Handler, Any], tuple[int, Any]]]) -> None:
        try:
            body = self._body()
            route = routes.get(self.path)
            if route is None:
                raise _Refused(404, "Not Found", "NotFoundError")
            if self.path.startswith("/v1/") and not self._has_key():
                raise _Refused(401, "Unauthorized", "Unauthorized")
            status, said = route(self, body)
        except _Refused as refused:
            status, said = refused.status, _error(refused.status, str(refused), refused.kind)
        except (KeyError, TypeError, ValueError, AttributeError):
            status, said = 400, _error(400, "The request is not what this server takes.", "BadRequestError")
        except _Gone:
            self.close_connection = True
            return
        except RuntimeError as error:
            # Of torch: most often memory.
            sys.stderr.write(f"{type(error).__name__}\n")
            status, said = 500, _error(500, "The model could not answer.", "InternalServerError")
        raw = said.encode() if isinstance(said, str) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(said, str) else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LIMIT_BYTES:
            self.close_connection = True
            raise _Refused(413, "too long")
        raw = self.rfile.read(length)
        return json.loads(raw) if raw else None

    def _has_key(self) -> bool:
        sent = self.headers.get("Authorization", "")
        return hmac.compare_digest(sent.encode(), f"Bearer {self.server.key}".encode())

    def gone(self) -> bool:
        """Whether the other side has closed the connection."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        if not readable:
            return False
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def health(self, _: Any) -> tuple[int, Any]:
        return 200, {}

    def models(self, _: Any) -> tuple[int, Any]:
        checkpoint = self.server.checkpoint
        cards = [{"id": name, "max_model_len": checkpoint.context} for name in checkpoint.names]
        return 200, {"object": "list", "data": cards}

    def metrics(self, _: Any) -> tuple[int, Any]:
        slots = self.server.slots
        return 200, (
            f"vllm:num_requests_running {slots.running}\nvllm:num_requests_waiting {slots.waiting}\n"
            "vllm:kv_cache_usage_perc 0\n"
        )

    def tokenize(self, body: Any) -> tuple[int, Any]:
        checkpoint = self.server.checkpoint
        if "messages" in body:
            count = len(checkpoint.prompt(body["messages"]))
        else:
            count = checkpoint.count(body["prompt"], special=bool(body.get("add_special_tokens", True)))
        return 200, {"count": count, "max_model_len": checkpoint.context}

    def load_adapter(self, body: Any) -> tuple[int, Any]:
        name = str(body["lora_name"])
        if name in self.server.checkpoint.names:
            raise _Refused(400, "It is loaded already.")
        try:
            self.server.checkpoint.load_adapter(name, Path(body["lora_path"]))
        except OSError:
            raise _Refused(404, "There is no adapter.", "NotFoundError") from None
        return 200, {}

    def unload_adapter(self, body: Any) -> tuple[int, Any]:
        if not self.server.checkpoint.unload_adapter(str(body["lora_name"])):
            raise _Refused(404, "It is not loaded.", "NotFoundError")
        return 200, {}

    def chat(self, body: Any) -> tuple[int, Any]:
        checkpoint = self.server.checkpoint
        name = body.get("model") or checkpoint.name
        if name not in checkpoint.names:
            raise _Refused(404, "The model does not exist.", "NotFoundError")
        prompt, most = checkpoint.prompt(body["messages"]), int(body["max_tokens"])
        if most > checkpoint.context or len(prompt) >= checkpoint.context:
            raise _Refused(400, f"This model's maximum context length is {checkpoint.context} tokens.")
        schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        try:
            matcher = None if schema is None else checkpoint.matcher(schema)
        except BadSchema as error:
            raise _Refused(400, str(error)) from None
        with self.server.slots.taken(self.gone):
            try:
                answer = checkpoint.answer(
                    name,
                    prompt,
                    matcher,
                    # One token stays free, as in vLLM.
                    most=min(most, checkpoint.context - len(prompt) - 1) or 1,
                    temperature=float(body.get("temperature") or 0),
                    given_up=self.gone,
                )
            except KeyError:
                raise _Refused(404, "The model does not exist.", "NotFoundError") from None
        if answer is None:
            raise _Gone
        return 200, _completion(answer, name, len(prompt), logprobs=bool(body.get("logprobs")))


_GET = {"/health": Handler.health, "/v1/models": Handler.models, "/metrics": Handler.metrics}
_POST = {
    "/v1/chat/completions": Handler.chat,
    "/tokenize": Handler.tokenize,
    "/v1/load_lora_adapter": Handler.load_adapter,
    "/v1/unload_lora_adapter": Handler.unload_adapter,
}


def _completion(answer: Answer, model: str, prompt: int, *, logprobs: bool) -> dict[str, Any]:
    content = [
        {
            "token": piece.text,
            "logprob": piece.logprob,
            "top_logprobs": [
                {"token": piece.text, "logprob": piece.logprob},
                {"token": piece.other, "logprob": piece.other_logprob},
            ],
        }
        for piece in answer.pieces
    ]
    return {
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text},
                "finish_reason": answer.finish_reason,
                "logprobs": {"content": content} if logprobs else None,
            }
        ],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": len(answer.pieces),
            "total_tokens": prompt + len(answer.pieces),
        },
    }


def _error(status: int, message: str, kind: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": status}}


def _end_with_input() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="server")
    parser.add_argument("model", type=Path)
    parser.add_argument("name")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--context", type=int, default=0)
    options = parser.parse_args(arguments)
    key = sys.stdin.buffer.readline().decode().strip()
    threading.Thread(target=_end_with_input, daemon=True).start()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // options.slots))
    checkpoint = Checkpoint(options.model, name=options.name, context=options.context)
    server = Server(checkpoint, key=key, slots=options.slots)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
