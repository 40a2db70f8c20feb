"""Rules of the Official Guidelines about which diagnosis stands first.

Only a diagnosis that is marked principal or first-listed counts as first; where none is marked, these checks say
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.choices import PresentOnAdmission
from catalog.edits.notes import INTENT, Characters
from catalog.edits.rows import INPATIENT, Case, Check, Hit, Placed
from catalog.edits.sections import GUIDELINES
from catalog.edits.types import Severity

_POISONING = Characters(INTENT, ("1", "2", "3", "4"))
_ADVERSE = Characters(INTENT, ("5",))
_UNDERDOSING = Characters(INTENT, ("6",))
_DRUGS: tuple[str, ...] = tuple(f"T{n}" for n in range(36, 51))
_SUBSTANCES: tuple[str, ...] = tuple(f"T{n}" for n in range(51, 66))

# Drugs and circumstances: what never tells the nature of an adverse effect or of a sequela.
_NO_NATURE: tuple[str, ...] = (*_DRUGS, "T88.7", "V", "W", "X", "Y")


def _external_cause(case: Case) -> Iterator[Hit]:
    first = case.first
    if first is not None and first.code.startswith(("V", "W", "X", "Y")):
        yield Hit(f"{first.code} tells a circumstance; it is never first.", (first,))


def _chapter_15(case: Case) -> Iterator[Hit]:
    obstetric, first = case.starting("O"), case.first
    if obstetric and first is not None and not first.code.startswith(("O", "Z33.2", "Z34", "Z39")):
        yield Hit(
            f"{obstetric[0].code} of chapter 15 goes before {first.code} of another chapter.",
            (obstetric[0], first),
        )


def _poisoning(case: Case) -> Iterator[Hit]:
    """Of the first treatment only: later encounters are coded for what is treated then."""
    first = case.first
    if first is None or first.code.startswith((*_DRUGS, *_SUBSTANCES)):
        return
    found = [
        p for p in case.starting(*_DRUGS, *_SUBSTANCES) if _POISONING.hold(p.code) and p.code.endswith("A")
    ]
    # A pregnant patient's poisoning is coded behind chapter 15.
    if found and not first.code.startswith("O"):
        yield Hit(
            f"{found[0].code}, the poisoning or toxic effect, goes before its manifestations; {first.code} is first.",
            (found[0], first),
        )


def _adverse_effect(case: Case) -> Iterator[Hit]:
    natures = [p for p in case.diagnoses if not p.code.startswith(_NO_NATURE) or p.code == "T88.7XXA"]
    for placed in case.starting(*_DRUGS):
        if not _ADVERSE.hold(placed.code):
            continue
        if not natures:
            yield Hit(f"{placed.code} needs a code for the nature of the adverse effect.", (placed,))
        elif placed.line.first or all(case.before(placed, nature) for nature in natures):
            yield Hit(
                f"{natures[0].code}, the nature of the adverse effect, goes before {placed.code}.",
                (natures[0], placed),
            )


def _underdosing(case: Case) -> Iterator[Hit]:
    for placed in case.starting(*_DRUGS):
        if placed.line.first and _UNDERDOSING.hold(placed.code):
            yield Hit(f"{placed.code} tells underdosing; it is never first.", (placed,))


# Codes of sepsis, and infections of one place that it may come from (I.C.1.d.4). Infections of a device or after a
# procedure are left out: they stand before the sepsis.
_SYSTEMIC: tuple[str, ...] = (
    *(
        "A02.1",
        "A20.7",
        "A22.7",
        "A26.7",
        "A32.7",
        "A39.2",
        "A39.4",
        "A40",
        "A41",
        "A42.7",
        "A54.86",
        "B00.7",
    ),
    "B37.7",
)
_LOCAL: tuple[str, ...] = (
    *(
        "A04",
        "A08",
        "A09",
        "A46",
        "G00",
        "G01",
        "G03",
        "I33",
        "I38",
        "J09",
        "J10",
        "J11",
        "J12",
        "J13",
        "J14",
        "J15",
    ),
    *(
        "J16",
        "J17",
        "J18",
        "J20",
        "J22",
        "J69.0",
        "J85",
        "J86",
        "K35",
        "K57.0",
        "K57.2",
        "K57.4",
        "K57.8",
        "K61",
    ),
    *(
        "K65",
        "K75.0",
        "K81.0",
        "K83.0",
        "L00",
        "L01",
        "L02",
        "L03",
        "L08",
        "M00",
        "M46.2",
        "M46.3",
        "M72.6",
        "M86",
    ),
    *("N10", "N12", "N13.6", "N15.1", "N30.0", "N39.0", "N41.0", "N45", "N70", "N71", "N73"),
)


def _sepsis_first(case: Case) -> Iterator[Hit]:
    """Only where the sepsis is said to have been present on admission: one that developed later is secondary."""
    first = case.first
    if first is None or not first.code.startswith(_LOCAL):
        return
    for placed in case.starting(*_SYSTEMIC):
        if placed.line.poa == PresentOnAdmission.YES:
            yield Hit(
                f"{placed.code}, sepsis present on admission, goes before {first.code}, the localized infection.",
                (placed, first),
            )


def _therapy(case: Case) -> Iterator[Hit]:
    neoplasms = case.starting("C", "D0", "D1", "D2", "D3", "D4")
    for placed in case.starting("Z51.0", "Z51.1"):
        if not neoplasms:
            if placed.code != "Z51.12":
                yield Hit(f"{placed.code}: the neoplasm that is treated is not on the claim.", (placed,))
        elif case.first is not None and case.first in neoplasms:
            yield Hit(
                f"Where the encounter is solely for the therapy, {placed.code} goes before {case.first.code}.",
                (placed, case.first),
            )


def _sequela(case: Case) -> Iterator[Hit]:
    for placed in case.starting("S", "T"):
        if not _is_sequela(placed):
            continue
        natures = [p for p in case.diagnoses if not _is_sequela(p) and not p.code.startswith(_NO_NATURE)]
        if not natures:
            yield Hit(f"{placed.code} needs a code for the nature of the sequela before it.", (placed,))
        elif placed.line.first or all(case.before(placed, nature) for nature in natures):
            yield Hit(
                f"{natures[0].code}, the nature of the sequela, goes before {placed.code}.",
                (natures[0], placed),
            )
        for other in case.diagnoses:
            if other.code[:-1] == placed.code[:-1] and other.code != placed.code:
                yield Hit(
                    f"{other.code} and {placed.code}: an injury is not coded as current and as a sequela.",
                    (other, placed),
                )


def _is_sequela(placed: Placed) -> bool:
    return len(placed.code) == 8 and placed.code.endswith("S")


# I.C.21.c.16, with its exceptions.
_FIRST_ONLY: tuple[str, ...] = (
    *("Z00", "Z01", "Z02", "Z04", "Z31.81", "Z31.83", "Z31.84", "Z33.2", "Z34", "Z38", "Z39", "Z40", "Z42"),
    *("Z51.0", "Z51.1", "Z52", "Z76.1", "Z76.2", "Z99.12"),
)
_FIRST_ONLY_NOT: tuple[str, ...] = ("Z00.6", "Z52.9")


def _first_only(case: Case) -> Iterator[Hit]:
    first = case.first
    if first is None or (first.code.startswith(_FIRST_ONLY) and not first.code.startswith(_FIRST_ONLY_NOT)):
        return
    for placed in case.starting(*_FIRST_ONLY):
        if not placed.code.startswith(_FIRST_ONLY_NOT):
            yield Hit(
                f"{placed.code} is reported as principal or first-listed diagnosis only; {first.code} is first.",
                (placed, first),
            )


_FIX: tuple[str, ...] = ("not_applicable", "table_error")

CHECKS: tuple[Check, ...] = (
    Check(
        "external_cause_first",
        "External cause never first",
        Severity.HARD,
        f"{GUIDELINES} I.C.20.a.6",
        case=_external_cause,
        outcomes=(),
    ),
    Check(
        "chapter_15_first",
        "Chapter 15 goes before others",
        Severity.WARN,
        f"{GUIDELINES} I.C.15.a.1",
        case=_chapter_15,
    ),
    Check(
        "poisoning_first",
        "Poisoning before its manifestations",
        Severity.WARN,
        f"{GUIDELINES} I.C.19.e.5.b, I.C.19.e.5.d",
        case=_poisoning,
    ),
    Check(
        "adverse_effect_second",
        "Adverse effect behind its nature",
        Severity.WARN,
        f"{GUIDELINES} I.C.19.e.5.a",
        case=_adverse_effect,
    ),
    Check(
        "underdosing_first",
        "Underdosing never first",
        Severity.HARD,
        f"{GUIDELINES} I.C.19.e.5.c",
        case=_underdosing,
        outcomes=_FIX,
    ),
    Check(
        "sepsis_first",
        "Sepsis before its localized infection",
        Severity.WARN,
        f"{GUIDELINES} I.C.1.d.4",
        case=_sepsis_first,
        claim_types=INPATIENT,
    ),
    Check(
        "therapy_first",
        "Encounter for radiation, chemo- or immunotherapy",
        Severity.WARN,
        f"{GUIDELINES} I.C.2.e.2",
        case=_therapy,
    ),
    Check(
        "sequela_second",
        "Sequela behind its nature",
        Severity.WARN,
        f"{GUIDELINES} I.B.10",
        case=_sequela,
    ),
    Check(
        "z_code_first_only",
        "Z codes that are first-listed only",
        Severity.WARN,
        f"{GUIDELINES} I.C.21.c.16",
        case=_first_only,
        yields_to=("therapy_first",),
    ),
)
