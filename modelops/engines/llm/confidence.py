"""How sure a model was of a code: the probabilities of the code's own tokens, where the grammar left a choice, and
the share of passes that agree. Pure.

Probabilities are computed after the grammar's mask: a token without an alternative reads as certain and says
nothing of the model, so it is left out. The quotation mark that ends the code counts: to stop at E11.9 is a choice.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from modelops.engines.llm.transport import Token

# What is shown where the model's own figures say nothing (none were sent, or all tokens were forced): LOW by any
# sensible setting, since nobody measured it.
UNMEASURED = 0.5

_STRING = r'"((?:[^"\\]|\\.)*)"'
# Inside a string the quotation marks are escaped, so neither matches there.
_CODE = re.compile(rf'"code"\s*:\s*{_STRING}')
_DESCRIPTION = re.compile(rf'"description"\s*:\s*{_STRING}')


def code_probabilities(tokens: Sequence[Token], listed: int, *, closed: bool = False) -> list[float | None]:
    """For each object of the answer, in order, the geometric mean over its code's unforced tokens; None where there
    is none. All None where the tokens do not show as many codes as the answer has objects.

    `closed`: under a grammar that enumerates candidates the choice falls in the description, which then counts too.
    """
    text = "".join(token.text for token in tokens)
    spans = [[(m.start(1), m.end(1) + 1)] for m in _CODE.finditer(text)]
    if len(spans) != listed:
        return [None] * listed
    if closed:
        described = [(m.start(1), m.end(1) + 1) for m in _DESCRIPTION.finditer(text)]
        if len(described) == listed:
            for span, more in zip(spans, described, strict=True):
                span.append(more)
    ends = _ends(tokens)
    return [_mean(tokens, ends, span) for span in spans]


def mean_probability(tokens: Sequence[Token], spans: Sequence[tuple[int, int]]) -> float | None:
    """Over the unforced tokens that touch one of the spans (offsets in the tokens' joined texts, end exclusive)."""
    return _mean(tokens, _ends(tokens), spans)


def _ends(tokens: Sequence[Token]) -> list[int]:
    return list(accumulate(len(token.text) for token in tokens))


def _mean(tokens: Sequence[Token], ends: Sequence[int], spans: Sequence[tuple[int, int]]) -> float | None:
    # The first token that ends within a span, to the first that begins behind it.
    touched = {
        at for first, last in spans for at in range(bisect_right(ends, first), bisect_left(ends, last) + 1)
    }
    free = [tokens[at].logprob for at in sorted(touched) if at < len(tokens) and _says(tokens[at])]
    if not free or any(math.isnan(logprob) for logprob in free):
        return None
    return math.exp(sum(min(logprob, 0.0) for logprob in free) / len(free))


def _says(token: Token) -> bool:
    return not token.forced and token.text != ""


def combined(by_pass: Sequence[Sequence[float | None]], passes: int) -> float:
    """`by_pass`: for each pass that named the code, what its places gave. The best place of each pass, their mean,
    times the share of passes that named the code; UNMEASURED stands in where nothing was measured."""
    if not by_pass:
        return 0.0
    best = [max((value for value in values if value is not None), default=None) for values in by_pass]
    measured = sorted(value for value in best if value is not None)
    mean = math.fsum(measured) / len(measured) if measured else UNMEASURED
    return min(max(mean * len(by_pass) / passes, 0.0), 1.0)
