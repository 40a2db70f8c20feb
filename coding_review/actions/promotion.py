"""Which model answers: promote a version, go back to the one before, send it a share of the charts, ask it in shadow.

Nobody brings in a version that they trained themselves, unless it comes back after somebody else
promoted it. Whoever promotes was shown the comparison behind the gate:
the numbers of its runs come with the act and must be those that hold now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.auth import require
from coding_review.errors import (
    FilesChanged,
    FilesNotCompared,
    GateFailed,
    InvalidDecision,
    NotAllowed,
    StalePage,
    WrongStatus,
)
from coding_review.promotion import Gate, gate_of
from coding_review.rules.permissions import OVERRIDE_GATE, PROMOTE_MODEL
from coding_review.rules.promotion_gate import Verdict
from modelops import errors as modelops_errors
from modelops.checkpoint_files import check_at_once
from modelops.choices import PromotionKind
from modelops.errors import EngineError
from modelops.models import ModelVersion, Promotion

Pairs = Sequence[tuple[int, int]]
_REASON = 1000


@transaction.atomic
def promote(
    actor: Any,
    version_id: int,
    *,
    serving_id: int | None,
    compared: Pairs,
    reason: str,
    override: bool = False,
    against: str = "",
) -> Promotion:
    """The version serves from now on; a canary of the engine ends, since it was held against another model.

    `serving_id`: what served when the page was made; `compared`: the runs that it showed; `against`: the engine
    without a version that it was held against while none served. Raises NotAllowed (no
    right, or trained by the actor), InvalidDecision (no reason), WrongStatus (it serves already), StalePage (another
    version serves, or other runs are the newest), GateFailed, FilesChanged, FilesNotCompared.
    """
    version, serving, reason = _begin(actor, version_id, reason)
    _not_own(actor, version)
    if version.active:
        raise WrongStatus("This version serves already.", status=version.state.value)
    _same_serving(serving, serving_id)
    gate = _passed(actor, version, compared, override=override, against=against)
    _same_files(version)
    _serve(version, serving, version.engine)
    return _told(
        actor,
        PromotionKind.PROMOTE,
        version.engine,
        version=version,
        replaced=serving,
        gate=gate,
        reason=reason,
    )


@transaction.atomic
def rollback(actor: Any, engine: str, *, serving_id: int | None, reason: str) -> Promotion:
    """The version before serves again, or the engine without one. No gate: it served already.

    An act for an emergency: whoever may promote may do it, also who trained the version that comes back, since
    somebody else promoted that one before. One that nobody ever promoted comes back by another hand only.

    Raises NotAllowed, InvalidDecision, WrongStatus (nothing to go back to), StalePage (another version serves),
    FilesChanged, FilesNotCompared.
    """
    require(actor, PROMOTE_MODEL)
    reason = _reason(reason)
    versions = _locked(engine)
    serving = next((version for version in versions.values() if version.active), None)
    before = Promotion.objects.versions_before(engine)
    if not before:
        raise WrongStatus("No version was promoted that could be taken back.", status="")
    _same_serving(serving, serving_id)
    back = versions[before[-1]] if before[-1] is not None else None
    if back is not None and not Promotion.objects.was_promoted(back):
        _not_own(actor, back)
    if back is not None:
        _same_files(back)
    _serve(back, serving, engine)
    return _told(actor, PromotionKind.ROLLBACK, engine, version=back, replaced=serving, reason=reason)


@transaction.atomic
def set_canary(
    actor: Any,
    version_id: int,
    *,
    share: float,
    compared: Pairs = (),
    reason: str,
    override: bool = False,
    against: str = "",
) -> Promotion:
    """That share of the charts goes to the version; 0 ends it, which needs neither gate nor another person.

    Raises as `promote`, and InvalidDecision for a share that is none; another canary of the engine ends when this one
    begins.
    """
    version, serving, reason = _begin(actor, version_id, reason)
    if not 0 <= share <= 1:
        raise InvalidDecision("A share lies between 0 and 1.", field="share")
    gate = None
    if share:
        _not_own(actor, version)
        if version.active:
            raise WrongStatus("This version serves already.", status=version.state.value)
        gate = _passed(actor, version, compared, override=override, against=against)
        _same_files(version)
    if share:
        ModelVersion.objects.filter(engine=version.engine, canary_share__gt=0).update(canary_share=0)
    ModelVersion.objects.filter(pk=version.pk).update(canary_share=share)
    return _told(
        actor,
        PromotionKind.CANARY,
        version.engine,
        version=version,
        replaced=serving,
        gate=gate,
        reason=reason,
        share=share,
    )


@transaction.atomic
def set_shadow(actor: Any, version_id: int, *, on: bool, reason: str) -> Promotion:
    """Whether the version is asked beside what serves, without being shown. No gate, since nobody sees it.

    Raises NotAllowed, InvalidDecision, WrongStatus (it serves), FilesChanged, FilesNotCompared.
    """
    version, serving, reason = _begin(actor, version_id, reason)
    if on:
        _not_own(actor, version)
        if version.active:
            raise WrongStatus("This version serves already.", status=version.state.value)
        _same_files(version)
        ModelVersion.objects.filter(engine=version.engine, shadow=True).update(shadow=False)
    ModelVersion.objects.filter(pk=version.pk).update(shadow=on)
    return _told(
        actor,
        PromotionKind.SHADOW,
        version.engine,
        version=version,
        replaced=serving,
        reason=reason,
        share=float(on),
    )


def trained_by(user: Any, version: ModelVersion) -> bool:
    """Whether the user trained it: said so, or asked for its job."""
    trainers = {version.trained_by_id, version.job.created_by_id if version.job else None}
    return user.pk in trainers


def _begin(actor: Any, version_id: int, reason: str) -> tuple[ModelVersion, ModelVersion | None, str]:
    require(actor, PROMOTE_MODEL)
    reason = _reason(reason)
    found = ModelVersion.objects.filter(pk=version_id).first()
    if found is None:
        raise NotAllowed("There is no such model version for you.")
    versions = _locked(found.engine)
    return versions[version_id], next((one for one in versions.values() if one.active), None), reason


def _locked(engine: str) -> dict[int, ModelVersion]:
    """All versions of the engine, in one order: two acts on one engine follow each other."""
    rows = ModelVersion.objects.select_for_update(of=("self",), no_key=True).select_related("job")
    return {row.pk: row for row in rows.filter(engine=engine).order_by("pk")}


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > _REASON:
        raise InvalidDecision(f"Say why, in at most {_REASON:,} characters.", field="reason")
    return reason


def _not_own(actor: Any, version: ModelVersion) -> None:
    if trained_by(actor, version):
        raise NotAllowed("Somebody other than the one who trained a version brings it in.")


def _same_files(version: ModelVersion) -> None:
    """The last check, since it may read all of them: an adapter's are compared again when it is loaded, but a
    checkpoint of its own is loaded by its server alone, which asks nobody."""
    try:
        check_at_once(version)
    except modelops_errors.FilesNotCompared as error:
        raise FilesNotCompared(
            "The files are large and are being compared with their hashes by a worker. The version's page says when "
            "that is done; then do this again.",
            version_id=version.pk,
        ) from error
    except EngineError as error:
        raise FilesChanged(
            "The files of the model version are not those that its training left and its evaluations measured. "
            "Bring them back, or train it again.",
            version_id=version.pk,
        ) from error


def _same_serving(serving: ModelVersion | None, serving_id: int | None) -> None:
    now = serving.pk if serving else None
    if now != serving_id:
        raise StalePage("Another version serves meanwhile.", before=serving_id, now=now)


def _passed(actor: Any, version: ModelVersion, compared: Pairs, *, override: bool, against: str) -> Gate:
    """Raises InvalidDecision for a baseline that is no engine, StalePage where the runs are not those that were shown,
    GateFailed, and NotAllowed where the override is not the actor's to give."""
    if against and against not in settings.ENGINES:
        raise InvalidDecision("There is no such engine to compare with.", field="against")
    gate = gate_of(version, against)
    if sorted(gate.pairs) != sorted((int(a), int(b)) for a, b in compared):
        raise StalePage(
            "There are other evaluations than you were shown.",
            before=[list(pair) for pair in compared],
            now=[list(pair) for pair in gate.pairs],
        )
    if gate.passes:
        return gate
    if not override:
        raise GateFailed(
            "The version does not pass the promotion gate.", rows=[row.as_json() for row in gate.rows]
        )
    require(actor, OVERRIDE_GATE)
    return gate


