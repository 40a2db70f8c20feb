"""How busy a vLLM server is, in its own words (/metrics, Prometheus text)."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from modelops.engines.llm.transport import Pressure

RUNNING = "vllm:num_requests_running"
WAITING = "vllm:num_requests_waiting"
# The second is its name before vLLM 0.11.
CACHE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")

_WANTED = tuple(name + after for name in (RUNNING, WAITING, *CACHE) for after in ("{", " "))


def read_pressure(text: str) -> Pressure | None:
    """Summed over the server's engines, the fullest cache of them; None without the two counts.

    Only the lines in question are parsed: the rest is some thousand lines of histograms.
    """
    lines = "\n".join(line for line in text.split("\n") if line.startswith(_WANTED)) + "\n"
    found: dict[str, list[float]] = {}
    try:
        for family in text_string_to_metric_families(lines):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample.value)
        running, waiting = (int(sum(found[name])) for name in (RUNNING, WAITING))
    except (KeyError, ValueError, OverflowError):
        return None
    usage = [value for name in CACHE for value in found.get(name, ())]
    return Pressure(running, waiting, max(usage, default=0.0))
