"""Documents that disagree on a diagnosis, in words for the cards and the list of findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coding_review.models import CodeSet, DocumentVersion
from coding_review.queries import suggested_from
from coding_review.rules.conflicts import ATTENDING, CITATION, CONSULTANT, Suggested, conflicts, side_of
from coding_review.web.finding import Finding
from coding_review.web.review_documents import type_label

TITLE = "Documents disagree"
WHAT_TO_DO = "Query the attending provider."


@dataclass(frozen=True, slots=True)
class Disagreements:
    """`by_entry` for the cards, `listed` once for each category of codes."""

    by_entry: Mapping[int, Finding]
    listed: tuple[Finding, ...]


def disagreements(code_set: CodeSet, versions: Sequence[DocumentVersion]) -> Disagreements:
    """No query unless both a consultant and the attending provider speak in the documents; else one."""
    sides = {v.pk: side_of(v.document.type, v.document.author_role) for v in versions}
    if not {CONSULTANT, ATTENDING} <= set(sides.values()):
        return Disagreements({}, ())
    labels = {v.pk: type_label(v) for v in versions}
    suggested = suggested_from(code_set, [pk for pk, side in sides.items() if side])
    found = conflicts(suggested, sides)
    at_odds = {one.id: one for others in found.values() for one in others}
    return Disagreements(
        {pk: _finding([at_odds[pk], *others], labels) for pk, others in found.items()},
        tuple(
            _finding([one for one in at_odds.values() if one.code[:3] == category], labels)
            for category in dict.fromkeys(one.code[:3] for one in at_odds.values())
        ),
    )


def _finding(suggested: Iterable[Suggested], labels: Mapping[int, str]) -> Finding:
    places = [
        f"{one.code} in {' and '.join(dict.fromkeys(labels[pk] for pk in sorted(one.documents)))}"
        for one in sorted(suggested, key=lambda one: one.code)
    ]
    return Finding(
        "query",
        TITLE,
        f"{', '.join(places)}. {WHAT_TO_DO}",
        CITATION,
    )
