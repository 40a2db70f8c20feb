"""How busy a server is, from what it publishes."""

from __future__ import annotations

import pytest

from modelops.engines.llm.metrics import read_pressure
from modelops.engines.llm.transport import Pressure

ONE = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 16.0
vllm:num_requests_waiting{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 99.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:e2e_request_latency_seconds_bucket{engine="0",le="0.3",model_name="m"} 7.0
"""


def test_one_engine() -> None:
    assert read_pressure(ONE) == Pressure(running=16, waiting=3, kv_usage=0.25)


def test_several_engines_of_one_server_are_summed() -> None:
    other = ONE.replace('engine="0"', 'engine="1"').replace("0.25", "0.75")
    assert read_pressure(ONE + other) == Pressure(running=32, waiting=6, kv_usage=0.75)


def test_the_caches_older_name() -> None:
    assert read_pressure(ONE.replace("kv_cache", "gpu_cache")) == Pressure(16, 3, 0.25)


def test_without_labels() -> None:
    assert read_pressure("vllm:num_requests_running 1\nvllm:num_requests_waiting 2\n") == Pressure(1, 2, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>vllm</html>",
        "process_cpu_seconds_total 4\n",
        "vllm:num_requests_running 1\n",
        'vllm:num_requests_running{engine="0 1\nvllm:num_requests_waiting{ 2\n',
        "vllm:num_requests_running many\nvllm:num_requests_waiting 2\n",
        "vllm:num_requests_running NaN\nvllm:num_requests_waiting 2\n",
        "vllm:num_requests_running +Inf\nvllm:num_requests_waiting 2\n",
    ],
)
def test_what_says_nothing(text: str) -> None:
    assert read_pressure(text) is None
