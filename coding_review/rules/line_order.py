"""The order of code lines on a claim: principal or first-listed, others by sequence, those that repeat last."""

from __future__ import annotations

from typing import Protocol

from catalog.choices import CodeRole, CodeSystem

_GROUP: dict[str, int] = {
    CodeRole.PRINCIPAL: 0,
    CodeRole.FIRST_LISTED: 0,
    CodeRole.SECONDARY: 1,
    CodeRole.EXTERNAL_CAUSE: 2,
    CodeRole.ADMITTING: 3,
    CodeRole.REASON_FOR_VISIT: 3,
}
_PROCEDURES = 4


class Line(Protocol):
    @property
    def system(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def sequence(self) -> int: ...
    @property
    def rank(self) -> int: ...
    @property
    def pk(self) -> int: ...


def line_order(line: Line) -> tuple[int, int, int, int]:
    group = _GROUP[line.role] if line.system == CodeSystem.ICD10CM else _PROCEDURES
    return (group, line.sequence, line.rank, line.pk)
