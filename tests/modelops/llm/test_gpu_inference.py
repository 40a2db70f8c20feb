"""The arithmetic of bench/gpu_inference.py; that it runs is shown against a real server in test_real_vllm.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.gpu_inference import Outcome, hardware_of, keeps_schema, limits, parse, percentile, report

ROOT = Path(__file__).resolve().parents[3]
ITEM = {"description": "a", "code": "I10", "rationale": "", "line_start": 1, "line_end": 2, "quote": "b"}


def llama_on_one_h200():
    hardware = hardware_of(parse(["--base-url", "x", "--gpu", "h200"]))
    assert hardware is not None
    return hardware


def test_the_limit_of_llama_on_one_h200() -> None:
    """By hand: 4.8e12 ÷ (70.6e9 + 5,250 × 327,680) = 66.37 tok/s for one, 16 × 4.8e12 ÷ (70.6e9 + 16 × …) for 16;
    1,979e12 ÷ (2 × 70.6e9) = 14,015.6 prompt tok/s."""
    hardware = llama_on_one_h200()
    one = limits(hardware, 1, 5000, 500)
    assert round(one.decode, 2) == 66.37
    assert round(one.prefill, 1) == 14015.6
    assert one.charts == pytest.approx(1 / (5000 / one.prefill + 500 / one.decode))
    assert round(limits(hardware, 16, 5000, 500).decode, 1) == 782.7


def test_more_gpus_share_weights_and_work() -> None:
    one = limits(llama_on_one_h200(), 8, 1000, 100)
    hardware = hardware_of(parse(["--base-url", "x", "--gpu", "h200", "--gpus", "8"]))
    assert hardware is not None
    eight = limits(hardware, 8, 1000, 100)
    assert eight.decode == pytest.approx(8 * one.decode)
    assert eight.charts == pytest.approx(8 * one.charts)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 2.5), (0.95, 3.85), (0.99, 3.97), (1.0, 4.0)]
)
def test_percentiles_lie_between_neighbours(share: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == pytest.approx(expected)
    assert percentile([], share) == 0.0


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (json.dumps({"codes": []}), True),
        (json.dumps({"codes": [ITEM]}), True),
        (json.dumps({"codes": [ITEM] * 13}), False),
        (json.dumps({"codes": [ITEM | {"line_start": 0}]}), False),
        (json.dumps({"codes": [ITEM | {"line_end": True}]}), False),
        (json.dumps({"codes": [ITEM | {"more": 1}]}), False),
        (json.dumps({"codes": [ITEM | {"quote": "q" * 161}]}), False),
        (json.dumps({"codes": ["I10"]}), False),
        (json.dumps([]), False),
        ('{"codes":[{"description":"cut', False),
    ],
)
def test_an_answer_keeps_the_schema_or_does_not(text: str, kept: bool) -> None:
    assert keeps_schema(text) is kept


def test_a_run_is_told_in_figures() -> None:
    outcome = Outcome("closed", 2, 10.0, [1.0, 2.0, 3.0], 15_000, 1_500, 3, {"HTTP 503": 1})
    first, failed, most = report(outcome, llama_on_one_h200(), schema=True)
    assert "0.300 charts/s" in first
    assert "prompt    1500.0 tok/s" in first
    assert "output    150.0 tok/s" in first
    assert "p50 2.00 s  p95 2.90 s  p99 2.98 s" in first
    assert first.endswith("schema-valid 3/3")
    assert failed.strip() == "failed: HTTP 503 × 1"
    assert "prefill 14016 tok/s (10.7%)" in most


def test_it_runs_alone_by_any_python() -> None:
    said = subprocess.run(
        [sys.executable, "-I", ROOT / "bench" / "gpu_inference.py", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--base-url" in said
