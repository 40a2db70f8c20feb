"""Who has it, whether, and when: what the words around a diagnosis do to it."""

import pytest

from tests.modelops.engine_charts import INPATIENT, codes, predict, tags


@pytest.mark.parametrize(
    "text",
    [
        "ASSESSMENT: No pneumonia.",
        "ASSESSMENT: Denies fever, chills, pneumonia.",
        "ASSESSMENT: Pneumonia was ruled out.",
        "A/P: no evidence of pneumonia on the film",
        "Impression: pneumonia excluded",
        "Checklist: [ ] Pneumonia",
        "ASSESSMENT: cough without pneumonia",
    ],
)
def test_negated_is_context_only(icd10cm, text):
    result = predict(icd10cm, text)
    assert ("J18.9", "negated") in tags(result)
    assert "J18.9" not in [s.code for s in result.suggestions]


def test_negation_ends_with_its_scope(icd10cm):
    assert codes(icd10cm, "ASSESSMENT: No fever, but pneumonia is present.") == ["J18.9"]
    assert codes(icd10cm, "ASSESSMENT:\nNo pneumonia.\nCOPD.") == ["J44.9"]
    assert codes(icd10cm, "A/P: COPD (no exacerbation), hypertension") == ["J44.9", "I10"]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("PLAN: return for pneumonia", "hypothetical"),
        ("PLAN: monitor for pneumonia", "hypothetical"),
        ("ASSESSMENT: at risk of pneumonia", "hypothetical"),
        ("ASSESSMENT: wife has pneumonia", "other_person"),
    ],
)
def test_hypothetical_and_other_people_are_context_only(icd10cm, text, tag):
    result = predict(icd10cm, text)
    assert ("J18.9", tag) in tags(result)
    assert "J18.9" not in [s.code for s in result.suggestions]


@pytest.mark.parametrize(
    "text",
    [
        "ASSESSMENT: possible pneumonia",
        "ASSESSMENT: probable pneumonia",
        "ASSESSMENT: pneumonia suspected",
        "ASSESSMENT: ?pneumonia",
        "ASSESSMENT: pneumonia vs atelectasis",
        "ASSESSMENT: r/o pneumonia",
    ],
)
def test_uncertain_is_never_suggested_for_an_outpatient(icd10cm, text):
    result = predict(icd10cm, text)
    assert ("J18.9", "uncertain") in tags(result)
    assert "J18.9" not in [s.code for s in result.suggestions]


def test_uncertain_at_the_end_of_an_inpatient_stay_is_suggested_and_says_so(icd10cm):
    text = "DISCHARGE SUMMARY\nDISCHARGE DIAGNOSES:\n1. Probable pneumonia\n"
    (suggestion,) = predict(icd10cm, text, **INPATIENT).suggestions
    assert (suggestion.code, suggestion.context) == ("J18.9", ("uncertain",))
    assert "II.H" in suggestion.rationale
    # The same words for a professional claim, or in a progress note of the stay, are not coded.
    assert predict(icd10cm, text).suggestions == ()
    assert predict(icd10cm, "PROGRESS NOTE\nASSESSMENT:\nProbable pneumonia", **INPATIENT).suggestions == ()


@pytest.mark.parametrize("named", ["COVID-19", "AIDS", "Zika virus disease"])
def test_what_must_be_confirmed_is_not_coded_from_suspicion(icd10cm, named):
    text = f"DISCHARGE SUMMARY\nDISCHARGE DIAGNOSES:\n1. Suspected {named}\n"
    result = predict(icd10cm, text, **INPATIENT)
    assert result.suggestions == ()
    assert {tag for _, tag in tags(result)} == {"uncertain"}


def test_family_history_gives_its_own_code_and_a_tag(icd10cm):
    result = predict(icd10cm, "FAMILY HISTORY: mother - breast cancer, father - stroke\n\nASSESSMENT: COPD")
    assert [(s.code, s.context) for s in result.suggestions] == [
        ("Z80.3", ("family",)),
        ("Z82.3", ("family",)),
        ("J44.9", ()),
    ]
    assert {tag for _, tag in tags(result)} == {"family"}


def test_a_relative_in_running_text_is_not_the_patient(icd10cm):
    result = predict(icd10cm, "HPI: Her sister has lupus. She has asthma.")
    assert [s.code for s in result.suggestions] == ["Z82.61", "J45.909"]


def test_personal_history_gives_its_own_code(icd10cm):
    found = {s.code: s.context for s in predict(icd10cm, "PMH: prostate cancer 2011, DVT 2014").suggestions}
    assert found == {"Z85.46": ("historical",), "Z86.718": ("historical",)}


def test_a_chronic_condition_under_past_history_is_current(icd10cm):
    result = predict(icd10cm, "PAST MEDICAL HISTORY\nCOPD\nhistory of hypertension\nAtrial fibrillation")
    assert [(s.code, s.context) for s in result.suggestions] == [("J44.9", ()), ("I10", ()), ("I48.91", ())]


def test_what_resolved_during_the_stay_is_coded_what_resolved_before_is_not(icd10cm):
    text = "HOSPITAL COURSE:\nAKI, resolved."
    assert codes(icd10cm, text, **INPATIENT) == ["N17.9"]
    result = predict(icd10cm, "PMH: hypokalemia, resolved")
    assert "E87.6" not in [s.code for s in result.suggestions]


def test_denied_elsewhere_lowers_the_confidence(icd10cm):
    plain = predict(icd10cm, "ASSESSMENT: pneumonia").suggestions[0]
    doubted = predict(icd10cm, "ASSESSMENT: pneumonia\n\nPLAN: No pneumonia.").suggestions[0]
    assert plain.code == doubted.code == "J18.9"
    assert doubted.confidence < plain.confidence
    assert "Denied elsewhere" in doubted.rationale
