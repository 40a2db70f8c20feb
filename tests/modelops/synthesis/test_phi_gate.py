"""The gate against identifiers: what was planted is found, what the templates write is let through."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from modelops.synthesis.drawing import Drawing
from modelops.synthesis.phi_gate import PhiGate
from modelops.synthesis.seeded import seeded
from modelops.synthesis.types import Order, SyntheticDraft
from modelops.synthesis.vocabulary import Vocabulary

SURNAMES = (
    "Kowalczyk",
    "Abernathy",
    "Villanueva",
    "Okonkwo",
    "Thibodeaux",
    "Nakamura",
    "Petrosyan",
    "Lindqvist",
)
GIVEN = ("Margarethe", "Dwayne", "Yolanda", "Tadeusz", "Latisha", "Hiroshi", "Anneliese", "Guillermo")
TOWNS = ("Poughkeepsie", "Chattanooga", "Walla Walla", "Kalamazoo")


def planted(number: int) -> tuple[str, str]:
    """A sentence as it comes in notes, with the kind of what stands in it."""
    random = seeded("planted", number)
    given, surname, town = random.choice(GIVEN), random.choice(SURNAMES), random.choice(TOWNS)
    digits = "".join(random.choice("0123456789") for _ in range(10))
    day = dt.date(1931 + random.randrange(80), 1 + random.randrange(12), 1 + random.randrange(28))
    made = (
        (f"Patient: {surname}, {given}", "name"),
        (f"Mr. {surname} tolerated the visit well.", "name"),
        (f"Seen with Dr. {given} {surname} today.", "name"),
        (f"his daughter {given} helped with the story", "name"),
        (f"{given} {surname}, RN", "name"),
        (f"MRN {digits[:7]}", "number"),
        (f"MRN: {digits[:3]}-{digits[3:7]}", "number"),
        (f"SSN {digits[:3]}-{digits[3:5]}-{digits[5:9]}", "number"),
        (f"account # {digits[:8]}", "number"),
        (f"call {digits[:3]}-{digits[3:6]}-{digits[6:]} with results", "contact"),
        (f"({digits[:3]}) {digits[3:6]}-{digits[6:]}", "contact"),
        (f"{given.lower()}.{surname.lower()}@example.org", "contact"),
        (f"DOB {day:%m/%d/%Y}", "date"),
        (f"born {day:%B} {day.day}, {day.year}", "date"),
        (f"last seen {day:%Y-%m-%d}", "date"),
        (f"lives at {digits[:3]} Maple Grove Road", "place"),
        (f"moved here from {town}", "place"),
        ("this 94 y/o woman", "age"),
    )
    return made[number % len(made)]


@pytest.fixture
def gate(vocabulary: Vocabulary) -> PhiGate:
    return PhiGate(term.title for term in vocabulary.terms.values())


@pytest.fixture
def order(drawing: Drawing) -> Order:
    return replace(drawing.order(1, 0), date=dt.date(2026, 5, 12))


def test_the_residual_of_a_planted_set(gate: PhiGate, order: Order) -> None:
    """Of 900 planted identifiers, each in a sentence of its own: those that the gate lets through."""
    missed = [planted(number)[0] for number in range(900) if not gate(order, planted(number)[0])]
    assert len(missed) / 900 <= 0.01, missed[:10]


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
    text = "\n".join(planted(number)[0] for number in range(18))
    assert gate.found(order, text) == gate.found(order, text)
    assert gate.kinds("A dictated letter in full sentences.") == ()
    assert gate.kinds("Signed by Tadeusz Kowalczyk") == ("name",)
