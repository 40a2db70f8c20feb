"""Procedure notes and their codes: a specialty is drawn, a note written, each procedure named in short words and
matched to the loaded procedure release. No code is ever written, and no descriptor of a licensed list is shipped.

The match: cosine of the name's vector with those of the release's titles and further names, the nearest first; where
none of them is near, more are looked at. A choice among these, or none, picks the code. A note with a procedure that
found no code is discarded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Protocol

import numpy as np

from catalog.choices import ClaimType
from catalog.embedding.embedders import Embedder
from catalog.models import Code, Note, Release
from modelops.synthesis.hands import Slots, hand_of
from modelops.synthesis.page import Page
from modelops.synthesis.seeded import seeded
from modelops.synthesis.tables import rows, styles
from modelops.synthesis.types import (
    CandidateSeen,
    Discard,
    Labelled,
    Order,
    Person,
    Supported,
    SyntheticDraft,
    Written,
)
from modelops.synthesis.wording import begun

NO_CODE = "no_valid_code"
_TOP, _WIDER = 8, 40
# Below this likeness none of the first is what was meant; below the second, nothing is.
_NEAR, _LEAST = 0.6, 0.5
_MOST = 3


@dataclass(frozen=True, slots=True)
class Procedure:
    specialty: str
    first: int
    last: int
    name: str
    why: str
    done: str
    sex: str
    youngest: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Match:
    code: str
    likeness: float
    title: str


class Chooser(Protocol):
    def choose(self, name: str, note: str, offered: Sequence[Match]) -> str:
        """One of the codes offered, or nothing."""
        ...


class NearestChooser:
    """Without a model: the nearest one, where it is near enough."""

    def choose(self, name: str, note: str, offered: Sequence[Match]) -> str:
        best = max(offered, key=lambda match: match.likeness, default=None)
        return best.code if best is not None and best.likeness >= _NEAR else ""


@lru_cache(maxsize=1)
def procedures() -> tuple[Procedure, ...]:
    found: list[Procedure] = []
    for row in rows("procedures.txt"):
        specialty, numbers, name, why, done, sex, ages = row.split("|")
        first, _, last = numbers.partition("-")
        youngest, _, oldest = ages.partition("-")
        found.append(
            Procedure(
                specialty, int(first), int(last), name, why, done, sex.strip("-"), int(youngest), int(oldest)
            )
        )
    return tuple(found)


def specialties() -> list[str]:
    return sorted({procedure.specialty for procedure in procedures()})


class Titles:
    """A procedure release by meaning: titles and further names as vectors, in memory."""

    def __init__(self, release: Release, embedder: Embedder) -> None:
        self._embedder = embedder
        codes = list(Code.objects.of(release).billable().order_by("position").values_list("code", "title"))
        names = Note.objects.terms_of_codes(release.pk)
        self._codes = [*codes, *((code, text) for code, text in names)]
        self._titles = dict(codes)
        texts = [text for _, text in self._codes]
        size = embedder.batch
        parts = [embedder.encode(texts[at : at + size]) for at in range(0, len(texts), size)]
        self._vectors = np.concatenate(parts) if parts else np.zeros((0, embedder.dimensions), np.float32)

    def nearest(self, name: str, first: int, last: int) -> list[Match]:
        """The nearest codes of the range; of all codes, and more of them, where none of those is near."""
        likeness = self._vectors @ self._embedder.encode([name])[0]
        near = self._best(likeness, _TOP, first, last)
        if not near or near[0].likeness < _NEAR:
            return self._best(likeness, _WIDER)
        return near

    def _best(self, likeness: np.ndarray, most: int, first: int = 0, last: int = 0) -> list[Match]:
        found: dict[str, Match] = {}
        for at in np.argsort(-likeness, kind="stable"):
            code, value = self._codes[at][0], float(likeness[at])
            if len(found) >= most or value < _LEAST:
                break
            if not last or (code[:4].isdigit() and first <= int(code[:5].rstrip("TFUM") or 0) <= last):
                found.setdefault(code, Match(code, value, self._titles[code]))
        return list(found.values())


class ProcedureNotes:
    """Drafts of procedure notes for one release. The same seed and position give the same draft."""

    def __init__(
        self,
        release: Release,
        titles: Titles,
        chooser: Chooser,
        days: tuple[dt.date, dt.date],
        specialty: str = "",
    ) -> None:
        self._system = release.system
        self._titles = titles
        self._chooser = chooser
        self._days = days
        self._specialty = specialty

    def make(self, seed: int, count: int, first: int = 0) -> Iterator[SyntheticDraft]:
        for position in range(first, first + count):
            random = seeded(seed, position, "procedures")
            chosen = self._drawn(random)
            order = self._order(seed, position, chosen, random)
            written = _note(order, chosen, random)
            yield self._labelled(order, written, chosen)

    def _drawn(self, random: Random) -> list[Procedure]:
        known = [p for p in procedures() if not self._specialty or p.specialty == self._specialty]
        seed = random.choice(known)
        others = [
            p
            for p in known
            if p.specialty == seed.specialty
            and p.name != seed.name
            and p.sex == seed.sex
            and p.oldest >= seed.youngest
            and p.youngest <= seed.oldest
            # One operation of its kind a day: endoscopies and replacements are not done twice over.
            and p.first < 80000
            and seed.specialty in ("dermatology", "radiology")
        ]
        return [seed, *random.sample(others, min(len(others), random.randint(0, _MOST - 1)))]

    def _order(self, seed: int, position: int, chosen: Sequence[Procedure], random: Random) -> Order:
        first, last = self._days
        age = random.randint(max(p.youngest for p in chosen), min(p.oldest for p in chosen))
        sex = chosen[0].sex or random.choice("FM")
        return Order(
            id=f"syn-p{seed}-{position:06d}",
            seed_code="",
            codes=(),
            domain="",
            claim_type=str(ClaimType.PROFESSIONAL.value),
            setting="outpatient",
            style="clinic_soap",
            person=Person(age, "years", sex),
            date=first + dt.timedelta(days=random.randrange((last - first).days + 1)),
            seed=f"{seed}/{position}",
        )

    def _labelled(self, order: Order, written: Written, chosen: Sequence[Procedure]) -> SyntheticDraft:
        codes: list[Supported] = []
        seen: list[CandidateSeen] = []
        discards: list[Discard] = []
        marks: dict[str, tuple[int, ...]] = dict(written.details["lines"])
        for one in chosen:
            offered = self._titles.nearest(one.name, one.first, one.last)
            seen += [CandidateSeen(m.code, m.likeness, marks[one.name]) for m in offered]
            code = self._chooser.choose(one.name, written.text, offered)
            if code not in {match.code for match in offered}:
                # The words stand for the code that they did not lead to.
                discards.append(Discard(one.name[:60], NO_CODE))
            elif code not in {known.code for known in codes}:
                codes.append(Supported(code, marks[one.name], system=self._system))
        labelled = Labelled(tuple(codes), (), tuple(seen), tuple(discards))
        reason = NO_CODE if discards or not codes else ""
        return SyntheticDraft(order, written, labelled, reason)


def _note(order: Order, chosen: Sequence[Procedure], random: Random) -> Written:
    style = styles()[order.style]
    hand = hand_of(style, random)
    slots = Slots(order.person, hand, random)
    page = Page()
    page.write([(f"{order.date.strftime(hand.date)}  PROCEDURE NOTE  {chosen[0].specialty}", None)])
    page.write([(f"{order.person.age} y/o {order.person.sex}", None)])
    for one in chosen:
        page.blank()
        key = one.name
        labels = random.choice(
            (("Indication", "Procedure", "Details"), ("Why", "Done", "How"), ("IND", "PROC", "NOTE"))
        )
        page.write([(f"{labels[0]}: {one.why}", None)], width=hand.width)
        page.write([(f"{labels[1]}: ", None), (one.name, key)], width=hand.width)
        page.write([(f"{labels[2]}: ", None), (begun(one.done), key), (".", None)], width=hand.width)
        consent = random.choice(
            (
                "Consent on chart, time-out done.",
                "Time out, right patient and side.",
                "{He} agreed after risks were told.",
                "",
            )
        )
        if consent:
            page.write([(slots.fill(consent), None)], width=hand.width)
    page.blank()
    end = ("Tolerated well.", "No complications.", "Left in good condition.", "Instructions given.")
    page.write([(random.choice(end), None)])
    planned = (
        "May need a repeat in a year.",
        "Discussed surgery should this not help; none today.",
        "Next visit {n} weeks.",
    )
    page.write([(slots.fill(random.choice(planned)), None)])
    lines = {key: tuple(sorted(marks)) for key, marks in page.marks.items()}
    return Written(
        text=page.text(),
        note_type="procedure note",
        author_role="physician",
        specialty=chosen[0].specialty,
        details={"lines": lines, "names": [one.name for one in chosen]},
    )
