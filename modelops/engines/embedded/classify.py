"""What becomes of a mention: suggested, turned into a history code, kept as context, or discarded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from modelops.choices import ContextTag
from modelops.engines.embedded.chart import ChartFacts
from modelops.engines.embedded.lexicon import table
from modelops.engines.embedded.mentions import Mention
from modelops.engines.embedded.resolve import settle
from modelops.engines.embedded.terms import Vocabulary
from modelops.engines.types import ContextMention, Discarded

# Conditions that are coded only when confirmed, in any setting (II.H, I.C.1.a, I.C.1.f, I.C.1.g, I.C.10.c).
CONFIRMED_ONLY = ("B20", "Z21", "A92.5", "U07.1", "J12.82", "J09", "J10")
# The strongest reason against suggesting comes first.
_ORDER = ("negated", "other_person", "family", "hypothetical", "uncertain", "historical", "resolved")
_MOTHER_ONLY = ("O", "Z33", "Z34", "Z37", "Z39", "Z3A")
_NEWBORN_ONLY = ("P", "Z38")
# Codes that say by themselves that it is history.
_HISTORY_CODES = ("Z80", "Z81", "Z82", "Z83", "Z84", "Z85", "Z86", "Z87", "Z91.81", "Z92")
# A circumstance that is someone else's when someone else is the subject ("husband laid off").
_OWN_ONLY = ("Z55", "Z56", "Z59.0", "Z65", "Z66", "Z72", "F17")
# Parts of a note that tell of the present stay: what resolved there was still treated in it.
_OF_THE_STAY = frozenset({"final", "diagnoses", "course", "hpi", "other", "start", "body"})


@dataclass(slots=True)
class Sorted:
    kept: list[Mention] = field(default_factory=list)
    context: list[ContextMention] = field(default_factory=list)
    discarded: dict[str, Discarded] = field(default_factory=dict)
    denied: dict[str, int] = field(default_factory=dict)

    def context_in_order(self, place_of: Mapping[str, int]) -> list[ContextMention]:
        """In the order of the documents, whose places `place_of` gives by their ids."""

        def place(mention: ContextMention) -> tuple[int, int, int, str]:
            where = mention.evidence
            return place_of[where.document_id], where.line_start, where.col_start, mention.code

        return sorted(self.context, key=place)


@cache
def _history() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple((kind, code, tuple(prefixes.split())) for kind, code, prefixes in table("history.csv", 3))


@cache
def _family() -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((code, tuple(prefixes.split())) for code, prefixes in table("family.csv", 2))


@cache
def _chronic() -> tuple[str, ...]:
    return tuple(prefix for (line,) in table("chronic.csv", 1) for prefix in line.split())


def classify(mentions: list[Mention], facts: ChartFacts, vocabulary: Vocabulary) -> Sorted:
    found = Sorted()
    for mention in mentions:
        code = settle(mention.code, mention.near, facts, vocabulary)
        tag = next((tag for tag in _ORDER if tag in mention.tags), "")
        if code is None:
            reason = "header" if mention.code in vocabulary.nodes else "expired"
            if not tag:
                found.discarded.setdefault(mention.code, Discarded(mention.code, reason))
            continue
        mention = replace(mention, code=code, tags=set())
        if code.startswith(_MOTHER_ONLY if facts.newborn else _NEWBORN_ONLY) and (
            facts.newborn or facts.grown
        ):
            # The mother's facts in the baby's chart, or the baby's in hers.
            _other_person(mention, facts, vocabulary, found)
            continue
        if tag in ("historical", "family", "other_person") and _says_whose(mention):
            tag = ""
        if tag in ("family", "historical", "resolved") and code.startswith(_HISTORY_CODES):
            tag = ""
        _BY_TAG.get(tag, _affirmed)(mention, facts, vocabulary, found)
    return found


def _says_whose(mention: Mention) -> bool:
    """A status or circumstance tells by itself whose it is, unless the section is about the family."""
    if mention.code[0] != "Z" or mention.source == "title" or mention.section == "family":
        return False
    return not mention.code.startswith(_OWN_ONLY)


def _affirmed(mention: Mention, facts: ChartFacts, vocabulary: Vocabulary, found: Sorted) -> None:
    code = mention.code
    if not code.startswith(_chronic()):
        history = _history_code(code, vocabulary)
        in_past = mention.section in ("pmh", "psh")
        ended = mention.past_year and (in_past or code[0] not in "CD")
        if ended or (in_past and history is not None and history[0] == "acute"):
            _historical(mention, facts, vocabulary, found)
            return
    if mention.section == "psh" and code[0] not in "Z":
        _keep_context(mention, ContextTag.HISTORICAL, found)
        return
    found.kept.append(mention)


def _denied(mention: Mention, facts: ChartFacts, vocabulary: Vocabulary, found: Sorted) -> None:
    found.denied[mention.code] = found.denied.get(mention.code, 0) + 1
    _keep_context(mention, ContextTag.NEGATED, found)


def _hypothetical(mention: Mention, facts: ChartFacts, vocabulary: Vocabulary, found: Sorted) -> None:
    _keep_context(mention, ContextTag.HYPOTHETICAL, found)


def _other_person(mention: Mention, facts: ChartFacts, vocabulary: Vocabulary, found: Sorted) -> None:
    _keep_context(mention, ContextTag.OTHER_PERSON, found)


def _uncertain(mention: Mention, facts: ChartFacts, vocabulary: Vocabulary, found: Sorted) -> None:
    established = facts.inpatient_facility and mention.final and not mention.code.startswith(CONFIRMED_ONLY)
    if established:
        mention.tags = {ContextTag.UNCERTAIN}
        found.kept.append(mention)
    else:
        if not facts.inpatient_facility:
            # Named as a possibility here, the same name elsewhere in the visit is no firmer.
            found.denied[mention.code] = found.denied.get(mention.code, 0) + 1
        _keep_context(mention, ContextTag.UNCERTAIN, found)


def _historical(mention: Mention, facts: ChartFacts, vocabulary: Vocabulary, found: Sorted) -> None:
    if mention.code.startswith(_chronic()):
        found.kept.append(mention)
        return
    history = _history_code(mention.code, vocabulary)
    if history is None:
        _keep_context(mention, ContextTag.HISTORICAL, found)
        return
    mention.told = "Resolved or treated in the past: coded as personal history (I.C.21.c.4)."
    mention.origin = mention.code
    mention.code, mention.tags = history[1], {ContextTag.HISTORICAL}
    found.kept.append(mention)


def _resolved(mention: Mention, facts: ChartFacts, vocabulary: Vocabulary, found: Sorted) -> None:
    if facts.stay and mention.section in _OF_THE_STAY:
        _affirmed(mention, facts, vocabulary, found)
    else:
        _historical(mention, facts, vocabulary, found)


def _in_family(mention: Mention, facts: ChartFacts, vocabulary: Vocabulary, found: Sorted) -> None:
    _keep_context(mention, ContextTag.FAMILY, found)
    if facts.newborn and mention.section != "family":
        return
    for code, prefixes in _family():
        if mention.code.startswith(prefixes):
            if vocabulary.billable(code):
                told = "A relative's condition: coded as family history (I.C.21.c.4)."
                found.kept.append(replace(mention, code=code, tags={ContextTag.FAMILY}, told=told))
            return


def _history_code(code: str, vocabulary: Vocabulary) -> tuple[str, str] | None:
    for kind, history, prefixes in _history():
        if code.startswith(prefixes):
            return (kind, history) if vocabulary.billable(history) else None
    return None


def _keep_context(mention: Mention, tag: ContextTag, found: Sorted) -> None:
    found.context.append(ContextMention(mention.evidence, tag.value, mention.code))


_BY_TAG = {
    "negated": _denied,
    "other_person": _other_person,
    "family": _in_family,
    "hypothetical": _hypothetical,
    "uncertain": _uncertain,
    "historical": _historical,
    "resolved": _resolved,
}
