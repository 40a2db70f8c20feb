"""The prompts as versioned files beside this module, and a chart's messages made of them.

A prompt's version is its file's name with the first twelve characters of its SHA-256: a changed word is another
version. A file is sections under "# name" headings; what a section says goes into the prompt as it stands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from catalog.choices import ClaimType
from modelops.engines.llm.code_prompts import CODES
from modelops.engines.llm.numbered import Piece, shown, write_out
from modelops.engines.llm.ports import Candidate
from modelops.engines.llm.transport import Message
from modelops.engines.types import ChartText

_SECTION = re.compile(r"^# (.+)$", re.MULTILINE)
_SEXES = {"F": "female", "M": "male"}
_MAX_DESCRIPTION = 160


@dataclass(frozen=True, slots=True)
class Prompt:
    """`sections` by heading, in lower case."""

    name: str
    sections: Mapping[str, str]
    sha256: str

    @property
    def version(self) -> str:
        return f"{self.name}:{self.sha256[:12]}"


def load_prompt(name: str) -> Prompt:
    """The engine's own file prompts/NAME.md. Raises FileNotFoundError for a prompt that is not there."""
    return read_prompt(str(__package__), name)


@cache
def read_prompt(package: str, name: str) -> Prompt:
    """A package's file prompts/NAME.md. Raises FileNotFoundError for a prompt that is not there."""
    raw = files(package).joinpath("prompts", f"{name}.md").read_bytes()
    parts = _SECTION.split(raw.decode("utf-8"))
    sections = {
        heading.strip().lower(): body.strip() for heading, body in zip(parts[1::2], parts[2::2], strict=True)
    }
    return Prompt(name, sections, hashlib.sha256(raw).hexdigest())


def prompt_hash(*versions: str) -> str:
    """One SHA-256 for the versions of all prompts in use, whatever their order."""
    return hashlib.sha256("\n".join(sorted(versions)).encode()).hexdigest()


def code_messages(
    chart: ChartText,
    pieces: Sequence[Piece],
    candidates: Sequence[Candidate] = (),
    *,
    closed: bool = False,
    settled: Sequence[tuple[str, str]] = (),
    prompt: str = CODES,
) -> tuple[Message, ...]:
    """The question about one window. What every chart shares stands first, so that a server may keep it.

    A prompt without the sections "system", "output" or "end" has nothing to say there.
    """
    sections = load_prompt(prompt).sections
    inpatient = chart.claim_type == ClaimType.FACILITY_INPATIENT
    parts = [
        sections["instruction"],
        sections.get("output", ""),
        sections["facility inpatient" if inpatient else "outpatient"],
        facts(chart),
    ]
    if settled:
        parts.append(f"{sections['settled']}\n{_listed(settled)}")
    parts.append(f"DOCUMENTS\n{write_out(pieces, chart.documents)}\nEND")
    if candidates or closed:
        heading = sections["candidates only" if closed else "candidates"]
        parts.append(f"{heading}\n{written_candidates(candidates)}")
    parts.append(sections.get("end", ""))
    question = Message("user", "\n\n".join(filter(None, parts)))
    return (Message("system", sections["system"]), question) if "system" in sections else (question,)


def written_candidates(candidates: Sequence[Candidate]) -> str:
    """One a line with the numbers of the lines that led to it."""
    rows = []
    for candidate in candidates:
        numbers = sorted({segment.number for segment in candidate.segments})
        where = f" (line {', '.join(map(str, numbers))})" if numbers else ""
        rows.append(f"- {candidate.code} {_one_line(candidate.description)}{where}")
    return "\n".join(rows) or "- none"


def facts(chart: ChartText) -> str:
    """Age and sex where they are known, since codes turn on them; nothing that names the patient."""
    known = []
    if chart.age is not None:
        known.append(f"{chart.age:g} {shown(_one_line(chart.age_unit))} old")
    if chart.sex in _SEXES:
        known.append(_SEXES[chart.sex])
    return f"The patient is {', '.join(known)}." if known else ""


def _listed(codes: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"- {code} {_one_line(description)}" for code, description in codes)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MAX_DESCRIPTION]
