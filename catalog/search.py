"""Finds codes by a part of the code or by words in any order, within one release.

PostgreSQL's full text finds the candidates (titles, own terms, words of the nodes above); the order
is then made here from how much of the query a wording covers and how much of the wording is query.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection
from django.db.models import F, IntegerField
from django.db.models.functions import Abs, Length

from catalog.abbreviations import ABBREVIATIONS, resolve_phrases
from catalog.choices import GROUP_KINDS, CodeSystem, NodeKind
from catalog.keys import code_key
from catalog.lookup.answer import Answer as LookupAnswer
from catalog.lookup.answer import Lookup
from catalog.lookup.breadth import breadth
from catalog.lookup.cut import forms
from catalog.lookup.encounters import INITIAL, Titled, families, initial_first
from catalog.lookup.index import Index
from catalog.lookup.lay import LAY_TERMS, NO_LAY_TERMS
from catalog.lookup.lexicon import meant_words
from catalog.lookup.service import lookup_if_ready
from catalog.models import Code, Note, Release
from catalog.queries import get_node
from catalog.wording import Answer, Reading, read_wording, split_marked
from catalog.words import FUNCTION_WORDS, words

# How many full-text candidates are put in order; more changes nothing on the first page.
_CANDIDATES = 120
# With fewer hits than this, codes that have all words but one follow.
_ENOUGH = 5
# Many words that are all found name one code well enough; each word left out is one more search.
_FEW_WORDS = 6
_LEFT_OUT_OF = 12
# How many of the matching codes, shortest title first, are ranked to find these.
_RANKED = 800
_MAX_WORDS = 40
_CODE = re.compile(r"[A-Za-z0-9]{1,5}\.?[A-Za-z0-9]{0,4}-?")
# Needed in no title: left out of the search unless nothing else was typed.
_FILLERS = FUNCTION_WORDS | {"from", "pt"}
# Where a query may name more than one condition.
_SEVERAL = re.compile(r"[,;\n]|\s(?:and|plus|with|as well as)\s|\s[&+/]\s", re.IGNORECASE)
# How many answers of the lookup are joined with full text's.
_FOUND = 40
_WEIGHTS = (0.05, 0.3, 0.8, 1.0)


@dataclass(frozen=True)
class SearchHit:
    """`why` says in words what matched; `marked` is the title cut into (text, matched) pieces.

    `score` orders hits of one search only. 1 is best.
    """

    code: str
    title: str
    billable: bool
    score: float
    why: str
    marked: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class _Clause:
    """One typed word with the wordings it may stand for; `open` while it may still be typed on."""

    word: str
    meanings: tuple[tuple[str, ...], ...] = ()
    open: bool = False


def search(
    release: Release, query: str, limit: int = 20, near: str | None = None, typing: bool = True
) -> list[SearchHit]:
    """The best `limit` hits: codes that begin with the query, else codes with all its words.

    `near`: a code of the release whose children, then siblings, then relatives come first; with an
    empty query they are the answer. `typing`: the last word may be unfinished. Where few codes have all
    the words, codes with all but one follow, and `why` names the word left out. Raises UnknownCode for an
    unknown `near`.
    """
    beside = _Near.find(release, near) if near else None
    query = query.strip()
    if not query:
        return _around(beside, limit) if beside is not None else []
    if _CODE.fullmatch(query) and any(letter.isdigit() for letter in query):
        hits = codes_beginning_with(release, query, limit)
        # "b12" may be a word; with its dot nothing but a code is meant.
        if hits or "." in query:
            return hits
    lookup = lookup_if_ready(release)
    lay = LAY_TERMS if release.system == CodeSystem.ICD10CM else NO_LAY_TERMS
    plain = lay.read(query)
    hits = [
        replace(hit, why="; ".join((hit.why, *map(str, plain.reads))))
        for hit in _by_words(release, plain.text, limit, beside, typing, alone=lookup is None)
    ]
    if lookup is not None:
        hits = _joined(hits, lookup, query, beside)
    if beside is None:
        hits = _initial_encounters_first(release, hits, plain.text, typing)
        if lookup is not None:
            hits = _broad_first(hits, lookup.index, plain.text)
    return hits[:limit]


def _broad_first(hits: list[SearchHit], index: Index, query: str) -> list[SearchHit]:
    """Of a word or two that many titles have: the code that says nothing else, else the headers to choose from."""
    broad = breadth(index, query)
    if broad is None:
        return hits
    plain = {index.nodes[place].code for place in broad.plain}
    why = f"one of {broad.count} headers with these words: say more, such as the site or the cause"
    best = max((hit.score for hit in hits), default=1.0)
    headers = [
        SearchHit(node.code, node.title, node.billable, best, why, ((node.title, False),))
        for node in (index.nodes[place] for place in broad.headers)
    ]
    first = [hit for hit in hits if hit.code in plain]
    shown = {hit.code for hit in (*first, *headers)}
    return [
        *first,
        *(hit for hit in headers if hit.code not in plain),
        *(hit for hit in hits if hit.code not in shown),
    ]


def _joined(hits: list[SearchHit], lookup: Lookup, query: str, beside: _Near | None) -> list[SearchHit]:
    """Full text's hits with those of the lookup, which also reads misspellings, short forms and sentences.

    The better worded lead; beside a code, always what is near it. Several conditions in one query give one code
    each, first of all, or right after the one code whose wording says everything that was typed.
    """
    whole = lookup.find(query, _FOUND, billable_only=False)
    found = [_hit(answer) for answer in whole]
    each = lookup.find_each(query) if beside is None and _SEVERAL.search(query) else []
    several = len(each) > 1
    if several:
        at = 1 if whole and whole[0].whole else 0
        found[at:at] = [replace(_hit(one), why=f"{one.condition}: {one.why}") for one in each]
    lead = beside is None and bool(found) and (several or not hits or found[0].score > hits[0].score)
    first, second = (found, hits) if lead else (hits, found)
    joined = {hit.code: hit for hit in reversed((*first, *second))}
    return [joined[code] for code in dict.fromkeys(hit.code for hit in (*first, *second))]


def _initial_encounters_first(
    release: Release, hits: list[SearchHit], query: str, typing: bool
) -> list[SearchHit]:
    """Of codes that differ by their 7th character alone, the one that the words leave open to leads its family, found
    or not."""
    titled = [Titled(hit.code, frozenset(forms(hit.title)), settled=_is_settled(hit)) for hit in hits]
    without = {
        f"{stem}{INITIAL}": places[0]
        for stem, places in families(titled).items()
        if all(hits[at].code[-1] != INITIAL for at in places)
    }
    added = {
        without[node.code]: replace(
            hits[without[node.code]],
            code=node.code,
            title=node.title,
            billable=node.billable,
            marked=((node.title, False),),
        )
        for node in (Code.objects.of(release).named(*without).defer("search") if without else ())
        if node.code in without
    }
    every = [hit for at, one in enumerate(hits) for hit in ([one, added[at]] if at in added else [one])]
    titled = [Titled(hit.code, frozenset(forms(hit.title)), settled=_is_settled(hit)) for hit in every]
    last = words(query)[-1:] if typing and query[-1:].isalnum() else []
    order = initial_first(titled, meant_words(query), *last)
    return [replace(every[at], score=place.score) for at, place in zip(order, every, strict=True)]


def _is_settled(hit: SearchHit) -> bool:
    return hit.why.startswith("title, word for word")


def _hit(answer: LookupAnswer) -> SearchHit:
    return SearchHit(
        answer.code, answer.title, answer.billable, round(answer.score, 3), answer.why, answer.marked
    )


def codes_beginning_with(release: Release, query: str, limit: int) -> list[SearchHit]:
    """Codes by their first characters, with or without the dot; the shortest first."""
    key = code_key(query)
    found = (
        Code.objects.of(release)
        .filter(key__startswith=key)
        .exclude(kind__in=GROUP_KINDS)
        .order_by(Length("key"), "position")[:limit]
    )
    return [
        SearchHit(
            node.code,
            node.title,
            node.billable,
            1.0 if node.key == key else 0.99,
            "code" if node.key == key else f"code begins with {key[:3]}{'.' if key[3:] else ''}{key[3:]}",
            ((node.title, False),),
        )
        for node in found
    ]


@dataclass(frozen=True)
class _Near:
    """A code that one is about to replace, and the category it stands under (or itself)."""

    node: Code
    category: Code

    @classmethod
    def find(cls, release: Release, code: str) -> _Near:
        node = get_node(release, code)
        above = Code.objects.lineage_of(node).filter(kind=NodeKind.CATEGORY).first()
        return cls(node, above or node)

    def distance(self, other: Code) -> int:
        if other.parent_id == self.node.pk:
            return _CHILD
        if other.parent_id == self.node.parent_id:
            return _SIBLING
        if not self.category.position < other.position <= self.category.last_position:
            return _ELSEWHERE
        extended = other.kind == self.node.kind == NodeKind.EXTENDED
        return _SAME_SEVENTH if extended and other.code[-1] == self.node.code[-1] else _SAME_CATEGORY

    def order(self, other: Code) -> tuple[int, int]:
        """Small is near: by kind of relation, then by how many nodes above both share."""
        return self.distance(other), -len({*other.path}.intersection(self.node.path))


_CHILD, _SIBLING, _SAME_SEVENTH, _SAME_CATEGORY, _ELSEWHERE = range(5)
_DISTANCES = {
    _CHILD: "more specific",
    _SIBLING: "beside",
    _SAME_SEVENTH: "same 7th character",
    _SAME_CATEGORY: "same category",
}


def _around(near: _Near, limit: int) -> list[SearchHit]:
    relatives = sorted(
        Code.objects.relatives_of(near.node, near.category).defer("search"),
        key=lambda other: (near.order(other), not other.billable, other.position),
    )
    return [
        SearchHit(
            other.code,
            other.title,
            other.billable,
            0.0,
            _DISTANCES[near.distance(other)],
            ((other.title, False),),
        )
        for other in relatives[:limit]
    ]


def _by_words(
    release: Release, query: str, limit: int, near: _Near | None, typing: bool, alone: bool
) -> list[SearchHit]:
    """`alone`: nothing else finds codes that lack one of the words."""
    typed = words(resolve_phrases(query))[:_MAX_WORDS]
    clauses = _clauses(query, typed, typing)
    if not clauses:
        return []
    hits = _ranked(_candidates(release, [clauses], near), clauses, typed, near, "in a title above:", limit)
    if not alone or len(hits) >= _ENOUGH or not 1 < len(clauses) <= (_FEW_WORDS if hits else _LEFT_OUT_OF):
        return hits
    fewer = list(combinations(clauses, len(clauses) - 1))
    found = {hit.code for hit in hits}
    others = _ranked(_candidates(release, fewer, near), clauses, typed, near, "without", _ENOUGH * 2)
    return [*hits, *(hit for hit in others if hit.code not in found)][:limit]


def _clauses(query: str, typed: Sequence[str], typing: bool) -> list[_Clause]:
    wanted = [word for word in typed if word not in _FILLERS] or typed
    clauses = [_Clause(word, ABBREVIATIONS.get(word, ())) for word in dict.fromkeys(wanted)]
    last = clauses[-1] if clauses else None
    if last is not None and typing and query[-1:].isalnum() and _may_go_on(last):
        clauses[-1] = replace(last, open=True)
    return clauses


def _may_go_on(clause: _Clause) -> bool:
    """A letter, a number or an abbreviation is a word of its own ("vitamin D", "type 2"), no beginning."""
    return len(clause.word) > 1 and not clause.word.isdigit() and not clause.meanings


def _candidates(release: Release, readings: Sequence[Sequence[_Clause]], near: _Near | None) -> list[Code]:
    combined = _tsquery(readings[0])
    for reading in readings[1:]:
        combined |= _tsquery(reading)
    matching = Code.objects.of(release).filter(search=combined).exclude(kind__in=GROUP_KINDS).defer("search")
    # Ranking 50,000 codes that have "encounter" takes longer than finding them; the short titles among
    # them are the ones that have little else.
    short = matching.order_by(Length("title"), "position").values("pk")[:_RANKED]
    rank = SearchRank(F("search"), combined, weights=list(_WEIGHTS), normalization=1)
    best = Code.objects.filter(pk__in=short).annotate(rank=rank).defer("search")
    found = list(best.order_by("-rank", Length("title"), "position")[:_CANDIDATES])
    if near is not None:
        # The nearest may be too many words away to be among the best of the whole release.
        have = {code.pk for code in found}
        close = Code.objects.relatives_of(near.node, near.category).values("pk")
        away = Abs(F("position") - near.node.position, output_field=IntegerField())
        nearest = matching.filter(pk__in=close).order_by(away)[:_CANDIDATES]
        found += [code for code in nearest if code.pk not in have]
    return found


def _tsquery(clauses: Sequence[_Clause]) -> SearchQuery:
    """Words are runs of [a-z0-9] only, so nothing typed can be query syntax."""
    queries = [_clause_query(clause) for clause in clauses]
    whole = queries[0]
    for query in queries[1:]:
        whole &= query
    return whole


def _clause_query(clause: _Clause) -> SearchQuery:
    wordings = [clause.word, *(" <-> ".join(meaning) for meaning in clause.meanings)]
    wordings += [f"{clause.word}:*"] if clause.open else []
    query = SearchQuery(
        " | ".join(f"({wording})" for wording in wordings), config="catalog_words", search_type="raw"
    )
    if clause.open:
        query |= SearchQuery(f"{clause.word}:*", config="simple", search_type="raw")
    return query


def _ranked(
    codes: Sequence[Code],
    clauses: Sequence[_Clause],
    typed: Sequence[str],
    near: _Near | None,
    lacks: str,
    limit: int,
) -> list[SearchHit]:
    terms = _terms(codes)
    readings = [Reading(clause.word, ((clause.word,), *clause.meanings), clause.open) for clause in clauses]
    stems = _stems(
        {word for code in codes for text in (code.title, *terms[code.pk]) for word in words(text)},
        {word for reading in readings for wording in reading.wordings for word in wording},
    )
    answers: list[tuple[_Order, Code, Answer, str]] = []
    for code in codes:
        best, source = read_wording(code.title, readings, stems), ""
        for text in terms[code.pk]:
            wording = read_wording(text, readings, stems)
            # A term that is no better than the title is not the reason.
            if wording.score > best.score:
                best, source = wording, text
        key = _Order(
            near.order(code) if near is not None else (_ELSEWHERE, 0),
            -round(best.score, 2),
            not code.billable,
            _differs(words(code.title), typed),
            code.position,
        )
        answers.append((key, code, best, source))
    answers.sort(key=lambda answer: answer[0])
    return [
        SearchHit(
            code.code,
            code.title,
            code.billable,
            round(best.score, 3),
            _why(best, source, lacks),
            split_marked(code.title, readings, stems),
        )
        for _, code, best, source in answers[:limit]
    ]


class _Order(NamedTuple):
    """Hits in order: the near ones, the well-worded, the billable, the literal, the tabular order."""

    nearness: tuple[int, int]
    badness: float
    header: bool
    differs: int
    position: int


def _differs(title: Sequence[str], typed: Sequence[str]) -> int:
    """0: word for word what was typed; 1: anything else; 2: says "with" what nobody spoke of; 3: says "without" where
    "with" was typed."""
    if title == typed:
        return 0
    if "with" in typed:
        return 3 if "without" in title and "without" not in typed else 1
    return 2 if "with" in title else 1


def _why(answer: Answer, source: str, lacks: str) -> str:
    lacking = f"{lacks} {', '.join(answer.missing)}" if answer.missing else ""
    return "; ".join(filter(None, (*answer.expanded, source and f"also called {source}", lacking))) or "title"


def _terms(codes: Sequence[Code]) -> dict[int, list[str]]:
    """Own other names of each code; a code with a 7th character has those of its stem."""
    stems = {code.pk: code.parent_id for code in codes if code.kind == NodeKind.EXTENDED and code.parent_id}
    found: dict[int, list[str]] = defaultdict(list)
    for note in Note.objects.terms_on({*(code.pk for code in codes), *stems.values()}):
        found[note.node_id].append(note.text)
    return {code.pk: found[code.pk] + found.get(stems.get(code.pk, 0), []) for code in codes}


# Stems of the catalog's own words, which are few and the same in every search. Typed words stay out.
_catalog_stems: dict[str, str] = {}


def _stems(of_catalog: set[str], typed: set[str]) -> Mapping[str, str]:
    """Each word as PostgreSQL stems it, so that what is marked is what matched."""
    new = [word for word in of_catalog if word not in _catalog_stems]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word, coalesce((ts_lexize('catalog_stem', word))[1], word) FROM unnest(%s::text[]) AS word",
            [[*new, *typed]],
        )
        fresh: dict[str, str] = dict(cursor.fetchall())
    _catalog_stems.update((word, fresh[word]) for word in new)
    return {**{word: _catalog_stems[word] for word in of_catalog}, **fresh}
