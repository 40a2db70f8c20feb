"""Findings of code edits in the shape the review page shows them: the panel, and beside cards and code lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from catalog.edits.types import Severity
from coding_review.code_edits import Findings, Standing
from coding_review.models import FindingOverride
from coding_review.rules import overrides
from coding_review.web import words
from coding_review.web.finding import Finding, FindingLine, FindingsPanel, Override

# Severity of an edit: the look it has on the page, and its word.
_LOOKS: dict[str, tuple[str, str]] = {
    Severity.HARD: ("stop", "Stops sign-off"),
    Severity.WARN: ("query", "Warning"),
    Severity.INFO: ("note", "Note"),
}
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9]+")

ByEntry = dict[int, tuple[Finding, ...]]


def element_id(check: str, codes: Sequence[str]) -> str:
    return "finding-" + _NOT_IN_ID.sub("-", "-".join((check, *codes))).strip("-")


def panel(found: Findings, told: Sequence[Finding], refused: Finding | None = None) -> FindingsPanel:
    """`told`: what was found otherwise (documents that disagree). `refused`: the id, error and comment of an override
    that was not saved."""
    shown = [finding(one) for one in found.failed]
    if refused is not None:
        shown = [_refused(f, refused) if f.id == refused.id else f for f in shown]
    gone = refused is not None and refused.id not in {f.id for f in shown}
    return FindingsPanel(
        open=(*(f for f in shown if f.state == "fail"), *told),
        overridden=tuple(f for f in shown if f.state == "overridden"),
        unchecked=tuple(finding(one, state="no_data") for one in found.no_data),
        edition=f"code edits {found.edition}",
        checked=found.lines > 0,
        error=refused.error if refused is not None and gone else "",
    )


def beside(found: Findings) -> ByEntry:
    """What nobody has overridden, beside each entry it concerns."""
    return {pk: tuple(finding(one) for one in each) for pk, each in found.by_entry.items()}


def finding(one: Standing, *, state: str = "") -> Finding:
    f = one.finding
    look, word = _LOOKS[f.severity]
    return Finding(
        severity="note" if one.override is not None else look,
        title=f.title,
        message=f.message,
        citation=f.citation,
        codes=f.codes,
        word="Overridden" if one.override is not None else word,
        check=f.check,
        id=element_id(f.check, one.key[1]),
        edition=f.edition,
        state=state or ("overridden" if one.override is not None else "fail"),
        lines=tuple(FindingLine(row.pk, row.version, row.code, row.title) for row in one.rows),
        removable=one.removable,
        outcomes=one.outcomes,
        override=_override(one.override) if one.override is not None else None,
    )


def _refused(shown: Finding, refused: Finding) -> Finding:
    return replace(shown, error=refused.error, comment=refused.comment)


def _override(override: FindingOverride) -> Override:
    payload = getattr(override, "payload", None)
    who = override.user.get_full_name() or override.user.get_username()
    return Override(
        id=override.pk,
        reason=overrides.label(override.outcome),
        told=f"{who}, {words.moment(override.at)}",
        comment=payload.comment if payload is not None else "",
    )
