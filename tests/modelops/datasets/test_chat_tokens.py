"""Tokens as the trainer will count them: by the base model's own tokenizer and chat template."""

import json
from pathlib import Path

import pytest

from modelops.datasets.chat_tokens import BadTokenizer, ChatTokens, Counted
from modelops.engines.llm.transport import Message
from tests.modelops.datasets.chat_model import TEMPLATE, make_chat_model

ASKED = (Message("system", "Code"), Message("user", "a b"))


def test_prompt_and_completion_by_hand(tmp_path: Path) -> None:
    tokens = ChatTokens(make_chat_model(tmp_path))
    # <|begin|> <|system|> \n Code <|end|> <|user|> \n a " " b <|end|> <|assistant|> \n; then: I10 <|end|>
    assert tokens.count(ASKED, "I10") == Counted(13, 2)
    assert tokens.count(ASKED, "I10").all == 15
    assert tokens.count(ASKED, "") == Counted(13, 1)


def test_a_template_of_its_own_goes_before_the_configs(tmp_path: Path) -> None:
    make_chat_model(tmp_path)
    first = ChatTokens(tmp_path)
    (tmp_path / "chat_template.jinja").write_text(TEMPLATE.replace("<|end|>", ""), encoding="utf-8")
    other = ChatTokens(tmp_path)
    assert other.count(ASKED, "I10") == Counted(11, 1)
    assert other.sha256 != first.sha256


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("", "no chat template"),
        ("{% for x in %}", "not valid"),
        ("{{ raise_exception('no system') }}", "refuses"),
        ("{{ messages.__class__.__mro__ }}{{ ''.__class__.__base__.__subclasses__() }}", "refuses"),
    ],
)
def test_a_template_that_cannot_be_used(template: str, problem: str, tmp_path: Path) -> None:
    make_chat_model(tmp_path, template)
    with pytest.raises(BadTokenizer, match=problem):
        ChatTokens(tmp_path).count(ASKED, "I10")


@pytest.mark.parametrize("content", [None, "no JSON", "[]", json.dumps({"model": {}}), '{"model": 3}'])
def test_a_folder_without_a_tokenizer(content: str | None, tmp_path: Path) -> None:
    make_chat_model(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(BadTokenizer, match=r"tokenizer\.json"):
        ChatTokens(tmp_path)
