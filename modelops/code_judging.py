"""May this code be suggested? Asked of every code of every engine, against stated releases and a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, NodeKind
from catalog.keys import code_key
from catalog.models import Code, Release
from catalog.queries import get_nodes

Key = tuple[str, str]


class CodeJudge:
    """Of one answer: `judge` any of the codes (system, code) it was made with.

    The codes are looked up together: a handful of queries for a whole answer.
    """

    def __init__(
        self, releases: Mapping[str, Release], claim_type: str, on: dt.date | None, codes: Iterable[Key]
    ) -> None:
        self._releases = releases
        self._carried = SYSTEMS_BY_CLAIM_TYPE[claim_type]
        self._on = on
        self._nodes: dict[Key, Code] = {}
        asked: dict[str, list[str]] = {}
        for system, code in dict.fromkeys(codes):
            asked.setdefault(system, []).append(code)
        for system, release in releases.items():
            found = get_nodes(release, asked[system]) if system in asked else {}
            self._nodes.update(((system, code), node) for code, node in found.items())
        self._unfinished = _unfinished(self._nodes.values())
        self._elsewhere = self._in_other_releases(asked)

    def judge(self, system: str, code: str) -> tuple[Code | None, str]:
        """The node of the release and "", or the node (None: there is none) with the reason against it: other_system,
        no_release, fabricated, header, incomplete, expired or not_yet_valid."""
        node = self._nodes.get((system, code))
        if system not in self._carried:
            return node, "other_system"
        if system not in self._releases:
            return node, "no_release"
        if node is None:
            return None, self._elsewhere.get((system, code), "fabricated")
        return node, self._against(node)

    def _against(self, node: Code) -> str:
        if not node.billable:
            return "incomplete" if node.pk in self._unfinished else "header"
        if self._on is not None and not node.in_force(self._on):
            return "not_yet_valid" if node.valid_from and self._on < node.valid_from else "expired"
        return ""

    def _in_other_releases(self, asked: Mapping[str, Iterable[str]]) -> dict[Key, str]:
        """Codes that the stated release lacks and another loaded one of the system has."""
        found: dict[Key, str] = {}
        for system, release in self._releases.items():
            missing = [code for code in asked.get(system, ()) if (system, code) not in self._nodes]
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
