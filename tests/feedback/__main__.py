"""`python -m tests.feedback`: 500 synthetic charts predicted, reviewed by simulated coders, signed, made a dataset.
With `--base CHECKPOINT` a small model is trained on with it, and scored before and after on charts frozen before.

Prints figures only; nothing here passes or fails. In a scratch database that is dropped again.
"""

from __future__ import annotations

from tests.bench.start import start

if __name__ == "__main__":
    start("tests.feedback.run")
