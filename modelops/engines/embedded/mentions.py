"""One document to mentions: a code, its place, the part of the note, and what the context says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from modelops.engines.embedded import context
from modelops.engines.embedded.chart import ChartFacts, is_nonprovider, is_report, is_summary
from modelops.engines.embedded.lexicon import headings, rewrites
from modelops.engines.embedded.matching import Found, Words, find
from modelops.engines.embedded.sections import Sections
from modelops.engines.embedded.terms import Vocabulary
from modelops.engines.embedded.tokens import Token, clauses, continues, scan_line
from modelops.engines.types import ChartDocument, Evidence

# A line longer than this is read in pieces, so that one line cannot cost more than its share.
_PIECE = 20_000


@dataclass(slots=True)
class Mention:
    """`near` are the normal words around; `code` may still be a header (see resolve.settle)."""

    code: str
    document: int
    evidence: Evidence
    section: str
    tags: set[str]
    source: str
    weight: str
    size: int
    slack: int = 0
    plain: int = 0
    near: frozenset[str] = frozenset()
    nonprovider: bool = False
    final: bool = False
    past_year: bool = False
    told: str = ""
    # The code of the condition that became a history code.
    origin: str = ""
    clause: int = 0

    @property
    def order(self) -> tuple[int, int, int]:
        return self.document, self.evidence.line_start, self.evidence.col_start


@dataclass(slots=True)
class ReadDocument:
    """A document with its lines, tokens by clause and sections; what every rule reads."""

    number: int
    document: ChartDocument
    lines: list[str]
    clauses: list[list[Token]]
    sections: Sections
    nonprovider: bool
    summary: bool
    scopes: list[list[context.Scope]] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)


def read(number: int, document: ChartDocument, *, inpatient: bool = False) -> ReadDocument:
    lines = document.lines
    tokens: list[Token] = []
    breaks: dict[int, bool] = {}
    for line_number, line in enumerate(lines, start=1):
        breaks[line_number] = line_number == 1 or not continues(lines[line_number - 2], line)
        for offset in range(0, max(len(line), 1), _PIECE):
            piece = scan_line(line[offset : offset + _PIECE], line_number, len(tokens))
            if offset:
                piece = [
                    t._replace(start=t.start + offset, end=t.end + offset, last_end=t.last_end + offset)
                    for t in piece
                ]
            tokens.extend(piece)
    found = [rewrites().apply(clause) for clause in clauses(tokens, breaks)]
    return ReadDocument(
        number=number,
        document=document,
        lines=lines,
        clauses=found,
        sections=Sections(lines, headings()),
        nonprovider=is_nonprovider(document.author_role, document.type)
        or (inpatient and is_report(document.type)),
        summary=is_summary(document.type, document.text),
        scopes=[context.scopes(clause) for clause in found],
        words=[Words(clause) for clause in found],
    )


def mentions(read_document: ReadDocument, vocabulary: Vocabulary, facts: ChartFacts) -> list[Mention]:
    found: list[Mention] = []
    for number, words in enumerate(read_document.words):
        for match in find(words, vocabulary):
            if match.sex and facts.sex and match.sex != facts.sex:
                continue
            if match.trimester and match.trimester != (facts.trimester or "unspecified"):
                continue
            codes = match.code.split("+")
            found.extend(_mention(read_document, number, words, match, code, facts) for code in codes)
    return found


def _mention(
    doc: ReadDocument, number: int, words: Words, match: Found, code: str, facts: ChartFacts
) -> Mention:
    places = [words.place[at] for at in match.at]
    evidence = evidence_of(doc, words.all[places[0]], words.all[places[-1]])
    section = doc.sections.kind_at(evidence.line_start, evidence.col_start)
    tags = tags_at(doc.scopes[number], places[0], places[-1])
    if section == "family":
        tags.add("family")
    low, high = max(0, match.at[0] - 14), match.at[-1] + 15
    return Mention(
        code=code,
        document=doc.number,
        evidence=evidence,
        section=section,
        tags=tags,
        source=match.source,
        weight=match.weight,
        size=len(match.at),
        slack=match.slack,
        plain=match.plain,
        near=frozenset(words.norms[low:high]),
        nonprovider=doc.nonprovider,
        final=section == "final" or (doc.summary and section == "diagnoses"),
        past_year=context.past_year(words.all, places[0], places[-1], facts.year),
        clause=number,
    )


def tags_at(scopes: Sequence[context.Scope], first: int, last: int) -> set[str]:
    """The tags whose scope covers the mention, or reaches into it from its first word on."""
    return {
        scope.tag
        for scope in scopes
        if (scope.first <= first <= scope.last and not (first <= scope.trigger <= last))
        or (scope.first <= last <= scope.last and not (first <= scope.trigger <= last))
    }


def evidence_of(doc: ReadDocument, first: Token, last: Token) -> Evidence:
    """The text from one token to another, verbatim; over lines it is joined as the document was split."""
    end_line, end = last.last_line, last.last_end
    if first.line == end_line:
        quote = doc.lines[first.line - 1][first.start : end]
    else:
        middle = doc.lines[first.line : end_line - 1]
        quote = "\n".join([doc.lines[first.line - 1][first.start :], *middle, doc.lines[end_line - 1][:end]])
    return Evidence(doc.document.document_id, first.line, end_line, first.start, end, quote)
