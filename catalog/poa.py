"""Which ICD-10-CM codes are plainly exempt from present-on-admission reporting.

Category rules after the list that used to be Appendix I of the Official Guidelines. They only fill in a
default that a coder can change; CMS's yearly code list is the authority once it is loaded.
"""

from __future__ import annotations

import re

_EXEMPT = re.compile(
    r"""
    B9[0-4] | E64 | I25\.2 | I69 | O09 | O66\.5 | O80 | O94 | P00 | Q
    | [VWXY]\d\d
    | Z0[0-9] | Z1[1-5] | Z1[7-9] | Z2[1-3] | Z28 | Z3 | Z4 | Z5[1-3]
    | Z6[6-8] | Z7 | Z8 | Z9
    """,
    re.VERBOSE,
)
_INJURY_LATER = re.compile(r"[ST]\d.*[DGKPS]$")


def is_poa_exempt(code: str) -> bool:
    """Whether the dotted code falls under an exempt category (injury aftercare and sequela included)."""
    if _INJURY_LATER.fullmatch(code) and len(code.replace(".", "")) == 7:
        return True
    return _EXEMPT.match(code) is not None
