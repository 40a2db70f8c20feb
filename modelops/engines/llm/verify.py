"""A second look at each suggestion, by its description and evidence alone: kept, replaced by a candidate, or dropped.

The model sees neither the chart nor what it said of it, so it cannot agree with itself from context: either the
quoted words support the code as described, or they do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from catalog.choices import CodeSystem
from modelops.engines.llm.choices import Chosen, Question, ask, listed, messages
from modelops.engines.llm.numbered import shown
from modelops.engines.llm.ports import Candidate, Outcome, Talk
from modelops.engines.llm.prompt import Prompt, load_prompt
from modelops.engines.llm.transport import Message
from modelops.engines.types import CodeSuggestion, Discarded

REASON = "verified_out"
KEEP, DROP = "keep", "drop"
_PLACES = 3
_LONGEST_QUOTE = 300
_CATEGORY = 3
# Fewer letters of a candidate's words are in too many quotes to say anything.
_SHORTEST = 4


class ModelVerifier:
    """The shipped Verifier. `others`: how many candidates may stand in for a suggestion; `model` as in ChatRequest."""

    def __init__(self, *, others: int = 5, model: str = "", prompt: Prompt | None = None) -> None:
        self._others = others
        self._model = model
        self._prompt = prompt or load_prompt("verify-1")

    @property
    def prompt_version(self) -> str:
        return self._prompt.version

    def verify(
        self, suggestions: Sequence[CodeSuggestion], candidates: Sequence[Candidate], talk: Talk
    ) -> Outcome:
        """See ports.Verifier. Diagnoses only: a procedure was chosen from a list already. A suggestion that no usable
        answer came to is kept, and counted as `verify_unanswered`."""
        looked_at = [said for said in suggestions if said.system == CodeSystem.ICD10CM]
        if not looked_at:
            return Outcome(tuple(suggestions))
        taken = {said.code for said in suggestions}
        offers = [self._offer(said, candidates, taken) for said in looked_at]
        questions = [_question(said, offer) for said, offer in zip(looked_at, offers, strict=True)]
        asked = ask(talk, questions, self._words, model=self._model)
        counts: Counter[str] = Counter(
            verify_kept=0, verify_replaced=0, verify_dropped=0, verify_unanswered=0, retries=asked.retries
        )
        judged: dict[str, CodeSuggestion | None] = {}
        for said, offer, answer in zip(looked_at, offers, asked.answers, strict=True):
            name, stands = _judged(said, offer, answer, taken)
            counts[name] += 1
            judged[said.code] = stands
            if stands is not None:
                taken.add(stands.code)
        kept: list[CodeSuggestion] = []
        discarded: list[Discarded] = []
        for said in suggestions:
            stands = judged.get(said.code, said) if said.system == CodeSystem.ICD10CM else said
            if stands is not None:
                kept.append(stands)
            if stands is not said:
                discarded.append(Discarded(said.code, REASON))
        return Outcome(tuple(kept), tuple(discarded), dict(counts))

    def _offer(
        self, said: CodeSuggestion, candidates: Iterable[Candidate], taken: set[str]
    ) -> dict[str, Candidate]:
        """Candidates of the same category, and those found in the words that the suggestion cites."""
        quotes = [place.quote.casefold() for place in said.evidence]
        # One that several windows led to stands there for each of them.
        offered: dict[str, Candidate] = {}
        for candidate in candidates:
            if len(offered) == self._others:
                break
            if candidate.code not in taken and (
                candidate.code[:_CATEGORY] == said.code[:_CATEGORY]
                or any(_cited(segment.text.casefold(), quotes) for segment in candidate.segments)
            ):
                offered.setdefault(candidate.code, candidate)
        return offered

    def _words(self, questions: Sequence[Question]) -> tuple[Message, ...]:
        return messages(self._prompt, listed(questions))


def _judged(
    said: CodeSuggestion, offer: dict[str, Candidate], answer: Chosen | None, taken: set[str]
) -> tuple[str, CodeSuggestion | None]:
    """What is counted, and what stands in the suggestion's place."""
    if answer is None:
        return "verify_unanswered", said
    if answer.option == DROP:
        return "verify_dropped", None
    other = offer.get(answer.option)
    if other is None:
        return "verify_kept", said
    if other.code in taken:
        # Another suggestion was replaced by it just now: the code stands there.
        return "verify_dropped", None
    sure = said.confidence if answer.probability is None else min(said.confidence, answer.probability)
    rationale = f"{said.rationale} Read again by its evidence and chosen in place of {said.code}.".strip()
    return "verify_replaced", replace(
        said, code=other.code, description=other.description, confidence=sure, rationale=rationale
    )


def _cited(words: str, quotes: Iterable[str]) -> bool:
    return len(words) >= _SHORTEST and any(words in quote or quote in words for quote in quotes if quote)


def _question(said: CodeSuggestion, offer: dict[str, Candidate]) -> Question:
    rows = [f"{said.code} {said.description}"]
    rows += [f'   evidence: "{flat(place.quote)}"' for place in said.evidence[:_PLACES]]
    rows += [f"   other: {other.code} {other.description}" for other in offer.values()]
    return Question("\n".join(rows), (KEEP, DROP, *offer))


def flat(quote: str) -> str:
    """On one line and without quotation marks of its own, so that it cannot look like anything but a quote."""
    return shown(" ".join(quote.replace('"', "'").split()))[:_LONGEST_QUOTE]
