"""Every address of the API for every role: who may, who may not, and that a refusal changed nothing."""

from __future__ import annotations

from typing import Any

import pytest

from coding_review.api.urls import urlpatterns
from coding_review.models import Encounter
from tests.coding_review.api_cases import Case, case, client_of, everything, refused

__all__ = ["case"]
pytestmark = pytest.mark.django_db

INSIDERS = ("coder", "other_coder", "lead", "expert", "auditor", "admin", "privacy_officer")
READERS = {"coder", "other_coder", "lead", "expert"}
WORKLIST = READERS | {"auditor", "admin"}
HISTORY = READERS | {"auditor", "privacy_officer"}
CODERS = {"coder", "other_coder", "lead"}
IMPORTERS = {"lead", "admin"}
QUEUERS = {"lead", "admin"}
EVALUATION = {"lead", "expert", "auditor", "admin"}

OVERRIDE = {"check": "excludes1", "codes": ["E10.9", "E11.9"], "outcome": "unrelated", "comment": "x"}
DECIDE = {"action": "accept", "version": 0}
# name, method, address, body, who has the right
ENDPOINTS: tuple[tuple[str, str, str, Any, set[str]], ...] = (
    ("encounters", "get", "/api/encounters/", None, WORKLIST),
    ("encounters", "post", "/api/encounters/", [{}], IMPORTERS),
    ("encounter", "get", "/api/encounters/{encounter}/", None, WORKLIST),
    ("document-list", "get", "/api/encounters/{encounter}/documents/", None, READERS),
    ("document-text", "get", "/api/encounters/{encounter}/documents/{version}/", None, READERS),
    ("encounter-take", "post", "/api/encounters/{encounter}/take/", {}, CODERS),
    ("encounter-hold", "post", "/api/encounters/{encounter}/hold/", {"reason": "pending_result"}, CODERS),
    ("encounter-resume", "post", "/api/encounters/{encounter}/resume/", {}, CODERS),
    ("encounter-skip", "post", "/api/encounters/{encounter}/skip/", {"reason": "needs_lead"}, CODERS),
    ("encounter-predict", "post", "/api/encounters/{encounter}/predict/", {}, QUEUERS),
    (
        "encounter-cancel-prediction",
        "post",
        "/api/encounters/{encounter}/cancel-prediction/",
        {},
        QUEUERS,
    ),
    ("code-set", "get", "/api/code-sets/{code_set}/", None, WORKLIST),
    ("suggestions", "get", "/api/code-sets/{code_set}/suggestions/", None, HISTORY),
    ("decisions", "get", "/api/code-sets/{code_set}/decisions/", None, HISTORY),
    ("lines", "get", "/api/code-sets/{code_set}/lines/", None, HISTORY),
    ("code-add", "post", "/api/code-sets/{code_set}/codes/", {"code": "I10"}, CODERS),
    ("findings", "get", "/api/code-sets/{code_set}/findings/", None, HISTORY),
    ("finding-override", "post", "/api/code-sets/{code_set}/findings/override/", OVERRIDE, CODERS),
    ("finding-withdraw", "post", "/api/code-sets/{code_set}/findings/withdraw/", {"override": 1}, CODERS),
    ("undo", "post", "/api/code-sets/{code_set}/undo/", {}, CODERS),
    ("redo", "post", "/api/code-sets/{code_set}/redo/", {}, CODERS),
    ("sign-off", "post", "/api/code-sets/{code_set}/sign-off/", {"revision": 0}, CODERS),
    ("reopen", "post", "/api/code-sets/{code_set}/reopen/", {"reason": "audit"}, CODERS),
    ("entry-decide", "post", "/api/entries/{entry}/decide/", DECIDE, CODERS),
    ("entry-line", "post", "/api/entries/{entry}/line/", {"version": 0, "role": "secondary"}, CODERS),
    ("metrics", "get", "/api/metrics/", None, QUEUERS),
    # Of runs and projects that are not there; those that are: test_api_evaluation.py.
    ("evaluations", "get", "/api/evaluations/", None, EVALUATION),
    ("evaluation", "get", "/api/evaluations/999999/", None, EVALUATION),
    ("evaluation-charts", "get", "/api/evaluations/999999/charts/", None, EVALUATION),
    ("gold-agreement", "get", "/api/gold-projects/999999/agreement/", None, set(INSIDERS)),
)
# Open to everyone who is signed in (the token: to everyone with a password).
FOR_ALL = {"token", "schema", "docs", "no-such-address"}
OF_AN_OBJECT = [e for e in ENDPOINTS if "{" in e[2]]
IDS = [f"{e[1]} {e[0]}" for e in ENDPOINTS]
# What the owner of an encounter in review is answered, where it is not 200.
OWNER_STATUS = {"lines": 409, "undo": 409, "redo": 409, "sign-off": 409, "reopen": 409, "code-add": 422}
OWNER_STATUS |= {"finding-override": 409, "finding-withdraw": 422}
OWNER_STATUS |= {"evaluation": 404, "evaluation-charts": 404, "gold-agreement": 404}
OWNER_STATUS |= {"entry-line": 422, "encounter-resume": 409}


