"""The makings that a command or a job may ask for: what is written about, by which writer, labelled how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from catalog.choices import CodeSystem
from catalog.embedding.embedders import embedder
from catalog.models import Release
from catalog.queries import latest_release
from modelops.choices import SynthesisKind, SynthesisWriter
from modelops.engines.llm.candidates import CatalogGrounding
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.make import server_pool, vllm_engine
from modelops.synthesis.drawing import Drawing, Wanted
from modelops.synthesis.embedded_writer import EmbeddedWriter
from modelops.synthesis.labelling import EngineLabelling, TrustedLabelling
from modelops.synthesis.llm_writer import LlmWriter
from modelops.synthesis.making import days_of, make, trusting
from modelops.synthesis.phi_gate import PhiGate
from modelops.synthesis.procedures import NearestChooser, ProcedureNotes, Titles
from modelops.synthesis.types import SyntheticDraft
from modelops.synthesis.vocabulary import Vocabulary

# What an engine needs to look twice at what it found besides the order.
_GROUNDING = "candidates+verify"


@dataclass(frozen=True, slots=True)
class Asked:
    """`retrieve`: compare what the embedded writer wrote with what the catalog finds for it (slow). `base_urls` and
    `model`: in place of the settings of the LLM engine. `specialty`: of procedure notes."""

    kind: str = SynthesisKind.ICD10CM
    writer: str = SynthesisWriter.EMBEDDED
    seed: int = 1
    count: int = 100
    first: int = 0
    retrieve: bool = False
    base_urls: tuple[str, ...] = ()
    model: str = ""
    specialty: str = ""


def diagnosis_drafts(
    asked: Asked, release: Release, vocabulary: Vocabulary, wanted: Wanted
) -> Iterator[SyntheticDraft]:
    """Raises drawing.NothingFits, and for a language model BadLlmConfig, ServerUnavailable, OSError (its key)."""
    drawing = Drawing(vocabulary, wanted, days_of(release.valid_from, release.valid_to))
    titles = [term.title for term in vocabulary.terms.values()]
    if asked.writer == SynthesisWriter.EMBEDDED:
        label = TrustedLabelling(CatalogGrounding(), release.pk) if asked.retrieve else trusting
        return make(
            drawing,
            EmbeddedWriter(vocabulary),
            seed=asked.seed,
            count=asked.count,
            first=asked.first,
            label=label,
            gate=PhiGate(titles, doubts=False),
        )
    said = {"base_urls": asked.base_urls or None, "model": asked.model or None}
    overrides: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    server = server_pool(LlmConfig.from_settings(**overrides))
    engine = vllm_engine(**{**overrides, "grounding": _GROUNDING})
    return make(
        drawing,
        LlmWriter(server, vocabulary),
        seed=asked.seed,
        count=asked.count,
        first=asked.first,
        label=EngineLabelling(engine, release.pk, vocabulary),
        gate=PhiGate(titles),
    )


def procedure_drafts(asked: Asked) -> Iterator[SyntheticDraft]:
    """Of the newest loaded CPT. Raises NoRelease where none is loaded."""
    release = latest_release(CodeSystem.CPT)
    notes = ProcedureNotes(
        release,
        Titles(release, embedder()),
        NearestChooser(),
        days_of(release.valid_from, release.valid_to),
        asked.specialty,
    )
    return notes.make(asked.seed, asked.count, asked.first)
