"""Deliberately wrong labels for a gold chart: what could be put there, from the catalog and from the engine's mentions.

Wrong as far as can be told without a reader: never a code that stands on the chart already. That a sibling happens to
be right all the same is not excluded, which is why readers may approve one and nothing follows for them alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.choices import CodeSystem, NodeKind
from catalog.models import Code, Release
from catalog.queries import children, get_nodes, siblings
from coding_review.choices import SeededKind
from coding_review.models import ContextMention, GoldChart, GoldLabel
from coding_review.models.prediction import EvidencePlace
from modelops.choices import ContextTag

_SIDE = re.compile(r"\b(right|left)\b", re.IGNORECASE)
_OTHER_SIDE = {"right": "left", "left": "right"}


@dataclass(frozen=True, slots=True)
class Seed:
    """`beside`: the label whose rank and evidence it takes, so that it looks like the others."""

    kind: str
    code: str
    title: str
    beside: GoldLabel
    evidence: tuple[EvidencePlace, ...]

    @property
    def name(self) -> str:
        """By which it is drawn."""
        return f"{self.kind}:{self.beside.pk}:{self.code}"


def seeds_for(chart: GoldChart) -> Iterator[Seed]:
    """Every seed that the chart could carry; ICD-10-CM only."""
    release = chart.code_set.release
    labels = [
        label for label in chart.labels.prefetch_related("evidence") if label.system == CodeSystem.ICD10CM
    ]
    if release is None or not labels:
        return
    taken = {label.code for label in labels} | set(
        chart.code_set.lines.filter(system=CodeSystem.ICD10CM).values_list("code", flat=True)
    )
    nodes = get_nodes(release, [label.code for label in labels])
    for label in labels:
        node = nodes.get(label.code)
        if node is None:
            continue
        evidence = tuple(label.evidence.all())
        for kind, other in _around(node):
            if other.code not in taken and evidence:
                yield Seed(kind, other.code, other.title, label, evidence)
    yield from _negated(chart, release, labels, taken)


def _around(node: Code) -> Iterator[tuple[str, Code]]:
    """The same on the other side, else a sibling: one of the nearest that is complete."""
    other_side = _other_side(node)
    if other_side is not None:
        yield SeededKind.LATERALITY, other_side
        return
    complete = [other for other in siblings(node) if other.billable]
    nearest = sorted(complete, key=lambda other: (abs(other.position - node.position), other.position))
    for other in nearest[:1]:
        yield SeededKind.SIBLING, other


def _other_side(node: Code) -> Code | None:
    """Of a code with a 7th character the stem is turned, and the character stays."""
    extended = node.kind == NodeKind.EXTENDED and node.parent is not None
    stem = node.parent if extended and node.parent is not None else node
    sided = _turned(stem.title)
    turned = next((other for other in siblings(stem) if sided and other.title.lower() == sided), None)
    if turned is None or not extended:
        return turned if turned is not None and turned.billable else None
    return next((each for each in children(turned) if each.billable and each.code[-1] == node.code[-1]), None)


def _turned(title: str) -> str:
    """The title with right and left exchanged, in lower case; empty where it names no side."""
    if not _SIDE.search(title):
        return ""
    return _SIDE.sub(lambda m: _OTHER_SIDE[m.group().lower()], title).lower()


def _negated(chart: GoldChart, release: Release, labels: list[GoldLabel], taken: set[str]) -> Iterator[Seed]:
    """Codes of what the documents name only to deny it, as the newest run over these documents marked it."""
    versions = list(chart.documents.values_list("pk", flat=True))
    mentions = (
        ContextMention.objects.filter(
            run__code_set=chart.code_set_id, tag=ContextTag.NEGATED, document_version__in=versions
        )
        .exclude(code="")
        .order_by("code", "-run_id", "pk")
        .distinct("code")
    )
    found = {mention.code: mention for mention in mentions if mention.code not in taken}
    nodes = get_nodes(release, found)
    for code, mention in found.items():
        node = nodes.get(code)
        if node is not None and node.billable and node.code not in taken:
            beside = min(labels, key=lambda label: _distance(label, mention))
            yield Seed(SeededKind.NEGATED, node.code, node.title, beside, (mention,))


def _distance(label: GoldLabel, mention: ContextMention) -> tuple[int, int]:
    """To the nearest evidence in the same document, so that the seed stands in document order."""
    lines = [
        abs(place.line_start - mention.line_start)
        for place in label.evidence.all()
        if place.document_version_id == mention.document_version_id
    ]
    return (0, min(lines)) if lines else (1, label.rank)
