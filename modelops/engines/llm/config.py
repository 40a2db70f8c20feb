"""What the LLM engine is set to: inert, checked when it is made, nothing read or opened."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path

from django.conf import settings

from modelops.engines.llm.code_prompts import CODE_PROMPTS, CODES
from modelops.errors import ModelopsError, NoKey

# What LLM_GROUNDING may say; each holds the one before.
GROUNDINGS = ("", "candidates", "candidates+verify")

# One word of printable ASCII: anything else cannot stand in the header of a request.
_KEY = re.compile(r"[!-~]+")
_ADDRESS = re.compile(r"https?://[^\s=]+(=(?=[0-9.]*[1-9])\d+(\.\d+)?)?")


class BadLlmConfig(ModelopsError):
    """A setting that cannot be; the message names it."""

    code = "bad_llm_config"


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmConfig:
    """Tokens are the server's own. Raises BadLlmConfig for what cannot be.

    base_urls: address of each server, with "=weight" where it is not 1. api_key_file: file that holds the servers'
    key, empty: none. model: name that requests ask for, empty: the server's own. prompt: one of CODE_PROMPTS, for a
    model that does not say which it was trained with. context_tokens: what prompt and
    answer may have together, even where the server allows more. output_tokens: room for an answer. overlap_tokens:
    shared by neighbouring windows. passes: answers for each window. temperature: of the first pass; further ones
    have at least pass_temperature, since greedy ones repeat the first. grounding: one of GROUNDINGS. closed: only the
    catalog's candidates may be named (needs grounding). in_flight, max_waiting, rate: how hard the servers are
    asked. chart_seconds: the deadline of one chart.
    """

    base_urls: tuple[str, ...] = ()
    api_key_file: str = ""
    model: str = ""
    prompt: str = CODES
    context_tokens: int = 8192
    output_tokens: int = 1500
    overlap_tokens: int = 128
    passes: int = 1
    temperature: float = 0.0
    pass_temperature: float = 0.5
    grounding: str = ""
    closed: bool = False
    in_flight: int = 16
    max_waiting: int = 8
    rate: str = ""
    chart_seconds: float = 180.0

    def __post_init__(self) -> None:
        if not all(_ADDRESS.fullmatch(url) for url in self.base_urls):
            raise BadLlmConfig("base_urls holds what is neither an address nor address=weight.")
        for name in ("context_tokens", "output_tokens", "passes", "in_flight"):
            if getattr(self, name) < 1:
                raise BadLlmConfig(f"{name} must be at least 1.")
        for name in ("overlap_tokens", "max_waiting"):
            if getattr(self, name) < 0:
                raise BadLlmConfig(f"{name} must be at least 0.")
        if self.output_tokens >= self.context_tokens:
            raise BadLlmConfig("output_tokens must be less than context_tokens.")
        if not self.chart_seconds > 0:
            raise BadLlmConfig("chart_seconds must be above 0.")
        if not 0 <= self.temperature <= 2:
            raise BadLlmConfig("temperature must be from 0 to 2.")
        if self.prompt not in CODE_PROMPTS:
            known = ", ".join(CODE_PROMPTS)
            raise BadLlmConfig(f"prompt is {self.prompt!r}; it must be one of {known}.")
        if self.grounding not in GROUNDINGS:
            known = ", ".join(repr(word) for word in GROUNDINGS)
            raise BadLlmConfig(f"grounding is {self.grounding!r}; it must be one of {known}.")
        if self.closed and not self.grounding:
            raise BadLlmConfig("closed needs grounding: without candidates there is nothing to choose from.")

    @classmethod
    def from_settings(cls, **overrides: object) -> LlmConfig:
        """The settings LLM_*, with what a command says in their place. Raises BadLlmConfig."""
        values: dict[str, object] = {
            "base_urls": tuple(settings.LLM_BASE_URLS),
            "api_key_file": settings.LLM_API_KEY_FILE,
            "model": settings.LLM_MODEL,
            "prompt": settings.LLM_PROMPT,
            "context_tokens": settings.LLM_CONTEXT_TOKENS,
            "output_tokens": settings.LLM_OUTPUT_TOKENS,
            "passes": settings.LLM_PASSES,
            "temperature": settings.LLM_TEMPERATURE,
            "grounding": settings.LLM_GROUNDING,
            "closed": settings.LLM_CLOSED,
            "in_flight": settings.LLM_IN_FLIGHT,
            "max_waiting": settings.LLM_MAX_WAITING,
            "rate": settings.LLM_RATE,
            "chart_seconds": settings.LLM_CHART_SECONDS,
        }
        unknown = set(overrides) - {field.name for field in fields(cls)}
        if unknown:
            raise BadLlmConfig(f"unknown: {', '.join(sorted(unknown))}")
        return replace(cls(), **{**values, **overrides})  # type: ignore[arg-type]  # names were checked above

    def api_key(self) -> str:
        """What stands in the key file, "" where none is named. Raises NoKey."""
        if not self.api_key_file:
            return ""
        why = f"The file that LLM_API_KEY_FILE names ({self.api_key_file}) "
        try:
            key = Path(self.api_key_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise NoKey(f"{why}cannot be read: {error.strerror or type(error).__name__}.") from None
        except UnicodeDecodeError:
            # Its words would be those of the file.
            key = ""
        if not _KEY.fullmatch(key):
            raise NoKey(f"{why}does not hold one key: a word of printable ASCII characters.")
        return key
