"""Findings and the encoder against who means harm or only pastes: other people's charts, forms sent twice or too late,
markup, very long text, odd characters, words in the log."""

from __future__ import annotations

import io
from dataclasses import replace
from html import escape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.loaders.store import load
from coding_review.actions.override_finding import override_finding
from coding_review.actions.reject import reject
from coding_review.models import AuditEvent, AuditPayload, CodeSet, Encounter, FindingOverride, FindingShown
from tests.catalog_fixtures import SMALL_ROWS, small_source
from tests.coding_review.finding_cases import DM1, DM2, coded, entry_of
from tests.coding_review.test_log_lines import lines

__all__ = ["lines"]
pytestmark = pytest.mark.django_db

MARKUP = "<img src=x onerror=alert(1)>\"'</textarea><script>alert(2)</script>"
MIB = 1024 * 1024
CODES = ["E11.9", "E10.9"]
SENT = {"check": "excludes1", "codes": CODES, "outcome": "unrelated"}


@pytest.fixture
def code_set(icd10cm: Any, make_encounter: Any, coder: User, client: Client) -> CodeSet:
    client.force_login(coder)
    return coded(make_encounter, coder, DM2, DM1)


def address(name: str, code_set: CodeSet) -> str:
    return reverse(name, args=[code_set.pk])


def panel(code_set: CodeSet) -> str:
    return reverse("web:review", args=[code_set.encounter_id, code_set.claim_type]) + "?panel=findings"


def send(client: Client, code_set: CodeSet, **more: Any) -> Any:
    return client.post(address("web:finding-override", code_set), {**SENT, **more})


def written() -> tuple[int, ...]:
    events = AuditEvent.objects.filter(type__startswith="finding.")
    return FindingOverride.objects.count(), FindingShown.objects.count(), events.count()


ADDRESSES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("get", "api:findings", {}),
    ("post", "web:finding-override", SENT | {"comment": "Two episodes."}),
    ("post", "web:finding-withdraw", {"override": 1}),
    ("post", "api:finding-override", SENT | {"comment": "Two episodes."}),
    ("post", "api:finding-withdraw", {"override": 1}),
)


@pytest.mark.parametrize(("method", "name", "body"), ADDRESSES, ids=lambda each: str(each)[:24])
def test_findings_of_another_facilitys_chart_do_not_exist(
    code_set: CodeSet,
    client: Client,
    outsider: User,
    coder: User,
    method: str,
    name: str,
    body: dict[str, Any],
) -> None:
    override = override_finding(
        coder, code_set.pk, check="excludes1", codes=CODES, outcome="unrelated", comment="Two episodes."
    )
    if "override" in body:
        body = {"override": override.pk}
    before = written()
    client.force_login(outsider)
    kind = {"content_type": "application/json"} if name.startswith("api:") and method == "post" else {}
    answer = getattr(client, method)(address(name, code_set), body, **kind)
    assert answer.status_code == 404
    told = answer.content.decode()
    assert not any(word in told for word in (*CODES, "excludes1", "Two episodes."))
    # An id that never was is answered in the same words.
    missing = getattr(client, method)(reverse(name, args=[2**31 - 1]), body, **kind)
    assert missing.status_code == 404
    assert written() == before
    override.refresh_from_db()
    assert override.withdrawn_at is None


def test_an_override_of_another_chart_is_not_withdrawn_by_its_id(
    code_set: CodeSet, client: Client, make_encounter: Any, coder: User, other_coder: User
) -> None:
    theirs = coded(make_encounter, other_coder, DM2, DM1)
    override = override_finding(
        other_coder, theirs.pk, check="excludes1", codes=CODES, outcome="unrelated", comment="Two episodes."
    )
    before = written()
    answer = client.post(address("web:finding-withdraw", code_set), {"override": override.pk})
    assert answer.status_code == 422
    answer = client.post(
        address("api:finding-withdraw", code_set), {"override": override.pk}, content_type="application/json"
    )
    assert answer.status_code == 422
    assert written() == before
    override.refresh_from_db()
    assert override.withdrawn_at is None


def test_the_same_form_sent_twice_is_one_override(code_set: CodeSet, client: Client) -> None:
    for _ in range(2):
        assert send(client, code_set, comment="Two episodes.").status_code == 302
    assert FindingOverride.objects.count() == 1
    assert AuditEvent.objects.filter(type="finding.overridden").count() == 1
    override = FindingOverride.objects.get()
    revision = CodeSet.objects.get(pk=code_set.pk).revision
    for _ in range(2):
        answer = client.post(address("web:finding-withdraw", code_set), {"override": override.pk})
        assert answer.status_code == 302
    assert AuditEvent.objects.filter(type="finding.override_withdrawn").count() == 1
    assert CodeSet.objects.get(pk=code_set.pk).revision == revision + 1


def test_a_page_from_before_the_codes_changed_writes_nothing(
    code_set: CodeSet, client: Client, coder: User
) -> None:
    reject(coder, code_set.pk, entry_of(code_set, "E10.9").pk, reason="excludes1")
    before = written()
    answer = send(client, code_set, comment="Two episodes, of which I am sure.")
    assert answer.status_code == 409
    assert "This finding is not on the code set any more" in answer.content.decode()
    assert written() == before


def test_a_page_from_before_the_sign_off_writes_nothing(code_set: CodeSet, client: Client) -> None:
    CodeSet.objects.filter(pk=code_set.pk).update(status="signed")
    Encounter.objects.filter(pk=code_set.encounter_id).update(status="signed_off")
    before = written()
    answer = send(client, code_set, comment="Two episodes.")
    assert answer.status_code == 409
    assert written() == before


