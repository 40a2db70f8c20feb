"""Which codes a chart is written about: a seed code, what it needs beside it, and what plausibly goes with it.

Codes come from templates/clusters.txt, from the tabular's own notes (code first, use additional code), and, where
counts of signed-off charts are given, from those. What does not stand beside the others by the code edits is not
kept, with the edit's id as the reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from catalog.choices import ClaimType, CodeRole, NoteKind
from catalog.edits.ages import age_in
from catalog.edits.engine import check
from catalog.edits.knowledge import Knowledge
from catalog.edits.types import CodeLine, EncounterFacts, Finding, Result, Severity
from modelops.synthesis.ranks import in_order, may_stand_first
from modelops.synthesis.seeded import seeded
from modelops.synthesis.tables import Choice, Needs, apart, clusters, families, longest, requirements, styles
from modelops.synthesis.types import Discard, Order, Person
from modelops.synthesis.vocabulary import Term, Vocabulary

_TRIES = 12
_ROUNDS = 4
# Of the charts, every second one goes by the list of all codes, so that rare ones come as well.
_IN_TURN = 2
_SETTINGS: dict[str, tuple[str, ...]] = {
    "any": ("inpatient", "outpatient", "outpatient", "emergency", "home", "snf"),
    "acute": ("inpatient", "emergency"),
    "ward": ("inpatient",),
    "clinic": ("outpatient",),
}
_OLD_PLACES = frozenset({"home", "snf"})
_SEQUENCED = (NoteKind.USE_ADDITIONAL_CODE, NoteKind.CODE_FIRST, NoteKind.CODE_ALSO)
_PRESUMED_HEART = ("I50",)
_LUNG_INFECTIONS = tuple(f"J{number}" for number in (*range(12, 19), 20, 21, 22))
_REASONS_TO_COME = frozenset(
    {
        "acute",
        "injury",
        "burn",
        "complication",
        "maltreated",
        "pregnancy",
        "cause",
        "mental",
        "symptom",
        "drug",
    }
)
_NO_SEED = frozenset({"bmi", "drugstatus", "place", "weeks"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may be drawn. `domain` with `domain_codes`: seeds come from those; `companions`: how many beside the seed;
    `counts`: how often two codes stood in one signed-off chart; `in_turn`: half of the seeds go round all codes."""

    domain: str = ""
    domain_codes: frozenset[str] = frozenset()
    style: str = ""
    companions: tuple[int, int] = (2, 9)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    in_turn: bool = True


class NothingFits(Exception):
    """No chart could be drawn: the vocabulary is too narrow for what its codes need beside them."""


