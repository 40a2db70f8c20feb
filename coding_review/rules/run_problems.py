"""What a coder or lead can do about a prediction that ended without an answer, by the run's error code.

What happened is the run's own `error`; these sentences follow it.
"""

from __future__ import annotations

_AGAIN = "A lead or administrator can have it predicted again."
_AGAIN_LATER = (
    "Wait until the server answers again; then a lead or administrator can have it predicted again."
)
_OPERATOR = "Tell the operator: trying again will not help before it is mended."

NEXT_STEP: dict[str, str] = {
    "no_release": "When a release for the date is loaded, a lead or administrator can have it predicted again.",
    "code_set_closed": "Nothing is lost: the code set was signed off. Reopen it to have it predicted again.",
    "worker_lost": f"It may be this encounter that ends the worker. {_AGAIN}",
    "crashed": f"{_AGAIN} If it ends so again, tell the operator the number of the encounter.",
    "too_slow": f"The documents may be very long, or the server very busy. {_AGAIN}",
    "cancelled": _AGAIN,
    "engine_error": _AGAIN,
    "files_not_compared": f"A worker is still reading the model's files; that takes minutes. {_AGAIN}",
    "modelops_error": _OPERATOR,
    "unknown_engine": _OPERATOR,
    "llm_error": _AGAIN,
    "llm_no_key": f"The server that asks the language model lacks its key. {_OPERATOR}",
    "llm_unavailable": _AGAIN_LATER,
    "llm_busy": _AGAIN_LATER,
    "llm_refused": _OPERATOR,
    "llm_context_too_long": "A document has a line that is longer than the model reads. Code it by hand.",
    "llm_wrong_model": _OPERATOR,
    "llm_invalid_output": f"The model's answer was not usable, twice. {_AGAIN}",
}


def next_step(error_code: str) -> str:
    return NEXT_STEP.get(error_code, _AGAIN)
