"""The engine's paths on a real vLLM with an untrained model: its answers mean nothing, so what is held here is that
every path answers, that nothing stands that does not hold, and that all else is kept with its reason."""

from __future__ import annotations

from collections import Counter

import pytest

from catalog.choices import CodeSystem
from catalog.models import Code
from coding_review.actions.record_prediction import _stands
from modelops.engines.hybrid import hybrid_engine
from modelops.engines.llm.make import vllm_engine
from modelops.engines.sureness import Sureness
from tests.modelops.engine_charts import chart
from tests.vllm_server import RealServer

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.django_db]

NOTE = "\n".join(
    [
        "ASSESSMENT:",
        "1. Essential hypertension, on lisinopril.",
        "2. Gout of the left foot, better.",
        "Colonoscopy done today, no polyps seen.",
        "",
        "PLAN:",
        "Asthma was quiet this winter. Recheck in a month.",
    ]
)
REASONS = {
    *("malformed", "too_many", "fabricated", "header", "incomplete", "expired", "not_yet_valid"),
    *("no_evidence", "verified_out", "duplicate", "not_confirmed"),
}
PATHS = {
    "alone": (vllm_engine, {}),
    "candidates": (vllm_engine, {"grounding": "candidates"}),
    "closed and verified": (vllm_engine, {"grounding": "candidates+verify", "closed": True}),
    "passes": (vllm_engine, {"grounding": "candidates", "closed": True, "passes": 2}),
    "hybrid": (hybrid_engine, {"grounding": "candidates+verify", "closed": True}),
}


@pytest.mark.parametrize("path", PATHS)
def test_every_path_answers_and_only_what_holds_stands(path, icd10cm, cpt_sample, vllm_server: RealServer):
    make, config = PATHS[path]
    engine = make(
        base_urls=(vllm_server.base_url,),
        api_key_file=str(vllm_server.key_file),
        chart_seconds=400.0,
        **config,
    )
    one = chart(NOTE, procedure_releases={"cpt": cpt_sample.pk})
    result = engine.predict(one, icd10cm.pk)
    releases = {CodeSystem.ICD10CM.value: icd10cm, CodeSystem.CPT.value: cpt_sample}
    lines = {document.document_id: document.lines for document in one.documents}
    for said in result.suggestions:
        assert Code.objects.of(releases[said.system]).filter(code=said.code, billable=True).count() == 1
        assert 0 <= said.confidence <= 1
        assert said.evidence
        assert all(_stands(place, lines) for place in said.evidence)
    assert {one.reason for one in result.discarded} <= REASONS
    counted = {
        name.removeprefix("dropped_"): count
        for name, count in result.usage.items()
        if name.startswith("dropped_")
    }
    kept = Counter(one.reason for one in result.discarded)
    if path == "hybrid":
        # Its own discards are of the knowledge layer.
        assert all(kept[reason] >= count for reason, count in counted.items())
        assert 0 < result.usage["hybrid_terms_asked"] <= result.usage["hybrid_terms"]
        assert "I10" in {said.code for said in result.suggestions}
        assert result.made_by.details["sure"] == Sureness().said
    else:
        assert counted == dict(kept)
    assert result.usage["requests"] >= (2 if path == "passes" else 1)
    assert result.usage["output_tokens"] > 0
    assert result.made_by.details["closed"] == ("yes" if config.get("closed") else "no")
