"""What the words around a mention say about it: negated, uncertain, hypothetical, historical, family, other person.

After the ConText idea (trigger phrase, direction, scope, ends of scope), written for notes: scopes end at
brackets, at words such as "but", and a list after "no" goes on only while its items are short.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modelops.engines.embedded.lexicon import context_phrases, phrase_set
from modelops.engines.embedded.tokens import Token, is_word, word_set

# Words a scope covers at most; "denies" lists run to the end of the clause.
_FORWARD = {"negated": 40, "uncertain": 8, "hypothetical": 10, "historical": 8, "family": 30}
_BACKWARD = {"negated": 7, "uncertain": 5, "hypothetical": 3, "historical": 8, "resolved": 6}
_LONG_ITEM = 4
_OPENS_UP = word_set(
    "denies denied deny denying neither negative neg differential ddx considered considering"
)
_LIST_GOES_ON = frozenset({"or", "nor", ",", "/", "and", "&"})
_AFFIRMS = word_set(
    "on for has now continue started will given new with due likely possible see per after since plan but "
    "stable controlled improving treated dc stop switch start hold"
)
_BRACKET_PAIRS = {"(": ")", "[": "]"}
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_OPEN_BOX = frozenset({"[ ]", "[]", "( )"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Tokens `first` to `last` of the clause (inclusive) stand under `tag`; `trigger` is the phrase's place."""

    tag: str
    first: int
    last: int
    trigger: int


@dataclass(frozen=True, slots=True)
class _Trigger:
    first: int
    last: int
    tag: str
    direction: str


def scopes(tokens: Sequence[Token]) -> list[Scope]:
    """All scopes of a clause. Linear: triggers are found in one pass and scopes have a fixed reach."""
    triggers = _triggers(tokens)
    stops = {place for t in triggers if t.tag == "stop" for place in range(t.first, t.last + 1)}
    found: list[Scope] = []
    for trigger in triggers:
        if trigger.tag in ("stop", "pseudo"):
            continue
        if trigger.direction in ("forward", "both"):
            last = _forward(tokens, trigger, stops)
            if last > trigger.last:
                found.append(Scope(trigger.tag, trigger.last + 1, last, trigger.first))
        if trigger.direction in ("backward", "both"):
            first = _backward(tokens, trigger, stops)
            if first < trigger.first:
                found.append(Scope(trigger.tag, first, trigger.first - 1, trigger.first))
    found.extend(_boxes(tokens))
    found.extend(_question_marks(tokens))
    found.extend(_minus_signs(tokens))
    found.extend(_other_people(tokens))
    return found


def _triggers(tokens: Sequence[Token]) -> list[_Trigger]:
    found: list[_Trigger] = []
    by_first = context_phrases()
    at = 0
    while at < len(tokens):
        matched = 1
        rows = by_first.get(tokens[at].norm, ())
        longest = 0
        for phrase, tag, direction in rows:
            size = len(phrase)
            if size < longest:
                break
            if at == 0 and direction == "backward":
                continue
            if at + size <= len(tokens) and all(tokens[at + n].norm == word for n, word in enumerate(phrase)):
                longest = size
                found.append(_Trigger(at, at + size - 1, tag, direction))
        matched = max(longest, 1)
        at += matched
    return found


def _forward(tokens: Sequence[Token], trigger: _Trigger, stops: set[int]) -> int:
    open_list = tokens[trigger.first].norm in _OPENS_UP
    reach = _FORWARD["negated" if open_list else trigger.tag]
    close = _closing(tokens, trigger.first)
    last = trigger.last
    words = item = 0
    for place in range(trigger.last + 1, len(tokens)):
        token = tokens[place]
        if place in stops or place == close or words >= reach:
            break
        if token.norm in ("-", "–", "—", ":") and token.start > 0 and words and not open_list:
            if token.norm == ":" or _spaced(tokens, place):
                break
        elif token.norm == ",":
            if trigger.tag != "negated" and words > 1 and not open_list:
                break
            if (trigger.tag == "negated" or open_list) and not _list_goes_on(tokens, place, open_list):
                break
            item = 0
        elif is_word(token.norm):
            words += 1
            item += 1
            if item > 12 and not open_list and trigger.tag == "negated":
                break
        last = place
    return last


def _spaced(tokens: Sequence[Token], place: int) -> bool:
    """A dash with space on both sides: a break in thought, not a hyphen."""
    if place == 0 or place + 1 >= len(tokens):
        return False
    return tokens[place - 1].end < tokens[place].start and tokens[place].end < tokens[place + 1].start


def _list_goes_on(tokens: Sequence[Token], comma: int, open_list: bool) -> bool:
    """Whether what follows the comma is another item of the list that "no" began."""
    size = 0
    for place in range(comma + 1, len(tokens)):
        norm = tokens[place].norm
        if norm in (",", ";", ".", "(") or norm in ("or", "nor"):
            break
        if norm in _AFFIRMS and not open_list:
            return False
        size += is_word(norm)
        if size > (_LONG_ITEM if not open_list else 8):
            return False
    return size > 0


