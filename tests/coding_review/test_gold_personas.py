"""Every persona at every address of gold projects: who is refused learns nothing, and nothing changes by it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client
from django.urls import get_resolver, reverse

from catalog.models import Release
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_exchange import export_gold, import_gold
from coding_review.actions.gold_judging import add_gold_code
from coding_review.errors import NotAllowed
from coding_review.gold.queries import overrulings_for
from coding_review.models import (
    Adjudication,
    AuditEvent,
    Codebook,
    GoldAddition,
    GoldChart,
    GoldJudgement,
    GoldProject,
    GoldReader,
    GoldReading,
    GoldReply,
    GoldRuling,
    GoldSet,
    GoldTombstone,
)
from tests.coding_review.gold_rows import adjudicated, lines
from tests.gold_steps import study
from tests.personas import MakeEncounter

PERSONAS = (
    "coder",
    "other_coder",
    "lead",
    "expert",
    "adjudicator",
    "auditor",
    "privacy_officer",
    "admin",
    "outsider",
)
MANAGE = {"lead", "admin"}
OVERSEE = {"lead", "admin", "auditor", "adjudicator"}
ROWS: tuple[type[models.Model], ...] = (
    Codebook, GoldProject, GoldReader, GoldChart, GoldReading, GoldJudgement, GoldAddition, Adjudication, GoldRuling,
    GoldReply, GoldSet, GoldTombstone,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """A project that is read (an open reading of the coder's), one that is adjudicated, and an outside set."""

    project: int
    chart: int
    reading: int
    addition: int
    closed: int
    closed_chart: int
    adjudication: int
    ruling: int
    gold_set: int


@pytest.fixture
def stage(
    icd10cm: Release, lead: User, coder: User, expert: User, adjudicator: User, make_encounter: MakeEncounter
) -> Stage:
    closed = adjudicated(lead, coder, expert, adjudicator, make_encounter)
    running = study(make_encounter, lead, coder, expert, name="Read now")
    reading = next_gold_chart(coder, running.project.pk)
    addition = add_gold_code(coder, reading.pk, code="R06.02", selections=lines(reading, 2))
    line = b'{"id": "a", "text": "Pneumonia.", "codes": [{"code": "J18.9", "lines": [1]}]}'
    outside = import_gold(lead, [line], name="Outside", purpose="evaluation")
    return Stage(
        project=running.project.pk,
        chart=running.charts[0].pk,
        reading=reading.pk,
        addition=addition.pk,
        closed=closed.project.pk,
        closed_chart=closed.charts[0].pk,
        adjudication=Adjudication.objects.get().pk,
        ruling=overrulings_for(coder, closed.project)[0].ruling_id,
        gold_set=outside.pk,
    )


# Address, its arguments by the names of Stage, method, who gets through, body.
TABLE: tuple[tuple[str, str, str, set[str], dict[str, Any]], ...] = (
    ("gold-projects", "", "GET", set(PERSONAS), {}),
    ("gold-new", "", "GET", MANAGE, {}),
    ("gold-new", "", "POST", MANAGE, {"preset": "full", "name": "Mine"}),
    ("gold-sets", "", "GET", OVERSEE | {"expert"}, {}),
    ("gold-set", "gold_set", "GET", OVERSEE | {"expert"}, {}),
    ("gold-set-export", "gold_set", "POST", {"lead", "auditor", "adjudicator"}, {}),
    ("gold-set-withdraw", "gold_set", "POST", MANAGE, {"chart": "a", "reason": "mine"}),
    ("gold-import", "", "GET", MANAGE, {}),
    (
        "gold-import",
        "",
        "POST",
        MANAGE,
        {"name": "Mine", "purpose": "train", "kind": "gold", "file": "{file}"},
    ),
    ("gold-project", "project", "GET", OVERSEE | {"coder", "expert"}, {}),
    ("gold-agreement", "project", "GET", OVERSEE, {}),
    ("gold-reader-add", "project", "POST", MANAGE, {"user": "{other_coder}", "profession": "coder"}),
    ("gold-sample", "project", "POST", MANAGE, {"size": "1", "purpose": "study"}),
    ("gold-labels", "project", "GET", MANAGE, {}),
    ("gold-labels", "project", "POST", MANAGE, {"file": "{file}"}),
    ("gold-seed", "project", "POST", MANAGE, {}),
    ("gold-codebook", "project", "POST", MANAGE, {"text": "Mine.", "change_note": "All of it."}),
    ("gold-open", "project", "POST", MANAGE, {}),
    ("gold-close-reading", "project", "POST", MANAGE, {}),
    ("gold-freeze", "closed", "POST", {"admin", "adjudicator"}, {"purpose": "evaluation"}),
    ("gold-withdraw-chart", "chart", "POST", MANAGE, {"reason": "mine"}),
    ("gold-next", "project", "POST", {"coder", "expert"}, {}),
    ("gold-reading", "reading", "GET", {"coder"}, {}),
    ("gold-judge", "reading 1", "POST", {"coder"}, {"action": "approve", "version": "0"}),
    ("gold-pick", "reading", "POST", {"coder"}, {"purpose": "add", "q": "dyspnea"}),
    ("gold-add", "reading", "POST", {"coder"}, {"code": "icd10cm:J18.9", "line_start": "5", "document": "1"}),
    ("gold-withdraw-addition", "reading addition", "POST", {"coder"}, {}),
    ("gold-finish", "reading", "POST", {"coder"}, {}),
    ("gold-adjudicate-next", "closed", "POST", {"adjudicator"}, {}),
    ("gold-adjudication", "closed closed_chart", "GET", {"adjudicator"}, {}),
    (
        "gold-rule",
        "adjudication",
        "POST",
        {"adjudicator"},
        {"system": "icd10cm", "code": "N18.32", "ruling": "keep"},
    ),
    ("gold-rule-undo", "adjudication", "POST", {"adjudicator"}, {}),
    ("gold-close", "adjudication", "POST", {"adjudicator"}, {}),
    ("gold-overruled", "closed", "GET", {"coder", "expert"}, {}),
    ("gold-reply", "ruling", "POST", {"coder"}, {"comment": "No."}),
)


def test_the_table_names_every_address() -> None:
    patterns = get_resolver("coding_review.web.gold_urls").url_patterns
    assert {row[0] for row in TABLE} == {pattern.name for pattern in patterns}


def kept() -> str:
    """All rows of gold projects, and how many events tell of acts."""
    state = [list(model._default_manager.order_by("pk").values_list()) for model in ROWS]
    events = AuditEvent.objects.filter(type__startswith="gold.").count()
    return hashlib.sha256(repr((state, events)).encode()).hexdigest()


@pytest.mark.parametrize("name", PERSONAS)
def test_who_is_refused_changes_nothing(
    stage: Stage, name: str, request: pytest.FixtureRequest, client: Client
) -> None:
    user = request.getfixturevalue(name)
    other = request.getfixturevalue("other_coder")
    client.force_login(user)
    before = kept()
    for address, arguments, method, through, body in TABLE:
        values = [getattr(stage, each) if each.isidentifier() else int(each) for each in arguments.split()]
        url = reverse(f"web:{address}", args=values)
        sent = {key: str(other.pk) if value == "{other_coder}" else value for key, value in body.items()}
        if "file" in sent:
            sent["file"] = SimpleUploadedFile("labels.jsonl", b'{"id": "x", "codes": []}')
        if name in through:
            if method == "GET":
                assert client.get(url).status_code == 200, address
            continue
        answer = client.get(url) if method == "GET" else client.post(url, sent)
        assert answer.status_code in (403, 404), (address, answer.status_code)
        told = answer.content.decode()
        for secret in ("Acute on chronic", "title of I50.23", "Quintero"):
            assert secret not in told, address
        assert kept() == before, address


@pytest.mark.parametrize("name", [n for n in PERSONAS if n not in ("lead", "auditor", "adjudicator")])
def test_who_may_not_export_gets_no_byte(stage: Stage, name: str, request: pytest.FixtureRequest) -> None:
    user, out = request.getfixturevalue(name), io.BytesIO()
    before = kept()
    with pytest.raises(NotAllowed):
        export_gold(user, stage.gold_set, out=out)
    assert out.getvalue() == b""
    assert kept() == before


def test_the_api_tells_of_gold_projects_the_agreement_alone() -> None:
    """Readings go by pages alone: what a token opens cannot tell one reader of another."""
    names = {str(pattern.pattern) for pattern in get_resolver("coding_review.api.urls").url_patterns}
    assert [name for name in names if "gold" in name] == ["gold-projects/<int:project_id>/agreement/"]
