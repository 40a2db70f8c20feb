"""The review page through the test client: what is shown, what each form does, with and without htmx."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from coding_review.actions.accept import accept
from coding_review.actions.claim import claim
from coding_review.actions.reopen import reopen
from coding_review.actions.set_line import set_role
from coding_review.actions.sign_off import sign_off
from coding_review.models import (
    AuditEvent,
    CodeEntry,
    ContextMention,
    Decision,
    Document,
    Encounter,
    Exposure,
    Facility,
    PredictionRun,
)
from tests.coding_review.entries import CKD, DM, HF, PNEUMONIA, SOB, suggest

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(icd10cm, make_encounter, coder, client):
    encounter = make_encounter()
    code_set = encounter.code_sets.get()
    entries = suggest(code_set, HF, DM, CKD, SOB, PNEUMONIA)
    claim(coder, encounter.pk)
    client.force_login(coder)
    return code_set, entries


def page(code_set) -> str:
    return reverse("web:review", args=[code_set.encounter_id, code_set.claim_type])


HTMX = {"HX-Request": "true"}


def test_the_page_shows_documents_suggestions_and_what_blocks(case, client) -> None:
    code_set, entries = case
    html = client.get(page(code_set)).content.decode()
    assert "Quintero-Vance" in html
    assert "Acute on chronic systolic heart failure" in html
    for entry in entries:
        assert f'id="entry-{entry.pk}"' in html
    assert "3 undecided" in html
    assert re.search(r"0</b>? of 5|0 of 5", html)


def test_a_document_is_dated_by_the_facilitys_clock(case, client) -> None:
    code_set, _ = case
    Facility.objects.update(time_zone="America/Chicago")
    Document.objects.update(authored_at=datetime(2026, 6, 10, 1, 15, tzinfo=UTC))
    html = client.get(page(code_set)).content.decode()
    assert "9 Jun 2026 20:15, version 1, 6 lines" in html
    assert "physician, 9 Jun</" in html


def test_who_may_not_code_is_not_asked_to_tell_what_was_shown(case, client, expert) -> None:
    code_set, _ = case
    address = reverse("web:code-set-exposures", args=[code_set.pk])
    assert f'data-exposures="{address}"' in client.get(page(code_set)).content.decode()
    client.force_login(expert)
    read = client.get(page(code_set))
    assert (read.status_code, b"data-exposures" in read.content) == (200, False)
    assert client.post(address, {"shown": "1"}).status_code == 403


def test_a_line_saved_without_scripts_leads_back_to_the_lines(case, client, coder) -> None:
    code_set, entries = case
    accept(coder, code_set.pk, entries[0].pk)
    form = {"version": 1, "role": "principal", "poa": "", "panel": "codes"}
    answer = client.post(reverse("web:entry-set", args=[entries[0].pk]), form)
    assert (answer.status_code, answer["Location"]) == (302, page(code_set) + "?panel=codes")
    assert CodeEntry.objects.get(pk=entries[0].pk).role == "principal"
    stale = client.post(reverse("web:entry-set", args=[entries[0].pk]), form | {"role": "secondary"})
    line = stale.content.decode().partition(f'id="line-{entries[0].pk}"')[2].partition("</li>")[0]
    assert stale.status_code == 409
    assert "<b>Not saved.</b> Changed meanwhile. Now I50.23: Accepted" in line
    assert CodeEntry.objects.get(pk=entries[0].pk).role == "principal"


def test_who_may_not_code_is_offered_no_next_encounter(case, client, expert) -> None:
    code_set, _ = case
    offered = f'action="{reverse("web:next")}"'
    assert offered in client.get(page(code_set)).content.decode()
    client.force_login(expert)
    read = client.get(page(code_set))
    assert (read.status_code, offered in read.content.decode()) == (200, False)


def test_a_reopened_code_set_keeps_context_tags_and_who_suggested(case, client, coder) -> None:
    code_set, entries = case
    run = PredictionRun.objects.get()
    quote = {"line_start": 1, "line_end": 1, "col_start": 0, "col_end": 4}
    version = run.documents.get()
    ContextMention.objects.create(
        run=run,
        document_version=version,
        tag="other_person",
        code="J18.9",
        quote=version.lines[0][:4],
        **quote,
    )
    for entry in entries:
        accept(coder, code_set.pk, entry.pk, poa="Y")
    set_role(coder, code_set.pk, entries[0].pk, role="principal")
    signed = sign_off(coder, code_set.pk)

    def said(html: str) -> tuple[int, int, bool]:
        tags = html.count('data-ctx="other person"')
        return tags, html.count("embedded · embedded-test"), "Which engine made these suggestions" in html

    before = said(client.get(page(code_set)).content.decode())
    assert before == (1, len(entries), True)
    again = reopen(coder, signed.pk, reason="correction")
    html = client.get(page(code_set)).content.decode()
    assert f'action="{reverse("web:entry-add", args=[again.pk])}"' in html
    assert said(html) == before


def test_opening_is_audited_once_a_session(case, client) -> None:
    code_set, _ = case
    client.get(page(code_set))
    client.get(page(code_set))
    assert AuditEvent.objects.filter(type="encounter.opened").count() == 1


def test_deciding_without_scripts_goes_to_the_next_undecided(case, client) -> None:
    code_set, entries = case
    answer = client.post(
        reverse("web:entry-decide", args=[entries[0].pk]), {"action": "accept", "version": 0, "poa": "Y"}
    )
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{page(code_set)}?entry={entries[1].pk}"
    entry = CodeEntry.objects.get(pk=entries[0].pk)
    assert (entry.state, entry.poa) == ("accepted", "Y")
    assert Decision.objects.get().assistance == "full"
    assert Exposure.objects.count() == 1


def test_deciding_with_htmx_answers_only_what_changed(case, client) -> None:
    _, entries = case
    answer = client.post(
        reverse("web:entry-decide", args=[entries[0].pk]), {"action": "accept", "version": 0}, headers=HTMX
    )
    html = answer.content.decode()
    assert answer.status_code == 200
    assert f'id="entry-{entries[0].pk}"' in html
    assert f'id="entry-{entries[1].pk}"' not in html
    assert "4 left." in html


def test_a_double_click_decides_once_and_a_stale_page_shows_both_states(case, client) -> None:
    _, entries = case
    url = reverse("web:entry-decide", args=[entries[0].pk])
    for _ in range(2):
        assert client.post(url, {"action": "accept", "version": 0}, headers=HTMX).status_code == 200
    assert Decision.objects.count() == 1
    answer = client.post(url, {"action": "reject", "reason": "negated", "version": 0}, headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "Rejected, context: negated" in html
    assert "I50.23: Accepted, by coder" in html
    assert Decision.objects.count() == 1


def test_a_refused_form_says_why_in_its_card(case, client) -> None:
    _, entries = case
    url = reverse("web:entry-decide", args=[entries[0].pk])
    answer = client.post(url, {"action": "reject", "version": 0, "reason": "other"}, headers=HTMX)
    assert answer.status_code == 422
    assert "This reason needs a comment." in answer.content.decode()
    answer = client.post(url, {"action": "modify", "version": 0, "code": "I50"})
    assert answer.status_code == 422
    assert "not billable" in answer.content.decode()
    assert not Decision.objects.exists()


def test_picking_lists_near_codes_and_marks_what_is_there(case, client) -> None:
    code_set, entries = case
    url = reverse("web:code-pick", args=[code_set.pk])
    html = client.post(
        url, {"purpose": "modify", "entry": entries[0].pk, "q": ""}, headers=HTMX
    ).content.decode()
    assert "I50.22" in html
    html = client.post(url, {"purpose": "add", "q": "long term insulin"}, headers=HTMX).content.decode()
    assert "Z79.4" in html


def test_adding_from_selected_text(case, client) -> None:
    code_set, entries = case
    document = entries[0].evidence.get().document_version_id
    answer = client.post(
        reverse("web:entry-add", args=[code_set.pk]),
        {
            "code": "icd10cm:Z79.4",
            "document": document,
            "line_start": 4,
            "line_end": 4,
            "col_start": 0,
            "col_end": 24,
            "quote": "Type 2 diabetes mellitus",
        },
        headers=HTMX,
    )
    assert answer.status_code == 200
    added = CodeEntry.objects.get(code="Z79.4")
    assert (added.state, added.evidence.get().quote) == ("added", "Type 2 diabetes mellitus")


def test_an_added_code_that_is_withdrawn_leaves_the_list_and_comes_back_by_undo(case, client) -> None:
    code_set, entries = case
    version = entries[0].evidence.get().document_version
    sent = {"code": "icd10cm:Z79.4", "document": version.pk, "line_start": 1, "line_end": 1, "quote": ""}
    client.post(reverse("web:entry-add", args=[code_set.pk]), sent, headers=HTMX)
    added = CodeEntry.objects.get(code="Z79.4")
    url = reverse("web:entry-decide", args=[added.pk])
    html = client.post(url, {"action": "withdraw", "version": added.version}, headers=HTMX).content.decode()
    assert 'id="cards"' in html
    assert f'id="entry-{added.pk}"' not in html
    assert f'id="entry-{entries[1].pk}"' in html
    undone = client.post(reverse("web:code-set-undo", args=[code_set.pk]), headers=HTMX).content.decode()
    assert f'id="entry-{added.pk}"' in undone
    assert CodeEntry.objects.get(pk=added.pk).state == "added"


def test_adding_a_suggested_code_decides_its_card_and_makes_no_second(case, client) -> None:
    code_set, entries = case
    dm = entries[1]
    sent = {
        "code": "icd10cm:E11.22",
        "document": dm.evidence.get().document_version_id,
        "line_start": 5,
        "line_end": 5,
    }
    answer = client.post(reverse("web:entry-add", args=[code_set.pk]), sent, headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.count('data-code="E11.22"') == 1
    assert "E11.22 accepted. 4 left." in html
    assert CodeEntry.objects.filter(code="E11.22").get() == dm
    assert [e.by_reviewer for e in dm.evidence.all()] == [False, True]
    history = client.get(page(code_set) + "?panel=history").content.decode()
    assert "by the coder&#x27;s own search, where it was suggested" in history


def test_undo_and_redo(case, client) -> None:
    code_set, entries = case
    client.post(reverse("web:entry-decide", args=[entries[0].pk]), {"action": "accept", "version": 0})
    client.post(reverse("web:code-set-undo", args=[code_set.pk]), headers=HTMX)
    assert CodeEntry.objects.get(pk=entries[0].pk).state == "undecided"
    client.post(reverse("web:code-set-redo", args=[code_set.pk]), headers=HTMX)
    assert CodeEntry.objects.get(pk=entries[0].pk).state == "accepted"
    answer = client.post(reverse("web:code-set-redo", args=[code_set.pk]), headers=HTMX)
    assert answer.status_code == 409


def test_another_reviewer_sees_who_has_it_and_can_change_nothing(case, client, other_coder) -> None:
    code_set, entries = case
    client.force_login(other_coder)
    html = client.get(page(code_set)).content.decode()
    assert "coder has this encounter" in html
    assert 'value="accept"' not in html
    answer = client.post(
        reverse("web:entry-decide", args=[entries[0].pk]), {"action": "accept", "version": 0}, headers=HTMX
    )
    assert answer.status_code == 409
    assert not Decision.objects.exists()


def test_outsiders_find_nothing(case, client, outsider) -> None:
    code_set, entries = case
    client.force_login(outsider)
    assert client.get(page(code_set)).status_code == 404
    assert (
        client.post(reverse("web:entry-decide", args=[entries[0].pk]), {"action": "accept"}).status_code
        == 404
    )
    assert client.post(reverse("web:code-set-sign-off", args=[code_set.pk])).status_code == 404
    assert not Decision.objects.exists()


def test_read_first_hides_marks_and_cards_until_revealed(case, client, coder) -> None:
    code_set, entries = case
    coder.reviewer.read_first = True
    coder.reviewer.save()
    html = client.get(page(code_set)).content.decode()
    assert f'id="entry-{entries[0].pk}"' not in html
    assert "<mark" not in html
    client.post(reverse("web:code-set-reveal", args=[code_set.pk]))
    html = client.get(page(code_set)).content.decode()
    assert f'id="entry-{entries[0].pk}"' in html
    client.post(reverse("web:entry-decide", args=[entries[0].pk]), {"action": "accept", "version": 0})
    assert Decision.objects.get().assistance == "after_first_read"


def test_sign_off_from_the_page(case, client) -> None:
    code_set, entries = case
    for entry, data in zip(
        entries,
        [
            {"action": "accept", "poa": "Y"},
            {"action": "accept", "poa": "Y"},
            {"action": "reject", "reason": "not_specific"},
            {"action": "dismiss"},
            {"action": "dismiss"},
        ],
        strict=True,
    ):
        client.post(reverse("web:entry-decide", args=[entry.pk]), {"version": 0, **data})
    refused = client.post(reverse("web:code-set-sign-off", args=[code_set.pk]))
    assert refused.status_code == 409
    assert "principal diagnosis not marked" in refused.content.decode()
    client.post(reverse("web:entry-set", args=[entries[0].pk]), {"version": 1, "role": "principal"})
    code_set.refresh_from_db()
    answer = client.post(
        reverse("web:code-set-sign-off", args=[code_set.pk]), {"revision": code_set.revision}
    )
    assert answer.status_code == 302
    assert Encounter.objects.get().status == "signed_off"
    html = client.get(page(code_set)).content.decode()
    assert "Signed off" in html
    assert "version 1" in html


def test_hold_skip_and_next(icd10cm, make_encounter, coder, client) -> None:
    first, second = make_encounter(priority=2), make_encounter()
    client.force_login(coder)
    assert client.post(reverse("web:next")).headers["Location"] == reverse("web:encounter", args=[first.pk])
    client.post(reverse("web:encounter-hold", args=[first.pk]), {"reason": "pending_result"})
    assert Encounter.objects.get(pk=first.pk).status == "on_hold"
    client.post(reverse("web:next"))
    client.post(reverse("web:encounter-skip", args=[second.pk]), {"reason": "needs_lead"})
    assert Encounter.objects.get(pk=second.pk).owner is None
    answer = client.post(reverse("web:next"), follow=True)
    assert "No encounter is waiting for you." in answer.content.decode()


def test_time_counts_and_slides_the_lease(case, client) -> None:
    code_set, _ = case
    answer = client.post(reverse("web:code-set-active", args=[code_set.pk]), {"seconds": 90})
    assert "1 min active" in answer.content.decode()
    assert "yours until" in answer.content.decode()


def test_the_page_begins_at_the_first_undecided_code(case, client) -> None:
    code_set, entries = case
    assert f'id="entry-{entries[0].pk}"' in selected(client.get(page(code_set)).content.decode())
    client.post(
        reverse("web:entry-decide", args=[entries[0].pk]), {"action": "accept", "version": 0, "poa": "Y"}
    )
    assert f'id="entry-{entries[1].pk}"' in selected(client.get(page(code_set)).content.decode())
    named = client.get(f"{page(code_set)}?entry={entries[3].pk}").content.decode()
    assert f'id="entry-{entries[3].pk}"' in selected(named)


def selected(html: str) -> str:
    """The opening tag of the one card drawn as selected."""
    [tag] = [tag for tag in re.findall(r"<li [^>]*>", html) if 'aria-current="true"' in tag]
    return str(tag)
