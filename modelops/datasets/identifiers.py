"""Where identifiers stand in a line: names, places, dates, numbers, ways to reach somebody. Rules only, no model.

What is found is certain enough to be replaced; a word that may be a name and may not is told as a doubt, and the chart
is then refused. The recognizers err on the side of replacing: a score of 5/6 may become another date-like figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rapidfuzz.distance import DamerauLevenshtein

from modelops.datasets.ordinary_words import ALSO_GIVEN_NAMES, OrdinaryWords

NAME, NUMBER, DATE, CONTACT, PLACE, AGE = "name", "number", "date", "contact", "place", "age"
POSSIBLE_NAME, ODD_DATE = "possible_name", "odd_date"

_WORD = r"[A-Z\u00c0-\u00de][A-Za-z\u00c0-\u024f'’-]+"
_PART = rf"(?:{_WORD}|[A-Z]\.?(?![\w.]))"
_FULL = rf"{_PART}(?:,?[ ]{_PART}){{0,3}}"
_CREDENTIAL = (
    r"(?:M\.?D|D\.?O|RN|LPN|NP|FNP|CNP|PA-C|PA|CRNA|RD|LCSW|MSW|LSW|PT|DPT|OT|SLP|PharmD|PhD|PsyD|RT|CNA"
    r"|MA|DDS|DPM)\b"
)
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Rev|Sr|Nurse)"
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)

# In this order: what an earlier one took, a later one leaves.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (CONTACT, re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    (CONTACT, re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)),
    (CONTACT, re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")),
    (NUMBER, re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")),
    (CONTACT, re.compile(r"(?<![\d-])(?:\+?1[ .-]?)?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\d)")),
    (CONTACT, re.compile(r"(?<![\d/-])\d{3}-\d{4}(?![\d-])")),
    (
        NUMBER,
        re.compile(
            r"\b(?:MRN|MR[ ]?#|Med(?:ical)?\.?[ ]Rec(?:ord)?(?:[ ](?:No\.?|Number|#))?|Acct|Account|FIN|CSN|HAR"
            r"|Visit[ ]ID"
            r"|Encounter|Case|Policy|Member|Medicare|Medicaid|MBI|HICN|SSN|NPI|DEA|Licen[sc]e|Serial|Accession|Specimen"
            r"|Chart|Record|Order|Unit|Bed|Room|Rm|ID)"
            r"(?:[ ](?:ID|No\.?|Number))?[ ]?[:#]*[ ]*(?P<it>(?=[A-Z0-9-]*\d)[A-Z0-9]+(?:-[A-Z0-9]+)*)\b",
            re.IGNORECASE,
        ),
    ),
    (
        PLACE,
        re.compile(
            rf"\b\d{{1,5}}[ ](?:[NSEW]\.?[ ])?(?:{_WORD}[ ]){{1,3}}(?:Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln"
            r"|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Terrace|Highway|Hwy|Circle|Parkway|Pkwy)\b\.?"
            r"(?:,?[ ](?:Apt|Unit|Suite|Ste)\.?[ ]?#?\w+)?"
        ),
    ),
    (PLACE, re.compile(r"\bP\.?O\.?[ ]Box[ ]\d+", re.IGNORECASE)),
    (PLACE, re.compile(rf"\b{_WORD}(?:[ ]{_WORD})?,[ ][A-Z]{{2}},?[ ]\d{{5}}(?:-\d{{4}})?\b")),
    (AGE, re.compile(r"\b(?:9\d|1[01]\d)(?=[ -]?(?:y/?o\b|y\.o\.|years?[ -]old|yrs?\b|[FM]\b|year[ -]old))")),
    (AGE, re.compile(r"\bage(?:d|:)?[ ](?P<it>9\d|1[01]\d)\b(?!\.\d|[%/])", re.IGNORECASE)),
    (
        AGE,
        re.compile(
            r"\bninety(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?(?=[ -]years?[ -]old)",
            re.IGNORECASE,
        ),
    ),
    (DATE, re.compile(r"(?<![\d-])(?:19|20)\d\d-\d{1,2}-\d{1,2}(?![\d-])")),
    (DATE, re.compile(r"(?<![\d/.-])\d{1,2}(?P<s>[/.-])\d{1,2}(?P=s)(?:(?:19|20)\d\d|\d\d)(?![\d/-])")),
    (DATE, re.compile(r"(?<!\d)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")),
    (DATE, re.compile(rf"\b{_MONTH}\.?[ ]\d{{1,2}}(?:st|nd|rd|th)?,?[ ](?:19|20)\d\d\b", re.IGNORECASE)),
    (DATE, re.compile(rf"\b\d{{1,2}}[ -]{_MONTH}\.?[ -](?:(?:19|20)\d\d|\d\d)\b", re.IGNORECASE)),
    (DATE, re.compile(rf"\b{_MONTH}\.?[ ]\d{{1,2}}(?:st|nd|rd|th)?(?![\d/.])\b")),
    (DATE, re.compile(rf"\b\d{{1,2}}(?:st|nd|rd|th)?[ ](?:of[ ])?{_MONTH}\b(?:,?[ ](?:19|20)\d\d\b)?")),
    (DATE, re.compile(rf"\b{_MONTH}\.?,?[ ](?:19|20)\d\d\b")),
    (DATE, re.compile(rf"\b\d{{1,2}}{_MONTH}(?:19|20)\d\d\b", re.IGNORECASE)),
    (DATE, re.compile(rf"\b(?:in|since|from|until|by|of|last|mid|early|late|next)[ -](?P<it>{_MONTH})\b")),
    (DATE, re.compile(r"(?<![\d/.])(?:0?[1-9]|1[0-2])/(?:19|20)\d\d(?![\d/])")),
    (DATE, re.compile(r"(?<![\d/.])(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])(?![\d/%]|\.\d)")),
    (NUMBER, re.compile(r"(?<![\d.,/])(?![1-9]0+(?!\d))\d{6,}(?![\d.,/]\d)")),
    (NUMBER, re.compile(r"\b[A-Z]{1,4}-?\d{4,}\b")),
    (NAME, re.compile(rf"\b{_TITLE}\.?[ ](?P<it>{_FULL})")),
    (
        NAME,
        re.compile(
            r"\b(?:(?:[Dd]iscussed|[Ss]poke|[Mm]et|[Mm]eeting|[Ll]iv(?:es?|ing)|[Ss]taffed|[Rr]eviewed|d/w)(?:[ ]with)?"
            rf"|by|per)[ ](?P<it>{_WORD}(?:[ ]{_WORD})?)"
        ),
    ),
    (NAME, re.compile(rf"(?P<it>{_FULL}),?[ ]{_CREDENTIAL}")),
    (
        NAME,
        re.compile(
            r"\b(?:Patient(?:[ ]Name)?|Pt(?:[ ]Name)?|Name|Attending|PCP|Provider|Physician|Surgeon|Dictated[ ]by"
            r"|(?:Electronically[ ])?Signed(?:[ ]by)?|Author|Referr(?:ing|ed[ ]by)|Consultant|Assistant|Resident|Nurse"
            r"|Anesthesi(?:ologist|a)|Emergency[ ]contact|Contact|Next[ ]of[ ]kin|NOK|Caregiver|Guardian|Proxy"
            r"|Case[ ]manager|Social[ ]worker|Transcribed[ ]by|Interpreter|Spouse|Witness|cc)"
            rf"(?:[ ]?[:#]|(?<=by))[ ]*(?P<it>{_FULL})",
            re.IGNORECASE,
        ),
    ),
    (
        NAME,
        re.compile(
            r"\b(?:wife|husband|daughter|son|mother|father|mom|dad|sister|brother|niece|nephew|partner|spouse|friend|neighbou?r"
            r"|caregiver|roommate|aunt|uncle|grand(?:daughter|son|mother|father)|girlfriend|boyfriend|landlord|pastor)"
            rf"s?,?[ ](?:is[ ]|named[ ]|called[ ])?\(?(?P<it>{_WORD}(?:[ ]{_WORD})?)"
        ),
    ),
    (
        PLACE,
        re.compile(
            rf"\b(?P<it>(?:{_WORD}[ ]){{1,4}})(?:Regional[ ]|Memorial[ ]|General[ ]|Community[ ])*"
            r"(?:Hospital|Medical[ ](?:Center|Ctr)|Clinic|Health[ ](?:Center|Ctr|System)|Nursing|Hospice|Manor|Village"
            r"|Pharmacy|University|Rehab(?:ilitation)?|Senior[ ]Living|Assisted[ ]Living|School|Church|Shelter)\b"
        ),
    ),
    (PLACE, re.compile(rf"\b(?:in|from|near|at|to|outside)[ ](?P<it>{_WORD}(?:[ ]{_WORD})?)")),
)
# What these announce is a name though its words be ordinary ones.
_CERTAIN = re.compile(
    r"\b(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Rev)\.?[ ]|(?:Patient|Pt|Name|by)\b.{0,8})$", re.IGNORECASE
)
_SCORE_BEFORE = re.compile(
    r"(?:strength|motor|pain|scor\w*|scale|murmur|grade|vision|GCS|PHQ-?\d?|power|pulses?|reflex\w*|tone|muscle|rated?|BP"
    r"|Glasgow|Apgars?|orientation|\bx)\W{0,3}(?:\w+\W{1,2}){0,2}$",
    re.IGNORECASE,
)
_SCORE_AFTER = re.compile(
    r"^\s*(?:strength|pain|ppd|p\.p\.d|packs?|pk|murmurs?|systolic|diastolic|SEM|tab|tabs|tablets?|cups?|dose|bottle|pills?"
    r"|points?|criteria|bilateral\w*|in all|throughout|NS\b|normal saline|of\b|hours?|days?|cm|mm|mg|ml)",
    re.IGNORECASE,
)
_NAME_WORD = re.compile(r"(?<![\w'’-])[A-Z\u00c0-\u00de][A-Za-z\u00c0-\u024f'’-]*(?![\w])")
_HYPHENATED = re.compile(r"[^\W\d_]+(?:['’](?!s\b)[^\W\d_]+)?(?:-[^\W\d_]+(?:['’](?!s\b)[^\W\d_]+)?)*")
_NEARLY = 5


@dataclass(frozen=True, slots=True)
class Known:
    """What the system itself knows of the people and places behind a chart; looked for before any rule."""

    names: tuple[str, ...] = field(default=(), repr=False)
    numbers: tuple[str, ...] = field(default=(), repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)

    def name_words(self) -> frozenset[str]:
        found = set()
        for name in self.names:
            bare = re.sub(_CREDENTIAL, " ", name)
            for word in re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", bare):
                if len(word) > 1:
                    found.add(word.casefold())
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int
    kind: str


class Recognizer:
    """For the lines of one patient's charts."""

    def __init__(self, known: Known, ordinary: OrdinaryWords) -> None:
        self._names = known.name_words()
        self._ordinary = ordinary
        exact = sorted({*known.numbers, *known.places} - {""}, key=lambda text: (-len(text), text))
        self._exact = [
            (
                NUMBER if text in known.numbers else PLACE,
                re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE),
            )
            for text in exact
        ]

    def find(self, line: str) -> tuple[list[Span], list[str]]:
        """Spans that do not meet each other, from left to right, and the doubts that are left."""
        taken: list[Span] = []
        doubts: list[str] = []
        for kind, pattern in self._exact:
            for match in pattern.finditer(line):
                _take(taken, Span(match.start(), match.end(), kind))
        for span in self._known_names(line):
            _take(taken, span)
        for kind, pattern in _PATTERNS:
            for match in pattern.finditer(line):
                for span in self._of_match(line, kind, match):
                    _take(taken, span)
        for span, sure in self._unknown_names(line, taken):
            if sure:
                _take(taken, span)
            else:
                doubts.append(POSSIBLE_NAME)
        return sorted(taken, key=lambda span: span.start), doubts

    def _known_names(self, line: str) -> Iterator[Span]:
        """Each word of a known name, also misspelt by one letter; in lower case only where it is no ordinary word. What
        a hyphen joins to it is part of the name: one half may be all that the record knows."""
        for match in re.finditer(r"[^\W\d_]+(?:['’](?!s\b)[^\W\d_]+)?", line):
            word = match.group().casefold()
            known = word in self._names or (
                len(word) > _NEARLY
                and word not in self._ordinary
                and any(DamerauLevenshtein.distance(word, name, score_cutoff=1) <= 1 for name in self._names)
            )
            if known and not (match.group().islower() and word in self._ordinary):
                yield Span(match.start(), match.end(), NAME)
                yield from self._joined(line, match)

    def _joined(self, line: str, known: re.Match[str]) -> Iterator[Span]:
        """Of a term such as Wolff-Parkinson-White only the part that is known is a name."""
        joined = next(m for m in _HYPHENATED.finditer(line) if m.start() <= known.start() < m.end())
        if joined.group() in self._ordinary:
            return
        for part in re.finditer(r"[^-\s]+", joined.group()):
            if part.group()[0].isupper() and joined.start() + part.start() != known.start():
                yield Span(joined.start() + part.start(), joined.start() + part.end(), NAME)

    def _of_match(self, line: str, kind: str, match: re.Match[str]) -> Iterator[Span]:
        start, end = match.span("it") if "it" in match.re.groupindex else match.span()
        if kind == DATE:
            if match.re is _PATTERNS[_MONTH_DAY][1] and _is_score(line, start, end):
                return
            yield Span(start, end, DATE)
        elif kind == NAME:
            yield from self._name_words(line, start, end, certain=_CERTAIN.search(line[:start]) is not None)
        elif kind == PLACE and "it" in match.re.groupindex:
            for word in _NAME_WORD.finditer(line, start, end):
                if word.group() not in self._ordinary and not _is_abbreviation(word.group()):
                    yield Span(word.start(), word.end(), PLACE)
        else:
            yield Span(start, end, kind)

    def _name_words(self, line: str, start: int, end: int, *, certain: bool) -> Iterator[Span]:
        """The words that the cue names; ordinary ones end it unless the cue leaves no doubt about the first."""
        for number, word in enumerate(_NAME_WORD.finditer(line, start, end)):
            text = word.group()
            if re.fullmatch(_CREDENTIAL, text):
                return
            if re.fullmatch(_TITLE, text):
                continue
            ordinary = text in self._ordinary and text.casefold() not in ALSO_GIVEN_NAMES
            followed_by_prose = re.match(r"\s[a-z]", line[word.end() :]) is not None
            if ordinary and not (certain and number == 0 and not followed_by_prose):
                if number or not certain:
                    return
                continue
            if len(text) > 1 or number:
                yield Span(word.start(), word.end(), NAME)

    def _unknown_names(self, line: str, taken: list[Span]) -> Iterator[tuple[Span, bool]]:
        """Capitalised words that nobody writes small: two in a row or joined by "and" are names, one is a doubt."""
        words = [
            match
            for match in _NAME_WORD.finditer(line)
            if len(match.group()) > 1
            and not _is_abbreviation(match.group())
            and not re.fullmatch(_TITLE, match.group())
            and match.group() not in self._ordinary
            and not any(span.start < match.end() and match.start() < span.end for span in taken)
        ]
        for number, match in enumerate(words):
            before = words[number - 1] if number else None
            after = words[number + 1] if number + 1 < len(words) else None
            in_row = (before is not None and _side_by_side(line, before, match)) or (
                after is not None and _side_by_side(line, match, after)
            )
            beside = any(
                span.kind in (NAME, PLACE)
                and (0 <= match.start() - span.end <= 2 or 0 <= span.start - match.end() <= 2)
                for span in taken
            )
            yield Span(match.start(), match.end(), NAME), in_row or beside


