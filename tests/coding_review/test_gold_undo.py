"""Undo of a ruling: what stood before stands again, act by act back to none; never twice for one press."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Release
from coding_review.actions.add_code import Selection
from coding_review.actions.gold_adjudication import rule_on_code, start_adjudication, undo_ruling
from coding_review.actions.gold_project import close_gold_reading
from coding_review.audit_gold import verify_gold
from coding_review.errors import NothingToUndo, NotYours, StalePage
from coding_review.gold.queries import items_to_adjudicate
from coding_review.models import Adjudication, GoldRuling, WorkGroup
from coding_review.rules.gold_steps import acts
from tests.coding_review.gold_rows import DYSPNEA, open_study, read_chart
from tests.personas import MakeEncounter, person


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    code: str
    ruling: str
    system: str = "icd10cm"


@pytest.mark.parametrize(
    ("said", "stand"),
    [
        ("", ""),
        ("A+", "1"),
        ("A+ B-", "12"),
        # Undone without one before, then ruled again: the last is an act.
        ("A+ A0 A+", "3"),
        # The ruling before, written again by undo, is no act of its own.
        ("A+ A- A0 A+", "1"),
        ("A+ A- A0 A+ A0", ""),
        # The same by hand is one.
        ("A+ A- A+", "123"),
        ("A+ B+ B0 A-", "14"),
        ("A+ A- A0 A-", "14"),
    ],
)
def test_which_acts_stand(said: str, stand: str) -> None:
    words = {"+": "keep", "-": "out", "0": "none"}
    rows = [Row(number, each[0], words[each[1]]) for number, each in enumerate(said.split(), start=1)]
    assert [row.number for row in acts(rows)] == [int(number) for number in stand]


@pytest.fixture
def begun(
    icd10cm: Release, lead: User, coder: User, expert: User, adjudicator: User, make_encounter: MakeEncounter
) -> Adjudication:
    study = open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")])
    read_chart(coder, study.project, {"N18.32": "reject"})
    read_chart(expert, study.project, {}, [DYSPNEA])
    close_gold_reading(lead, study.project.pk)
    return start_adjudication(adjudicator, study.charts[0].pk)


def standing(begun: Adjudication, code: str) -> tuple[str, str, int]:
    """Ruling, comment and first line of the evidence that the code has now."""
    item = next(i for i in items_to_adjudicate(begun.chart) if i.code == code)
    return item.ruling, item.ruling_comment, item.evidence[0].line_start if item.evidence else 0


def test_the_ruling_before_stands_again_with_its_evidence_and_comment(
    begun: Adjudication, adjudicator: User
) -> None:
    version = begun.chart.documents.get()
    own = (Selection(version.pk, 5, 5),)
    rule_on_code(adjudicator, begun.pk, code="R06.02", ruling="keep")
    rule_on_code(
        adjudicator, begun.pk, code="N18.32", ruling="keep", comment="Stage is named", selections=own
    )
    rule_on_code(adjudicator, begun.pk, code="N18.32", ruling="out", comment="Historical")
    assert standing(begun, "N18.32")[:2] == ("out", "Historical")
    now = undo_ruling(adjudicator, begun.pk, seen_number=3)
    assert (now.ruling, now.number) == ("keep", 5)
    assert standing(begun, "N18.32") == ("keep", "Stage is named", 5)
    assert undo_ruling(adjudicator, begun.pk).ruling == "none"
    assert standing(begun, "N18.32")[0] == "none"
    # Then the act on the other code, which came first.
    assert undo_ruling(adjudicator, begun.pk).code == "R06.02"
    with pytest.raises(NothingToUndo):
        undo_ruling(adjudicator, begun.pk)
    assert [r.ruling for r in GoldRuling.objects.order_by("number")] == [
        "keep", "keep", "out", "none", "keep", "none", "none",
    ]  # fmt: skip
    assert list(verify_gold()) == []


def test_undo_sent_twice_undoes_once(begun: Adjudication, adjudicator: User, client: Client) -> None:
    for code in ("N18.32", "R06.02"):
        rule_on_code(adjudicator, begun.pk, code=code, ruling="out")
    client.force_login(adjudicator)
    address = reverse("web:gold-rule-undo", args=[begun.pk])
    sent = {"version": "2"}
    assert client.post(address, sent).status_code == 302
    again = client.post(address, sent)
    assert again.status_code == 409
    assert "ruled on since your page was made" in again.content.decode()
    assert [(r.code, r.ruling) for r in GoldRuling.objects.order_by("number")] == [
        ("N18.32", "out"),
        ("R06.02", "out"),
        ("R06.02", "none"),
    ]
    with pytest.raises(StalePage):
        undo_ruling(adjudicator, begun.pk, seen_number=2)


def test_nobody_undoes_anothers_ruling(
    begun: Adjudication, adjudicator: User, work_group: WorkGroup, client: Client
) -> None:
    rule_on_code(adjudicator, begun.pk, code="N18.32", ruling="out")
    other = person("other_adjudicator", "adjudicator", work_group)
    with pytest.raises(NotYours):
        undo_ruling(other, begun.pk)
    client.force_login(other)
    assert client.post(reverse("web:gold-rule-undo", args=[begun.pk])).status_code == 404
    assert GoldRuling.objects.count() == 1
