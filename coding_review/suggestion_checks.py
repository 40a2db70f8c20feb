"""May an engine's code be shown as a suggestion? Asked of every code of every engine, against the run's releases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, NodeKind
from catalog.keys import code_key
from catalog.models import Code, Release
from catalog.queries import get_nodes
from coding_review.models import CodeSet
from modelops.choices import NEVER_SUGGESTED
from modelops.engines.types import CodeSuggestion, Evidence

Key = tuple[str, str]


class SuggestionJudge:
    """Of one run's output: `judge` each suggestion once, in order.

    Its reasons are those of `modelops.engines.types.Discarded`. The codes are looked up together: a handful of
    queries for a whole answer.
    """

    def __init__(
        self, releases: Mapping[str, Release], code_set: CodeSet, suggestions: Sequence[CodeSuggestion]
    ) -> None:
        self._releases = releases
        self._carried = SYSTEMS_BY_CLAIM_TYPE[code_set.claim_type]
        self._on = code_set.encounter.date_for(code_set.claim_type)
        self._seen: set[Key] = set()
        self._nodes: dict[Key, Code] = {}
        for system, release in releases.items():
            codes = [said.code for said in suggestions if said.system == system]
            found = get_nodes(release, codes) if codes else {}
            self._nodes.update(((system, code), node) for code, node in found.items())
        self._unfinished = _unfinished(self._nodes.values())
        self._elsewhere = self._in_other_releases(suggestions)

    def judge(self, said: CodeSuggestion, evidence: tuple[Evidence, ...]) -> tuple[Code | None, str]:
        """The code of the release, or None with the reason against it. `evidence` is what stands in the text."""
        node = self._nodes.get((said.system, said.code))
        checks = (
            said.system not in self._carried and "other_system",
            said.system not in self._releases and "no_release",
            self._against(said, node),
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

    def _against(self, said: CodeSuggestion, node: Code | None) -> str:
        if node is None:
            return self._elsewhere.get((said.system, said.code), "fabricated")
        if not node.billable:
            return "incomplete" if node.pk in self._unfinished else "header"
        if self._on is not None and not node.in_force(self._on):
            return "not_yet_valid" if node.valid_from and self._on < node.valid_from else "expired"
        return ""

    def _in_other_releases(self, suggestions: Iterable[CodeSuggestion]) -> dict[Key, str]:
        """Codes that the run's release lacks and another loaded one of the system has."""
        found: dict[Key, str] = {}
        for system, release in self._releases.items():
            missing = [
                s.code for s in suggestions if s.system == system and (system, s.code) not in self._nodes
            ]
            others = Release.objects.usable(system).exclude(pk=release.pk)
            other_ids = list(others.values_list("pk", flat=True)) if missing else []
            if not other_ids:
                continue
            rows = (
                Code.objects.named(*missing)
                .filter(release_id__in=other_ids, billable=True)
                .values_list("key", "release__valid_from")
            )
            begins: dict[str, list[bool]] = {}
            for key, valid_from in rows:
                begins.setdefault(key, []).append(valid_from > release.valid_from)
            for code in missing:
                later = begins.get(code_key(code))
                if later:
                    found[system, code] = "not_yet_valid" if all(later) else "expired"
        return found


def _unfinished(nodes: Iterable[Code]) -> set[int]:
    """Ids of those that lack nothing but their 7th character."""
    headers = [node.pk for node in nodes if not node.billable]
    if not headers:
        return set()
    below = Code.objects.filter(parent_id__in=headers, kind=NodeKind.EXTENDED)
    return {parent for parent in below.values_list("parent_id", flat=True).distinct() if parent is not None}
