"""Finding decisions: the filters that the auditor's page, its export and the command share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from coding_review.models import Decision
from coding_review.models.reading import DecisionQuerySet
from coding_review.rules import reasons

# ICD-10-CM and HCPCS look alike without the dot ("E1122", "J1234"): both readings are looked for.
_WITHOUT_DOT = re.compile(r"[A-Z]\d[0-9A-Z][0-9A-Z]{1,4}")


@dataclass(frozen=True, slots=True)
class DecisionFilters:
    """Empty fields do not filter. `reviewer` is a user id; `reason` a reason or a whole family; days in UTC."""

    first: date | None = None
    last: date | None = None
    reviewer: int | None = None
    code: str = ""
    action: str = ""
    reason: str = ""

    def told(self) -> dict[str, Any]:
        """What the audit log keeps of a search: the filters that were set."""
        values = {
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
            "reviewer": self.reviewer,
            "code": self.code,
            "action": self.action,
            "reason": self.reason,
        }
        return {name: value for name, value in values.items() if value not in ("", None)}


def find_decisions(filters: DecisionFilters, *, for_user: Any) -> DecisionQuerySet:
    """Newest first, on encounters this user may see; `for_user` None is the operator of the server: all."""
    found: DecisionQuerySet = Decision.objects.between(filters.first, filters.last).newest_first()
    if for_user is not None:
        found = found.visible_to(for_user)
    if filters.reviewer is not None:
        found = found.filter(actor=filters.reviewer)
    if filters.code:
        found = found.about_code(_spellings(filters.code))
    if filters.action:
        found = found.filter(action=filters.action)
    if filters.reason:
        found = found.filter(reason__in=_with_family(filters.reason))
    return found


def count_up_to(found: QuerySet[Decision], limit: int) -> int:
    """How many there are, or limit + 1 where there are more: counting a million rows is not worth the wait."""
    return found.order_by()[: limit + 1].count()


def _spellings(typed: str) -> list[str]:
    code = typed.strip().upper()
    return [code, f"{code[:3]}.{code[3:]}"] if _WITHOUT_DOT.fullmatch(code) else [code]


def _with_family(reason: str) -> list[str]:
    """A family stands for all its reasons."""
    return [
        reason,
        *(each for each, family in reasons.FAMILY_OF.items() if family == reason and each != reason),
    ]
