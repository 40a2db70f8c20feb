"""The parts that the settings give an LLM engine: grounding, second look, procedures."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from modelops.engines.embedded.engine import EmbeddedEngine
from modelops.engines.llm.candidates import CatalogGrounding, Limits
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.line_lookup import LineLookup
from modelops.engines.llm.ports import Grounding, ProcedureCoder, Verifier
from modelops.engines.llm.procedures import ModelProcedures
from modelops.engines.llm.verify import ModelVerifier

VERIFY = "candidates+verify"


@dataclass(frozen=True, slots=True)
class Parts:
    """As LlmEngine takes them; None: left out."""

    grounding: Grounding | None
    verifier: Verifier | None
    procedures: ProcedureCoder | None


def parts_of(config: LlmConfig, lookup: LineLookup | None = None) -> Parts:
    """`lookup`: one that others use too."""
    return Parts(
        grounding=_grounding(lookup) if config.grounding else None,
        verifier=ModelVerifier() if config.grounding == VERIFY else None,
        procedures=ModelProcedures() if settings.LLM_PROCEDURES else None,
    )


def _grounding(lookup: LineLookup | None) -> CatalogGrounding:
    limits = Limits(per_line=settings.LLM_CANDIDATES_PER_LINE, most=settings.LLM_CANDIDATES)
    return CatalogGrounding(limits, EmbeddedEngine() if settings.LLM_CANDIDATES_KNOWLEDGE else None, lookup)
