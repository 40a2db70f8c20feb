"""The auditor's page: what it lists, to whom, what it tells the audit log, and what it exports."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from coding_review.models import AuditEvent, Decision, Encounter, WorkGroup
from coding_review.web.audit import PAGE_SIZE
from tests.coding_review.decision_rows import entry_state, make_decision

MakeEncounter = Callable[..., Encounter]
START = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def plain_static(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def made(
    make_encounter: MakeEncounter, coder: User, other_coder: User, other_work_group: WorkGroup
) -> list[Decision]:
    """Three on one encounter, oldest first, and one that is another facility's."""
    encounter = make_encounter(on=None)
    return [
        make_decision(
            encounter, coder, START, comment="see line 3", quotes=("systolic heart failure",), rank_shown=3,
            band_shown="high", confidence_shown=0.934, engine="embedded", model_version="2026.11",
            release_name="ICD-10-CM FY2026 April",
        ),
        make_decision(
            encounter, other_coder, START + timedelta(days=1), action="modify", before="E11.9", after="E11.22",
            reason="not_specific", state_after=entry_state("E11.22", "modified"),
        ),
        make_decision(
            encounter, coder, START + timedelta(days=2), action="reject", before="J18.9", after="J18.9",
            reason="negated", evidence_place={},
        ),
        make_decision(make_encounter(on=None, group=other_work_group), None, START + timedelta(days=3), after="Z99.9"),
    ]  # fmt: skip


def search(client: Client, **filters: object) -> tuple[int, list[int], str]:
    """Status, ids of the decisions listed in their order, and the page."""
    response = client.get(reverse("web:audit"), filters)
    page = response.content.decode()
    return response.status_code, [int(pk) for pk in re.findall(r"decision=(\d+)#d", page)], page


def searches() -> list[dict[str, Any]]:
    return list(
        AuditEvent.objects.filter(type="audit.searched").order_by("pk").values_list("data", flat=True)
    )


def test_a_code_of_the_coders_own_has_no_rank(
    client: Client, make_encounter: MakeEncounter, coder: User, auditor: User
) -> None:
    encounter = make_encounter(on=None)
    make_decision(encounter, coder, START, action="add", after="99214", rank_shown=1_000_000)
    client.force_login(auditor)
    _, ids, page = search(client)
    assert len(ids) == 1
    assert "99214" in page
    assert "rank" not in page


def test_lists_the_decisions_of_the_own_work_groups(
    client: Client, made: list[Decision], auditor: User
) -> None:
    client.force_login(auditor)
    status, ids, page = search(client)
    assert (status, ids) == (200, [made[2].pk, made[1].pk, made[0].pk])
    assert "Z99.9" not in page
    for shown in (
        "R-coder", "R-other_coder", "Accepted", "Modified", "Rejected", "was E11.9",
        "Context: negated", "Criteria insufficient: specificity, laterality or type not documented",
        "document 4 v2, lines 12–14", "rank 3, HIGH, 0.93", "assistance: Full", "embedded 2026.11",
        "ICD-10-CM FY2026 April", "2026-06-03",
    ):  # fmt: skip
        assert shown in page, shown
    for hidden in ("see line 3", "systolic", "Quintero", "MRN-"):
        assert hidden not in page
    encounter = made[0].reading.code_set.encounter_id
    assert f'href="/encounters/{encounter}/history/?decision={made[0].pk}#d{made[0].pk}"' in page


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"first": "2026-06-02"}, [2, 1]),
        ({"last": "2026-06-02"}, [1, 0]),
        ({"first": "2026-06-02", "last": "2026-06-02"}, [1]),
        ({"code": "E11"}, [1]),
        ({"code": "J18.9", "action": "accept"}, []),
        ({"action": "reject"}, [2]),
        ({"reason": "context"}, [2]),
        ({"reason": "not_specific"}, [1]),
    ],
)
def test_filters(
    client: Client, made: list[Decision], auditor: User, filters: dict[str, str], found: list[int]
) -> None:
    client.force_login(auditor)
    status, ids, page = search(client, **filters)
    assert (status, ids) == (200, [made[index].pk for index in found])
    assert ("No decision found" in page) == (not found)


def test_filter_by_a_reviewer_of_the_own_groups(
    client: Client, made: list[Decision], auditor: User, other_coder: User, outsider: User
) -> None:
    client.force_login(auditor)
    assert search(client, reviewer=other_coder.pk)[1] == [made[1].pk]
    status, ids, page = search(client, reviewer=outsider.pk)
    assert (status, ids) == (200, [])
    assert "R-outsider" not in page
    assert "Select a valid choice" in page


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"first": "June"}, "Enter a valid date."),
        ({"first": "2026-06-02", "last": "2026-06-01"}, "The last day is before the first."),
        ({"action": "eat"}, "Select a valid choice."),
    ],
)
def test_a_search_that_makes_no_sense_is_not_run(
    client: Client, made: list[Decision], auditor: User, filters: dict[str, str], message: str
) -> None:
    client.force_login(auditor)
    status, ids, page = search(client, **filters)
    assert (status, ids) == (200, [])
    assert message in page
    assert searches() == []