_MONTH_DAY = next(
    at for at, (_, pattern) in enumerate(_PATTERNS) if pattern.pattern.endswith(r"(?![\d/%]|\.\d)")
)


def _side_by_side(line: str, one: re.Match[str], other: re.Match[str]) -> bool:
    return re.fullmatch(r",?\s(?:(?:[A-Z]\.?|and|&)\s)?", line[one.end() : other.start()]) is not None


def _is_abbreviation(word: str) -> bool:
    """All in capitals, or with one in the middle, as HbA1c, PharmD: not how a name is written but in headings, where
    cues and what is known find it."""
    capitals = sum(letter.isupper() for letter in word)
    return word.isupper() or (capitals > 1 and "-" not in word and "'" not in word)


def _is_score(line: str, start: int, end: int) -> bool:
    return _SCORE_BEFORE.search(line[:start]) is not None or _SCORE_AFTER.match(line[end:]) is not None


def _take(taken: list[Span], span: Span) -> None:
    if span.start < span.end and not any(
        other.start < span.end and span.start < other.end for other in taken
    ):
        taken.append(span)


def words_beside(texts: Iterable[str]) -> frozenset[str]:
    """Words of titles and terms, as OrdinaryWords takes them."""
    return frozenset(word for text in texts for word in re.findall(r"[^\W\d_]+", text))
