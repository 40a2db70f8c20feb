"""The names of codes in one catalog release: titles and inclusion terms as sets of normal words.

Built once per process and release, on first use: about 50,000 terms. Extended codes (7th character) are
left out: their stems are matched and the character is chosen from the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from sys import intern

from catalog.choices import NodeKind, NoteKind
from catalog.models import Code, Note
from modelops.engines.embedded.lexicon import rewrites
from modelops.engines.embedded.tokens import phrase, word_set

_PARENTHESES = re.compile(r"\s*\([^()]*\)")
_BRACKETS = re.compile(r"\s*\[[^\[\]]*\]")
# Named without saying more: dropped from a term, and the term then stands for the default.
_DEFAULTS = re.compile(
    r"(?i),?\s*\b(?:unspecified(?: (?:severity|type|site|organism|cause|trimester|stage|eye|side))?|"
    r"NOS|not otherwise specified|uncomplicated|without (?:mention of )?(?:any )?complications?|"
    r"not specified as \w+|, ?initial encounter.*)"
)
_VAGUE = re.compile(r"(?i)^(?:any |conditions? |diseases? classif)|elsewhere classified|\bother\b")
_TRIMESTER = re.compile(r"(?i),?\s*(first|second|third|unspecified) trimester")
_SEX = re.compile(r"(?i)\b(female|male)\b")
_CODES_IN_NOTE = re.compile(
    r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?-?(?:\s*(?:-|–|to)\s*[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?-?)?"
)
# Titles of these ranges are not looked for in notes: the words are everyday words, or another rule finds them.
_NO_TERMS = re.compile(r"^(?:[V-Y]|T3[6-9]|T[45]|T6[0-5]|Z(?!2[0-9A]|3A|8[89]|9))")
# One word that alone names nothing worth coding.
_TOO_GENERAL = word_set(
    "pain fall injury disease disorder infection wound lesion mass swelling symptom stress weakness abuse "
    "neglect burn ulcer cyst cancer tumor neoplasm bite fracture deformity contracture abnormality "
    "observation test child abscess rupture hemorrhage stone screening exposure colic cold corn shock "
    "crisis lead radiation twin strain sprain dislocation disability perforation obstruction dependence "
    "deficiency stenosis adhesion prolapse amputation overdose relapse spasm drowning fatigue edema "
    "headache nausea vomiting cough fever dizziness scar poisoning reaction allergy labor delivery birth "
    "baby person worker other unspecified type eye left right skin ear procedure illness growth worry stage "
    "part exhaustion heat vision hearing speech voice walking sitting travel family school work home housing "
    "sport food metastasis"
)
MAX_WORDS = 14
# A shorter word that stands alone is as often an abbreviation of something else ("PCP").
_SHORTEST_ALONE = 5


@dataclass(frozen=True, slots=True)
class Node:
    """A code of the release."""

    code: str
    title: str
    billable: bool
    parent: str
    extended: bool

    @property
    def words(self) -> frozenset[str]:
        """The title's normal words, what stands in parentheses left out."""
        return _title_words(self.title)


@lru_cache(maxsize=8192)
def _title_words(title: str) -> frozenset[str]:
    return frozenset(phrase(_PARENTHESES.sub("", title), rewrites()))


@dataclass(frozen=True, slots=True)
class Term:
    """One wording. `plain` counts what was dropped as a default: fewer is more exact."""

    words: frozenset[str]
    code: str
    plain: int
    title: bool
    sex: str = ""
    trimester: str = ""


@dataclass(slots=True)
class Vocabulary:
    """Everything the engine knows of one release."""

    nodes: dict[str, Node]
    # Codes below a code, in published order.
    children: dict[str, list[str]]
    by_rarest: dict[str, tuple[Term, ...]]
    excludes1: dict[str, tuple[tuple[str, str], ...]]

    def billable(self, code: str) -> bool:
        node = self.nodes.get(code)
        return node is not None and node.billable

    def title(self, code: str) -> str:
        return self.nodes[code].title


