"""The pages for bringing encounters in and for what changed in a document, by plain forms."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from coding_review.actions.accept import accept
from coding_review.actions.claim import claim
from coding_review.actions.receive_encounter import receive_encounter
from coding_review.choices import EncounterStatus
from coding_review.models import (
    AuditEvent,
    CodeSet,
    Document,
    DocumentAlert,
    DocumentVersion,
    Encounter,
    WorkGroup,
)
from coding_review.web import bring_in
from tests.deliveries import delivery, document, predict_waiting, row_counts
from tests.prediction_steps import entries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("icd10cm", "marked_engine")]
IMPORT = "/import/"
UPLOAD = "/import/?way=upload"


def chosen(work_group: WorkGroup, **values: Any) -> dict[str, Any]:
    return {
        "work_group": work_group.pk,
        "source": "import",
        "confidentiality": "normal",
        "setting": "inpatient",
        **values,
    }


def words(response: Any) -> str:
    """The page's text without tags, spaces drawn together."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def upload(client: Client, work_group: WorkGroup, name: str, data: bytes, **values: Any) -> Any:
    return client.post(UPLOAD, chosen(work_group, file=SimpleUploadedFile(name, data), **values))


@pytest.fixture
def as_lead(client: Client, lead: Any) -> Client:
    client.force_login(lead)
    return client


@pytest.mark.parametrize("url", [IMPORT, UPLOAD])
def test_the_forms_offer_the_work_groups_of_the_user(as_lead, work_group, other_work_group, url):
    response = as_lead.get(url)
    assert response.status_code == 200
    form = response.context["form"]
    assert list(form.fields["work_group"].queryset) == [work_group]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("persona", ["coder", "expert", "auditor", "outsider", "privacy_officer"])
@pytest.mark.parametrize("url", [IMPORT, UPLOAD])
def test_who_may_not_import_gets_403_and_stores_nothing(request, client, work_group, persona, url):
    client.force_login(request.getfixturevalue(persona))
    before = row_counts()
    assert client.get(url).status_code == 403
    assert client.post(url, chosen(work_group, text="Seen.")).status_code == 403
    assert row_counts() == before


def test_signed_out_goes_to_sign_in(client):
    assert client.get(IMPORT).headers["Location"].startswith(reverse("web:sign-in"))


def test_a_member_without_a_work_group_is_told_so(client, admin):
    admin.memberships.all().delete()
    client.force_login(admin)
    response = client.get(IMPORT)
    assert "No work group is open to you" in words(response)


def test_a_pasted_text_is_stored_as_it_is_with_an_id_of_its_own(as_lead, work_group, lead):
    text = "\r\n  DISCHARGE SUMMARY\r\nAsthma. \r\n"
    response = as_lead.post(
        IMPORT,
        chosen(
            work_group,
            text=text,
            document_type="discharge summary",
            discharge_date="2026-06-09",
            specialty="x",
        ),
    )
    assert response.status_code == 200
    encounter = Encounter.objects.get()
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert encounter.source_id == f"text-{digest[:16]}"
    assert (encounter.setting, encounter.claim_types) == ("inpatient", ["facility_inpatient"])
    assert str(encounter.discharge_date) == "2026-06-09"
    only = encounter.documents.get()
    assert (only.type, only.versions.get().text) == ("discharge summary", text)
    event = AuditEvent.objects.get(type="encounter.received")
    assert (event.actor, event.data["via"]) == (lead, "paste")
    assert f"{encounter.source_id} New encounter" in words(response)
    assert f'href="/encounters/{encounter.pk}/"' in response.content.decode()

    again = as_lead.post(IMPORT, chosen(work_group, text=text, document_type="discharge summary"))
    assert f"{encounter.source_id} Already there, unchanged" in words(again)
    assert DocumentVersion.objects.count() == 1


def test_a_refused_text_is_still_in_the_form(as_lead, work_group):
    before = row_counts()
    text = "x\n" * 20_001
    response = as_lead.post(IMPORT, chosen(work_group, text=text, source_id="E1"))
    assert response.status_code == 422
    assert response.context["form"]["text"].value() == text
    shown = words(response)
    assert "Nothing was taken in. The text is still below." in shown
    assert "The text has over 20,000 lines (20,001)." in shown
    assert row_counts() == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"text": ""}, "This field is required."),
        ({"text": " \r\n "}, "The text is empty."),
        ({"text": "a\x00"}, "Null characters are not allowed."),
        ({"text": "t", "discharge_date": "2026-13-01"}, "Enter a valid date."),
        (
            {"text": "t", "admit_date": "2026-06-02", "discharge_date": "2026-06-01"},
            "Is before the day of admission.",
        ),
        ({"text": "t", "claim_types": ["drg"]}, "drg is not one of the available choices."),
    ],
)
def test_every_error_of_the_form_is_told(as_lead, work_group, values, message):
    before = row_counts()
    response = as_lead.post(IMPORT, chosen(work_group, **values))
    assert response.status_code == 422
    assert message in words(response)
    assert row_counts() == before


