"""Whatever stands in a field, a filter or an address of the pages, the answer is never a fault of the server."""

from __future__ import annotations

import io
import random
import zipfile
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse

from coding_review.actions.record_exposure import record_exposure
from coding_review.exports.files import _cell
from coding_review.intake.files import rows_of_stream
from coding_review.intake.rows import Defaults, Row, RowError
from coding_review.models import Encounter, Exposure
from coding_review.web import request_limits
from tests.coding_review.address_ids import ids
from tests.coding_review.api_cases import Case, case, everything
from tests.coding_review.entries import HF, suggest

__all__ = ["case", "ids"]
pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# As bytes of an address or a form: half a character and bad UTF-8 cannot be written as text.
HOSTILE: tuple[bytes, ...] = (
    b"", b"-1", b"0", b"99999999999999999999", b"9" * 400, b"NaN", b"Infinity", b"1e309", b"1.5", b" ",
    "٣".encode(), "１２".encode(), "²".encode(), b"\x00", b"a\x00b", b"\xed\xa0\x80", b"\xff\xfe", b"null", b"[]",
    b"{}", b"' OR 1=1 --", b"<script>alert(1)</script>", "\u202eabc".encode(), b"../../etc/passwd", b"%00", b"\\",
    b"%", b"_", b"\r\nSet-Cookie: x=1", b"2026-13-45", b"0001-01-01", b"9999-12-31",
    b"00000000-0000-0000-0000-000000000000", b"icd10cm:", b":", b"x" * 5000,
)  # fmt: skip
WORST = (
    b"-1",
    b"99999999999999999999",
    b"NaN",
    b"a\x00b",
    b"\xed\xa0\x80",
    b"9999-12-31",
    b"<script>alert(1)",
    b"x" * 5000,
)

GETS: dict[str, tuple[str, ...]] = {
    "web:worklist": ("page", "status", "claim", "setting", "specialty", "days", "mine", "late"),
    "web:review": ("document", "entry", "panel", "open", "band", "add", "changes"),
    "web:encounter-history": ("before", "decision"),
    "web:audit": ("first", "last", "reviewer", "code", "action", "reason", "before"),
    "web:import": ("way",),
    "web:sign-in": ("next",),
    "codes:search": ("q", "on", "release", "kind"),
    "codes:code": ("q", "on", "release", "kind"),
}
_PLACE = ("document", "line_start", "line_end", "col_start", "col_end", "quote")
POSTS: dict[str, dict[str, str]] = {
    "web:worklist-search": {"q": ""},
    "web:encounter-hold": {"reason": "pending_result", "comment": "", "expected_on": ""},
    "web:encounter-skip": {"reason": "needs_lead", "comment": ""},
    "web:encounter-return": {"reason": "audit", "comment": "x"},
    "web:encounter-reassign": {"user": "{other_coder}", "comment": ""},
    "web:alert-seen": {"resolution": "seen"},
    "web:entry-decide": dict.fromkeys(("reason", "comment", "poa", "document", "panel"), "")
    | {"action": "modify", "code": "I50.22", "version": "0"},
    "web:entry-set": dict.fromkeys(("role", "poa", "move", "modifiers", "units", "service_date"), "")
    | {"pointers": "", "provider": "", "version": "0"},
    "web:entry-evidence": dict.fromkeys((*_PLACE, "remove"), "") | {"version": "0"},
    "web:entry-add": dict.fromkeys((*_PLACE, "panel", "system", "comment", "modifiers", "units", "service_date"), "")
    | {"code": "icd10cm:I10", "line_start": "1", "document": "{document}"},
    "web:code-pick": dict.fromkeys((*_PLACE, "entry"), "") | {"purpose": "modify", "q": "heart"},
    "web:code-set-undo": {"document": ""},
    "web:code-set-dismiss-low": {"revision": "0"},
    "web:code-set-reveal": {"document": ""},
    "web:code-set-sign-off": {"revision": "0"},
    "web:code-set-reopen": {"reason": "audit", "comment": ""},
    "web:code-set-exposures": {"shown": "", "opened": ""},
    "web:code-set-active": {"seconds": "5"},
    "web:audit-export": {"format": "csv", "with_text": "", "first": "", "last": "", "reviewer": "", "code": "",
                         "action": "", "reason": "", "before": ""},
    "web:import": dict.fromkeys(("source", "confidentiality", "setting", "claim_types", "document_type", "specialty",
                                 "admit_date", "discharge_date", "date_of_service", "source_id", "document_id",
                                 "text", "work_group"), ""),
    "web:sign-in": {"username": "coder", "password": "x", "next": ""},
    "web:theme": {"theme": "dark", "next": ""},
    "web:preference": {"single_keys": "off", "read_first": "on", "next": ""},
    "codes:hits": {"q": "", "system": "", "release": "", "on": "", "near": "", "pick": ""},
}  # fmt: skip
KWARGS: dict[str, tuple[str, ...]] = {
    "web:review": ("encounter", "claim_type"),
    "codes:code": ("system", "code"),
}
_ARGUMENT = {"claim_type": "claim_type", "system": "system", "code": "code"}
PEOPLE = {"web:audit": "auditor", "web:audit-export": "auditor", "web:import": "lead", "web:encounter-return": "lead",
          "web:encounter-reassign": "lead"}  # fmt: skip


