"""Codes that a measured figure decides: BMI, gestation, blood alcohol, burnt surface, and long-term drugs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from modelops.engines.embedded.chart import ChartFacts
from modelops.engines.embedded.mentions import Mention, ReadDocument
from modelops.engines.types import Evidence

_BMI = re.compile(r"\bBMI\b[^0-9\n]{0,14}(\d{2}(?:\.\d{1,2})?)\b")
_BMI_PEDIATRIC = re.compile(r"(?i)\bBMI\b[^\n]{0,30}?\b(\d{1,3})(?:st|nd|rd|th)?\s*(?:%|percentile|%ile)")
_ALCOHOL = re.compile(
    r"(?i)\b(?:etoh|ethanol|BAC|BAL|blood alcohol|alcohol level|serum alcohol)\b[^0-9\n]{0,16}(\d{2,3})\b"
)
_WEEKS = re.compile(r"(?i)\b(\d{1,2})\s*(?:w(?:ee)?ks?|w)\b|\b(\d{1,2})w\d|\b(\d{1,2})\s+[0-6]/7")
_BURNT = re.compile(
    r"(?i)\b(\d{1,2}(?:\.\d+)?)\s*%\s*(?:of\s+)?(?:TBSA|total body surface|BSA)"
    r"|TBSA[^0-9\n]{0,10}(\d{1,2}(?:\.\d+)?)\s*%"
)
_REACH = 5_000


def measured(documents: Sequence[ReadDocument], facts: ChartFacts) -> Iterator[Mention]:
    for doc in documents:
        for number, line in enumerate(doc.lines, start=1):
            for code, match in _in_line(line[:_REACH], facts):
                yield _mention(doc, number, match, code)


def _in_line(line: str, facts: ChartFacts) -> Iterable[tuple[str, re.Match[str]]]:
    adult = facts.age_years is None or facts.age_years >= 20
    if adult and not facts.pregnant:
        for match in _BMI.finditer(line):
            if (code := _bmi(float(match.group(1)))) is not None:
                yield code, match
    if not adult:
        for match in _BMI_PEDIATRIC.finditer(line):
            yield _bmi_percentile(int(match.group(1))), match
    for match in _ALCOHOL.finditer(line):
        yield _alcohol(int(match.group(1))), match
    if facts.pregnant and facts.weeks is not None:
        for match in _WEEKS.finditer(line):
            weeks = next(int(group) for group in match.groups() if group)
            if weeks == facts.weeks:
                yield _gestation(weeks), match
    for match in _BURNT.finditer(line):
        share = float(match.group(1) or match.group(2))
        if share < 10:
            yield "T31.0", match


def _bmi(value: float) -> str | None:
    whole = int(value)
    if value < 20:
        return "Z68.1" if value >= 10 else None
    if whole < 40:
        return f"Z68.{whole}"
    steps = ((45, "1"), (50, "2"), (60, "3"), (70, "4"))
    return f"Z68.4{next((digit for limit, digit in steps if value < limit), '5')}"


def _bmi_percentile(value: int) -> str:
    steps = ((5, "1"), (85, "2"), (95, "3"))
    return f"Z68.5{next((digit for limit, digit in steps if value < limit), '4')}"


def _alcohol(level: int) -> str:
    steps = (20, 40, 60, 80, 100, 120, 200, 240)
    return f"Y90.{next((digit for digit, limit in enumerate(steps) if level < limit), 8)}"


def _gestation(weeks: int) -> str:
    if weeks < 8:
        return "Z3A.01"
    return f"Z3A.{weeks:02d}" if weeks <= 42 else "Z3A.49"


def _mention(doc: ReadDocument, line: int, match: re.Match[str], code: str) -> Mention:
    start, end = match.span()
    return Mention(
        code=code,
        document=doc.number,
        evidence=Evidence(doc.document.document_id, line, line, start, end, match.group()),
        section=doc.sections.kind_at(line, start),
        tags=set(),
        source="pattern",
        weight="plain",
        size=2,
        nonprovider=doc.nonprovider,
    )
