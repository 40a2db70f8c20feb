"""Promotion, rollback, canary and shadow: who may, against which comparison, and what is kept of it."""

from __future__ import annotations

import pytest

from coding_review.actions.promotion import promote, rollback, set_canary, set_shadow
from coding_review.errors import GateFailed, InvalidDecision, NotAllowed, StalePage, WrongStatus
from coding_review.models import AuditEvent, EvaluationJob
from coding_review.promotion import gate_of
from modelops.models import ModelVersion, Promotion
from tests.coding_review.promotion_rows import candidate, gold, gold_set, promoted, run_of, serving, version

__all__ = ["candidate", "gold", "serving"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(settings, tmp_path):
    settings.EVALUATION_DIR = tmp_path / "kept"


def state() -> dict[str, tuple[str, float, bool]]:
    return {
        row.version: (row.state.value, row.canary_share, row.shadow) for row in ModelVersion.objects.all()
    }


def nothing_changed() -> None:
    assert state() == {"1": ("serving", 0, False), "2": ("candidate", 0, False)}
    assert Promotion.objects.count() == 0
    assert not AuditEvent.objects.filter(type__startswith="model.").exists()


def verdicts(of: ModelVersion) -> dict[str, str]:
    return {row.id: row.verdict.value for row in gate_of(of).rows}


# --- The gate over stored runs --------------------------------------------------------------------


def test_two_equal_models_pass_with_their_figures(candidate, serving):
    gate = gate_of(candidate)
    mine, theirs = candidate.evaluation_runs.get(), serving.evaluation_runs.get()
    assert gate.pairs == [(mine.pk, theirs.pk)]
    assert [(row.id, row.verdict.value, row.figure) for row in gate.rows] == [
        ("exact_f1", "pass", 0.0),
        ("domain_loss", "pass", 0.0),
        ("unsupported", "pass", 0.0),
        ("knowledge_loss", "pass", 0.0),
    ]
    assert gate.passes is True


def test_a_worse_model_fails_where_it_is_worse(candidate, gold, tmp_path):
    run_of(tmp_path, candidate, gold, right=5, unsupported=4, domain_f1=0.4)
    rows = {row.id: row for row in gate_of(candidate).rows}
    assert verdicts(candidate) == {
        "exact_f1": "fail",
        "domain_loss": "fail",
        "unsupported": "fail",
        "knowledge_loss": "pass",
    }
    assert (rows["unsupported"].figure, rows["domain_loss"].figure) == (0.4, 0.2)


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [
        ("single_read_reference", "evaluation"),
        ("approved_labels", "evaluation"),
        ("gold", "calibration"),
        ("gold", "train"),
    ],
)
def test_sets_that_were_not_adjudicated_for_evaluation_do_not_count(kind, purpose, tmp_path):
    gold, serves, mine = gold_set(kind=kind, purpose=purpose), version("1", active=True), version("2")
    for of in (serves, mine):
        run_of(tmp_path, of, gold)
    assert verdicts(mine)["exact_f1"] == "no_data"
    assert gate_of(mine).pairs == []


def test_a_set_that_the_candidate_was_not_scored_against_cannot_be_left_out(candidate, serving, tmp_path):
    run_of(tmp_path, serving, gold_set("Other"))
    (first, *_) = gate_of(candidate).rows
    assert (first.verdict.value, first.where) == ("no_data", "not compared: Other v1")


def test_only_the_newest_version_of_a_set_and_whole_runs_count(candidate, serving, gold, tmp_path):
    run_of(tmp_path, candidate, gold, right=0, bands="high")
    assert verdicts(candidate)["exact_f1"] == "pass"
    newer = gold_set(number=2)
    run_of(tmp_path, serving, newer)
    assert verdicts(candidate)["exact_f1"] == "no_data"


def test_the_first_version_is_held_against_the_engine_without_one(tmp_path):
    gold, mine = gold_set(), version("1")
    run_of(tmp_path, mine, gold)
    assert verdicts(mine)["exact_f1"] == "no_data"
    run_of(tmp_path, None, gold)
    assert verdicts(mine)["exact_f1"] == "pass"
    run_of(tmp_path, None, gold, engine="embedded", right=0)
    assert verdicts(mine)["exact_f1"] == "pass"


def test_the_settings_limits_go_before_the_tables(candidate, settings):
    settings.PROMOTION_GATE = {"exact_f1": 0.5}
    assert verdicts(candidate)["exact_f1"] == "fail"


# --- Promote --------------------------------------------------------------------------------------


