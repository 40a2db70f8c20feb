"""Procedures in three steps: described by the model, looked up, chosen from what the catalog has."""

from __future__ import annotations

import datetime as dt

import pytest

from catalog.choices import CodeSystem
from modelops.engines.llm.numbered import number_lines, whole
from modelops.engines.llm.ports import Outcome
from modelops.engines.llm.procedures import ModelProcedures, description_schema
from modelops.engines.llm.transport import ChatAnswer
from modelops.engines.llm.windows import Window
from modelops.engines.types import Evidence
from modelops.errors import ContextTooLong, ServerUnavailable
from tests.modelops.engine_charts import chart
from tests.modelops.llm.scripted_talk import ScriptedTalk
from tests.procedure_releases import load_procedures, procedure_rows

pytestmark = pytest.mark.django_db

NOTE = "Visit for belly pain.\nGallbladder taken out by laparoscope today.\nSpecimen sent."
TAKEN_OUT = {
    "description": "laparoscopic cholecystectomy",
    "line_start": 2,
    "line_end": 2,
    "quote": "Gallbladder taken out by laparoscope",
}


def described(*rows):
    return {"procedures": list(rows)}


@pytest.fixture
def run(cpt_sample):
    def code(talk, *texts, **fields) -> Outcome:
        fields = {"procedure_releases": {"cpt": cpt_sample.pk}} | fields
        one = chart(*(texts or (NOTE,)), **fields)
        windows = [Window(whole(number_lines(one)))]
        return ModelProcedures(first=4).code(one, windows, talk)

    return code


def test_the_words_lead_to_codes_and_the_choice_is_among_them(run):
    talk = ScriptedTalk(described(TAKEN_OUT), {"1": "47562"})
    outcome = run(talk)
    (stands,) = outcome.suggestions
    assert (stands.system, stands.code) == ("cpt", "47562")
    assert stands.description == (
        "Taking out the gallbladder by keyhole surgery, no X-ray of the ducts (sample, not for billing)"
    )
    assert stands.evidence == (Evidence("d1", 2, 2, 0, 36, "Gallbladder taken out by laparoscope"),)
    assert (stands.confidence, stands.rationale) == (0.5, "Described as: laparoscopic cholecystectomy")
    assert outcome.usage["procedures_described"] == 1
    first, second = talk.requests
    assert first.schema == description_schema(1, 3)
    offered = second.schema["properties"]["1"]["enum"]
    assert offered[0] == "47562"
    assert offered[-1] == "none"
    assert "Visit for belly pain" in talk.prompts[0]
    # The choice is made on the description and its quote, not on the chart.
    assert "Visit for belly pain" not in talk.prompts[1]


def test_none_of_them_is_an_answer(run):
    outcome = run(ScriptedTalk(described(TAKEN_OUT), {"1": "none"}))
    assert outcome.suggestions == ()
    assert outcome.usage["procedures_none_chosen"] == 1


def test_a_code_that_was_not_offered_cannot_be_chosen(run):
    outcome = run(ScriptedTalk(described(TAKEN_OUT), {"1": "99999"}))
    assert outcome.suggestions == ()


def test_what_is_quoted_from_nowhere_is_left_out_and_counted(run):
    talk = ScriptedTalk(described(TAKEN_OUT | {"quote": "Appendix removed"}))
    outcome = run(talk)
    assert outcome.suggestions == ()
    assert outcome.usage["procedures_no_evidence"] == 1
    assert len(talk.requests) == 1


def test_a_quote_of_another_line_is_put_right(run):
    outcome = run(ScriptedTalk(described(TAKEN_OUT | {"line_start": 3, "line_end": 3}), {"1": "47562"}))
    assert [place.line_start for place in outcome.suggestions[0].evidence] == [2]
    assert outcome.usage["repaired_quotes"] == 1


def test_the_same_words_twice_are_one_question_with_both_places(run):
    text = "Gallbladder taken out by laparoscope.\nAgain: gallbladder out."
    rows = (
        TAKEN_OUT | {"line_start": 1, "line_end": 1},
        TAKEN_OUT | {"description": "Laparoscopic Cholecystectomy", "quote": "gallbladder out"},
    )
    talk = ScriptedTalk(described(*rows), {"1": "47562"})
    outcome = run(talk, text)
    assert [place.line_start for place in outcome.suggestions[0].evidence] == [1, 2]
    assert len(outcome.suggestions) == 1


def test_facility_inpatient_charts_are_not_asked_about(run):
    talk = ScriptedTalk()
    assert run(talk, claim_type="facility_inpatient") == Outcome(())
    assert talk.requests == []


