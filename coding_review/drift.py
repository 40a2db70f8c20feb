"""How suggestions of each model fare with those who decide on them, week by week. Counts alone: no record, no person.

The accept rate is agreement with a human who was shown the suggestion. It tells of change, not of accuracy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Floor, TruncWeek

from catalog.choices import CodeSystem
from coding_review.choices import DecisionAction, EntryOrigin, EntryState
from coding_review.models import AuditEvent, Decision
from coding_review.rules.drift import Week
from modelops.evaluation_catalog import places_of_latest

AUDITED = "quality.audited"
# An entry whose later decision was undone is again as an earlier one left it: the state says which of them stands.
_STANDING = (
    Q(action=DecisionAction.ACCEPT, entry__state=EntryState.ACCEPTED)
    | Q(action=DecisionAction.MODIFY, entry__state=EntryState.MODIFIED)
    | Q(action=DecisionAction.REJECT, entry__state=EntryState.REJECTED)
)
_OVERRIDDEN = (DecisionAction.MODIFY, DecisionAction.REJECT)
_BINS = 10
_UNNAMED = "not named"


@dataclass(frozen=True, slots=True)
class Overridden:
    """`key`: a reason, code or chapter. `decisions`: of a reason the overrides of all reasons."""

    key: str
    overridden: int
    decisions: int

    @property
    def share(self) -> float:
        return self.overridden / self.decisions


def judged(first: date, last: date) -> QuerySet[Decision]:
    """Of each suggestion that was accepted, modified or rejected on these days, both inclusive, and still is, the
    decision that stands."""
    latest = (
        Decision.objects.between(first, last)
        .filter(_STANDING, entry__origin=EntryOrigin.SUGGESTED)
        .order_by("entry", "-number")
        .distinct("entry")
    )
    return Decision.objects.filter(pk__in=latest.values("pk")).order_by()


def weeks(decisions: QuerySet[Decision]) -> list[Week]:
    """The newest first; within a week by model."""
    counts: dict[tuple[date, str], Counter[str]] = {}
    by_week = decisions.annotate(week=TruncWeek("at", tzinfo=UTC))
    for row in by_week.values("week", "engine", "model_version", "action").annotate(n=Count("pk")):
        counts.setdefault(_key(row), Counter())[row["action"]] += row["n"]
    errors = _calibration_errors(by_week)
    found = [
        Week(
            monday,
            model,
            of[DecisionAction.ACCEPT],
            of[DecisionAction.MODIFY],
            of[DecisionAction.REJECT],
            errors.get((monday, model)),
        )
        for (monday, model), of in counts.items()
    ]
    return sorted(found, key=lambda week: (-week.monday.toordinal(), week.model))


def _key(row: Mapping[str, Any]) -> tuple[date, str]:
    model = " ".join(filter(None, (row["engine"], row["model_version"]))) or _UNNAMED
    return row["week"].date(), model


def _calibration_errors(by_week: QuerySet[Any]) -> dict[tuple[date, str], float]:
    """Expected calibration error over ten bins of the confidence shown; right is what was accepted as it was."""
    shown = by_week.filter(confidence_shown__isnull=False).annotate(bin=Floor(F("confidence_shown") * _BINS))
    told: dict[tuple[date, str], dict[int, list[float]]] = {}
    rows = shown.values("week", "engine", "model_version", "bin", "action")
    for row in rows.annotate(n=Count("pk"), sure=Sum("confidence_shown")):
        place = min(int(row["bin"]), _BINS - 1)
        of = told.setdefault(_key(row), {}).setdefault(place, [0.0, 0.0, 0.0])
        of[0] += row["n"]
        of[1] += row["sure"]
        of[2] += row["n"] if row["action"] == DecisionAction.ACCEPT else 0
    return {
        key: sum(abs(sure - right) for _, sure, right in bins.values()) / sum(n for n, _, _ in bins.values())
        for key, bins in told.items()
    }


def by_reason(decisions: QuerySet[Decision]) -> list[Overridden]:
    """Overrides that gave a reason, the most frequent first."""
    overridden = decisions.filter(action__in=_OVERRIDDEN)
    total = overridden.count()
    rows = overridden.exclude(reason="").values_list("reason").annotate(n=Count("pk"))
    return _sorted(Overridden(reason, n, total) for reason, n in rows)


def by_code(decisions: QuerySet[Decision]) -> list[Overridden]:
    """By the code that was suggested."""
    counts: dict[str, list[int]] = {}
    rows = decisions.values_list("entry__suggested_code", "action").annotate(n=Count("pk"))
    for code, action, n in rows:
        of = counts.setdefault(code, [0, 0])
        of[0] += n if action in _OVERRIDDEN else 0
        of[1] += n
    return _sorted(Overridden(code, overridden, total) for code, (overridden, total) in counts.items())


def by_chapter(decisions: QuerySet[Decision]) -> list[Overridden]:
    """Diagnoses by the chapter of the latest loaded release; codes that it does not have are left out."""
    places = places_of_latest()
    diagnoses = decisions.filter(system=CodeSystem.ICD10CM)
    counts: dict[str, list[int]] = {}
    for of in by_code(diagnoses):
        chapter = places.of.get(of.key[:3], ("", ""))[0]
        if chapter:
            label = f"{chapter} {places.titles.get(chapter, '')}".strip()
            told = counts.setdefault(label, [0, 0])
            told[0] += of.overridden
            told[1] += of.decisions
    return _sorted(Overridden(label, overridden, total) for label, (overridden, total) in counts.items())


def _sorted(rows: Iterable[Overridden]) -> list[Overridden]:
    return sorted(rows, key=lambda of: (-of.overridden, -of.decisions, of.key))


def audits(most: int) -> list[dict[str, Any]]:
    """The newest monthly audits: of each month the last, newest month first."""
    found: dict[str, dict[str, Any]] = {}
    for data in AuditEvent.objects.filter(type=AUDITED).order_by("-pk").values_list("data", flat=True):
        found.setdefault(data["month"], data)
    return [found[month] for month in sorted(found, reverse=True)[:most]]


def since(days: int, today: date) -> date:
    """The Monday of the week that lies so many days back."""
    begin = today - timedelta(days=days)
    return begin - timedelta(days=begin.weekday())


def month_of(day: date) -> tuple[datetime, datetime]:
    """The month of the day in UTC: its beginning and that of the next."""
    begin = datetime(day.year, day.month, 1, tzinfo=UTC)
    end = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return begin, end


def month_before() -> date:
    """A day of the month before this one, in UTC."""
    return datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
