"""`make train-mini`: synthetic charts, a dataset, a small Llama trained by DeepSpeed, served by vLLM, scored twice.

Prints figures only; nothing here passes or fails. What a model of four million parameters gains says nothing about
one of seventy thousand million.
"""

from __future__ import annotations

from tests.bench.start import start

if __name__ == "__main__":
    start("tests.mini.run")
