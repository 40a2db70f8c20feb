"""The gate against identifiers: what was planted is found, what the templates write is let through."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from modelops.synthesis.drawing import Drawing
from modelops.synthesis.phi_gate import PhiGate
from modelops.synthesis.planted import PLAIN, plain, residual
from modelops.synthesis.types import Order, SyntheticDraft
from modelops.synthesis.vocabulary import Vocabulary


@pytest.fixture
def gate(vocabulary: Vocabulary) -> PhiGate:
    return PhiGate(term.title for term in vocabulary.terms.values())


@pytest.fixture
def order(drawing: Drawing) -> Order:
    return replace(drawing.order(1, 0), date=dt.date(2026, 5, 12))


def test_the_residual_of_a_planted_set(gate: PhiGate, order: Order) -> None:
    """Of 900 planted identifiers, each in a sentence of its own: those that the gate lets through."""
    found = residual(gate, order, PLAIN, 900)
    assert found.planted == {"age": 50, "contact": 150, "date": 150, "name": 250, "number": 200, "place": 100}
    assert found.rate <= 0.01, found.missed


def test_what_is_found_is_told_by_kind_and_place(gate: PhiGate, order: Order) -> None:
    text = "Seen today.\nMRN 4471902\ncall 212-555-0143"
    assert gate(order, text) == "phi: contact, number"
    assert [(found.kind, found.line) for found in gate.found(order, text)] == [("number", 2), ("contact", 3)]


def test_only_the_date_that_was_told_is_let_through(gate: PhiGate, order: Order) -> None:
    assert gate(order, "Date of service 05/12/2026") == ""
    assert gate(order, "Date of service May 12, 2026") == ""
    assert gate(order, "Date of service 05/13/2026") == "phi: date"


def test_charts_of_the_templates_pass(drafts: list[SyntheticDraft], vocabulary: Vocabulary) -> None:
    gate = PhiGate((term.title for term in vocabulary.terms.values()), doubts=False)
    assert {draft.order.id: why for draft in drafts if (why := gate(draft.order, draft.written.text))} == {}


def test_the_same_text_gets_the_same_answer(gate: PhiGate, order: Order) -> None:
    text = "\n".join(plain(number)[0] for number in range(18))
    assert gate.found(order, text) == gate.found(order, text)
    assert gate.kinds("A dictated letter in full sentences.") == ()
    assert gate.kinds("Signed by Tadeusz Kowalczyk") == ("name",)


@pytest.mark.parametrize(
    "text", ["dr kowalczyk aware", "KOWALCZYK, TADEUSZ", "kowalczyk rn", "Ko\u200bwalczyk came"]
)
def test_names_in_capitals_or_small_or_with_signs_that_nobody_sees(gate: PhiGate, text: str) -> None:
    (kind,) = gate.kinds(text)
    assert kind in ("name", "possible_name")


def test_the_command_prints_the_residual_by_kind(icd10cm: object) -> None:
    out = StringIO()
    call_command("phi_residual", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert sum(found["plain"]["planted"].values()) == sum(found["hard"]["planted"].values()) == 900
    assert found["plain"]["rate"] <= 0.01
    # Names without a cue: docs/synthetic-charts.md says how many.
    assert set(found["hard"]["missed"]) == {"name"}
    with pytest.raises(CommandError, match="at least 1"):
        call_command("phi_residual", "--count", "0")
