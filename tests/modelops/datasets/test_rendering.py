"""What a model is trained on is what the engine asks, and its answer is one that the engine accepts."""

import datetime as dt
import json

import jsonschema
import pytest

from modelops.datasets.rendering import AnswerCode, BadExample, render
from modelops.engines.llm.code_prompts import CODES, SHORT
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.engine import LlmEngine
from modelops.engines.llm.parse import parse_answer
from modelops.engines.llm.prompt import load_prompt
from modelops.engines.llm.schema import MAX_ITEMS
from modelops.engines.types import ChartDocument, ChartText
from tests.modelops.llm.scripted import ScriptedServer

DOCUMENTS = (
    ChartDocument("d1", "SUBJECTIVE: tired\n\nA/P: COPD,  hypertension", "clinic note", "physician"),
    ChartDocument("d2", "Addendum:\u2028type 2 diabetes\nwithout complications, “stable”", "addendum"),
)
CHART = ChartText(
    "c",
    DOCUMENTS,
    claim_type="professional",
    date_of_service=dt.date(2026, 5, 4),
    age=54.0,
    sex="F",
)
COPD = AnswerCode("J44.9", "Chronic obstructive pulmonary disease, unspecified", "d1", 3, 3, "COPD")
PRESSURE = AnswerCode("I10", "Essential (primary) hypertension", "d1", 3, 3, "hypertension", "Is named.")
DIABETES = AnswerCode(
    "E11.9",
    "Type 2 diabetes mellitus without complications",
    "d2",
    1,
    2,
    "type 2 diabetes\nwithout complications",
)
LABELS = (DIABETES, PRESSURE, COPD)


@pytest.mark.parametrize(("prompt", "on_line_three"), [(CODES, ["J44.9", "I10"]), (SHORT, ["I10", "J44.9"])])
def test_the_engine_asks_what_the_example_asks_and_takes_its_answer(icd10cm, prompt, on_line_three):
    rendered = render(CHART, LABELS, prompt=prompt)
    server = ScriptedServer([rendered.answer])
    result = LlmEngine(server, LlmConfig(prompt=prompt)).predict(CHART, icd10cm.pk)
    (request,) = server.requests
    assert request.messages == rendered.messages
    assert request.schema is not None
    jsonschema.validate(json.loads(rendered.answer), request.schema)
    found = [(s.code, s.evidence[0].document_id, s.evidence[0].line_start) for s in result.suggestions]
    assert found == [*((code, "d1", 3) for code in on_line_three), ("E11.9", "d2", 1)]
    assert (result.discarded, result.made_by.prompt_version) == ((), rendered.prompt_version)
    assert rendered.prompt_version == load_prompt(prompt).version


def test_the_answer_is_compact_json_in_the_order_of_the_schema_and_of_the_text():
    answer = render(CHART, LABELS).answer
    assert answer == (
        '{"codes":['
        '{"description":"Chronic obstructive pulmonary disease, unspecified","code":"J44.9","rationale":"",'
        '"line_start":3,"line_end":3,"quote":"COPD"},'
        '{"description":"Essential (primary) hypertension","code":"I10",'
        '"rationale":"Is named.","line_start":3,"line_end":3,"quote":"hypertension"},'
        '{"description":"Type 2 diabetes mellitus without complications","code":"E11.9","rationale":"",'
        '"line_start":4,"line_end":5,"quote":"type 2 diabetes without complications"}'
        "]}"
    )
    assert [item.code for item in parse_answer(answer).items] == ["J44.9", "I10", "E11.9"]


def test_the_short_answer_quotes_the_beginning_of_the_line_whatever_words_of_it_were_accepted():
    answer = render(CHART, LABELS, prompt=SHORT).answer
    assert answer == (
        '{"codes":['
        '{"description":"Essential (primary) hypertension","code":"I10",'
        '"rationale":"","line_start":3,"line_end":3,"quote":"A/P: COPD,  hypertension"},'
        '{"description":"Chronic obstructive pulmonary disease, unspecified","code":"J44.9","rationale":"",'
        '"line_start":3,"line_end":3,"quote":"A/P: COPD,  hypertension"},'
        '{"description":"Type 2 diabetes mellitus without complications","code":"E11.9","rationale":"",'
        '"line_start":4,"line_end":4,"quote":"Addendum: type 2"}'
        "]}"
    )


def test_the_short_question_is_the_numbered_lines_and_little_else():
    (question,) = render(CHART, (), prompt=SHORT).messages
    assert (question.role, question.content) == (
        "user",
        "ICD-10-CM codes that these lines support, as JSON.\n\nOutpatient.\n\n"
        "The patient is 54 years old, female.\n\n"
        "DOCUMENTS\n[clinic note, physician]\n1| SUBJECTIVE: tired\n3| A/P: COPD,  hypertension\n"
        "[addendum]\n4| Addendum: type 2 diabetes\n5| without complications, “stable”\nEND\n\nCODES",
    )


def test_a_chart_without_codes_has_the_empty_answer():
    assert render(CHART, ()).answer == '{"codes":[]}'


def test_lines_without_a_quote_are_quoted_by_the_first_that_is_not_blank():
    whole = AnswerCode("J44.9", "COPD", "d1", 2, 3)
    (item,) = json.loads(render(CHART, [whole]).answer)["codes"]
    assert (item["line_start"], item["line_end"], item["quote"]) == (3, 3, "A/P: COPD,  hypertension")


def test_a_long_quote_ends_at_a_word():
    words = "chronic " * 60
    chart = ChartText("c", (ChartDocument("d", words),), claim_type="professional")
    (item,) = json.loads(render(chart, [AnswerCode("I10", "x", "d", 1, 1)], prompt=SHORT).answer)["codes"]
    assert item["quote"] == "chronic chronic chronic"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (AnswerCode("I10", "x", "d3", 1, 1, "COPD"), "unknown_line"),
        (AnswerCode("I10", "x", "d1", 3, 9, "COPD"), "unknown_line"),
        (AnswerCode("I10", "x", "d1", 3, 1, "COPD"), "unknown_line"),
        (AnswerCode("I10", "x", "d1", 1, 1, "COPD"), "no_evidence"),
        (AnswerCode("I10", "x", "d1", 2, 2), "no_evidence"),
        (AnswerCode("I10", "x", "d1", 3, 3, "asthma"), "no_evidence"),
    ],
)
def test_evidence_that_is_not_in_the_lines_makes_no_example(code, reason):
    with pytest.raises(BadExample) as refused:
        render(CHART, [COPD, code])
    assert refused.value.reason == reason
    assert "asthma" not in str(refused.value)


def test_more_codes_than_an_answer_may_list_make_no_example():
    assert len(json.loads(render(CHART, [COPD] * (MAX_ITEMS - 1)).answer)["codes"]) == MAX_ITEMS - 1
    with pytest.raises(BadExample) as refused:
        render(CHART, [COPD] * MAX_ITEMS)
    assert refused.value.reason == "too_many"


def test_a_chart_without_text_makes_no_example():
    blank = ChartText("c", (ChartDocument("d", " \n\t"),), claim_type="professional")
    with pytest.raises(BadExample) as refused:
        render(blank, ())
    assert refused.value.reason == "no_text"
