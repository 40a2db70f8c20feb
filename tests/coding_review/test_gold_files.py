"""Pages that take a file of labels in and take a chart out of an outside set; what the audit log keeps of both."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from catalog.models import Release
from coding_review.actions.gold_adjudication import reply_to_ruling
from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.audit_gold import verify_gold
from coding_review.gold.queries import overrulings_for
from coding_review.models import (
    AuditEvent,
    GoldChart,
    GoldLabel,
    GoldProject,
    GoldReply,
    GoldSetText,
    GoldTombstone,
)
from coding_review.rules.gold_presets import Protocol
from tests.coding_review.audit_sample import tamper
from tests.coding_review.gold_rows import adjudicated, charts_with_labels, draft
from tests.personas import MakeEncounter

IMPORTED = Protocol(readings_per_chart=1, repeat_share=0.0, mixed_readers=False, label_source="imported")


@pytest.fixture
def waiting(icd10cm: Release, lead: User, make_encounter: MakeEncounter) -> GoldProject:
    """Two charts drawn, no label yet."""
    charts_with_labels(make_encounter, 2)
    project = draft(lead, IMPORTED)
    sample_gold_charts(lead, project.pk, size=2)
    return project


def line(project: GoldProject, position: int, code: str, number: int) -> str:
    chart = GoldChart.objects.get(project=project, position=position)
    codes = [{"code": code, "evidence": [{"line_start": number, "line_end": number}]}]
    return json.dumps({"id": chart.code_set.encounter.source_id, "codes": codes})


def send(client: Client, project: GoldProject, text: str, **more: str) -> Any:
    file = SimpleUploadedFile("labels.jsonl", text.encode(), "application/jsonl")
    return client.post(reverse("web:gold-labels", args=[project.pk]), {"file": file, **more})


def test_a_file_is_looked_at_and_then_taken_in(waiting: GoldProject, lead: User, client: Client) -> None:
    client.force_login(lead)
    text = f"{line(waiting, 1, 'I50.23', 3)}\n{line(waiting, 2, 'E11.22', 4)}\n"
    found = send(client, waiting, text)
    assert found.status_code == 200
    body = found.content.decode()
    assert (found.context["found"].charts, found.context["found"].labels, found.context["found"].without) == (
        2,
        2,
        0,
    )
    assert "Take in 2 labels" in body
    assert found.context["found"].first[0][0:2] == (1, "I50.23")
    assert not GoldLabel.objects.filter(chart__project=waiting).exists()
    assert not AuditEvent.objects.filter(type="gold.labels_imported").exists()
    sha256 = found.context["found"].sha256
    # Another file than the one looked at is refused, and nothing of it is kept.
    other = send(client, waiting, line(waiting, 1, "I50.23", 3), sha256=sha256)
    assert other.status_code == 422
    assert "not the file that was looked at" in other.content.decode()
    assert not GoldLabel.objects.filter(chart__project=waiting).exists()
    assert send(client, waiting, text, sha256=sha256).status_code == 302
    labels = GoldLabel.objects.filter(chart__project=waiting)
    assert [(one.code, one.source) for one in labels] == [("I50.23", "imported"), ("E11.22", "imported")]
    # Sent twice: they are there already.
    again = send(client, waiting, text, sha256=sha256)
    assert "have their labels already" in again.content.decode()
    assert (again.status_code, labels.count()) == (422, 2)
    assert AuditEvent.objects.filter(type="gold.labels_imported").count() == 1


def test_bad_lines_are_named_and_nothing_is_stored(waiting: GoldProject, lead: User, client: Client) -> None:
    client.force_login(lead)
    bad = "\n".join(
        [line(waiting, 1, "I50.23", 3), "{", line(waiting, 2, "E11.22", 99), '{"id": "<b>x</b>"}']
    )
    answer = send(client, waiting, bad)
    assert answer.status_code == 422
    assert [error["line"] for error in answer.context["errors"]] == [2, 3, 4]
    body = answer.content.decode()
    assert "3 lines cannot be read" in body
    assert "<b>x</b>" not in body
    assert not GoldLabel.objects.filter(chart__project=waiting).exists()


def test_lines_of_a_mebibyte_are_read_or_named(waiting: GoldProject, lead: User, client: Client) -> None:
    client.force_login(lead)
    answer = send(client, waiting, '{"id": "' + "x" * (1 << 20) + '"}\n')
    assert answer.status_code == 422
    assert len(answer.content) < 100_000
    assert not GoldLabel.objects.filter(chart__project=waiting).exists()


def test_who_does_not_manage_brings_no_labels(
    waiting: GoldProject, coder: User, adjudicator: User, auditor: User, outsider: User, client: Client
) -> None:
    for user in (coder, adjudicator, auditor, outsider):
        client.force_login(user)
        assert send(client, waiting, line(waiting, 1, "I50.23", 3)).status_code in (403, 404)
    assert not GoldLabel.objects.filter(chart__project=waiting).exists()


def outside_line(key: str) -> bytes:
    return json.dumps({"id": key, "text": "Pneumonia.", "codes": [{"code": "J18.9", "lines": [1]}]}).encode()


def test_a_chart_of_an_outside_set_is_withdrawn_on_its_page(lead: User, coder: User, client: Client) -> None:
    gold_set = import_gold(lead, [outside_line("a"), outside_line("b")], name="Outside", purpose="evaluation")
    address = reverse("web:gold-set-withdraw", args=[gold_set.pk])
    client.force_login(coder)
    assert client.post(address, {"chart": "a", "reason": "mine"}).status_code == 404
    client.force_login(lead)
    assert client.post(address, {"chart": "c", "reason": "not there"}).status_code == 422
    assert client.post(address, {"chart": "a", "reason": " "}).status_code == 422
    assert not GoldTombstone.objects.exists()
    assert client.post(address, {"chart": "a", "reason": "Not ours to use"}).status_code == 302
    # Sent twice: one tombstone.
    client.post(address, {"chart": "a", "reason": "Again"})
    stone = GoldTombstone.objects.get()
    assert (stone.gold_set_chart.chart_key, stone.reason, stone.by) == ("a", "Not ours to use", lead)
    assert [text.text for text in GoldSetText.objects.order_by("pk")] == ["", "Pneumonia."]
    page = client.get(reverse("web:gold-set", args=[gold_set.pk])).content.decode()
    assert "Not ours to use" in page
    assert '<option value="b">' in page
    assert '<option value="a">' not in page
    assert list(verify_gold()) == []


def test_a_changed_tombstone_or_answer_is_found(
    icd10cm: Release, lead: User, coder: User, expert: User, adjudicator: User,
    make_encounter: MakeEncounter, client: Client,
) -> None:  # fmt: skip
    study = adjudicated(lead, coder, expert, adjudicator, make_encounter)
    (mine,) = overrulings_for(coder, study.project)
    reply_to_ruling(coder, mine.ruling_id, "It is integral to heart failure.")
    gold_set = import_gold(lead, [outside_line("a")], name="Outside", purpose="evaluation")
    client.force_login(lead)
    client.post(reverse("web:gold-set-withdraw", args=[gold_set.pk]), {"chart": "a", "reason": "Not ours"})
    assert list(verify_gold()) == []
    reply, stone = GoldReply.objects.get(), GoldTombstone.objects.get()
    changed = "UPDATE coding_review_goldtombstone SET reason = 'Lost'"
    words = "UPDATE coding_review_goldreplywords SET comment = 'Agreed'"
    for sql, said in (
        (words, f"gold answer {reply.pk}: its comment is not the one that the log keeps"),
        (changed, f"gold tombstone {stone.pk}: not what was written"),
        (
            "DELETE FROM coding_review_goldtombstone",
            f"the tombstone of gold set chart {stone.gold_set_chart_id} is gone",
        ),
    ):
        tamper(sql)
        assert [fault for fault in map(str, verify_gold()) if said in fault], said
