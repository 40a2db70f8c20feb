"""The curated words of the embedded engine, as data beside this file; read once a process.

Every file: comment lines begin with "#", columns are separated by commas, the last column takes the rest
of its line. All of it is the project's own work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from modelops.engines.embedded.tokens import STOP, Rewrites, is_word, scan_line

# In a phrase: up to this many other words may stand there.
GAP = "~"
GAP_WORDS = 4


def rows(name: str, columns: int) -> Iterator[list[str]]:
    """The file's rows, each with exactly `columns` fields. Raises ValueError for a row with fewer."""
    text = files(__package__).joinpath(*name.split("/")).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [part.strip() for part in line.split(",", columns - 1)]
        if len(fields) != columns:
            raise ValueError(f"{name}, line {number}: {columns} columns are needed")
        yield fields


def phrases(field: str) -> list[str]:
    return [part.strip() for part in field.split("|") if part.strip()]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in order that name a code; `weight` is strong, plain or weak, `gaps` says where words may intrude."""

    words: tuple[str, ...]
    gaps: frozenset[int]
    code: str
    weight: str


@cache
def rewrites() -> Rewrites:
    return Rewrites((written, means, sign == "x") for written, means, sign in rows("rewrites.csv", 3))


@cache
def headings() -> dict[str, str]:
    return {name.lower(): kind for kind, names in rows("headings.csv", 2) for name in phrases(names)}


def as_words(written: str) -> tuple[tuple[str, ...], frozenset[int]]:
    """A phrase's normal words and the places before which other words may stand."""
    words: list[str] = []
    gaps: set[int] = set()
    for part_number, part in enumerate(written.split(GAP)):
        if part_number:
            gaps.add(len(words))
        tokens = rewrites().apply(scan_line(part, 1))
        words.extend(token.norm for token in tokens if is_word(token.norm) and token.norm not in STOP)
    return tuple(words), frozenset(gaps)


@dataclass(frozen=True, slots=True)
class PhraseIndex:
    """The phrases by how they begin: a word alone, two words in a row, or a word before a gap."""

    single: dict[str, tuple[Phrase, ...]]
    pairs: dict[tuple[str, str], tuple[Phrase, ...]]
    gapped: dict[str, tuple[Phrase, ...]]

    def __iter__(self) -> Iterator[Phrase]:
        for them in (*self.single.values(), *self.pairs.values(), *self.gapped.values()):
            yield from them


@cache
def code_files() -> tuple[str, ...]:
    """The files of phrases that name codes: conditions by chapter, states, circumstances."""
    folder = files(__package__) / "conditions"
    conditions = sorted(f"conditions/{file.name}" for file in folder.iterdir() if file.name.endswith(".csv"))
    return (*conditions, "status.csv", "social.csv")


@cache
def code_phrases() -> PhraseIndex:
    return _phrase_index(code_files())


@cache
def procedure_phrases() -> PhraseIndex:
    """Phrases that name procedures; a file of its own, since they count only where the procedure was done."""
    return _phrase_index(("procedures.csv",))


def _phrase_index(names: Iterable[str]) -> PhraseIndex:
    single: dict[str, list[Phrase]] = {}
    pairs: dict[tuple[str, str], list[Phrase]] = {}
    gapped: dict[str, list[Phrase]] = {}
    for name in names:
        for code, weight, field in rows(name, 3):
            for written in phrases(field):
                words, gaps = as_words(written)
                phrase = Phrase(words, gaps, code, weight)
                if len(words) == 1:
                    single.setdefault(words[0], []).append(phrase)
                elif 1 in gaps:
                    gapped.setdefault(words[0], []).append(phrase)
                else:
                    pairs.setdefault((words[0], words[1]), []).append(phrase)
    return PhraseIndex(
        {word: tuple(them) for word, them in single.items()},
        {words: tuple(them) for words, them in pairs.items()},
        {word: tuple(them) for word, them in gapped.items()},
    )


@cache
def context_phrases() -> dict[str, tuple[tuple[tuple[str, ...], str, str], ...]]:
    """By first token: (tokens as written, tag, direction), longest first. Signs and stop words count here."""
    found: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
    for tag, direction, field in rows("context.csv", 3):
        for written in phrases(field):
            tokens = tuple(token.norm for token in rewrites().apply(scan_line(written, 1)))
            found.setdefault(tokens[0], []).append((tokens, tag, direction))
    return {first: tuple(sorted(them, key=lambda row: -len(row[0]))) for first, them in found.items()}


@cache
def table(name: str, columns: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row) for row in rows(name, columns))


@cache
def phrase_set(name: str) -> frozenset[str]:
    """A file of words, one phrase list a row, in normal form."""
    return frozenset(" ".join(as_words(p)[0]) for (field,) in rows(name, 1) for p in phrases(field))
