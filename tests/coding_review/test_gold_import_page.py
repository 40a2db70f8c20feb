"""A gold set from outside by its page: looked at, with what is wrong by line, then frozen whole or not at all."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from coding_review.actions.gold_exchange import export_gold
from coding_review.audit_gold import verify_gold
from coding_review.models import AuditEvent, GoldSet, GoldSetChart, GoldSetLabel, GoldSetText

pytestmark = pytest.mark.django_db
ABOUT = {"name": "Outside 2026", "purpose": "evaluation", "kind": "single_read_reference"}


def chart(key: str, **code: Any) -> str:
    codes = [{"code": "J18.9", "lines": [1], **code}]
    return json.dumps({"id": key, "text": "Pneumonia of the left lung.", "codes": codes})


def send(client: Client, text: str, **more: str) -> Any:
    file = SimpleUploadedFile("gold.jsonl", text.encode(), "application/jsonl")
    return client.post(reverse("web:gold-import"), {"file": file, **ABOUT, **more})


def nothing_stored() -> bool:
    models = (GoldSet, GoldSetChart, GoldSetLabel, GoldSetText)
    imported = AuditEvent.objects.filter(type="gold.imported")
    return not any(model._default_manager.exists() for model in models) and not imported.exists()


def test_a_file_is_looked_at_and_then_frozen(lead: User, client: Client) -> None:
    client.force_login(lead)
    text = f"{chart('a', sequence=1, role='principal', poa='exempt')}\n{chart('b', status='rejected')}\n"
    looked = send(client, text)
    found = looked.context["found"]
    assert looked.status_code == 200
    assert (found.charts, found.labels, found.version, found.with_text) == (2, 2, 1, 2)
    assert found.first == (("a", 1, 1, 0), ("b", 1, 0, 1))
    assert "Freeze 2 charts" in looked.content.decode()
    assert nothing_stored()
    # Another file than the one looked at is refused.
    other = send(client, chart("a"), sha256=found.sha256)
    assert other.status_code == 422
    assert "not the file that was looked at" in other.content.decode()
    assert nothing_stored()
    assert send(client, text, sha256=found.sha256).status_code == 302
    made = GoldSet.objects.get()
    assert (made.name, made.version, made.kind, made.without_phi, made.frozen_by) == (
        "Outside 2026",
        1,
        "single_read_reference",
        False,
        lead,
    )
    labels = GoldSetLabel.objects.order_by("pk").values_list("status", "sequence", "role", "poa")
    assert list(labels) == [("accepted", 1, "principal", "1"), ("rejected", None, "", "")]
    event = AuditEvent.objects.get(type="gold.imported")
    assert (event.actor_id, event.data["gold_set_id"], event.data["source_hash"]) == (
        lead.pk,
        made.pk,
        found.sha256,
    )
    assert list(verify_gold()) == []
    # The same again is the next version.
    assert send(client, text).context["found"].version == 2


def test_what_goes_out_comes_in_again_by_the_page(lead: User, client: Client) -> None:
    client.force_login(lead)
    text = chart("a", sequence=2, role="secondary", poa="Y")
    sha256 = send(client, text).context["found"].sha256
    send(client, text, sha256=sha256, without_phi="on")
    out, again = io.BytesIO(), io.BytesIO()
    export_gold(lead, GoldSet.objects.get().pk, out=out, with_text=True)
    (row,) = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (row["codes"][0]["sequence"], row["codes"][0]["role"], row["codes"][0]["poa"]) == (
        2,
        "secondary",
        "Y",
    )
    body = out.getvalue().decode()
    sha256 = send(client, body, name="Back").context["found"].sha256
    assert send(client, body, name="Back", sha256=sha256, without_phi="on").status_code == 302
    export_gold(lead, GoldSet.objects.get(name="Back").pk, out=again, with_text=True)
    assert again.getvalue() == out.getvalue()


def test_bad_lines_are_named_and_nothing_is_stored(lead: User, client: Client) -> None:
    client.force_login(lead)
    lines = [chart("a"), "{", chart("b", sequence=-1), chart("a"), '{"id": "<b>x</b>"}']
    answer = send(client, "\n".join(lines))
    assert answer.status_code == 422
    assert [error["line"] for error in answer.context["errors"]] == [2, 3, 4, 5]
    body = answer.content.decode()
    assert "codes[0].sequence: not a whole number from 0 on" in body
    assert "<b>x</b>" not in body
    assert "left lung" not in body
    assert nothing_stored()


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"name": " "}, "Name"),
        ({"purpose": "fun"}, "Purpose"),
        ({"kind": "best"}, "How it was read"),
    ],
)
def test_what_is_not_said_is_asked_for(lead: User, client: Client, about: dict[str, str], said: str) -> None:
    client.force_login(lead)
    answer = send(client, chart("a"), **about)
    assert answer.status_code == 422
    assert said in answer.context["error"]
    assert nothing_stored()


def test_who_does_not_manage_brings_none_in(
    coder: User, expert: User, adjudicator: User, auditor: User, outsider: User, client: Client
) -> None:
    for user in (coder, expert, adjudicator, auditor, outsider):
        client.force_login(user)
        assert client.get(reverse("web:gold-import")).status_code == 403
        assert send(client, chart("a")).status_code == 403
        assert send(client, chart("a"), sha256="0" * 64).status_code == 403
        assert "Bring a set in" not in client.get(reverse("web:gold-sets")).content.decode()
    assert nothing_stored()
