"""Where identifiers stand in a line: names, places, dates, numbers, ways to reach somebody. Rules only, no model.

What is found is certain enough to be replaced; a word that may be a name and may not is told as a doubt, and the chart
is then refused. The recognizers err on the side of replacing: a score of 5/6 may become another date-like figure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rapidfuzz.distance import DamerauLevenshtein

from modelops.datasets.identifier_forms import (
    AGE,
    CAPITAL,
    CREDENTIAL,
    CUES,
    DATE,
    FORMS,
    MONTH_DAY,
    NAME,
    NUMBER,
    PLACE,
    TITLE,
)
from modelops.datasets.ordinary_words import (
    ALSO_GIVEN_NAMES,
    ALSO_SURNAMES,
    CALENDAR,
    OF_CHARTS,
    OrdinaryWords,
)
from modelops.datasets.plain_text import plain, without_marks
from modelops.datasets.spans import Span, Taken

POSSIBLE_NAME, ODD_DATE = "possible_name", "odd_date"

# What these announce is a name though its words be ordinary ones; after a title even where the sentence goes on.
_TITLED = re.compile(rf"\b{TITLE}(?:\.[ \t]?|[ \t])(?:(?:and|&)[ ]{TITLE}\.?[ ])?$")
_CERTAIN = re.compile(r"\b(?:Patient|Pt|Name|by)\b.{0,8}$", re.IGNORECASE)
# Of these the words may be in small letters too: nothing else is told after them.
_ONLY_NAMES = re.compile(
    r"\b(?:(?<!\w )name|pcp|attending|provider|physician|surgeon|author|signed|by|aka)[ ]?[:#]?[ \t]*$",
    re.IGNORECASE,
)
_SCORE_BEFORE = re.compile(
    r"(?:strength|motor(?! vehicle)|pain|scor\w*|scale|murmur|grade|vision|GCS|PHQ-?\d?|power|pulses?|reflex\w*|tone"
    r"|muscle(?! biopsy)|rated?|BP|Glasgow|Apgars?|orientation|\bx)\W{0,3}(?:\w+\W{1,2}){0,2}$",
    re.IGNORECASE,
)
_SCORE_AFTER = re.compile(
    r"^\s*(?:strength|pain|ppd|p\.p\.d|packs?|pk|murmurs?|systolic|diastolic|SEM|tab|tabs|tablets?|cups?|dose|bottle"
    r"|pills?|points?|criteria|bilateral\w*|in all|throughout|NS\b|normal saline|of\b|hours?|days?|cm|mm|mg|ml"
    r"|blood cultures?)",
    re.IGNORECASE,
)
_DAY_BEFORE = re.compile(
    r"\b(?:on|since|until|dated|through|thru|before|after|admitted|seen|heard)[ ]$", re.IGNORECASE
)
# What is measured in the same figures as an age above 89: 98 F.
_DEGREES = re.compile(r"[ ]?[FMfm]\b")
_MEASURE_BEFORE = re.compile(
    r"\b(?:T|temp\w*|tmax|SpO2|O2|sats?|saturat\w*|HR|BP|pulse|heart rate|glucose|weigh\w*)\W{0,3}(?:\w+\W{1,2}){0,2}$",
    re.IGNORECASE,
)
_NAME_WORD = re.compile(rf"(?<![\w'’-])(?:[dlo]['’])?[{CAPITAL}](?:[^\W\d_]|['’-])*(?![\w])")
_SMALL_WORD = re.compile(r"(?<![\w'’-])(?:[dlo]['’])?[^\W\d_]{2,}(?:['’-][^\W\d_]{2,})*(?!\w)")
_KNOWN_WORD = re.compile(r"[^\W\d_]+(?:['’](?![sS]\b)[^\W\d_]+)?")
_HYPHENATED = re.compile(rf"{_KNOWN_WORD.pattern}(?:-{_KNOWN_WORD.pattern})*")
_POSSESSIVE = re.compile(r"['’][sS]?$")
_INITIALS_BEFORE = re.compile(r"(?<!\w)(?:[A-Z]\.[ ]?){1,3}$")
_WORD_BEFORE = re.compile(r"(?<![\w'’-])[^\W\d_]{2,}(?=,?[ ]$)")
_WORD_AFTER = re.compile(r",?[ ](?P<it>[^\W\d_]{2,})(?![\w-])")
_INITIALS_AFTER = re.compile(r",?[ ](?:[A-Z]\.[ ]?){1,2}(?!\w)")
# Of a known name no words: Class III, de novo.
# fmt: off
_NO_NAMES = frozenset((
    "jr", "sr", "ii", "iii", "iv", "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du",
    "la", "le", "el", "al", "ter", "ten", "bin", "ibn",
    "st", "ste", "mr", "mrs", "ms", "dr", "prof",
))
# fmt: on
_NEARLY = 5
# Characters between two parts of one name: a comma and a blank.
_JOINED = 2
# Characters before a figure in which something says what it is.
_NEAR = 80
# As long a word in capitals is hardly an abbreviation.
_LONG = 6


@dataclass(frozen=True, slots=True)
class Known:
    """What the system itself knows of the people and places behind a chart; looked for before any rule.

    `chart_id`: the one that came from outside with the chart and may name somebody; empty for one of our own."""

    names: tuple[str, ...] = field(default=(), repr=False)
    numbers: tuple[str, ...] = field(default=(), repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)
    chart_id: str = field(default="", repr=False)

    def name_words(self) -> frozenset[str]:
        found: set[str] = set()
        for name in self.names:
            bare = re.sub(CREDENTIAL, " ", plain(name).text)
            for word in _KNOWN_WORD.findall(bare):
                if len(word) > 1 and word.casefold() not in _NO_NAMES:
                    found.update((word.casefold(), without_marks(word.casefold())))
        return frozenset(found)


class Recognizer:
    """For the lines of one patient's charts."""

    def __init__(self, known: Known, ordinary: OrdinaryWords) -> None:
        self._names = known.name_words()
        self._initials = frozenset(initials for name in known.names for initials in _initials(name))
        self._ordinary = ordinary
        self._places = frozenset(
            word.casefold()
            for place in known.places
            for word in re.findall(r"[^\W\d_]{4,}", plain(place).text)
            if word not in ordinary
        )
        exact = sorted({*known.numbers, *known.places} - {""}, key=lambda text: (-len(text), text))
        self._exact = [(NUMBER if text in known.numbers else PLACE, _written(text)) for text in exact]

    def find(self, line: str) -> tuple[list[Span], list[str]]:
        """Spans that do not meet each other, from left to right, and the doubts that are left."""
        read = plain(line)
        taken, doubtful, foreign = self._found(read.text)
        doubts = [POSSIBLE_NAME] * (len(doubtful) + foreign)
        spans = [
            Span(*read.place(span.start, span.end), span.kind, read.text[span.start : span.end])
            for span in taken
        ]
        return spans, doubts

    def doubtful_words(self, line: str) -> list[str]:
        """Those for which the line would be refused, as they are written."""
        read = plain(line).text
        return [read[span.start : span.end] for span in self._found(read)[1]]

    def _found(self, line: str) -> tuple[Taken, list[Span], bool]:
        """Names and the like, words in doubt, and whether there is writing in which no rule tells a name."""
        taken = Taken()
        for kind, pattern in self._exact:
            for match in pattern.finditer(line):
                taken.take(Span(match.start(), match.end(), kind))
        self._take_all(taken, line, FORMS)
        for span in self._known_names(line):
            taken.take(span)
        self._take_all(taken, line, CUES)
        doubtful: list[Span] = []
        for span, sure in self._unknown_names(line, taken):
            if sure:
                taken.take(span)
            else:
                doubtful.append(span)
        for span in [one for one in taken if one.kind == NAME]:
            for beside in self._beside(line, span):
                taken.take(beside)
        # Writing without capitals.
        foreign = any(unicodedata.category(c) == "Lo" and c not in "ªº" for c in line)
        return taken, doubtful, foreign

    def _take_all(self, taken: Taken, line: str, patterns: tuple[tuple[str, re.Pattern[str]], ...]) -> None:
        for kind, pattern in patterns:
            for match in pattern.finditer(line):
                for span in self._of_match(line, kind, match):
                    taken.take(span)

    def _known_names(self, line: str) -> Iterator[Span]:
        """Each word of a known name, also misspelt by one letter or run together with another; in lower case only
        where it is no ordinary word. What a hyphen joins to it is part of the name: one half may be all that the
        record knows."""
        for joined in _HYPHENATED.finditer(line):
            parts = list(_KNOWN_WORD.finditer(line, joined.start(), joined.end()))
            known = [self._is_known(part.group()) for part in parts]
            # Of a term such as Wolff-Parkinson-White only the part that is known is a name.
            term = not any(known) or joined.group() in self._ordinary
            for part, named in zip(parts, known, strict=True):
                text = part.group()
                if named or not (term or (text in self._ordinary and not text[0].isupper())):
                    yield Span(part.start(), part.end(), NAME)
                elif text.casefold() in self._places:
                    yield Span(part.start(), part.end(), PLACE)
        for match in re.finditer(r"(?<!\w)(?:[A-Z]\.[ ]?){2,4}(?!\w)", line):
            if "".join(re.findall(r"[A-Z]", match.group())) in self._initials:
                for letter in re.finditer(r"[A-Z]", match.group()):
                    yield Span(match.start() + letter.start(), match.start() + letter.end(), NAME)

    def _is_known(self, text: str) -> bool:
        folded = text.casefold()
        word = without_marks(folded)
        if text.islower() and word in self._ordinary:
            return False
        if folded in self._names or word in self._names:
            return True
        return (
            len(word) > _NEARLY
            and word not in self._ordinary
            and any(
                DamerauLevenshtein.distance(word, name, score_cutoff=1) <= 1
                or (len(name) >= _NEARLY and name in word and name not in self._ordinary)
                for name in self._names
            )
        )

    def _of_match(self, line: str, kind: str, match: re.Match[str]) -> Iterator[Span]:
        parts = match.re.groupindex
        start, end = match.span("it" if "it" in parts else "small" if "small" in parts else 0)
        if kind == DATE:
            if match.re is MONTH_DAY and _is_score(line, start, end):
                return
            yield Span(start, end, DATE)
        elif kind == AGE:
            if not (
                _DEGREES.match(line, end) and _MEASURE_BEFORE.search(line[max(0, start - _NEAR) : start])
            ):
                yield Span(start, end, AGE)
        elif kind == NAME:
            yield from self._name_words(line, start, end, small="small" in parts)
        elif kind == PLACE and "it" in parts and line[start].isalpha():
            for word in _NAME_WORD.finditer(line, start, end):
                if word.group() not in self._ordinary and not _is_abbreviation(word.group()):
                    yield _bare(word, PLACE)
        else:
            yield Span(start, end, kind)

    def _name_words(self, line: str, start: int, end: int, *, small: bool) -> Iterator[Span]:
        """The words that the cue names; ordinary ones end it unless the cue leaves no doubt about the first."""
        before = line[max(0, start - _NEAR) : start]
        titled = _TITLED.search(before) is not None
        certain = titled or _CERTAIN.search(before) is not None
        small = small or _ONLY_NAMES.search(before) is not None
        named = False
        for number, word in enumerate((_SMALL_WORD if small else _NAME_WORD).finditer(line, start, end)):
            text = word.group()
            if re.fullmatch(CREDENTIAL, text):
                return
            if re.fullmatch(TITLE, text):
                continue
            folded = _POSSESSIVE.sub("", text).casefold()
            alone = re.match(r"\s\w", line[word.end() :]) is None
            also = folded in ALSO_GIVEN_NAMES or (
                folded in ALSO_SURNAMES and (titled or named or certain or alone or text.isupper())
            )
            ordinary = text in self._ordinary and not (also and not text.islower())
            followed_by_prose = re.match(r"\s[a-z]", line[word.end() :]) is not None
            sure = titled or (
                certain and not followed_by_prose and folded not in OF_CHARTS and folded not in CALENDAR
            )
            if ordinary and not (sure and number == 0 and not text.islower()):
                if number or not certain:
                    return
                continue
            if len(text) > 1 or number:
                named = True
                yield _bare(word, NAME)

    def _unknown_names(self, line: str, taken: Taken) -> Iterator[tuple[Span, bool]]:
        """Capitalised words that nobody writes small: two in a row or joined by "and" are names, one is a doubt."""
        words = [
            match
            for match in _NAME_WORD.finditer(line)
            if len(match.group()) > 1
            and not _is_abbreviation(match.group())
            and not re.fullmatch(TITLE, match.group())
            and match.group() not in self._ordinary
            and not taken.meets(match.start(), match.end())
        ]
        for number, match in enumerate(words):
            before = words[number - 1] if number else None
            after = words[number + 1] if number + 1 < len(words) else None
            in_row = (before is not None and _side_by_side(line, before, match)) or (
                after is not None and _side_by_side(line, match, after)
            )
            beside = any(
                span.kind in (NAME, PLACE)
                for span in taken.beside(match.start(), match.end(), within=_JOINED)
            )
            yield _bare(match, NAME), in_row or beside or self._ordinary.is_name(match.group())

    def _beside(self, line: str, span: Span) -> Iterator[Span]:
        """What belongs to a name that was found: initials, and the other half of a double name without a hyphen."""
        for initials in (
            _INITIALS_BEFORE.search(line, max(0, span.start - 8), span.start),
            _INITIALS_AFTER.match(line, span.end),
        ):
            if initials is not None:
                for at in range(*initials.span()):
                    if line[at].isalpha():
                        yield Span(at, at + 1, NAME)
        text = line[span.start : span.end]
        for word in (
            _WORD_BEFORE.search(line, max(0, span.start - 40), span.start),
            _WORD_AFTER.match(line, span.end),
        ):
            if word is None:
                continue
            place = word.span("it") if "it" in word.re.groupindex else word.span()
            other = line[slice(*place)]
            alike = other.isupper() == text.isupper() and other.islower() == text.islower()
            unknown = other not in self._ordinary and (other.islower() or len(other) > 3)
            surname = other.istitle() and other.casefold() in ALSO_SURNAMES
            if (alike and unknown and (other.islower() or other.isupper())) or surname:
                yield Span(*place, NAME)


