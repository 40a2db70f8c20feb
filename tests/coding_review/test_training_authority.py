"""By what right a restricted record trains: recorded by the privacy officer, withdrawn, never changed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from coding_review.actions.training_authority import record_authority, withdraw_authority
from coding_review.errors import InvalidDecision, NotAllowed
from coding_review.models import AuditEvent, TrainingAuthority
from coding_review.web.event_words import event_words

pytestmark = pytest.mark.django_db


def test_it_is_recorded_and_told_on_the_encounters_chain(make_encounter, privacy_officer) -> None:
    encounter = make_encounter(confidentiality="restricted")
    until = timezone.localdate() + timedelta(days=30)
    found = record_authority(
        privacy_officer,
        encounter.pk,
        basis="research",
        reference=" IRB 24-117 ",
        covers_part2=True,
        valid_until=until,
    )
    assert (found.encounter, found.basis, found.reference, found.covers_part2, found.valid_until) == (
        encounter,
        "research",
        "IRB 24-117",
        True,
        until,
    )
    event = AuditEvent.objects.get(type="authority.recorded")
    assert (event.encounter, event.actor) == (encounter, privacy_officer)
    assert event.data == {
        "authority_id": found.pk,
        "basis": "research",
        "reference": "IRB 24-117",
        "covers_part2": True,
        "valid_until": until.isoformat(),
    }
    told = event_words(event.type, event.data, {})
    assert told.detail == f"research approval or waiver, IRB 24-117, Part 2 records too, until {until}"


def test_who_may_not_changes_nothing(
    make_encounter, coder, lead, expert, adjudicator, auditor, admin, outsider, privacy_officer
) -> None:
    encounter = make_encounter(confidentiality="restricted")
    for user in (coder, lead, expert, adjudicator, auditor, admin, outsider):
        with pytest.raises(NotAllowed):
            record_authority(user, encounter.pk, basis="consent", reference="C-1")
    assert not TrainingAuthority.objects.exists()
    standing = record_authority(privacy_officer, encounter.pk, basis="consent", reference="C-1")
    for user in (coder, lead, admin, auditor):
        with pytest.raises(NotAllowed):
            withdraw_authority(user, standing.pk)
    standing.refresh_from_db()
    assert standing.withdrawn_at is None
    assert AuditEvent.objects.filter(type__startswith="authority.").count() == 1


def test_an_encounter_of_another_group_is_not_opened_by_the_right(
    make_encounter, privacy_officer, other_work_group
) -> None:
    elsewhere = make_encounter(group=other_work_group)
    with pytest.raises(NotAllowed, match="not among those"):
        record_authority(privacy_officer, elsewhere.pk, basis="consent", reference="C-1")
    assert not TrainingAuthority.objects.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"basis": "custom"}, "basis"),
        ({"reference": "  "}, "reference"),
        ({"reference": "x" * 81}, "reference"),
        ({"valid_until": date(2020, 1, 1)}, "valid_until"),
    ],
)
def test_what_is_not_complete_is_refused(values, field, make_encounter, privacy_officer) -> None:
    encounter = make_encounter()
    with pytest.raises(InvalidDecision) as caught:
        record_authority(privacy_officer, encounter.pk, **{"basis": "consent", "reference": "C-1", **values})
    assert caught.value.data["field"] == field
    assert not TrainingAuthority.objects.exists()


def test_withdrawn_once_and_no_longer_in_force(make_encounter, privacy_officer) -> None:
    today = timezone.localdate()
    found = record_authority(
        privacy_officer, make_encounter().pk, basis="consent", reference="C-1", valid_until=today
    )
    in_force = TrainingAuthority.objects.in_force
    assert list(in_force(today)) == [found]
    assert list(in_force(today + timedelta(days=1))) == []
    first = withdraw_authority(privacy_officer, found.pk)
    again = withdraw_authority(privacy_officer, found.pk)
    assert again.withdrawn_at == first.withdrawn_at
    assert first.withdrawn_by == privacy_officer
    assert list(in_force(today)) == []
    assert AuditEvent.objects.filter(type="authority.withdrawn").count() == 1


def test_the_row_allows_nothing_but_its_withdrawal(make_encounter, privacy_officer) -> None:
    found = record_authority(privacy_officer, make_encounter().pk, basis="consent", reference="C-1")
    rows = TrainingAuthority.objects.filter(pk=found.pk)
    for change in (lambda: rows.update(reference="C-2"), rows.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    found.refresh_from_db()
    assert found.reference == "C-1"
