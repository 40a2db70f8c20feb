"""Pages of model versions: who sees and does what, and that what is done is what was shown."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from coding_review.actions.promotion import promote
from coding_review.models import EvaluationJob, GoldSet
from coding_review.promotion import gate_of
from modelops.models import ModelVersion, Promotion, ShadowScore
from tests.coding_review.promotion_rows import gold_set, run_of, version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(settings, tmp_path):
    settings.EVALUATION_DIR = tmp_path / "kept"


@pytest.fixture
def pair(lead, tmp_path):
    """What serves, and a candidate that the lead trained and that passes."""
    gold, found = gold_set(), (version("1", active=True), version("2", by=lead))
    for one in found:
        run_of(tmp_path, one, gold, right=15)
    return found


def get(user, name, *args):
    client = Client()
    client.force_login(user)
    return client.get(reverse(f"web:{name}", args=args))


def post(user, name, *args, **data):
    client = Client()
    client.force_login(user)
    return client.post(reverse(f"web:{name}", args=args), data)


def form_of(response, name: str) -> dict[str, object]:
    """What the page's form would send, with a reason and the tick."""
    form = response.context[f"{name}_form"]
    sent = {form.add_prefix(field): form[field].value() or "" for field in form.fields}
    return (
        sent
        | {form.add_prefix("reason"): "As good, cheaper.", form.add_prefix("seen"): "on"}
        | {form.add_prefix("override"): ""}
    )


def test_the_list_tells_what_serves_and_what_was_done(expert, admin, pair):
    serving, candidate = pair
    promote(admin, candidate.pk, serving_id=serving.pk, compared=gate_of(candidate).pairs, reason="Better.")
    response = get(expert, "models")
    assert [(row.name, row.state, row.serving) for row in response.context["rows"]] == [
        ("coder 2", "Serving", True),
        ("coder 1", "Retired", False),
    ]
    (act,) = response.context["acts"]
    assert (act.what, act.version, act.replaced, act.by, act.reason, act.gate) == (
        "Promoted",
        "coder 2",
        "coder 1",
        "admin",
        "Better.",
        "passed",
    )


def test_a_candidates_page_shows_gate_and_comparison(expert, pair):
    _, candidate = pair
    response = get(expert, "model-version", candidate.pk)
    assert [(row.verdict, row.figure, row.limit) for row in response.context["gate"]] == [
        ("pass", "+0.000", "at least -0.010"),
        ("pass", "+0.000", "at most +0.030"),
        ("pass", "+0.000", "at most +0.100"),
        ("pass", "+0.000", "at most +0.030"),
    ]
    (line,) = response.context["compared"]
    ((a, b),) = gate_of(candidate).pairs
    assert (line.gold_set, line.a, line.b, line.difference) == ("Frailty v1", a, b, "+0.000")
    body = response.content.decode()
    assert f"{reverse('web:evaluation-compare')}?a={a}&amp;b={b}" in body
    assert reverse("web:model-promote", args=[candidate.pk]) not in body
    assert reverse("web:model-evaluate", args=[candidate.pk]) not in body
    assert " style=" not in body


def test_what_the_page_showed_is_promoted_and_taken_back_with_one_form_each(admin, pair):
    serving, candidate = pair
    shown, pairs = get(admin, "model-version", candidate.pk), gate_of(candidate).pairs
    response = post(admin, "model-promote", candidate.pk, **form_of(shown, "promote"))
    assert (response.status_code, response["Location"]) == (302, f"/models/{candidate.pk}/")
    assert ModelVersion.objects.get(active=True) == candidate
    row = Promotion.objects.get()
    assert (row.reason, row.comparison_runs) == ("As good, cheaper.", [list(one) for one in pairs])
    page = get(admin, "model-version", candidate.pk)
    assert page.context["may_go_back"] is True
    response = post(admin, "model-rollback", candidate.pk, **{"rollback-reason": "More rejections."})
    assert response.status_code == 302
    assert ModelVersion.objects.get(active=True) == serving
    # Both pages tell of both acts: what took a version's place was done to it too.
    done = [("Rolled back", "coder 1", "coder 2"), ("Promoted", "coder 2", "coder 1")]
    for one in (candidate, serving):
        acts = get(admin, "model-version", one.pk).context["acts"]
        assert [(act.what, act.version, act.replaced) for act in acts] == done


