"""What a procedure's line asks for, by its code system."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from coding_review.actions.add_code import add_code
from coding_review.models import CodeEntry, CodeSet

pytestmark = pytest.mark.django_db
BY_UNIT = ('name="modifiers"', 'name="pointers"', 'type="number"')


def panel(client: Client, code_set: CodeSet) -> str:
    page = reverse("web:review", args=[code_set.encounter_id, code_set.claim_type])
    return client.get(f"{page}?panel=codes").content.decode().split('id="code-set"')[1]


def line_of(
    make_encounter: Any, coder: User, client: Client, claim_type: str, system: str, code: str
) -> tuple[CodeSet, CodeEntry]:
    client.force_login(coder)
    encounter = make_encounter(claim_types=(claim_type,), status="in_review", owner=coder)
    code_set = encounter.code_sets.get()
    return code_set, add_code(coder, code_set.pk, code=code, system=system)


def test_a_code_of_pcs_has_a_date_and_a_provider_alone(
    icd10cm: Any, make_encounter: Any, coder: User, client: Client
) -> None:
    code_set, entry = line_of(make_encounter, coder, client, "facility_inpatient", "icd10pcs", "0FT44ZZ")
    shown = panel(client, code_set)
    assert [name for name in BY_UNIT if name in shown] == []
    assert 'name="service_date"' in shown
    sent = {"version": entry.version, "units": "1", "service_date": "2026-06-09", "provider": "Dr. Sample"}
    assert client.post(reverse("web:entry-set", args=[entry.pk]), sent).status_code == 302
    entry.refresh_from_db()
    assert (str(entry.service_date), entry.rendering_provider, entry.units) == ("2026-06-09", "Dr. Sample", 1)


def test_a_code_of_pcs_that_came_with_units_shows_them(
    icd10cm: Any, make_encounter: Any, coder: User, client: Client
) -> None:
    code_set, entry = line_of(make_encounter, coder, client, "facility_inpatient", "icd10pcs", "0FT44ZZ")
    CodeEntry.objects.filter(pk=entry.pk).update(units=3)
    assert all(name in panel(client, code_set) for name in BY_UNIT)


def test_a_code_of_cpt_has_all_and_no_modifier_is_proposed(
    icd10cm: Any, cpt_sample: Any, make_encounter: Any, coder: User, client: Client
) -> None:
    code_set, _ = line_of(make_encounter, coder, client, "professional", "cpt", "20610")
    shown = panel(client, code_set)
    assert all(name in shown for name in BY_UNIT)
    for modifier in ("59", "XE", "XP", "XS", "XU"):
        assert f" {modifier}" not in shown.split('class="manual"')[1]
