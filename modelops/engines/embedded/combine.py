"""Rules over a chart's codes: combination codes, the more specific one, Excludes1, integral symptoms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from modelops.engines.embedded.chart import ChartFacts
from modelops.engines.embedded.lexicon import table
from modelops.engines.embedded.mentions import Mention
from modelops.engines.embedded.resolve import settle
from modelops.engines.embedded.terms import Vocabulary

_SYMPTOM_ALLOWANCE = 1.4
# Below this score a code makes no combination.
_SURE_ENOUGH = -1.0
_DIABETES = ("E08", "E09", "E10", "E11", "E13")


@dataclass(slots=True)
class Candidate:
    """A code on its way to being suggested: what supports it, and what rules said of it."""

    code: str
    mentions: list[Mention]
    told: str = ""
    tags: set[str] = field(default_factory=set)
    # Codes whose mentions it was made of; empty for a code that was named itself.
    made_of: tuple[str, ...] = ()
    lowered: str = ""
    # Set by scoring; doubted: denied at least as often as named.
    score: float = 0.0
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """`within`: dropped only where a document that names what the rule needs names these too (written "=I50.2"):
    two documents that disagree are the coder's to see. `absent`: no code may begin with one of these.
    """

    needs: tuple[tuple[str, ...], ...]
    absent: tuple[str, ...]
    drops: tuple[str, ...]
    within: tuple[str, ...]
    adds: tuple[str, ...]
    why: str


@cache
def rules() -> tuple[Rule, ...]:
    found: list[Rule] = []
    for needs, drops, adds, why in table("combinations.csv", 4):
        for base in _DIABETES if "{D}" in needs else ("",):
            parts = [part.strip().replace("{D}", base) for part in needs.split("&")]
            groups = tuple(tuple(part.split()) for part in parts if part[0] != "!")
            absent = tuple(code for part in parts if part[0] == "!" for code in part[1:].split())
            dropped = drops.replace("{D}", base).split()
            found.append(
                Rule(
                    groups,
                    absent,
                    tuple(code for code in dropped if code[0] != "="),
                    tuple(code[1:] for code in dropped if code[0] == "="),
                    tuple(adds.replace("{D}", base).split()),
                    why,
                )
            )
    return tuple(found)


def combine(candidates: dict[str, Candidate], vocabulary: Vocabulary) -> dict[str, Candidate]:
    """Apply the combination table in its order; a code that a rule adds takes the evidence of what it needs.

    A doubtful code makes no combination; uncertain mentions and histories are no candidates or have codes of
    their own.
    """
    found = dict(candidates)
    for rule in rules():
        if rule.absent and any(code.startswith(rule.absent) for code in found):
            continue
        chosen = [_fits(found, group, sure=bool(rule.adds)) for group in rule.needs]
        if any(not them for them in chosen):
            continue
        used = [candidate for them in chosen for candidate in them]
        for code in rule.adds:
            if vocabulary.billable(code) and code not in found:
                found[code] = _made(code, used, rule.why)
        keep = (
            {*rule.adds, *(c.code for c in chosen[0] if not rule.adds)} if len(chosen) == 1 else {*rule.adds}
        )
        beside = {document for candidate in used for document in _documents(candidate)}
        for code in [code for code in found if code not in keep]:
            if code.startswith(rule.drops) or (
                code.startswith(rule.within) and beside & _documents(found[code])
            ):
                del found[code]
    return found


def _documents(candidate: Candidate) -> set[str]:
    return {mention.evidence.document_id for mention in candidate.mentions}


def _fits(found: dict[str, Candidate], prefixes: Sequence[str], *, sure: bool) -> list[Candidate]:
    return [
        c
        for code, c in found.items()
        if code.startswith(tuple(prefixes))
        and not (sure and (c.doubted or _weight_in_combination(c) < _SURE_ENOUGH))
    ]


def _weight_in_combination(candidate: Candidate) -> float:
    """A symptom word weighs little by itself and fully in a combination ("diabetes with hyperglycemia")."""
    return candidate.score + (_SYMPTOM_ALLOWANCE if candidate.code[0] == "R" else 0.0)


def _made(code: str, used: Iterable[Candidate], why: str) -> Candidate:
    parts = sorted(used, key=lambda c: -c.score)
    tags = set().union(*(c.tags for c in parts))
    weights = [_weight_in_combination(c) for c in parts]
    return Candidate(
        code,
        [m for c in parts for m in c.mentions],
        told=why,
        tags=tags,
        made_of=tuple(c.code for c in parts),
        score=(min(weights) + max(weights)) / 2,
    )


def in_pregnancy(candidates: dict[str, Candidate], facts: ChartFacts, vocabulary: Vocabulary) -> None:
    """Chapter 15 codes come with, or instead of, others in a pregnant patient, unless it is incidental."""
    if not facts.pregnant or "Z33.1" in candidates:
        return
    for prefixes, manner, when, header, why in table("obstetrics.csv", 5):
        if when != "any" and (when == "delivered") != facts.delivered:
            continue
        used = [c for code, c in candidates.items() if code.startswith(tuple(prefixes.split()))]
        used = [c for c in used if not c.tags]
        code = settle(header, (), facts, vocabulary)
        if not used or code is None:
            continue
        if code not in candidates:
            candidates[code] = _made(code, used, why)
        for candidate in used if manner == "instead" else ():
            candidates.pop(candidate.code, None)


_NO_STAGE = "L89.9"
# The digits that name a stage where the site is not named, and where it is (5 is unstageable there).
_STAGES = {"L89.91": "1", "L89.92": "2", "L89.93": "3", "L89.94": "4", "L89.95": "0", "L89.96": "6"}


def stage_pressure_ulcers(candidates: dict[str, Candidate], vocabulary: Vocabulary) -> None:
    """A single ulcer named without its stage takes the one that stands elsewhere, as from a wound nurse (I.B.14)."""
    sites = [code for code in candidates if code.startswith("L89.") and not code.startswith(_NO_STAGE)]
    unstaged = [code for code in sites if code.endswith("9")]
    staged = [code for code in candidates if code in _STAGES]
    code = unstaged[0][:-1] + _STAGES[staged[0]] if unstaged and staged else ""
    if len(sites) == len(unstaged) == len(staged) == 1 and vocabulary.billable(code):
        why = "Diagnosis and stage of the pressure ulcer from two places; any clinician may give the stage (I.B.14)."
        candidates[code] = _made(code, [candidates.pop(unstaged[0]), candidates.pop(staged[0])], why)
    for code in [code for code in candidates if sites and code.startswith(_NO_STAGE)]:
        del candidates[code]


# States that a procedure leaves behind: not yet a state where the procedure is the one being reported.
_LEFT_BY_PROCEDURE = ("Z89", "Z90", "Z93", "Z98")


def leave_present_procedures(candidates: dict[str, Candidate]) -> None:
    """Take out "absence of" and "opening" codes whose procedure was done in this stay or visit."""
    for code in [code for code in candidates if code.startswith(_LEFT_BY_PROCEDURE)]:
        if any(m.section in ("procedure", "findings", "pathology") for m in candidates[code].mentions):
            del candidates[code]


def leave_active_from_history(candidates: dict[str, Candidate]) -> None:
    """A condition that is current in the chart is not also personal history."""
    for code in [code for code in candidates if code.startswith(("Z85", "Z86", "Z87"))]:
        origins = {m.origin[:3] for m in candidates[code].mentions if m.origin}
        if code.startswith("Z85"):
            origins.update(_cancers_of(code))
        if any(other[:3] in origins for other in candidates):
            del candidates[code]


@cache
def _cancers_of(history: str) -> frozenset[str]:
    """The categories whose history the code is; a remainder ("any other C") is not told apart."""
    found = (prefixes.split() for _, code, prefixes in table("history.csv", 3) if code == history)
    return frozenset(prefix for prefixes in found for prefix in prefixes if len(prefix) == 3)


def leave_unsupported(candidates: dict[str, Candidate]) -> None:
    """Take out codes that are only coded beside another that is not there (a BMI without its diagnosis)."""
    for prefixes, needed, _why in table("needs.csv", 3):
        needs = tuple(needed.split())
        if any(code.startswith(needs) for code in candidates):
            continue
        for code in [code for code in candidates if code.startswith(tuple(prefixes.split()))]:
            del candidates[code]


def more_specific_wins(candidates: dict[str, Candidate], vocabulary: Vocabulary) -> dict[str, Candidate]:
    """Leave out an "unspecified" code where another of its category says more about the same thing."""
    found = dict(candidates)
    for code in list(found):
        node = vocabulary.nodes[code]
        if "unspecified" not in node.title.lower():
            continue
        stem = code[:5] if code[0] in "ST" else code[:3] if code[0] in "CFGIJKLMNOD" else code[:5]
        rivals = [
            other
            for other in found
            if other != code
            and other.startswith(stem)
            and "unspecified" not in vocabulary.nodes[other].title.lower()
            and _says_more(node.words, vocabulary.nodes[other].words)
        ]
        if rivals:
            del found[code]
    return found


def _says_more(less: frozenset[str], more: frozenset[str]) -> bool:
    """The better part of the shorter title's words stands in the longer one."""
    core = less - {"unspecified", "other", "without", "type", "site"}
    return len(core & more) * 2 >= len(core)


