"""Procedure notes: named in short words, matched by meaning, left out where no code was found."""

from __future__ import annotations

import datetime as dt
import re

from catalog.embedding.embedders import embedder
from catalog.models import Code, Release
from modelops.synthesis.chart_rows import gold_row
from modelops.synthesis.procedures import NearestChooser, ProcedureNotes, Titles, procedures

DAYS = (dt.date(2026, 4, 1), dt.date(2026, 9, 30))


class NoneChosen:
    def choose(self, name: str, note: str, offered: object) -> str:
        return ""


class Inventing:
    def choose(self, name: str, note: str, offered: object) -> str:
        return "99999"


def test_notes_carry_codes_of_the_release_with_their_lines(cpt_sample: Release) -> None:
    made = list(
        ProcedureNotes(cpt_sample, Titles(cpt_sample, embedder()), NearestChooser(), DAYS).make(1, 60)
    )
    codes = set(Code.objects.of(cpt_sample).values_list("code", flat=True))
    used = [draft for draft in made if not draft.discarded]
    assert len(used) > 30
    for draft in used:
        lines = draft.written.text.split("\n")
        for code in draft.labelled.codes:
            assert code.code in codes
            assert (code.system, bool(code.lines)) == ("cpt", True)
            assert all(lines[number - 1] for number in code.lines)
        assert gold_row(draft)["codes"][0]["system"] == "cpt"


def test_a_note_never_holds_a_code(cpt_sample: Release) -> None:
    made = ProcedureNotes(cpt_sample, Titles(cpt_sample, embedder()), NearestChooser(), DAYS).make(2, 40)
    assert [d.order.id for d in made if re.search(r"\b\d{5}\b", d.written.text)] == []


def test_the_same_seed_gives_the_same_note(cpt_sample: Release) -> None:
    notes = ProcedureNotes(cpt_sample, Titles(cpt_sample, embedder()), NearestChooser(), DAYS)
    assert [d.written.text for d in notes.make(3, 5)] == [d.written.text for d in notes.make(3, 5)]
    assert [d.written.text for d in notes.make(3, 2, first=3)] == [d.written.text for d in notes.make(3, 5)][
        3:
    ]


def test_what_found_no_code_is_discarded(cpt_sample: Release) -> None:
    titles = Titles(cpt_sample, embedder())
    for chooser in (NoneChosen(), Inventing()):
        (draft,) = ProcedureNotes(cpt_sample, titles, chooser, DAYS).make(1, 1)
        assert (draft.discarded, draft.labelled.codes) == ("no_valid_code", ())
        assert draft.labelled.discards


def test_a_wider_look_where_nothing_of_the_range_is_near(cpt_sample: Release) -> None:
    titles = Titles(cpt_sample, embedder())
    (best, *_) = titles.nearest("colonoscopy with biopsy", 10000, 19999)
    assert best.code == "45380"
    assert titles.nearest("zzzz qqqq", 10000, 99999) == []


def test_no_procedure_is_named_with_a_number() -> None:
    assert [p.name for p in procedures() if re.search(r"\d{4,}", p.name + p.why)] == []
    assert all(p.first < p.last and p.youngest < p.oldest for p in procedures())
