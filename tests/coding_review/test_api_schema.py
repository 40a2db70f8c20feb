"""Whatever is sent, the API answers as its schema says: generated requests, valid and invalid.

Every example runs against the WSGI application in this process with the real database and is rolled back, so
that an example found to fail fails again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as generated
from hypothesis import strategies as st
from rest_framework.authtoken.models import Token
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from coding_review.actions.accept import accept
from coding_review.actions.api_token import whole
from coding_review.api.inputs import LINE_CHANGES
from tests.coding_review.api_cases import Case, case
from tests.coding_review.entries import DM
from tests.coding_review.evaluation_rows import stored
from tests.coding_review.gold_rows import TWICE, draft
from tests.generated import examples

__all__ = ["case"]
pytestmark = [pytest.mark.django_db, pytest.mark.slow]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 25


@pytest.fixture(autouse=True)
def _connection_stays() -> Iterator[None]:
    """As Django's test client does: the end of a request must not drop the connection of the test."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


REASONS = {"decide": "negated", "hold": "pending_result", "skip": "needs_lead", "reopen": "audit"}


def operations() -> list[tuple[str, str]]:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return sorted((path, method.upper()) for path, item in paths.items() for method in item)


SCHEMAS: list[Any] = []


def loaded_schema(token: str) -> Any:
    """As the server gives it; asked for once, since it is the same for everyone."""
    if not SCHEMAS:
        headers = {"Authorization": f"Token {token}"}
        address, application = "/api/schema/?format=json", get_wsgi_application()
        SCHEMAS.append(schemathesis.openapi.from_wsgi(address, application, headers=headers))
    return SCHEMAS[0]


def real_words(state: Case, path: str) -> dict[str, Any]:
    """Values that lead further into an action than generated ones."""
    return {
        "version": 1,
        "revision": 1,
        "code": "I50.22",
        "reason": REASONS.get(path.rsplit("/", 2)[1], ""),
        "facility": "TVMC",
        "work_group": "inpatient",
        "document_version": state.version.pk,
        "username": "coder",
        "password": "a-test-Passw0rd",
    }


@pytest.mark.parametrize(("path", "method"), operations(), ids=lambda value: value.strip("/"))
def test_answers_are_what_the_schema_says(
    case: Case, coder: Any, lead: Any, path: str, method: str, settings: Any, tmp_path: Path
) -> None:
    accept(coder, case.code_set.pk, case.entries[DM[0]].pk)
    settings.EVALUATION_DIR = tmp_path / "kept"
    # The lead may bring encounters in and sees figures; everything else is the coder's.
    leads = path in ("/api/encounters/", "/api/metrics/") or path.startswith(
        ("/api/evaluations/", "/api/gold-projects/")
    )
    leads = leads or path.endswith(("/predict/", "/cancel-prediction/"))
    token, _ = Token.objects.get_or_create(user=lead if leads else coder)
    headers = {"Authorization": f"Token {whole(token.key)}"}
    operation = loaded_schema(whole(token.key))[path][method]
    ids = {
        "encounter_id": case.encounter.pk,
        "code_set_id": case.code_set.pk,
        "entry_id": case.entries[DM[0]].pk,
        "version_id": case.version.pk,
        "run_id": stored(tmp_path).pk,
        "project_id": draft(lead, TWICE).pk,
    }
    real = {p.name: ids[p.name] for p in operation.path_parameters}
    words = real_words(case, path)
    statuses: Counter[int] = Counter()
    strategies = [
        *(operation.as_strategy(GenerationMode.POSITIVE, path_parameters=real) for _ in range(3)),
        operation.as_strategy(GenerationMode.POSITIVE),
    ]
    if operation.body or real or operation.query:
        strategies.append(operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=real))

    names = sorted(words)
    some_or_all = st.one_of(st.just(set(names)), st.sets(st.sampled_from(names)))

    @generated(
        examples(EXAMPLES),
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(example=st.one_of(strategies), real_ones=some_or_all)
    def send(example: Any, real_ones: set[str]) -> None:
        if isinstance(example.body, dict):
            example.body |= {name: words[name] for name in real_ones & set(example.body)}
            if "version" in real_ones:
                # Of a line one thing at a time is changed; generated bodies mostly have several.
                for name in [n for n in LINE_CHANGES if n in example.body][1:]:
                    del example.body[name]
        with transaction.atomic():
            response = example.call(headers=headers)
            transaction.set_rollback(True)
        statuses[response.status_code] += 1
        example.validate_response(response, checks=CHECKS)

    send()
    # Not only refusals were seen: what is generated reaches the action.
    assert set(statuses) & REACHED.get((path, method), {200, 201, 409, 422}), statuses


REACHED: dict[tuple[str, str], set[int]] = {("/api/token/", "DELETE"): {204}}
