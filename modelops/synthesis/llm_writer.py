"""Writes charts through a language model's server: a description of structure and style, then a note on stated codes.

Descriptions come from the shipped styles, or from real documents inside the site: then the prompt leaves identifiers
out, and what comes back is looked through by the gate before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelops.engines.llm.numbered import shown
from modelops.engines.llm.prompt import Prompt, prompt_hash, read_prompt
from modelops.engines.llm.transport import ChatRequest, ChatServer, Deadline, Message
from modelops.errors import OutputInvalid
from modelops.synthesis.phi_gate import PhiGate
from modelops.synthesis.seeded import seeded
from modelops.synthesis.tables import Style, headings, styles
from modelops.synthesis.types import Order, Written
from modelops.synthesis.vocabulary import Vocabulary

_PROMPTS = "modelops.synthesis"
_TEMPERATURE = 0.8
_META_TOKENS = 400
_SHORTEST, _LONGEST = 40, 1500
_LONGEST_META = 1500
# Characters of a real document: enough to see how it is built, and no more than any model's context holds.
_LONGEST_DOCUMENT = 8_000
# A code written out in a note would be copied, not read.
_CODE = re.compile(r"\b[A-TV-Z]\d[0-9A-Z]\.[0-9A-Z]{1,4}\b")
_FENCE = re.compile(r"\A```\w*\n|\n```\s*\Z")


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds`: for one note, all tries together."""

    output_tokens: int = 1800
    seconds: float = 120.0
    model: str = ""


class LlmWriter:
    """A Writer. `descriptions`: of structure and style, already looked through; empty: those of the shipped styles."""

    name = "llm"
    seeded = False

    def __init__(
        self,
        server: ChatServer,
        vocabulary: Vocabulary,
        *,
        descriptions: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self._server = server
        self._vocabulary = vocabulary
        self._descriptions = tuple(descriptions)
        self._limits = limits or Limits()
        self._prompt = read_prompt(_PROMPTS, "note-1")

    @property
    def prompt_version(self) -> str:
        return self._prompt.version

    @property
    def prompt_hash(self) -> str:
        return prompt_hash(self._prompt.version)

    def write(self, order: Order) -> Written:
        """Raises EngineError: what the server raises, OutputInvalid for a text that is no note."""
        style = styles()[order.style]
        meta = self._meta(order, style)
        answer = self._server.chat(
            ChatRequest(
                self._messages(order, meta),
                None,
                self._limits.output_tokens,
                _TEMPERATURE,
                top_logprobs=False,
                model=self._limits.model,
            ),
            Deadline.after(self._limits.seconds),
        )
        text = note_of(answer.text)
        if answer.finish_reason == "length":
            raise OutputInvalid("The language model's note was cut.")
        return Written(
            text=text,
            note_type=style.note_type,
            author_role=style.author,
            specialty=style.specialty,
            details={
                "meta_description": meta,
                "prompt": self._prompt.version,
                "model": answer.model,
                "output_tokens": answer.output_tokens,
            },
        )

    def _meta(self, order: Order, style: Style) -> str:
        if not self._descriptions:
            return described(style)
        return seeded(order.seed, "meta").choice(self._descriptions)

    def _messages(self, order: Order, meta: str) -> tuple[Message, ...]:
        sections = self._prompt.sections
        sex = "female" if order.person.sex == "F" else "male"
        conditions = "\n".join(f"- {self._vocabulary.terms[code].title}" for code in order.codes)
        parts = (
            sections["instruction"],
            f"STRUCTURE AND STYLE\n{meta}",
            f"PATIENT\n{order.person.age} {order.person.age_unit} old, {sex}; setting: {order.setting}; "
            f"date: {order.date.isoformat()}",
            f"CONDITIONS\n{conditions}",
            sections["end"],
        )
        return Message("system", sections["system"]), Message("user", "\n\n".join(parts))


def described(style: Style) -> str:
    """The description of a shipped style."""
    names = [headings()[bare][0] for bare in _bare(style.sections)]
    runs = "in full sentences" if style.prose else "in short lines and lists"
    return (
        f"A {style.note_type} by a {style.author} in {style.specialty}, {runs}. Sections: {', '.join(names)}."
    )


def _bare(sections: Iterable[str]) -> list[str]:
    return [name for section in sections if (name := section.rstrip("?")) in headings()]


class Describer:
    """Descriptions of real documents, made where the documents are. Nothing of a document is kept or logged."""

    def __init__(self, server: ChatServer, gate: PhiGate, *, limits: Limits | None = None) -> None:
        self._server = server
        self._gate = gate
        self._limits = limits or Limits()
        self._prompt: Prompt = read_prompt(_PROMPTS, "meta-1")

    def describe(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Of a document by its beginning: the description, or none with the kinds of identifiers that the gate found in
        it. Raises EngineError."""
        sections = self._prompt.sections
        beginning = "\n".join(shown(line) for line in text[:_LONGEST_DOCUMENT].split("\n"))
        question = "\n\n".join((sections["instruction"], f"DOCUMENT\n{beginning}\nEND", sections["end"]))
        answer = self._server.chat(
            ChatRequest(
                (Message("system", sections["system"]), Message("user", question)),
                None,
                _META_TOKENS,
                top_logprobs=False,
                model=self._limits.model,
            ),
            Deadline.after(self._limits.seconds),
        )
        said = " ".join(answer.text.split())[:_LONGEST_META]
        kinds = self._gate.kinds(said)
        return ("", kinds) if kinds or not said else (said, ())


def descriptions_of(describer: Describer, texts: Iterable[str]) -> tuple[str, ...]:
    """Of the documents whose description says nothing of a person, each once. Raises EngineError, OutputInvalid where
    none is left: a site that gave documents does not want the shipped styles."""
    told = (describer.describe(text)[0] for text in texts)
    found = tuple(dict.fromkeys(description for description in told if description))
    if not found:
        raise OutputInvalid("No description of the documents is without identifiers.")
    return found


def note_of(text: str) -> str:
    """The note without the fence that models set around it. Raises OutputInvalid."""
    note = _FENCE.sub("", text.strip().replace("\r\n", "\n")).strip()
    words = len(note.split())
    if not _SHORTEST <= words <= _LONGEST:
        raise OutputInvalid(f"The language model's note has {words:,} words.")
    if _CODE.search(note):
        raise OutputInvalid("The language model's note has codes in it.")
    if "\x00" in note:
        raise OutputInvalid("The language model's note holds a NUL character.")
    return note
