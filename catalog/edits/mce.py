"""The Medicare Code Editor's edits of diagnoses and the list of codes exempt from present-on-admission reporting:
facility inpatient only, by the edition in force at discharge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from catalog.choices import MceList, PresentOnAdmission
from catalog.edits.knowledge import MceTable
from catalog.edits.rows import INPATIENT, Case, Check, Hit, Placed
from catalog.edits.sides import sided_siblings
from catalog.edits.types import Result, Severity

_MCE = "Definitions of Medicare Code Edits"
# The first day without the edit of sex conflicts, and the first with the edit of unspecified laterality.
SEX_CONFLICT_ENDED = dt.date(2024, 10, 1)
LATERALITY_BEGAN = dt.date(2022, 4, 1)


@dataclass(frozen=True, slots=True)
class AgeBounds:
    """Whole years, both ends inclusive, of the editions in force from a day on."""

    since: dt.date
    youngest: int
    oldest: int


# The lists are published without their ages, which stand in the definitions of each edition; newest first.
_AGES: dict[str, tuple[AgeBounds, ...]] = {
    MceList.PERINATAL: (AgeBounds(dt.date.min, 0, 0),),
    MceList.PEDIATRIC: (AgeBounds(dt.date.min, 0, 17),),
    MceList.MATERNITY: (AgeBounds(dt.date(2018, 10, 1), 9, 64), AgeBounds(dt.date.min, 12, 55)),
    MceList.ADULT: (AgeBounds(dt.date.min, 15, 124),),
}


def bounds(table: MceTable, list_: str) -> AgeBounds:
    return next(b for b in _AGES[list_] if b.since <= table.valid_from)


def _table(case: Case) -> Iterator[Hit]:
    if case.knowledge.mce is None:
        on = case.facts.discharge_date
        when = f"in force on {on}" if on else "to choose without a discharge date"
        yield Hit(
            f"No Medicare Code Editor {when} is loaded; its edits have no data.",
            tuple(case.diagnoses),
            Result.NO_DATA,
        )


def _on(case: Case, list_: str) -> frozenset[str]:
    table = case.knowledge.mce
    return frozenset() if table is None else table.lists.get(list_, frozenset())


def _age(case: Case) -> Iterator[Hit]:
    table, age = case.knowledge.mce, case.facts.age_years
    if table is None or age is None:
        return
    for list_ in _AGES:
        codes, ages = _on(case, list_), bounds(table, list_)
        if ages.youngest <= age <= ages.oldest:
            continue
        for placed in case.diagnoses:
            if placed.code in codes:
                span = f"{ages.youngest} to {ages.oldest}" if ages.oldest else "0"
                yield Hit(
                    f"{placed.code} is on the list {MceList(list_).label}, age {span}; the patient is {age}.",
                    (placed,),
                )


def _sex(case: Case) -> Iterator[Hit]:
    on = case.facts.discharge_date
    if on is None or on >= SEX_CONFLICT_ENDED:
        return
    for list_, sex in ((MceList.FEMALE, "F"), (MceList.MALE, "M")):
        codes = _on(case, list_)
        for placed in case.diagnoses:
            if placed.code in codes and case.facts.sex in {"F", "M"} - {sex}:
                yield Hit(
                    f"{placed.code} is on the list {MceList(list_).label}; the patient's sex is {case.facts.sex}.",
                    (placed,),
                )


def _principal(list_: MceList, words: str) -> Callable[[Case], Iterator[Hit]]:
    def run(case: Case) -> Iterator[Hit]:
        first = case.first
        if first is not None and first.code in _on(case, list_):
            yield Hit(f"{first.code} {words}.", (first,))

    return run


def _unacceptable(case: Case) -> Iterator[Hit]:
    first = case.first
    if first is None:
        return
    if first.code in _on(case, MceList.UNACCEPTABLE_ALONE):
        if len({p.code for p in case.diagnoses}) == 1:
            yield Hit(f"{first.code} is accepted as principal only with a secondary diagnosis.", (first,))
    elif first.code in _on(case, MceList.UNACCEPTABLE):
        yield Hit(f"{first.code} is not accepted as principal diagnosis.", (first,))


def _laterality(case: Case) -> Iterator[Hit]:
    on = case.facts.discharge_date
    if on is None or on < LATERALITY_BEGAN:
        return
    codes = _on(case, MceList.UNSPECIFIED)
    for placed in case.diagnoses:
        if placed.code in codes:
            tree = None if case.knowledge.tabular is None else case.knowledge.tabular.tree
            sided = [] if tree is None or placed.node is None else sided_siblings(tree, placed.node)
            said = f"; {', '.join(n.code for n in sided)} say it" if sided else ""
            yield Hit(f"{placed.code} leaves the side unspecified (MCE edit 20){said}.", (placed,))


_EXEMPT_LIST = "CMS list of codes exempt from POA reporting"


def _poa_table(case: Case) -> Iterator[Hit]:
    if case.knowledge.poa_exempt is None:
        yield Hit(
            "No list of codes exempt from present-on-admission reporting is loaded for the discharge.",
            tuple(case.diagnoses),
            Result.NO_DATA,
        )


def _poa(case: Case) -> Iterator[Hit]:
    table = case.knowledge.poa_exempt
    if table is None:
        return
    for placed in case.diagnoses:
        hit = _wrong_poa(placed, placed.code in table.codes)
        if hit is not None:
            yield hit


def _wrong_poa(placed: Placed, exempt: bool) -> Hit | None:
    poa = placed.line.poa
    if poa == PresentOnAdmission.EXEMPT and not exempt:
        return Hit(f"{placed.code} is not exempt from present-on-admission reporting.", (placed,))
    if poa and poa != PresentOnAdmission.EXEMPT and exempt:
        return Hit(
            f"{placed.code} is exempt from present-on-admission reporting and carries {poa}.",
            (placed,),
            severity=Severity.WARN,
        )
    return None


_ANSWERS: tuple[str, ...] = ("documented", "not_applicable", "table_error", "other")

CHECKS: tuple[Check, ...] = (
    Check(
        "mce_table",
        "Medicare Code Editor at discharge",
        Severity.INFO,
        _MCE,
        case=_table,
        claim_types=INPATIENT,
        needs="",
        outcomes=(),
    ),
    Check(
        "mce_age",
        "Age conflict",
        Severity.WARN,
        f"{_MCE}, age conflict",
        case=_age,
        claim_types=INPATIENT,
        needs="mce",
        outcomes=_ANSWERS,
    ),
    Check(
        "mce_sex",
        "Sex conflict",
        Severity.WARN,
        f"{_MCE}, sex conflict, until 2024-09-30",
        case=_sex,
        claim_types=INPATIENT,
        needs="mce",
        outcomes=_ANSWERS,
    ),
    Check(
        "mce_manifestation",
        "Manifestation as principal diagnosis",
        Severity.HARD,
        f"{_MCE}, manifestation code as principal diagnosis",
        case=_principal(MceList.MANIFESTATION, "is a manifestation and not accepted as principal diagnosis"),
        claim_types=INPATIENT,
        needs="mce",
        outcomes=(),
        yields_to=("manifestation_first",),
    ),
    Check(
        "mce_unacceptable",
        "Unacceptable principal diagnosis",
        Severity.HARD,
        f"{_MCE}, unacceptable principal diagnosis",
        case=_unacceptable,
        claim_types=INPATIENT,
        needs="mce",
        outcomes=(),
        yields_to=("manifestation_first", "external_cause_first"),
    ),
    Check(
        "mce_questionable",
        "Questionable admission",
        Severity.WARN,
        f"{_MCE}, questionable admission",
        case=_principal(MceList.QUESTIONABLE, "alone seldom justifies an admission"),
        claim_types=INPATIENT,
        needs="mce",
        outcomes=_ANSWERS,
    ),
    Check(
        "mce_laterality",
        "Unspecified code",
        Severity.WARN,
        f"{_MCE}, edit 20, unspecified code, from 2022-04-01",
        case=_laterality,
        claim_types=INPATIENT,
        needs="mce",
        outcomes=_ANSWERS,
    ),
    Check(
        "poa_table",
        "POA exempt list at discharge",
        Severity.INFO,
        _EXEMPT_LIST,
        case=_poa_table,
        claim_types=INPATIENT,
        needs="",
        outcomes=(),
    ),
    Check(
        "poa_exempt",
        "POA indicator of exempt codes",
        Severity.HARD,
        _EXEMPT_LIST,
        case=_poa,
        claim_types=INPATIENT,
        needs="poa_exempt",
        outcomes=("table_error",),
    ),
)
