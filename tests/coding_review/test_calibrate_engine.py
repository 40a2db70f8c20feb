"""manage.py calibrate_engine: fits on a calibration split only, stores the curve with an event, refuses the rest."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.core.management import CommandError, call_command

from coding_review.actions.store_calibration import NewCalibration, store_calibration
from coding_review.errors import NotAllowed
from coding_review.models import AuditEvent, GoldSet, GoldSetChart
from modelops.evaluation.isotonic import Fit
from modelops.models import Calibration

pytestmark = pytest.mark.django_db
MADE_BY = {"engine": "vllm", "model_version": "llama-3", "configuration": "p:1; passes=1"}


def gold_rows(count: int = 30):
    return [{"id": f"c-{n}", "codes": [{"code": "I10", "lines": []}]} for n in range(count)]


def predicted_rows(count: int = 30, **fields):
    """I10 at 0.9 is always right, E11.9 at 0.8 never."""
    codes = [{"code": "I10", "confidence": 0.9}, {"code": "E11.9", "confidence": 0.8}]
    return [{"id": f"c-{n}", **MADE_BY, "codes": codes, **fields} for n in range(count)]


@pytest.fixture
def files(tmp_path):
    def write(gold, predicted):
        paths = tmp_path / "gold.jsonl", tmp_path / "pred.jsonl"
        for path, rows in zip(paths, (gold, predicted), strict=True):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return [str(path) for path in paths]

    return write


def sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def test_the_curve_is_stored_with_what_it_was_fitted_on(files, capsys):
    paths = files(gold_rows(), predicted_rows())
    call_command("calibrate_engine", *paths, split="ours")
    stored = Calibration.objects.get()
    assert (stored.engine, stored.model_version, stored.configuration) == ("vllm", "llama-3", "p:1; passes=1")
    assert (stored.split, stored.split_sha256) == ("ours", sha256(paths[0]))
    assert stored.predictions_sha256 == sha256(paths[1])
    assert stored.points == [[0.8, 0.016129], [0.9, 0.983871]]
    assert (stored.codes, stored.charts) == (60, 30)
    event = AuditEvent.objects.get(type="calibration.stored")
    assert event.actor is None
    assert event.data == {
        "calibration_id": stored.pk,
        "engine": "vllm",
        "model_version": "llama-3",
        "configuration": "p:1; passes=1",
        "gold_set_sha256": stored.split_sha256,
        "predictions_sha256": stored.predictions_sha256,
        "codes": 60,
        "charts": 30,
    }
    assert "  0.800 -> 0.016\n  0.900 -> 0.984\n" in capsys.readouterr().out


def test_a_dry_run_stores_nothing(files):
    call_command("calibrate_engine", *files(gold_rows(), predicted_rows()), split="ours", dry_run=True)
    assert Calibration.objects.count() == AuditEvent.objects.count() == 0


@pytest.mark.parametrize(
    ("predicted", "problem"),
    [
        (predicted_rows(20), "40 predicted codes with a confidence; at least 50 are needed"),
        (predicted_rows(calibration="7"), "made with calibration 7"),
        ([*predicted_rows(29), *predicted_rows(30, engine="hybrid")[29:]], "predictions of 2 engines"),
        ([*predicted_rows(29), *predicted_rows(30, configuration="p:2")[29:]], "predictions of 2 engines"),
        (predicted_rows(engine=""), "do not say which engine and model version made them"),
        ([], "predictions of 0 engines"),
    ],
)
def test_predictions_that_give_no_curve_are_refused(files, predicted, problem):
    with pytest.raises(CommandError, match=problem):
        call_command("calibrate_engine", *files(gold_rows(), predicted), split="ours")
    assert Calibration.objects.count() == AuditEvent.objects.count() == 0


def test_a_split_must_be_named(files):
    with pytest.raises(CommandError, match="one of the arguments --gold-set --split is required"):
        call_command("calibrate_engine", *files(gold_rows(), predicted_rows()))


def test_a_gold_set_that_is_not_there_is_refused(files):
    with pytest.raises(CommandError, match="There is no gold set 99"):
        call_command("calibrate_engine", *files(gold_rows(), predicted_rows()), gold_set=99)
    assert Calibration.objects.count() == 0


def frozen(purpose: str, charts: int = 30) -> GoldSet:
    gold_set = GoldSet.objects.create(name="Set", kind="gold", purpose=purpose, manifest={}, sha256="1" * 64)
    for number in range(charts):
        GoldSetChart.objects.create(gold_set=gold_set, chart_key=f"c-{number}")
    return gold_set


def test_a_gold_set_of_that_purpose_names_the_curve(files):
    gold_set = frozen("calibration")
    call_command("calibrate_engine", *files(gold_rows(), predicted_rows()), gold_set=gold_set.pk)
    stored = Calibration.objects.get()
    assert (stored.split, stored.split_sha256) == ("Set v1", "1" * 64)


@pytest.mark.parametrize("purpose", ["train", "evaluation"])
def test_a_gold_set_of_another_purpose_is_refused(files, purpose):
    gold_set = frozen(purpose)
    with pytest.raises(CommandError, match="The gold set Set v1 was frozen for"):
        call_command("calibrate_engine", *files(gold_rows(), predicted_rows()), gold_set=gold_set.pk)
    assert Calibration.objects.count() == 0


def test_charts_that_the_gold_set_does_not_have_are_refused(files):
    gold_set = frozen("calibration", charts=28)
    with pytest.raises(CommandError, match=r"^2 charts of .* are not of the gold set Set v1\.$"):
        call_command("calibrate_engine", *files(gold_rows(), predicted_rows()), gold_set=gold_set.pk)
    assert Calibration.objects.count() == 0


@pytest.mark.parametrize("who", ["coder", "expert", "auditor", "privacy_officer"])
def test_who_may_not_run_evaluations_stores_no_curve(request, who):
    new = NewCalibration("e", "m", "", "s", "a" * 64, "b" * 64, Fit(((0.5, 0.5),), 50, 5, 0.1, 0.1))
    with pytest.raises(NotAllowed):
        store_calibration(request.getfixturevalue(who), new)
    assert Calibration.objects.count() == AuditEvent.objects.count() == 0
