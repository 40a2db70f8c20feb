"""From a wish to charts: orders drawn, notes written, labelled and looked over; nothing that was made is kept back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from modelops.errors import EngineError
from modelops.synthesis.drawing import Drawing
from modelops.synthesis.types import Labelled, Order, SyntheticDraft, Writer, Written

_LONGEST_PERIOD = dt.timedelta(days=180)

Labeller = Callable[[Order, Written], Labelled]
# Says why a text may not be used; empty where it may.
Gate = Callable[[Order, str], str]

EMPTY = Written(text="", note_type="", author_role="")


def days_of(valid_from: dt.date, valid_to: dt.date | None) -> tuple[dt.date, dt.date]:
    """The days on which charts of a release may have been written."""
    return valid_from, valid_to or valid_from + _LONGEST_PERIOD


def trusting(_order: Order, written: Written) -> Labelled:
    """What a writer says that it wrote, unchecked."""
    return Labelled(written.codes, written.traps)


def make(
    drawing: Drawing,
    writer: Writer,
    *,
    seed: int,
    count: int,
    first: int = 0,
    label: Labeller = trusting,
    gate: Gate | None = None,
) -> Iterator[SyntheticDraft]:
    """`count` drafts, one for each position from `first`. A draft that may not be used tells why: not_written,
    not_labelled, no_code, or what the gate found. Raises drawing.NothingFits."""
    for position in range(first, first + count):
        order = drawing.order(seed, position)
        try:
            written = writer.write(order)
        except EngineError as error:
            yield SyntheticDraft(order, EMPTY, Labelled(()), discarded=f"not_written: {error.code}")
            continue
        try:
            labelled = label(order, written)
        except EngineError as error:
            # A text that nobody looked through is shown to nobody.
            why = (gate(order, written.text) if gate else "") or f"not_labelled: {error.code}"
            yield SyntheticDraft(order, written, Labelled(()), discarded=why)
            continue
        reason = gate(order, written.text) if gate else ""
        if not reason and not any(not code.optional for code in labelled.codes):
            reason = "no_code"
        meta = str(written.details.get("meta_description", ""))
        yield SyntheticDraft(order, written, labelled, reason, meta)
