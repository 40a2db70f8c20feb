"""Loaders of procedure releases: ICD-10-PCS, HCPCS Level II, CPT and the sample of CPT."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from catalog.choices import CodeSystem, NodeKind, NoteKind, Origin
from catalog.errors import LoadRefused
from catalog.loaders.cpt import SAMPLE_MARK
from catalog.loaders.registry import open_source
from catalog.loaders.store import load
from catalog.models import Code, Note, Release
from catalog.queries import get_node, release_for
from tests.catalog.procedure_files import (
    HCPCS_LINES,
    PCS_LINES,
    PCS_TABLES,
    cpt_folder,
    hcpcs_file,
    hcpcs_record,
    order_line,
    pcs_folder,
)

pytestmark = pytest.mark.django_db


def test_pcs_has_its_tables_as_headers_with_axes(tmp_path: Path) -> None:
    release = load(open_source(CodeSystem.ICD10PCS, pcs_folder(tmp_path))).release
    assert (release.edition, release.valid_from, release.valid_to) == (
        "FY2027",
        dt.date(2026, 10, 1),
        dt.date(2027, 9, 30),
    )
    assert (release.node_count, release.billable_count) == (3, 2)
    code = get_node(release, "0ft44zz")
    assert (code.kind, code.billable, code.title) == (
        NodeKind.CODE,
        True,
        "Resection of Gallbladder, Percutaneous Endoscopic Approach",
    )
    table = get_node(release, "0FT")
    assert (table.billable, code.parent_id) == (False, table.pk)
    said = list(Note.objects.filter(node=table).order_by("position").values_list("text", flat=True))
    assert said == [
        "Cutting out all of a body part",
        "Body Part 4: Gallbladder",
        "Approach 0: Open",
        "Approach 4: Percutaneous Endoscopic",
        "Device Z: No Device",
        "Qualifier Z: No Qualifier",
    ]


def test_pcs_without_tables_loads_and_says_so(tmp_path: Path) -> None:
    folder = pcs_folder(tmp_path, tables="")
    release = load(open_source(CodeSystem.ICD10PCS, folder / "icd10pcs_order_2027.txt")).release
    assert release.source == "icd10pcs_order_2027.txt, without tables"
    assert release.billable_count == 2


@pytest.mark.parametrize(
    ("lines", "tables", "said"),
    [
        (
            [*PCS_LINES, order_line(4, "0FT4XZZ", "1", "Never built")],
            PCS_TABLES,
            "icd10pcs_order_2027.txt, line 4: 0FT4XZZ is not built by the tables of icd10pcs_tables_2027.xml",
        ),
        (
            [PCS_LINES[0], "00002 0FT40ZZ"],
            PCS_TABLES,
            "icd10pcs_order_2027.txt, line 2: not a line of the published layout",
        ),
        (
            [order_line(1, "0FT4", "1", "Too short")],
            PCS_TABLES,
            "icd10pcs_order_2027.txt, line 1: 0FT4 is marked as a code and has not 7 characters",
        ),
        (PCS_LINES, "<ICD10PCS.tabular>", "icd10pcs_tables_2027.xml, line 1: the XML is damaged"),
    ],
)
def test_damaged_pcs_is_refused_whole(tmp_path: Path, lines: list[str], tables: str, said: str) -> None:
    with pytest.raises(LoadRefused) as refused:
        load(open_source(CodeSystem.ICD10PCS, pcs_folder(tmp_path, lines, tables)))
    assert str(refused.value) == said
    assert not Release.objects.filter(system=CodeSystem.ICD10PCS).exists()


def test_hcpcs_joins_continuations_and_keeps_each_codes_dates(tmp_path: Path) -> None:
    release = load(open_source(CodeSystem.HCPCS, hcpcs_file(tmp_path))).release
    assert (release.edition, release.valid_from, release.valid_to) == (
        "October 2026",
        dt.date(2026, 10, 1),
        dt.date(2026, 12, 31),
    )
    rows = Code.objects.of(release).order_by("position")
    assert list(rows.values_list("code", "title", "valid_from", "valid_to")) == [
        (
            "A0001",
            "Made up wheelchair with a very long description that goes on in a second record",
            dt.date(2024, 1, 1),
            None,
        ),
        ("A0002", "Made up crutch", dt.date(2020, 1, 1), dt.date(2026, 10, 31)),
    ]
    terms = Note.objects.filter(node__release=release, kind=NoteKind.INCLUSION_TERM)
    assert sorted(terms.values_list("text", flat=True)) == ["Crutch", "Wheelchair"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([HCPCS_LINES[0][:50]], "line 1: a record of 50 characters, 320 are published"),
        ([hcpcs_record("A0009", "4", "More")], "line 1: a description of A0009 goes on that has not begun"),
        ([hcpcs_record("A0009", "5", "What")], "line 1: a record of the unknown kind '5'"),
        ([hcpcs_record("00001", "3", "CPT")], "line 1: '00001' is no code of HCPCS Level II"),
        (
            [HCPCS_LINES[0], hcpcs_record("A0009", "3", "When", added="20261301")],
            "line 2: '20261301' is no date",
        ),
    ],
)
def test_damaged_hcpcs_is_refused_whole(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(LoadRefused) as refused:
        load(open_source(CodeSystem.HCPCS, hcpcs_file(tmp_path, lines)))
    assert str(refused.value) == f"HCPC2026_OCT_ANWEB.txt, {said}"
    assert not Release.objects.filter(system=CodeSystem.HCPCS).exists()


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("HCPC2026_JAN_ANWEB.txt", dt.date(2026, 1, 1), dt.date(2026, 3, 31)),
        ("HCPC2026_JUL_ANWEB_07_2026.txt", dt.date(2026, 7, 1), dt.date(2026, 9, 30)),
        ("HCPC2026_OCT_ANWEB.txt", dt.date(2026, 10, 1), dt.date(2026, 12, 31)),
    ],
)
def test_hcpcs_quarter_comes_from_the_name(tmp_path: Path, name: str, first: dt.date, last: dt.date) -> None:
    source = open_source(CodeSystem.HCPCS, hcpcs_file(tmp_path, name=name))
    assert (source.valid_from, source.valid_to) == (first, last)


def test_hcpcs_under_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadRefused, match="its name gives the quarter"):
        open_source(CodeSystem.HCPCS, hcpcs_file(tmp_path, name="HCPC2026_FEB_ANWEB.txt"))


def test_cpt_has_the_long_description_and_the_others_as_terms(tmp_path: Path) -> None:
    release = load(open_source(CodeSystem.CPT, cpt_folder(tmp_path))).release
    assert (release.edition, release.valid_from, release.valid_to, release.origin) == (
        "2026",
        dt.date(2026, 1, 1),
        dt.date(2026, 12, 31),
        Origin.PUBLISHED,
    )
    rows = Code.objects.of(release).order_by("position").values_list("code", "title", "billable")
    assert list(rows) == [
        ("00001", "Made up operation on a toe", True),
        ("0001T", "Made up new operation", True),
    ]
    terms = Note.objects.filter(node__release=release, node__code="00001").order_by("position")
    assert list(terms.values_list("text", flat=True)) == ["MADE UP TOE OPERATION", "TOE OP"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (
            {"LONGULT": "2026\n00001\tMade up\nnot a code\n"},
            "LONGULT.txt, line 3: not a code and its description",
        ),
        (
            {"LONGULT": "2026\n00001\tMade up\n"},
            "MEDU.txt: 1 codes lack a long description, 0001T is the first",
        ),
        (
            {"LONGULT": "2026\n00001\tMade up\n00001\tAgain\n", "MEDU": "", "SHORTU": ""},
            "code 00001 stands 2 times in the source",
        ),
    ],
)
def test_damaged_cpt_is_refused_whole(tmp_path: Path, texts: dict[str, str], said: str) -> None:
    with pytest.raises(LoadRefused) as refused:
        load(open_source(CodeSystem.CPT, cpt_folder(tmp_path, **texts)))
    assert str(refused.value).endswith(said)
    assert not Release.objects.filter(system=CodeSystem.CPT).exists()


def test_cpt_without_a_year_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "licensed"
    folder.mkdir()
    with pytest.raises(LoadRefused, match="the year is not named"):
        open_source(CodeSystem.CPT, cpt_folder(folder, LONGULT="00001\tMade up\n"))


def test_every_sample_code_says_that_it_is_not_for_billing() -> None:
    release = load(open_source(CodeSystem.CPT)).release
    assert (release.origin, release.billable_count, release.node_count) == (Origin.SAMPLE, 40, 40)
    titles = list(Code.objects.of(release).values_list("title", flat=True))
    assert [title for title in titles if not title.endswith(SAMPLE_MARK)] == []


def test_a_sample_never_stands_before_a_licensed_release(tmp_path: Path) -> None:
    licensed = load(open_source(CodeSystem.CPT, cpt_folder(tmp_path))).release
    sample = load(open_source(CodeSystem.CPT)).release
    assert sample.loaded_at > licensed.loaded_at
    assert release_for(CodeSystem.CPT, dt.date(2026, 7, 1)) == licensed
