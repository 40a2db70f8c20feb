"""What somebody might try on gold pages: twice, from an old page, with markup, with too much, with another's ids."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Release
from coding_review.actions.gold_adjudication import rule_on_code, start_adjudication
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.gold_freeze import freeze_gold_set
from coding_review.actions.gold_project import add_codebook_version, close_gold_reading, set_codebook
from coding_review.errors import InvalidImport, WrongStatus
from coding_review.models import (
    AuditEvent,
    GoldAddition,
    GoldJudgement,
    GoldReading,
    GoldRuling,
    GoldSet,
)
from tests.coding_review.gold_rows import DYSPNEA, Study, adjudicated, open_study, read_chart
from tests.personas import NOTE, MakeEncounter

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
MIB = 1 << 20


@pytest.fixture
def study(icd10cm: Release, lead: User, coder: User, expert: User, make_encounter: MakeEncounter) -> Study:
    return open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")], count=2)


def post(client: Client, name: str, *ids: int, **body: Any) -> Any:
    return client.post(reverse(f"web:{name}", args=ids), body)


def test_another_readers_reading_stays_closed_after_adjudication_too(
    icd10cm: Release, lead: User, coder: User, expert: User, adjudicator: User, make_encounter: MakeEncounter,
    client: Client,
) -> None:  # fmt: skip
    study = adjudicated(lead, coder, expert, adjudicator, make_encounter)
    mine, others = GoldReading.objects.get(reader__user=coder), GoldReading.objects.get(reader__user=expert)
    freeze_gold_set(adjudicator, study.project.pk, purpose="evaluation")
    for user, own, foreign in ((coder, mine, others), (expert, others, mine)):
        client.force_login(user)
        assert client.get(reverse("web:gold-reading", args=[own.pk])).status_code == 200
        assert client.get(reverse("web:gold-reading", args=[foreign.pk])).status_code == 404
    # The adjudicator reads them side by side and without names, never as a reader's own page.
    client.force_login(adjudicator)
    assert client.get(reverse("web:gold-reading", args=[mine.pk])).status_code == 404


def test_forms_sent_twice_act_once(study: Study, coder: User, client: Client) -> None:
    client.force_login(coder)
    for _ in range(2):
        assert post(client, "gold-next", study.project.pk).status_code == 302
    reading = GoldReading.objects.get(reader__user=coder)
    version = reading.chart.documents.get().pk
    for place in (1, 2, 3):
        for _ in range(2):
            post(client, "gold-judge", reading.pk, place, action="approve", version="0")
    assert GoldJudgement.objects.filter(label__isnull=False).count() == 3
    added = [
        post(
            client, "gold-add", reading.pk, code="icd10cm:R06.02", document=version, line_start=2
        ).status_code
        for _ in range(2)
    ]
    assert (added, GoldAddition.objects.count()) == ([302, 422], 1)
    finished = [post(client, "gold-finish", reading.pk, then="stop").status_code for _ in range(2)]
    assert finished == [302, 409]
    assert AuditEvent.objects.filter(type="gold.reading_finished").count() == 1


def test_an_old_page_overwrites_nothing(study: Study, coder: User, client: Client) -> None:
    client.force_login(coder)
    reading = next_gold_chart(coder, study.project.pk)
    post(client, "gold-judge", reading.pk, 1, action="approve", version="0")
    late = post(client, "gold-judge", reading.pk, 1, action="undecidable", version="0")
    assert late.status_code == 409
    assert "judged since your page was made" in late.content.decode()
    assert [j.verdict for j in GoldJudgement.objects.all()] == ["approve"]


def test_markup_in_words_is_shown_as_words(
    study: Study, lead: User, coder: User, expert: User, adjudicator: User, client: Client
) -> None:
    book = add_codebook_version(lead, name=study.project.codebook.name, text=MARKUP, change_note=MARKUP)
    set_codebook(lead, study.project.pk, book.pk)
    client.force_login(coder)
    reading = next_gold_chart(coder, study.project.pk)
    post(client, "gold-judge", reading.pk, 1, action="reject", reason="other", comment=MARKUP, version="0")
    pages = [
        reverse("web:gold-reading", args=[reading.pk]),
        reverse("web:gold-project", args=[study.project.pk]),
    ]
    for place in (2, 3):
        post(client, "gold-judge", reading.pk, place, action="approve", version="0")
    post(client, "gold-finish", reading.pk)
    drawn = [client.get(page).content.decode() for page in pages]
    read_chart(coder, study.project, {})
    for _ in range(2):
        read_chart(expert, study.project, {})
    close_gold_reading(lead, study.project.pk)
    begun = start_adjudication(adjudicator, reading.chart_id)
    code = GoldJudgement.objects.get(verdict="reject").label.code  # type: ignore[union-attr]
    rule_on_code(adjudicator, begun.pk, code=code, ruling="keep", comment=MARKUP)
    client.force_login(adjudicator)
    address = reverse("web:gold-adjudication", args=[study.project.pk, reading.chart_id])
    drawn.append(client.get(address).content.decode())
    for body in drawn:
        assert "&lt;script&gt;alert(1)" in body
        assert "<script>alert" not in body
        assert "<img src=x" not in body


def test_a_comment_of_a_mebibyte_is_refused(study: Study, coder: User, client: Client) -> None:
    client.force_login(coder)
    reading = next_gold_chart(coder, study.project.pk)
    answer = post(client, "gold-judge", reading.pk, 1, action="approve", comment="x" * MIB, version="0")
    assert answer.status_code == 422
    assert len(answer.content) < MIB
    assert not GoldJudgement.objects.exists()


def test_evidence_lies_in_the_charts_own_documents(study: Study, coder: User, client: Client) -> None:
    client.force_login(coder)
    reading = next_gold_chart(coder, study.project.pk)
    foreign = study.charts[1].documents.get().pk
    answer = post(client, "gold-add", reading.pk, code="icd10cm:R06.02", document=foreign, line_start=2)
    assert answer.status_code == 422
    assert "does not belong to this chart" in answer.content.decode()
    assert not GoldAddition.objects.exists()


def test_nothing_is_frozen_while_somebody_reads(
    study: Study, coder: User, adjudicator: User, client: Client
) -> None:
    next_gold_chart(coder, study.project.pk)
    client.force_login(adjudicator)
    assert post(client, "gold-freeze", study.project.pk, purpose="evaluation").status_code == 409
    with pytest.raises(WrongStatus):
        freeze_gold_set(adjudicator, study.project.pk, purpose="evaluation")
    study.project.refresh_from_db()
    assert (study.project.status, GoldSet.objects.count()) == ("open", 0)


def test_lines_of_a_mebibyte_come_into_a_set_or_are_named(lead: User) -> None:
    text = "\n".join(["Pneumonia of the left lower lobe."] * 20_000)[: MIB - 200]
    row = {"id": "a", "text": text, "codes": [{"code": "J18.9", "lines": [1]}]}
    gold_set = import_gold(lead, [json.dumps(row).encode()], name="Large", purpose="evaluation")
    assert gold_set.charts.get().lines == text.count("\n") + 1
    with pytest.raises(InvalidImport) as refused:
        import_gold(lead, [b"{" + b"x" * MIB], name="Larger", purpose="evaluation")
    assert len(json.dumps(refused.value.data)) < 1000
    assert GoldSet.objects.count() == 1


def test_no_text_of_a_note_is_logged(
    study: Study, lead: User, coder: User, expert: User, adjudicator: User, client: Client,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    client.force_login(coder)
    reading = next_gold_chart(coder, study.project.pk)
    version = reading.chart.documents.get().pk
    quote = {"document": version, "line_start": 3, "line_end": 3, "col_start": 0, "col_end": 9}
    # A quote that does not match, a code that does not exist, a comment too long: each is refused with words at hand.
    post(client, "gold-add", reading.pk, code="icd10cm:R06.02", quote="Acute on chronic", **quote)
    post(client, "gold-add", reading.pk, code="icd10cm:X99", document=version, line_start=3)
    post(client, "gold-pick", reading.pk, purpose="add", q="Acute on chronic systolic heart failure")
    post(client, "gold-judge", reading.pk, 1, action="reject", reason="other", comment="Marisol " * 200)
    client.get(reverse("web:gold-reading", args=[reading.pk + 99]))
    for user in (coder, expert):
        for _ in range(2):
            read_chart(user, study.project, {"N18.32": "reject"} if user == coder else {}, [DYSPNEA])
    close_gold_reading(lead, study.project.pk)
    begun = start_adjudication(adjudicator, reading.chart_id)
    client.force_login(adjudicator)
    body = {"system": "icd10cm", "code": "N18.32", "ruling": "keep", "evidence": "selected"}
    post(client, "gold-rule", begun.pk, **body, **quote, quote="Acute on chronic")
    assert not GoldRuling.objects.exists()
    said = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("django.db")
    )
    assert "Not Found: /gold/reading/" in said
    for words in (*NOTE.splitlines()[1:5], "Acute on chronic", "Marisol"):
        assert words not in said
