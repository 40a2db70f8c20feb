"""Documents that disagree on a diagnosis: the rule, and what the cards and the list of findings say."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding_review.actions.claim import claim
from coding_review.actions.receive_encounter import receive_encounter
from coding_review.demo.encounters import demo_encounters
from coding_review.models import CodeEntry, CodeSet
from coding_review.rules.conflicts import COEXIST, Suggested, conflicts, side_of
from coding_review.web.review_build import Builder, Wanted
from modelops.choices import Band
from tests.coding_review.entries import suggest
from tests.deliveries import predict_waiting

ATTENDING, CONSULT, OTHER = 1, 2, 3
SIDES = {ATTENDING: "attending", CONSULT: "consultant", OTHER: ""}


@pytest.mark.parametrize(
    ("document_type", "author_role", "side"),
    [
        ("Discharge summary", "attending physician", "attending"),
        ("Progress note", "Attending", "attending"),
        ("Cardiology consultation", "consulting physician", "consultant"),
        ("Discharge summary", "consultant", "consultant"),
        ("consult_note", "", "consultant"),
        ("discharge_summary", "", "attending"),
        ("H&P", "resident", "attending"),
        ("Progress note", "physician assistant", ""),
        ("Pathology report", "pathologist", ""),
        ("", "", ""),
    ],
)
def test_who_speaks_in_a_document(document_type: str, author_role: str, side: str) -> None:
    assert side_of(document_type, author_role) == side


def found(*rows: tuple[str, set[int]] | tuple[str, set[int], str]) -> set[tuple[str, str]]:
    """The pairs of codes at odds, the first one's first."""
    suggested = [
        Suggested(n, row[0], row[2] if len(row) == 3 else "", frozenset(row[1])) for n, row in enumerate(rows)
    ]
    pairs = conflicts(suggested, SIDES)
    codes = {one.id: one.code for one in suggested}
    return {(codes[pk], other.code) for pk, others in pairs.items() for other in others}


@pytest.mark.parametrize(
    ("rows", "at_odds"),
    [
        ([("I50.33", {ATTENDING}), ("I50.43", {CONSULT})], True),
        ([("I50.33", {ATTENDING, OTHER}), ("I50.43", {CONSULT, OTHER})], True),
        ([("N18.31", {ATTENDING}), ("N18.4", {CONSULT})], True),
        # Both sides say the one, so the other is not the consultant's against the attending provider's.
        ([("I50.33", {ATTENDING, CONSULT}), ("I50.43", {CONSULT})], False),
        ([("I50.33", {ATTENDING}), ("I50.43", {ATTENDING})], False),
        ([("I50.33", {ATTENDING}), ("I50.43", {OTHER})], False),
        ([("I50.33", {ATTENDING}), ("I51.7", {CONSULT})], False),
        # Less specific is not something else.
        ([("I50.33", {ATTENDING}), ("I50.9", {CONSULT}, "Heart failure, unspecified")], False),
        ([("I50.33", {ATTENDING}), ("I50.30", {CONSULT}, "Unspecified diastolic heart failure")], False),
        ([("I50.43", {ATTENDING}), ("I50.30", {CONSULT}, "Unspecified diastolic heart failure")], True),
        ([("N18.32", {ATTENDING}), ("N18.30", {CONSULT}, "CKD, stage 3 unspecified")], False),
        ([("N18.4", {ATTENDING}), ("N18.30", {CONSULT}, "CKD, stage 3 unspecified")], True),
        ([("I48.91", {ATTENDING}, "Unspecified atrial fibrillation"), ("I48.0", {CONSULT})], False),
        # What stands beside each other.
        ([("E11.22", {ATTENDING}), ("E11.42", {CONSULT})], False),
        ([("Z79.4", {ATTENDING}), ("Z79.01", {CONSULT})], False),
        ([("S72.001A", {ATTENDING}), ("S72.141A", {CONSULT})], False),
    ],
)
def test_what_is_at_odds(rows: list, at_odds: bool) -> None:
    one, other = rows[0][0], rows[1][0]
    assert found(*rows) == ({(one, other), (other, one)} if at_odds else set())
    assert found(*rows[::-1]) == found(*rows)


def test_every_row_of_the_table_says_why() -> None:
    assert all(prefixes and why for prefixes, why in COEXIST)


