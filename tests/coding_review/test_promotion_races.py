"""Two people who promote or take back at once: one does, the other is told that something else serves."""

from __future__ import annotations

import pytest

from coding_review.actions.promotion import promote, rollback
from coding_review.promotion import gate_of
from modelops.models import ModelVersion, Promotion
from tests.coding_review.promotion_rows import gold_set, run_of, version
from tests.coding_review.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def versions(settings, tmp_path):
    settings.EVALUATION_DIR = tmp_path / "kept"
    gold, found = gold_set(), [version("1", active=True), version("2"), version("3")]
    for one in found:
        run_of(tmp_path, one, gold)
    return found


def test_two_promotions_at_once(admin, lead, versions):
    serving, second, third = versions
    pairs = {one.pk: gate_of(one).pairs for one in (second, third)}

    def by(actor, one):
        return lambda: promote(
            actor, one.pk, serving_id=serving.pk, compared=pairs[one.pk], reason="As good."
        )

    assert sorted(at_once(by(admin, second), by(lead, third))) == ["done", "stale_page"]
    (row,) = Promotion.objects.all()
    assert [one.pk for one in ModelVersion.objects.filter(active=True)] == [row.model_version_id]
    assert ModelVersion.objects.get(pk=serving.pk).state.value == "retired"


def test_two_rollbacks_at_once_go_back_once(admin, lead, versions):
    first, second, _ = versions
    promote(admin, second.pk, serving_id=first.pk, compared=gate_of(second).pairs, reason="As good.")

    def back(actor):
        return lambda: rollback(actor, "vllm", serving_id=second.pk, reason="Back.")

    outcome = sorted(at_once(back(admin), back(lead)))
    assert outcome == ["done", "wrong_status"]
    assert Promotion.objects.filter(kind="rollback").count() == 1
    assert ModelVersion.objects.get(active=True) == first
