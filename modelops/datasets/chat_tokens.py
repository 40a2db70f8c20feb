"""How many tokens an example has for a base model: its tokenizer.json and its chat template, read from its folder.

The template is Jinja from a checkpoint, so it runs in Jinja's sandbox, as transformers runs it. Nothing else of the
folder is read and nothing is executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from modelops.engines.llm.transport import Message
from modelops.errors import ModelopsError

# What templates of the Llama 3 family put there; every day is as long as another.
_DAY = "26 Jul 2024"


class BadTokenizer(ModelopsError):
    """The folder has no tokenizer or chat template that can be used."""

    code = "bad_tokenizer"


@dataclass(frozen=True, slots=True)
class Counted:
    """`completion`: tokens of the answer and what ends it, which alone are trained on."""

    prompt: int
    completion: int

    @property
    def all(self) -> int:
        return self.prompt + self.completion


class ChatTokens:
    """Counts as the trainer will: the template over the question, then over question and answer."""

    def __init__(self, folder: Path) -> None:
        """Raises BadTokenizer."""
        self._tokenizer, digest = _tokenizer(folder / "tokenizer.json")
        config = _config(folder / "tokenizer_config.json")
        template = _template(folder, config)
        try:
            self._template = _environment().from_string(template)
        except TemplateError as error:
            raise BadTokenizer(f"The chat template in {folder.name} is not valid.") from error
        self._special = {
            name: _token(config.get(name)) for name in ("bos_token", "eos_token", "unk_token", "pad_token")
        }
        self.sha256 = hashlib.sha256(digest + b"\x00" + template.encode()).hexdigest()

    def count(self, messages: Sequence[Message], answer: str) -> Counted:
        """Raises BadTokenizer where the template refuses the messages."""
        asked = [{"role": one.role, "content": one.content} for one in messages]
        answered = [*asked, {"role": "assistant", "content": answer}]
        prompt = self._length(asked, add_generation_prompt=True)
        return Counted(prompt, self._length(answered, add_generation_prompt=False) - prompt)

    def _length(self, messages: list[dict[str, str]], *, add_generation_prompt: bool) -> int:
        try:
            text = self._template.render(
                messages=messages, add_generation_prompt=add_generation_prompt, tools=None, **self._special
            )
        except TemplateError as error:
            raise BadTokenizer("The chat template refuses the messages of a prompt.") from error
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def _tokenizer(path: Path) -> tuple[Tokenizer, bytes]:
    """What the library makes of the file's form is looked at first: all it raises is a plain Exception."""
    try:
        raw = path.read_bytes()
        found = json.loads(raw)
    except OSError as error:
        raise BadTokenizer(f"{path.parent.name} has no tokenizer.json that can be read.") from error
    except ValueError as error:
        raise BadTokenizer(f"tokenizer.json in {path.parent.name} is not JSON.") from error
    model = found.get("model") if isinstance(found, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict | list):
        raise BadTokenizer(f"tokenizer.json in {path.parent.name} is not a tokenizer.")
    tokenizer = Tokenizer.from_str(raw.decode("utf-8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, raw


def _config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadTokenizer(f"tokenizer_config.json in {path.parent.name} cannot be read.") from error
    return found if isinstance(found, dict) else {}


def _template(folder: Path, config: dict[str, Any]) -> str:
    """A file of its own where there is one, as newer transformers write it."""
    own = folder / "chat_template.jinja"
    try:
        found = own.read_text(encoding="utf-8") if own.is_file() else config.get("chat_template")
    except (OSError, UnicodeDecodeError) as error:
        raise BadTokenizer(f"chat_template.jinja in {folder.name} cannot be read.") from error
    if isinstance(found, list):
        named = {one.get("name"): one.get("template") for one in found if isinstance(one, dict)}
        found = named.get("default")
    if not isinstance(found, str) or not found.strip():
        raise BadTokenizer(f"{folder.name} has no chat template: name a model that was made for chat.")
    return found


def _token(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


class _Generation(Extension):
    """`{% generation %}`, by which a template marks the answer; it adds no text."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _as_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _day_of
    return environment


def _as_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    raise TemplateError(message)


def _day_of(form: str) -> str:
    return _DAY


# What a builder needs of a tokenizer; tests count characters.
Count = Callable[[Sequence[Message], str], Counted]
