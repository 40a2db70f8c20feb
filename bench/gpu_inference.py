"""How fast a vLLM server codes charts, and how near that is to what the hardware allows.

    python bench/gpu_inference.py --base-url http://host:8000 --model NAME [--key-file FILE] --gpu h200 --gpus 1

Needs nothing but the address: no packages, no database, no checkout around it. It has not been run on a GPU yet; it
was tried against a vLLM server on a CPU, whose figures say nothing about GPUs.

- closed loop: N requests are always under way, for each N of --concurrency;
- open loop: charts arrive at random (Poisson) at shares of the best closed-loop rate, as they do in a hospital; the
  latency there counts from the arrival;
- --output schema lets the model answer under the schema of the coding engine, --output fixed makes it write exactly
  --output-tokens tokens without a grammar, which is what published figures measure.

Every prompt begins with a number of its own, so that a prefix cache cannot make prompts free.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Published: memory bandwidth in bytes/s, dense FLOP/s at 16 and 8 bits.
GPUS = {
    "h200": (4.8e12, 989e12, 1979e12),
    "h100": (3.35e12, 989e12, 1979e12),
    "a100": (2.04e12, 312e12, 312e12),
}
ANCHOR = "Published: Llama-3.3-70B FP8 on one H200, 5,000 in / 500 out: 566 output tok/s = 1.13 charts/s"
LINES = (
    "Patient seen and examined. Reports cough for four days, worse at night, without fever.",
    "Past history: essential hypertension, type 2 diabetes with neuropathy, stage 3 kidney disease.",
    "Lungs clear on both sides. Heart rhythm regular, no murmur. Legs without oedema.",
    "Assessment: acute bronchitis. Continue lisinopril and metformin, recheck creatinine in two weeks.",
    "Chest film without infiltrate. Haemoglobin 10.9, iron studies sent, no sign of bleeding.",
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "codes": {
            "type": "array",
            "maxItems": 12,
            "items": {
                "type": "object",
                "properties": {
                    "description": {"type": "string", "maxLength": 120},
                    "code": {"type": "string", "pattern": "^[A-Z][0-9][0-9A-Z](\\.[0-9A-Z]{1,4})?$"},
                    "rationale": {"type": "string", "maxLength": 200},
                    "line_start": {"type": "integer", "minimum": 1, "maximum": 999},
                    "line_end": {"type": "integer", "minimum": 1, "maximum": 999},
                    "quote": {"type": "string", "maxLength": 160},
                },
                "required": ["description", "code", "rationale", "line_start", "line_end", "quote"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["codes"],
    "additionalProperties": False,
}
_TEXTS = {"description": 120, "code": 8, "rationale": 200, "quote": 160}
_NUMBERS = ("line_start", "line_end")


@dataclass(frozen=True)
class Hardware:
    """`kv_bytes` for each token of context, over all layers."""

    bandwidth: float
    flops: float
    parameters: float
    weight_bytes: float
    kv_bytes: float


@dataclass(frozen=True)
class Limits:
    """Tokens/s that no server on this hardware can exceed, and charts/s when both are spent one after the other."""

    decode: float
    prefill: float
    charts: float


@dataclass
class Outcome:
    """What one run of many requests gave; latencies in seconds."""

    name: str
    concurrency: float
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    output_tokens: int = 0
    valid: int = 0
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def charts(self) -> int:
        return len(self.latencies)

    def rate(self, count: float) -> float:
        return count / self.seconds if self.seconds else 0.0


def limits(hardware: Hardware, batch: float, prompt: float, output: float) -> Limits:
    """Decoding reads all weights and every running context once for each token of the batch; reading a prompt costs
    two operations for each parameter and token."""
    context = prompt + output / 2
    moved = hardware.weight_bytes + batch * context * hardware.kv_bytes
    decode = batch * hardware.bandwidth / moved
    prefill = hardware.flops / (2 * hardware.parameters)
    seconds = prompt / prefill + output / decode
    return Limits(decode, prefill, 1 / seconds if seconds else 0.0)


def percentile(values: list[float], share: float) -> float:
    """By linear interpolation; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def keeps_schema(text: str) -> bool:
    """Whether an answer is what SCHEMA asks for."""
    try:
        answer = json.loads(text)
    except ValueError:
        return False
    if not isinstance(answer, dict) or set(answer) != {"codes"} or not isinstance(answer["codes"], list):
        return False
    return len(answer["codes"]) <= 12 and all(_is_item(item) for item in answer["codes"])


def _is_item(item: object) -> bool:
    if not isinstance(item, dict) or set(item) != {*_TEXTS, *_NUMBERS}:
        return False
    texts = all(isinstance(item[name], str) and len(item[name]) <= most for name, most in _TEXTS.items())
    return texts and all(
        isinstance(item[name], int) and not isinstance(item[name], bool) and 1 <= item[name] <= 999
        for name in _NUMBERS
    )


