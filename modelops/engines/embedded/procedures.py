"""Procedures that a note says were done in this encounter, as codes of the CPT and HCPCS releases in use.

A name alone proves nothing: a procedure planned, consented to, denied, done on another day or by someone else
is kept as context. What counts as done: the part of the note that tells of procedures, or a word beside the
name that says so; of a test also its result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

from catalog.choices import ClaimType, CodeSystem, NodeKind
from catalog.models import Code, Note
from modelops.choices import ContextTag
from modelops.engines.embedded.lexicon import procedure_phrases, rewrites, table
from modelops.engines.embedded.matching import Found, Words, find_among
from modelops.engines.embedded.mentions import ReadDocument, evidence_of, tags_at
from modelops.engines.embedded.terms import MAX_WORDS, Term, filed_by_rarest
from modelops.engines.embedded.tokens import Token, is_word, normal, phrase
from modelops.engines.types import ChartText, CodeSuggestion, ContextMention, Evidence

_PARENTHESES = re.compile(r"\s*\([^()]*\)")
# Tests: done is also what has a result. By CPT's own order of its codes.
_TESTS = ("7", "8", "93", "94", "95")
_IMAGING = ("7", "9330", "9331", "9335")
# Recording, reading and report in one: an office's code; a hospital and its readers bill the parts.
_OFFICE_ONLY = frozenset({"93000"})
_REPORTS = re.compile(r"(?i)operative|procedure|endoscopy|colonoscopy|surgery|surgical report|delivery")
_IMAGING_REPORT = re.compile(r"(?i)radiology|imaging|echocardiogra|mammogra|x-?ray")

# Parts of a note by what a procedure named there is.
_DONE_HERE = frozenset({"procedure"})
_TOLD_ELSEWHEN = {
    "pmh": ContextTag.HISTORICAL,
    "psh": ContextTag.HISTORICAL,
    "family": ContextTag.FAMILY,
    "screening": ContextTag.HISTORICAL,
    "instructions": ContextTag.HYPOTHETICAL,
    "goals": ContextTag.HYPOTHETICAL,
    "allergies": ContextTag.HISTORICAL,
}
_FROM_TAGS = (
    ("negated", ContextTag.NEGATED),
    ("other_person", ContextTag.OTHER_PERSON),
    ("family", ContextTag.FAMILY),
    ("hypothetical", ContextTag.HYPOTHETICAL),
    ("uncertain", ContextTag.UNCERTAIN),
    ("historical", ContextTag.HISTORICAL),
    ("resolved", ContextTag.HISTORICAL),
)
# How sure each way of saying it is; set by hand, not fitted, so shown as uncalibrated like the rest.
_SURE = {"procedure": 0.93, "performed": 0.85, "report": 0.72, "result": 0.68}
_CEILING = {"strong": 0.95, "plain": 0.82, "weak": 0.55}
_BY_OTHERS = 0.5
_REPEATED = 0.02
_WORDS_AWAY = 7
_EVIDENCE = 5
_SAID = {
    "procedure": "Named where the note tells of the procedures done.",
    "performed": "Said to be done in this encounter.",
    "report": "Named in the report of the procedure.",
    "result": "Told with its result.",
}


@dataclass(frozen=True, slots=True)
class Procedure:
    """A code of a release in use."""

    system: str
    code: str
    title: str
    valid_from: date | None
    valid_to: date | None

    def in_force(self, on: date | None) -> bool:
        if on is None:
            return True
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Names:
    """The procedures of the releases in use, by code, and what they are called."""

    procedures: Mapping[str, Procedure]
    by_rarest: Mapping[str, tuple[Term, ...]]


@dataclass(frozen=True, slots=True)
class _Done:
    """One place that says that a procedure was done; `way` is a key of _SURE."""

    procedure: Procedure
    evidence: Evidence
    order: tuple[int, int, int]
    way: str
    sure: float
    doubt: str = ""


@lru_cache(maxsize=4)
def names_of(releases: tuple[tuple[str, int], ...]) -> Names:
    """`releases`: (system, primary key). Read once a process; some 20,000 codes where all are loaded."""
    procedures: dict[str, Procedure] = {}
    terms: list[Term] = []
    for system, release_id in releases:
        rows = Code.objects.filter(release_id=release_id, kind=NodeKind.CODE, billable=True)
        fields = ("code", "title", "valid_from", "valid_to")
        for code, title, valid_from, valid_to in rows.values_list(*fields).iterator(chunk_size=5000):
            procedures[code] = Procedure(system, code, title, valid_from, valid_to)
            terms.extend(_terms(code, title, title=True))
        notes = Note.objects.terms_of_codes(release_id)
        for code, text in notes.iterator(chunk_size=5000):
            terms.extend(_terms(code, text, title=False))
    return Names(procedures, filed_by_rarest(terms))


def _terms(code: str, text: str, *, title: bool) -> Iterable[Term]:
    """One word alone names no procedure well enough; the lexicon has those that do."""
    words = frozenset(phrase(_PARENTHESES.sub("", text), rewrites()))
    if 1 < len(words) <= MAX_WORDS:
        yield Term(words, code, 0, title)


def procedures_done(
    documents: Sequence[ReadDocument], chart: ChartText
) -> tuple[list[CodeSuggestion], list[ContextMention]]:
    """Suggestions in document order, and the names that stood in another context. Nothing on facility
    inpatient claims, whose procedures are ICD-10-PCS, and nothing without a release."""
    releases = tuple(sorted(chart.procedure_releases.items()))
    if not releases or chart.claim_type == ClaimType.FACILITY_INPATIENT:
        return [], []
    names = names_of(releases)
    done: dict[str, list[_Done]] = {}
    context: list[ContextMention] = []
    for document in documents:
        for number, words in enumerate(document.words):
            for found in find_among(words, procedure_phrases(), names.by_rarest):
                procedure = names.procedures.get(found.code)
                if procedure is None or not procedure.in_force(chart.date_of_service):
                    continue
                if procedure.code in _OFFICE_ONLY and not _in_office(chart):
                    continue
                said = _read(document, number, words, found, procedure, chart)
                if isinstance(said, ContextMention):
                    context.append(said)
                elif said is not None:
                    done.setdefault(procedure.code, []).append(said)
    _leave_less_full(done)
    return [_suggestion(places) for places in sorted(done.values(), key=_first)], context


def _read(
    document: ReadDocument, number: int, words: Words, found: Found, procedure: Procedure, chart: ChartText
) -> _Done | ContextMention | None:
    first, last = words.place[found.at[0]], words.place[found.at[-1]]
    evidence = evidence_of(document, words.all[first], words.all[last])
    section = document.sections.kind_at(evidence.line_start, evidence.col_start)
    test = procedure.code.startswith(_TESTS)
    cue, distance = _nearest_cue(words.all, first, last, test=test)
    tags = tags_at(document.scopes[number], first, last)
    if test and cue == "result":
        # "Rapid strep negative" denies the infection, not the test.
        tags -= {"negated", "resolved"}
    elsewhere = _elsewhere(words.all, first, last, section, tags, cue, distance, chart)
    if elsewhere is not None:
        return ContextMention(evidence, elsewhere.value, procedure.code)
    way = _way(document, section, cue, test=test)
    if way is None:
        return None
    weight = found.weight if found.source == "lexicon" else _weights().get(procedure.code, "plain")
    sure = min(_SURE[way], _CEILING[weight])
    doubt = _doubt(procedure, document, chart)
    order = (document.number, evidence.line_start, evidence.col_start)
    return _Done(procedure, evidence, order, way, min(sure, _BY_OTHERS) if doubt else sure, doubt)


def _elsewhere(
    tokens: Sequence[Token],
    first: int,
    last: int,
    section: str,
    tags: set[str],
    cue: str,
    distance: int,
    chart: ChartText,
) -> ContextTag | None:
    """Why the procedure was not done here and now, as the tag of its mention; None where nothing says so."""
    tagged = next((context for tag, context in _FROM_TAGS if tag in tags), None)
    if tagged is not None and not (cue == "performed" and distance == 1 and tagged != ContextTag.NEGATED):
        return tagged
    if section in _TOLD_ELSEWHEN and not (cue == "performed" and _says_today(tokens, first, last)):
        return _TOLD_ELSEWHEN[section]
    if _on_another_day(tokens, first, last, chart) or (cue == "past" and section not in _DONE_HERE):
        return ContextTag.HISTORICAL
    return ContextTag.HYPOTHETICAL if cue == "planned" and section not in _DONE_HERE else None


def _way(document: ReadDocument, section: str, cue: str, *, test: bool) -> str | None:
    if section in _DONE_HERE:
        return "procedure"
    if cue == "performed":
        return "performed"
    if test and cue == "result":
        return "result"
    if _REPORTS.search(document.document.type) and section in ("start", "body", "other", "findings"):
        return "report"
    return None


@cache
def _weights() -> dict[str, str]:
    """By code, how much its best phrase says: of a name out of a release as much is believed."""
    ranks = list(_CEILING)
    best: dict[str, str] = {}
    for named in procedure_phrases():
        known = best.setdefault(named.code, named.weight)
        best[named.code] = min(known, named.weight, key=ranks.index)
    return best


@cache
def _cues() -> dict[str, str]:
    return {normal(word): cue for cue, field in table("procedure_cues.csv", 2) for word in field.split("|")}


def _nearest_cue(tokens: Sequence[Token], first: int, last: int, *, test: bool) -> tuple[str, int]:
    """The nearest word that tells whether it was done, and how many words away; of two as near the cautious one."""
    cautious = ("planned", "past", "performed", "result")
    best = (_WORDS_AWAY + 1, len(cautious))
    for places in (range(first - 1, -1, -1), range(last + 1, len(tokens))):
        away = 0
        for place in places:
            norm = tokens[place].norm
            if not is_word(norm):
                continue
            away += 1
            if away > _WORDS_AWAY:
                break
            cue = _cues().get(norm, "")
            if cue == "ago" or (cue == "asked" and _asks_for(tokens, place)):
                return ("past" if cue == "ago" else "planned"), 0
            if cue in cautious and (cue != "result" or test):
                best = min(best, (away, cautious.index(cue)))
    return (cautious[best[1]], best[0]) if best[1] < len(cautious) else ("", 0)


def _asks_for(tokens: Sequence[Token], place: int) -> bool:
    return place + 1 < len(tokens) and tokens[place + 1].norm in ("for", "to")


def _says_today(tokens: Sequence[Token], first: int, last: int) -> bool:
    return any(token.norm == "today" for token in tokens[max(0, first - 4) : last + 6])


_MONTH_DAY = re.compile(r"(\d{1,2})")


def _on_another_day(tokens: Sequence[Token], first: int, last: int, chart: ChartText) -> bool:
    """Whether a date stands beside the name that is not one of the encounter: "EGD 2024", "US 06/18"."""
    days = [day for day in (chart.date_of_service, chart.admit_date, chart.discharge_date) if day]
    if not days:
        return False
    low, high = max(0, first - 4), min(len(tokens), last + 10)
    for place in range(low, high):
        if first <= place <= last:
            continue
        norm = tokens[place].norm
        if len(norm) == 4 and norm.isdigit() and norm.startswith(("19", "20")):
            if all(day.year != int(norm) for day in days):
                return True
        elif _MONTH_DAY.fullmatch(norm) and place + 2 < len(tokens) and tokens[place + 1].norm == "/":
            after = tokens[place + 2].norm
            dated = after.isdigit() and 1 <= int(norm) <= 12 and len(after) <= 2 and 1 <= int(after) <= 31
            if dated and all((day.month, day.day) != (int(norm), int(after)) for day in days):
                return True
    return False


def _in_office(chart: ChartText) -> bool:
    return chart.claim_type == ClaimType.PROFESSIONAL and chart.setting in ("outpatient", "")


def _doubt(procedure: Procedure, document: ReadDocument, chart: ChartText) -> str:
    """Why the claim may not be the one that carries it, in a sentence; empty where nothing says so."""
    if document.nonprovider:
        return "Documented by staff other than the provider."
    pictures = procedure.system == CodeSystem.CPT and procedure.code.startswith(_IMAGING)
    reads = _IMAGING_REPORT.search(document.document.type) is not None
    if pictures and chart.claim_type == ClaimType.PROFESSIONAL and not reads:
        return "A professional claim carries a picture for the one who reports it; this is no such report."
    return ""


@cache
def _families() -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((fuller, tuple(less.split())) for fuller, less in table("procedure_families.csv", 2))


def _leave_less_full(done: dict[str, list[_Done]]) -> None:
    """The same procedure said less fully elsewhere ("colonoscopy" beside "colonoscopy with biopsy") is no other."""
    for fuller, less in _families():
        if fuller in done:
            for code in less:
                done.pop(code, None)


def _first(places: Sequence[_Done]) -> tuple[tuple[int, int, int], str]:
    return min(place.order for place in places), places[0].procedure.code


def _suggestion(places: Sequence[_Done]) -> CodeSuggestion:
    ranked = sorted(places, key=lambda place: (-place.sure, place.order))
    by_line: dict[tuple[str, int], _Done] = {}
    for place in ranked:
        by_line.setdefault((place.evidence.document_id, place.evidence.line_start), place)
    best = ranked[0]
    sure = best.sure
    if len(by_line) > 1 and sure > _BY_OTHERS:
        sure = min(_CEILING["strong"], sure + _REPEATED)
    return CodeSuggestion(
        system=best.procedure.system,
        code=best.procedure.code,
        description=best.procedure.title,
        confidence=round(sure, 3),
        rationale=" ".join(filter(None, (_SAID[best.way], best.doubt))),
        evidence=tuple(place.evidence for place in by_line.values())[:_EVIDENCE],
    )
