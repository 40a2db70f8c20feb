"""What the generators write with. DEVELOPMENT was looked at while the lookup was made; HELD_OUT was not: its
misses are counted, never read, and nothing is tuned on them. Keep it so, or add a third table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wordings:
    """`short` are (words, how they are written short); `frames` hold {title}; `joins` are (between, before the
    last); `typos` names operations of `variants.TYPOS`; `shuffled`: parts in any order, else rotated."""

    name: str
    seed: int
    short: tuple[tuple[str, str], ...]
    frames: tuple[str, ...]
    joins: tuple[tuple[str, str], ...]
    typos: tuple[str, ...]
    shuffled: bool


def _pairs(table: str) -> tuple[tuple[str, str], ...]:
    rows = (line.split("=") for line in table.strip().splitlines())
    return tuple((left.strip(), right.strip()) for left, right in rows)


DEVELOPMENT = Wordings(
    name="development",
    seed=20260401,
    short=_pairs(
        """
        unspecified = unspec.
        right = rt.
        left = lt.
        without = w/o
        with = w/
        fracture = fx
        encounter = enc.
        initial = init.
        subsequent = subseq.
        bilateral = bilat.
        disease = dis.
        pregnancy = preg.
        system = sys.
        history = hx
        """
    ),
    frames=(
        "Emma has {title}.",
        "The patient suffers from {title}.",
        "Noah was diagnosed with {title}.",
        "She presents with {title} today.",
    ),
    joins=((", ", ", and "), (" and ", " and "), ("; ", "; "), (", ", ", as well as ")),
    typos=("drop", "swap"),
    shuffled=False,
)

HELD_OUT = Wordings(
    name="held out",
    seed=71893,
    short=_pairs(
        """
        not elsewhere classified = NEC
        loss of consciousness = LOC
        diabetes mellitus = DM
        motor vehicle = MV
        unspecified = unsp
        right = R
        left = L
        bilateral = b/l
        without = w/o
        with = w/
        initial encounter = init enc
        subsequent encounter = subs enc
        fracture = frx
        dislocation = disloc
        laceration = lac
        acute = ac.
        chronic = chr.
        infection = infxn
        syndrome = synd
        pulmonary = pulm.
        hypertension = HTN
        history = hx
        abdominal = abd
        hemorrhage = hem.
        metacarpophalangeal = MCP
        proximal = prox
        distal = dist
        superficial = superf.
        complications = compl.
        accidental = accid
        second = 2nd
        third = 3rd
        first = 1st
        open fracture = open fx
        other = oth.
        malignant = malig
        neoplasm = neopl
        """
    ),
    frames=(
        "Mr. Okafor, 67, was referred by his family doctor because of {title}.",
        "Seen this morning for {title}; will return in two weeks.",
        "Impression: {title}.",
        "This 45-year-old woman came in and the work-up showed {title}.",
        "We are following Priya for {title}, which she has had for months.",
        "Pt is here re: {title}",
    ),
    joins=(
        ("\n", "\n"),
        (" plus ", " plus "),
        (", ", " together with "),
        (". ", ". "),
        ("; also ", "; and "),
    ),
    typos=("key", "insert", "vowel", "sound"),
    shuffled=True,
)
