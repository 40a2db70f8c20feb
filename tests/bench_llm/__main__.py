"""`make bench-llm`: the LLM engine under load and faults, in a scratch database that is dropped again.

Prints figures only; nothing here passes or fails. Medians and p95 of many calls in one process, so ratios
between lines of one run mean more than the numbers themselves.
"""

from __future__ import annotations

import os
import sys

from coding_review import localservers


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coding_review.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    localservers.leave_on_signals()
    try:
        localservers.ensure()
    except localservers.LocalServersError as error:
        localservers.leave(error)
    import django

    django.setup()
    from tests.bench_llm.run import run

    run(sys.argv[1:])


if __name__ == "__main__":
    main()
