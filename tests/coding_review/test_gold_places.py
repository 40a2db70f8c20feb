"""Role, present on admission and place in the code set of gold codes: from labels and rulings into the frozen set."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Release
from coding_review.actions.gold_adjudication import (
    finish_adjudication,
    rule_on_code,
    start_adjudication,
    undo_ruling,
)
from coding_review.actions.gold_exchange import export_gold, import_gold
from coding_review.actions.gold_freeze import freeze_gold_set
from coding_review.actions.gold_labels import label_gold_charts
from coding_review.actions.gold_project import add_gold_reader, close_gold_reading, open_gold_project
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.audit_gold import verify_gold
from coding_review.errors import InvalidDecision, InvalidImport
from coding_review.gold.queries import items_to_adjudicate
from coding_review.gold.stances import Placed
from coding_review.models import Adjudication, AuditEvent, GoldLabel, GoldRuling, GoldSet
from coding_review.rules.gold_presets import Protocol
from tests.coding_review.audit_sample import tamper
from tests.coding_review.gold_rows import Study, charts_with_labels, draft, read_chart
from tests.personas import MakeEncounter

IMPORTED = Protocol(readings_per_chart=2, repeat_share=0.0, label_source="imported")
SET = "UPDATE coding_review_goldruling SET"
CODES = [
    {"code": "I50.23", "sequence": 1, "role": "Principal", "poa": "y"},
    {"code": "N18.32", "sequence": 3, "poa": "exempt"},
    {"code": "E11.22"},
]


def labelled(lead: User, study: Study, codes: list[dict[str, Any]]) -> int:
    (chart,) = study.charts
    row = {"id": chart.code_set.encounter.source_id, "codes": codes}
    return label_gold_charts(lead, study.project.pk, [json.dumps(row).encode()])


@pytest.fixture
def waiting(icd10cm: Release, lead: User, make_encounter: MakeEncounter) -> Study:
    charts_with_labels(make_encounter, 1)
    project = draft(lead, IMPORTED)
    return Study(project, sample_gold_charts(lead, project.pk, size=1))


@pytest.fixture
def closed(waiting: Study, lead: User, coder: User, expert: User, adjudicator: User) -> Adjudication:
    """The readers differ on the kidney disease and agree on the rest."""
    labelled(lead, waiting, CODES)
    for user, profession in ((coder, "coder"), (expert, "clinician")):
        add_gold_reader(lead, waiting.project.pk, user_id=user.pk, profession=profession)
    open_gold_project(lead, waiting.project.pk)
    read_chart(coder, waiting.project, {"N18.32": "reject"})
    read_chart(expert, waiting.project, {})
    close_gold_reading(lead, waiting.project.pk)
    waiting.project.refresh_from_db()
    return start_adjudication(adjudicator, waiting.charts[0].pk)


def placed(adjudication: Adjudication) -> dict[str, Placed]:
    return {item.code: item.placed for item in items_to_adjudicate(adjudication.chart)}


def finish(adjudicator: User, adjudication: Adjudication) -> Adjudication:
    """Which of the agreed codes are drawn for a look depends on the chart's number: they are kept."""
    for item in items_to_adjudicate(adjudication.chart):
        if item.needs_ruling and not item.status:
            rule_on_code(adjudicator, adjudication.pk, code=item.code, ruling="keep")
    return finish_adjudication(adjudicator, adjudication.pk)


def test_labels_from_a_file_bring_their_place(waiting: Study, lead: User) -> None:
    assert labelled(lead, waiting, CODES) == 3
    found = GoldLabel.objects.order_by("rank").values_list("code", "role", "poa", "sequence")
    assert list(found) == [("I50.23", "principal", "Y", 1), ("N18.32", "", "1", 3), ("E11.22", "", "", None)]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"role": "chief"}, "codes[0].role: not one of"),
        ({"role": 5}, "codes[0].role: not one of"),
        ({"poa": "maybe"}, "codes[0].poa: not one of"),
        ({"sequence": "first"}, "codes[0].sequence: not a whole number from 0 on"),
        ({"sequence": True}, "codes[0].sequence: not a whole number from 0 on"),
    ],
)
def test_what_is_no_place_is_told_with_its_line(
    waiting: Study, lead: User, said: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidImport) as raised:
        labelled(lead, waiting, [{"code": "I50.23", **said}])
    assert raised.value.data["errors"][0]["line"] == 1
    assert raised.value.data["errors"][0]["message"].startswith(message)
    assert not GoldLabel.objects.filter(chart__project=waiting.project).exists()


def test_a_ruling_says_what_the_label_does_not(closed: Adjudication, adjudicator: User) -> None:
    assert placed(closed) == {
        "I50.23": Placed("principal", "Y", 1),
        "N18.32": Placed("", "1", 3),
        "E11.22": Placed(),
    }
    rule_on_code(adjudicator, closed.pk, code="N18.32", ruling="keep", placed=Placed("secondary", "Y", None))
    assert placed(closed)["N18.32"] == Placed("secondary", "Y", 3)
    # Ruled again without a word on it: as it stands. Taken back: as before.
    rule_on_code(adjudicator, closed.pk, code="N18.32", ruling="out")
    assert placed(closed)["N18.32"] == Placed("secondary", "Y", 3)
    undo_ruling(adjudicator, closed.pk)
    undo_ruling(adjudicator, closed.pk)
    assert placed(closed)["N18.32"] == Placed("", "1", 3)
    event = AuditEvent.objects.filter(type="gold.ruled").earliest("pk")
    assert (event.data["role"], event.data["poa"], "sequence" in event.data) == ("secondary", "Y", False)


