"""The drift page: how suggestions of each model fare, week by week, what calls for a look, and the monthly audits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from coding_review.auth import require
from coding_review.drift import (
    Overridden,
    audits,
    by_chapter,
    by_code,
    by_reason,
    judged,
    month_of,
    since,
    weeks,
)
from coding_review.rules import reasons
from coding_review.rules.drift import LIMITS, Alert, Week, alerts, interval
from coding_review.rules.permissions import VIEW_EVALUATION
from coding_review.web.plots import Plot, Series, plot

DAYS, CODES_SHOWN, AUDITS_SHOWN = 84, 20, 12
# A code with fewer decisions is not listed: its share would tell of single records.
_LEAST = 5
# Of fewer weeks nothing is drawn.
_LEAST_WEEKS = 3
_ALERTS: dict[str, str] = {
    "accept_drop": "fewer suggestions are accepted than in the weeks before",
    "override_rate": "many suggestions are modified or rejected",
    "calibration_error": "confidences are far from the share that is accepted",
}


@dataclass(frozen=True, slots=True)
class AlertLine:
    model: str
    monday: str
    what: str
    figure: str
    limit: str


@dataclass(frozen=True, slots=True)
class WeekLine:
    monday: str
    model: str
    decisions: int
    accepted: str
    interval: str
    modified: str
    rejected: str
    calibration_error: str


@dataclass(frozen=True, slots=True)
class OverrideLine:
    label: str
    overridden: int
    decisions: int
    share: str


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Counts of one month with their share, and the share's change against the month before it."""

    month: str
    code_sets: int
    validity: str
    bundling: str
    modifiers: str
    overridden: int
    no_data: int


@require_GET
def drift(request: HttpRequest) -> HttpResponse:
    require(request.user, VIEW_EVALUATION)
    today = timezone.now().date()
    first = since(DAYS, today)
    decisions = judged(first, today)
    found = weeks(decisions)
    codes = [of for of in by_code(decisions) if of.decisions >= _LEAST and of.overridden]
    context = {
        "first": first.isoformat(),
        "limits": LIMITS | settings.DRIFT_LIMITS,
        "alerts": [_alert(one) for one in alerts(found, settings.DRIFT_LIMITS)],
        "plots": _plots(found),
        "weeks": [_week(one) for one in found],
        "reasons": [_line(of, reasons.label(of.key)) for of in by_reason(decisions)],
        "codes": [_line(of) for of in codes[:CODES_SHOWN]],
        "chapters": [_line(of) for of in by_chapter(decisions) if of.decisions >= _LEAST],
        "least": _LEAST,
        "audits": _audits(audits(AUDITS_SHOWN + 1))[:AUDITS_SHOWN],
    }
    return render(request, "coding_review/models/drift.html", context)


def _plots(found: Sequence[Week]) -> tuple[Plot, ...]:
    """Of the two models with the most decisions, the newer first; `found` as weeks() gives it."""
    mondays = sorted({week.monday for week in found})
    if len(mondays) < _LEAST_WEEKS:
        return ()
    decisions = Counter[str]()
    for week in found:
        decisions[week.model] += week.decisions
    most = {model for model, _ in decisions.most_common(2)}
    models = [model for model in dict.fromkeys(week.model for week in found) if model in most]

    def drawn(key: str, title: str, unit: str, figure: Callable[[Week], float | None]) -> Plot:
        series = [
            Series(
                model,
                [
                    (mondays.index(week.monday), figure(week))
                    for week in reversed(found)
                    if week.model == model
                ],
                kind,
            )
            for model, kind in zip(models, ("first", "second"), strict=False)
        ]
        return plot(
            key,
            title,
            unit,
            series,
            steps=len(mondays) - 1,
            form="{:.2f}".format,
            along="week of",
            point=lambda number: mondays[number].isoformat(),
        )

    return (
        drawn("accepted", "Accepted", "share of the decisions", lambda week: week.accept_rate),
        drawn(
            "calibration",
            "Calibration error",
            "of the confidences shown",
            lambda week: week.calibration_error,
        ),
    )


def _alert(one: Alert) -> AlertLine:
    return AlertLine(
        one.model, one.monday.isoformat(), _ALERTS[one.id], f"{one.figure:.1%}", f"{one.limit:.0%}"
    )


def _week(one: Week) -> WeekLine:
    def share(count: int) -> str:
        return f"{count / one.decisions:.1%}"

    error = one.calibration_error
    low, high = interval(one.accepted, one.decisions)
    return WeekLine(
        one.monday.isoformat(),
        one.model,
        one.decisions,
        share(one.accepted),
        f"{100 * low:.1f} to {high:.1%}",
        share(one.modified),
        share(one.rejected),
        "no confidence shown" if error is None else f"{error:.3f}",
    )


def _line(of: Overridden, label: str = "") -> OverrideLine:
    return OverrideLine(label or of.key, of.overridden, of.decisions, f"{of.share:.1%}")


def _audits(found: list[dict[str, Any]]) -> list[AuditLine]:
    lines = []
    for place, data in enumerate(found):
        # A month that was not audited leaves nothing to say of the change since.
        before = next(
            (one for one in found[place + 1 :] if one["month"] == _month_before(data["month"])), None
        )
        lines.append(
            AuditLine(
                month=data["month"],
                code_sets=data["code_sets"],
                validity=_trend(data, before, "validity", "code_sets"),
                bundling=_trend(data, before, "bundling", "code_sets"),
                modifiers=_trend(data, before, "unbundling_modifiers", "procedures"),
                overridden=data["overridden"],
                no_data=data["no_data"],
            )
        )
    return lines


def _month_before(month: str) -> str:
    """Of "2026-01" "2025-12"."""
    begin, _ = month_of(date.fromisoformat(f"{month}-01"))
    return f"{begin - timedelta(days=1):%Y-%m}"


def _trend(data: dict[str, Any], before: dict[str, Any] | None, name: str, of: str) -> str:
    if not data[of]:
        return "—"
    share = data[name] / data[of]
    told = f"{data[name]} ({share:.1%}"
    if before is not None and before[of]:
        told += f", {100 * (share - before[name] / before[of]):+.1f} points"
    return f"{told})"