@pytest.mark.parametrize(("missing", "field"), [("promote-reason", "reason"), ("promote-seen", "seen")])
def test_without_reason_or_a_look_at_the_comparison_nothing_happens(admin, pair, missing, field):
    serving, candidate = pair
    sent = form_of(get(admin, "model-version", candidate.pk), "promote")
    del sent[missing]
    response = post(admin, "model-promote", candidate.pk, **sent)
    assert response.status_code == 422
    assert list(response.context["promote_form"].errors) == [field]
    assert ModelVersion.objects.get(active=True) == serving
    assert Promotion.objects.count() == 0


def test_a_page_that_is_out_of_date_is_refused(admin, pair, tmp_path):
    serving, candidate = pair
    sent = form_of(get(admin, "model-version", candidate.pk), "promote")
    third = version("3")
    ModelVersion.objects.filter(pk=serving.pk).update(active=False)
    ModelVersion.objects.filter(pk=third.pk).update(active=True)
    assert post(admin, "model-promote", candidate.pk, **sent).status_code == 409
    assert ModelVersion.objects.get(active=True) == third


def test_the_trainer_sees_no_form_and_is_refused(lead, admin, pair):
    serving, candidate = pair
    sent = form_of(get(admin, "model-version", candidate.pk), "promote")
    body = get(lead, "model-version", candidate.pk).content.decode()
    assert "You trained this version: somebody else brings it in." in body
    assert reverse("web:model-promote", args=[candidate.pk]) not in body
    assert post(lead, "model-promote", candidate.pk, **sent).status_code == 403
    assert ModelVersion.objects.get(active=True) == serving


def test_a_failing_gate_shows_where_and_is_not_passed_without_the_override(admin, pair, tmp_path):
    serving, candidate = pair
    run_of(tmp_path, candidate, GoldSet.objects.get(), right=5)
    shown = get(admin, "model-version", candidate.pk)
    assert [row.verdict for row in shown.context["gate"]] == ["fail", "pass", "pass", "pass"]
    sent = form_of(shown, "promote")
    assert post(admin, "model-promote", candidate.pk, **sent).status_code == 409
    assert ModelVersion.objects.get(active=True) == serving
    assert post(admin, "model-promote", candidate.pk, **sent | {"promote-override": "on"}).status_code == 302
    assert Promotion.objects.get().overridden is True


def test_a_canary_is_set_in_percent_and_ended(admin, pair):
    _, candidate = pair
    sent = form_of(get(admin, "model-version", candidate.pk), "canary") | {"canary-percent": "12.5"}
    assert post(admin, "model-canary", candidate.pk, **sent).status_code == 302
    assert ModelVersion.objects.get(pk=candidate.pk).canary_share == 0.125
    over = post(admin, "model-canary", candidate.pk, **sent | {"canary-percent": "101"})
    assert (over.status_code, list(over.context["canary_form"].errors)) == (422, ["percent"])
    ended = {"canary-percent": "0", "canary-reason": "Enough.", "canary-compared": "", "canary-serving": ""}
    assert post(admin, "model-canary", candidate.pk, **ended).status_code == 302
    assert ModelVersion.objects.get(pk=candidate.pk).canary_share == 0


