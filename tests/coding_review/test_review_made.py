"""The review page says which engine, model version, adapter and prompt made each suggestion, and what was left out."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from coding_review.choices import EncounterStatus
from coding_review.models import CodeEntry, DiscardedOutput, PredictionRun
from coding_review.rules.discards import WORDS, discard_words
from coding_review.rules.run_problems import NEXT_STEP, next_step
from coding_review.web.review_made import left_out
from modelops import errors
from modelops.engines.types import Discarded
from tests.engines import NAME, PATH
from tests.prediction_steps import predicted, replace_text, taken_by

pytestmark = pytest.mark.django_db
SERVED = "served · served-1 · adapter cardiology-7 · prompt plain-1@0123456789ab"
NOTE = """Heart failure. [I50.22 0.95]
Hypertension. [I10 0.80]
[out Z99.9X fabricated]
[out Z98.7X fabricated]
[out E11 header]"""


@pytest.fixture
def encounter(icd10cm, served_engine, make_encounter):
    return make_encounter({"discharge summary": NOTE}, status=EncounterStatus.RECEIVED)


def page(user, encounter):
    client = Client()
    client.force_login(user)
    response = client.get(f"/encounters/{encounter.pk}/review/facility_inpatient/")
    assert response.status_code == 200
    return response.content.decode()


def test_each_suggestion_says_who_made_it(encounter, coder):
    predicted(encounter)
    text = page(coder, encounter)
    assert text.count(f'<p class="why made">{SERVED}</p>') == 2
    facts = dict(re.findall(r"<div><dt>([^<]+)</dt><dd>([^<]+)</dd></div>", text))
    finished = facts.pop("Finished")
    assert finished
    assert re.fullmatch(r"\d+\.\d s, 1 requests, 900 prompt tokens, 120 output tokens", facts.pop("Cost"))
    assert facts == {
        "Engine": "served",
        "Model version": "served-1",
        "Adapter": "cardiology-7",
        "Prompt": "plain-1@0123456789ab",
        "Prompt SHA-256": "ab" * 32,
        "Schema": "1",
        "Calibration": "none: confidence is uncalibrated",
    }


def test_suggestions_of_several_runs_are_told_apart(encounter, coder, settings):
    predicted(encounter)
    taken_by(encounter, coder)
    entry = CodeEntry.objects.get(code="I10")
    settings.ENGINE, settings.ENGINES = NAME, settings.ENGINES | {NAME: PATH}
    replace_text(encounter, "Heart failure. [I50.22 0.95]\nAnemia. [D64.9 0.70]")
    predicted(encounter)
    text = page(coder, encounter)
    marked = '<p class="why made">marked · marked-1</p>'
    assert text.count(marked) == 2
    cards = dict(re.findall(r'<li class="card [^>]*data-code="([^"]+)"[^>]*>(.*?)</li>', text, re.DOTALL))
    assert marked in cards["D64.9"]
    assert marked in cards["I50.22"]
    if entry.code in cards:
        assert SERVED in cards[entry.code]
    assert text.count("<dt>Engine</dt>") == 2


def test_what_was_left_out_stands_behind_a_disclosure_in_plain_words(encounter, coder):
    predicted(encounter)
    text = page(coder, encounter)
    assert "<summary>3 outputs of the engine left out</summary>" in text
    assert WORDS["fabricated"] in text.replace("&#x27;", "'")
    rows = left_out(PredictionRun.objects.get())
    assert [(row.reason, row.count, row.codes, row.more) for row in rows] == [
        ("No such code in the code set of the encounter's date", 2, ("Z99.9X", "Z98.7X"), 0),
        ("A category or subcategory, not a code that can be billed", 1, ("E11",), 0),
    ]


def test_of_many_codes_the_first_are_named(encounter):
    (run,) = predicted(encounter)
    DiscardedOutput.objects.bulk_create(
        DiscardedOutput(run=run, code=f"X{number:02}", reason="duplicate") for number in range(20)
    )
    row = left_out(run)[0]
    assert (row.count, len(row.codes), row.more) == (20, 12, 8)


def test_what_a_model_wrote_is_shown_as_text(encounter, coder):
    (run,) = predicted(encounter)
    DiscardedOutput.objects.create(run=run, code="<b onclick=x>", reason="<script>")
    text = page(coder, encounter)
    assert "&lt;b onclick=x&gt;" in text
    assert "<b onclick=x>" not in text
    assert "<script>x" not in text


def test_reading_first_hides_who_suggested_what(encounter, coder, settings):
    settings.READ_FIRST = True
    predicted(encounter)
    taken_by(encounter, coder)
    text = page(coder, encounter)
    assert "left out" not in text
    assert SERVED not in text


def test_every_reason_that_an_engine_may_give_has_words():
    named = re.search(r"one of (.*?)\.", str(Discarded.__doc__), re.DOTALL)
    assert named is not None
    reasons = {part.strip() for part in named[1].split(",")}
    assert len(reasons) > 5
    assert reasons - set(WORDS) == set()
    assert discard_words("some_new_reason") == "Some new reason"


def test_every_error_code_has_a_next_step_that_a_coder_can_read():
    def codes(kind):
        yield kind.code
        for each in kind.__subclasses__():
            if each.__module__ == errors.__name__:
                yield from codes(each)

    written = {"no_release", "code_set_closed", "worker_lost", "crashed"}
    asked = set(codes(errors.ModelopsError)) | written
    assert asked - set(NEXT_STEP) == set()
    assert next_step("never_heard_of") == "A lead or administrator can have it predicted again."


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (
            {
                "hybrid_terms": 1200,
                "hybrid_terms_asked": 31,
                "hybrid_lines": 60,
                "hybrid_lines_asked": 40,
                "requests": 1,
            },
            "about 31 of 1,200 terms, 40 of 60 lines",
        ),
        (
            {"hybrid_terms": 3, "hybrid_terms_asked": 0, "hybrid_lines": 9, "hybrid_lines_asked": 0},
            "about none of 3 terms",
        ),
    ],
)
def test_of_a_hybrid_engine_the_page_says_how_much_its_model_was_asked_about(encounter, coder, usage, said):
    (run,) = predicted(encounter)
    PredictionRun.objects.filter(pk=run.pk).update(usage=usage)
    facts = dict(re.findall(r"<div><dt>([^<]+)</dt><dd>([^<]+)</dd></div>", page(coder, encounter)))
    assert facts["Asked the language model"] == said
