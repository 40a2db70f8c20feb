"""How often a password may be tried. Counted from the audit log, which every process shares and no restart empties.

A name is refused to the address that kept trying it, not to its owner elsewhere; only a hundred failures from
many addresses close it to all. What is refused here is not itself written down, so that the wait ends.
"""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from coding_review.errors import TooManySignIns
from coding_review.models import AuditEvent

WINDOW = timedelta(minutes=15)
OF_NAME_FROM_ADDRESS = 10
OF_NAME = 100
FROM_ADDRESS = 100


def keyed_hash(value: str) -> str:
    """The same for the same value, and not to be guessed without the site's key: people type passwords as names."""
    return salted_hmac("coding_review.sessions", value, algorithm="sha256").hexdigest()


def address_of(request: HttpRequest | None) -> str:
    """Of the client; behind a proxy what the proxy itself saw, which a client cannot make up."""
    if request is None:
        return ""
    if settings.BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR", ""))


def told_of(username: str, request: HttpRequest | None) -> dict[str, str]:
    """What the audit log keeps of a refused sign-in, and what is counted."""
    told = {"username_hash": keyed_hash(username)}
    address = address_of(request)
    return told | {"address_hash": keyed_hash(address)} if address else told


def refuse_too_many(username: str, request: HttpRequest | None) -> None:
    """Before a password is looked at. Raises TooManySignIns."""
    told = told_of(username, request)
    name = Q(data__username_hash=told["username_hash"])
    address = Q(data__address_hash=told.get("address_hash", ""))
    now = timezone.now()
    refused = AuditEvent.objects.filter(type="session.refused", at__gt=now - WINDOW)
    limits = {
        "both": (name & address, OF_NAME_FROM_ADDRESS),
        "name": (name, OF_NAME),
        "address": (address, FROM_ADDRESS),
    }
    counts = refused.aggregate(**{key: Count("pk", filter=which) for key, (which, _) in limits.items()})
    reached = [limits[key] for key, count in counts.items() if count >= limits[key][1]]
    if reached:
        # A limit is open again when the oldest of the newest failures that fill it leaves the window.
        ends = [
            refused.filter(which).order_by("-at").values_list("at", flat=True)[most - 1]
            for which, most in reached
        ]
        raise TooManySignIns(max(1, ceil((max(ends) + WINDOW - now).total_seconds())))
