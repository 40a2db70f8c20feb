"""The worklist through the test client: what each person sees, filters, search, restricted names, the lead's tools."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from coding_review.actions.claim import claim
from coding_review.actions.hold import hold
from coding_review.choices import Confidentiality, EncounterStatus, RunStatus
from coding_review.models import Encounter, Hold, Membership, PatientIdentity, PredictionRun
from coding_review.web.worklist import build
from tests.coding_review.entries import HF, suggest

pytestmark = pytest.mark.django_db

URL = "web:worklist"


def rows_of(user, query: str = "", **params: str) -> list[int]:
    from django.http import QueryDict

    values = QueryDict(mutable=True)
    values.update(params)
    return [row.encounter_id for row in build(user, values, query).rows]


def test_rows_come_by_priority_then_age_and_signed_ones_are_a_click_away(make_encounter, coder) -> None:
    young = make_encounter(on=date(2026, 6, 20))
    old = make_encounter(on=date(2026, 6, 1))
    urgent = make_encounter(on=date(2026, 6, 25), priority=5)
    signed = make_encounter(status=EncounterStatus.SIGNED_OFF)
    assert rows_of(coder) == [urgent.pk, old.pk, young.pk]
    assert rows_of(coder, status="signed_off") == [signed.pk]


def test_filters(make_encounter, coder, other_coder) -> None:
    inpatient = make_encounter(specialty="cardiology")
    visit = make_encounter(claim_types=("professional",), setting="outpatient", on=timezone.localdate())
    late = make_encounter(open_alerts=1, status=EncounterStatus.SIGNED_OFF)
    mine = make_encounter(owner=coder, status=EncounterStatus.IN_REVIEW)
    make_encounter(owner=other_coder, status=EncounterStatus.IN_REVIEW)
    assert rows_of(coder, mine="1") == [mine.pk]
    assert rows_of(coder, late="1") == [late.pk]
    assert rows_of(coder, claim="professional") == [visit.pk]
    assert rows_of(coder, setting="outpatient") == [visit.pk]
    assert rows_of(coder, specialty="cardiology") == [inpatient.pk]
    assert visit.pk not in rows_of(coder, days="1")
    assert inpatient.pk in rows_of(coder, days="1")


def test_mine_is_what_is_still_to_do_and_search_finds_what_is_signed(make_encounter, coder) -> None:
    mine = make_encounter(owner=coder, status=EncounterStatus.IN_REVIEW)
    signed = make_encounter(owner=coder, status=EncounterStatus.SIGNED_OFF)
    assert rows_of(coder, mine="1") == [mine.pk]
    assert rows_of(coder, mine="1", status="signed_off") == [signed.pk]
    assert rows_of(coder, signed.account_number) == [signed.pk]


def test_filters_by_hold_coder_priority_and_dates(make_encounter, coder, other_coder) -> None:
    fresh = make_encounter(owner=coder, status=EncounterStatus.ON_HOLD, on=date(2026, 6, 10))
    old = make_encounter(owner=other_coder, status=EncounterStatus.ON_HOLD, on=date(2026, 6, 11), priority=-5)
    plain = make_encounter(on=date(2026, 6, 12), priority=7)
    ended = make_encounter(on=date(2026, 6, 13))
    now = timezone.now()
    Hold.objects.create(encounter=fresh, reason="provider_query", owner=coder, since=now)
    Hold.objects.create(
        encounter=old, reason="pending_result", owner=other_coder, since=now - timedelta(days=4)
    )
    Hold.objects.create(
        encounter=ended, reason="provider_query", owner=coder, since=now - timedelta(days=9), ended_at=now
    )
    assert rows_of(coder, hold="provider_query") == [fresh.pk]
    assert rows_of(coder, held="3") == [old.pk]
    assert rows_of(coder, held="7") == []
    assert rows_of(coder, coder=str(other_coder.pk)) == [old.pk]
    assert rows_of(coder, coder="none") == [plain.pk, ended.pk]
    assert rows_of(coder, priority="raised") == [plain.pk]
    assert rows_of(coder, priority="normal") == [fresh.pk, ended.pk]
    assert rows_of(coder, priority="lowered") == [old.pk]
    assert rows_of(coder, **{"from": "2026-06-11", "to": "2026-06-12"}) == [plain.pk, old.pk]


@pytest.mark.parametrize("name", ["claim", "setting", "days", "hold", "held", "coder", "priority", "from"])
def test_a_value_that_no_filter_has_narrows_nothing(make_encounter, coder, name) -> None:
    encounter = make_encounter()
    assert rows_of(coder, **{name: "2026-99-99' OR"}) == [encounter.pk]


def test_a_filter_without_a_chip_gets_one_that_takes_it_away(make_encounter, coder, client) -> None:
    make_encounter(specialty="cardiology")
    client.force_login(coder)
    html = client.get(reverse(URL), {"specialty": "cardiology", "status": "ready"}).content.decode()
    assert '<a class="chip" href="/?status=ready" aria-current="true">Specialty: cardiology ' in html
    assert '<input type="hidden" name="status" value="ready">' in html


def test_pages_of_a_search_go_by_post(make_encounter, coder, client, monkeypatch) -> None:
    monkeypatch.setattr("coding_review.web.worklist.PAGE_SIZE", 1)
    first, second = make_encounter(), make_encounter()
    client.force_login(coder)
    html = client.post(reverse("web:worklist-search"), {"q": "A2"}).content.decode()
    assert (f'data-row="{first.pk}"' in html, f'data-row="{second.pk}"' in html) == (True, False)
    assert '<button class="btn small" name="page" value="2"' in html
    html = client.post(reverse("web:worklist-search"), {"q": "A2", "page": "2"}).content.decode()
    assert (f'data-row="{first.pk}"' in html, f'data-row="{second.pk}"' in html) == (False, True)
    assert "2–2 of 2" in html


def test_who_reads_no_text_goes_to_the_history_and_who_may_retries(
    make_encounter, auditor, admin, coder, client
) -> None:
    encounter = make_encounter(status=EncounterStatus.FAILED, status_reason="The engine failed")
    retry, history = (reverse(f"web:encounter-{name}", args=[encounter.pk]) for name in ("retry", "history"))
    client.force_login(auditor)
    html = client.get(reverse(URL)).content.decode()
    assert (f'href="{history}"' in html, retry in html) == (True, False)
    client.force_login(coder)
    assert retry not in client.get(reverse(URL)).content.decode()
    client.force_login(admin)
    html = client.get(reverse(URL)).content.decode()
    assert (f'href="{history}"' in html, f'action="{retry}"' in html) == (False, True)


def test_an_administrator_queues_again_and_comes_back_to_the_list(
    icd10cm, make_encounter, admin, client
) -> None:
    encounter = make_encounter(status=EncounterStatus.FAILED)
    PredictionRun.objects.create(
        code_set=encounter.code_sets.get(), engine="embedded", question_hash="0" * 64, status=RunStatus.FAILED
    )
    client.force_login(admin)
    answer = client.post(reverse("web:encounter-retry", args=[encounter.pk]))
    assert (answer.status_code, answer.url) == (302, reverse(URL))
    assert Encounter.objects.get().status == EncounterStatus.QUEUED


def test_search_by_number_name_and_code(icd10cm, make_encounter, coder) -> None:
    encounter, _ = make_encounter(), make_encounter()
    suggest(encounter.code_sets.get(), HF)
    identity = PatientIdentity.objects.get(patient=encounter.patient)
    for query in (
        encounter.account_number.lower(),
        encounter.source_id,
        identity.record_number,
        identity.name,
        "i50.23",
    ):
        assert rows_of(coder, query) == [encounter.pk], query
    assert rows_of(coder, "nothing like it") == []


def test_search_words_travel_by_post_only(make_encounter, coder, client) -> None:
    encounter = make_encounter()
    client.force_login(coder)
    html = client.post(reverse("web:worklist-search"), {"q": encounter.account_number}).content.decode()
    assert encounter.account_number in html
    assert client.get(reverse("web:worklist-search")).status_code == 405


def test_nobody_sees_beyond_their_groups_and_labels(make_encounter, coder, outsider, lead) -> None:
    normal = make_encounter()
    restricted = make_encounter(confidentiality=Confidentiality.RESTRICTED)
    assert rows_of(coder) == [normal.pk]
    assert rows_of(outsider) == []
    assert rows_of(lead) == [normal.pk, restricted.pk]


def test_a_restricted_record_shows_no_name_on_the_list(make_encounter, coder, client) -> None:
    encounter = make_encounter(confidentiality=Confidentiality.RESTRICTED)
    Membership.objects.filter(user=coder).update(ceiling=Confidentiality.RESTRICTED)
    client.force_login(coder)
    html = client.get(reverse(URL)).content.decode()
    assert "Restricted record" in html
    assert "Quintero" not in html
    assert encounter.patient.identity.record_number not in html


def test_who_may_not_read_documents_sees_no_names(make_encounter, admin, auditor, client) -> None:
    encounter = make_encounter()
    for user in (admin, auditor):
        client.force_login(user)
        html = client.get(reverse(URL)).content.decode()
        assert encounter.source_id in html
        assert "Quintero" not in html
        assert encounter.account_number not in html


def test_nobody_finds_by_what_they_are_not_shown(icd10cm, make_encounter, admin, auditor, expert) -> None:
    """A hit would tell whose record it is, or what stands in it."""
    encounter = make_encounter()
    suggest(encounter.code_sets.get(), HF)
    identity = PatientIdentity.objects.get(patient=encounter.patient)
    for query, who in (
        (identity.name, [expert]),
        (identity.record_number, [expert]),
        (encounter.account_number, [expert]),
        (HF[0], [expert, auditor]),
        (encounter.source_id, [expert, auditor, admin]),
    ):
        assert [user for user in (expert, auditor, admin) if rows_of(user, query)] == who, query


def test_notes_say_why_it_waits(icd10cm, make_encounter, coder) -> None:
    from django.http import QueryDict

    held = make_encounter()
    claim(coder, held.pk)
    hold(coder, held.pk, reason="pending_result", expected_on=date(2026, 6, 12))
    in_review = make_encounter()
    suggest(in_review.code_sets.get(), HF)
    claim(coder, in_review.pk)
    notes = {row.encounter_id: row.note for row in build(coder, QueryDict(), "").rows}
    assert notes[held.pk] == "Result pending, just now, expected 12 Jun"
    assert notes[in_review.pk].startswith("0 of 1 decided, lease until ")


def test_counts_are_of_what_the_person_may_see(make_encounter, coder, other_work_group, client) -> None:
    make_encounter()
    make_encounter(group=other_work_group)
    client.force_login(coder)
    html = client.get(reverse(URL)).content.decode()
    assert "1–1 of 1" in html


def test_a_lead_reassigns_and_returns_from_the_page(
    icd10cm, make_encounter, coder, other_coder, lead, client
) -> None:
    encounter = claim(coder, make_encounter().pk)
    page = reverse("web:review", args=[encounter.pk, "facility_inpatient"])
    client.force_login(coder)
    assert reverse("web:encounter-reassign", args=[encounter.pk]) not in client.get(page).content.decode()
    assert (
        client.post(reverse("web:encounter-reassign", args=[encounter.pk]), {"user": coder.pk}).status_code
        == 403
    )
    client.force_login(lead)
    assert reverse("web:encounter-reassign", args=[encounter.pk]) in client.get(page).content.decode()
    client.post(reverse("web:encounter-reassign", args=[encounter.pk]), {"user": other_coder.pk})
    assert Encounter.objects.get().owner == other_coder
    refused = client.post(reverse("web:encounter-return", args=[encounter.pk]), {"reason": "audit"})
    assert refused.status_code == 422
    client.post(
        reverse("web:encounter-return", args=[encounter.pk]), {"reason": "audit", "comment": "Look again"}
    )
    assert (Encounter.objects.get().status, Encounter.objects.get().owner) == ("returned", other_coder)
