"""How often the findings of each check are let stand: nearly always tells of the check, not of coders."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from catalog.edits.engine import BY_ID
from coding_review.models import FindingOverride, FindingShown
from coding_review.rules import overrides

# Above this share, of at least so many findings, an admin is told.
TOLD_ABOVE = 0.8
OF_AT_LEAST = 10


@dataclass(frozen=True, slots=True)
class CheckShare:
    """`shown`: findings that who coded was shown; `overridden` those of them with an override that stands."""

    check: str
    title: str
    severity: str
    citation: str
    shown: int
    overridden: int
    usual_reason: str

    @property
    def share(self) -> float | None:
        return self.overridden / self.shown if self.shown else None

    @property
    def told(self) -> bool:
        return self.shown >= OF_AT_LEAST and self.overridden > TOLD_ABOVE * self.shown


def override_shares() -> list[CheckShare]:
    """Of every check that has shown anything, the most overridden first. Three queries, none of a record."""
    shown = FindingShown.objects.counts()
    reasons: dict[str, Counter[str]] = {}
    rows = FindingOverride.objects.standing().values_list("check_id", "outcome")
    for check, outcome in rows:
        reasons.setdefault(check, Counter())[outcome] += 1
    found = []
    for check in shown.keys() | reasons.keys():
        row = BY_ID.get(check)
        said = reasons.get(check, Counter())
        found.append(
            CheckShare(
                check=check,
                title=row.title if row is not None else check,
                severity=str(row.severity) if row is not None else "",
                citation=row.citation if row is not None else "no longer checked",
                shown=max(shown.get(check, 0), said.total()),
                overridden=said.total(),
                usual_reason=overrides.label(said.most_common(1)[0][0]) if said else "",
            )
        )
    return sorted(found, key=lambda one: (-(one.share or 0), -one.shown, one.check))