def _bare(word: re.Match[str], kind: str) -> Span:
    """Without the sign of the possessive, which stays."""
    return Span(word.start(), word.end() - len(word.group()) + len(_POSSESSIVE.sub("", word.group())), kind)


def _initials(name: str) -> frozenset[str]:
    """As they are written, given names first; none of a name of one word."""
    surname, _, given = re.sub(CREDENTIAL, " ", plain(name).text).partition(",")
    words = re.findall(r"[^\W\d_]+", f"{given} {surname}" if given.strip() else surname)
    letters = "".join(word[0].upper() for word in words)
    return frozenset((letters, f"{letters[0]}{letters[-1]}")) if len(words) > 1 else frozenset()


def _written(known: str) -> re.Pattern[str]:
    """A number or place however its parts are parted."""
    parts = re.findall(r"[^\W_]+", plain(known).text)
    between = r"[ ./_-]{0,2}" if any(c.isdigit() for c in known) else r"[ ,._-]{1,2}"
    text = between.join(map(re.escape, parts)) if parts else re.escape(known)
    return re.compile(rf"(?<![^\W_]){text}(?![^\W_])", re.IGNORECASE)


def _side_by_side(line: str, one: re.Match[str], other: re.Match[str]) -> bool:
    return re.fullmatch(r",?\s(?:(?:[A-Z]\.?|and|&)\s)?", line[one.end() : other.start()]) is not None


