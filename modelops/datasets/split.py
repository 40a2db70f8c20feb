"""Training or validation: by the patient alone, so that no experiment ever sees another split.

The share of a patient is SHA-256 of a salt and the patient's key. Neither the other examples nor their order nor the
name of the dataset goes in; the salt is part of the format and never changes.
"""

from __future__ import annotations

import hashlib

TRAIN, VALIDATION = "train", "validation"
SPLITS = (TRAIN, VALIDATION)
VALIDATION_SHARE = 0.05
SALT = "coding-review split 1"
_KEY_SALT = "coding-review patient 1"
_WHOLE = 1 << 64


def patient_key(source: str, pseudonym: str) -> str:
    """Whose chart it is, without saying who: 64 hex digits. `source` is the system that gave the pseudonym."""
    return hashlib.sha256("\x00".join((_KEY_SALT, source, pseudonym)).encode()).hexdigest()


def position(key: str) -> float:
    """Where a patient stands between 0 and 1."""
    digest = hashlib.sha256("\x00".join((SALT, key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / _WHOLE


def split_of(key: str) -> str:
    return VALIDATION if position(key) < VALIDATION_SHARE else TRAIN
