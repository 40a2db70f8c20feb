"""A labelled chart as question and answer, letter by letter as the LLM engine asks and as it should be answered.

The question comes from the functions that the engine calls (one window over the whole chart, no candidates), the
answer is the JSON of the engine's schema in the form that a server with a grammar writes: keys in the schema's order,
no white space. What the schema or the check of quotes would refuse is refused here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelops.engines.llm.code_prompts import CODE_PROMPTS, CODES, Limits
from modelops.engines.llm.numbered import NumberedLine, number_lines, shown, whole
from modelops.engines.llm.prompt import code_messages, load_prompt
from modelops.engines.llm.quotes import QuoteFinder
from modelops.engines.llm.schema import MAX_ITEMS
from modelops.engines.llm.transport import Message
from modelops.engines.types import ChartText
from modelops.errors import ModelopsError

_SEPARATORS = (",", ":")


class BadExample(ModelopsError):
    """A labelled chart that no example can be made of. `reason` is one of unknown_line, no_evidence, too_many,
    no_text; the message holds no text of the chart."""

    code = "bad_example"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AnswerCode:
    """One code of the answer, with the one place that supports it best. Lines count within the document, from 1.

    `description`: the release's title. `quote`: words of these lines; empty: the first of them that is not blank.
    """

    code: str
    description: str
    document_id: str
    line_start: int
    line_end: int
    quote: str = field(default="", repr=False)
    rationale: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """`prompt_version` goes into the dataset's manifest and from there to the model version trained on it."""

    messages: tuple[Message, ...] = field(repr=False)
    answer: str = field(repr=False)
    prompt_version: str

    def row(self) -> dict[str, Any]:
        """As a dataset's file holds it."""
        return {
            "messages": [{"role": one.role, "content": one.content} for one in self.messages],
            "completion": self.answer,
        }


def render(
    chart: ChartText,
    codes: Sequence[AnswerCode],
    *,
    prompt: str = CODES,
    settled: Sequence[tuple[str, str]] = (),
) -> Rendered:
    """Codes are answered in the order of their places in the chart. `prompt`: a name of CODE_PROMPTS. `settled`: codes
    with their titles that the prompt says not to name.

    Raises BadExample.
    """
    lines = number_lines(chart)
    if not any(line.text.strip() for line in lines):
        raise BadExample("no_text", "The chart has no text.")
    if len(codes) >= MAX_ITEMS:
        raise BadExample(
            "too_many", f"The chart has {len(codes)} codes; an answer holds less than {MAX_ITEMS}."
        )
    return Rendered(
        messages=code_messages(chart, whole(lines), prompt=prompt, settled=settled),
        answer=_answer(lines, codes, CODE_PROMPTS[prompt]),
        prompt_version=load_prompt(prompt).version,
    )


def _answer(lines: Sequence[NumberedLine], codes: Sequence[AnswerCode], limits: Limits) -> str:
    numbers = {(line.document_id, line.line): line.number for line in lines}
    finder = QuoteFinder(lines)
    placed = []
    for code in codes:
        item, column = _item(code, lines, numbers, finder, limits)
        placed.append((item["line_start"], column, code.code, item))
    answer = {"codes": [item for *_, item in sorted(placed, key=lambda one: one[:3])]}
    return json.dumps(answer, ensure_ascii=False, separators=_SEPARATORS)


def _item(
    code: AnswerCode,
    lines: Sequence[NumberedLine],
    numbers: Mapping[tuple[str, int], int],
    finder: QuoteFinder,
    limits: Limits,
) -> tuple[dict[str, Any], int]:
    """The code's object, its keys in the schema's order, and the column where its quote begins."""
    first = numbers.get((code.document_id, code.line_start))
    last = numbers.get((code.document_id, code.line_end))
    if first is None or last is None or first > last:
        raise BadExample("unknown_line", f"{code.code} cites lines that the chart does not have.")
    quote = _quote("" if limits.from_line else code.quote, lines[first - 1 : last], limits.quote)
    found = finder.find(quote, first, last, first=1, last=len(lines)) if quote else None
    if found is None or found.repaired:
        raise BadExample("no_evidence", f"The quote for {code.code} does not stand in the lines cited.")
    evidence = found.evidence
    item = {
        "description": code.description[: limits.description],
        "code": code.code,
        "rationale": " ".join(code.rationale.split())[: limits.rationale],
        "line_start": numbers[evidence.document_id, evidence.line_start],
        "line_end": numbers[evidence.document_id, evidence.line_end],
        "quote": quote,
    }
    return item, evidence.col_start


def _quote(words: str, lines: Sequence[NumberedLine], longest: int) -> str:
    """On one line, as the prompt shows it; where it is too long, whole words of its beginning."""
    text = words or next((line.text for line in lines if line.text.strip()), "")
    flat = shown(text.replace("\n", " ")).strip()
    if len(flat) <= longest:
        return flat
    cut = flat[: longest + 1].rfind(" ")
    return flat[: cut if cut > longest // 2 else longest].rstrip()
