"""Give a person a role, or open a work group's encounters to them."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.auth import require, roles_of
from coding_review.choices import Role
from coding_review.errors import InvalidDecision
from coding_review.models import Membership, RoleAssignment, WorkGroup
from coding_review.rules.permissions import MANAGE_ACCESS, NOT_WITH_AUDITOR


@transaction.atomic
def grant_role(actor: Any, user: Any, role: str) -> bool:
    """Whether it was new. `actor` None is the operator at the command line.

    Raises NotAllowed, InvalidDecision (a role that may not be held together with one held).
    """
    if actor is not None:
        require(actor, MANAGE_ACCESS)
    held = roles_of(user)
    if role in held:
        return False
    together = held | {role}
    if Role.AUDITOR in together and together & NOT_WITH_AUDITOR:
        raise InvalidDecision("An auditor never codes: these two roles are not held together.", role=role)
    RoleAssignment.objects.create(user=user, role=role)
    audit.record("access.granted", actor=actor, data={"user_id": user.pk, "role": role})
    return True


@transaction.atomic
def open_work_group(actor: Any, user: Any, work_group: WorkGroup, ceiling: str) -> bool:
    """Whether anything changed; an existing membership gets this ceiling. Raises NotAllowed."""
    if actor is not None:
        require(actor, MANAGE_ACCESS)
    membership = Membership.objects.select_for_update().filter(user=user, work_group=work_group).first()
    if membership is not None and membership.ceiling == ceiling:
        return False
    Membership.objects.update_or_create(user=user, work_group=work_group, defaults={"ceiling": ceiling})
    audit.record(
        "access.granted",
        actor=actor,
        data={"user_id": user.pk, "work_group": str(work_group), "ceiling": ceiling},
    )
    return True