def test_another_than_the_trainer_promotes_what_passes(admin, candidate, serving):
    pairs = gate_of(candidate).pairs
    row = promoted(admin, candidate, serving)
    assert state() == {"1": ("retired", 0, False), "2": ("serving", 0, False)}
    assert (row.kind, row.engine, row.model_version, row.replaced, row.by) == (
        "promote",
        "vllm",
        candidate,
        serving,
        admin,
    )
    assert (row.comparison_runs, row.overridden, row.reason) == (
        [list(pair) for pair in pairs],
        False,
        "As good, cheaper.",
    )
    assert [one["verdict"] for one in row.gate] == ["pass"] * 4
    event = AuditEvent.objects.get(type="model.promoted")
    assert event.actor == admin
    assert event.data == {
        "promotion_id": row.pk,
        "engine": "vllm",
        "model_version_id": candidate.pk,
        "replaced_id": serving.pk,
        "comparison_runs": [list(pair) for pair in pairs],
        "not_passed": [],
        "overridden": False,
        "share": None,
        "trained_by_actor": False,
    }
    assert event.payload.body == {"comment": "As good, cheaper."}


@pytest.mark.parametrize("who", ["coder", "expert", "auditor", "adjudicator", "privacy_officer"])
def test_without_the_right_nothing_is_promoted(request, who, candidate, serving):
    with pytest.raises(NotAllowed):
        promoted(request.getfixturevalue(who), candidate, serving)
    nothing_changed()


def test_nobody_brings_in_what_they_trained(lead, candidate, serving):
    acts = (
        lambda: promoted(lead, candidate, serving),
        lambda: set_canary(lead, candidate.pk, share=0.1, compared=gate_of(candidate).pairs, reason="A try."),
        lambda: set_shadow(lead, candidate.pk, on=True, reason="A try."),
    )
    for act in acts:
        with pytest.raises(NotAllowed, match="other than the one who trained"):
            act()
    nothing_changed()


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001])
def test_a_reason_is_needed(admin, candidate, serving, reason):
    with pytest.raises(InvalidDecision) as caught:
        promoted(admin, candidate, serving, reason=reason)
    assert caught.value.data == {"field": "reason"}
    nothing_changed()


def test_a_comparison_that_was_not_shown_is_refused(admin, candidate, serving, gold, tmp_path):
    shown = gate_of(candidate).pairs
    with pytest.raises(StalePage):
        promoted(admin, candidate, serving, compared=[])
    newer = run_of(tmp_path, candidate, gold, right=15)
    with pytest.raises(StalePage) as caught:
        promoted(admin, candidate, serving, compared=shown)
    assert caught.value.data["now"] == [[newer.pk, shown[0][1]]]
    nothing_changed()


def test_what_serves_must_be_what_the_page_showed(admin, candidate, serving):
    for other in (None, candidate.pk):
        with pytest.raises(StalePage):
            promoted(admin, candidate, serving, serving_id=other)
    nothing_changed()


def test_what_fails_the_gate_needs_an_override_and_the_right_to_it(
    admin, lead, candidate, serving, gold, tmp_path
):
    ModelVersion.objects.filter(pk=candidate.pk).update(trained_by=None)
    run_of(tmp_path, candidate, gold, right=5)
    with pytest.raises(GateFailed) as caught:
        promoted(admin, candidate, serving)
    assert [row["verdict"] for row in caught.value.data["rows"]] == ["fail", "pass", "pass", "pass"]
    with pytest.raises(NotAllowed):
        promoted(lead, candidate, serving, override=True)
    nothing_changed()
    row = promoted(admin, candidate, serving, override=True, reason="The set is known to be wrong.")
    assert (row.overridden, row.gate[0]["verdict"]) == (True, "fail")
    event = AuditEvent.objects.get(type="model.promoted")
    assert (event.data["overridden"], event.data["not_passed"]) == (True, ["exact_f1"])


def test_an_override_that_was_not_needed_is_none(admin, candidate, serving):
    assert promoted(admin, candidate, serving, override=True).overridden is False


def test_without_data_the_gate_does_not_pass(admin, serving):
    fresh = version("2")
    with pytest.raises(GateFailed):
        promote(admin, fresh.pk, serving_id=serving.pk, compared=[], reason="New.")
    nothing_changed()


def test_what_serves_already_is_not_promoted_again(admin, candidate, serving):
    with pytest.raises(WrongStatus):
        promote(admin, serving.pk, serving_id=serving.pk, compared=[], reason="Again.")
    nothing_changed()


