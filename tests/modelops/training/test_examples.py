"""Rows to tokens: the question as a server is asked, a loss on the answer alone, nothing cut."""

import json

import pytest

from modelops.training.errors import Stopped
from modelops.training.examples import IGNORED, one_example, read_rows, tokenize
from tests.modelops.training.rows import row, write_rows


class Letters:
    """A tokenizer of single letters; `apart` False: the template writes the answer's turn another way."""

    def __init__(self, *, apart=True):
        self.apart = apart

    def apply_chat_template(self, conversation, *, add_generation_prompt, tokenize):
        assert tokenize is True
        text = "".join(f"<{one['role'][0]}>{one['content']}." for one in conversation)
        if add_generation_prompt:
            text += "<a>" if self.apart else "<b>"
        return {"input_ids": [ord(letter) for letter in text]}


def words(ids):
    return "".join(map(chr, ids))


def test_the_loss_is_on_the_answer_and_the_end_of_its_turn():
    made = tokenize([row("1| COPD", "yes")], Letters(), 100)
    (ids,), (labels,) = made.input_ids, made.labels
    assert words(ids) == "<u>1| COPD.<a>yes."
    assert words(label for label in labels if label != IGNORED) == "yes."
    assert labels[: len(ids) - 4] == [IGNORED] * (len(ids) - 4)
    assert made.counts() == {
        "examples": 1, "tokens": 18, "loss_tokens": 4, "longest": 18, "too_long": 0, "without_answer": 0,
    }  # fmt: skip


def test_an_answer_that_stands_in_the_question_too_is_learned_where_it_is_answered():
    question, answer = one_example(row("I10")["messages"], "I10", Letters())
    assert (words(question), words(answer)) == ("<u>I10.<a>", "I10.")


def test_what_is_too_long_is_left_out_and_counted_never_cut():
    rows = [row("x" * size, "yes") for size in (4, 5, 6)]
    made = tokenize(rows, Letters(), 16)
    assert [len(ids) for ids in made.input_ids] == [15, 16]
    assert made.too_long == 1
    assert all(any(label != IGNORED for label in labels) for labels in made.labels)


def test_none_may_be_left_to_validate_on_and_none_to_train_on_is_an_error():
    rows = [row("x" * 9, "yes")]
    assert tokenize(rows, Letters(), 16, may_be_empty=True).input_ids == []
    with pytest.raises(Stopped, match="1 are longer than 16 tokens"):
        tokenize(rows, Letters(), 16)


def test_a_template_that_mixes_question_and_answer_leaves_nothing_to_train_on():
    with pytest.raises(Stopped) as stopped:
        tokenize([row("a", "b")], Letters(apart=False), 100)
    assert stopped.value.code == "bad_dataset"


def test_rows_by_stage(tmp_path):
    path = write_rows(tmp_path / "t.jsonl", [row("a", stage="pairs"), row("b", stage="notes"), row("c")])
    assert [one["messages"][0]["content"] for one in read_rows(path, "notes")] == ["b"]
    assert len(list(read_rows(path))) == 3


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"completion": "x"}',
        '{"messages": [], "completion": "x"}',
        '{"messages": [1], "completion": ""}',
    ],
)
def test_a_line_that_is_no_example_is_named_by_its_number_alone(tmp_path, line):
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(row()) + "\n" + line + "\n")
    with pytest.raises(Stopped) as stopped:
        list(read_rows(path))
    assert stopped.value.code == "bad_dataset"
    assert str(stopped.value).startswith("t.jsonl: line 2 ")
