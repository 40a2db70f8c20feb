"""The second phase: what retrieval finds beside what was written, and an engine's choice with its lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.models import Release
from modelops.engines.llm.candidates import CatalogGrounding
from modelops.engines.types import ChartText, CodeSuggestion, Discarded, EngineInfo, EngineResult, Evidence
from modelops.synthesis.drawing import Drawing
from modelops.synthesis.embedded_writer import EmbeddedWriter
from modelops.synthesis.labelling import EngineLabelling, TrustedLabelling
from modelops.synthesis.types import Discard, Written
from modelops.synthesis.vocabulary import Vocabulary

TEXT = "Hypertension.\nType 2 diabetes.\nSleeps badly."


@dataclass
class Says:
    """An engine that suggests these codes, each on its line; `dropped` it discarded itself."""

    codes: dict[str, int]
    dropped: tuple[str, ...] = ()
    info = EngineInfo("says", "1")

    def predict(self, chart: ChartText, release_id: int) -> EngineResult:
        said = tuple(
            CodeSuggestion("icd10cm", code, code, 0.9, "", (Evidence("1", line, line, 0, 3, "x"),))
            for code, line in self.codes.items()
        )
        return EngineResult(said, discarded=tuple(Discarded(code, "verified_out") for code in self.dropped))


def test_what_was_written_stands_and_retrieval_is_told(
    icd10cm: Release, drawing: Drawing, vocabulary: Vocabulary
) -> None:
    order = replace(drawing.order(1, 0), codes=("I10", "L89.613"))
    written = EmbeddedWriter(vocabulary).write(order)
    labelled = TrustedLabelling(CatalogGrounding(), icd10cm.pk)(order, written)
    assert labelled.codes == written.codes
    found = {seen.code for seen in labelled.candidates}
    assert "I10" in found or Discard("I10", "not_retrieved") in labelled.discards
    assert all(seen.lines and seen.similarity > 0 for seen in labelled.candidates)


def test_an_engine_chooses_among_what_was_ordered(
    icd10cm: Release, drawing: Drawing, vocabulary: Vocabulary
) -> None:
    order = replace(drawing.order(1, 0), codes=("I10", "E11.9", "G47.00"))
    labelled = EngineLabelling(Says({"I10": 1, "E11.9": 2}), icd10cm.pk, vocabulary)(
        order, Written(TEXT, "note", "physician")
    )
    assert [(code.code, code.lines) for code in labelled.codes] == [("I10", (1,)), ("E11.9", (2,))]
    assert labelled.discards == (Discard("G47.00", "not_attributed"),)


def test_what_is_found_besides_stays_only_where_it_stands_beside_the_others(
    icd10cm: Release, drawing: Drawing, vocabulary: Vocabulary
) -> None:
    order = replace(drawing.order(1, 0), codes=("E11.9",))
    engine = Says({"E11.9": 2, "I10": 1, "E10.9": 2}, dropped=("F32.A",))
    labelled = EngineLabelling(engine, icd10cm.pk, vocabulary)(order, Written(TEXT, "note", "physician"))
    assert [code.code for code in labelled.codes] == ["E11.9", "I10"]
    assert labelled.discards == (Discard("F32.A", "verified_out"), Discard("E10.9", "excludes1"))
