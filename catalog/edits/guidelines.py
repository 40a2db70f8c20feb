"""Rules of the Official Guidelines that the tabular does not hold: which codes go together.

Sections are cited as the FY2026 guidelines number them; sections.py says which were compared with published text.
Order on the claim is in guideline_order.py, what the documentation must be in documentation.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from re import compile as pattern

from catalog.edits.rows import EXPLAIN, Case, Check, Hit, Placed
from catalog.edits.sections import GUIDELINES, cited
from catalog.edits.tree import Node, Tree
from catalog.edits.types import Severity

DIABETES: tuple[str, ...] = ("E08", "E09", "E10", "E11", "E13")
_UNRELATED: tuple[str, ...] = ("unrelated", *EXPLAIN)

# Heart disease that hypertension is presumed to cause (I.C.9.a.1).
_HEART: tuple[str, ...] = ("I50", "I51.4", "I51.5", "I51.7", "I51.81", "I51.89", "I51.9")
_HEART_AND_KIDNEY = "I13"
# What the hypertension's own code says already: (its category, what stands beside it, the category for both).
_HYPERTENSION: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("I10", _HEART, "I11"),
    ("I10", ("N18",), "I12"),
    ("I11", ("N18",), _HEART_AND_KIDNEY),
    ("I12", _HEART, _HEART_AND_KIDNEY),
)


def _hypertension(case: Case) -> Iterator[Hit]:
    """One answer for a hypertension and all that it is presumed to be related to."""
    for placed in case.starting(*(own for own, _, _ in _HYPERTENSION)):
        rows = [row for row in _HYPERTENSION if placed.code.startswith(row[0])]
        beside = [p for _, prefixes, _ in rows for p in case.starting(*prefixes)]
        if not beside:
            continue
        both = next(both for _, prefixes, both in rows if case.starting(*prefixes))
        if case.starting(*_HEART) and case.starting("N18"):
            both = _HEART_AND_KIDNEY
        yield Hit(
            f"{placed.code} beside {' and '.join(dict.fromkeys(p.code for p in beside))}: a relationship is presumed "
            f"and coded to {both}.-, unless the documentation says that they are unrelated.",
            (placed, *beside),
        )


def _diabetes_contradiction(_: Case, one: Placed, other: Placed) -> Hit | None:
    for a, b in ((one, other), (other, one)):
        category = a.code[:3]
        if category in DIABETES and a.code[3:] == ".9" and b.code[:3] == category and b.code != a.code:
            return Hit(f"{a.code} says without complications; {b.code} names one.", (a, b))
    return None


@dataclass(frozen=True, slots=True)
class _With:
    """A condition that the index lists under "Diabetes, with", and what the diabetes code then ends in."""

    conditions: tuple[str, ...]
    endings: tuple[str, ...]
    words: str


_WITH_DIABETES: tuple[_With, ...] = (
    _With(("N18",), (".21", ".22"), "chronic kidney disease"),
    _With(("G62.9", "G63"), (".40", ".42"), "neuropathy"),
    _With(("K31.84",), (".43",), "gastroparesis"),
    _With(("I73.9",), (".51", ".52"), "peripheral angiopathy"),
    _With(("L97.4", "L97.5"), (".621",), "foot ulcer"),
)


def _diabetes_with(case: Case) -> Iterator[Hit]:
    diabetes = case.starting(*DIABETES)
    for row in _WITH_DIABETES if diabetes else ():
        found = case.starting(*row.conditions)
        if found and not any(p.code[3:].startswith(row.endings) for p in diabetes):
            yield Hit(
                f"{diabetes[0].code} beside {found[0].code}: diabetes with {row.words} is presumed to be related "
                f"({diabetes[0].code[:3]}{row.endings[-1]}), unless the documentation says otherwise.",
                (diabetes[0], found[0]),
            )


_DRUGS: tuple[str, ...] = ("Z79.4", "Z79.84", "Z79.85")


def _diabetes_drugs(case: Case) -> Iterator[Hit]:
    # Type 1 has no such note: insulin goes with it.
    treated = case.starting("E08", "E09", "E11", "E13")
    drugs = case.starting(*_DRUGS)
    if treated and not case.means(*_DRUGS):
        yield Hit(
            f"{treated[0].code}: where the patient takes insulin, an oral drug or another injectable drug for "
            "it, Z79.4, Z79.84 or Z79.85 says so.",
            (treated[0],),
        )
    if not case.starting(*DIABETES, "O24", "P70.2"):
        for placed in drugs:
            # Injectable drugs other than insulin are given for weight as well.
            if placed.code != "Z79.85":
                yield Hit(
                    f"{placed.code} is on the claim without a diabetes code.",
                    (placed,),
                    severity=Severity.WARN,
                )


_SEPSIS: tuple[str, ...] = (
    "A",
    "B",
    "O03",
    "O04",
    "O07",
    "O08",
    "O75.3",
    "O85",
    "O86",
    "P36",
    "T80.2",
    "T81.4",
    "T82",
    "T83",
    "T84",
    "T85",
    "U07.1",
)


def _severe_sepsis(case: Case) -> Iterator[Hit]:
    for placed in case.starting("R65.2"):
        if placed.line.first:
            yield Hit(
                f"{placed.code} is never first; the underlying systemic infection is.",
                (placed,),
                severity=Severity.HARD,
                outcomes=(),
            )
        infections = case.starting(*_SEPSIS)
        if not case.means(*_SEPSIS):
            yield Hit(f"{placed.code} needs a code for the underlying systemic infection.", (placed,))
        elif infections and all(case.before(placed, p) for p in infections):
            yield Hit(
                f"{infections[0].code}, the infection, goes before {placed.code}.", (infections[0], placed)
            )


def _body_mass(case: Case) -> Iterator[Hit]:
    pregnant = _pregnant(case)
    for placed in case.starting("Z68") if pregnant else ():
        yield Hit(
            f"{placed.code}: a body mass index is not coded during pregnancy ({pregnant[0].code}).",
            (placed, pregnant[0]),
        )
    if pregnant:
        return
    reportable = (
        "E40",
        "E41",
        "E42",
        "E43",
        "E44",
        "E45",
        "E46",
        "E64.0",
        "E65",
        "E66",
        "E67",
        "E68",
        "E88.A",
        "F50",
        "O25",
        "O26.0",
        "O26.1",
        "O99.21",
        "O99.84",
        "R62",
        "R63",
        "R64",
        "Z98.84",
    )
    if not case.means(*reportable):
        for placed in case.starting("Z68"):
            yield Hit(
                f"{placed.code} needs a diagnosis by the provider that goes with it, such as overweight, obesity "
                "or malnutrition; none is on the claim.",
                (placed,),
            )


_NO_WEEKS = (
    "O00",
    "O01",
    "O02",
    "O03",
    "O04",
    "O07",
    "O08",
    "O80",
    "O85",
    "O86",
    "O87",
    "O89",
    "O90",
    "O91",
    "O92",
    "O94",
)


def _pregnant(case: Case) -> list[Placed]:
    """Codes of chapter 15 that speak of a pregnancy or delivery, not of what comes after."""
    found = [p for p in case.starting("O") if not p.code.startswith(_NO_WEEKS) or p.code == "O80"]
    # Fifth or sixth characters for the puerperium need no weeks.
    return [p for p in found if "puerperium" not in (p.node.title.lower() if p.node else "")]


def _weeks(case: Case) -> Iterator[Hit]:
    weeks = case.starting("Z3A")
    pregnant = _pregnant(case)
    if pregnant and not case.means("Z3A"):
        yield Hit(f"{pregnant[0].code}: Z3A tells the weeks of gestation, if known.", (pregnant[0],))
    if weeks and not case.means("O"):
        yield Hit(
            f"{weeks[0].code} goes with a code of chapter 15; none is on the claim.",
            (weeks[0],),
            severity=Severity.WARN,
        )


def _normal_delivery(case: Case) -> Iterator[Hit]:
    for placed in case.starting("O80"):
        others = [p for p in case.starting("O") if p.code != "O80"]
        if others:
            names = ", ".join(p.code for p in others)
            yield Hit(f"O80 stands with no other code of chapter 15: {names}.", (placed, *others))
        outcome = [p for p in case.starting("Z37") if p.code != "Z37.0"]
        if outcome:
            yield Hit(
                f"Z37.0 is the only outcome that goes with O80, not {outcome[0].code}.", (placed, outcome[0])
            )
        if case.first is not None and case.first.code != "O80":
            yield Hit(
                f"O80 is the principal or first-listed diagnosis, not {case.first.code}.",
                (placed, case.first),
            )


def _outcome(case: Case) -> Iterator[Hit]:
    delivered = case.starting("O80", "O82")
    if delivered and not case.means("Z37"):
        yield Hit(f"{delivered[0].code}: Z37 tells the outcome of delivery.", (delivered[0],))


# "Bronchitis, not specified as acute or chronic" tells neither, and is no code for both.
_UNTOLD = pattern(r"\b(?:not |un)specified as acute or chronic\b")
_ACUTE, _CHRONIC = pattern(r"\b(?:sub)?acute\b"), pattern(r"\bchronic\b")
_WORD = pattern(r"[a-z][a-z-]+")
_PLAIN = frozenset(
    {
        "acute",
        "subacute",
        "chronic",
        "unspecified",
        "other",
        "specified",
        "and",
        "of",
        "with",
        "without",
        "or",
        "not",
        "elsewhere",
        "classified",
    }
)
_BEHIND = pattern(r"\bwithout\b|\bwith\b|,")


@dataclass(frozen=True, slots=True)
class _Course:
    acute: bool
    chronic: bool
    condition: frozenset[str]


@lru_cache(maxsize=200_000)
def _course(title: str) -> _Course | None:
    """How a title tells its course; None where it does not. The words are cut where circumstances begin."""
    words = title.lower()
    acute, chronic = _ACUTE.search(words) is not None, _CHRONIC.search(words) is not None
    if _UNTOLD.search(words) or (not acute and not chronic):
        return None
    condition = frozenset(_WORD.findall(_BEHIND.split(words, maxsplit=1)[0])) - _PLAIN
    return _Course(acute, chronic, condition)


def _acute_chronic(case: Case, one: Placed, other: Placed) -> Hit | None:
    # Both stand in one chapter; most pairs end here.
    if one.code[0] != other.code[0] or one.node is None or other.node is None:
        return None
    a, b = _course(one.node.title), _course(other.node.title)
    if a is None or b is None or a.acute == b.acute or a.chronic == b.chronic:
        return None
    if a.condition != b.condition or not a.condition:
        return None
    acute, chronic = (one, other) if a.acute else (other, one)
    both = _both_courses(case.tabular.tree, one.node, a.condition)
    if both is not None:
        return Hit(
            f"{acute.code} and {chronic.code} have a code for both: {both.code} {both.title}.",
            (acute, chronic),
            citation=cited(f"{GUIDELINES} I.B.8, I.B.9"),
        )
    if case.before(chronic, acute):
        return Hit(f"{acute.code}, the acute condition, goes before {chronic.code}.", (acute, chronic))
    return None


def _both_courses(tree: Tree, node: Node, condition: frozenset[str]) -> Node | None:
    """The billable acute on chronic code of the same condition, beside the code or below what stands beside its parent;
    of several the one in the same circumstances ("with hypoxia")."""
    parent = tree.nodes[node.parent]
    found: list[Node] = []
    for near in (*tree.siblings(node), *tree.siblings(parent)):
        told = _course(near.title)
        if told is not None and told.acute and told.chronic and told.condition - {"on"} == condition:
            found += [n for n in tree.nodes[near.position : near.last + 1] if n.billable]
    circumstances = _circumstances(node.title)
    return next((n for n in found if _circumstances(n.title) == circumstances), next(iter(found), None))


def _circumstances(title: str) -> str:
    """ "with hypoxia", "unspecified whether with hypoxia or hypercapnia"; empty where a title tells none."""
    words = title.lower()
    behind = _BEHIND.search(words)
    return "" if behind is None else words[behind.start() :]


CHECKS: tuple[Check, ...] = (
    Check(
        "hypertension_combined",
        "Hypertension with heart or kidney disease",
        Severity.WARN,
        f"{GUIDELINES} I.C.9.a",
        case=_hypertension,
        outcomes=_UNRELATED,
    ),
    Check(
        "diabetes_contradiction",
        "Diabetes without beside with complications",
        Severity.WARN,
        f"{GUIDELINES} I.C.4.a",
        pair=_diabetes_contradiction,
    ),
    Check(
        "diabetes_with",
        "Diabetes with what is presumed related",
        Severity.WARN,
        f"{GUIDELINES} I.A.15",
        case=_diabetes_with,
        outcomes=_UNRELATED,
    ),
    Check(
        "diabetes_drugs",
        "Drugs that control diabetes",
        Severity.INFO,
        f"{GUIDELINES} I.C.4.a.3",
        case=_diabetes_drugs,
    ),
    Check(
        "acute_and_chronic",
        "Acute and chronic",
        Severity.WARN,
        f"{GUIDELINES} I.B.8",
        pair=_acute_chronic,
    ),
    Check(
        "severe_sepsis",
        "Severe sepsis behind its infection",
        Severity.WARN,
        f"{GUIDELINES} I.C.1.d",
        case=_severe_sepsis,
    ),
    Check(
        "body_mass_index",
        "Body mass index with its diagnosis",
        Severity.WARN,
        f"{GUIDELINES} I.B.14, I.C.21.c.3",
        case=_body_mass,
    ),
    Check(
        "weeks_of_gestation",
        "Weeks of gestation",
        Severity.INFO,
        f"{GUIDELINES} I.C.21.c.11",
        case=_weeks,
    ),
    Check(
        "normal_delivery",
        "O80 stands alone",
        Severity.HARD,
        f"{GUIDELINES} I.C.15.n",
        case=_normal_delivery,
        outcomes=("not_applicable", "table_error"),
    ),
    Check(
        "outcome_of_delivery",
        "Outcome of delivery",
        Severity.WARN,
        f"{GUIDELINES} I.C.15.b.5",
        case=_outcome,
    ),
)
