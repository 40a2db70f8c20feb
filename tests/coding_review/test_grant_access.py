"""Roles and work groups are given by those who may, and every grant is audited."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from coding_review.actions.grant_access import grant_role, open_work_group
from coding_review.auth import roles_of
from coding_review.choices import Confidentiality, Role
from coding_review.errors import InvalidDecision, NotAllowed
from coding_review.models import AuditEvent, Membership, WorkGroup

pytestmark = pytest.mark.django_db


def test_an_admin_gives_a_role_once(admin: User, expert: User) -> None:
    assert grant_role(admin, expert, Role.ADJUDICATOR)
    assert not grant_role(admin, expert, Role.ADJUDICATOR)
    assert roles_of(expert) == {Role.EXPERT, Role.ADJUDICATOR}
    event = AuditEvent.objects.get(type="access.granted")
    assert (event.actor, event.data) == (admin, {"user_id": expert.pk, "role": "adjudicator"})


@pytest.mark.parametrize("who", ["coder", "lead", "auditor", "privacy_officer", "outsider"])
def test_nobody_else_does(
    who: str, expert: User, work_group: WorkGroup, request: pytest.FixtureRequest
) -> None:
    actor = request.getfixturevalue(who)
    before = list(Membership.objects.order_by("pk").values_list("pk", "ceiling"))
    with pytest.raises(NotAllowed):
        grant_role(actor, expert, Role.ADMIN)
    with pytest.raises(NotAllowed):
        open_work_group(actor, expert, work_group, Confidentiality.VERY_RESTRICTED)
    assert roles_of(expert) == {Role.EXPERT}
    assert list(Membership.objects.order_by("pk").values_list("pk", "ceiling")) == before
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("held", "asked"), [("auditor", Role.CODER), ("auditor", Role.LEAD), ("coder", Role.AUDITOR)]
)
def test_an_auditor_never_codes(held: str, asked: str, admin: User, request: pytest.FixtureRequest) -> None:
    user = request.getfixturevalue(held)
    before = roles_of(user)
    with pytest.raises(InvalidDecision):
        grant_role(admin, user, asked)
    assert roles_of(user) == before
    assert not AuditEvent.objects.exists()


def test_a_membership_is_raised_not_doubled(admin: User, coder: User, work_group: WorkGroup) -> None:
    assert open_work_group(admin, coder, work_group, Confidentiality.RESTRICTED)
    assert not open_work_group(admin, coder, work_group, Confidentiality.RESTRICTED)
    assert Membership.objects.get(user=coder).ceiling == Confidentiality.RESTRICTED
    event = AuditEvent.objects.get(type="access.granted")
    assert event.data == {"user_id": coder.pk, "work_group": "TVMC/inpatient", "ceiling": "restricted"}
