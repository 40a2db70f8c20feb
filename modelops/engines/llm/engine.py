"""A chart coded by a large language model behind an OpenAI-compatible server, every word of its answer checked.

Thread-safe: what belongs to one chart lives in one call. The parts that look codes up before, verify after and code
procedures are given to it (ports.py); without them it asks, reads and checks.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Protocol

from catalog.choices import ClaimType, CodeSystem
from catalog.models import Release
from modelops.code_judging import CodeJudge
from modelops.engines.llm.asking import Answered, Asker, BoundTalk, Question, within
from modelops.engines.llm.config import BadLlmConfig, LlmConfig
from modelops.engines.llm.merge import Said, merge
from modelops.engines.llm.numbered import NumberedLine, number_lines
from modelops.engines.llm.parse import Item
from modelops.engines.llm.ports import Candidate, Grounding, ProcedureCoder, Rest, Verifier
from modelops.engines.llm.prompt import (
    code_messages,
    load_prompt,
    prompt_hash,
    written_candidates,
)
from modelops.engines.llm.quotes import QuoteFinder
from modelops.engines.llm.schema import SCHEMA_VERSION
from modelops.engines.llm.served import FixedModel, Served, VersionModel
from modelops.engines.llm.transport import ChatServer, Deadline, Stop, never
from modelops.engines.llm.windows import Window, cut_windows
from modelops.engines.types import (
    ChartText,
    CodeSuggestion,
    Discarded,
    EngineInfo,
    EngineResult,
    Evidence,
)
from modelops.errors import EngineError


class Model(Protocol):
    """Which model a chart is put to; see served.py."""

    def current(self, server: ChatServer, chart_id: str = "") -> Served: ...


# Where parts of a prompt meet, a tokenizer may give a token more than the parts have.
_SEAMS = 32
# Of the room for the chart, what the catalog's candidates may take.
_FOR_CANDIDATES = 0.3
# Beyond these only the counts are kept.
_MOST_DISCARDED = 200


class LlmEngine:
    """A StoppableEngine over one ChatServer, which may be several servers that act as one."""

    def __init__(
        self,
        server: ChatServer,
        config: LlmConfig,
        *,
        name: str = "vllm",
        model: Model | None = None,
        grounding: Grounding | None = None,
        verifier: Verifier | None = None,
        procedures: ProcedureCoder | None = None,
    ) -> None:
        """Raises BadLlmConfig where the configuration asks for grounding and none is given: answers without it would
        pass for grounded ones."""
        if config.grounding and grounding is None:
            raise BadLlmConfig("grounding is set, and the engine was given nothing to look codes up with.")
        self._server = server
        self._config = config
        self._name = name
        self._grounding = grounding
        self._verifier = verifier
        self._procedures = procedures
        self._model = model or FixedModel(config.model)
        self._last = Served(config.model, config.model)
        self._prompt_tokens: dict[tuple[str, bool, str], int] = {}

    @property
    def info(self) -> EngineInfo:
        """Of the model that answered last; a result's `made_by` is of the one that made it."""
        return self._info(self._last)

    def _info(self, served: Served) -> EngineInfo:
        config = self._config
        parts = (self._verifier, self._procedures)
        prompt = load_prompt(self._prompt_of(served))
        versions = [prompt.version, *(part.prompt_version for part in parts if part is not None)]
        # Whatever confidences depend on: a calibration curve is for these alone.
        details = {
            "grounding": config.grounding,
            "closed": "yes" if config.closed else "no",
            "passes": str(config.passes),
            "temperature": f"{config.temperature:g}",
            "prompts": " ".join(versions),
        }
        if self._grounding is not None:
            details["candidates"] = self._grounding.said
        return EngineInfo(
            name=self._name,
            model_version=served.version or "unknown",
            adapter=served.adapter,
            prompt_version=versions[0],
            prompt_hash=prompt_hash(*versions),
            schema_version=SCHEMA_VERSION,
            calibrated=False,
            details=details,
        )

    def _prompt_of(self, served: Served) -> str:
        return served.prompt or self._config.prompt

    @property
    def in_flight(self) -> int:
        """How many charts at once keep the servers busy."""
        return self._config.in_flight

    def predict(self, chart: ChartText, release_id: int) -> EngineResult:
        return self.predict_until(chart, release_id, never)

    def predict_until(self, chart: ChartText, release_id: int, stop: Stop) -> EngineResult:
        """See StoppableEngine. Raises the subclasses of LlmError, TooSlow after LLM_CHART_SECONDS."""
        return self._predict(chart, release_id, None, stop)

    def predict_rest(self, chart: ChartText, release_id: int, rest: Rest, stop: Stop = never) -> EngineResult:
        """See AsksAboutRest."""
        return self._predict(chart, release_id, rest, stop)

    def _predict(self, chart: ChartText, release_id: int, rest: Rest | None, stop: Stop) -> EngineResult:
        release = Release.objects.filter(pk=release_id).first()
        if release is None:
            raise EngineError("The catalog release is not there.")
        usage: Counter[str] = Counter()
        deadline = Deadline.after(self._config.chart_seconds, stop)
        deadline.check()
        served = self._model.current(self._server, chart.id)
        talk = BoundTalk(self._server, deadline, usage, served.request, self._config.in_flight)
        prompt = self._prompt_of(served)
        result = _Chart(self, talk, chart, release, rest, usage, prompt).result()
        # Another thread may have ended with another version's answer meanwhile: this result names its own.
        made_by = replace(served, version=served.version or talk.answered_by or self._last.version)
        self._last = made_by
        return replace(result, made_by=self._info(made_by))

    def leave(self) -> None:
        """Takes out of the servers what was loaded for one model version alone."""
        if isinstance(self._model, VersionModel):
            self._model.leave(self._server)

    # What one chart's work asks of the engine.

    def window_budget(
        self, chart: ChartText, talk: BoundTalk, settled: Sequence[tuple[str, str]], prompt: str
    ) -> int:
        """Tokens that a window's lines may have."""
        config = self._config
        key = (chart.claim_type, config.closed, prompt)
        known = self._prompt_tokens.get(key)
        if known is None:
            bare = replace(chart, documents=(), age=None, sex="")
            known = talk.count_prompt_tokens(code_messages(bare, (), closed=config.closed, prompt=prompt))
            self._prompt_tokens[key] = known
        # No more tokens than bytes: age, sex, and the codes that are told.
        told = sum(len(f"- {code} {title}\n".encode()) for code, title in settled) + 64
        room = min(config.context_tokens, talk.max_context()) - config.output_tokens - known - told - _SEAMS
        return int(room * (1 - _FOR_CANDIDATES)) if self._grounding is not None else room

    @property
    def config(self) -> LlmConfig:
        return self._config

    @property
    def grounding(self) -> Grounding | None:
        return self._grounding

    @property
    def verifier(self) -> Verifier | None:
        return self._verifier

    @property
    def procedures(self) -> ProcedureCoder | None:
        return self._procedures


