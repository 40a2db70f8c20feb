"""The month's own audit: the code sets signed in it against the code edits of today, counted and kept as an event."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from django.db import transaction

from catalog.choices import CodeSystem
from coding_review import audit
from coding_review.code_edits import findings_of
from coding_review.drift import AUDITED, month_of
from coding_review.models import AuditEvent, CodeLine, CodeSet
from coding_review.rules.drift import FAMILIES, UNBUNDLING

_SETS_AT_ONCE = 200


@transaction.atomic
def audit_month(day: date) -> AuditEvent:
    """Of the month that `day` lies in. Counts alone: sets and lines signed, sets with a finding of each family and how
    many of these findings somebody let stand, procedures billed with a modifier that unbundles.

    By the operator or beat. Run again it keeps a further event; the last of a month stands.
    """
    begin, end = month_of(day)
    signed = CodeSet.objects.filter(signed_at__gte=begin, signed_at__lt=end)
    counts: Counter[str] = Counter()
    for code_set in signed.select_related("encounter", "release").order_by("pk").iterator(_SETS_AT_ONCE):
        counts["code_sets"] += 1
        found = findings_of(code_set)
        counts["no_data"] += bool(found.no_data)
        for family, checks in FAMILIES.items():
            failed = [one for one in found.failed if one.check in checks]
            counts[family] += bool(failed)
            counts["overridden"] += sum(one.override is not None for one in failed)
    data: dict[str, Any] = {"month": f"{begin:%Y-%m}"}
    data |= {name: counts[name] for name in ("code_sets", *FAMILIES, "overridden", "no_data")}
    return audit.record(AUDITED, actor=None, data=data | _lines(signed))


def _lines(signed: Any) -> dict[str, int]:
    lines = CodeLine.objects.filter(code_set__in=signed)
    procedures = lines.filter(system__in=(CodeSystem.CPT, CodeSystem.HCPCS))
    return {
        "lines": lines.count(),
        "procedures": procedures.count(),
        "unbundling_modifiers": procedures.filter(modifiers__overlap=sorted(UNBUNDLING)).count(),
    }