def call(client: Any, method: str, url: str, body: Any) -> Any:
    return client.get(url) if method == "get" else client.post(url, body, format="json")


def test_every_address_is_in_the_table() -> None:
    assert {p.name for p in urlpatterns} == {e[0] for e in ENDPOINTS} | FOR_ALL


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
def test_anonymous_is_told_to_sign_in(case: Case, endpoint: Any) -> None:
    _, method, url, body, _ = endpoint
    before = everything()
    response = call(client_of(None), method, case.url(url), body)
    refused(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Token"
    assert response["Cache-Control"] == "no-store"
    assert everything() == before


@pytest.mark.parametrize("endpoint", OF_AN_OBJECT, ids=[f"{e[1]} {e[0]}" for e in OF_AN_OBJECT])
def test_an_outsider_finds_nothing(case: Case, outsider: Any, endpoint: Any) -> None:
    """The answer to an object of others is word for word that to one that does not exist."""
    _, method, url, body, _ = endpoint
    client = client_of(outsider)
    before = everything()
    response = call(client, method, case.url(url), body)
    nothing = call(client, method, url.format(encounter=9**9, code_set=9**9, entry=9**9, version=9**9), body)
    assert refused(response, 404, "not_found") == refused(nothing, 404, "not_found")
    assert everything() == before


def test_an_outsiders_list_is_empty(case: Case, outsider: Any) -> None:
    body = client_of(outsider).get("/api/encounters/").json()
    assert body == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize("who", INSIDERS)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
def test_each_role_may_what_its_rights_say(case: Case, request: Any, endpoint: Any, who: str) -> None:
    name, method, url, body, allowed = endpoint
    client = client_of(request.getfixturevalue(who))
    before = everything()
    response = call(client, method, case.url(url), body)
    if who not in allowed:
        refused(response, 403, "not_allowed")
        assert everything() == before
    elif method == "get":
        assert response.status_code == OWNER_STATUS.get(name, 200)
    elif name == "encounters":
        assert (response.status_code, response.json()["refused"]) == (207, 1)
        assert everything() == before
    elif who == "coder":
        expected = OWNER_STATUS.get(name, 200)
        assert response.status_code == expected, response.content
        if expected != 200:
            assert everything() == before
    else:
        # They have the right to code, but this encounter is someone else's.
        # Or nothing of it failed, waits or is at work.
        refusals = ("encounter-resume", "encounter-predict", "encounter-cancel-prediction")
        code = "wrong_status" if name in refusals else "not_yours"
        refused(response, 409, code)
        assert everything() == before


@pytest.mark.parametrize("label", ["restricted", "very_restricted"])
def test_a_label_above_the_ceiling_hides_the_encounter(case: Case, coder: Any, lead: Any, label: str) -> None:
    Encounter.objects.filter(pk=case.encounter.pk).update(confidentiality=label)
    for _, method, url, body, _ in OF_AN_OBJECT:
        refused(call(client_of(coder), method, case.url(url), body), 404, "not_found")
    assert client_of(coder).get("/api/encounters/").json()["results"] == []
    assert [e["id"] for e in client_of(lead).get("/api/encounters/").json()["results"]] == [case.encounter.pk]


@pytest.mark.parametrize(
    "url",
    ["/api/encounters/{encounter}", "/api/nothing/", "/api/encounters/-1/", "/api/"],
)
def test_an_unknown_address_is_a_problem_not_a_page(case: Case, coder: Any, url: str) -> None:
    for method in ("get", "post", "put", "patch", "delete"):
        response = getattr(client_of(coder), method)(case.url(url))
        refused(response, 404, "not_found")
    refused(client_of(None).get(case.url(url)), 401, "not_authenticated")


def test_an_id_that_no_row_can_have_finds_nothing(coder: Any) -> None:
    refused(client_of(coder).get(f"/api/code-sets/{10**30}/"), 404, "not_found")


def test_a_method_that_is_not_there_is_named(case: Case, coder: Any) -> None:
    response = client_of(coder).delete(case.url("/api/encounters/{encounter}/"))
    refused(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_only_json_is_taken_and_given(case: Case, coder: Any) -> None:
    client = client_of(coder)
    before = everything()
    url = case.url("/api/entries/{entry}/decide/")
    refused(client.post(url, DECIDE, format="multipart"), 415, "unsupported_media_type")
    refused(client.get("/api/encounters/", headers={"Accept": "text/html"}), 406, "not_acceptable")
    assert everything() == before
