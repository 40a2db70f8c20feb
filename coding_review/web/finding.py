"""Findings as the review page shows them, as plain data (see review_page.py)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

from coding_review.rules.overrides import Choice

# A glyph goes with each severity's colour and word.
_GLYPHS = {"stop": "■", "query": "▲", "note": "●"}


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A code line that a finding is about, with what its forms send."""

    entry: int
    version: int
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Override:
    """`reason` in words, `told` who and when ("J. Castellanos, 9 Jun 2026 14:02")."""

    id: int
    reason: str
    told: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Severity "stop", "query" or "note", `word` its name; `citation` as printed ("I.B.16"), `url` may be empty.

    Of a code edit also its `check`, the element's `id`, the edition of what it cites, the reasons that may override
    it (none: the codes have to change), whether a line may be removed to settle it, and the override that is laid
    over it. `state` is "fail", "overridden" or "no_data". Without a check it is told of the documents.
    """

    severity: str
    title: str
    message: str
    citation: str = ""
    url: str = ""
    codes: tuple[str, ...] = ()
    word: str = "Query?"
    check: str = ""
    id: str = ""
    edition: str = ""
    state: str = "fail"
    lines: tuple[FindingLine, ...] = ()
    removable: bool = False
    outcomes: tuple[Choice, ...] = ()
    override: Override | None = None
    error: str = ""
    comment: str = ""  # what was written when it was refused

    @property
    def glyph(self) -> str:
        return "✓" if self.state == "overridden" else _GLYPHS[self.severity]


@dataclass(frozen=True, slots=True)
class FindingsPanel:
    """`unchecked`: checks without their table or with a note that cannot be read, told quietly. `edition`: of the
    checks. `checked`: there was a code to check. `error`: what could not be done, where its finding is gone.
    """

    open: tuple[Finding, ...] = ()
    overridden: tuple[Finding, ...] = ()
    unchecked: tuple[Finding, ...] = ()
    edition: str = ""
    checked: bool = True
    error: str = ""

    @property
    def count(self) -> int:
        """What asks for something; notes do not."""
        return sum(f.severity != "note" for f in self.open)


@dataclass(frozen=True, slots=True)
class Found:
    """What stands beside one card. `mark` tells whether a page shows the same: "12:3ac8", empty for none."""

    entry: int
    findings: tuple[Finding, ...]

    @property
    def mark(self) -> str:
        return f"{self.entry}:{_digest(self.findings):x}" if self.findings else ""


def _digest(findings: Iterable[Finding]) -> int:
    return crc32("|".join(f"{f.severity} {f.check} {f.title} {f.message}" for f in findings).encode())