def address(name: str, ids: dict[str, Any]) -> str:
    of = KWARGS.get(name)
    if of is None:
        first = name.removeprefix("web:").split("-")[0]
        kind = {"encounter": "encounter", "alert": "alert", "entry": "entry", "code": "code_set"}.get(first)
        if name == "web:entry-add":
            kind = "code_set"
        of = (kind,) if kind else ()
    return reverse(name, kwargs={_ARGUMENT.get(part, f"{part}_id"): ids[part] for part in of})


def signed_in(request: Any, name: str) -> Client:
    client = Client()
    if name != "web:sign-in":
        client.force_login(request.getfixturevalue(PEOPLE.get(name, "coder")))
    return client


def encoded(fields: dict[str, bytes]) -> str:
    return "&".join(f"{quote(field)}={quote(value)}" for field, value in fields.items())


def undone(act: Any) -> Any:
    """The response, read; what the request changed is taken back."""
    with transaction.atomic():
        response = act()
        if response.streaming:
            b"".join(response.streaming_content)
        transaction.set_rollback(True)
    return response


@pytest.mark.parametrize("name", sorted(GETS))
def test_filters(ids: dict[str, Any], request: Any, name: str) -> None:
    client, url = signed_in(request, name), address(name, ids)
    assert client.get(url).status_code == 200
    for field in GETS[name]:
        for value in HOSTILE:
            query = encoded({field: value})
            response = undone(lambda q=query: client.get(f"{url}?{q}"))
            assert response.status_code in ({400} if b"\x00" in value else {200, 302, 404}), (field, value)
            assert b"<script>alert" not in response.content
            assert response.headers.get("Set-Cookie", "") == ""


@pytest.mark.parametrize("name", sorted(POSTS))
def test_forms(ids: dict[str, Any], case: Case, request: Any, name: str) -> None:
    client, url = signed_in(request, name), address(name, ids)
    words = ids | {"document": case.version.pk + 1}
    form = {field: value.format(**words).encode() for field, value in POSTS[name].items()}
    bodies = [dict.fromkeys(form, value) for value in HOSTILE]
    bodies += [form | {field: value} for field in form for value in WORST]
    for number, fields in enumerate(bodies):
        body, headers = encoded(fields), {"HX-Request": "true"} if number % 2 else {}
        response = undone(
            lambda b=body, h=headers: client.post(
                url, b, content_type="application/x-www-form-urlencoded", headers=h
            )
        )
        # 403: with_text, which an auditor may not ask for.
        wanted = {403} if fields.get("with_text") else {200, 204, 302, 400, 401, 404, 409, 422, 429}
        assert response.status_code in wanted | {422}, fields
        if not response.streaming:
            assert b"<script>alert" not in response.content
        location = response.headers.get("Location", "/")
        assert location.startswith("/")
        assert not location.startswith("//")


@pytest.mark.parametrize(
    "path",
    ["/encounters/{}/", "/encounters/{}/history/", "/encounters/{}/review/facility_inpatient/",
     "/encounters/{encounter}/review/{}/", "/encounters/{encounter}/documents/{}/versions/2/",
     "/encounters/{encounter}/documents/{document_id}/versions/{}/", "/alerts/{}/", "/codes/{}/E11.9/",
     "/codes/icd10cm/{}/", "/code-sets/{}/export.csv", "/code-sets/{code_set}/export.{}", "/static/{}", "/{}"],
)  # fmt: skip
def test_addresses(ids: dict[str, Any], coder: User, path: str) -> None:
    client = Client()
    client.force_login(coder)
    for value in HOSTILE:
        url = path.replace("{}", "\n").format(**ids).replace("\n", quote(value, safe=""))
        for method in ("get", "post"):
            status = undone(lambda u=url, m=method: getattr(client, m)(u)).status_code
            assert status in {200, 301, 302, 400, 403, 404, 405, 409}, (url[:100], method)