class _Chart:
    """One chart on its way through the engine."""

    def __init__(
        self,
        engine: LlmEngine,
        talk: BoundTalk,
        chart: ChartText,
        release: Release,
        rest: Rest | None,
        usage: Counter[str],
        prompt: str,
    ) -> None:
        self._engine = engine
        self._config = engine.config
        self._talk = talk
        self._chart = chart
        self._release = release
        self._rest = rest
        self._usage = usage
        self._prompt = prompt
        self._discarded: list[Discarded] = []
        self._candidates: list[Candidate] = []
        self._lines = number_lines(chart)

    def result(self) -> EngineResult:
        settled = self._rest.settled if self._rest is not None else ()
        shown = [line for line in self._lines if self._is_asked(line)]
        windows: list[Window] = []
        if any(line.text.strip() for line in shown):
            cut = cut_windows(
                shown,
                self._chart.documents,
                budget=self._engine.window_budget(self._chart, self._talk, settled, self._prompt),
                overlap=self._config.overlap_tokens,
                count=self._talk.count_tokens,
            )
            windows = [window for window in cut if window.has_text]
        self._usage["windows"], self._usage["passes"] = len(windows), self._config.passes
        answers = self._answers(windows, settled)
        merged = merge(self._said(answers), self._config.passes)
        self._usage["duplicates"] += merged.duplicates
        self._usage["evidence_left_out"] += merged.evidence_left_out
        suggestions = [*self._verified(merged.suggestions), *self._procedures(windows)]
        return EngineResult(
            suggestions=tuple(suggestions),
            discarded=tuple(self._discarded),
            usage={name: count for name, count in sorted(self._usage.items()) if count},
        )

    def _is_asked(self, line: NumberedLine) -> bool:
        return self._rest is None or (line.document_id, line.line) in self._rest.lines

    def _answers(self, windows: Sequence[Window], settled: Sequence[tuple[str, str]]) -> list[Answered]:
        """Of every window and pass, asked at once and in their order."""
        works = self._works(windows, Question(self._chart, settled, self._prompt))
        answers = self._talk.at_once(works, len(windows) * self._config.passes)
        return list(chain.from_iterable(answers))

    def _works(
        self, windows: Iterable[Window], question: Question
    ) -> Iterator[Callable[[BoundTalk], list[Answered]]]:
        """The candidates of a window are looked up while those before it are asked about."""
        for window in windows:
            self._talk.check()
            candidates = self._candidates_of(window)
            if self._config.closed and not candidates:
                # Nothing could be answered but nothing.
                self._usage["windows_without_candidates"] += 1
                continue
            for turn in range(self._config.passes):
                yield partial(_asked, self._config, question, window, candidates, turn)

    def _candidates_of(self, window: Window) -> tuple[Candidate, ...]:
        if self._engine.grounding is None:
            return ()
        found = within(self._engine.grounding.candidates(self._chart, window.lines, self._release.pk), window)
        kept = self._fitting(found)
        self._usage["candidates"] += len(kept)
        self._usage["candidates_left_out"] += len(found) - len(kept)
        self._candidates.extend(kept)
        return kept

    def _fitting(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """The likeliest that fit into the room kept for them."""
        settled = self._rest.settled if self._rest is not None else ()
        budget = self._engine.window_budget(self._chart, self._talk, settled, self._prompt)
        room = int(budget / (1 - _FOR_CANDIDATES) * _FOR_CANDIDATES)
        kept = candidates
        while kept:
            written = written_candidates(kept)
            if len(written.encode("utf-8", "replace")) <= room:
                break
            tokens = self._talk.count_tokens(written)
            if tokens <= room:
                break
            kept = kept[: min(len(kept) - 1, int(len(kept) * room / tokens))]
        return kept

    def _said(self, answers: Sequence[Answered]) -> Iterator[Said]:
        """What stands: its code in the release, its quote in the text."""
        system = CodeSystem.ICD10CM.value
        items = [item for answered in answers for item in answered.parsed.items]
        judge = CodeJudge(
            {system: self._release},
            self._chart.claim_type,
            coding_date(self._chart),
            [(system, item.code) for item in items],
        )
        quotes = QuoteFinder(self._lines)
        for answered in answers:
            for dropped in answered.parsed.dropped:
                self._discard(dropped.code, dropped.reason)
            for item in answered.parsed.items:
                node, reason = judge.judge(system, item.code)
                if node is None or reason:
                    self._discard(item.code, reason or "fabricated")
                    continue
                found = self._place(quotes, item, answered.window)
                if found is None:
                    self._discard(item.code, "no_evidence")
                    continue
                evidence, number = found
                yield Said(
                    system=system,
                    code=node.code,
                    description=node.title,
                    rationale=item.rationale,
                    evidence=evidence,
                    number=number,
                    probability=answered.probabilities[item.position],
                    turn=answered.turn,
                )

    def _place(self, quotes: QuoteFinder, item: Item, window: Window) -> tuple[Evidence, int] | None:
        found = quotes.find(item.quote, item.line_start, item.line_end, first=window.first, last=window.last)
        if found is None:
            return None
        self._usage["repaired_quotes"] += found.repaired
        return found.evidence, found.number

    def _verified(self, suggestions: tuple[CodeSuggestion, ...]) -> tuple[CodeSuggestion, ...]:
        if self._engine.verifier is None or not suggestions:
            return suggestions
        outcome = self._engine.verifier.verify(suggestions, self._candidates, self._talk)
        self._take(outcome.discarded, outcome.usage.items())
        return outcome.suggestions

    def _procedures(self, windows: Sequence[Window]) -> tuple[CodeSuggestion, ...]:
        if self._engine.procedures is None or not windows or not self._chart.procedure_releases:
            return ()
        if self._chart.claim_type == ClaimType.FACILITY_INPATIENT:
            return ()
        outcome = self._engine.procedures.code(self._chart, windows, self._talk)
        self._take(outcome.discarded, outcome.usage.items())
        return outcome.suggestions

    def _take(self, discarded: Iterable[Discarded], usage: Iterable[tuple[str, int]]) -> None:
        for item in discarded:
            self._discard(item.code, item.reason)
        for name, count in usage:
            self._usage[name] += count

    def _discard(self, code: str, reason: str) -> None:
        self._usage[f"dropped_{reason}"] += 1
        if len(self._discarded) < _MOST_DISCARDED:
            self._discarded.append(Discarded(code, reason))


def _asked(
    config: LlmConfig,
    question: Question,
    window: Window,
    candidates: Sequence[Candidate],
    turn: int,
    talk: BoundTalk,
) -> list[Answered]:
    return Asker(talk, config, question).ask(window, candidates, turn)


def coding_date(chart: ChartText) -> dt.date | None:
    """The day that chooses codes: discharge for facility inpatient, else the service date."""
    if chart.claim_type == ClaimType.FACILITY_INPATIENT:
        return chart.discharge_date or chart.date_of_service
    return chart.date_of_service
