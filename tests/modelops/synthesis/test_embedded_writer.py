"""What the writer of templates writes: the same each time, in the public formats, each code told on its lines."""

from __future__ import annotations

import json
from dataclasses import replace

from catalog.choices import ClaimType
from modelops.gold_lines import parse_gold_line
from modelops.interchange import GOLD_FIELDS, parse_chart_line
from modelops.synthesis.chart_rows import as_line, chart_row, gold_row, intermediates_row
from modelops.synthesis.drawing import Drawing
from modelops.synthesis.embedded_writer import EmbeddedWriter
from modelops.synthesis.tables import sayings, styles
from modelops.synthesis.types import SyntheticDraft
from modelops.synthesis.vocabulary import Vocabulary

DOMAINS = ("advanced_illness", "frailty", "sdoh")


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    drawing: Drawing, vocabulary: Vocabulary, drafts: list[SyntheticDraft]
) -> None:
    writer = EmbeddedWriter(vocabulary)
    # In another order, as another process would come to them.
    again = {number: writer.write(drawing.order(1, number)).text for number in (57, 3, 120)}
    assert again == {number: drafts[number].written.text for number in (57, 3, 120)}
    assert drawing.order(2, 3) != drawing.order(1, 3)


def test_each_line_is_a_chart_with_its_codes(drafts: list[SyntheticDraft]) -> None:
    for draft in drafts:
        line = as_line(gold_row(draft))
        chart = parse_chart_line(line, tolerated=GOLD_FIELDS)
        gold = parse_gold_line(line, domains=DOMAINS, reasons=())
        assert chart.coding_date == draft.order.date
        assert chart.effective_claim_type == draft.order.claim_type
        assert {code.code for code in gold.codes if not code.optional} == set(draft.order.codes)
        assert parse_chart_line(as_line(chart_row(draft))).id == draft.order.id


def test_every_code_stands_on_lines_that_hold_words(drafts: list[SyntheticDraft]) -> None:
    for draft in drafts:
        lines = draft.written.text.split("\n")
        for code in draft.written.codes:
            assert code.lines, (draft.order.id, code.code)
            assert all(lines[number - 1].strip() for number in code.lines)


def test_a_code_is_on_every_line_that_says_it(drawing: Drawing, vocabulary: Vocabulary) -> None:
    """Told by its own words: of a code with sayings, a line marked holds a good part of one of them."""
    looked = 0
    for number in range(200):
        order = drawing.order(1, number)
        written = EmbeddedWriter(vocabulary).write(order)
        lines = written.text.lower().split("\n")
        for code in written.codes:
            term = vocabulary.terms.get(code.code)
            if term is None or code.optional or code.code not in sayings() or term.from_title:
                continue
            said = {word for words in sayings()[code.code] for word in words.lower().split() if len(word) > 1}
            on_lines = {word.strip(".,;:()") for n in code.lines for word in lines[n - 1].split()}
            assert said & on_lines, (order.id, code.code)
            looked += 1
    assert looked > 20


def test_traps_are_no_codes_of_the_chart(drafts: list[SyntheticDraft]) -> None:
    kinds = set()
    for draft in drafts:
        for trap in draft.written.traps:
            assert trap.code not in draft.order.codes
            assert trap.lines
            kinds.add(trap.kind)
    assert kinds >= {
        "negated", "family_history", "historical", "other_person", "uncertain_outpatient", "hypothetical",
        "copied_forward_resolved", "template_text", "lab_only",
    }  # fmt: skip


def test_probable_is_no_trap_on_an_inpatient_claim(drafts: list[SyntheticDraft]) -> None:
    for draft in drafts:
        if draft.order.claim_type == ClaimType.FACILITY_INPATIENT:
            assert all(trap.kind != "uncertain_outpatient" for trap in draft.written.traps)


def test_pronouns_follow_the_sex(drafts: list[SyntheticDraft]) -> None:
    for draft in drafts:
        words = draft.written.text.replace(".", " ").replace(",", " ").split()
        other = {"He", "his", "him"} if draft.order.person.sex == "F" else {"She", "her"}
        assert not other & set(words), draft.order.id


def test_no_slot_is_left_open(drafts: list[SyntheticDraft]) -> None:
    assert [
        draft.order.id for draft in drafts if "{" in draft.written.text or "}" in draft.written.text
    ] == []


def test_every_style_writes_every_kind(drawing: Drawing, vocabulary: Vocabulary) -> None:
    writer = EmbeddedWriter(vocabulary)
    for name in styles():
        for number in range(12):
            order = replace(drawing.order(5, number), style=name)
            written = writer.write(order)
            assert written.note_type == styles()[name].note_type
            assert all(code.lines for code in written.codes)


def test_intermediates_tell_what_led_to_the_chart(drafts: list[SyntheticDraft]) -> None:
    row = intermediates_row(drafts[0])
    assert row["seed_code"] == drafts[0].order.seed_code
    assert sorted([row["seed_code"], *row["co_codes"]]) == sorted(drafts[0].order.codes)
    assert json.loads(as_line(row)) == row