TEXTS = {
    "discharge summary": "Acute on chronic diastolic heart failure.\nHypertension.",
    "cardiology consultation": "Acute on chronic combined heart failure.",
}
DIASTOLIC = ("I50.33", Band.HIGH, "Acute on chronic diastolic heart failure")
COMBINED = ("I50.43", Band.MEDIUM, "Acute on chronic combined heart failure")
PRESSURE = ("I10", Band.HIGH, "Hypertension")
SAID = (
    "Documents disagree I50.33 in Discharge summary, I50.43 in Cardiology consultation."
    " Query the attending provider. I.B.14"
)


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def card(html: str, entry: CodeEntry) -> str:
    return words(html.split(f'id="entry-{entry.pk}"')[1].split("</li>")[0])


def panel(html: str) -> str:
    return words(html.split('<div id="findings"')[1].split("</section>")[0])


@pytest.mark.django_db
def test_cards_of_codes_at_odds_say_so_and_the_list_has_it_once(
    icd10cm, make_encounter, coder, client
) -> None:
    encounter = make_encounter(TEXTS)
    code_set = encounter.code_sets.get()
    diastolic, combined, pressure = suggest(code_set, DIASTOLIC, COMBINED, PRESSURE)
    claim(coder, encounter.pk)
    client.force_login(coder)
    page = reverse("web:review", args=[encounter.pk, code_set.claim_type])
    html = client.get(page).content.decode()
    assert SAID in card(html, diastolic)
    assert SAID in card(html, combined)
    assert "Documents disagree" not in card(html, pressure)
    assert panel(html).count(SAID) == 1

    # Deciding on one leaves the documents as they are; what is set aside needs no query.
    answer = client.post(
        reverse("web:entry-decide", args=[combined.pk]),
        {"action": "reject", "reason": "conflicting_documentation", "version": 0},
        headers={"HX-Request": "true"},
    ).content.decode()
    assert "Documents disagree" not in card(answer, combined)
    html = client.get(page).content.decode()
    assert SAID in card(html, diastolic)
    assert "Documents disagree" not in card(html, combined)
    assert panel(html).count(SAID) == 1


@pytest.mark.django_db
def test_one_query_however_many_and_none_where_only_one_side_speaks(icd10cm, make_encounter, coder) -> None:
    def asked(texts: dict[str, str], *codes: tuple[str, str, str]) -> int:
        code_set = make_encounter(texts).code_sets.get()
        suggest(code_set, *codes)
        builder = Builder(coder, code_set, Wanted())
        assert builder.versions
        with CaptureQueriesContext(connection) as captured:
            assert len(builder.disagreements.by_entry) == (2 if COMBINED in codes else 0)
        return len(captured)

    assert asked(TEXTS, DIASTOLIC, COMBINED) == 1
    assert asked(TEXTS, DIASTOLIC, COMBINED, PRESSURE) == 1
    assert asked({"discharge summary": TEXTS["discharge summary"]}, DIASTOLIC, PRESSURE) == 0


@pytest.mark.django_db
def test_a_reading_that_hides_suggestions_hides_what_they_disagree_on(
    icd10cm, make_encounter, coder, client, settings
) -> None:
    settings.READ_FIRST = True
    encounter = make_encounter(TEXTS)
    code_set = encounter.code_sets.get()
    suggest(code_set, DIASTOLIC, COMBINED)
    claim(coder, encounter.pk)
    client.force_login(coder)
    html = client.get(reverse("web:review", args=[encounter.pk, code_set.claim_type])).content.decode()
    assert "Documents disagree" not in html


@pytest.mark.django_db
def test_the_demos_consult_that_conflicts_is_found(icd10cm, work_group, coder) -> None:
    stay = next(one for one in demo_encounters() if one.id.startswith("demo-01"))
    receive_encounter(None, stay.delivery, via="demo")
    predict_waiting()
    code_set = CodeSet.objects.get()
    builder = Builder(coder, code_set, Wanted())
    codes = {CodeEntry.objects.get(pk=pk).code for pk in builder.disagreements.by_entry}
    assert codes == {"I50.33", "I50.43"}
    (finding,) = builder.disagreements.listed
    assert finding.message.startswith("I50.33 in ")
    assert "I50.43 in Cardiology consultation. Query the attending provider." in finding.message
