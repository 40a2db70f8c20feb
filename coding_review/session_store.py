"""Sessions in the database as Django keeps them; each request reads one, so that read is a kept one."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from coding_review.kept_reads import KeptValues

_SESSIONS = KeptValues(
    lambda key: Session.objects.filter(session_key=key).values_list("session_data", "expire_date"), str
)


class SessionStore(DatabaseStore):
    def load(self) -> dict[str, Any]:
        """The session's data; none, and no key either, where it is not there or has run out."""
        for data, expires in _SESSIONS.rows(self.session_key):
            if expires > timezone.now():
                return dict(self.decode(data))
        self._session_key = None
        return {}