def test_each_distinct_search_is_told_once(client: Client, made: list[Decision], auditor: User) -> None:
    client.force_login(auditor)
    for filters in ({}, {"code": "E11"}, {"code": "E11", "before": made[1].pk}, {}, {"code": "E11"}):
        search(client, **filters)
    assert searches() == [{"rows": 3, "filters": {}}, {"rows": 1, "filters": {"code": "E11"}}]
    client.logout()
    client.force_login(auditor)
    search(client, code="E11")
    assert len(searches()) == 3


def test_pages_follow_each_other_without_gap_or_repetition(
    client: Client, make_encounter: MakeEncounter, auditor: User, coder: User
) -> None:
    encounter = make_encounter(on=None)
    # All at the same moment: the key must still tell them apart.
    made = [make_decision(encounter, coder, START).pk for _ in range(2 * PAGE_SIZE + 1)]
    client.force_login(auditor)
    listed: list[int] = []
    address = {"code": "I50"}
    for size in (PAGE_SIZE, PAGE_SIZE, 1):
        _, ids, page = search(client, **address)
        assert len(ids) == size
        listed += ids
        older = re.search(r'href="\?([^"]+)" rel="next"', page)
        if older:
            address = dict(part.split("=") for part in older[1].replace("&amp;", "&").split("&"))
    assert older is None
    assert listed == sorted(made, reverse=True)
    assert len(searches()) == 1


def test_the_number_of_queries_does_not_grow(
    client: Client, made: list[Decision], auditor: User, django_assert_max_num_queries: Any
) -> None:
    client.force_login(auditor)
    search(client)
    with django_assert_max_num_queries(20):
        search(client)


@pytest.mark.parametrize("name", ["coder", "lead", "expert", "admin", "outsider"])
def test_who_may_not_search(
    client: Client, made: list[Decision], request: pytest.FixtureRequest, name: str
) -> None:
    client.force_login(request.getfixturevalue(name))
    status, ids, page = search(client)
    assert (status, ids) == (403, [])
    assert "This needs the right: search the audit log." in page
    assert searches() == []


# --- Export --------------------------------------------------------------------------------------------------


def export(client: Client, **fields: object) -> Any:
    return client.post(reverse("web:audit-export"), fields)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_the_export_is_what_is_shown_with_its_hash(
    client: Client, made: list[Decision], auditor: User, format: str
) -> None:
    client.force_login(auditor)
    response = export(client, format=format, code="E11", first="2026-06-01")
    assert (response.status_code, response["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        name, beside = sorted(archive.namelist())
        data, said = archive.read(name), archive.read(beside).decode()
    digest = hashlib.sha256(data).hexdigest()
    assert re.fullmatch(rf"decisions-\d{{8}}T\d{{6}}Z\.{format}", name)
    assert (beside, said) == (f"{name}.sha256", f"{digest}  {name}\n")
    assert response["X-Content-SHA256"] == digest
    assert data.count(b"\n") == (2 if format == "csv" else 1)
    assert str(made[1].pk).encode() in data
    event = AuditEvent.objects.get(type="audit.exported")
    assert event.actor == auditor
    assert event.data == {
        "filters": {"from": "2026-06-01", "code": "E11"}, "format": format, "rows": 1, "sha256": digest,
        "with_text": False,
    }  # fmt: skip


def test_text_needs_its_own_right(
    client: Client, made: list[Decision], auditor: User, privacy_officer: User
) -> None:
    client.force_login(auditor)
    assert 'name="with_text"' not in search(client)[2]
    assert export(client, format="jsonl", with_text="on").status_code == 403
    assert not AuditEvent.objects.filter(type="audit.exported").exists()
    client.force_login(privacy_officer)
    assert 'name="with_text"' in search(client)[2]
    response = export(client, format="jsonl", with_text="on")
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        rows = [json.loads(line) for line in archive.read(archive.namelist()[0]).decode().splitlines()]
    assert rows[-1]["quotes"] == ["systolic heart failure"]
    assert AuditEvent.objects.get(type="audit.exported").data["with_text"] is True


@pytest.mark.parametrize(
    ("fields", "status"), [({}, 422), ({"format": "xlsx"}, 422), ({"format": "csv", "first": "x"}, 422)]
)
def test_an_export_that_makes_no_sense(
    client: Client, made: list[Decision], auditor: User, fields: dict[str, str], status: int
) -> None:
    client.force_login(auditor)
    assert export(client, **fields).status_code == status
    assert client.get(reverse("web:audit-export")).status_code == 405
    assert not AuditEvent.objects.filter(type="audit.exported").exists()


@pytest.mark.parametrize("name", ["coder", "expert", "admin", "outsider"])
def test_who_may_not_export(
    client: Client, made: list[Decision], request: pytest.FixtureRequest, name: str
) -> None:
    client.force_login(request.getfixturevalue(name))
    assert export(client, format="csv").status_code == 403
    assert not AuditEvent.objects.filter(type="audit.exported").exists()


def test_more_than_one_request_carries_is_refused_and_says_how(
    client: Client, made: list[Decision], auditor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coding_review.web.audit.EXPORTED_AT_MOST", 2)
    client.force_login(auditor)
    response = export(client, format="csv")
    assert response.status_code == 422
    assert "have them exported by manage.py export_decisions" in response.content.decode()
    assert not AuditEvent.objects.filter(type="audit.exported").exists()
