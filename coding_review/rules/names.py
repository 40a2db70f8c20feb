"""What a name that somebody gives may hold: it stands in lists, headings, choices and exports beside other words."""

from __future__ import annotations


def fault_of_name(name: str, most: int) -> str:
    """What is wrong with it, in words; "" for a good one.

    Line ends, signs that cannot be seen and marks that turn the writing round would change what stands beside it, or
    make two names look the same.
    """
    if 1 <= len(name.strip()) <= most and name.strip().isprintable():
        return ""
    return f"A name has 1 to {most} characters that can be seen."
