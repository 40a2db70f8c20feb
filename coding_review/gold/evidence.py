"""Selections in the documents of a gold chart as places with their quotes; codes as the chart's release has them."""

from __future__ import annotations

from typing import Any

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, CodeSystem
from coding_review.actions.add_code import Selection, place_of
from coding_review.deciding import billable_node
from coding_review.errors import InvalidCode, InvalidEvidence
from coding_review.models import DocumentVersion, GoldChart
from coding_review.places import Place, quote_at
from coding_review.procedures import checked_procedure, procedure_date


def places_in(
    chart: GoldChart, selections: tuple[Selection, ...]
) -> list[tuple[DocumentVersion, Place, str]]:
    """In the versions that the chart was drawn with, whatever came since. Each once. Raises InvalidEvidence."""
    versions = {version.pk: version for version in chart.documents.all()}
    found: dict[tuple[int, Place], tuple[DocumentVersion, Place, str]] = {}
    for selection in selections:
        version = versions.get(selection.document_version_id)
        if version is None:
            raise InvalidEvidence("The document does not belong to this chart.")
        place = place_of(version, selection)
        found[version.pk, place] = (version, place, quote_at(version.lines, place))
    return list(found.values())


def as_fields(version: DocumentVersion, place: Place, quote: str) -> dict[str, Any]:
    return {
        "document_version": version,
        "line_start": place.line_start,
        "line_end": place.line_end,
        "col_start": place.col_start,
        "col_end": place.col_end,
        "quote": quote,
    }


def checked_code(chart: GoldChart, system: str, code: str) -> tuple[str, str]:
    """The code as it is written and its title. Raises InvalidCode and says why not."""
    code_set = chart.code_set
    if system not in SYSTEMS_BY_CLAIM_TYPE[code_set.claim_type]:
        raise InvalidCode(
            f"{CodeSystem(system).label} does not go on {code_set.get_claim_type_display().lower()} claims.",
            code=code,
        )
    if system == CodeSystem.ICD10CM:
        node = billable_node(code_set.release, code)
        return node.code, node.title
    return checked_procedure(
        system, code, procedure_date(code_set.encounter, code_set.claim_type, system, None)
    )