def test_a_row_of_a_promotion_never_changes(admin, candidate, serving):
    row = promoted(admin, candidate, serving)
    with pytest.raises(Exception, match="Cannot update or delete rows"):
        Promotion.objects.filter(pk=row.pk).update(reason="Another.")


# --- Rollback -------------------------------------------------------------------------------------


def test_one_act_brings_the_version_before_back(admin, candidate, serving):
    promoted(admin, candidate, serving)
    row = rollback(admin, "vllm", serving_id=candidate.pk, reason="More rejections.")
    assert state() == {"1": ("serving", 0, False), "2": ("retired", 0, False)}
    assert (row.kind, row.model_version, row.replaced, row.gate) == ("rollback", serving, candidate, [])
    event = AuditEvent.objects.get(type="model.rolled_back")
    assert (event.data["model_version_id"], event.data["replaced_id"]) == (serving.pk, candidate.pk)


def test_each_rollback_goes_one_further_back_to_the_engine_without_a_version(admin, tmp_path):
    gold, versions = gold_set(), [version("1"), version("2")]
    run_of(tmp_path, None, gold)
    for one in versions:
        run_of(tmp_path, one, gold)
    promote(admin, versions[0].pk, serving_id=None, compared=gate_of(versions[0]).pairs, reason="First.")
    promoted(admin, versions[1], versions[0])
    assert Promotion.objects.versions_before("vllm") == [None, versions[0].pk]
    rollback(admin, "vllm", serving_id=versions[1].pk, reason="Back.")
    row = rollback(admin, "vllm", serving_id=versions[0].pk, reason="Further.")
    assert (row.model_version, row.replaced) == (None, versions[0])
    assert {name: found[0] for name, found in state().items()} == {"1": "retired", "2": "retired"}
    with pytest.raises(WrongStatus):
        rollback(admin, "vllm", serving_id=None, reason="Even further.")
    assert Promotion.objects.count() == 4


def test_a_rollback_that_another_did_already_is_refused(admin, candidate, serving):
    promoted(admin, candidate, serving)
    rollback(admin, "vllm", serving_id=candidate.pk, reason="Back.")
    promoted(admin, candidate, serving)
    with pytest.raises(StalePage):
        rollback(admin, "vllm", serving_id=serving.pk, reason="Back.")
    assert state()["2"][0] == "serving"


def test_in_an_emergency_the_trainer_brings_a_promoted_version_back_and_it_is_told(admin, lead, tmp_path):
    gold, versions = gold_set(), [version("1", by=lead), version("2")]
    for one in (None, *versions):
        run_of(tmp_path, one, gold)
    promote(admin, versions[0].pk, serving_id=None, compared=gate_of(versions[0]).pairs, reason="First.")
    promoted(admin, versions[1], versions[0])
    row = rollback(lead, "vllm", serving_id=versions[1].pk, reason="It answers nonsense.")
    assert (row.by, row.model_version) == (lead, versions[0])
    assert state()["1"][0] == "serving"
    told = [event.data["trained_by_actor"] for event in AuditEvent.objects.filter(type__startswith="model.")]
    assert sorted(told) == [False, False, True]


def test_the_trainer_does_not_bring_back_what_nobody_promoted(admin, lead, candidate, serving):
    promoted(admin, candidate, serving)
    ModelVersion.objects.filter(pk=serving.pk).update(trained_by=lead)
    with pytest.raises(NotAllowed):
        rollback(lead, "vllm", serving_id=candidate.pk, reason="Mine is better.")
    assert state()["2"][0] == "serving"


@pytest.mark.parametrize("who", ["coder", "expert", "auditor"])
def test_without_the_right_nothing_is_taken_back(request, who, admin, candidate, serving):
    promoted(admin, candidate, serving)
    with pytest.raises(NotAllowed):
        rollback(request.getfixturevalue(who), "vllm", serving_id=candidate.pk, reason="Back.")
    assert state()["2"][0] == "serving"


# --- Canary and shadow ----------------------------------------------------------------------------


def canary(actor, of, share, **more):
    return set_canary(
        actor, of.pk, share=share, **{"compared": gate_of(of).pairs, "reason": "A try.", **more}
    )


