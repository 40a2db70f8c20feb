"""Procedure codes in three steps: the model says in words what was done, the catalog finds codes for the words, and
a choice among these, or none of them, picks one. A model that is not asked for codes cannot invent one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from catalog.choices import ClaimType
from catalog.lookup.answer import Answer
from catalog.lookup.service import lookup_for
from catalog.models import Code, Release
from catalog.queries import get_nodes
from modelops.engines.llm.choices import Chosen, Question, ask, listed, messages
from modelops.engines.llm.confidence import UNMEASURED
from modelops.engines.llm.numbered import number_lines, write_out
from modelops.engines.llm.parse import storable
from modelops.engines.llm.ports import Outcome, Talk
from modelops.engines.llm.prompt import Prompt, load_prompt
from modelops.engines.llm.quotes import QuoteFinder
from modelops.engines.llm.transport import ChatRequest, Message
from modelops.engines.llm.verify import flat
from modelops.engines.llm.windows import Window
from modelops.engines.types import ChartText, CodeSuggestion, Evidence
from modelops.errors import ContextTooLong

NONE = "none"
# Procedures of one answer: the grammar ends the list there, and of a full one the halves of the window are asked.
_MOST = 20
_MAX_DESCRIPTION, _MAX_QUOTE = 160, 240
# The best answer of the catalog below this says the words are not the catalog's: more are offered.
_WEAK = 0.5
_AGAIN = 0.3
_EVIDENCE = 5


@dataclass(frozen=True, slots=True)
class Described:
    """A procedure in the model's words, with what it read them from."""

    description: str = field(repr=False)
    evidence: Evidence = field(repr=False)


@dataclass(slots=True)
class _Read:
    """The rows of the answers about a window, each with the window or the half of it that was shown."""

    rows: list[tuple[Window, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, other: _Read) -> None:
        self.rows += other.rows
        self.counts += other.counts


@dataclass(frozen=True, slots=True)
class _Offered:
    system: str
    code: str
    title: str


class ModelProcedures:
    """The shipped ProcedureCoder. `first`: codes offered for a description, `wider` where none of them is near."""

    def __init__(
        self,
        *,
        first: int = 8,
        wider: int = 30,
        output_tokens: int = 800,
        model: str = "",
        describe: Prompt | None = None,
        choose: Prompt | None = None,
    ) -> None:
        self._first = first
        self._wider = wider
        self._output_tokens = output_tokens
        self._model = model
        self._describe = describe or load_prompt("procedures-1")
        self._choose = choose or load_prompt("choose-1")

    @property
    def prompt_version(self) -> str:
        return f"{self._describe.version}+{self._choose.version}"

    def code(self, chart: ChartText, windows: Sequence[Window], talk: Talk) -> Outcome:
        """See ports.ProcedureCoder."""
        if chart.claim_type == ClaimType.FACILITY_INPATIENT or not chart.procedure_releases:
            return Outcome(())
        releases = Release.objects.in_bulk(list(chart.procedure_releases.values()))
        counts: Counter[str] = Counter()
        finder = QuoteFinder(number_lines(chart))
        works = (partial(self._read, chart=chart, window=window) for window in windows)
        described = [
            one for read in talk.at_once(works, len(windows)) for one in _described(read, finder, counts)
        ]
        by_words: dict[str, list[Described]] = {}
        for one in described:
            by_words.setdefault(one.description.casefold(), []).append(one)
        offers = [
            self._offers(places[0].description, list(releases.values()), chart)
            for places in by_words.values()
        ]
        asked_for = [
            (places, offer) for places, offer in zip(by_words.values(), offers, strict=True) if offer
        ]
        counts["procedures_described"] = len(by_words)
        counts["procedures_without_code"] = len(by_words) - len(asked_for)
        questions = [_question(places[0], offer) for places, offer in asked_for]
        asked = ask(talk, questions, self._words, model=self._model)
        counts["retries"] += asked.retries
        chosen = [
            (places, offer[answer.option], answer)
            for (places, offer), answer in zip(asked_for, asked.answers, strict=True)
            if answer is not None and answer.option != NONE
        ]
        counts["procedures_none_chosen"] = len(asked_for) - len(chosen)
        return Outcome(_suggestions(chosen), usage=dict(counts))

    def _read(self, talk: Talk, *, chart: ChartText, window: Window, half: bool = False) -> _Read:
        """What the model says was done in the window. An answer that was cut gets more room; then, as where a list is
        full or the window too long, its halves are asked. One that cannot be read is asked for once more. `half`: it
        is one already."""
        question = messages(self._describe, f"DOCUMENTS\n{write_out(window.pieces, chart.documents)}\nEND")
        schema = description_schema(window.first, window.last)
        room, temperature, read = self._output_tokens, 0.0, _Read()
        divisible = not half and window.is_divisible

        def halved() -> _Read:
            read.counts["halved_windows"] += 1
            for part in window.halves():
                read.add(self._read(talk, chart=chart, window=part, half=True))
            return read

        while True:
            try:
                answer = talk.chat(ChatRequest(question, schema, room, temperature, model=self._model))
            except ContextTooLong:
                if not divisible:
                    raise
                return halved()
            cut = answer.finish_reason == "length"
            if cut:
                read.counts["cut_answers"] += 1
                if room == self._output_tokens and answer.prompt_tokens + 2 * room <= talk.max_context():
                    read.counts["retries"] += 1
                    room *= 2
                    continue
            rows = None if cut else _rows(answer.text)
            full = rows is not None and len(rows) >= _MOST
            read.counts["full_lists"] += full
            if (cut or full) and divisible:
                return halved()
            if rows is None and not cut and not temperature:
                read.counts["retries"] += 1
                temperature = _AGAIN
                continue
            read.counts["procedures_unanswered"] += rows is None
            read.rows.extend((window, row) for row in rows or ())
            return read

    def _offers(self, description: str, releases: Sequence[Release], chart: ChartText) -> dict[str, _Offered]:
        """Codes in force on the day, by the option under which they are offered."""
        found: dict[str, _Offered] = {}
        answers: list[tuple[Release, list[Answer]]] = []
        for release in releases:
            lookup = lookup_for(release)
            near = lookup.find(description, self._first)
            if not near or near[0].score < _WEAK:
                near = lookup.find(description, self._wider)
            answers.append((release, near))
        for release, near in answers:
            nodes = get_nodes(release, [answer.code for answer in near]) if near else {}
            for answer in near:
                node = nodes.get(answer.code)
                if node is not None and _usable(node, chart):
                    found.setdefault(answer.code, _Offered(release.system, answer.code, answer.title))
        return found

    def _words(self, questions: Sequence[Question]) -> tuple[Message, ...]:
        return messages(self._choose, listed(questions))


def description_schema(first: int, last: int) -> dict[str, Any]:
    line = {"type": "integer", "minimum": first, "maximum": last}
    properties: dict[str, Any] = {
        "description": {"type": "string", "maxLength": _MAX_DESCRIPTION},
        "line_start": line,
        "line_end": line,
        "quote": {"type": "string", "maxLength": _MAX_QUOTE},
    }
    item = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"procedures": {"type": "array", "items": item, "maxItems": _MOST}},
        "required": ["procedures"],
        "additionalProperties": False,
    }


