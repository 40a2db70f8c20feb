"""manage.py create_demo_users: one user a role, passwords made once and kept for this user alone."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from coding_review.auth import roles_of
from coding_review.choices import Confidentiality, Role
from coding_review.demo.users import DEMO_USERS
from coding_review.models import AuditEvent, Facility, Membership, WorkGroup

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path
    # A plain hash for eight users at a time; the real one is proved by the sign-in tests.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return tmp_path / "demo-users.json"


def create() -> str:
    said = StringIO()
    call_command("create_demo_users", stdout=said)
    return said.getvalue()


def test_every_role_has_a_user_with_a_printed_password(kept: Path) -> None:
    said = create()
    passwords = json.loads(kept.read_text())
    assert kept.stat().st_mode & 0o777 == 0o600
    assert {next(iter(roles_of(user))) for user in User.objects.all()} == set(Role.values)
    assert sorted(passwords) == sorted(User.objects.values_list("username", flat=True))
    assert len(set(passwords.values())) == len(DEMO_USERS)
    for name, password in passwords.items():
        assert f"{name:<12} {password}" in said
        assert User.objects.get(username=name).check_password(password)
        assert not User.objects.get(username=name).is_superuser


def test_a_second_run_changes_nothing(kept: Path) -> None:
    create()
    before = kept.read_text(), list(User.objects.order_by("pk").values_list("pk", "password"))
    events = AuditEvent.objects.count()
    assert "0 users created or given a new password" in create()
    assert (kept.read_text(), list(User.objects.order_by("pk").values_list("pk", "password"))) == before
    assert AuditEvent.objects.count() == events


def test_a_lost_file_gives_new_passwords_to_the_same_users(kept: Path) -> None:
    create()
    ids = set(User.objects.values_list("pk", flat=True))
    old = json.loads(kept.read_text())["coder"]
    kept.unlink()
    create()
    coder = User.objects.get(username="coder")
    assert set(User.objects.values_list("pk", flat=True)) == ids
    assert not coder.check_password(old)
    assert coder.check_password(json.loads(kept.read_text())["coder"])


def test_a_lost_database_gets_the_kept_passwords_again(kept: Path) -> None:
    create()
    passwords = kept.read_text()
    User.objects.get(username="expert").delete()
    create()
    assert kept.read_text() == passwords
    assert User.objects.get(username="expert").check_password(json.loads(passwords)["expert"])


def test_restricted_records_are_open_to_few(kept: Path) -> None:
    create()
    assert set(Facility.objects.values_list("code", flat=True)) == {"TVMC", "CEDAR"}
    assert WorkGroup.objects.count() == 4
    behavioral = Membership.objects.filter(work_group__code="behavioral")
    assert set(behavioral.values_list("user__username", "ceiling")) == {
        (name, Confidentiality.VERY_RESTRICTED) for name in ("lead", "auditor", "privacy", "admin")
    }
    assert not Membership.objects.filter(user__username="coder").exclude(ceiling="normal").exists()


def test_every_grant_is_audited(kept: Path) -> None:
    create()
    roles = AuditEvent.objects.filter(type="access.granted", data__has_key="role")
    groups = AuditEvent.objects.filter(type="access.granted", data__has_key="work_group")
    assert roles.count() == len(DEMO_USERS)
    assert groups.count() == sum(len(one.groups) for one in DEMO_USERS)
