"""Which queue a run waits in, by what its engine needs: processor time here, or an answer from a model server.

Workers of `predict` have a process for each run. Those of the other two have a thread for each, many at once, and
take from the first of them first.
"""

from __future__ import annotations

from django.conf import settings

PREDICT = "predict"
# Someone waits for it: one encounter by hand, a retry, a late document, a reopened code set.
INTERACTIVE = "inference.interactive"
# Nobody waits for any one of them: imports.
BATCH = "inference.batch"
PREDICTION_QUEUES = (PREDICT, INTERACTIVE, BATCH)


def asks_a_server(engine: str) -> bool:
    return engine in settings.INFERENCE_ENGINES


def queue_for(engine: str, *, bulk: bool) -> str:
    """`bulk`: the encounter is one of many that came in together."""
    if not asks_a_server(engine):
        return PREDICT
    return BATCH if bulk else INTERACTIVE
