"""`make bench`: speed and memory on this machine, in a scratch database that is dropped again.

Prints figures only; nothing here passes or fails. Medians and p95 of many calls in one process, so ratios
between lines of one run mean more than the numbers themselves.
"""

from __future__ import annotations

from tests.bench.start import start

if __name__ == "__main__":
    start("tests.bench.run")
