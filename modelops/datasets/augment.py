"""Charts joined two by two, as the paper does with 30 % of its ICD charts: more lines to look through, more codes to
name. A composite is flagged, its parts are told apart in it, and every label keeps pointing at the words it had."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from catalog.edits.ages import age_in
from modelops.datasets.examples import Label, TrainingExample, labels_of
from modelops.engines.types import ChartDocument, ChartText

SHARE = 0.30
_SALT = "coding-review composite 1"
# Whole years at which a band begins. No band reaches over an age at which a code edit changes its mind (newborn, child
# to 17, pregnancy from 9, adult from 15).
_BANDS = (0, 1, 9, 15, 18, 45, 65, 80)
_NEWBORN_DAYS = 28


def age_band(age: float | None, unit: str) -> str:
    """Empty where the age is not known."""
    years, days = age_in(age, unit)
    if years is None:
        return ""
    if days is not None and days < _NEWBORN_DAYS:
        return "newborn"
    return f"{max(edge for edge in _BANDS if edge <= years)}+"


def _group(example: TrainingExample) -> tuple[str, ...] | None:
    """Who may be joined with whom; None with nobody. Never two claim types, sexes, age bands or releases, and nothing
    whose sex or age is not known."""
    chart = example.chart
    band = age_band(chart.age, chart.age_unit)
    if example.composite or not band or chart.sex not in ("F", "M"):
        return None
    return chart.claim_type, chart.sex, band, example.provenance.release


def composites(examples: Sequence[TrainingExample], *, share: float = SHARE) -> list[TrainingExample]:
    """As many as `share` of the examples, fewer where too few have a partner. Chosen by hash: the order in which the
    examples come changes nothing. The examples themselves stay as they are, and are not returned."""
    groups: dict[tuple[str, ...], list[TrainingExample]] = defaultdict(list)
    for example in sorted(examples, key=_order):
        if (group := _group(example)) is not None:
            groups[group].append(example)
    pairs = [
        (one, members[(number + 1) % len(members)])
        for members in groups.values()
        if len(members) > 1
        for number, one in enumerate(members)
        # Two make one pair, not two.
        if len(members) > 2 or number == 0
    ]
    pairs.sort(key=lambda pair: _order(pair[0]))
    return [join(one, other) for one, other in pairs[: int(share * len(examples))]]


def _order(example: TrainingExample) -> str:
    return hashlib.sha256("\x00".join((_SALT, example.id)).encode()).hexdigest()


def join(one: TrainingExample, other: TrainingExample) -> TrainingExample:
    """The documents of both under headings that say which part they are, the labels of both, one a code. The first
    gives the age. What is a label in one is neither negative nor unlabelled in the composite."""
    first, second = _part(one, 1), _part(other, 2)
    labels = labels_of((*first.labels, *second.labels))
    named = {label.key for label in labels}
    negatives = {n.key: n for n in (*one.negatives, *other.negatives) if n.key not in named}
    unlabelled = dict.fromkeys((*one.unlabelled, *other.unlabelled))
    chart = replace(
        one.chart,
        id=f"{one.id}+{other.id}",
        documents=(*first.chart.documents, *second.chart.documents),
        setting=one.chart.setting if one.chart.setting == other.chart.setting else "",
        specialty=one.chart.specialty if one.chart.specialty == other.chart.specialty else "",
        procedure_releases={},
    )
    return TrainingExample(
        id=chart.id,
        patient=one.patient,
        chart=chart,
        labels=labels,
        provenance=replace(
            one.provenance,
            source=_both(one.provenance.source, other.provenance.source),
            chart=f"{one.provenance.chart}+{other.provenance.chart}",
            document_sha256=(*one.provenance.document_sha256, *other.provenance.document_sha256),
        ),
        negatives=tuple(negatives.values()),
        unlabelled=tuple(key for key in unlabelled if key not in named),
        names=one.names | other.names,
        phi=one.phi or other.phi,
        weight=min(one.weight, other.weight),
        parts=(one.id, other.id),
    )


def _part(example: TrainingExample, number: int) -> TrainingExample:
    """With the document ids and headings of its part."""
    documents = tuple(_document(document, number) for document in example.chart.documents)
    labels = tuple(
        Label(
            label.system,
            label.code,
            tuple(
                replace(place, document_id=_part_id(place.document_id, number)) for place in label.evidence
            ),
            label.origin,
            label.assistance,
            label.rationale,
        )
        for label in example.labels
    )
    return replace(example, chart=_with_documents(example.chart, documents), labels=labels)


def _with_documents(chart: ChartText, documents: tuple[ChartDocument, ...]) -> ChartText:
    return replace(chart, documents=documents)


def _document(document: ChartDocument, number: int) -> ChartDocument:
    said = f"Part {number} of 2, {document.type}" if document.type else f"Part {number} of 2"
    return replace(document, document_id=_part_id(document.document_id, number), type=said)


def _part_id(document_id: str, number: int) -> str:
    return f"{number}/{document_id}"


def _both(one: str, other: str) -> str:
    return one if one == other else f"{one} + {other}"
