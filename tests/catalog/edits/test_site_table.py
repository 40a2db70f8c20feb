"""Checks of the site's own table: off without it, information with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.edits.engine import BY_ID
from catalog.edits.loading import knowledge_for
from catalog.edits.site_table import CHECKS, SiteRow, read_site_table
from catalog.edits.types import CodeLine, EncounterFacts, Severity
from catalog.errors import LoadRefused
from coding_review.checks import settings_make_sense
from tests.catalog.edits.conftest import DAY

TABLE = """check,code,other
symptom_integral,R07,I21
unspecified_beside_specific,I50.9,I50.2
procedure_without_diagnosis,45378,K
procedure_without_diagnosis,45378,Z12.11
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "site.csv"
    file.write_text(TABLE)
    return file


@pytest.fixture
def known(edits, path):
    return replace(edits.knowledge, site=read_site_table(path))


COLONOSCOPY = CodeLine("45378", "cpt")


@pytest.mark.parametrize(
    ("check_id", "firing", "silent"),
    [
        ("symptom_integral", ("I21.4", "R07.9"), ("I20.9", "R07.9")),
        ("unspecified_beside_specific", ("I50.9", "I50.22"), ("I50.9", "I11.0")),
        ("procedure_without_diagnosis", ("I10", COLONOSCOPY), ("Z12.11", COLONOSCOPY)),
    ],
)
def test_rows_of_the_table_decide(edits, known, check_id, firing, silent):
    (finding,) = edits.run(check_id, *firing, knowledge=known)
    assert finding.severity is Severity.INFO
    assert edits.run(check_id, *silent, knowledge=known) == []
    assert edits.run(check_id, *firing) == []


def test_they_are_off_until_the_table_has_rows(edits, known):
    assert [row.id for row in BY_ID.values() if not row.on] == list(CHECKS)
    assert not set(CHECKS) & set(edits.report("I21.4", "R07.9").counts)
    edits.knowledge = replace(known, site={"symptom_integral": (SiteRow("R07", "I21"),)})
    report = edits.report("I21.4", "R07.9")
    assert report.counts["symptom_integral"].failed == 1
    assert "unspecified_beside_specific" not in report.counts


def test_the_setting_names_the_table(icd10cm, settings, path):
    lines, facts = [CodeLine("I21.4"), CodeLine("R07.9")], EncounterFacts(service_date=DAY)
    assert knowledge_for(lines, facts).site == {}
    settings.CODE_EDITS_SITE_TABLE = str(path)
    assert set(knowledge_for(lines, facts).site) == set(CHECKS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("code,other\n", "site.csv, line 1: the columns are not check, code, other"),
        ("check,code,other\nexcludes1,A,B\n", "line 2: 'excludes1' is not one of"),
        ("check,code,other\nsymptom_integral,R07,\n", "line 2: code or other is empty"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(path, settings, text, problem):
    path.write_text(text)
    with pytest.raises(LoadRefused, match=problem):
        read_site_table(path)
    settings.CODE_EDITS_SITE_TABLE = str(path)
    assert "coding_review.E008" in [message.id for message in settings_make_sense(None)]


def test_a_table_that_is_not_there_is_a_system_check(settings, tmp_path):
    settings.CODE_EDITS_SITE_TABLE = str(tmp_path / "none.csv")
    assert "coding_review.E008" in [message.id for message in settings_make_sense(None)]
