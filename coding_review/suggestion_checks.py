"""May an engine's code be shown as a suggestion? Asked of every code of every engine, against the run's releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catalog.models import Code, Release
from coding_review.models import CodeSet
from modelops.choices import NEVER_SUGGESTED
from modelops.code_judging import CodeJudge
from modelops.engines.types import CodeSuggestion, Evidence

Key = tuple[str, str]


class SuggestionJudge:
    """Of one run's output: `judge` each suggestion once, in order.

    Its reasons are those of `modelops.engines.types.Discarded`.
    """

    def __init__(
        self, releases: Mapping[str, Release], code_set: CodeSet, suggestions: Sequence[CodeSuggestion]
    ) -> None:
        claim_type = code_set.claim_type
        on = code_set.encounter.date_for(claim_type)
        self._codes = CodeJudge(releases, claim_type, on, [(s.system, s.code) for s in suggestions])
        self._seen: set[Key] = set()

    def judge(self, said: CodeSuggestion, evidence: tuple[Evidence, ...]) -> tuple[Code | None, str]:
        """The code of the release, or None with the reason against it. `evidence` is what stands in the text."""
        node, against = self._codes.judge(said.system, said.code)
        checks = (
            against,
            not 0.0 <= said.confidence <= 1.0 and "no_confidence",
            bool(NEVER_SUGGESTED & set(said.context)) and "context",
            not evidence and "no_evidence",
            node is not None and (said.system, node.code) in self._seen and "duplicate",
        )
        reason = next((reason for reason in checks if reason), "")
        if reason or node is None:
            return None, reason or "fabricated"
        self._seen.add((said.system, node.code))
        return node, ""