def _is_abbreviation(word: str) -> bool:
    """Short and all in capitals, or with one in the middle, as HbA1c, PharmD: not how a name is written but in
    headings, where cues and what is known find it."""
    bare = _POSSESSIVE.sub("", word)
    if bare.isupper():
        return max(map(len, bare.split("-"))) < _LONG
    capitals = sum(letter.isupper() for letter in bare)
    named = re.match(rf"(?:Mac|Mc|De|Di|Du|La|Le|Van|Fitz)[{CAPITAL}][^\W\d_]{{2,}}$", bare) is not None
    return capitals > 1 and not named and "-" not in bare and "'" not in bare and "’" not in bare


def _is_score(line: str, start: int, end: int) -> bool:
    """Never more than the highest there is; another of the same scale may stand before it."""
    reached, most = map(int, line[start:end].split("/"))
    if reached > most or _DAY_BEFORE.search(line[max(0, start - _NEAR) : start]):
        return False
    if _announced(line, start) or _SCORE_AFTER.match(line[end:]):
        return True
    same = re.compile(rf"(?<![\d/.])\d{{1,2}}/{most}(?![\d/])")
    return any(
        _announced(line, other.start()) for other in same.finditer(line, max(0, start - 2 * _NEAR), start)
    )


def _announced(line: str, start: int) -> bool:
    before = line[max(0, start - _NEAR) : start]
    return _SCORE_BEFORE.search(before) is not None and _DAY_BEFORE.search(before) is None


def words_beside(texts: Iterable[str]) -> frozenset[str]:
    """Words of titles and terms, as OrdinaryWords takes them."""
    return frozenset(word for text in texts for word in re.findall(r"[^\W\d_]+", text))
