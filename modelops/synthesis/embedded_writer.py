"""Writes charts without a model: sections, frames and sayings of templates/, set together by one seeded hand.

It knows what it wrote: every code has the lines whose words tell it, every trap its lines. The same order gives the
same text, on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from modelops.synthesis.hands import Hand, Slots, hand_of, misspelt
from modelops.synthesis.page import Page, Piece
from modelops.synthesis.ranks import may_stand_first
from modelops.synthesis.seeded import seeded
from modelops.synthesis.tables import (
    Sentence,
    Style,
    TrapSentence,
    details,
    distractors,
    drugs,
    frames,
    headings,
    longest,
    places,
    social,
    styles,
    traps,
)
from modelops.synthesis.types import Order, Supported, Trap, Written
from modelops.synthesis.vocabulary import Vocabulary
from modelops.synthesis.wording import begun

# Sections whose sentences run on; the others are lists.
_PROSE = frozenset({"hpi", "sh", "fh", "ros", "cc"})
_AGAIN = 0.4
_MOST_TRAPS = 5
_NOT_IN_PROSE = frozenset({"pmh", "meds", "dx"})
_FIRST_KINDS = ("hpi", "ap", "course", "dx")
# How many lines without a code a section takes.
_FILLERS: dict[str, tuple[int, int]] = {
    "hpi": (0, 3), "sh": (0, 2), "exam": (1, 4), "labs": (1, 2), "ros": (0, 1), "vitals": (1, 1), "plan": (1, 3),
    "meds": (0, 3), "allergies": (1, 1), "psh": (1, 2), "fh": (0, 1), "cc": (1, 1), "imaging": (0, 1), "course": (0, 2),
}  # fmt: skip
_SHORT_FILLERS: dict[str, tuple[int, int]] = {"hpi": (0, 1), "plan": (0, 1)}
_OF_A_STAY = ("Discharge", "Hospital")
_SIGNED = (
    "{a}",
    "Signed: {a}",
    "Electronically signed, {a}",
    "- {a}",
    "{a}, seen and examined",
    "Dictated by {a}",
)
_AUTHORS: dict[str, tuple[str, ...]] = {
    "physician": ("attending physician", "MD", "staff physician", "DO", "resident MD / attending MD"),
    "nurse practitioner": ("NP", "nurse practitioner", "family NP"),
}
_HEADERS = (
    "{type}\n{date}   {age} {sex}",
    "{TYPE}  {date}\nPatient: {age} {sex}   Service: {service}",
    "{service} | {type} | DOS {date}\nAge/Sex: {age} {sex}",
    "{date}  {Type}\n{age} {sex}",
    "{TYPE}\nDate of service: {date}\nAge {age}  Sex {sex}",
)
_SEXES = {"F": ("F", "female", "woman", "f"), "M": ("M", "male", "man", "m")}


@dataclass(slots=True)
class _Told:
    """What stands in one section, in the order in which it will be written."""

    items: list[list[Piece]] = field(default_factory=list)


class EmbeddedWriter:
    name = "embedded"
    seeded = True

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def write(self, order: Order) -> Written:
        return _Note(order, self._vocabulary, seeded(order.seed, "words")).written()


class _Note:
    def __init__(self, order: Order, vocabulary: Vocabulary, random: Random) -> None:
        self._order = order
        self._vocabulary = vocabulary
        self._random = random
        self._style: Style = styles()[order.style]
        self._hand: Hand = hand_of(self._style, random)
        self._slots = Slots(order.person, self._hand, random)
        self._short = self._style.name == "short"
        self._sections = tuple(self._chosen_sections())
        self._told: dict[str, _Told] = {name: _Told() for name in self._sections}
        self._traps: list[TrapSentence] = []
        self._page = Page()

    def written(self) -> Written:
        for number, code in enumerate(self._order.codes):
            self._tell(code, leading=number == 0)
        self._set_traps()
        self._fill()
        for name in self._sections:
            self._write_section(name)
        text = self._page.text()
        marks = self._page.marks
        first = self._vocabulary.terms[self._order.codes[0]]
        inpatient = self._order.setting == "inpatient"
        leading = ("principal" if inpatient else "first_listed") if may_stand_first(first.kind) else ""
        codes = [
            Supported(
                code,
                tuple(sorted(marks.get(("code", code), ()))),
                role=leading if not number else "secondary",
            )
            for number, code in enumerate(self._order.codes)
        ]
        codes += [
            Supported(trap.optional, tuple(sorted(marks[("trap", number)])), optional=True)
            for number, trap in enumerate(self._traps)
            if trap.optional and trap.optional not in self._order.codes
        ]
        return Written(
            text=text,
            note_type=self._style.note_type,
            author_role=self._style.author,
            codes=tuple(_once(codes)),
            traps=tuple(
                Trap(trap.code, trap.kind, tuple(sorted(marks[("trap", number)])))
                for number, trap in enumerate(self._traps)
            ),
            specialty=self._style.specialty,
            details={"style": self._style.name, "abbreviations": self._hand.level, "width": self._hand.width},
        )

    def _chosen_sections(self) -> Iterator[str]:
        kinds = {self._vocabulary.terms[code].kind for code in self._order.codes}
        needed = {"social": "sh", "drugstatus": "meds", "familystatus": "fh", "bmi": "exam"}
        wanted = {needed[kind] for kind in kinds if kind in needed}
        # Where a style has no room for what has to be told, it gets one before the signature.
        missing = sorted(wanted - {section.rstrip("?") for section in self._style.sections})
        for name in self._style.sections:
            if name == "sign":
                yield from missing
                missing = []
            bare = name.rstrip("?")
            if bare == name or bare in wanted or self._random.random() < 0.5:
                if bare == "sh" and self._short and "sh" not in wanted:
                    continue
                yield bare
        yield from missing

    # --- Codes ---------------------------------------------------------------------------------------------------

    def _tell(self, code: str, *, leading: bool) -> None:
        kind = self._vocabulary.terms[code].kind
        where = places()[kind]
        must = {place: weight for place, weight in where.must.items() if place in self._told}
        place = self._pick(must) or ("ap" if "ap" in self._told else "hpi")
        used = {place}
        if (
            leading
            and "cc" in self._told
            and kind not in ("social", "status")
            and self._random.random() < 0.5
        ):
            words = self._slots.fill(self._vocabulary.said(code, self._hand.level, self._random))
            self._told["cc"].items.append([(begun(words), ("code", code))])
        self._told[place].items.append(self._sentence(code, kind, place))
        if leading and place != "dx" and "dx" in self._told and may_stand_first(kind):
            # A list of diagnoses names what the visit was for.
            used.add("dx")
            words = self._slots.fill(self._vocabulary.said(code, self._hand.level, self._random))
            self._told["dx"].items.append([(begun(words), ("code", code))])
        again = {p: w for p, w in where.again.items() if p in self._told and p not in used}
        chance = 0.85 if leading else _AGAIN
        while again and self._random.random() < chance and not self._short:
            place = self._pick(again)
            again.pop(place)
            self._told[place].items.append(self._sentence(code, kind, place))
            chance *= 0.4

    def _pick(self, weights: dict[str, float]) -> str:
        if not weights:
            return ""
        names = list(weights)
        return self._random.choices(names, [weights[name] for name in names])[0]

    def _sentence(self, code: str, kind: str, place: str) -> list[Piece]:
        key = ("code", code)
        if kind == "social":
            fitting = [s.text for s in social().get(code, ()) if self._suits(s)]
            if fitting:
                return [(self._slots.fill(self._random.choice(fitting)), key)]
        words = self._slots.fill(self._vocabulary.said(code, self._hand.level, self._random))
        frame = self._slots.fill(self._frame(code, kind, place))
        if kind in ("cause", "place"):
            return [(begun(words).rstrip(".") + ".", key)]
        before, slot, after = frame.partition("{T}")
        if slot:
            words = begun(words)
        else:
            before, slot, after = frame.partition("{t}")
        if after.startswith(".") and words.endswith("."):
            after = after[1:]
        return [(self._typed(before), None), (words, key), (self._typed(after), None)]

    def _frame(self, code: str, kind: str, place: str) -> str:
        own = self._own_details(code, place)
        if own and self._random.random() < 0.55:
            return self._random.choice(own)
        fitting = list(frames().get((kind, place), ()))
        if not fitting or (places()[kind].generic and self._random.random() < 0.5):
            fitting += frames().get(("*", place), ("{T}",))
        return self._random.choice(fitting)

    def _own_details(self, code: str, place: str) -> tuple[str, ...]:
        begins = longest(details(), code)
        # Details of an acute state fit its first treatment only.
        if begins[:1] in ("S", "M") and not code.endswith("A") and len(code) == 8:
            return ()
        return details()[begins].get(place, ()) if begins else ()

    # --- What supports nothing -----------------------------------------------------------------------------------

    def _suits(self, sentence: Sentence) -> bool:
        person = self._order.person
        return (
            sentence.youngest <= person.years <= sentence.oldest
            and (not sentence.sex or sentence.sex == person.sex)
            and not any(code.startswith(sentence.beside) for code in self._order.codes if sentence.beside)
        )

    def _set_traps(self) -> None:
        most = self._random.randint(0, 2 if self._short else _MOST_TRAPS)
        inpatient = self._order.setting == "inpatient"
        taken: set[str] = set()
        drawn = self._random.sample(traps(), len(traps())) if most else []
        for trap in drawn:
            if len(self._traps) >= most:
                return
            sentence = trap.sentence
            place = self._place_of(sentence.place)
            if not place or trap.code[:3] in taken or not self._suits(sentence):
                continue
            # On an inpatient claim what is still probable at discharge is coded.
            if trap.kind == "uncertain_outpatient" and inpatient:
                continue
            taken.add(trap.code[:3])
            key = ("trap", len(self._traps))
            self._traps.append(trap)
            self._put_in(place, [(self._slots.fill(sentence.text), key)])

    def _place_of(self, place: str) -> str:
        if place in self._told:
            return place
        return "hpi" if place in ("ros", "fh") and not self._short else ""

    def _put_in(self, place: str, pieces: list[Piece]) -> None:
        items = self._told[place].items
        # What the visit is about stays at the head of the story.
        first = 1 if place == "hpi" and items else 0
        items.insert(self._random.randint(first, len(items)), pieces)

    def _fill(self) -> None:
        for place, (fewest, most) in (_SHORT_FILLERS if self._short else _FILLERS).items():
            if place not in self._told:
                continue
            fitting = [s for s in distractors().get(place, ()) if self._suits(s)]
            count = min(self._random.randint(fewest, most), len(fitting))
            if place == "cc" and self._told[place].items:
                continue
            if count and place in ("sh", "fh", "ros", "imaging") and self._told[place].items and count > 1:
                count -= 1
            for sentence in self._random.sample(fitting, count):
                self._put_in(place, [(self._typed(self._slots.fill(sentence.text)), None)])
        if "meds" in self._told:
            for drug in self._drugs():
                self._put_in("meds", [(drug, None)])

    def _drugs(self) -> Iterable[str]:
        found: dict[str, None] = {}
        for code in self._order.codes:
            begins = longest(drugs(), code)
            if begins and self._random.random() < 0.8:
                found[self._random.choice(drugs()[begins])] = None
        return found

    # --- Lines ---------------------------------------------------------------------------------------------------

    def _typed(self, text: str) -> str:
        return misspelt(text, self._hand.typo, self._random) if self._hand.typo else text

    def _write_section(self, name: str) -> None:
        if name == "header":
            self._header()
            return
        if name == "sign":
            if self._hand.spaced:
                self._page.blank()
            author = self._random.choice(_AUTHORS[self._style.author])
            self._page.write([(self._random.choice(_SIGNED).replace("{a}", author), None)])
            return
        items = self._told[name].items
        if not items:
            return
        if self._hand.spaced and not self._short:
            self._page.blank()
        stay = self._order.setting == "inpatient"
        known = headings()[name]
        words = self._random.choice([w for w in known if stay or not w.startswith(_OF_A_STAY)])
        heading = self._hand.heading(words) if len(words) > 3 else words
        prose = name in _PROSE or (self._style.prose and name not in _NOT_IN_PROSE)
        if self._hand.lower:
            items = [[(_small(piece), key) for piece, key in pieces] for pieces in items]
        if prose:
            self._write_prose(heading, items)
        elif (name in ("pmh", "meds", "psh", "allergies", "vitals") and self._hand.listed) or self._short:
            self._write_run(heading, items)
        else:
            self._write_list(heading, items)

    def _write_prose(self, heading: str, items: Sequence[list[Piece]]) -> None:
        pieces: list[Piece] = []
        for item in items:
            if pieces:
                pieces.append((" ", None))
            pieces += item
            if not "".join(text for text, _ in item).rstrip().endswith((".", "!", "?", '"', "]")):
                pieces.append((".", None))
        if self._hand.inline or self._short:
            self._page.write(pieces, first=f"{heading}: ", width=self._hand.width)
        else:
            self._page.write([(f"{heading}{self._hand.colon}", None)])
            self._page.write(pieces, width=self._hand.width)

    def _write_run(self, heading: str, items: Sequence[list[Piece]]) -> None:
        pieces: list[Piece] = []
        for item in items:
            if pieces:
                pieces.append(("; ", None))
            pieces += item
        self._page.write(pieces, first=f"{heading}: ", hang="  ", width=self._hand.width)

    def _write_list(self, heading: str, items: Sequence[list[Piece]]) -> None:
        self._page.write([(f"{heading}{self._hand.colon}", None)])
        for number, item in enumerate(items, start=1):
            bullet = self._hand.bullet.replace("{n}", str(number))
            self._page.write(item, first=bullet, hang=" " * len(bullet), width=self._hand.width)

    def _header(self) -> None:
        order, random = self._order, self._random
        words = {
            "{TYPE}": self._style.note_type.upper(),
            "{Type}": begun(self._style.note_type),
            "{type}": self._style.note_type,
            "{date}": order.date.strftime(self._hand.date),
            "{age}": f"{order.person.age} {random.choice(('y/o', 'yo', 'years', 'y'))}",
            "{sex}": random.choice(_SEXES[order.person.sex]),
            "{service}": self._style.specialty,
        }
        header = "{Type} {date} {age} {sex}" if self._short else random.choice(_HEADERS)
        for slot, word in words.items():
            header = header.replace(slot, word)
        for line in header.split("\n"):
            self._page.write([(line, None)])


def _small(piece: str) -> str:
    """Without a capital at its head; short forms keep theirs."""
    return piece if piece[1:2].isupper() else piece[:1].lower() + piece[1:]


def _once(codes: Sequence[Supported]) -> Iterator[Supported]:
    """The first of each code; what is told twice as optional is told once."""
    seen: set[str] = set()
    for code in codes:
        if code.code not in seen:
            seen.add(code.code)
            yield code
