"""Every address of the project for every persona: a new one without a line in EXPECTED fails here.

Who lacks access to an encounter finds nothing (404), who lacks a right is refused (403), who is not signed in
is sent to sign in (302) or told to (401), and none of them changes a row. Methods an address does not have are
answered with 405 before anything is looked up.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from coding_review.models import (
    Encounter,
    RoleAssignment,
)
from coding_review.rules import permissions as p
from tests.coding_review.address_ids import ids
from tests.coding_review.api_cases import case, everything
from tests.coding_review.test_api_access import ENDPOINTS, FOR_ALL

__all__ = ["case", "ids"]
pytestmark = pytest.mark.django_db

SIGNED_IN = "signed in"
PUBLIC = "public"
DONE = frozenset({200, 204, 302})
# Further answers of an action that got past access: this encounter is someone else's, or not in that state.
ACTED = DONE | {409, 422}


@dataclass(frozen=True)
class Expected:
    """`right` is a permission, SIGNED_IN or PUBLIC; `of` the object whose access is checked first, or empty.

    `only`: where more than a right decides (gold projects), the personas that get through; all others are refused
    or find nothing.
    """

    method: str
    right: str
    of: str = ""
    kwargs: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    answers: frozenset[int] = DONE
    only: frozenset[str] | None = None


REFUSED = frozenset({403, 404})


def gold(method: str, of: str, *only: str, bound: bool = False, kwargs: str = "", **body: Any) -> Expected:
    """`bound`: to the encounter that is read, so that its label hides it."""
    arguments = {f"{of}_id": f"gold_{of}"} | ({f"{kwargs}_id": f"gold_{kwargs}"} if kwargs else {})
    answers = DONE if method == "GET" else ACTED
    return Expected(method, SIGNED_IN, of if bound else "", arguments, body, answers, frozenset(only))


OVERSEE = ("lead", "admin", "auditor", "adjudicator")
MANAGE = ("lead", "admin")


def _of(of: str, method: str, right: str, *, more: tuple[str, ...] = (), **body: Any) -> Expected:
    kwargs = {f"{of}_id": of} | dict.fromkeys(more, "")
    return Expected(method, right, of, kwargs, body, DONE if method == "GET" else ACTED)


def encounter(method: str, right: str, *more: str, **body: Any) -> Expected:
    return _of("encounter", method, right, more=more, **body)


def code_set(method: str, right: str, *more: str, **body: Any) -> Expected:
    return _of("code_set", method, right, more=more, **body)


EXPECTED: dict[str, tuple[Expected, ...]] = {
    "web:worklist": (Expected("GET", p.VIEW_WORKLIST),),
    "web:worklist-search": (Expected("POST", p.VIEW_WORKLIST, body={"q": "A20001"}),),
    "web:next": (Expected("POST", p.CODE_ENCOUNTER),),
    "web:encounter": (encounter("GET", p.READ_DOCUMENTS),),
    "web:review": (encounter("GET", p.READ_DOCUMENTS, "claim_type"),),
    "web:encounter-take": (encounter("POST", p.CODE_ENCOUNTER),),
    "web:encounter-hold": (encounter("POST", p.CODE_ENCOUNTER, reason="pending_result"),),
    "web:encounter-resume": (encounter("POST", p.CODE_ENCOUNTER),),
    "web:encounter-skip": (encounter("POST", p.CODE_ENCOUNTER, reason="needs_lead"),),
    "web:encounter-return": (encounter("POST", p.RETURN, reason="audit"),),
    "web:encounter-retry": (encounter("POST", p.QUEUE),),
    "web:encounter-cancel": (encounter("POST", p.QUEUE),),
    "web:encounter-reassign": (encounter("POST", p.REASSIGN, user="{other_coder}"),),
    "web:encounter-history": (encounter("GET", p.VIEW_HISTORY),),
    "web:document-difference": (encounter("GET", p.READ_DOCUMENTS, "document_id", "version"),),
    "web:alert": (_of("alert", "GET", p.READ_DOCUMENTS),),
    "web:alert-seen": (_of("alert", "POST", p.CODE_ENCOUNTER),),
    "web:import": (Expected("GET", p.IMPORT), Expected("POST", p.IMPORT, answers=frozenset({422}))),
    "web:entry-decide": (_of("entry", "POST", p.CODE_ENCOUNTER, action="accept", version="0"),),
    "web:entry-evidence": (_of("entry", "POST", p.CODE_ENCOUNTER, version="0"),),
    "web:entry-set": (_of("entry", "POST", p.CODE_ENCOUNTER, role="secondary", version="0"),),
    "web:entry-add": (code_set("POST", p.CODE_ENCOUNTER, code="icd10cm:I10"),),
    "web:code-pick": (code_set("POST", p.CODE_ENCOUNTER, purpose="add", q="hypertension"),),
    "web:finding-override": (
        code_set("POST", p.CODE_ENCOUNTER, check="excludes1", codes="E11.22", outcome="unrelated"),
    ),
    "web:finding-withdraw": (code_set("POST", p.CODE_ENCOUNTER, override="1"),),
    "web:code-set-undo": (code_set("POST", p.CODE_ENCOUNTER),),
    "web:code-set-redo": (code_set("POST", p.CODE_ENCOUNTER),),
    "web:code-set-dismiss-low": (code_set("POST", p.CODE_ENCOUNTER, revision="0"),),
    "web:code-set-reveal": (code_set("POST", p.CODE_ENCOUNTER),),
    "web:code-set-sign-off": (code_set("POST", p.SIGN_OFF, revision="0"),),
    "web:code-set-reopen": (code_set("POST", p.REOPEN, reason="audit"),),
    "web:code-set-exposures": (code_set("POST", p.CODE_ENCOUNTER),),
    "web:code-set-active": (code_set("POST", p.CODE_ENCOUNTER, seconds="5"),),
    "web:code-set-export": (code_set("POST", p.EXPORT_CODE_SETS, "format"),),
    "web:gold-projects": (Expected("GET", SIGNED_IN),),
    "web:gold-new": (
        Expected("GET", p.MANAGE_GOLD),
        Expected("POST", p.MANAGE_GOLD, body={"preset": "paper"}, answers=frozenset({422})),
    ),
    "web:gold-sets": (Expected("GET", SIGNED_IN, only=frozenset({*OVERSEE, "expert"})),),
    "web:gold-set": (gold("GET", "gold_set", *OVERSEE, "expert"),),
    "web:gold-set-export": (gold("POST", "gold_set", "lead", "auditor", "adjudicator"),),
    "web:gold-set-withdraw": (gold("POST", "gold_set", *MANAGE, chart="chart-1", reason="consent"),),
    "web:gold-import": (
        Expected("GET", p.MANAGE_GOLD),
        Expected("POST", p.MANAGE_GOLD, body={"name": "Outside"}, answers=frozenset({422})),
    ),
    "web:gold-labels": (gold("GET", "project", *MANAGE), gold("POST", "project", *MANAGE)),
    "web:gold-project": (gold("GET", "project", "coder", *OVERSEE),),
    # A reader learns from figures what others said.
    "web:gold-agreement": (gold("GET", "project", *OVERSEE),),
    "web:gold-reader-add": (gold("POST", "project", *MANAGE, user="{other_coder}", profession="coder"),),
    "web:gold-sample": (gold("POST", "project", *MANAGE, size="1", purpose="study"),),
    "web:gold-seed": (gold("POST", "project", *MANAGE),),
    "web:gold-codebook": (gold("POST", "project", *MANAGE, text="Another.", change_note="All of it."),),
    "web:gold-open": (gold("POST", "project", *MANAGE),),
    "web:gold-close-reading": (gold("POST", "project", *MANAGE),),
    "web:gold-freeze": (gold("POST", "project", "admin", "adjudicator", purpose="evaluation"),),
    "web:gold-withdraw-chart": (gold("POST", "chart", "lead", "admin", bound=True, reason="consent"),),
    "web:gold-next": (gold("POST", "project", "coder"),),
    "web:gold-reading": (gold("GET", "reading", "coder", bound=True),),
    "web:gold-judge": (
        Expected(
            "POST",
            SIGNED_IN,
            "reading",
            {"reading_id": "gold_reading", "place": "gold_place"},
            {"action": "approve"},
            ACTED,
            frozenset({"coder"}),
        ),
    ),
    "web:gold-pick": (gold("POST", "reading", "coder", bound=True, purpose="add", q="dyspnea"),),
    "web:gold-add": (gold("POST", "reading", "coder", bound=True, code="icd10cm:R06.02"),),
    "web:gold-withdraw-addition": (gold("POST", "reading", "coder", bound=True, kwargs="addition"),),
    "web:gold-finish": (gold("POST", "reading", "coder", bound=True),),
    "web:gold-adjudicate-next": (gold("POST", "project", "adjudicator"),),
    "web:gold-adjudication": (
        Expected(
            "GET",
            SIGNED_IN,
            "adjudication",
            {"project_id": "gold_closed", "chart_id": "gold_closed_chart"},
            only=frozenset({"adjudicator"}),
        ),
    ),
    "web:gold-rule": (
        gold(
            "POST", "adjudication", "adjudicator", bound=True, system="icd10cm", code="E11.22", ruling="keep"
        ),
    ),
    "web:gold-rule-undo": (gold("POST", "adjudication", "adjudicator", bound=True),),
    "web:gold-close": (gold("POST", "adjudication", "adjudicator", bound=True),),
    "web:gold-overruled": (gold("GET", "project", "coder"),),
    # Nobody was overruled by it.
    "web:gold-reply": (gold("POST", "ruling", comment="No."),),
    "web:checks": (Expected("GET", p.VIEW_CHECKS),),
    "web:models": (Expected("GET", p.VIEW_EVALUATION),),
    "web:drift": (Expected("GET", p.VIEW_EVALUATION),),
    "web:model-version": (Expected("GET", p.VIEW_EVALUATION, kwargs={"version_id": "model_version"}),),
    "web:model-evaluate": (
        Expected("POST", p.RUN_EVALUATION, kwargs={"version_id": "model_version"}, answers=ACTED),
    ),
    **{
        f"web:model-{act}": (
            Expected("POST", p.PROMOTE_MODEL, kwargs={"version_id": "model_version"}, answers=ACTED),
        )
        for act in ("promote", "rollback", "canary", "shadow")
    },
    "web:evaluations": (Expected("GET", p.VIEW_EVALUATION),),
    "web:evaluation-new": (
        Expected("GET", p.RUN_EVALUATION),
        Expected("POST", p.RUN_EVALUATION, answers=frozenset({422})),
    ),
    "web:evaluation-job": (Expected("GET", p.VIEW_EVALUATION, kwargs={"job_id": ""}),),
    "web:evaluation-cancel": (Expected("POST", p.RUN_EVALUATION, kwargs={"job_id": ""}, answers=ACTED),),
    "web:evaluation-compare": (Expected("GET", p.VIEW_EVALUATION),),
    "web:evaluation": (Expected("GET", p.VIEW_EVALUATION, kwargs={"run_id": ""}),),
    "web:evaluation-report": (Expected("GET", p.VIEW_EVALUATION, kwargs={"run_id": ""}),),
    "web:evaluation-chart": (
        Expected("GET", p.VIEW_EVALUATION, kwargs={"run_id": "", "chart_position": ""}),
    ),
    "web:syntheses": (Expected("GET", p.VIEW_TRAINING),),
    "web:synthesis": (Expected("GET", p.VIEW_TRAINING, kwargs={"synthesis_id": ""}),),
    "web:synthesis-new": (
        Expected("GET", p.WRITE_CHARTS),
        Expected("POST", p.WRITE_CHARTS, answers=frozenset({422})),
    ),
    "web:synthesis-cancel": (Expected("POST", p.WRITE_CHARTS, kwargs={"synthesis_id": ""}, answers=ACTED),),
    "web:synthetic-chart": (
        Expected("GET", p.VIEW_TRAINING, kwargs={"synthesis_id": "", "position": "synthetic_position"}),
    ),
    "web:trainings": (Expected("GET", p.VIEW_TRAINING),),
    "web:training-new": (
        Expected("GET", p.TRAIN_MODEL),
        Expected("POST", p.TRAIN_MODEL, answers=frozenset({422})),
    ),
    "web:training": (Expected("GET", p.VIEW_TRAINING, kwargs={"training_id": ""}),),
    "web:training-cancel": (Expected("POST", p.TRAIN_MODEL, kwargs={"training_id": ""}, answers=ACTED),),
    # It is at work: what has not ended is shown as it is.
    "web:training-resume": (
        Expected("POST", p.TRAIN_MODEL, kwargs={"training_id": ""}, answers=frozenset({302})),
    ),
    # It has no result and no file yet.
    "web:training-card": (
        Expected("GET", p.VIEW_TRAINING, kwargs={"training_id": ""}, answers=frozenset({404})),
    ),
    "web:training-script": (
        Expected("GET", p.TRAIN_MODEL, kwargs={"training_id": ""}, answers=frozenset({404})),
    ),
    "web:datasets": (Expected("GET", p.VIEW_TRAINING),),
    "web:dataset-new": (
        Expected("GET", p.BUILD_DATASET),
        Expected("POST", p.BUILD_DATASET, answers=frozenset({422})),
    ),
    "web:dataset-build": (Expected("GET", p.VIEW_TRAINING, kwargs={"build_id": ""}),),
    # Of a build that has not ended.
    "web:dataset-build-go": (
        Expected("POST", p.BUILD_DATASET, kwargs={"build_id": ""}, answers=frozenset({409})),
    ),
    "web:dataset-build-cancel": (Expected("POST", p.BUILD_DATASET, kwargs={"build_id": ""}, answers=ACTED),),
    "web:dataset": (Expected("GET", p.VIEW_TRAINING, kwargs={"dataset_id": ""}),),
    # Built from records of patients: the right to build is not enough, and none of the personas has both.
    "web:dataset-export": (
        Expected(
            "POST", p.BUILD_DATASET, kwargs={"dataset_id": ""}, answers=frozenset({403}), only=frozenset()
        ),
    ),
    "web:audit": (Expected("GET", p.SEARCH_AUDIT),),
    "web:audit-export": (
        Expected("POST", p.EXPORT_DECISIONS, body={"format": "csv", "first": "2026-11-01"}, answers=ACTED),
    ),
    # Who is signed in is sent to their start, whatever the method.
    "web:sign-in": (
        Expected("GET", PUBLIC),
        Expected("POST", PUBLIC),
        Expected("DELETE", PUBLIC, answers=frozenset({302, 405})),
    ),
    "web:sign-out": (Expected("POST", SIGNED_IN),),
    "web:theme": (Expected("POST", PUBLIC, body={"theme": "dark"}),),
    "web:preference": (Expected("POST", SIGNED_IN, body={"single_keys": "off"}),),
    "web:healthz": (Expected("GET", PUBLIC),),
    "codes:search": (Expected("GET", SIGNED_IN),),
    "codes:hits": (Expected("POST", SIGNED_IN, body={"q": "E11"}),),
    "codes:index": (Expected("GET", SIGNED_IN),),
    "codes:index-table": (Expected("GET", SIGNED_IN, kwargs={"kind": ""}),),
    "codes:index-entry": (Expected("GET", SIGNED_IN, kwargs={"kind": "", "entry_id": ""}),),
    "codes:code": (Expected("GET", SIGNED_IN, kwargs={"system": "", "code": ""}),),
    # The API's rights are walked by test_api_access.py, method by method; here it is met as a stranger meets it.
    "api:docs": (Expected("GET", SIGNED_IN),),
    "api:schema": (Expected("GET", SIGNED_IN),),
}
METHODS = ("GET", "POST", "DELETE")
# "API" addresses have their table in test_api_access.py.
API = {f"api:{e[0]}" for e in ENDPOINTS} | {f"api:{name}" for name in FOR_ALL}


def addresses(resolver: Any = None, space: str = "") -> Iterator[str]:
    """namespace:name of every pattern."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, f"{pattern.namespace}:" if pattern.namespace else space)
        else:
            assert isinstance(pattern, URLPattern)
            yield f"{space}{pattern.name}"


