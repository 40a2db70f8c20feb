"""The evidence of a ruling: the readers', one reader's, the label's, or what the adjudicator selects in the text."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Release
from coding_review.actions.gold_adjudication import finish_adjudication, rule_on_code, start_adjudication
from coding_review.actions.gold_freeze import freeze_gold_set
from coding_review.actions.gold_project import close_gold_reading
from coding_review.audit_gold import verify_gold
from coding_review.errors import InvalidDecision
from coding_review.gold.queries import items_to_adjudicate
from coding_review.gold.stances import JudgedCode
from coding_review.models import Adjudication, AuditEvent, GoldReading, GoldRuling, GoldSetLabel
from tests.coding_review.gold_rows import open_study, read_chart
from tests.personas import MakeEncounter


@pytest.fixture
def begun(
    icd10cm: Release, lead: User, coder: User, expert: User, adjudicator: User, make_encounter: MakeEncounter,
    monkeypatch: pytest.MonkeyPatch,
) -> Adjudication:  # fmt: skip
    """Both add dyspnea, by other lines; of the kidney disease nobody lets the evidence stand."""
    # Every agreed code is drawn for a look.
    monkeypatch.setattr("coding_review.gold.stances.DRAWN_SHARE", 1.0)
    study = open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")])
    read_chart(coder, study.project, {"N18.32": "reject"}, [("R06.02", 2)])
    read_chart(
        expert, study.project, {"N18.32": "approve_evidence_wrong", "E11.22": "reject"}, [("R06.02", 3)]
    )
    close_gold_reading(lead, study.project.pk)
    return start_adjudication(adjudicator, study.charts[0].pk)


def item(begun: Adjudication, code: str) -> JudgedCode:
    return next(i for i in items_to_adjudicate(begun.chart) if i.code == code)


def lines(begun: Adjudication, code: str) -> list[int]:
    return [place.line_start for place in item(begun, code).evidence]


def send(client: Client, begun: Adjudication, code: str, **more: str) -> int:
    body = {"system": "icd10cm", "code": code, "ruling": "keep", **more}
    return client.post(reverse("web:gold-rule", args=[begun.pk]), body).status_code


def number_of(begun: Adjudication, user: User) -> str:
    reading = GoldReading.objects.get(reader__user=user)
    return str(next(s.number for s in item(begun, "R06.02").stances if s.reading_id == reading.pk))


def test_one_readers_evidence_is_chosen_from_the_page_and_frozen(
    begun: Adjudication, adjudicator: User, expert: User, client: Client
) -> None:
    client.force_login(adjudicator)
    assert lines(begun, "R06.02") in ([2, 3], [3, 2])
    chosen = number_of(begun, expert)
    page = client.get(reverse("web:gold-adjudication", args=[begun.chart.project_id, begun.chart_id]))
    assert f"Reader {chosen}'s, L3".replace("'", "&#x27;") in page.content.decode()
    assert send(client, begun, "R06.02", evidence=chosen) == 302
    assert lines(begun, "R06.02") == [3]
    # A comment written afterwards keeps what was chosen.
    assert send(client, begun, "R06.02", ruling="comment", comment="The assessment", evidence="own") == 302
    assert (lines(begun, "R06.02"), item(begun, "R06.02").ruling_comment) == ([3], "The assessment")
    for code in ("N18.32", "E11.22", "I50.23"):
        rule_on_code(
            adjudicator, begun.pk, code=code, ruling="keep", cites="label" if code == "N18.32" else ""
        )
    finish_adjudication(adjudicator, begun.pk)
    freeze_gold_set(adjudicator, begun.chart.project_id, purpose="evaluation")
    frozen = {label.code: [e["line_start"] for e in label.evidence] for label in GoldSetLabel.objects.all()}
    # Of the kidney disease the lines that its readers were shown, since neither let them stand.
    assert frozen == {"R06.02": [3], "N18.32": [4], "E11.22": [4], "I50.23": [3]}
    assert list(verify_gold()) == []


def test_words_selected_in_the_text_become_the_evidence(
    begun: Adjudication, adjudicator: User, client: Client
) -> None:
    client.force_login(adjudicator)
    version = begun.chart.documents.get()
    start = version.lines[4].index("No evidence")
    place = {
        "evidence": "selected",
        "document": str(version.pk),
        "line_start": "5",
        "line_end": "5",
        "col_start": str(start),
        "col_end": str(start + 11),
        "quote": "No evidence",
    }
    assert send(client, begun, "N18.32", **place) == 302
    (found,) = item(begun, "N18.32").evidence
    assert (found.line_start, found.col_start, found.col_end) == (5, start, start + 11)
    event = AuditEvent.objects.filter(type="gold.ruled").latest("pk")
    assert event.payload.body["quotes"] == ["No evidence"]
    # What is not what stands there is refused, and so is a selection that is not there.
    assert send(client, begun, "R06.02", **{**place, "quote": "Evidence no"}) == 422
    assert send(client, begun, "R06.02", evidence="selected") == 422
    assert GoldRuling.objects.count() == 1


def test_a_document_of_another_encounter_and_a_source_that_is_not_there_are_refused(
    begun: Adjudication, adjudicator: User, client: Client, make_encounter: MakeEncounter
) -> None:
    foreign = make_encounter().documents.get().versions.get()
    client.force_login(adjudicator)
    place = {"evidence": "selected", "document": str(foreign.pk), "line_start": "1", "line_end": "1"}
    assert send(client, begun, "R06.02", **place) == 422
    for cites in ("3", "own", "label", "everybody"):
        assert send(client, begun, "R06.02", evidence=cites) == 422
        with pytest.raises(InvalidDecision, match="whose evidence"):
            rule_on_code(adjudicator, begun.pk, code="R06.02", ruling="keep", cites=cites)
    assert not GoldRuling.objects.exists()
