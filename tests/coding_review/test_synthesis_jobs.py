"""Synthetic charts asked for in the browser: what is queued, what a worker does with it, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.queries import latest_release
from coding_review import synthesis_job
from coding_review.actions.queue_synthesis import cancel_synthesis, queue_synthesis
from coding_review.actions.work_steps import Cancelled, begin, end, go_on, missed
from coding_review.at_work import WorkCrashed
from coding_review.errors import InvalidDecision, NotAllowed, WrongStatus
from coding_review.models import AuditEvent, RoleAssignment
from coding_review.synthesis_job import run_synthesis
from modelops.errors import EngineError
from modelops.models import SynthesisRun, SyntheticChart
from modelops.synthesis.making import EMPTY, make
from modelops.synthesis.sources import Asked, asked_of, drafts_of
from modelops.synthesis.types import Labelled

pytestmark = pytest.mark.django_db

FEW = Asked(seed=5, count=12, codes=("40",), companions=(0, 2))
FORM = {
    "name": "by hand",
    "kind": "icd10cm",
    "writer": "embedded",
    "count": "12",
    "seed": "5",
    "codes": "40",
    "least": "0",
    "most": "2",
}


def test_queued_made_and_told(icd10cm: Any, expert: User) -> None:
    run = queue_synthesis(expert, "few", FEW)
    assert (run.status, run.created_by, asked_of(run)) == ("queued", expert, FEW)
    assert run_synthesis(run.pk)
    run.refresh_from_db()
    assert (run.status, run.counts["charts"], run.error) == ("done", 12, "")
    assert run.ended_at is not None
    charts = list(run.charts.order_by("position"))
    assert [chart.position for chart in charts] == list(range(12))
    again = queue_synthesis(expert, "again", FEW)
    assert run_synthesis(again.pk)
    assert [c.sha256 for c in again.charts.order_by("position")] == [c.sha256 for c in charts]
    asked, ended = AuditEvent.objects.filter(type__startswith="synthesis.").order_by("pk")[:2]
    assert (asked.actor, asked.data["run_id"], asked.data["count"]) == (expert, run.pk, 12)
    assert (ended.type, ended.data["status"], ended.data["charts"]) == ("synthesis.ended", "done", 12)


def test_begun_once(icd10cm: Any, expert: User) -> None:
    run = queue_synthesis(expert, "few", FEW)
    assert run_synthesis(run.pk)
    assert not run_synthesis(run.pk)
    assert SyntheticChart.objects.filter(run=run).count() == 12


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (Asked(count=0), "count"),
        (Asked(count=20_001), "count"),
        (Asked(writer="llm", count=501), "writer"),
        (Asked(writer="llm", count=5), "writer"),
        (Asked(kind="procedures", writer="llm"), "writer"),
        (Asked(kind="poems"), "kind"),
        (Asked(seed=-1), "seed"),
        (Asked(domain="nowhere"), "domain"),
        (Asked(style="sonnet"), "style"),
        (Asked(specialty="astrology"), "specialty"),
        (Asked(codes=("I10", "X99.9")), "codes"),
        (Asked(kind="procedures"), "kind"),
    ],
)
def test_refused_before_anything_waits(icd10cm: Any, admin: User, asked: Asked, field: str) -> None:
    with pytest.raises(InvalidDecision) as refused:
        queue_synthesis(admin, "no", asked)
    assert refused.value.data["field"] == field
    assert not SynthesisRun.objects.exists()
    assert not AuditEvent.objects.filter(type__startswith="synthesis.").exists()


def test_a_model_without_a_server_is_named(icd10cm: Any, admin: User, settings: Any) -> None:
    settings.LLM_BASE_URLS = []
    with pytest.raises(InvalidDecision, match="LLM_BASE_URLS names none"):
        queue_synthesis(admin, "no", Asked(writer="llm", count=5))
    settings.LLM_BASE_URLS = ["http://127.0.0.1:9"]
    with pytest.raises(InvalidDecision, match="From 1 to 500 charts") as refused:
        queue_synthesis(admin, "no", Asked(writer="llm", count=501))
    assert refused.value.data["field"] == "count"


def test_a_server_that_does_not_answer_is_told_before_the_first_note(
    icd10cm: Any, admin: User, settings: Any
) -> None:
    # Nobody listens on port 9.
    settings.LLM_BASE_URLS = ["http://127.0.0.1:9"]
    run = queue_synthesis(admin, "silent", Asked(writer="llm", count=20, codes=("40",)))
    assert not run_synthesis(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error_code) == ("failed", "llm_unavailable")
    assert run.error == "No server of the language model answers (LLM_BASE_URLS)."
    assert run.charts.count() == 0


def test_a_server_that_falls_silent_ends_the_run(
    icd10cm: Any, admin: User, settings: Any, monkeypatch: Any
) -> None:
    settings.LLM_BASE_URLS = ["http://127.0.0.1:9"]
    made = list(drafts_of(replace(FEW, count=5), latest_release("icd10cm")))
    lost = replace(made[0], discarded="not_written: llm_unavailable")
    drafts = [made[0], replace(made[1], discarded=lost.discarded), made[2], *[lost] * 3, made[3]]
    monkeypatch.setattr(synthesis_job, "drafts_of", lambda *_: iter(drafts))
    run = queue_synthesis(admin, "silent", Asked(writer="llm", count=20, codes=("40",)))
    assert not run_synthesis(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error_code) == ("failed", "writer_silent")
    assert "none of 3 notes in a row (llm unavailable)" in run.error
    assert (run.counts["charts"], run.counts["kept"]) == (6, 2)


def test_who_may_not(
    icd10cm: Any, coder: User, lead: User, auditor: User, expert: User, outsider: User
) -> None:
    run = queue_synthesis(expert, "few", FEW)
    for user in (coder, lead, auditor, outsider):
        with pytest.raises(NotAllowed):
            queue_synthesis(user, "no", FEW)
        with pytest.raises(NotAllowed):
            cancel_synthesis(user, run.pk)
    run.refresh_from_db()
    assert (SynthesisRun.objects.count(), run.cancel_asked_at) == (1, None)


def test_a_right_that_went_meanwhile(icd10cm: Any, expert: User) -> None:
    run = queue_synthesis(expert, "few", FEW)
    RoleAssignment.objects.filter(user=expert).delete()
    assert not run_synthesis(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error_code, run.charts.count()) == ("failed", "not_allowed", 0)


def test_cancelled_while_it_waits(icd10cm: Any, expert: User, admin: User) -> None:
    run = queue_synthesis(expert, "few", FEW)
    cancel_synthesis(admin, run.pk)
    run.refresh_from_db()
    assert (run.status, run.charts.count()) == ("cancelled", 0)
    assert not run_synthesis(run.pk)
    with pytest.raises(WrongStatus):
        cancel_synthesis(admin, run.pk)
    assert AuditEvent.objects.get(type="synthesis.cancel_asked").actor == admin


def test_cancelled_at_work_keeps_what_was_written(icd10cm: Any, expert: User, monkeypatch: Any) -> None:
    monkeypatch.setitem(synthesis_job._AT_ONCE, "embedded", 5)
    run = queue_synthesis(expert, "few", FEW)
    told = synthesis_job.go_on

    def cancels_at_the_first(row: SynthesisRun) -> None:
        if row.charts.count() == 5:
            cancel_synthesis(expert, row.pk)
        told(row)

    monkeypatch.setattr(synthesis_job, "go_on", cancels_at_the_first)
    assert not run_synthesis(run.pk)
    run.refresh_from_db()
    assert (run.status, run.charts.count(), run.counts["charts"]) == ("cancelled", 5, 5)


def test_nothing_fits(icd10cm: Any, admin: User) -> None:
    run = queue_synthesis(admin, "narrow", Asked(count=3, domain="sdoh", codes=("I10",)))
    assert not run_synthesis(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error_code) == ("failed", "nothing_fits")


def test_a_crash_ends_it_without_words(icd10cm: Any, admin: User, monkeypatch: Any) -> None:
    run = queue_synthesis(admin, "few", FEW)

    def breaks(*_args: Any) -> None:
        raise ValueError("Mrs. Miller")

    monkeypatch.setattr(synthesis_job, "drafts_of", breaks)
    with pytest.raises(WorkCrashed) as crashed:
        run_synthesis(run.pk)
    assert "Miller" not in str(crashed.value)
    run.refresh_from_db()
    assert (run.status, run.error_code) == ("failed", "crashed")
    assert run.error == "It stopped with an error of the program (ValueError)."


def test_a_lost_worker(icd10cm: Any, expert: User, settings: Any) -> None:
    settings.WORK_LOST_SECONDS = 60
    run = queue_synthesis(expert, "few", FEW)
    held = begin(SynthesisRun, run.pk)
    assert held is not None
    assert begin(SynthesisRun, run.pk) is None
    assert missed(SynthesisRun) == []
    SynthesisRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    waiting = queue_synthesis(expert, "next", FEW)
    SynthesisRun.objects.filter(pk=waiting.pk).update(created_at=timezone.now() - timedelta(seconds=21))
    assert missed(SynthesisRun) == [waiting.pk]
    run.refresh_from_db()
    assert (run.status, run.error_code) == ("failed", "worker_lost")
    with pytest.raises(Cancelled):
        go_on(held)
    assert not end(held, "done")


def test_a_run_of_the_command_is_nobodys_loss(icd10cm: Any) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    SynthesisRun.objects.create(
        name="c", kind="icd10cm", writer="embedded", seed=1, status="running", created_at=long_ago
    )
    assert missed(SynthesisRun) == []
    assert SynthesisRun.objects.get().status == "running"


def test_the_gate_comes_before_the_labels_fail() -> None:
    """A text that the labelling could not read is looked through all the same."""

    class Draws:
        def order(self, _seed: int, _position: int) -> Any:
            return None

    class Writes:
        name, seeded = "test", True

        def write(self, _order: Any) -> Any:
            return EMPTY

    def fails(_order: Any, _written: Any) -> Labelled:
        raise EngineError("no")

    drafts = make(Draws(), Writes(), seed=1, count=1, label=fails, gate=lambda _o, _t: "phi: name")  # type: ignore[arg-type]
    assert [draft.discarded for draft in drafts] == ["phi: name"]
    drafts = make(Draws(), Writes(), seed=1, count=1, label=fails, gate=lambda _o, _t: "")  # type: ignore[arg-type]
    assert [draft.discarded for draft in drafts] == ["not_labelled: engine_error"]


def test_the_form_starts_a_run_and_its_page_cancels_it(icd10cm: Any, admin: User, client: Client) -> None:
    client.force_login(admin)
    page = client.get(reverse("web:synthesis-new"))
    assert b"At most 20,000 by the embedded writer" in page.content
    answer = client.post(reverse("web:synthesis-new"), FORM)
    run = SynthesisRun.objects.get()
    assert answer.headers["Location"] == reverse("web:synthesis", args=[run.pk])
    assert asked_of(run) == FEW
    shown = client.get(reverse("web:synthesis", args=[run.pk]))
    assert b"Cancel and keep the charts" in shown.content
    assert b'hx-trigger="every 2s"' in shown.content
    client.post(reverse("web:synthesis-cancel", args=[run.pk]))
    run.refresh_from_db()
    assert run.status == "cancelled"
    again = client.post(reverse("web:synthesis-cancel", args=[run.pk]))
    assert again.status_code == 302
    assert b"Cancel and keep" not in client.get(reverse("web:synthesis", args=[run.pk])).content


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"count": "20001"}, "From 1 to 20,000 charts"),
        ({"writer": "llm"}, "LLM_BASE_URLS names none"),
        ({"codes": "I10, Q00.Q"}, "Charts are not written about Q00.Q."),
        ({"name": "one\ntwo"}, "characters that can be seen"),
        ({"name": "\u202etxt"}, "characters that can be seen"),
        ({"codes": "²"}, "Charts are not written about ²."),
        ({"codes": "0"}, "A number from 1 to 99,999."),
        ({"codes": "9" * 4400}, "A number from 1 to 99,999."),
        ({"least": "3", "most": "1"}, "Not below the fewest."),
    ],
)
def test_the_form_says_what_is_wrong(
    icd10cm: Any, admin: User, client: Client, settings: Any, said: dict[str, str], told: str
) -> None:
    settings.LLM_BASE_URLS = []
    client.force_login(admin)
    answer = client.post(reverse("web:synthesis-new"), {**FORM, **said})
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not SynthesisRun.objects.exists()


def test_failed_runs_say_why(icd10cm: Any, expert: User, client: Client) -> None:
    run = queue_synthesis(expert, "few", FEW)
    end(run, "failed", error_code="nothing_fits", error="No chart can be drawn: because.", counts={})
    client.force_login(expert)
    page = client.get(reverse("web:synthesis", args=[run.pk])).content.decode()
    assert "No chart can be drawn: because." in page
    assert "every 2s" not in page


def test_a_form_sent_twice_asks_once(icd10cm: Any, expert: User, admin: User, client: Client) -> None:
    client.force_login(expert)
    answers = [client.post(reverse("web:synthesis-new"), FORM) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0]["Location"] == answers[1]["Location"]
    run = SynthesisRun.objects.get()
    assert AuditEvent.objects.filter(type="synthesis.asked").count() == 1
    # Another person, other wishes, or the same after the end: work of its own.
    others = [
        queue_synthesis(admin, "by hand", asked_of(run)),
        queue_synthesis(expert, "other", asked_of(run)),
        queue_synthesis(expert, "by hand", replace(asked_of(run), seed=6)),
    ]
    cancel_synthesis(expert, run.pk)
    others.append(queue_synthesis(expert, "by hand", asked_of(run)))
    assert len({run.pk, *(other.pk for other in others)}) == 5
