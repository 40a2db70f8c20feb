"""Sections of the guidelines that checks cite: each is known, and one that was compared with nothing says so."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from catalog.edits.engine import CHECKS
from catalog.edits.rows import Check
from catalog.edits.sections import GUIDELINES, SECTIONS, cited, sections_of
from catalog.edits.types import Severity


@pytest.mark.parametrize(
    ("citation", "sections"),
    [
        (f"{GUIDELINES} I.B.2", ["I.B.2"]),
        (f"{GUIDELINES} I.B.14, I.C.21.c.3", ["I.B.14", "I.C.21.c.3"]),
        (f"{GUIDELINES} I.C.19.e.5.b, I.C.19.e.5.d", ["I.C.19.e.5.b", "I.C.19.e.5.d"]),
        (f"The site's own table; {GUIDELINES} III.B", ["III.B"]),
        (f"{GUIDELINES} IV.H", ["IV.H"]),
        ("NCCI Policy Manual, chapter I", []),
        ("45 CFR 162.1002", []),
    ],
)
def test_sections_are_read_from_a_citation(citation, sections):
    assert sections_of(citation) == sections


def test_what_is_not_verified_says_so():
    assert cited(f"{GUIDELINES} I.A.12.a") == f"{GUIDELINES} I.A.12.a"
    assert cited(f"{GUIDELINES} I.B.12") == f"{GUIDELINES} I.B.12 (section not verified)"
    assert cited(f"{GUIDELINES} I.A.4, I.A.5") == f"{GUIDELINES} I.A.4, I.A.5 (section I.A.5 not verified)"
    assert cited("NCCI medically unlikely edits") == "NCCI medically unlikely edits"


def test_a_section_that_the_table_lacks_cannot_be_cited():
    with pytest.raises(KeyError, match=r"I\.B\.99"):
        Check("new", "New", Severity.INFO, f"{GUIDELINES} I.B.99", case=lambda _: ())


def test_each_row_says_whether_its_sections_are_verified():
    for row in CHECKS:
        sections = sections_of(row.citation)
        known = [SECTIONS[number].verified for number in sections]
        assert row.verified == (all(known) if known else None), row.id
        assert ("not verified" in row.citation) == (row.verified is False), row.id
        if not sections:
            assert GUIDELINES not in row.citation, row.id


def test_every_section_of_the_table_is_cited_and_documented(settings):
    cited_somewhere = {number for row in CHECKS for number in sections_of(row.citation)}
    # Of a finding that names the code for both courses.
    assert set(SECTIONS) - cited_somewhere == {"I.B.9"}
    text = (settings.BASE_DIR / "docs" / "code-edits.md").read_text()
    for number, section in SECTIONS.items():
        assert f"| {number} | {section.says} | {section.compared or 'not verified'} |" in text


def test_check_codes_says_it(icd10cm, tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    row = {"id": 1, "date_of_service": "2026-06-09", "codes": [{"code": "H25.10"}, {"code": "H25.10"}]}
    source.write_text(json.dumps(row))
    call_command("check_codes", str(source), str(target), verbosity=0)
    found = {f["check"]: f["citation"] for f in json.loads(target.read_text())["findings"]}
    assert found["laterality_unspecified"] == f"{GUIDELINES} I.B.13"
    assert found["duplicate_diagnosis"] == f"{GUIDELINES} I.B.12 (section not verified)"