def test_every_address_has_an_expectation() -> None:
    found = sorted(addresses())
    assert len(found) == len(set(found))
    assert set(found) == set(EXPECTED) | API


def send(client: Client, name: str, expected: Expected, method: str, ids: dict[str, Any]) -> int:
    """The status; what the request changed is taken back, and the client stays signed in."""
    kwargs = {argument: ids[source or argument] for argument, source in expected.kwargs.items()}
    body = {n: v.format(**ids) if isinstance(v, str) else v for n, v in expected.body.items()}
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        call = getattr(client, method.lower())
        response = call(reverse(name, kwargs=kwargs), body if method == "POST" else {})
        if response.status_code == 302 and response["Location"].startswith("/sign-in/?next="):
            status = 401
        else:
            status = response.status_code
        if response.streaming:
            # Read to its end, which closes the file.
            b"".join(response.streaming_content)
        transaction.set_rollback(True)
    client.cookies = cookies
    return int(status)


def walk(client: Client, ids: dict[str, Any], expect: Any) -> dict[str, tuple[int, Any]]:
    """ "METHOD name" → (status, what was expected), for those that differ."""
    wrong = {}
    for name, all_expected in EXPECTED.items():
        by_method = {e.method: e for e in all_expected}
        for method in METHODS:
            expected = by_method.get(method)
            status = send(client, name, expected or all_expected[0], method, ids)
            wanted = expect(expected, all_expected[0].right)
            if status not in wanted:
                wrong[f"{method} {name}"] = (status, sorted(wanted))
    return wrong


