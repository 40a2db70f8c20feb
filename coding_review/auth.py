"""Permissions come from roles (rules/permissions.py) through Django's own has_perm."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend, ModelBackend

from coding_review.errors import NotAllowed
from coding_review.kept_reads import KeptModels, KeptValues
from coding_review.models import RoleAssignment
from coding_review.rules.permissions import LABELS, permissions_of
from coding_review.sign_in_limits import refuse_too_many

_CACHE = "_coding_review_permissions"
_ROLES = KeptValues(lambda user: RoleAssignment.objects.filter(user_id=user).values_list("role"), int)
_USERS: KeptModels[Any] = KeptModels(
    lambda pk: get_user_model().objects.select_related("reviewer").filter(pk=pk), int
)


class PasswordBackend(ModelBackend):
    """Checks passwords only: Django's own user and group permissions are not used, so they are not asked for."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """Raises TooManySignIns, for the pages and the API alike."""
        if username is not None:
            refuse_too_many(username, request)
        return super().authenticate(request, username=username, password=password, **kwargs)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return False

    def get_user(self, user_id: int) -> Any:
        """With the reviewer's profile, which nearly every page and answer asks for."""
        user = _USERS.first(int(user_id))
        return user if user is not None and self.user_can_authenticate(user) else None


class RoleBackend(BaseBackend):
    """Grants what the user's roles hold; being a superuser opens nothing here by itself."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, _CACHE):
            setattr(user_obj, _CACHE, permissions_of(roles_of(user_obj)))
        return set(getattr(user_obj, _CACHE))

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return perm in self.get_all_permissions(user_obj, obj)


def roles_of(user: Any) -> frozenset[str]:
    return frozenset(role for (role,) in _ROLES.rows(user.pk))


def require(user: Any, permission: str) -> None:
    """Raises NotAllowed unless one of the user's roles holds the permission."""
    if not RoleBackend().has_perm(user, permission):
        raise NotAllowed(f"This needs the right: {LABELS[permission].lower()}.", permission=permission)
