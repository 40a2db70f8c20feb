"""Records of substance use disorder programmes (42 CFR Part 2), told by the notice that must go with them.

Section 2.32 has every disclosure of such a record carry a statement that forbids disclosing it further. A document
with that statement is one of them whatever label its encounter has.
"""

from __future__ import annotations

import re

_NOTICE = re.compile(
    r"42\s*C\.?\s*F\.?\s*R\.?\s*,?\s*(?:part|pt\.?|§)?\s*2(?![\d])"
    r"|(?:prohibits?|unauthorized)\s[^.]{0,80}(?:re-?)?disclos\w+[^.]{0,160}substance[\s-]use"
    r"|substance[\s-]use\sdisorder\s(?:treatment\s)?records?\s[^.]{0,80}(?:protected|confidential)",
    re.IGNORECASE,
)


def bears_notice(text: str) -> bool:
    return _NOTICE.search(" ".join(text.split())) is not None