@lru_cache(maxsize=2)
def vocabulary(release_id: int) -> Vocabulary:
    """The vocabulary of the release with that primary key; empty where the release has no nodes."""
    nodes: dict[str, Node] = {}
    children: dict[str, list[str]] = {}
    by_id: dict[int, str] = {}
    wanted = (NodeKind.CATEGORY, NodeKind.SUBCATEGORY, NodeKind.EXTENDED)
    codes = Code.objects.filter(release_id=release_id, kind__in=wanted).order_by("position")
    for pk, code, title, billable, kind, parent_id in codes.values_list(
        "pk", "code", "title", "billable", "kind", "parent_id"
    ).iterator(chunk_size=5000):
        parent = by_id.get(parent_id or 0, "")
        nodes[code] = Node(code, title, billable, parent, kind == NodeKind.EXTENDED)
        by_id[pk] = code
        if parent:
            children.setdefault(parent, []).append(code)
    notes = Note.objects.filter(
        node__release_id=release_id,
        node__kind__in=wanted,
        kind__in=(NoteKind.INCLUSION_TERM, NoteKind.INCLUDES, NoteKind.EXCLUDES1),
    ).values_list("node__code", "kind", "text")
    inclusions: list[tuple[str, str]] = []
    excluded: dict[str, list[tuple[str, str]]] = {}
    for code, kind, text in notes.iterator(chunk_size=5000):
        if kind == NoteKind.EXCLUDES1:
            excluded.setdefault(code, []).extend(_ranges(text))
        else:
            inclusions.append((code, text))
    return Vocabulary(
        nodes=nodes,
        children=children,
        by_rarest=filed_by_rarest(_terms(nodes, inclusions)),
        excludes1={code: tuple(ranges) for code, ranges in excluded.items() if ranges},
    )


def _ranges(note: str) -> Iterable[tuple[str, str]]:
    """The codes a note names in its parentheses, as first and last prefix without dots."""
    for part in re.findall(r"\(([^()]*)\)", note):
        for found in _CODES_IN_NOTE.findall(part):
            ends = [
                end.replace(".", "").rstrip("-")
                for end in re.split(r"\s*(?:–|to)\s*|(?<=[0-9A-Z])-(?=[A-Z])", found)
            ]
            yield ends[0], ends[-1]


def _terms(nodes: dict[str, Node], inclusions: list[tuple[str, str]]) -> Iterable[Term]:
    for node in nodes.values():
        if not node.extended and not _NO_TERMS.match(node.code):
            yield from _readings(node.code, node.title, title=True)
    for code, text in inclusions:
        if not _NO_TERMS.match(code):
            yield from _readings(code, text, title=False)


def _readings(code: str, text: str, *, title: bool) -> Iterable[Term]:
    wording = _BRACKETS.sub("", _PARENTHESES.sub("", text))
    if _VAGUE.search(wording):
        return
    trimester_at = _TRIMESTER.search(wording)
    trimester = trimester_at.group(1).lower() if trimester_at else ""
    shorter = _TRIMESTER.sub("", wording)
    sex_at = _SEX.search(shorter) if code.startswith(("C50", "D05", "C79.8")) else None
    sex = sex_at.group(1)[0].upper() if sex_at else ""
    if sex:
        shorter = _SEX.sub("", shorter)
    plain, count = _DEFAULTS.subn("", shorter)
    words = frozenset(map(intern, phrase(plain, rewrites())))
    if len(words) == 1 and (words & _TOO_GENERAL or len(min(words)) < _SHORTEST_ALONE):
        return
    if words and len(words) <= MAX_WORDS:
        yield Term(words, code, count, title, sex, trimester)


def filed_by_rarest(terms: Iterable[Term]) -> dict[str, tuple[Term, ...]]:
    """Each term under that of its words that the fewest terms have."""
    kept = list(terms)
    counts = Counter(word for term in kept for word in term.words)
    found: dict[str, list[Term]] = {}
    for term in kept:
        found.setdefault(min(term.words, key=lambda word: (counts[word], word)), []).append(term)
    return {word: tuple(them) for word, them in found.items()}