def _described(read: _Read, finder: QuoteFinder, counts: Counter[str]) -> list[Described]:
    """What is cited from somewhere; what is cited from nowhere, or no entry at all, is counted and left out."""
    counts.update(read.counts)
    found: list[Described] = []
    for window, row in read.rows:
        if not _is_row(row):
            counts["procedures_malformed"] += 1
            continue
        place = finder.find(
            row["quote"], row["line_start"], row["line_end"], first=window.first, last=window.last
        )
        if place is None:
            counts["procedures_no_evidence"] += 1
        else:
            counts["repaired_quotes"] += place.repaired
            found.append(Described(storable(row["description"], _MAX_DESCRIPTION), place.evidence))
    return found


def _rows(text: str) -> list[Any] | None:
    """The entries, whatever their shape; None for an answer that is not what was asked for."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or not isinstance(answer.get("procedures"), list):
        return None
    rows: list[Any] = answer["procedures"][:_MOST]
    return rows


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(name), str) and row[name].strip() for name in ("description", "quote"))
        and all(type(row.get(name)) is int for name in ("line_start", "line_end"))
    )


def _usable(node: Code, chart: ChartText) -> bool:
    return node.billable and (chart.date_of_service is None or node.in_force(chart.date_of_service))


def _question(one: Described, offer: dict[str, _Offered]) -> Question:
    shown = [flat(one.description), f'   evidence: "{flat(one.evidence.quote)}"']
    shown += [f"   {option}: {offered.title}" for option, offered in offer.items()]
    return Question("\n".join(shown), (*offer, NONE))


def _suggestions(
    chosen: Sequence[tuple[list[Described], _Offered, Chosen]],
) -> tuple[CodeSuggestion, ...]:
    """One a code, in the order in which they were described; its places united, the surest choice's probability."""
    by_code: dict[tuple[str, str], list[tuple[list[Described], _Offered, Chosen]]] = {}
    for row in chosen:
        by_code.setdefault((row[1].system, row[1].code), []).append(row)
    found: list[CodeSuggestion] = []
    for them in by_code.values():
        offered = them[0][1]
        places = dict.fromkeys(one.evidence for described, _, _ in them for one in described)
        sure = [answer.probability for _, _, answer in them if answer.probability is not None]
        found.append(
            CodeSuggestion(
                system=offered.system,
                code=offered.code,
                description=offered.title,
                confidence=max(sure, default=UNMEASURED),
                rationale=f"Described as: {them[0][0][0].description}",
                evidence=tuple(places)[:_EVIDENCE],
            )
        )
    return tuple(found)
