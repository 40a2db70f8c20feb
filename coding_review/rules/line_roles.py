"""What a code line is on the claim where nobody has marked it."""

from __future__ import annotations

from catalog.choices import CodeRole, CodeSystem


def plain_role(system: str) -> str:
    """A diagnosis is secondary until it is marked; a procedure has no role at all."""
    return CodeRole.SECONDARY if system == CodeSystem.ICD10CM else ""