def test_without_a_release_nothing_is_asked(run):
    talk = ScriptedTalk()
    assert run(talk, procedure_releases={}) == Outcome(())
    assert talk.requests == []


def test_codes_out_of_force_on_the_day_are_not_offered(run):
    rows = procedure_rows("A0001", valid_to=dt.date(2026, 2, 1))
    release = load_procedures(CodeSystem.HCPCS, rows)
    talk = ScriptedTalk(described(TAKEN_OUT | {"description": "Made up A0001"}))
    outcome = run(talk, procedure_releases={"hcpcs": release.pk}, date_of_service=dt.date(2026, 5, 4))
    assert outcome.suggestions == ()
    assert outcome.usage["procedures_without_code"] == 1


def test_nothing_done_costs_one_request(run):
    talk = ScriptedTalk(described())
    assert run(talk).suggestions == ()
    assert len(talk.requests) == 1


def test_an_answer_that_is_no_list_is_asked_for_again_once(run):
    talk = ScriptedTalk("nonsense", described(TAKEN_OUT), {"1": "47562"})
    outcome = run(talk)
    assert [stands.code for stands in outcome.suggestions] == ["47562"]
    assert [request.temperature for request in talk.requests] == [0.0, 0.3, 0.0]
    assert outcome.usage["retries"] == 1


def test_two_answers_that_are_no_list_give_none_and_are_counted(run):
    outcome = run(ScriptedTalk("{", '{"procedures": 3}'))
    assert outcome.suggestions == ()
    assert outcome.usage["procedures_unanswered"] == 1


# Twelve procedures need more than the answer's usual room.
CUT = ChatAnswer('{"procedures": [', "length", (), 100, 800, "m", "s")


def test_a_cut_answer_gets_twice_the_room(run):
    talk = ScriptedTalk(CUT, described(TAKEN_OUT), {"1": "47562"})
    outcome = run(talk)
    assert [stands.code for stands in outcome.suggestions] == ["47562"]
    assert [request.max_tokens for request in talk.requests[:2]] == [800, 1600]
    assert [request.temperature for request in talk.requests[:2]] == [0.0, 0.0]
    assert (outcome.usage["cut_answers"], outcome.usage["retries"]) == (1, 1)
    assert not outcome.usage["procedures_unanswered"]


def test_an_answer_cut_again_is_asked_for_by_halves(run):
    first, second = described(), described(TAKEN_OUT | {"line_start": 3, "line_end": 3})
    talk = ScriptedTalk(CUT, CUT, first, second, {"1": "47562"})
    outcome = run(talk)
    assert [stands.code for stands in outcome.suggestions] == ["47562"]
    assert (outcome.usage["cut_answers"], outcome.usage["halved_windows"]) == (2, 1)


def test_halves_that_are_cut_too_leave_nothing_and_are_counted(run):
    outcome = run(ScriptedTalk(*[CUT] * 6))
    assert outcome.suggestions == ()
    assert outcome.usage["procedures_unanswered"] == 2


def test_a_window_too_long_for_these_words_is_asked_for_by_halves(run):
    talk = ScriptedTalk(ContextTooLong(), described(), described(TAKEN_OUT), {"1": "47562"})
    assert [stands.code for stands in run(talk).suggestions] == ["47562"]
    with pytest.raises(ContextTooLong):
        run(ScriptedTalk(ContextTooLong(), ContextTooLong()))


def test_a_full_list_is_not_taken_for_the_whole(run):
    full = described(*[TAKEN_OUT | {"description": f"step {number}"} for number in range(20)])
    talk = ScriptedTalk(full, described(), described(TAKEN_OUT), {"1": "47562"})
    outcome = run(talk)
    assert [stands.code for stands in outcome.suggestions] == ["47562"]
    assert (outcome.usage["full_lists"], outcome.usage["halved_windows"]) == (1, 1)


def test_entries_of_the_wrong_shape_are_left_out(run):
    rows = (3, {"description": "x"}, TAKEN_OUT | {"line_start": True}, TAKEN_OUT | {"quote": " "}, TAKEN_OUT)
    outcome = run(ScriptedTalk(described(*rows), {"1": "47562"}))
    assert [stands.code for stands in outcome.suggestions] == ["47562"]
    assert (outcome.usage["procedures_described"], outcome.usage["procedures_malformed"]) == (1, 4)


def test_a_server_that_is_away_fails_the_chart(run):
    with pytest.raises(ServerUnavailable):
        run(ScriptedTalk(ServerUnavailable()))


def test_both_prompts_are_named():
    assert [part.partition(":")[0] for part in ModelProcedures().prompt_version.split("+")] == [
        "procedures-1",
        "choose-1",
    ]