def _backward(tokens: Sequence[Token], trigger: _Trigger, stops: set[int]) -> int:
    reach = _BACKWARD.get(trigger.tag, 6)
    first = trigger.first
    words = 0
    opening = _opening(tokens, trigger.first)
    for place in range(trigger.first - 1, -1, -1):
        token = tokens[place]
        if place in stops or place == opening or words >= reach or token.norm in (";", "."):
            break
        if token.norm == "," and words:
            break
        if token.norm == ")":
            # A remark in brackets stands between: look through it.
            continue
        words += is_word(token.norm)
        first = place
    return first


def _closing(tokens: Sequence[Token], place: int) -> int:
    """The bracket that closes around `place`, or the clause's end."""
    depth = 0
    for at in range(place, len(tokens)):
        norm = tokens[at].norm
        if norm in _BRACKET_PAIRS:
            depth += 1
        elif norm in (")", "]"):
            if depth == 0:
                return at
            depth -= 1
    return len(tokens)


def _opening(tokens: Sequence[Token], place: int) -> int:
    depth = 0
    for at in range(place - 1, -1, -1):
        norm = tokens[at].norm
        if norm in (")", "]"):
            depth += 1
        elif norm in _BRACKET_PAIRS:
            if depth == 0:
                return at
            depth -= 1
    return -1


def _boxes(tokens: Sequence[Token]) -> list[Scope]:
    """An unticked box denies what follows it, up to the next box."""
    found: list[Scope] = []
    if not any(token.raw in _OPEN_BOX for token in tokens):
        return found
    for place, token in enumerate(tokens):
        if token.raw in _OPEN_BOX:
            last = place
            for after in range(place + 1, len(tokens)):
                if tokens[after].raw in _OPEN_BOX or tokens[after].raw.lower() in ("[x]", "(x)"):
                    break
                last = after
            if last > place:
                found.append(Scope("negated", place + 1, last, place))
    return found


def _question_marks(tokens: Sequence[Token]) -> list[Scope]:
    """ "?pneumonia" and "pneumonia?" are questions."""
    found: list[Scope] = []
    for place, token in enumerate(tokens):
        if token.norm != "?":
            continue
        glued = place + 1 < len(tokens) and tokens[place + 1].start == token.end
        if glued:
            last = place
            for after in range(place + 1, min(place + 7, len(tokens))):
                if tokens[after].norm in (",", ";", "-", "(", "."):
                    break
                last = after
            found.append(Scope("uncertain", place + 1, last, place))
        elif place:
            first = place
            for before in range(place - 1, max(-1, place - 7), -1):
                if tokens[before].norm in (",", ";", ".", ":"):
                    break
                first = before
            found.append(Scope("uncertain", first, place - 1, place))
    return found


def _minus_signs(tokens: Sequence[Token]) -> list[Scope]:
    """ "ROS -HA -vision": a sign glued to the word after it and parted from the word before."""
    found: list[Scope] = []
    for place in range(1, len(tokens) - 1):
        if tokens[place].norm not in ("-", "–"):
            continue
        before, after = tokens[place - 1], tokens[place + 1]
        glued = before.end < tokens[place].start and after.start == tokens[place].end
        if glued and before.line == after.line and is_word(after.norm) and not after.norm[0].isdigit():
            found.append(Scope("negated", place + 1, min(place + 2, len(tokens) - 1), place))
    return found


_PERSON_REACH = 12
_HAS = word_set(
    "had has have with w/ died dies dead deceased - – — : ( d suffers living passed of from dx diagnosed laid lost "
    "got smokes drinks is was takes"
)


def _other_people(tokens: Sequence[Token]) -> list[Scope]:
    """A relative or another person who has something: "mother had a stroke", "sister - lupus", "wife has COVID"."""
    found: list[Scope] = []
    relatives, others = phrase_set("relatives.csv"), phrase_set("other_people.csv")
    for place, token in enumerate(tokens):
        tag = "family" if token.norm in relatives else "other_person" if token.norm in others else ""
        if not tag or (place + 1 < len(tokens) and tokens[place + 1].norm == "denies"):
            continue
        owns = token.raw.endswith(("'s", "’s"))
        if not owns and not any(t.norm in _HAS for t in tokens[place + 1 : place + 4]):
            continue
        last, words = place, 0
        for after in range(place + 1, len(tokens)):
            norm = tokens[after].norm
            if norm in (";",) or words >= _PERSON_REACH or norm in ("patient", "pt", "he", "she", "who"):
                break
            if owns and norm == ",":
                break
            words += is_word(norm)
            last = after
        if last > place:
            found.append(Scope(tag, place + 1, last, place))
    return found


def past_year(tokens: Sequence[Token], first: int, last: int, current_year: int | None) -> bool:
    """Whether a year well before the encounter stands right beside the words: "DVT 2011"."""
    if current_year is None:
        return False
    for near in tokens[max(0, first - 2) : last + 5]:
        if _YEAR.match(near.raw) and int(near.raw) < current_year - 1:
            return True
    return False