def test_a_nul_in_an_address_is_refused(client: Client, coder: User) -> None:
    client.force_login(coder)
    for url in ("/?specialty=a%00", "/codes/icd10cm/E11%00/", "/codes/?q=%00"):
        response = client.get(url)
        assert (response.status_code, b"(error 400)" in response.content) == (400, True)
    # Sent quoted, with the NUL spelt out, as later versions of http.cookies refuse to write it.
    cookies = rf'{client.cookies.output(attrs=[], header="", sep=";")}; theme="da\000rk"'
    for url in ("/api/encounters/", "/api/evaluations/?cursor=%00", "/api/%00/"):
        response = client.get(url, headers={"Cookie": cookies})
        assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
        where = "a cookie" if url == "/api/encounters/" else "the address"
        assert response.json() == {
            "type": "urn:coding-review:problem:unreadable",
            "title": "Bad Request",
            "status": 400,
            "detail": f"There is a NUL character in {where}.",
            "code": "unreadable",
        }


def test_a_stranger_sends_no_large_body(client: Client, coder: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be written to the disk while its CSRF token is looked for."""
    large = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
    file = SimpleUploadedFile("notes.txt", b"x" * large)
    for path in ("/import/?way=upload", "/sign-in/", "/theme/", "/none/"):
        file.seek(0)
        assert client.post(path, {"file": file}).status_code == 413
    client.force_login(coder)
    file.seek(0)
    assert client.post("/import/?way=upload", {"file": file}).status_code == 403
    monkeypatch.setattr(request_limits, "MOST_BYTES", large - 1)
    file.seek(0)
    assert client.post("/import/?way=upload", {"file": file}).status_code == 413


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".jsonl", ".zip"])
def test_damaged_files_are_told_and_never_a_fault(suffix: str) -> None:
    """Good files with bytes changed, cut out and repeated, by a fixed seed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"note{number}.txt", f"NOTE {number}\nHypertension.\n" * 20)
    good = {
        ".txt": b"NOTE\nHypertension, caf\xc3\xa9.\n" * 5,
        ".csv": b'id,text,age,priority\r\n1,"a, ""b""\nc",5,1\r\n2,other,6,0\r\n',
        ".jsonl": b'{"id": "1", "text": "Hypertension.", "age": 5}\n{"id": "2", "text": "b"}\n',
        ".zip": packed.getvalue(),
    }[suffix]
    chance = random.Random(20261121)
    found: set[type] = set()
    for _ in range(400):
        data = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 20)]
                case 2:
                    data[at:at] = data[at : at + chance.randint(1, 20)]
                case _:
                    data[at:at] = chance.choice(
                        [b"\x00", b"\xff", b'"', b"\r", b"PK\x05\x06", b"9" * 30, b"{" * 50]
                    )
            if not data:
                break
        defaults = Defaults(source="test", facility="TVMC", work_group="inpatient")
        for row in rows_of_stream(f"file{suffix}", io.BytesIO(bytes(data)), defaults):
            found.add(type(row))
    assert found == {Row, RowError}


def test_formulas_of_every_kind_are_quoted_in_cells() -> None:
    for sign in "=+-@\t\r\n＝＋－＠":
        assert _cell(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"
    assert (_cell("I50.23"), _cell(-5), _cell(None)) == ("I50.23", -5, "")


def test_a_search_of_the_audit_log_keeps_codes_only(client: Client, auditor: User) -> None:
    client.force_login(auditor)
    before = everything()
    for typed in ("Quintero", "Mar Vance", "MRN-00001", "O'Neil 7"):
        page = client.get("/audit/", {"code": typed}).content.decode()
        assert "The beginning of a code" in page
        assert client.post("/audit/export/", {"code": typed, "format": "csv"}).status_code == 422
    assert everything() == before
    for typed in ("I50", "e11.22", "99213", "0DTJ4ZZ", "XW033E5", "J1885", "E", "0001T"):
        assert "The beginning of a code" not in client.get("/audit/", {"code": typed}).content.decode()


def test_evidence_of_another_code_set_is_not_marked_as_opened(
    case: Case, make_encounter: Any, coder: User
) -> None:
    other = make_encounter(status="in_review", owner=coder).code_sets.get()
    (entry,) = suggest(other, HF)
    record_exposure(coder, other.pk, shown=[entry.pk])
    mine = case.entries["I50.23"].pk
    assert record_exposure(coder, case.code_set.pk, shown=[mine], opened=[entry.pk, mine]) == 1
    opened = Exposure.objects.filter(evidence_opened_at__isnull=False).values_list("entry", flat=True)
    assert list(opened) == [mine]
    assert Encounter.objects.count() == 2


@pytest.mark.parametrize(
    ("cookie", "status"),
    [('"\\000aaaaaaaaaaaa"', 400), ("x" * 5000, 302), ('"\\377\\377"', 302), ("../../x", 302)],
)
def test_a_session_cookie_that_is_none_is_nobodys(client: Client, cookie: str, status: int) -> None:
    for path in ("/", "/audit/"):
        response = client.get(
            path, headers={"Cookie": f"sessionid={cookie}; csrftoken={cookie}; theme={cookie}"}
        )
        assert response.status_code == status
        assert response.headers.get("Location", "") == (f"/sign-in/?next={path}" if status == 302 else "")