def lower_conflicts(candidates: dict[str, Candidate], vocabulary: Vocabulary) -> None:
    """Of two codes that Excludes1 parts, the better supported stays; the other becomes LOW."""
    codes = sorted(candidates, key=lambda code: (-candidates[code].score, -len(code)))
    for place, kept in enumerate(codes):
        if candidates[kept].lowered:
            continue
        for other in codes[place + 1 :]:
            if not candidates[other].lowered and (
                excludes(kept, other, vocabulary) or excludes(other, kept, vocabulary)
            ):
                candidates[other].lowered = f"Excludes1 with {kept}, which is better supported."


def excludes(code: str, other: str, vocabulary: Vocabulary) -> bool:
    """Whether an Excludes1 note at `code` or above it names `other` (a wider code that holds it counts)."""
    node = vocabulary.nodes.get(code)
    key = other.replace(".", "")
    while node is not None:
        for first, last in vocabulary.excludes1.get(node.code, ()):
            if _within(key, first, last) and not code.replace(".", "").startswith(first):
                return True
        node = vocabulary.nodes.get(node.parent)
    return False


def _within(key: str, first: str, last: str) -> bool:
    return first <= key[: len(first)] and key[: len(last)] <= last


def lower_integral(candidates: dict[str, Candidate]) -> None:
    """A symptom that belongs to a definite diagnosis of the chart becomes LOW (I.B.5)."""
    for symptoms, diagnoses in table("integral.csv", 2):
        prefixes = tuple(diagnoses.split())
        causes = [
            c for code, c in candidates.items() if code.startswith(prefixes) and not c.doubted and c.score > 0
        ]
        if not causes:
            continue
        best = max(causes, key=lambda c: c.score)
        for code, candidate in candidates.items():
            if code.startswith(tuple(symptoms.split())) and not candidate.lowered and candidate is not best:
                candidate.lowered = f"Symptom of {best.code}, not coded beside it (I.B.5)."
