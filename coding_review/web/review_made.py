"""Who made the suggestions of a code set and what of an engine's output was left out, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from coding_review.choices import RunStatus
from coding_review.models import CodeEntry, PredictionRun, Suggestion
from coding_review.rules.discards import discard_words
from coding_review.web import words
from coding_review.web.review_page import LeftOut, Making

# So many codes of one reason are named; the others are counted.
CODES_NAMED = 12
_COUNTED = ("requests", "prompt_tokens", "output_tokens", "retries")


def made_by(run: PredictionRun) -> str:
    """One line: "vllm · llama-3.3-70b · adapter cardio-7 · prompt icd10cm-1@0123456789ab"."""
    parts = [
        run.engine,
        run.model_version,
        f"adapter {run.adapter}" if run.adapter else "",
        f"prompt {run.prompt_version}" if run.prompt_version else "",
        f"in place of {run.fallback_from}" if run.fallback_from else "",
    ]
    return " · ".join(part for part in parts if part)


class Makers:
    """By entry, who suggested it. Reads which run a suggestion came from only where there is more than one."""

    def __init__(self, runs: Sequence[PredictionRun]) -> None:
        """`runs` of the code set, newest first."""
        self._done = [run for run in runs if run.status == RunStatus.DONE]

    def of(self, suggestions: Collection[int]) -> Mapping[int, str]:
        """By suggestion. Of one whose run is not among those looked at, nothing is said."""
        if not suggestions or not self._done:
            return {}
        if len(self._done) == 1:
            return dict.fromkeys(suggestions, made_by(self._done[0]))
        said = {run.pk: made_by(run) for run in self._done}
        rows = Suggestion.objects.filter(pk__in=suggestions).order_by().values_list("pk", "run_id")
        return {pk: said[run] for pk, run in rows if run in said}

    def makings(self) -> tuple[Making, ...]:
        """The newest answer in full; before it those of others that are not the same, each once."""
        found: dict[str, Making] = {}
        for run in self._done:
            found.setdefault(made_by(run), _making(run))
        return tuple(found.values())


def _making(run: PredictionRun) -> Making:
    facts = (
        ("Engine", run.engine),
        ("Asked first", f"{run.fallback_from}, which did not answer" if run.fallback_from else ""),
        ("Model version", run.model_version),
        ("Adapter", run.adapter),
        ("Prompt", run.prompt_version),
        ("Prompt SHA-256", run.prompt_hash),
        ("Schema", run.schema_version),
        ("Calibration", run.calibration_id or "none: confidence is uncalibrated"),
        ("Finished", words.moment(run.finished_at) if run.finished_at else ""),
        ("Asked the language model", _asked(run)),
        ("Cost", _cost(run)),
    )
    return Making(made_by(run), tuple((name, value) for name, value in facts if value))


def _cost(run: PredictionRun) -> str:
    parts = [f"{run.engine_seconds:.1f} s"] if run.engine_seconds is not None else []
    parts += [f"{run.usage[name]:,} {name.replace('_', ' ')}" for name in _COUNTED if name in run.usage]
    return ", ".join(parts)


def _asked(run: PredictionRun) -> str:
    """What of the documents a hybrid engine put to its language model."""
    usage = run.usage
    if "hybrid_terms" not in usage:
        return ""
    if not usage.get("hybrid_lines_asked"):
        return f"about none of {usage['hybrid_terms']:,} terms"
    return (
        f"about {usage.get('hybrid_terms_asked', 0):,} of {usage['hybrid_terms']:,} terms, "
        f"{usage['hybrid_lines_asked']:,} of {usage.get('hybrid_lines', 0):,} lines"
    )


def left_out(run: PredictionRun | None) -> tuple[LeftOut, ...]:
    """By reason, the most frequent first."""
    if run is None:
        return ()
    codes: dict[str, list[str]] = defaultdict(list)
    for reason, code in run.discarded.order_by("pk").values_list("reason", "code"):
        codes[reason].append(code)
    rows = (
        LeftOut(
            reason=discard_words(reason),
            count=len(given),
            codes=tuple(dict.fromkeys(code for code in given if code))[:CODES_NAMED],
            more=max(0, len(set(filter(None, given))) - CODES_NAMED),
        )
        for reason, given in codes.items()
    )
    return tuple(sorted(rows, key=lambda row: (-row.count, row.reason)))


def suggestions_of(entries: Sequence[CodeEntry]) -> set[int]:
    return {entry.suggestion_id for entry in entries if entry.suggestion_id is not None}
