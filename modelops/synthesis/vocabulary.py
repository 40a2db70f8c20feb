"""The codes that charts are written about: of one release, each with its kind, whom it may befall and how it is said.

Left out are codes whose title does not tell what a note would have to say ("other specified", a side that is not
told), unless the tabular's own terms do, and kinds that templates/families.txt does not name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from catalog.choices import NodeKind
from catalog.edits.knowledge import Tabular
from catalog.edits.sides import sided_siblings
from catalog.edits.tree import Node, Tree
from modelops.synthesis.seeded import seeded
from modelops.synthesis.tables import Family, common, families, longest, sayings, social
from modelops.synthesis.wording import MOST_LEVEL, tidy, worded

_VAGUE = re.compile(
    r"\bother\b|not elsewhere classified|classified elsewhere|unspecified (?:site|side|eye|ear|part|organ|limb)"
    r"|unspecified (?:trimester|foot|hand|arm|leg|finger|toe|joint|vein|lobe|type|degree|stage|severity)"
    r"|\bnec\b|\bnos\b|childbirth|puerperium|newborn|neonat|perinatal|fetus [2-9]|complicating delivery"
    r"|blister stage|fracture of unspecified|stage unspecified|indeterminate stage|unspecified whether"
)
# What "other part" means is told by a wording of its own.
_TOLD_OTHERWISE = re.compile(r"^non-pressure chronic ulcer of other part of (?:right|left)")
_DEMENTIA = re.compile(r"^F0[123]")
_NOT_ALONE = re.compile(r"\bNEC\b|\bNOS\b|[(\[]|such as|elsewhere|:|^Any |[/]|[A-Z]\d\d")
_FEMALE = re.compile(
    r"\b(?:female|ovar\w+|uter\w+|vagin\w+|vulv\w+|cervix|menopaus\w+|pregnan\w+|maternal)\b"
)
_MALE = re.compile(r"\b(?:male|prostat\w*|testi\w+|penis|penile|scrot\w+|epididym\w+)\b")
_YOUNG = re.compile(r"\b(?:juvenile|childhood|adolescen\w+|infant\w*|child)\b")
_OLD = re.compile(r"\b(?:senile|age-related|postmenopausal|late onset)\b")
_TRIMESTER = re.compile(r"\b(first|second|third) trimester\b")
_WEEKS: dict[str, tuple[int, int]] = {"first": (8, 13), "second": (14, 27), "third": (28, 40)}
# Their drug would need a code of its own, and the title does not tell which drug.
_BY_A_DRUG = re.compile(r"\b(?:secondary to drugs?|drug[- ]induced|due to drugs?|chemical induced)\b")
# Nobody is seen by telephone for these.
_URGENT = re.compile(
    r"\b(?:gangrene|obstruction|perforat\w+|hemorrhage|bleeding|abscess|shock|rupture\w*|coma|ketoacidosis|crisis"
    r"|status asthmaticus|acute exacerbation|torsion|thrombosed|dissection|infarction|peritonitis)\b"
)
_NOT_URGENT = re.compile(r"\bwithout\b|\bhistory\b|\bfollowing\b|\bold\b")
_LONGEST = 110
_PER_CODE = 3
# How often a code with names is called by one of them, not by its title.
_NAMED = 0.8
# 7th characters that are written about; D and the like only where the bone's healing is told.
_INITIAL = frozenset("A")
_OPEN = frozenset("BC")
_HEALING: dict[str, str] = {"D": "injury_d", "G": "injury_g", "K": "injury_k", "P": "injury_p"}
_BONES = ("S22", "S32", "S42", "S52", "S62", "S72", "S82", "S92", "M80")
_DRUG = re.compile(r"^T(?:3[6-9]|4\d|50)")


@dataclass(frozen=True, slots=True)
class Term:
    """A code as the writer knows it. `names`: sayings and the tabular's own terms; `from_title`: its title may be
    worded. `weeks`: of gestation, where the code tells a trimester."""

    code: str
    title: str
    kind: str
    family: str
    sex: str
    youngest: int
    oldest: int
    setting: str
    weight: float
    names: tuple[str, ...]
    from_title: bool
    chapter: str
    weeks: tuple[int, int] | None = None

    def befalls(self, sex: str, years: float) -> bool:
        return (not self.sex or self.sex == sex) and self.youngest <= years <= self.oldest


class Vocabulary:
    """`terms` in the order of the release; `tabular` for its notes and the code edits."""

    def __init__(self, tabular: Tabular, terms: Iterable[Term]) -> None:
        self.tabular = tabular
        self.terms: dict[str, Term] = {term.code: term for term in terms}
        self._sorted = sorted(self.terms)
        self._beginning: dict[str, tuple[Term, ...]] = {}
        self._said: dict[tuple[str, int, int], str] = {}

    def __len__(self) -> int:
        return len(self.terms)

    def beginning(self, begins: str) -> tuple[Term, ...]:
        """Terms of the code or of codes that begin so."""
        found = self._beginning.get(begins)
        if found is None:
            exact = self.terms.get(begins)
            found = (
                (exact,)
                if exact
                else tuple(self.terms[code] for code in self._sorted if code.startswith(begins))
            )
            self._beginning[begins] = found
        return found

    def said(self, code: str, level: int, random: Random) -> str:
        """How one hand says the code. Few wordings of each are made, and kept."""
        term = self.terms[code]
        if term.names and (not term.from_title or random.random() < _NAMED):
            return random.choice(term.names)
        key = code, min(level, MOST_LEVEL), random.randrange(_PER_CODE)
        known = self._said.get(key)
        if known is None:
            known = self._said[key] = worded(term.title, key[1], seeded(*key))
        return known

    def common(self, count: int) -> list[str]:
        """The first codes of templates/common.txt: such that charts can be written about these alone."""
        return [code for code in common() if code in self.terms][:count]

    def only(self, codes: Iterable[str]) -> Vocabulary:
        """The same, limited to these codes."""
        wanted = set(codes)
        return Vocabulary(self.tabular, [term for code, term in self.terms.items() if code in wanted])


def make_vocabulary(
    tabular: Tabular,
    inclusions: Mapping[str, tuple[str, ...]],
    extra: Mapping[str, tuple[str, ...]] | None = None,
) -> Vocabulary:
    """`inclusions`: the tabular's inclusion terms by code; `extra`: further names that lead to the code alone, such
    as entries of the index."""
    return Vocabulary(
        tabular,
        (
            term
            for node in tabular.tree.codes()
            if node.billable
            and (
                term := _term(
                    tabular.tree, node, (*inclusions.get(node.code, ()), *(extra or {}).get(node.code, ()))
                )
            )
        ),
    )


def _term(tree: Tree, node: Node, inclusions: tuple[str, ...]) -> Term | None:
    begins = longest(families(), node.code)
    if not begins:
        return None
    family = families()[begins]
    kind = _kind(node, family)
    if not kind:
        return None
    told = sayings().get(node.code, ())
    narrated = family.kind == "social" and social().get(node.code)
    if family.kind == "social" and not narrated and not told:
        return None
    own = tuple(
        tidy(term.lower().removeprefix("unspecified "))
        for term in inclusions
        if len(term) < 60 and not _NOT_ALONE.search(term)
    )
    from_title = _tells(tree, node) and len(node.title) <= _LONGEST
    if not told and not own and not from_title and not narrated:
        return None
    # A title of circumstances is no sentence; only what sayings.txt tells is.
    if kind in ("cause", "place") and not told:
        return None
    lower = node.title.lower()
    trimester = _TRIMESTER.search(lower)
    if kind == "pregnancy" and trimester is None and not node.code.startswith(("O24.4", "Z34")):
        return None
    youngest, oldest = _ages(lower, family)
    if narrated:
        youngest, oldest = min(s.youngest for s in narrated), max(s.oldest for s in narrated)
    sex = family.sex or ("F" if _FEMALE.search(lower) else "M" if _MALE.search(lower) else "")
    return Term(
        code=node.code,
        title=node.title,
        kind=kind,
        family=begins,
        sex=sex,
        youngest=youngest,
        oldest=oldest,
        setting=_setting(lower, kind, family),
        weight=4.0 if told or narrated else 1.0,
        # An inclusion term of a code that says more than it ("left side") would not lead to it.
        names=told or (own if node.kind != NodeKind.EXTENDED else ()),
        from_title=from_title,
        chapter=_chapter(tree, node),
        weeks=_WEEKS[trimester[1]] if trimester else None,
    )


def _kind(node: Node, family: Family) -> str:
    """Empty where its 7th character is not written about."""
    if node.kind != NodeKind.EXTENDED or node.code[0] not in "STVWXYM":
        return family.kind
    last = node.code[-1]
    if last in _INITIAL:
        return _drug(node.code, family.kind)
    if node.code.startswith(_BONES) and family.kind in ("injury", "chronic"):
        if last in _OPEN and family.kind == "injury":
            return "injury"
        return _HEALING.get(last, "")
    return family.kind if node.code.startswith("M1A") else ""


def _drug(code: str, kind: str) -> str:
    """Of drugs only the adverse effect, and an underdosing that sayings.txt tells."""
    if not _DRUG.match(code):
        return kind
    key = code.replace(".", "")
    intent = key[5] if key[5] != "X" else key[4]
    return kind if intent == "5" or code in sayings() else ""


def _tells(tree: Tree, node: Node) -> bool:
    """Whether the title alone says what a note has to say."""
    title = node.title.lower()
    if title.endswith(", not applicable or unspecified"):
        title = title.removesuffix(", not applicable or unspecified")
    if _DEMENTIA.match(node.code):
        return "other behavioral" not in title and "other than" not in title
    if _TOLD_OTHERWISE.search(title):
        return "unspecified severity" not in title and "with other" not in title
    if _BY_A_DRUG.search(title) and node.code not in sayings():
        return False
    if _VAGUE.search(title) or title.count("unspecified") > 1:
        return False
    if node.code.startswith(("S", "M", "T", "C", "L", "H")) and "unspecified" in title:
        return False
    return not sided_siblings(tree, node)


def _ages(title: str, family: Family) -> tuple[int, int]:
    if _YOUNG.search(title):
        return max(6, min(family.youngest, 8)), 17
    if _OLD.search(title):
        return max(family.youngest, 64), max(family.oldest, 80)
    return family.youngest, family.oldest


def _setting(title: str, kind: str, family: Family) -> str:
    if kind in _HEALING.values():
        return "clinic"
    urgent = _URGENT.search(title) is not None and _NOT_URGENT.search(title) is None
    return "acute" if family.setting == "any" and urgent else family.setting


def _chapter(tree: Tree, node: Node) -> str:
    *_, top = tree.lineage(node)
    return top.code