def test_another_facilitys_work_group_cannot_be_named(as_lead, work_group, other_work_group):
    before = row_counts()
    response = as_lead.post(IMPORT, chosen(other_work_group, text="Seen."))
    assert response.status_code == 422
    assert "work_group" in response.context["form"].errors
    assert row_counts() == before


def test_a_paste_for_another_patients_encounter_keeps_the_text(as_lead, work_group, other_work_group):
    receive_encounter(None, delivery(facility="CEDAR", work_group="outpatient"), via="api")
    before = row_counts()
    response = as_lead.post(IMPORT, chosen(work_group, text="Mine.", source="ehr", source_id="E1"))
    assert response.status_code == 422
    assert "You are not a member of this work group." in words(response)
    assert response.context["form"]["text"].value() == "Mine."
    assert row_counts() == before


def test_a_csv_with_bad_rows(as_lead, work_group):
    data = b"id,age,text\na,70,One.\nb,old,Two.\nc,,\nd,,Four.\n"
    response = upload(as_lead, work_group, "week.csv", data)
    assert response.status_code == 200
    assert sorted(Encounter.objects.values_list("source_id", flat=True)) == ["a", "d"]
    shown = words(response)
    assert "New encounter 2" in shown
    assert "Not taken in 2" in shown
    assert "week.csv 3 age: not a number" in shown
    assert "week.csv 4 text: the text is empty" in shown
    assert "week.csv, line 2 a New encounter" in shown


@pytest.mark.parametrize(
    ("name", "data", "ids"),
    [
        ("note.txt", b"\xef\xbb\xbfSeen.", ["note"]),
        ("two.jsonl", b'{"id": "a", "text": "A."}\n{"id": "b", "text": "B."}', ["a", "b"]),
    ],
)
def test_the_other_formats(as_lead, work_group, name, data, ids):
    assert upload(as_lead, work_group, name, data).status_code == 200
    assert sorted(Encounter.objects.values_list("source_id", flat=True)) == ids


def test_a_zip(as_lead, work_group):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "A.")
        archive.writestr("sub/b.txt", "B.")
    response = upload(as_lead, work_group, "texts.zip", stream.getvalue())
    assert list(Encounter.objects.values_list("source_id", flat=True)) == ["a"]
    assert "texts.zip:sub/b.txt has a path in its name" in words(response)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("scan.pdf", b"%PDF", "scan.pdf the name ends in none of .txt, .jsonl, .csv, .zip"),
        ("note.txt", b"caf\xe9", "note.txt 1 not UTF-8: byte 0xE9 at byte offset 3"),
        ("note.txt", b"", "note.txt the text is empty"),
    ],
)
def test_a_file_of_which_nothing_goes_in(as_lead, work_group, name, data, message):
    before = row_counts()
    response = upload(as_lead, work_group, name, data)
    assert response.status_code == 422
    shown = words(response)
    assert message in shown
    assert "Nothing was changed." in shown
    assert row_counts() == before


LARGER = "Larger files: manage.py import_charts PATH, or POST /api/encounters/ in lists of up to 500."


def test_a_file_too_large_for_the_page_is_told_where_to_go(as_lead, work_group, monkeypatch):
    assert bring_in.MAX_UPLOAD == 20 * 1024 * 1024
    assert f"at most 20 MiB and 500 rows. {LARGER}" in words(as_lead.get(f"{IMPORT}?way=upload"))
    monkeypatch.setattr(bring_in, "MAX_UPLOAD", 30)
    before = row_counts()
    response = upload(as_lead, work_group, "a.jsonl", b'{"id": "a", "text": "One line."}')
    assert response.status_code == 422
    assert f"Over 20 MiB. {LARGER}" in words(response)
    assert row_counts() == before
    assert upload(as_lead, work_group, "a.jsonl", b'{"id": "a", "text": "One"}').status_code == 200


def test_a_file_of_more_rows_than_the_page_takes_goes_in_to_there(as_lead, work_group, monkeypatch):
    monkeypatch.setattr(bring_in, "MAX_ROWS", 3)
    rows = [b'{"id": "%d", "text": "Text %d."}' % (n, n) for n in range(5)]
    rows[1] = b"no JSON"
    response = upload(as_lead, work_group, "a.jsonl", b"\n".join(rows))
    assert list(Encounter.objects.order_by("pk").values_list("source_id", flat=True)) == ["0", "2"]
    assert f"a.jsonl 4 the page takes 3 rows at a time; nothing from here on was read. {LARGER}" in words(
        response
    )
    assert [error.line for error in response.context["errors"]] == [2, 4]


def test_an_empty_file_of_rows(as_lead, work_group):
    response = upload(as_lead, work_group, "none.jsonl", b"\n")
    assert "The file holds nothing to take in" in words(response)


def test_what_the_importer_may_not_open_has_no_link(client, admin, work_group):
    client.force_login(admin)
    response = client.post(IMPORT, chosen(work_group, text="Seen.", source_id="E1"))
    assert response.status_code == 200
    assert f"/encounters/{Encounter.objects.get().pk}/" not in response.content.decode()