def _serve(version: ModelVersion | None, instead_of: ModelVersion | None, engine: str) -> None:
    now = timezone.now()
    if instead_of is not None:
        ModelVersion.objects.filter(pk=instead_of.pk).update(active=False, retired_at=now)
    ModelVersion.objects.filter(engine=engine, canary_share__gt=0).update(canary_share=0)
    if version is not None:
        ModelVersion.objects.filter(pk=version.pk).update(active=True, shadow=False, retired_at=None)


_EVENTS: dict[PromotionKind, str] = {
    PromotionKind.PROMOTE: "model.promoted",
    PromotionKind.ROLLBACK: "model.rolled_back",
    PromotionKind.CANARY: "model.canary_set",
    PromotionKind.SHADOW: "model.shadow_set",
}


def _told(
    actor: Any,
    kind: PromotionKind,
    engine: str,
    *,
    version: ModelVersion | None,
    replaced: ModelVersion | None,
    reason: str,
    gate: Gate | None = None,
    share: float | None = None,
) -> Promotion:
    rows = gate.rows if gate else ()
    row = Promotion.objects.create(
        engine=engine,
        kind=kind,
        model_version=version,
        replaced=replaced,
        by=actor,
        comparison_runs=[list(pair) for pair in gate.pairs] if gate else [],
        gate=[row.as_json() for row in rows],
        overridden=gate is not None and not gate.passes,
        reason=reason,
        share=share,
    )
    audit.record(
        _EVENTS[kind],
        actor=actor,
        data={
            "promotion_id": row.pk,
            "engine": engine,
            "model_version_id": version.pk if version else None,
            "replaced_id": replaced.pk if replaced else None,
            "comparison_runs": row.comparison_runs,
            "not_passed": [one.id for one in rows if one.verdict != Verdict.PASS],
            "overridden": row.overridden,
            "share": share,
            "trained_by_actor": version is not None and trained_by(actor, version),
        },
        payload={"comment": reason},
    )
    return row
