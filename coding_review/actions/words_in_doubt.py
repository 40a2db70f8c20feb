"""List the words for which charts of real patients are refused, so that somebody decides once what each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from coding_review import audit
from coding_review.actions.build_dataset import Sources, decided_words, gather, ordinary_words
from coding_review.held_out import held
from modelops.datasets.code_titles import CodeTitles
from modelops.datasets.decided_words import write_open
from modelops.datasets.examples import TrainingExample
from modelops.datasets.identifiers import Known, Recognizer


@dataclass(frozen=True, slots=True)
class Listed:
    """`charts`: of real patients; `doubtful`: those of them with a word in doubt; `words` are not decided yet."""

    path: Path
    charts: int
    doubtful: int
    words: int


def words_in_doubt(sources: Sources) -> Listed:
    """Written to DEIDENTIFICATION_WORDS, where decisions stay as they are. For the operator of the server: the file
    holds names of people.

    Raises InvalidDecision (a source, the file as it is), OSError.
    """
    decided = decided_words()
    gathered = gather(sources, held(), CodeTitles())
    ordinary = ordinary_words(gathered, decided)
    charts: Counter[str] = Counter()
    seen = doubtful = 0
    for example in gathered.examples:
        if not example.phi:
            continue
        seen += 1
        recognizer = Recognizer(gathered.known.get(example.id, Known()), ordinary)
        words = {word.casefold() for line in _lines(example) for word in recognizer.doubtful_words(line)}
        doubtful += bool(words)
        charts.update(words)
    path = Path(settings.DEIDENTIFICATION_WORDS)
    listed = Listed(path, seen, doubtful, write_open(path, decided, charts))
    audit.record(
        "words_in_doubt.listed",
        actor=None,
        data={"charts": seen, "doubtful": doubtful, "words": listed.words},
    )
    return listed


def _lines(example: TrainingExample) -> Iterator[str]:
    """All that de-identification reads."""
    for document in example.chart.documents:
        yield from document.lines
        yield document.type
        yield document.author_role
    for label in example.labels:
        yield label.rationale