def test_anonymous_is_sent_to_sign_in(ids: dict[str, Any]) -> None:
    """401 stands for the way to the sign-in page here; a method that is not there tells nothing either."""
    before = everything()

    def expect(expected: Expected | None, right: str) -> set[int]:
        if right != PUBLIC:
            return {401}
        return set(expected.answers) if expected else {405}

    assert walk(Client(), ids, expect) == {}
    assert everything() == before


def rights_of(user: User) -> frozenset[str]:
    return p.permissions_of(
        frozenset(RoleAssignment.objects.filter(user=user).values_list("role", flat=True))
    )


def expect_insider(rights: frozenset[str], who: str = "") -> Any:
    def expect(expected: Expected | None, right: str) -> set[int]:
        if expected is None:
            return {405}
        if expected.only is not None:
            return set(expected.answers) if who in expected.only else set(REFUSED)
        return set(expected.answers) if right in rights | {PUBLIC, SIGNED_IN} else {403}

    return expect


def expect_outsider(rights: frozenset[str], who: str = "") -> Any:
    """Nothing of an object that is not theirs, whatever their rights; elsewhere as everyone."""
    insider = expect_insider(rights, who)

    def expect(expected: Expected | None, right: str) -> set[int]:
        if expected is None or not expected.of:
            return insider(expected, right)
        return {404} if expected.only is None else set(REFUSED)

    return expect


