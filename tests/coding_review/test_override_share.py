"""The share of overrides by check, who sees it, and that an admin is told when it is above 80%."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from coding_review.models import CodeSet, FindingOverride, FindingShown
from coding_review.override_share import override_shares

pytestmark = pytest.mark.django_db


def shown(code_set: CodeSet, coder: User, number: int, *, overridden: int, check: str = "excludes1") -> None:
    for n in range(number):
        row = {"code_set": code_set, "check_id": check, "codes": [f"E10.{n}"], "severity": "warn"}
        FindingShown.objects.create(**row)
        if n < overridden:
            FindingOverride.objects.create(
                **row, entries=[], outcome="unrelated", outcomes_edition="1", checks_edition="1", user=coder
            )


def page(user: User, path: str = "/checks/") -> str:
    client = Client()
    client.force_login(user)
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize(("overridden", "told"), [(9, True), (8, False)])
def test_an_admin_is_told_above_eighty_percent(
    make_encounter: Any, coder: User, admin: User, lead: User, overridden: int, told: bool
) -> None:
    code_set = make_encounter().code_sets.get()
    shown(code_set, coder, 10, overridden=overridden)
    (row,) = override_shares()
    assert (row.check, row.shown, row.overridden, row.told) == ("excludes1", 10, overridden, told)
    assert row.usual_reason == "The two conditions are unrelated to each other"
    assert ("Code edits (1 overridden above 80%)" in page(admin, "/")) is told
    assert f"{overridden}0%" in page(lead)
    assert ("Overridden above 80%:" in page(lead)) is told


def test_few_findings_say_nothing_and_withdrawn_ones_do_not_count(
    make_encounter: Any, coder: User, admin: User
) -> None:
    code_set = make_encounter().code_sets.get()
    shown(code_set, coder, 9, overridden=9)
    assert not override_shares()[0].told
    one = FindingOverride.objects.order_by("pk").first()
    assert one is not None
    FindingOverride.objects.filter(pk=one.pk).update(withdrawn_at=one.at, withdrawn_by=coder)
    assert override_shares()[0].overridden == 8
    assert "overridden above" not in page(admin, "/")


def test_a_coder_does_not_see_it(coder: User) -> None:
    client = Client()
    client.force_login(coder)
    assert client.get("/checks/").status_code == 403
    assert "Code edits" not in page(coder, "/")
