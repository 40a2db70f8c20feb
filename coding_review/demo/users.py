"""The people of the demo, one for each role, and the file that keeps their generated passwords."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from coding_review.choices import Confidentiality, Role
from coding_review.localservers.places import write_private

# Without letters and digits that look alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """`groups`: (facility, work group, highest confidentiality label opened)."""

    username: str
    first_name: str
    last_name: str
    role: str
    credential: str
    groups: tuple[tuple[str, str, str], ...]
    does: str


_NORMAL = (
    ("TVMC", "inpatient", Confidentiality.NORMAL),
    ("TVMC", "outpatient", Confidentiality.NORMAL),
    ("CEDAR", "outpatient", Confidentiality.NORMAL),
)
_ALL = tuple(
    (facility, group, Confidentiality.VERY_RESTRICTED)
    for facility, group in (
        ("TVMC", "inpatient"),
        ("TVMC", "outpatient"),
        ("TVMC", "behavioral"),
        ("CEDAR", "outpatient"),
    )
)

DEMO_USERS: tuple[DemoUser, ...] = (
    DemoUser("coder", "Marisol", "Quandt", Role.CODER, "CCS", _NORMAL, "decides on codes and signs off"),
    DemoUser("coder2", "Teodor", "Ashgrove", Role.CODER, "CPC", _NORMAL, "a second coder, same work groups"),
    DemoUser(
        "lead", "Imara", "Veldhuizen", Role.LEAD, "CCS", _ALL, "imports, reassigns, sees restricted records"
    ),
    DemoUser("expert", "Jorun", "Pallister", Role.EXPERT, "MD", _NORMAL, "reads as a clinical expert"),
    DemoUser("adjudicator", "Selwyn", "Okonjo", Role.ADJUDICATOR, "RHIA", _NORMAL, "settles disagreements"),
    DemoUser("auditor", "Brita", "Lindqvist", Role.AUDITOR, "RHIA", _ALL, "searches and exports decisions"),
    DemoUser(
        "privacy", "Conrad", "Amsel", Role.PRIVACY_OFFICER, "CHPS", _ALL, "answers for access to records"
    ),
    DemoUser("admin", "Noor", "Castellane", Role.ADMIN, "", _ALL, "runs the system; sees no document text"),
)


def new_password() -> str:
    """Three groups of four, easy to type: about 59 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


def passwords_file(var: Path) -> Path:
    return var / "demo-users.json"


def read_passwords(path: Path) -> dict[str, str]:
    """Passwords by user name; empty where the file is missing or not one of ours."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {name: password for name, password in kept.items() if isinstance(password, str)}


def write_passwords(path: Path, passwords: dict[str, str]) -> None:
    """Readable by this user only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, json.dumps(passwords, indent=2) + "\n")
