"""The first stages of a curriculum from the catalog alone: each code with its own words, then other words for it.

A pair is a line with a code's title; a variation is one of its own inclusion terms or includes notes, or a line of the
Alphabetic Index that leads to the code. Nobody's charts: every one of them is trained on, none is held back.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator

from catalog.choices import TERM_NOTE_KINDS, ClaimType, CodeSystem, TableKind
from catalog.models import Code, IndexEntry, Note, Release, TableEdition
from modelops.datasets.build import Gathered
from modelops.datasets.code_titles import CodeTitles
from modelops.datasets.examples import (
    CATALOG,
    PAIRS,
    VARIATIONS,
    WRITTEN,
    Label,
    Provenance,
    TrainingExample,
    evidence_of_lines,
)
from modelops.datasets.split import patient_key
from modelops.engines.types import ChartDocument, ChartText

_AT_ONCE = 5_000


def catalog_stages(release: Release, titles: CodeTitles, codes: Collection[str] | None = None) -> Gathered:
    """Pairs and variations of the release's billable codes; `codes`: of these alone, and those that are not billable
    there are counted. Words that lead to several codes teach none of them and are counted too."""
    billable = Code.objects.of(release).filter(billable=True)
    found = dict(billable.values_list("code", "title").iterator(chunk_size=_AT_ONCE))
    chosen = found if codes is None else {code: found[code] for code in sorted(codes) if code in found}
    left_out = Counter({"code_not_in_release": 0 if codes is None else len(set(codes) - set(found))})
    named: dict[str, set[str]] = defaultdict(set)
    for words, code in _variations(release):
        if code in found:
            named[words.strip()].add(code)
    source, name = f"catalog:{release}", titles.known(release)
    examples = [_example(source, name, PAIRS, code, title) for code, title in chosen.items()]
    for words, of in sorted(named.items()):
        if len(of) > 1:
            left_out["words_of_several_codes"] += bool(of & set(chosen))
            continue
        (code,) = of
        if code in chosen and words and words.casefold() != chosen[code].casefold():
            examples.append(_example(source, name, VARIATIONS, code, words))
    digest = hashlib.sha256("\n".join(sorted(example.id for example in examples)).encode()).hexdigest()
    told = {"kind": CATALOG, "source": source, "sha256": digest, "examples": len(examples)}
    return Gathered(examples, [told], {}, {why: count for why, count in left_out.items() if count})


def _variations(release: Release) -> Iterator[tuple[str, str]]:
    """Words and the code that they lead to, as printed."""
    notes = Note.objects.filter(node__release=release, node__billable=True, kind__in=TERM_NOTE_KINDS)
    yield from notes.values_list("text", "node__code").iterator(chunk_size=_AT_ONCE)
    editions = [
        edition
        for edition in TableEdition.objects.filter(kind=TableKind.INDEX)
        if edition.covers(release.valid_from)
    ]
    entries = IndexEntry.objects.filter(edition__in=editions, codes__len=1, columns=[])
    for words, codes in entries.values_list("full_term", "codes").iterator(chunk_size=_AT_ONCE):
        yield words, codes[0]


def _example(source: str, release: str, stage: str, code: str, words: str) -> TrainingExample:
    document = ChartDocument("1", words)
    key = f"{stage}/{code}" if stage == PAIRS else f"{stage}/{code}/{words}"
    evidence = evidence_of_lines({"1": document}, "1", 1, 1)
    sha256 = hashlib.sha256(words.encode()).hexdigest()
    return TrainingExample(
        id=f"{source}/{key}"[:400],
        patient=patient_key("catalog", code),
        chart=ChartText(id=f"{source}/{key}"[:400], documents=(document,), claim_type=ClaimType.PROFESSIONAL),
        labels=(Label(CodeSystem.ICD10CM.value, code, (evidence,), "catalog", WRITTEN),),
        provenance=Provenance(CATALOG, source, key[:400], release, (sha256,)),
        phi=False,
        stage=stage,
    )
