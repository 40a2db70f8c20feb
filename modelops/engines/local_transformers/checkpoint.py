"""A checkpoint that answers: tokens, their probabilities, and a JSON schema held to. Runs in the training environment.

Answers are held to their schema by llguidance, as in vLLM: probabilities are those after its mask.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llguidance.hf
import llguidance.numpy
import numpy
import torch
from llguidance import LLMatcher
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

# What servers write of a token that the schema did not allow.
MASKED = -9999.0
_UNFINISHED = "\ufffd"


class BadSchema(ValueError):
    """It is none, or one that cannot be held to."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One token: its text (of a character split between tokens the last has it all), its log probability, and the
    likeliest other with its own."""

    text: str
    logprob: float
    other: str
    other_logprob: float


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    pieces: tuple[Piece, ...]
    finish_reason: str


class Checkpoint:
    """Weights, tokenizer and the adapters loaded beside them, each as weights of its own. Thread-safe."""

    def __init__(self, folder: Path, *, name: str, context: int = 0) -> None:
        self._folder, self.name = folder, name
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        model = self._load()
        self._lock = threading.Lock()
        self._models = {name: model}
        positions = int(getattr(model.config, "max_position_embeddings", 0) or 2048)
        self.context = min(context or positions, positions)
        self._vocabulary = int(model.config.vocab_size)
        self._guide = llguidance.hf.from_tokenizer(self._tokenizer, n_vocab=self._vocabulary)
        generation = getattr(model, "generation_config", None)
        ends = getattr(generation, "eos_token_id", None)
        found = ends if isinstance(ends, list) else [ends, self._tokenizer.eos_token_id]
        self._ends = {int(one) for one in found if one is not None}

    @property
    def names(self) -> list[str]:
        """Its own first, then the adapters in the order in which they came."""
        with self._lock:
            return list(self._models)

    def load_adapter(self, name: str, folder: Path) -> None:
        """Raises FileNotFoundError, ValueError (what lies there does not fit)."""
        from peft import PeftModel

        for needed in ("adapter_config.json", "adapter_model.safetensors"):
            if not (folder / needed).is_file():
                raise FileNotFoundError(needed)
        try:
            adapted = PeftModel.from_pretrained(self._load(), str(folder), local_files_only=True)
        except (RuntimeError, KeyError, TypeError) as error:
            raise ValueError(type(error).__name__) from None
        with self._lock:
            self._models[name] = adapted.merge_and_unload().eval()

    def unload_adapter(self, name: str) -> bool:
        """Whether there was one."""
        with self._lock:
            return name != self.name and self._models.pop(name, None) is not None

    def count(self, text: str, *, special: bool) -> int:
        return len(self._tokenizer(text, add_special_tokens=special)["input_ids"])

    def prompt(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        tokens: list[int] = self._tokenizer.apply_chat_template(
            list(messages), add_generation_prompt=True, tokenize=True, return_dict=False
        )
        return tokens

    def matcher(self, schema: Any) -> LLMatcher:
        """Raises BadSchema."""
        try:
            grammar = LLMatcher.grammar_from_json_schema(
                json.dumps(schema), defaults={"whitespace_flexible": False}
            )
        except ValueError:
            raise BadSchema("no JSON schema") from None
        wrong = LLMatcher.validate_grammar(grammar, self._guide)
        if wrong:
            raise BadSchema("a schema that cannot be held to")
        return LLMatcher(self._guide, grammar)

    def answer(
        self,
        model_name: str,
        prompt: Sequence[int],
        matcher: LLMatcher | None,
        *,
        most: int,
        temperature: float,
        given_up: Callable[[], bool],
    ) -> Answer | None:
        """None where it was given up. Raises KeyError for a model that is not (any more) there."""
        with self._lock:
            model = self._models[model_name]
        with torch.inference_mode():
            return self._answer(model, prompt, matcher, most, temperature, given_up)

    def _answer(
        self,
        model: Any,
        prompt: Sequence[int],
        matcher: LLMatcher | None,
        most: int,
        temperature: float,
        given_up: Callable[[], bool],
    ) -> Answer | None:
        cache = DynamicCache(config=model.config)
        words = _Words(self._tokenizer)
        mask = llguidance.numpy.allocate_token_bitmask(1, self._vocabulary)
        given = torch.tensor([list(prompt)], device=self._device)
        pieces: list[Piece] = []
        for _ in range(most):
            if given_up():
                return None
            logits = model(given, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[0, -1]
            allowed = logits.float()
            if matcher is not None:
                llguidance.numpy.fill_next_token_bitmask(matcher, mask, 0)
                allowed = allowed.masked_fill(~self._unpacked(mask), float("-inf"))
            logprobs = torch.log_softmax(allowed, dim=-1)
            chosen = (
                int(logprobs.argmax())
                if temperature <= 0
                else int(torch.multinomial(torch.softmax(allowed / temperature, dim=-1), 1))
            )
            ended = chosen in self._ends
            pieces.append(self._piece(words, logprobs, chosen, ended=ended))
            if matcher is not None:
                matcher.consume_token(chosen)
            if ended or (matcher is not None and matcher.is_stopped()):
                return Answer(words.text, tuple(pieces), "stop")
            given = torch.tensor([[chosen]], device=self._device)
        return Answer(words.text, tuple(pieces), "length")

    def _piece(self, words: _Words, logprobs: Any, chosen: int, *, ended: bool) -> Piece:
        tokens = logprobs.topk(2).indices
        other = int(tokens[1]) if int(tokens[0]) == chosen else int(tokens[0])
        text = self._tokenizer.decode([chosen]) if ended else words.add(chosen)
        beside = float(logprobs[other])
        return Piece(
            text,
            min(0.0, float(logprobs[chosen])),
            self._tokenizer.decode([other]),
            max(MASKED, min(0.0, beside)),
        )

    def _unpacked(self, mask: Any) -> Any:
        bits = numpy.unpackbits(mask[0].view(numpy.uint8), bitorder="little")[: self._vocabulary]
        return torch.from_numpy(bits.astype(bool)).to(self._device)

    def _load(self) -> Any:
        return (
            AutoModelForCausalLM.from_pretrained(
                str(self._folder),
                dtype=torch.float32 if self._device == "cpu" else "auto",
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
            .to(self._device)
            .eval()
        )


class _Words:
    """Tokens to text as they come."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._before: list[int] = []
        self._new: list[int] = []
        self.text = ""

    def add(self, token: int) -> str:
        """What the token adds; nothing where it ends within a character."""
        self._new.append(token)
        # Some tokenizers treat the beginning of a text otherwise: there is always something before.
        known = self._tokenizer.decode(self._before)
        whole: str = self._tokenizer.decode(self._before + self._new)
        if whole.endswith(_UNFINISHED) and len(self._new) < 4:
            return ""
        piece = whole[len(known) :]
        self._before, self._new = self._new, []
        self.text += piece
        return piece