class Server:
    """One server by its address; every thread has a connection of its own."""

    def __init__(self, base_url: str, key: str, model: str, seconds: float) -> None:
        parts = urlsplit(base_url if "://" in base_url else f"http://{base_url}")
        self._secure, self._host = parts.scheme == "https", parts.hostname or "localhost"
        self._port, self._path = parts.port, parts.path.rstrip("/").removesuffix("/v1")
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._seconds = seconds
        self._own = threading.local()
        self.model = model

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            connection = self._own.connection = kind(self._host, self._port, timeout=self._seconds)
        sent = None if body is None else json.dumps(body)
        try:
            connection.request(method, f"{self._path}{path}", sent, self._headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self._own.connection = None
            raise
        try:
            return response.status, json.loads(raw)
        except ValueError:
            return response.status, {}

    def first_model(self) -> str:
        status, answer = self.call("GET", "/v1/models")
        if status != 200 or not answer.get("data"):
            raise SystemExit(f"The server does not tell its models (HTTP {status}). Is the key right?")
        return str(answer["data"][0]["id"])

    def count(self, text: str) -> int:
        status, answer = self.call("POST", "/tokenize", {"model": self.model, "prompt": text})
        return int(answer["count"]) if status == 200 else len(text) // 4


class Load:
    """Makes the requests of a run and counts their answers."""

    def __init__(self, server: Server, options: argparse.Namespace) -> None:
        self._server, self._options = server, options
        self._lock = threading.Lock()
        self._random = random.Random(options.seed)  # noqa: S311  arrivals, no secrets
        self._next = 0
        each = max(1, server.count("\n".join(f"{n}: {line}" for n, line in enumerate(LINES, 1))))
        self._repeat = max(1, round(options.prompt_tokens / each))

    def prompt(self, number: int) -> str:
        lines = [line for _ in range(self._repeat) for line in LINES]
        text = "\n".join(f"{n}: {line}" for n, line in enumerate(lines, 1))
        return f"Chart {self._options.seed}-{number}\n{text}\nGive the ICD-10-CM codes as JSON."

    def body(self, number: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._server.model,
            "messages": [{"role": "user", "content": self.prompt(number)}],
            "max_tokens": self._options.output_tokens,
            "temperature": 0.0,
        }
        if self._options.output == "schema":
            named = {"name": "codes", "schema": SCHEMA, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        else:
            body |= {"ignore_eos": True, "min_tokens": self._options.output_tokens}
        return body

    def warm_up(self) -> None:
        self._ask(Outcome("warm-up", 1), self._number(), time.monotonic())

    def closed(self, concurrency: int) -> Outcome:
        outcome = Outcome("closed", concurrency)
        count = max(self._options.charts, 2 * concurrency)
        take = self._numbers(count)
        begun = time.monotonic()
        threads = [
            threading.Thread(target=self._work, args=(outcome, take), daemon=True) for _ in range(concurrency)
        ]
        _run(threads)
        outcome.seconds = time.monotonic() - begun
        return outcome

    def open(self, rate: float) -> Outcome:
        outcome = Outcome("open", rate)
        begun, due = time.monotonic(), 0.0
        threads = []
        for _ in range(self._options.charts):
            due += self._random.expovariate(rate)
            time.sleep(max(0.0, begun + due - time.monotonic()))
            number = self._number()
            thread = threading.Thread(target=self._ask, args=(outcome, number, begun + due), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        outcome.seconds = time.monotonic() - begun
        return outcome

    def _number(self) -> int:
        with self._lock:
            self._next += 1
            return self._next

    def _numbers(self, count: int) -> Callable[[], int | None]:
        """For the threads of one run together: the next number until `count` were taken, then None."""
        left = [count]

        def take() -> int | None:
            with self._lock:
                if not left[0]:
                    return None
                left[0] -= 1
            return self._number()

        return take

    def _work(self, outcome: Outcome, take: Callable[[], int | None]) -> None:
        while (number := take()) is not None:
            self._ask(outcome, number, time.monotonic())

    def _ask(self, outcome: Outcome, number: int, since: float) -> None:
        try:
            status, answer = self._server.call("POST", "/v1/chat/completions", self.body(number))
        except (OSError, http.client.HTTPException) as error:
            status, answer = 0, {"error": type(error).__name__}
        taken = time.monotonic() - since
        with self._lock:
            if status != 200:
                name = f"HTTP {status}" if status else str(answer["error"])
                outcome.failures[name] = outcome.failures.get(name, 0) + 1
                return
            outcome.latencies.append(taken)
            outcome.prompt_tokens += answer["usage"]["prompt_tokens"]
            outcome.output_tokens += answer["usage"]["completion_tokens"]
            outcome.valid += keeps_schema(answer["choices"][0]["message"]["content"] or "")


def _run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def report(outcome: Outcome, hardware: Hardware | None, schema: bool) -> list[str]:
    """Lines for people. The batch of an open loop is what was under way on average (Little's law)."""
    count = outcome.charts
    batch = outcome.concurrency if outcome.name == "closed" else outcome.rate(sum(outcome.latencies))
    name = f"{outcome.name} {outcome.concurrency:g}{'' if outcome.name == 'closed' else ' charts/s'}"
    lines = [
        f"{name:<22} {outcome.rate(count):8.3f} charts/s  prompt {outcome.rate(outcome.prompt_tokens):9.1f} tok/s  "
        f"output {outcome.rate(outcome.output_tokens):8.1f} tok/s  "
        f"p50 {percentile(outcome.latencies, 0.5):.2f} s  p95 {percentile(outcome.latencies, 0.95):.2f} s  "
        f"p99 {percentile(outcome.latencies, 0.99):.2f} s"
        + (f"  schema-valid {outcome.valid}/{count}" if schema else "")
    ]
    if outcome.failures:
        lines.append(
            f"{'':<22} failed: {', '.join(f'{n} × {c}' for n, c in sorted(outcome.failures.items()))}"
        )
    if hardware is not None and count:
        most = limits(hardware, batch, outcome.prompt_tokens / count, outcome.output_tokens / count)
        lines.append(
            f"{'':<22} limits: decode {most.decode:.0f} tok/s ({outcome.rate(outcome.output_tokens) / most.decode:.1%} "
            f"reached), prefill {most.prefill:.0f} tok/s ({outcome.rate(outcome.prompt_tokens) / most.prefill:.1%}), "
            f"both in turn {most.charts:.3f} charts/s ({outcome.rate(count) / most.charts:.1%})"
        )
    return lines


def hardware_of(options: argparse.Namespace) -> Hardware | None:
    if not options.gpu:
        return None
    bandwidth, flops_16, flops_8 = GPUS[options.gpu]
    flops = flops_8 if options.weight_bits == 8 else flops_16
    return Hardware(
        bandwidth=bandwidth * options.gpus,
        flops=flops * options.gpus,
        parameters=options.parameters,
        weight_bytes=options.parameters * options.weight_bits / 8,
        kv_bytes=options.kv_bytes,
    )


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Throughput of a vLLM server on coding requests.")
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", default="", help="default: the first that the server names")
    parser.add_argument("--key-file", type=Path)
    parser.add_argument(
        "--gpu", choices=[*GPUS, ""], default="", help="empty: no share of the limit is printed"
    )
    parser.add_argument("--gpus", type=int, default=1, help="over how many the model is spread")
    parser.add_argument("--parameters", type=float, default=70.6e9)
    parser.add_argument("--weight-bits", type=int, choices=(8, 16), default=8)
    # 80 layers × 8 heads × 128 × keys and values × 2 bytes.
    parser.add_argument(
        "--kv-bytes", type=float, default=327_680, help="for each token of context (Llama 3.3 70B)"
    )
    parser.add_argument("--prompt-tokens", type=int, default=5000)
    parser.add_argument("--output-tokens", type=int, default=500)
    parser.add_argument("--output", choices=("schema", "fixed"), default="schema")
    parser.add_argument("--concurrency", default="1,4,16,32,64,128,256")
    parser.add_argument(
        "--open", default="0.5,0.8,0.95", help="shares of the best closed-loop rate; empty: none"
    )
    parser.add_argument("--charts", type=int, default=64, help="requests of a run, at least two a slot")
    parser.add_argument("--timeout", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    key = options.key_file.read_text(encoding="utf-8").strip() if options.key_file else ""
    server = Server(options.base_url, key, options.model, options.timeout)
    server.model = options.model or server.first_model()
    load, hardware, schema = Load(server, options), hardware_of(options), options.output == "schema"
    prompt = server.count(load.prompt(0))
    _say(
        f"# {server.model}: about {prompt} prompt tokens, {options.output} output of {options.output_tokens}"
    )
    load.warm_up()
    failed, rates = 0, []
    for concurrency in (int(one) for one in options.concurrency.split(",")):
        outcome = load.closed(concurrency)
        _say(*report(outcome, hardware, schema))
        rates.append(outcome.rate(outcome.charts))
        failed += sum(outcome.failures.values())
    best = max(rates)
    for share in (float(one) for one in options.open.split(",") if one and best):
        outcome = load.open(share * best)
        _say(*report(outcome, hardware, schema))
        failed += sum(outcome.failures.values())
    _say(f"Best of the closed loop: {best:.3f} charts/s. {ANCHOR}")
    return 1 if failed or not best else 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