def test_a_share_goes_to_the_canary_and_ends_with_a_promotion(admin, candidate, serving):
    row = canary(admin, candidate, 0.1)
    assert state() == {"1": ("serving", 0, False), "2": ("candidate", 0.1, False)}
    assert (row.kind, row.share, [one["verdict"] for one in row.gate]) == ("canary", 0.1, ["pass"] * 4)
    assert AuditEvent.objects.get(type="model.canary_set").data["share"] == 0.1
    promoted(admin, candidate, serving)
    assert state() == {"1": ("retired", 0, False), "2": ("serving", 0, False)}


def test_one_canary_an_engine(admin, candidate, serving, gold, tmp_path):
    third = version("3")
    run_of(tmp_path, third, gold, right=15)
    canary(admin, candidate, 0.1)
    canary(admin, third, 0.2)
    assert {name: found[1] for name, found in state().items()} == {"1": 0, "2": 0, "3": 0.2}


def test_ending_what_is_no_canary_leaves_the_canary_alone(admin, lead, candidate, serving, gold, tmp_path):
    """As a page does that was opened before another version became the canary."""
    canary(admin, candidate, 0.1)
    third = version("3")
    canary(lead, third, 0, compared=[])
    assert dict(ModelVersion.objects.values_list("version", "canary_share")) == {"1": 0, "2": 0.1, "3": 0}


def test_a_canary_needs_the_gate_and_its_end_does_not(admin, lead, candidate, serving, gold, tmp_path):
    canary(admin, candidate, 0.1)
    run_of(tmp_path, candidate, gold, right=5)
    with pytest.raises(GateFailed):
        canary(admin, candidate, 0.5)
    assert state()["2"][1] == 0.1
    # The trainer may end it too.
    canary(lead, candidate, 0, compared=[])
    assert state()["2"][1] == 0


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_lies_between_none_and_all(admin, candidate, share):
    with pytest.raises(InvalidDecision) as caught:
        canary(admin, candidate, share)
    assert caught.value.data == {"field": "share"}
    nothing_changed()


def test_a_shadow_needs_no_gate_and_is_one_an_engine(admin, serving):
    first, second = version("2"), version("3")
    set_shadow(admin, first.pk, on=True, reason="To see.")
    row = set_shadow(admin, second.pk, on=True, reason="To see.")
    assert {name: found[2] for name, found in state().items()} == {"1": False, "2": False, "3": True}
    assert (row.kind, row.share) == ("shadow", 1.0)
    set_shadow(admin, second.pk, on=False, reason="Seen.")
    assert not ModelVersion.objects.filter(shadow=True).exists()
    assert AuditEvent.objects.filter(type="model.shadow_set").count() == 3


@pytest.mark.parametrize("who", ["coder", "expert", "auditor"])
def test_without_the_right_there_is_neither_canary_nor_shadow(request, who, candidate):
    actor = request.getfixturevalue(who)
    with pytest.raises(NotAllowed):
        canary(actor, candidate, 0.1)
    with pytest.raises(NotAllowed):
        set_shadow(actor, candidate.pk, on=True, reason="To see.")
    nothing_changed()


# --- Runs that say nothing of the model -----------------------------------------------------------


def asked(actor, gold, run, **more):
    return EvaluationJob.objects.create(gold_set=gold, run=run, created_by=actor, status="done", **more)


def test_a_file_that_somebody_sent_does_not_count_whatever_it_says_of_itself(
    admin, candidate, serving, gold, tmp_path
):
    worse = run_of(tmp_path, candidate, gold, right=0)
    assert verdicts(candidate)["exact_f1"] == "fail"
    asked(admin, gold, worse, model_version=candidate)
    asked(admin, gold, run_of(tmp_path, candidate, gold), predictions_path="ab")
    asked(admin, gold, run_of(tmp_path, serving, gold, right=0), predictions_path="ab")
    assert verdicts(candidate)["exact_f1"] == "fail"
    assert (worse.pk, serving.evaluation_runs.order_by("pk")[0].pk) in gate_of(candidate).pairs
    with pytest.raises(GateFailed):
        promoted(admin, candidate, serving)
    nothing_changed()


def test_a_run_over_some_domains_only_does_not_count(admin, candidate, serving, gold, tmp_path, monkeypatch):
    monkeypatch.setattr("coding_review.promotion.loaded_domains", lambda: ["frailty", "sdoh"])
    (whole,) = candidate.evaluation_runs.all()
    asked(admin, gold, whole, model_version=candidate, domains=["frailty", "sdoh"])
    partly = run_of(tmp_path, candidate, gold, right=0)
    asked(admin, gold, partly, engine="vllm", domains=["frailty"])
    assert [mine for mine, _ in gate_of(candidate).pairs] == [whole.pk]
