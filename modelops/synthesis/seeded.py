"""Chance that can be had again: the same parts give the same numbers, in every process and on every machine."""

from __future__ import annotations

from random import Random


def seeded(*parts: str | int) -> Random:
    # Python seeds a text by its SHA-512; nothing here is a secret.
    return Random("/".join(str(part) for part in parts))  # noqa: S311
