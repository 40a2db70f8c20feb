"""The stand-in knows what it says: its codes are the catalog's, its answers fit the schemas, its counts hold."""

from __future__ import annotations

import json
import math

import httpx
import pytest
import simple_icd_10_cm as icd

from modelops.engines.llm.client import VllmServer
from modelops.engines.llm.transport import Deadline
from tests.modelops.llm.contract import CHOICE, CLOSED, FIXED, OPEN, request
from tests.standin import answers, terms
from tests.standin.faults import KINDS
from tests.standin.process import StandInProcess


@pytest.mark.parametrize(("term", "description", "code"), terms.DIAGNOSES)
def test_its_codes_are_billable_and_described_as_in_the_catalog(
    term: str, description: str, code: str
) -> None:
    assert (icd.is_leaf(code), icd.get_description(code)) == (True, description)
    assert terms.diagnoses(f"7: with {term.upper()} today") == [
        {
            "description": description,
            "code": code,
            "rationale": "Line 7 names it.",
            "line_start": 7,
            "line_end": 7,
            "quote": term.upper(),
        }
    ]


@pytest.mark.parametrize("line", ["12: gout", "12| gout", "[12] gout", "L12: gout", "12\tgout", "  12. gout"])
def test_lines_numbered_in_any_usual_way_are_read(line: str) -> None:
    assert terms.numbered_lines(f"Text\n{line}\nend") == [(12, "gout")]


@pytest.mark.parametrize("text", ["", "Ünïcode \ud800 ²_x\n\t{}", '{"a": [1, -2.5e3]}', "\U0001f600 e\u0301"])
def test_its_tokens_make_up_the_text(text: str) -> None:
    assert "".join(answers.tokens_of(text)) == text


def test_what_the_schema_leaves_open_is_not_forced(standin: StandInProcess) -> None:
    answer = VllmServer(standin.url).chat(request(CLOSED), Deadline.after(120))
    assert json.loads(answer.text) == {
        "codes": [
            {"description": "Essential (primary) hypertension", "code": "I10", "line_start": 2},
            {"description": "Heart failure, unspecified", "code": "I50.9", "line_start": 3},
        ]
    }
    free = "".join(token.text for token in answer.tokens if not token.forced)
    assert free == '"Essential (primary) hypertension","Heart failure, unspecified"3]'
    assert {token.logprob for token in answer.tokens if not token.forced} == {math.log(answers.CERTAINTY)}


def test_constants_are_forced_and_choices_are_not(standin: StandInProcess) -> None:
    server = VllmServer(standin.url)
    fixed = server.chat(request(FIXED), Deadline.after(120))
    assert (fixed.text, {token.forced for token in fixed.tokens}) == ('{"code":"I50.9"}', {True})
    choice = server.chat(request(CHOICE), Deadline.after(120))
    assert (choice.text, {token.forced for token in choice.tokens}) == ('"keep"', {False})


def test_it_counts_what_it_does(standin: StandInProcess) -> None:
    server = VllmServer(standin.url, model="standin")
    standin.order("mute", times=1)
    standin.order("length", every=2, times=-1)
    reasons = [server.chat(request(OPEN), Deadline.after(120)).finish_reason for _ in range(4)]
    state = standin.state()
    assert reasons == ["stop", "length", "stop", "length"]
    assert (state["faults"], state["chats"], state["running"]) == ({"mute": 1, "length": 2}, 4, 0)


def test_an_order_for_what_it_cannot_do_is_refused(standin: StandInProcess) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        standin.order("dance")
    assert standin.state()["faults"] == {}


def test_every_fault_has_its_words() -> None:
    assert [kind for kind, words in KINDS.items() if not words] == []