@pytest.mark.parametrize(
    "who",
    ["coder", "other_coder", "lead", "expert", "adjudicator", "auditor", "admin", "privacy_officer"],
)
def test_insiders_get_what_their_rights_say(ids: dict[str, Any], request: Any, who: str) -> None:
    user = request.getfixturevalue(who)
    client = Client()
    client.force_login(user)
    assert walk(client, ids, expect_insider(rights_of(user), who)) == {}


def test_an_outsider_finds_nothing(ids: dict[str, Any], outsider: User) -> None:
    client = Client()
    client.force_login(outsider)
    before = everything()
    assert walk(client, ids, expect_outsider(rights_of(outsider))) == {}
    assert everything() == before


@pytest.mark.parametrize("who", ["coder", "expert", "admin"])
def test_a_label_above_the_ceiling_hides_all_of_an_encounter(
    ids: dict[str, Any], request: Any, who: str
) -> None:
    Encounter.objects.filter(pk=ids["encounter"]).update(confidentiality="restricted")
    user = request.getfixturevalue(who)
    client = Client()
    client.force_login(user)
    assert walk(client, ids, expect_outsider(rights_of(user), who)) == {}


def test_a_signed_in_person_without_any_role_gets_the_encoder_only(ids: dict[str, Any]) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody"))
    assert walk(client, ids, expect_outsider(frozenset())) == {}
