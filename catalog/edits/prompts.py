"""When a note that asks for a further code is put before a coder.

"Use additional code" and "code also" stand over half of the tabular, most of them for what a patient may have or may
not: tobacco, resistance, cachexia. That a code is absent is no reason to ask for it. A note asks where

- the diagnosis itself tells what the note wants coded: "with foot ulcer" and the site of the ulcer,
- another code of the claim speaks of it: counselling on tobacco and what tobacco it is, or
- nearly every such diagnosis has it (EXPECTED).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from re import compile as pattern

from catalog.edits.notes import NoteBlock, Target
from catalog.edits.rows import Case, Placed
from catalog.edits.tree import Node

# What every chart of the diagnosis tells: (the diagnosis, what the note names).
EXPECTED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("C50",), ("Z17",)),
    (("K70", "K29.2", "K85.2", "K86.0", "G62.1", "G31.2", "I42.6"), ("F10",)),
)
# What a note names, and the codes beside it that give reason to ask.
REASONS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    # Counselling on tobacco, its toxic effect, smoking in pregnancy.
    (("F17", "Z72.0", "Z87.891", "Z77.22", "Z57.31", "P96.81"), ("Z71.6", "T65.2", "O99.33")),
    # Malnutrition, loss of weight, a low body mass index.
    (("R64", "E88.A"), ("E43", "E44", "E46", "R63.4", "R63.6", "Z68.1")),
)

_INSIDE = pattern(r"\([^()]*\)|\[[^\[\]]*\]")
_WORD = pattern(r"[a-z0-9][a-z0-9-]*")
# Of the instruction, and too common in titles to tell anything.
_ASKING = frozenset(
    {
        *("use", "additional", "secondary", "code", "codes", "s", "to", "identify", "specify"),
        *("further", "for", "the", "a", "an", "of", "in", "with", "by"),
        *("and", "or", "as", "due", "from", "any", "all", "associated", "underlying"),
        *("presence", "type", "types", "stage", "site", "severity", "degree", "specific", "specified"),
        *(
            "category",
            "condition",
            "conditions",
            "disease",
            "diseases",
            "disorder",
            "disorders",
            "other",
            "it",
        ),
        *("its", "nature", "cause", "also", "name"),
    }
)


def is_asked(case: Case, block: NoteBlock, carriers: Iterable[Placed]) -> bool:
    """Whether the note, which nothing on the claim satisfies, has a reason to be asked for these diagnoses."""
    carriers = tuple(carriers)
    named = [case.tabular.tree.nodes[target.first].code for target in block.targets]
    if any(_names(named, wanted) and case.starting(*reasons) for wanted, reasons in REASONS):
        return True
    if block.conditional or block.open:
        return False
    if any(_names(named, wanted) and any(p.code.startswith(of) for p in carriers) for of, wanted in EXPECTED):
        return True
    if not block.targets:
        # Words only: any other diagnosis may be what they ask for.
        return all(p in carriers for p in case.known)
    return any(
        is_told(target, placed)
        for target in block.targets
        for placed in carriers
        # A diagnosis that a line names does not ask for itself.
        if placed.node is None or not target.meets(placed.node)
    )


def is_told(target: Target, placed: Placed) -> bool:
    """Whether the diagnosis tells by its title what the line wants coded: it has every telling word of it."""
    wanted = _telling(target.text)
    return bool(wanted) and placed.node is not None and wanted <= _telling(placed.node.title)


def repeats(target: Target, at: Node) -> bool:
    """Whether the line repeats what it stands at: "heart failure due to hypertension" at heart failure is one of its
    circumstances, not what must be there."""
    return _telling(at.title) <= _telling(target.text)


def _names(named: Iterable[str], wanted: tuple[str, ...]) -> bool:
    return any(code.startswith(wanted) for code in named)


@lru_cache(maxsize=20_000)
def _telling(text: str) -> frozenset[str]:
    words = _WORD.findall(_INSIDE.sub(" ", text.lower()))
    return frozenset(word.rstrip("s") for word in words if word not in _ASKING)