def test_a_shadow_is_set_and_its_figures_are_shown(admin, expert, pair):
    _, candidate = pair
    sent = {"shadow-on": "1", "shadow-reason": "To see."}
    assert post(admin, "model-shadow", candidate.pk, **sent).status_code == 302
    assert ModelVersion.objects.get(pk=candidate.pk).shadow is True
    ShadowScore.objects.create(model_version=candidate, question=1, both=3, only_shadow=1, only_shown=2)
    ShadowScore.objects.create(model_version=candidate, question=2, error_code="too_slow")
    found = get(expert, "model-version", candidate.pk).context["shadow"]
    assert (found.charts, found.both, found.only_shadow, found.only_shown, found.failed) == (1, 3, 1, 2, 1)


@pytest.mark.parametrize("act", ["promote", "rollback", "canary", "shadow"])
@pytest.mark.parametrize("who", ["expert", "coder", "auditor"])
def test_who_may_not_promote_does_nothing(request, who, act, pair):
    serving, candidate = pair
    response = post(request.getfixturevalue(who), f"model-{act}", candidate.pk, reason="x")
    assert response.status_code == 403
    assert ModelVersion.objects.get(active=True) == serving
    assert Promotion.objects.count() == 0


def test_a_version_that_is_not_there_is_not_found(admin):
    assert get(admin, "model-version", 999_999).status_code == 404
    assert post(admin, "model-rollback", 999_999, **{"rollback-reason": "x"}).status_code == 404


def test_the_first_version_is_held_against_the_engine_that_was_chosen(admin, settings, tmp_path):
    gold, first = gold_set(), version("1")
    run_of(tmp_path, first, gold, right=15)
    settings.ENGINE = "embedded"
    page = get(admin, "model-version", first.pk)
    assert (page.context["baseline"], page.context["lacking"], page.context["passes"]) == (
        "embedded",
        True,
        False,
    )
    assert "Measure embedded on the frozen sets" in page.content.decode()
    response = post(admin, "model-evaluate", first.pk, baseline="embedded")
    assert (response.status_code, response["Location"]) == (302, f"/models/{first.pk}/?against=embedded")
    assert EvaluationJob.objects.get().engine == "embedded"
    EvaluationJob.objects.update(status="done")
    run_of(tmp_path, None, gold, right=15, engine="embedded", bands="all")
    page = get(admin, "model-version", first.pk)
    assert (page.context["lacking"], page.context["passes"]) == (False, True)
    # Looked at beside another engine nothing is compared, and nothing promoted.
    client = Client()
    client.force_login(admin)
    other = client.get(reverse("web:model-version", args=[first.pk]) + "?against=hybrid")
    assert (other.context["baseline"], other.context["passes"]) == ("hybrid", False)
    pairs = gate_of(first, "embedded").pairs
    response = post(admin, "model-promote", first.pk, **form_of(page, "promote"))
    assert response.status_code == 302
    assert Promotion.objects.get().comparison_runs == [list(pair) for pair in pairs]


def test_an_evaluation_that_failed_is_told_until_one_on_that_set_is_done(admin, expert):
    gold, first = gold_set(), version("1")
    asked = {"gold_set": gold, "model_version": first, "engine": first.engine, "created_by": admin}
    job = EvaluationJob.objects.create(**asked, status="failed", error="1 of 1 charts were not answered.")
    body = get(expert, "model-version", first.pk).content.decode()
    assert f'<a href="{reverse("web:evaluation-job", args=[job.pk])}">{first} on {gold}</a>' in body
    assert "was not evaluated. 1 of 1 charts were not answered." in body
    EvaluationJob.objects.create(**asked, status="done")
    assert get(expert, "model-version", first.pk).context["not_done"] == []


def test_a_comparison_with_no_engine_is_refused(admin, tmp_path):
    gold, first = gold_set(), version("1")
    run_of(tmp_path, first, gold)
    sent = form_of(get(admin, "model-version", first.pk), "promote")
    response = post(admin, "model-promote", first.pk, **sent | {"promote-against": "/etc/passwd"})
    assert response.status_code == 422
    assert Promotion.objects.count() == 0
