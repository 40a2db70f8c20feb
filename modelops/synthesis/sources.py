"""The makings that a command or a job may ask for: what is written about, by which writer, labelled how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.choices import CodeSystem
from catalog.embedding.embedders import embedder
from catalog.models import Release
from catalog.queries import latest_release
from modelops.choices import SynthesisKind, SynthesisWriter
from modelops.engines.llm.candidates import CatalogGrounding
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.make import server_pool, vllm_engine
from modelops.errors import ModelopsError, ServerUnavailable
from modelops.models import SynthesisRun
from modelops.synthesis.domains import domain_codes
from modelops.synthesis.drawing import Drawing, Wanted
from modelops.synthesis.embedded_writer import EmbeddedWriter
from modelops.synthesis.labelling import EngineLabelling, TrustedLabelling
from modelops.synthesis.llm_writer import Describer, LlmWriter, descriptions_of
from modelops.synthesis.making import days_of, make, trusting
from modelops.synthesis.phi_gate import PhiGate
from modelops.synthesis.procedures import NearestChooser, ProcedureNotes, Titles
from modelops.synthesis.release_vocabulary import vocabulary_of
from modelops.synthesis.types import SyntheticDraft
from modelops.synthesis.vocabulary import Vocabulary

# What an engine needs to look twice at what it found besides the order.
_GROUNDING = "candidates+verify"
# A number of so many digits counts no codes.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """`codes`: these alone; a single number: so many common ones; empty: all that can be written about. `companions`:
    least and most beside the seed; None: the product's own. `retrieve`: compare what the embedded writer wrote with
    what the catalog finds for it (slow). `base_urls` and `model`: in place of the settings of the LLM engine.
    `specialty`: of procedure notes. `documents`: real ones of the site, whose structure and style the language model
    describes first; nothing else of them is used or kept."""

    kind: str = SynthesisKind.ICD10CM
    writer: str = SynthesisWriter.EMBEDDED
    seed: int = 1
    count: int = 100
    first: int = 0
    domain: str = ""
    style: str = ""
    codes: tuple[str, ...] = ()
    companions: tuple[int, int] | None = None
    retrieve: bool = False
    base_urls: tuple[str, ...] = ()
    model: str = ""
    specialty: str = ""
    documents: tuple[str, ...] = field(default=(), repr=False)


def as_settings(asked: Asked, edition: str) -> dict[str, Any]:
    """As a run keeps it; `edition`: of the release."""
    return {
        "count": asked.count,
        "domain": asked.domain,
        "style": asked.style,
        "codes": " ".join(asked.codes),
        "companions": "{}-{}".format(*asked.companions) if asked.companions else "",
        "specialty": asked.specialty,
        "retrieve": asked.retrieve,
        "release": edition,
    }


def asked_of(run: SynthesisRun) -> Asked:
    """What as_settings kept."""
    told = run.settings
    least, _, most = str(told["companions"]).partition("-")
    return Asked(
        kind=run.kind,
        writer=run.writer,
        seed=run.seed,
        count=told["count"],
        domain=told["domain"],
        style=told["style"],
        codes=tuple(told["codes"].split()),
        companions=(int(least), int(most)) if most else None,
        retrieve=told["retrieve"],
        specialty=told["specialty"],
    )


class UnknownCodes(ModelopsError):
    """Codes that no chart is written about."""

    code = "unknown_codes"


def drafts_of(asked: Asked, release: Release) -> Iterator[SyntheticDraft]:
    """`release`: of the diagnoses. The vocabulary is read and a server's address looked up at once, notes are written
    as they are taken.

    Raises UnknownCodes, NoRelease (no CPT), BadLlmConfig, ServerUnavailable (no address is set), NoKey; while taken
    drawing.NothingFits.
    """
    if asked.kind == SynthesisKind.PROCEDURES:
        return procedure_drafts(asked)
    vocabulary = limited(vocabulary_of(release), asked.codes)
    wanted = Wanted(
        domain=asked.domain,
        domain_codes=domain_codes(asked.domain, vocabulary),
        style=asked.style,
        companions=asked.companions or Wanted().companions,
    )
    return diagnosis_drafts(asked, release, vocabulary, wanted)


def limited(vocabulary: Vocabulary, codes: Sequence[str]) -> Vocabulary:
    """Raises UnknownCodes."""
    if not codes:
        return vocabulary
    if len(codes) == 1 and codes[0].isdecimal():
        return _common(vocabulary, codes[0])
    unknown = [code for code in codes if code not in vocabulary.terms]
    if unknown:
        raise UnknownCodes(f"Charts are not written about {', '.join(unknown[:5])}.")
    return vocabulary.only(codes)


def _common(vocabulary: Vocabulary, number: str) -> Vocabulary:
    """Raises UnknownCodes."""
    if len(number) >= _DIGITS or int(number) == 0:
        raise UnknownCodes("How many common codes? A number from 1 to 99,999.")
    return vocabulary.only(vocabulary.common(int(number)))


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
    if not server.healthy():
        raise ServerUnavailable("No server of the language model answers (LLM_BASE_URLS).")
    engine = vllm_engine(**{**overrides, "grounding": _GROUNDING})
    gate = PhiGate(titles)
    described = descriptions_of(Describer(server, gate), asked.documents) if asked.documents else ()
    return make(
        drawing,
        LlmWriter(server, vocabulary, descriptions=described),
        seed=asked.seed,
        count=asked.count,
        first=asked.first,
        label=EngineLabelling(engine, release.pk, vocabulary, CatalogGrounding()),
        gate=gate,
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
