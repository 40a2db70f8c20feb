"""Whatever stands in a row's text, every page shows it as text; and a page of one endless line is still a page.

Table-driven over the models and the URL configuration: a new field and a new address are among them.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import ProgrammingError, models, transaction
from django.test import Client
from django.urls import reverse

from coding_review.models import Document, DocumentVersion
from tests.coding_review.address_ids import ids
from tests.coding_review.api_cases import Case, case
from tests.coding_review.test_access import EXPECTED

__all__ = ["case", "ids"]
pytestmark = [pytest.mark.django_db, pytest.mark.slow]

HTML = "<img src=x onerror=alert(1)>\"'&"
WRITTEN = (b"<img src=x", b'"\'&"', b"onerror=alert(1)>")
# Identifiers that a rule reads; nobody types them.
IDS = frozenset(
    {"check_id", "question_hash", "code", "suggested_code", "code_before", "code_after", "key", "time_zone"}
)


def typed(model: type[models.Model]) -> list[str]:
    """Fields of free text."""
    return [
        field.attname
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not field.choices
        and not field.primary_key
        and field.attname not in IDS
        and (field.max_length is None or field.max_length > 64)
    ]


def fill() -> set[str]:
    """Every text that may still be changed, in every row there is."""
    filled = set()
    people = [(User, ["first_name", "last_name"])]
    own = [(model, typed(model)) for model in apps.get_app_config("coding_review").get_models()]
    for model, names in people + own:
        for name in names:
            try:
                with transaction.atomic():
                    for row in model._default_manager.all():
                        # Unique where it has to be.
                        model._default_manager.filter(pk=row.pk).update(**{name: f"{HTML}{row.pk}"})
                        filled.add(f"{model.__name__}.{name}")
            except ProgrammingError as error:
                # A trigger keeps it as it was written.
                if "pgtrigger" not in str(error):
                    raise
    return filled


@pytest.mark.parametrize("who", ["coder", "lead", "admin", "auditor", "adjudicator"])
def test_it_is_escaped_on_every_page(ids: dict[str, Any], case: Case, request: Any, who: str) -> None:
    filled = fill()
    assert {"User.first_name", "CodeEntry.title", "CodeEntry.rationale", "Document.type", "Document.author",
            "Encounter.payer", "PatientIdentity.name", "WorkGroup.name", "GoldProject.name"} <= filled  # fmt: skip
    client = Client()
    client.force_login(request.getfixturevalue(who))
    shown = 0
    for name, all_expected in EXPECTED.items():
        for expected in all_expected:
            if expected.method != "GET":
                continue
            kwargs = {argument: ids[source or argument] for argument, source in expected.kwargs.items()}
            response = client.get(reverse(name, kwargs=kwargs))
            assert response.status_code < 500, name
            # The API's schema and the report of an evaluation are files of their own kinds.
            if response.streaming or not response.headers["Content-Type"].startswith("text/html"):
                continue
            assert [each for each in WRITTEN if each in response.content] == [], name
            shown += b"&lt;img src=x" in response.content
    assert shown >= 3


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_line_of_a_mebibyte_is_shown_and_cited(case: Case, coder: User, end: str) -> None:
    words = "Hypertension. "
    text = words + "x" * (1024 * 1024 - len(words) - len(end)) + end
    document = Document.objects.create(encounter=case.encounter, source_id="long", type="progress note")
    version = DocumentVersion.objects.create(
        document=document,
        version=1,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        line_count=len(text.split("\n")),
    )
    client = Client()
    client.force_login(coder)
    page = client.get(
        case.url("/encounters/{encounter}/review/facility_inpatient/"), {"document": version.pk}
    )
    assert page.status_code == 200
    assert page.content.decode().count("x" * 1_000_000) == 1
    place = {
        "document": version.pk,
        "line_start": 1,
        "line_end": 1,
        "col_start": 0,
        "col_end": 12,
        "quote": "Hypertension",
    }
    added = client.post(case.url("/code-sets/{code_set}/add/"), {"code": "icd10cm:I10", **place})
    assert added.status_code == 302
    assert case.code_set.readings.get().entries.get(code="I10").evidence.get().quote == "Hypertension"
