"""Ask for synthetic charts, and take that back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from catalog.choices import CodeSystem
from catalog.errors import NoRelease
from catalog.queries import latest_release
from coding_review import audit
from coding_review.actions.asked_twice import still_open
from coding_review.actions.work_steps import cancel
from coding_review.auth import require
from coding_review.errors import InvalidDecision, NotAllowed
from coding_review.rules.names import fault_of_name
from coding_review.rules.permissions import WRITE_CHARTS
from coding_review.tasks import write_charts
from modelops.choices import WORK_OPEN, SynthesisKind, SynthesisWriter, WorkStatus
from modelops.models import SynthesisRun
from modelops.synthesis.domains import DOMAINS
from modelops.synthesis.procedures import specialties
from modelops.synthesis.release_vocabulary import vocabulary_of
from modelops.synthesis.sources import Asked, UnknownCodes, as_settings, limited
from modelops.synthesis.tables import styles

# More is asked of the server's operator: manage.py synthesize --store.
NAME = 80
MOST_CHARTS = {SynthesisWriter.EMBEDDED: 20_000, SynthesisWriter.LLM: 500}
MOST_CODES = 2_000
MOST_SEED = 2**53
NO_SERVER = (
    "There is no language model's server: LLM_BASE_URLS names none. The embedded writer needs no server."
)


@transaction.atomic
def queue_synthesis(actor: Any, name: str, asked: Asked) -> SynthesisRun:
    """Of diagnoses in the newest loaded release, of procedures in the newest CPT. A server's address comes from the
    settings alone. Asked twice while it is open, it is one run.

    Raises NotAllowed, InvalidDecision (data: field).
    """
    require(actor, WRITE_CHARTS)
    _checked(name, asked)
    wanted = {
        "name": name,
        "kind": asked.kind,
        "writer": asked.writer,
        "seed": asked.seed,
        "settings": as_settings(asked, _edition(asked)),
    }
    before = still_open(SynthesisRun, actor, WORK_OPEN, **wanted)
    if before is not None:
        return before
    run = SynthesisRun.objects.create(**wanted, status=WorkStatus.QUEUED, created_by=actor)
    audit.record(
        "synthesis.asked",
        actor=actor,
        data={
            "run_id": run.pk,
            "kind": str(asked.kind),
            "writer": str(asked.writer),
            "seed": asked.seed,
            "count": asked.count,
            "domain": asked.domain,
            "style": asked.style,
        },
    )
    write_charts.delay_on_commit(run.pk)
    return run


def cancel_synthesis(actor: Any, run_id: int) -> SynthesisRun:
    """Charts that were written stay, with the run as cancelled. Raises NotAllowed, WrongStatus."""
    require(actor, WRITE_CHARTS)
    run = cancel(actor, SynthesisRun, run_id)
    if run is None:
        raise NotAllowed("There is no such run for you.")
    return run


def _checked(name: str, asked: Asked) -> None:
    if wrong := fault_of_name(name, NAME):
        raise InvalidDecision(wrong, field="name")
    if asked.kind not in SynthesisKind.values:
        raise InvalidDecision("Choose what the charts are about.", field="kind")
    if asked.writer not in SynthesisWriter.values:
        raise InvalidDecision("Choose a writer.", field="writer")
    if asked.kind == SynthesisKind.PROCEDURES and asked.writer == SynthesisWriter.LLM:
        raise InvalidDecision("Procedure notes are written by the embedded writer.", field="writer")
    if asked.writer == SynthesisWriter.LLM and not settings.LLM_BASE_URLS:
        raise InvalidDecision(NO_SERVER, field="writer")
    most = MOST_CHARTS[SynthesisWriter(asked.writer)]
    if not 1 <= asked.count <= most:
        raise InvalidDecision(f"From 1 to {most:,} charts with this writer.", field="count")
    if not 0 <= asked.seed < MOST_SEED:
        raise InvalidDecision("A seed is a whole number from 0.", field="seed")
    if asked.domain and asked.domain not in DOMAINS:
        raise InvalidDecision("There is no such domain.", field="domain")
    if asked.style and asked.style not in styles():
        raise InvalidDecision("There is no such style.", field="style")
    if asked.specialty and asked.specialty not in specialties():
        raise InvalidDecision("There is no such specialty.", field="specialty")
    if len(asked.codes) > MOST_CODES:
        raise InvalidDecision(f"At most {MOST_CODES:,} codes are named.", field="codes")


def _edition(asked: Asked) -> str:
    """Of the release; its codes are looked at, so that a wrong one is told before anything waits."""
    if asked.kind == SynthesisKind.PROCEDURES:
        try:
            return latest_release(CodeSystem.CPT).edition
        except NoRelease as error:
            raise InvalidDecision(
                "No CPT is loaded: procedure notes need its titles.", field="kind"
            ) from error
    try:
        release = latest_release(CodeSystem.ICD10CM)
    except NoRelease as error:
        raise InvalidDecision("No ICD-10-CM release is loaded.", field="kind") from error
    if asked.codes:
        try:
            limited(vocabulary_of(release), asked.codes)
        except UnknownCodes as error:
            raise InvalidDecision(str(error), field="codes") from error
    return release.edition
