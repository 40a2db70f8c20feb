"""In which order the documents of an encounter are read: the summarising one first."""

from __future__ import annotations

# The first entry whose words all stand in the document's type decides; unknown types come before raw results.
ORDER: tuple[tuple[tuple[str, ...], int], ...] = (
    (("discharge", "summary"), 10),
    (("operative",), 20),
    (("op", "note"), 20),
    (("procedure",), 22),
    (("delivery",), 22),
    (("history", "physical"), 30),
    (("h&p",), 30),
    (("emergency",), 32),
    (("ed", "note"), 32),
    (("consult",), 40),
    (("clinic",), 45),
    (("office",), 45),
    (("progress",), 50),
    (("addendum",), 55),
    (("nurs",), 70),
    (("wound",), 70),
    (("dietit",), 72),
    (("nutrition",), 72),
    (("social",), 74),
    (("case", "management"), 74),
    (("radiology",), 80),
    (("imaging",), 80),
    (("pathology",), 82),
    (("lab",), 90),
)
UNKNOWN = 60


def position_of(document_type: str) -> int:
    words = document_type.lower().replace("_", " ").replace("-", " ")
    padded = f" {words} "
    for needles, position in ORDER:
        if all((f" {n} " in padded) if len(n) <= 3 else (n in words) for n in needles):
            return position
    return UNKNOWN