@pytest.mark.parametrize(
    "said",
    [Placed(role="chief"), Placed(poa="X"), Placed(sequence=0), Placed(sequence=1000)],
    ids=["role", "poa", "too low", "too high"],
)
def test_what_is_no_place_is_not_ruled(closed: Adjudication, adjudicator: User, said: Placed) -> None:
    with pytest.raises(InvalidDecision):
        rule_on_code(adjudicator, closed.pk, code="N18.32", ruling="keep", placed=said)
    assert not GoldRuling.objects.exists()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Placed(role="first_listed"), "2 codes are principal or first-listed"),
        (Placed(sequence=1), "2 codes stand at place 1"),
    ],
)
def test_one_code_is_principal_and_one_stands_at_each_place(
    closed: Adjudication, adjudicator: User, said: Placed, message: str
) -> None:
    rule_on_code(adjudicator, closed.pk, code="N18.32", ruling="keep", placed=said)
    with pytest.raises(InvalidDecision, match=message):
        finish(adjudicator, closed)
    closed.refresh_from_db()
    assert closed.status == "open"
    # A code that is out claims no place.
    rule_on_code(adjudicator, closed.pk, code="N18.32", ruling="out")
    assert finish(adjudicator, closed).status == "finished"


def test_the_frozen_set_keeps_it_and_goes_round(closed: Adjudication, adjudicator: User, lead: User) -> None:
    rule_on_code(adjudicator, closed.pk, code="N18.32", ruling="out")
    rule_on_code(adjudicator, closed.pk, code="E11.22", ruling="keep", placed=Placed("secondary", "N", 2))
    finish(adjudicator, closed)
    frozen = freeze_gold_set(adjudicator, closed.chart.project_id, purpose="evaluation")
    out, again = io.BytesIO(), io.BytesIO()
    export_gold(lead, frozen.pk, out=out, with_text=True)
    (row,) = [json.loads(line) for line in out.getvalue().splitlines()]
    said = {code["code"]: (code.get("sequence"), code.get("role"), code.get("poa")) for code in row["codes"]}
    assert said == {
        "I50.23": (1, "principal", "Y"),
        "E11.22": (2, "secondary", "N"),
        "N18.32": (None, None, None),
    }
    copy = import_gold(lead, out.getvalue().splitlines(), name="Copy", purpose="evaluation", without_phi=True)
    export_gold(lead, copy.pk, out=again, with_text=True)
    assert [json.loads(line)["codes"] for line in again.getvalue().splitlines()] == [row["codes"]]
    assert list(verify_gold()) == []
    assert GoldSet.objects.count() == 2


def test_a_place_changed_in_the_database_is_found(closed: Adjudication, adjudicator: User) -> None:
    plain = rule_on_code(adjudicator, closed.pk, code="N18.32", ruling="out")
    said = rule_on_code(
        adjudicator, closed.pk, code="E11.22", ruling="keep", placed=Placed("secondary", "N", 2)
    )
    assert list(verify_gold()) == []
    tamper(f"{SET} sequence = 1 WHERE id = %s", plain.pk)
    assert [fault.problem for fault in verify_gold()] == [f"gold ruling {plain.pk}: not what was written"]
    tamper(f"{SET} sequence = NULL WHERE id = %s", plain.pk)
    tamper(f"{SET} role = '', poa = '', sequence = NULL WHERE id = %s", said.pk)
    assert [fault.problem for fault in verify_gold()] == [f"gold ruling {said.pk}: not what was written"]


def test_the_page_asks_for_it_and_takes_it(closed: Adjudication, adjudicator: User, client: Client) -> None:
    client.force_login(adjudicator)
    address = reverse("web:gold-adjudication", args=[closed.chart.project_id, closed.chart_id])
    page = client.get(address).content.decode()
    # Where there are no columns, on a phone or read aloud, each word still says whose it is.
    agreed = page.split('<details class="agreed">')[1].split("</details>")[0]
    assert agreed.count('<span class="sr">Reader 1: </span>') == agreed.count('<li class="arow flat') > 0
    assert "place 1, principal, POA Y" in page
    assert "place 3, POA exempt" in page
    rule = reverse("web:gold-rule", args=[closed.pk])
    sent = {"system": "icd10cm", "ruling": "keep", "version": "0"}
    # A code that both approved is given its place without being contested.
    answer = client.post(
        rule, {**sent, "code": "E11.22", "placed": "1", "sequence": "2", "role": "secondary", "poa": "N"}
    )
    assert answer.status_code == 302
    assert placed(closed)["E11.22"] == Placed("secondary", "N", 2)
    # Sent without the fields: nothing of it changes.
    assert client.post(rule, {**sent, "code": "N18.32"}).status_code == 302
    assert placed(closed)["N18.32"] == Placed("", "1", 3)
    rulings = GoldRuling.objects.count()
    bad = client.post(rule, {**sent, "code": "N18.32", "version": "2", "placed": "1", "sequence": "0"})
    assert bad.status_code == 422
    assert "Place" in bad.content.decode()
    assert GoldRuling.objects.count() == rulings
