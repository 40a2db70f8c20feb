"""Drugs that caused harm at the right dose, or were taken in too small a dose: T36-T50 with 5 or 6 (I.C.19.e.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from modelops.engines.embedded.lexicon import as_words, phrases, rows
from modelops.engines.embedded.matching import Words
from modelops.engines.embedded.mentions import Mention, ReadDocument, evidence_of, tags_at
from modelops.engines.embedded.terms import Vocabulary
from modelops.engines.embedded.tokens import Token, word_set

_REACH = 7
_HARM = word_set("due toxicity adverse effect effects")
_LESS = word_set(
    "underdosing underuse underusing rationing ration stretching stretch splitting skipping skip skipped"
)
_LESS_PHRASES = (
    ("every", "other", "day"),
    ("every", "third", "night"),
    ("every", "third", "day"),
    ("ran", "out"),
    ("stopped", "taking"),
    ("off", "own"),
    ("can't", "afford"),
    ("cannot", "afford"),
    ("self", "discontinuation"),
    ("self", "discontinued"),
    ("threw", "away"),
    ("half", "dose"),
)
_NOT_HARM = word_set("allergy allergic allergies")


@cache
def _names() -> dict[str, tuple[tuple[tuple[str, ...], str], ...]]:
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for stem, field in rows("drugs.csv", 2):
        for written in phrases(field):
            words, _ = as_words(written)
            found.setdefault(words[0], []).append((words, stem))
    return {first: tuple(sorted(them, key=lambda row: -len(row[0]))) for first, them in found.items()}


def drug_effects(documents: Sequence[ReadDocument], vocabulary: Vocabulary) -> Iterator[Mention]:
    for doc in documents:
        for number, words in enumerate(doc.words):
            for at, size, stem in _drugs(words):
                kind = _kind(words, at, size)
                code = _code(stem, kind, vocabulary) if kind else None
                if code is not None:
                    yield _mention(doc, number, words, at, size, code, kind)


def _drugs(words: Words) -> Iterator[tuple[int, int, str]]:
    names = _names()
    for at, norm in enumerate(words.norms):
        for name, stem in names.get(norm, ()):
            if tuple(words.norms[at : at + len(name)]) == name:
                yield at, len(name), stem
                break


def _kind(words: Words, at: int, size: int) -> str:
    """ "5" where the words near say that it did harm, "6" where less was taken than ordered, else ""."""
    low, high = max(0, at - _REACH), min(len(words.norms), at + size + _REACH)
    near = words.norms[low:high]
    if not _NOT_HARM.isdisjoint(near):
        return ""
    if not _LESS.isdisjoint(near) or any(_within(near, phrase) for phrase in _LESS_PHRASES):
        return "6"
    before, after = words.norms[max(0, at - 3) : at], words.norms[at + size : at + size + 3]
    # "due to prednisone", "prednisone-induced" (which is rewritten to "prednisone due"), "lithium toxicity".
    if "due" in before[-2:] or not _HARM.isdisjoint(after[:2]) or "adverse" in before:
        return "5"
    return ""


def _within(near: Sequence[str], phrase: tuple[str, ...]) -> bool:
    try:
        start = near.index(phrase[0])
    except ValueError:
        return False
    return all(word in near[start : start + 5] for word in phrase)


def _code(stem: str, kind: str, vocabulary: Vocabulary) -> str | None:
    code = f"{stem}{kind}A"
    return code if vocabulary.billable(code) else None


def _mention(
    doc: ReadDocument, number: int, words: Words, at: int, size: int, code: str, kind: str
) -> Mention:
    first, last = words.place[at], words.place[at + size - 1]
    tokens: Sequence[Token] = words.all
    evidence = evidence_of(doc, tokens[first], tokens[last])
    told = {
        "5": "A drug's effect at the right dose: adverse effect (I.C.19.e.5.a).",
        "6": "Less of a drug taken than ordered: underdosing (I.C.19.e.5.c).",
    }[kind]
    return Mention(
        code=code,
        document=doc.number,
        evidence=evidence,
        section=doc.sections.kind_at(evidence.line_start, evidence.col_start),
        tags=tags_at(doc.scopes[number], first, last) - {"negated"},
        source="drug",
        weight="plain",
        size=size,
        near=frozenset(words.norms[max(0, at - 14) : at + 15]),
        nonprovider=doc.nonprovider,
        told=told,
    )