@pytest.mark.parametrize("outcome", ["unrelated", "payer_policy"])
def test_markup_in_a_comment_is_text_wherever_it_is_shown(
    code_set: CodeSet, client: Client, auditor: User, outcome: str
) -> None:
    answer = send(client, code_set, comment=MARKUP, outcome=outcome)
    pages = [
        answer.content.decode() if answer.status_code == 422 else client.get(panel(code_set)).content.decode()
    ]
    if outcome == "unrelated":
        pages.append(
            client.get(reverse("web:encounter-history", args=[code_set.encounter_id])).content.decode()
        )
        assert FindingOverride.objects.get().payload.comment == MARKUP
    else:
        assert not FindingOverride.objects.exists()
    assert escape(MARKUP) in pages[0]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page


@pytest.mark.parametrize("field", ["check", "codes"])
def test_markup_where_a_finding_is_named_is_text(code_set: CodeSet, client: Client, field: str) -> None:
    before = written()
    answer = send(client, code_set, comment="Two episodes.", **{field: MARKUP})
    assert answer.status_code in {409, 422}
    assert "<script>alert" not in answer.content.decode()
    assert written() == before


def test_markup_in_a_title_of_a_release_is_text(icd10cm: Any, client: Client, coder: User) -> None:
    rows = tuple(
        replace(row, title=f"{row.title} {MARKUP}") if row.code == "E11.9" else row for row in SMALL_ROWS
    )
    release = load(replace(small_source(), read=lambda: iter(rows), fingerprint="9" * 64)).release
    client.force_login(coder)
    for page in (
        reverse("codes:code", args=["icd10cm", "E11.9"]) + f"?release={release.pk}",
        reverse("codes:search") + f"?release={release.pk}&q=E11.9",
        reverse("codes:code", args=["icd10cm", "E11"]) + f"?release={release.pk}",
    ):
        html = client.get(page).content.decode()
        assert escape(MARKUP) in html, page
        assert "<script>alert" not in html, page
        assert "<img src=x" not in html, page


@pytest.mark.parametrize("field", ["comment", "outcome", "check", "codes"])
def test_a_mebibyte_in_a_field_is_refused_and_not_given_back(
    code_set: CodeSet, client: Client, field: str
) -> None:
    before = written()
    answer = send(client, code_set, **{"comment": "Two episodes.", field: "x" * MIB})
    assert answer.status_code in {409, 422}
    assert len(answer.content) < 100_000
    assert written() == before
    body = {**SENT, "comment": "Two episodes.", field: ["x" * MIB] if field == "codes" else "x" * MIB}
    answer = client.post(address("api:finding-override", code_set), body, content_type="application/json")
    assert answer.status_code == 400
    assert len(answer.content) < 10_000
    assert written() == before


@pytest.mark.parametrize(
    ("name", "status"), [("codes:search", 404), ("codes:hits", 422), ("codes:index", 404)]
)
def test_a_mebibyte_of_words_is_refused_by_the_encoder(
    icd10cm: Any, client: Client, coder: User, name: str, status: int
) -> None:
    client.force_login(coder)
    words = {"q": "heart " * (MIB // 6), "words": "heart " * (MIB // 6)}
    answer = client.post(reverse(name), words) if name == "codes:hits" else client.get(reverse(name), words)
    assert answer.status_code == status
    assert "cannot be read" in answer.content.decode()
    assert b'class="hit' not in answer.content


@pytest.mark.parametrize(
    "comment",
    [
        "Zwei Erkrankungen, beide belegt \N{EM DASH} Größe, naïve, \N{GREEK SMALL LETTER MU}g",
        "\N{RIGHT-TO-LEFT OVERRIDE}9.11E gnorw",
        "e\N{COMBINING ACUTE ACCENT}" * 200,
        "\N{WAVING HAND SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-6}\N{ZERO WIDTH JOINER}" * 100,
        "line one\r\nline two\ttab",
        "=HYPERLINK(1)",
    ],
)
def test_odd_characters_are_kept_as_they_are(code_set: CodeSet, client: Client, comment: str) -> None:
    assert send(client, code_set, comment=comment).status_code == 302
    override = FindingOverride.objects.get()
    assert override.payload.comment == comment
    assert AuditPayload.objects.get(event__type="finding.overridden").body == {"comment": comment}
    assert client.get(panel(code_set)).status_code == 200


@pytest.mark.parametrize("comment", [b"Two\x00episodes", b"half \xed\xa0\x80", b"not UTF-8 \xff"])
def test_what_is_no_text_is_never_a_fault(code_set: CodeSet, client: Client, comment: bytes) -> None:
    body = b"check=excludes1&codes=E11.9&codes=E10.9&outcome=unrelated&comment=" + comment
    answer = client.post(
        address("web:finding-override", code_set), body, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code in {302, 400, 422}
    assert client.get(panel(code_set)).status_code == 200


def test_what_is_written_to_a_finding_stands_in_no_log(
    code_set: CodeSet, client: Client, lines: io.StringIO
) -> None:
    word = "Zyx-Marker-4711"
    for outcome in ("unrelated", "payer_policy"):
        send(client, code_set, comment=word, outcome=outcome)
    send(client, code_set, comment=word, codes=["E11.9", word])
    client.get(reverse("codes:search"), {"q": word})
    client.post(reverse("codes:hits"), {"q": word})
    assert FindingOverride.objects.get().payload.comment == word
    assert word not in lines.getvalue()
    assert not AuditEvent.objects.filter(data__icontains=word).exists()
