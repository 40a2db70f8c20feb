"""Examples and a tokenizer for the tests: invented charts, codes on known lines, tokens that are words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from modelops.datasets.build import Tools
from modelops.datasets.chat_tokens import Counted
from modelops.datasets.deidentify import Deidentifier
from modelops.datasets.examples import (
    SYNTHETIC,
    WRITTEN,
    Label,
    Provenance,
    TrainingExample,
    evidence_of_lines,
)
from modelops.datasets.split import patient_key
from modelops.engines.llm.transport import Message
from modelops.engines.types import ChartDocument, ChartText

TITLES = {
    "I50.23": "Acute on chronic systolic (congestive) heart failure",
    "E11.22": "Type 2 diabetes mellitus with diabetic chronic kidney disease",
    "N18.32": "Chronic kidney disease, stage 3b",
    "Z91.81": "History of falling",
    "R54": "Age-related physical debility",
    "J44.9": "Chronic obstructive pulmonary disease, unspecified",
    "Z59.41": "Food insecurity",
}
RELEASE = "ICD-10-CM 2026"
WORDS = [
    "patient",
    "seen",
    "today",
    "for",
    "follow",
    "up",
    "visit",
    "reports",
    "less",
    "pain",
    "after",
    "therapy",
    "appetite",
    "fair",
    "sleeping",
    "poorly",
    "walks",
    "short",
    "distance",
    "with",
    "cane",
    "uses",
    "oxygen",
    "at",
    "night",
    "weight",
    "stable",
    "lungs",
    "clear",
    "abdomen",
    "soft",
    "no",
    "edema",
    "continue",
    "current",
    "dose",
    "check",
    "labs",
    "next",
    "week",
    "discussed",
    "diet",
    "exercise",
    "family",
    "support",
    "return",
    "sooner",
    "if",
    "worse",
]


def sentence(seed: str, count: int = 12) -> str:
    """Words that follow from the seed alone."""
    digest = hashlib.sha256(seed.encode()).digest() * (1 + count // 32)
    return " ".join(WORDS[byte % len(WORDS)] for byte in digest[:count])


def example(
    name: str,
    codes: Sequence[str] = ("I50.23",),
    *,
    texts: Sequence[Sequence[str]] | None = None,
    patient: str | None = None,
    kind: str = SYNTHETIC,
    phi: bool = False,
    sex: str = "F",
    age: float | None = 78.0,
    claim_type: str = "professional",
    lines: int = 6,
) -> TrainingExample:
    """Each code is documented by a line of its own, after `lines` lines of other words."""
    if texts is None:
        texts = [
            [
                *(sentence(f"{name} {number}") for number in range(lines)),
                *(f"Assessment: {TITLES[code].lower()}, stable." for code in codes),
            ]
        ]
    documents = tuple(
        ChartDocument(f"d{number}", "\n".join(text), "Progress note") for number, text in enumerate(texts, 1)
    )
    chart = ChartText(name, documents, claim_type, age=age, sex=sex)
    by_id = {document.document_id: document for document in documents}
    labels = []
    for code in codes:
        where = next(
            (document.document_id, number)
            for document in documents
            for number, line in enumerate(document.lines, 1)
            if TITLES[code].lower() in line
        )
        labels.append(
            Label("icd10cm", code, (evidence_of_lines(by_id, *where, where[1]),), "written", WRITTEN)
        )
    return TrainingExample(
        id=name,
        patient=patient_key("test", patient or name),
        chart=chart,
        labels=tuple(labels),
        provenance=Provenance(
            kind,
            "test",
            name,
            RELEASE,
            tuple(hashlib.sha256(document.text.encode()).hexdigest() for document in documents),
        ),
        phi=phi,
    )


def with_text(one: TrainingExample, text: str) -> TrainingExample:
    """Another text in its first document; the labels go."""
    first, *others = one.chart.documents
    return replace(one, chart=replace(one.chart, documents=(replace(first, text=text), *others)), labels=())


def count_words(messages: Sequence[Message], answer: str) -> Counted:
    return Counted(sum(len(one.content.split()) for one in messages), len(answer.split()))


def titles(release: str, codes: Iterable[str]) -> dict[str, str]:
    return {code: TITLES[code] for code in codes if code in TITLES and release == RELEASE}


def tools(deidentifier: Deidentifier | None = None) -> Tools:
    return Tools(count_words, "t" * 64, titles, deidentifier)
