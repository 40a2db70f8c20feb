"""What the stand-in knows: words of a line, and the code or procedure it then answers with."""

from __future__ import annotations

import re

# Term, description of the catalog, code. Longer terms are found before shorter ones within them.
DIAGNOSES = (
    ("acute kidney injury", "Acute kidney failure, unspecified", "N17.9"),
    ("anemia", "Anemia, unspecified", "D64.9"),
    ("asthma", "Unspecified asthma, uncomplicated", "J45.909"),
    ("atrial fibrillation", "Unspecified atrial fibrillation", "I48.91"),
    ("chest pain", "Chest pain, unspecified", "R07.9"),
    ("copd", "Chronic obstructive pulmonary disease, unspecified", "J44.9"),
    ("depression", "Depression, unspecified", "F32.A"),
    ("gerd", "Gastro-esophageal reflux disease without esophagitis", "K21.9"),
    ("gout", "Gout, unspecified", "M10.9"),
    ("headache", "Headache, unspecified", "R51.9"),
    ("heart failure", "Heart failure, unspecified", "I50.9"),
    ("hyperlipidemia", "Hyperlipidemia, unspecified", "E78.5"),
    ("hypertension", "Essential (primary) hypertension", "I10"),
    ("hypokalemia", "Hypokalemia", "E87.6"),
    ("hypothyroidism", "Hypothyroidism, unspecified", "E03.9"),
    ("pneumonia", "Pneumonia, unspecified organism", "J18.9"),
    ("sepsis", "Sepsis, unspecified organism", "A41.9"),
    ("type 2 diabetes", "Type 2 diabetes mellitus without complications", "E11.9"),
    ("urinary tract infection", "Urinary tract infection, site not specified", "N39.0"),
)
# Term and the short description the stand-in writes of a procedure.
PROCEDURES = (
    ("appendectomy", "Laparoscopic appendectomy"),
    ("colonoscopy", "Diagnostic colonoscopy"),
    ("electrocardiogram", "Electrocardiogram, 12 leads, with interpretation"),
    ("laceration repair", "Simple repair of superficial wound"),
)

_NUMBERED = re.compile(r"^\s*(?:\[|L)?(\d{1,6})(?:\]|[:|.)\t])+[ \t|]?(.*)$")


def _pattern(terms: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{re.escape(t)}\b" for t in sorted(terms, key=len, reverse=True)), re.I)


_DIAGNOSIS = _pattern([term for term, _, _ in DIAGNOSES])
_PROCEDURE = _pattern([term for term, _ in PROCEDURES])
_BY_TERM = {term: (description, code) for term, description, code in DIAGNOSES}
_PROCEDURE_BY_TERM = dict(PROCEDURES)


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """The lines of a prompt that begin with a number: "7: text", "7| text", "[7] text", "L7: text"."""
    found = (_NUMBERED.match(line) for line in text.split("\n"))
    return [(int(match[1]), match[2]) for match in found if match]


def diagnoses(text: str) -> list[dict[str, object]]:
    """One item a term and line, in the order of the text."""
    return [
        _item(number, match[0], *_BY_TERM[match[0].lower()])
        for number, line in numbered_lines(text)
        for match in _DIAGNOSIS.finditer(line)
    ]


def procedures(text: str) -> list[dict[str, object]]:
    return [
        _item(number, match[0], _PROCEDURE_BY_TERM[match[0].lower()], "")
        for number, line in numbered_lines(text)
        for match in _PROCEDURE.finditer(line)
    ]


def _item(number: int, quote: str, description: str, code: str) -> dict[str, object]:
    return {
        "description": description,
        "code": code,
        "rationale": f"Line {number} names it.",
        "line_start": number,
        "line_end": number,
        "quote": quote,
    }