# --- What changed --------------------------------------------------------------------------------------

OLD = "SUMMARY\nType 2 diabetes. [E11.9 0.95]\nAsthma. [J45.909 0.80]"
NEW = "SUMMARY\nNo diabetes.\nAsthma. [J45.909 0.80]"


@pytest.fixture
def changed(work_group: WorkGroup, coder: Any) -> Document:
    """The coder has accepted the diabetes; then its words went."""
    receipt = receive_encounter(None, delivery(document(text=OLD)), via="command")
    predict_waiting()
    encounter = Encounter.objects.get(pk=receipt.encounter_id)
    claim(coder, encounter.pk)
    accept(coder, CodeSet.objects.get().pk, entries(encounter)["E11.9"].pk)
    receive_encounter(None, delivery(document(text=NEW)), via="command")
    return Document.objects.get()


def address(document: Document, version: int) -> str:
    return f"/encounters/{document.encounter_id}/documents/{document.pk}/versions/{version}/"


def test_the_page_shows_the_difference_and_the_codes_whose_words_are_gone(client, changed, coder):
    client.force_login(coder)
    response = client.get(address(changed, 2))
    assert response.status_code == 200
    shown = words(response)
    assert "E11.9" in shown
    assert "Accepted no evidence left Type 2 diabetes. version 1, line 2" in shown
    assert "J45.909 0.80" in shown
    rows = re.findall(
        r'<tr class="(\w+)"><td class="no">(\d*)</td><td class="no">(\d*)</td>', response.content.decode()
    )
    assert rows == [("same", "1", "1"), ("removed", "2", ""), ("added", "", "2"), ("same", "3", "3")]
    assert [e.entry.code for e in response.context["lost"]] == ["E11.9"]
    assert AuditEvent.objects.filter(type="encounter.opened", actor=coder).count() == 1


@pytest.mark.parametrize("version", [1, 3])
def test_there_is_no_page_without_two_versions(client, changed, coder, version):
    client.force_login(coder)
    assert client.get(address(changed, version)).status_code == 404


def test_a_document_of_another_encounter_is_not_found(client, changed, coder, make_encounter):
    client.force_login(coder)
    other = make_encounter()
    wrong = f"/encounters/{other.pk}/documents/{changed.pk}/versions/2/"
    assert client.get(wrong).status_code == 404


@pytest.mark.parametrize(("persona", "status"), [("outsider", 404), ("auditor", 403), ("admin", 403)])
def test_who_may_not_read_sees_no_difference_and_resolves_no_alert(request, client, changed, persona, status):
    client.force_login(request.getfixturevalue(persona))
    assert client.get(address(changed, 2)).status_code == status
    alert = DocumentAlert.objects.get()
    assert client.get(f"/alerts/{alert.pk}/").status_code == status
    assert client.post(f"/alerts/{alert.pk}/seen/").status_code == status
    alert.refresh_from_db()
    assert alert.resolved_at is None


def test_an_alert_leads_to_what_it_is_about(client, changed, coder):
    client.force_login(coder)
    about_version = DocumentAlert.objects.get()
    assert client.get(f"/alerts/{about_version.pk}/").headers["Location"] == address(changed, 2)
    receive_encounter(None, delivery(document("d2", "New.")), via="command")
    about_document = DocumentAlert.objects.latest("pk")
    page = f"/encounters/{changed.encounter_id}/review/facility_inpatient/"
    new = about_document.document_version_id
    assert client.get(f"/alerts/{about_document.pk}/").headers["Location"] == f"{page}?document={new}"
    assert client.get("/alerts/999999/").status_code == 404


def test_an_alert_is_resolved_by_a_plain_form(client, changed, coder):
    client.force_login(coder)
    alert = DocumentAlert.objects.get()
    assert client.get(f"/alerts/{alert.pk}/seen/").status_code == 405
    response = client.post(f"/alerts/{alert.pk}/seen/")
    assert (response.status_code, response.headers["Location"]) == (
        302,
        f"/encounters/{changed.encounter_id}/",
    )
    alert.refresh_from_db()
    assert alert.resolved_by == coder
    assert Encounter.objects.get().open_alerts == 0
    assert client.post("/alerts/999999/seen/").status_code == 404


def test_after_sign_off_the_page_asks_what_comes_of_it(client, changed, coder):
    CodeSet.objects.update(status="signed")
    Encounter.objects.update(status=EncounterStatus.SIGNED_OFF)
    DocumentAlert.objects.update(after_sign_off=True)
    client.force_login(coder)
    alert = DocumentAlert.objects.get()
    assert 'name="resolution"' in client.get(address(changed, 2)).content.decode()
    client.post(f"/alerts/{alert.pk}/seen/", {"resolution": "to_reopen"})
    event = AuditEvent.objects.get(type="document.alert_resolved")
    assert event.data == {"alert_id": alert.pk, "resolution": "to_reopen"}
    assert client.post(f"/alerts/{alert.pk}/seen/", {"resolution": "x"}).status_code == 422
