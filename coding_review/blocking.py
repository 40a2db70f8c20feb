"""What keeps a code set from being signed off, as it stands."""

from __future__ import annotations

from coding_review.choices import RUN_OPEN
from coding_review.code_edits import Findings, findings_of
from coding_review.models import CodeSet
from coding_review.queries import entry_facts, sign_off_facts
from coding_review.rules.signoff import Blocker, blockers


def blockers_of(code_set: CodeSet, findings: Findings | None = None) -> list[Blocker]:
    """`findings` where the caller has them at hand. Empty: nothing blocks."""
    entries = entry_facts(code_set)
    findings = findings_of(code_set, entries) if findings is None else findings
    running = code_set.runs.filter(status__in=RUN_OPEN).exists()
    return blockers(sign_off_facts(code_set, entries, running=running, hard_findings=findings.hard))
