"""manage.py create_demo_users: the demo's facilities and one user for each role, with generated passwords."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction

from coding_review.actions.grant_access import grant_role, open_work_group
from coding_review.demo.encounters import demo_facilities
from coding_review.demo.users import (
    DEMO_USERS,
    DemoUser,
    new_password,
    passwords_file,
    read_passwords,
    write_passwords,
)
from coding_review.models import Facility, ReviewerProfile, WorkGroup


class Command(BaseCommand):
    help = (
        "Creates the demo's facilities and one user for each role. Passwords are generated once, printed, and "
        "kept in var/demo-users.json; a second run changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        path = passwords_file(settings.VAR_DIR)
        kept = read_passwords(path)
        passwords = {one.username: kept.get(one.username) or new_password() for one in DEMO_USERS}
        if passwords != kept:
            # Before the users: a password that is set but written nowhere would lock its user out.
            write_passwords(path, passwords)
        with transaction.atomic():
            groups = _facilities()
            made = [one.username for one in DEMO_USERS if _user(one, passwords[one.username], kept, groups)]
        for one in DEMO_USERS:
            self.stdout.write(f"{one.username:<12} {passwords[one.username]}  {one.does}")
        self.stdout.write(f"{len(made)} users created or given a new password. Passwords are kept in {path}.")


def _facilities() -> dict[tuple[str, str], WorkGroup]:
    groups = {}
    for one in demo_facilities():
        facility, _ = Facility.objects.get_or_create(
            code=one.code, defaults={"name": one.name, "time_zone": one.time_zone}
        )
        for group in one.work_groups:
            groups[one.code, group.code], _ = WorkGroup.objects.get_or_create(
                facility=facility, code=group.code, defaults={"name": group.name}
            )
    return groups


def _user(
    one: DemoUser, password: str, kept: dict[str, str], groups: dict[tuple[str, str], WorkGroup]
) -> bool:
    """Whether the password was set: the user is new, or the file with the former password was lost."""
    user, created = User.objects.get_or_create(
        username=one.username, defaults={"first_name": one.first_name, "last_name": one.last_name}
    )
    fresh = created or one.username not in kept
    if fresh:
        user.set_password(password)
        user.save(update_fields=["password"])
    ReviewerProfile.objects.get_or_create(
        user=user, defaults={"credential": one.credential, "pseudonym": f"R-{user.pk:04d}"}
    )
    grant_role(None, user, one.role)
    for facility, group, ceiling in one.groups:
        open_work_group(None, user, groups[facility, group], ceiling)
    return fresh
