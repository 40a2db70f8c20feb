"""Charts for tests of the embedded engine: short texts of our own, and what was suggested for them."""

import datetime as dt

from modelops.choices import Band
from modelops.engines.bands import band_of
from modelops.engines.embedded.engine import EmbeddedEngine
from modelops.engines.types import ChartDocument, ChartText, EngineResult

ENGINE = EmbeddedEngine()
INPATIENT = {"claim_type": "facility_inpatient", "setting": "inpatient"}


def chart(*texts, claim_type="professional", setting="outpatient", **fields) -> ChartText:
    documents = tuple(
        text if isinstance(text, ChartDocument) else ChartDocument(f"d{number}", text)
        for number, text in enumerate(texts, start=1)
    )
    day = fields.pop("date_of_service", dt.date(2026, 5, 4))
    return ChartText("t", documents, claim_type=claim_type, setting=setting, date_of_service=day, **fields)


def predict(release, *texts, **fields) -> EngineResult:
    return ENGINE.predict(chart(*texts, **fields), release.pk)


def codes(release, *texts, **fields) -> list[str]:
    """All codes suggested in HIGH or MEDIUM, in order."""
    found = predict(release, *texts, **fields).suggestions
    return [s.code for s in found if band_of(s.confidence, high=0.9, medium=0.6) != Band.LOW]


def tags(result: EngineResult) -> list[tuple[str, str]]:
    return [(mention.code, mention.tag) for mention in result.context]