class Drawing:
    """Draws orders from one vocabulary; the same seed and position give the same order."""

    def __init__(self, vocabulary: Vocabulary, wanted: Wanted, days: tuple[dt.date, dt.date]) -> None:
        self._vocabulary = vocabulary
        self._wanted = wanted
        self._days = days
        self._knowledge = Knowledge(tabular=vocabulary.tabular)
        seeds = [
            term
            for term in vocabulary.terms.values()
            if term.kind not in _NO_SEED and (not wanted.domain or term.code in wanted.domain_codes)
        ]
        if not seeds:
            raise NothingFits("no code of the vocabulary can be a seed")
        shuffled = sorted(seeds, key=lambda term: seeded(term.code).random())
        self._turn = shuffled
        by_family: dict[str, list[Term]] = {}
        for term in seeds:
            by_family.setdefault(term.family, []).append(term)
        self._families = sorted(by_family)
        self._family_weights = [families()[name].weight for name in self._families]
        self._of_family = by_family
        self._weights = {name: [t.weight for t in terms] for name, terms in by_family.items()}

    def order(self, run_seed: int | str, position: int) -> Order:
        """Raises NothingFits."""
        random = seeded(run_seed, position, "codes")
        discards: list[Discard] = []
        for attempt in range(_TRIES):
            seed = self._seed(random, position, attempt)
            drawn = _Chart(self._vocabulary, self._wanted, seed, random)
            if drawn.complete():
                drawn.accompany()
                kept = self._reviewed(drawn.settled(), seed, drawn.person, drawn.setting, discards)
                if kept:
                    return self._ordered(run_seed, position, seed, kept, drawn, discards, random)
            discards.append(Discard(seed.code, "does_not_stand"))
        raise NothingFits("the codes drawn never stood beside each other")

    def _seed(self, random: Random, position: int, attempt: int) -> Term:
        if self._wanted.in_turn and position % _IN_TURN and not attempt:
            return self._turn[(position // _IN_TURN) % len(self._turn)]
        family = random.choices(self._families, self._family_weights)[0]
        return random.choices(self._of_family[family], self._weights[family])[0]

    def _reviewed(
        self, codes: list[str], seed: Term, person: Person, setting: str, discards: list[Discard]
    ) -> list[str]:
        """The codes that stand beside the seed by the code edits; nothing where the seed itself does not."""
        for _ in range(_ROUNDS):
            codes = in_order(codes, seed.code, self._vocabulary)
            against = list(self._against(codes, person, setting))
            if not against:
                return codes
            for finding in against:
                named = [c for c in finding.codes if c != seed.code and c in codes]
                if not named:
                    return []
                discards.append(Discard(named[-1], finding.check))
                codes = [c for c in codes if c != named[-1]]
            codes = without_unmet(codes)
            if seed.code not in codes:
                return []
        return []

    def _against(self, codes: Sequence[str], person: Person, setting: str) -> Iterator[Finding]:
        claim_type = claim_of(setting)
        years, days = age_in(person.age, person.age_unit)
        facts = EncounterFacts(
            claim_type=claim_type,
            setting=setting,
            admit_date=self._days[0],
            discharge_date=self._days[0],
            service_date=self._days[0],
            age_years=years,
            age_days=days,
            sex=person.sex,
        )
        lines = [
            CodeLine(code, sequence=number, role=role_of(codes, number, claim_type, self._vocabulary))
            for number, code in enumerate(codes, start=1)
        ]
        for finding in check(lines, facts, self._knowledge).findings:
            if finding.result is Result.FAIL and finding.severity is not Severity.INFO:
                yield finding

    def _ordered(
        self,
        run_seed: int | str,
        position: int,
        seed: Term,
        codes: list[str],
        drawn: _Chart,
        discards: list[Discard],
        random: Random,
    ) -> Order:
        setting = drawn.setting
        first, last = self._days
        return Order(
            id=f"syn-{run_seed}-{position:06d}",
            seed_code=seed.code,
            codes=tuple(codes),
            domain=self._wanted.domain,
            claim_type=claim_of(setting),
            setting=setting,
            style=self._wanted.style or _style(random, setting, seed),
            person=drawn.person,
            date=first + dt.timedelta(days=random.randrange((last - first).days + 1)),
            seed=f"{run_seed}/{position}",
            discards=tuple(discards),
        )


class _Chart:
    """One chart being drawn around its seed."""

    def __init__(self, vocabulary: Vocabulary, wanted: Wanted, seed: Term, random: Random) -> None:
        self._vocabulary = vocabulary
        self._wanted = wanted
        self._seed = seed
        self._random = random
        self._codes: list[str] = []
        sex = seed.sex or random.choice("FM")
        # Common conditions are looked for in the ages where they are common: nearer to the middle of the range.
        age = round(random.triangular(seed.youngest, seed.oldest, (seed.youngest + seed.oldest) / 2))
        self.person = Person(age, "years", sex)
        self.setting = random.choice(self._settings_of(seed))

    def _settings_of(self, seed: Term) -> tuple[str, ...]:
        settings = _SETTINGS[seed.setting]
        if self._wanted.style:
            settings = styles()[self._wanted.style].settings
        elif self.person.age < 65:
            settings = tuple(s for s in settings if s not in _OLD_PLACES)
        return settings

    def complete(self) -> bool:
        """The seed and what it needs; False where that cannot be had."""
        if self.setting not in _SETTINGS[self._seed.setting] or not self._add(self._seed, deep=0):
            return False
        if self.setting not in ("inpatient", "emergency") or self._seed.kind in _REASONS_TO_COME:
            return True
        # Nobody is admitted for what has been there for years.
        return self._add_one_of(clusters()["admitted"], deep=1)

    def accompany(self) -> None:
        fewest, most = self._wanted.companions
        wanted = len(self._codes) + self._random.randint(fewest, most)
        self._linked()
        self._counted()
        names = families()[self._seed.family].clusters
        pool: list[Choice] = [c for name in names for c in clusters().get(name, ())]
        for _ in range(3 * most):
            if len(self._codes) >= wanted or not pool:
                return
            choice = self._random.choices(pool, [c.weight for c in pool])[0]
            pool = [c for c in pool if c.begins != choice.begins]
            self._add_one_of((choice,), deep=1)

    def settled(self) -> list[str]:
        """The codes after what the guidelines presume to be related."""
        return presumed(self._codes, self._vocabulary.terms)

    def _linked(self) -> None:
        """A code that a note of the tabular at the seed points at."""
        tabular = self._vocabulary.tabular
        node = tabular.tree.code(self._seed.code)
        if node is None or self._random.random() > 0.4:
            return
        targets = [
            target
            for kind in _SEQUENCED
            for block in tabular.notes.along(node, kind)
            if tabular.tree.nodes[block.position].code[0].isalpha()
            for target in block.targets
        ]
        if targets:
            target = self._random.choice(targets)
            begins = tabular.tree.nodes[target.first].code
            if not begins.startswith(("T", "V", "W", "X", "Y")):
                self._add_one_of((Choice(begins[:6], 1.0),), deep=1)

    def _counted(self) -> None:
        beside = self._wanted.counts.get(self._seed.code)
        if beside:
            codes = sorted(beside)
            for code in self._random.choices(codes, [beside[c] for c in codes], k=2):
                self._add_one_of((Choice(code, 1.0),), deep=1)

    def _add_one_of(self, choices: Sequence[Choice], deep: int) -> bool:
        left = [choice for choice in choices if choice.weight]
        while left:
            choice = self._random.choices(left, [c.weight for c in left])[0]
            left.remove(choice)
            terms = [t for t in self._vocabulary.beginning(choice.begins) if self._fits(t)]
            if terms and self._add(self._random.choices(terms, [t.weight for t in terms])[0], deep):
                return True
        return False

    def _fits(self, term: Term) -> bool:
        pregnant = self._seed.kind == "pregnancy"
        if not term.befalls(self.person.sex, self.person.years) or (
            term.kind == "pregnancy" and not pregnant
        ):
            return False
        if pregnant and term.kind not in ("pregnancy", "social", "weeks", "substance"):
            return False
        return self.setting in _SETTINGS[term.setting]

    def _add(self, term: Term, deep: int) -> bool:
        """With all that it needs, or not at all."""
        if term.code in self._codes:
            return True
        needs = requirements().get(longest(requirements(), term.code), Needs((), ()))
        if not stands_beside(term.code, self._codes) or any(
            code.startswith(never) for never in needs.never for code in self._codes
        ):
            return False
        before = list(self._codes)
        self._codes.append(term.code)
        if deep > 3:
            return not needs.groups
        for group in needs.groups:
            met = any(code.startswith(choice.begins) for choice in group for code in self._codes)
            if not met and not self._add_one_of(group, deep + 1):
                self._codes = before
                return False
        return self._with_weeks(term)

    def _with_weeks(self, term: Term) -> bool:
        if term.kind != "pregnancy" or any(code.startswith("Z3A") for code in self._codes):
            return True
        first, last = term.weeks or (12, 39)
        week = f"Z3A.{self._random.randint(max(first, 8), last):02d}"
        if week in self._vocabulary.terms:
            self._codes.append(week)
        return True


def stands_beside(code: str, others: Collection[str]) -> bool:
    """By templates/apart.txt, and one code of a category except for injuries, ulcers and circumstances."""
    category = code[:3]
    if category[0] not in "STWVXZOL" and any(other[:3] == category for other in others):
        return category in ("C77", "C78", "C79", "R26", "H35", "M17", "R13", "R63")
    for line in apart():
        mine = next((begins for begins in line if code.startswith(begins)), None)
        if mine is None:
            continue
        theirs = tuple(begins for begins in line if begins != mine)
        if any(other.startswith(theirs) for other in others):
            return False
    return True


def presumed(codes: Sequence[str], known: Collection[str]) -> list[str]:
    """What stands for conditions that the guidelines presume to be related: hypertension with heart failure or kidney
    disease, diabetes with kidney disease, angiopathy or a foot ulcer (I.A.15, I.C.9.a); COPD with an infection of the
    lung has a code of its own."""
    found = list(codes)
    heart = any(code.startswith(_PRESUMED_HEART) for code in found)
    stage = next((code for code in found if code.startswith("N18")), "")
    late = stage in ("N18.5", "N18.6")
    for number, code in enumerate(found):
        if code.startswith(("I10", "I11", "I12", "I13")):
            if heart and stage:
                found[number] = "I13.2" if late else "I13.0"
            elif heart:
                found[number] = "I11.0"
            elif stage:
                found[number] = "I12.0" if late else "I12.9"
        if code == "E11.9":
            found[number] = _diabetes(found, stage)
        if code == "J44.9" and any(other.startswith(_LUNG_INFECTIONS) for other in found):
            found[number] = "J44.0"
    if any(code.startswith("E11.51") for code in found):
        found = [code for code in found if code != "I73.9"]
    return [code for code in dict.fromkeys(found) if code in known]


def _diabetes(codes: Sequence[str], stage: str) -> str:
    if stage:
        return "E11.22"
    if any(code.startswith(("L97.4", "L97.5")) for code in codes):
        return "E11.621"
    return "E11.51" if "I73.9" in codes else "E11.9"


def without_unmet(codes: Sequence[str]) -> list[str]:
    """Without codes whose needs went away with another one."""
    left = list(codes)
    while True:
        unmet = [
            code
            for code in left
            if (begins := longest(requirements(), code))
            and any(
                not any(other.startswith(choice.begins) for choice in group for other in left)
                for group in requirements()[begins].groups
            )
        ]
        if not unmet:
            return left
        left = [code for code in left if code not in unmet]


def claim_of(setting: str) -> str:
    claims = {"inpatient": ClaimType.FACILITY_INPATIENT, "emergency": ClaimType.FACILITY_OUTPATIENT}
    return str(claims.get(setting, ClaimType.PROFESSIONAL).value)


def role_of(codes: Sequence[str], number: int, claim_type: str, vocabulary: Vocabulary) -> str:
    """Of the code at `number` (from 1). No code is marked first where none can be."""
    if number > 1 or not may_stand_first(vocabulary.terms[codes[0]].kind):
        return str(CodeRole.SECONDARY.value) if number > 1 else ""
    inpatient = claim_type == ClaimType.FACILITY_INPATIENT
    return str((CodeRole.PRINCIPAL if inpatient else CodeRole.FIRST_LISTED).value)


def _style(random: Random, setting: str, seed: Term) -> str:
    from_clusters = families()[seed.family].clusters
    fitting = [
        style
        for style in styles().values()
        if setting in style.settings and (not style.domains or _suits(style.domains, seed, from_clusters))
    ]
    return random.choices(fitting, [style.weight for style in fitting])[0].name


def _suits(domains: Sequence[str], seed: Term, names: Sequence[str]) -> bool:
    kinds: dict[str, bool] = {
        "advanced_illness": seed.kind in ("neoplasm", "metastasis", "dementia") or "advanced" in names,
        "frailty": seed.kind in ("frailty", "dependence", "dementia") or "elder" in names,
    }
    return any(kinds.get(domain, False) for domain in domains)
