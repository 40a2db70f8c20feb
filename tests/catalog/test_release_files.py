"""Releases of ICD-10-CM from published files: tabular list, order file and addenda, in hand-made miniatures."""

import datetime as dt

import pytest

from catalog.choices import NodeKind, NoteKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Stated
from catalog.loaders.registry import open_source
from catalog.loaders.rows import NodeRow, NoteRow
from catalog.loaders.store import load
from catalog.models import Code, Release

TABULAR = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
  <version>2027</version>
  <chapter>
    <name>13</name>
    <desc>Musculoskeletal</desc>
    <sectionIndex><sectionRef first="M10" last="M10" id="M10-M10">Gouts</sectionRef></sectionIndex>
    <section id="M10-M10">
      <desc>Gouts</desc>
      <diag>
        <name>M10</name>
        <desc>Gout</desc>
        <excludes1><note>chronic gout (M1A.-)</note></excludes1>
        <sevenChrDef>
          <extension char="0">without tophus</extension>
          <extension char="1">with tophus</extension>
        </sevenChrDef>
        <diag><name>M10.0</name><desc>Gout of toe</desc></diag>
        <diag><name>M10.9</name><desc>Gout, unspecified</desc></diag>
      </diag>
    </section>
  </chapter>
</ICD10CM.tabular>
"""


def order(*rows):
    return "".join(
        f"{number:05d} {key:<7} {flag} {title[:60]:<60} {title}\n"
        for number, (key, flag, title) in enumerate(rows, start=1)
    )


LISTED = (
    ("M10", 0, "Gout"),
    ("M100", 0, "Gout of toe"),
    ("M100XX0", 1, "Gout of toe, without tophus"),
    ("M100XX1", 1, "Gout of toe, tophaceous"),
    ("M109", 1, "Gout, unspecified"),
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "icd10cm_tabular_2027.xml").write_text(TABULAR)
    (tmp_path / "icd10cm_order_2027.txt").write_text(order(*LISTED))
    return tmp_path


def shape(rows):
    return [(row.depth, row.code, str(row.kind), row.billable, row.title) for row in rows]


def test_tabular_list_with_its_order_file(folder):
    source = open_source("icd10cm", folder)
    rows = list(source.read())
    assert shape(rows) == [
        (0, "13", "chapter", False, "Musculoskeletal"),
        (1, "M10-M10", "block", False, "Gouts"),
        (2, "M10", "category", False, "Gout"),
        (3, "M10.0", "subcategory", False, "Gout of toe"),
        (4, "M10.0XX0", "extended", True, "Gout of toe, without tophus"),
        # The order file's title is the official one.
        (4, "M10.0XX1", "extended", True, "Gout of toe, tophaceous"),
        (3, "M10.9", "subcategory", True, "Gout, unspecified"),
    ]
    assert rows[2].notes == (NoteRow(NoteKind.EXCLUDES1, 0, "chronic gout (M1A.-)"),)
    assert [row.character for row in rows[2].seventh] == ["0", "1"]
    assert (source.edition, source.valid_from, source.valid_to) == (
        "FY2027",
        dt.date(2026, 10, 1),
        dt.date(2027, 9, 30),
    )
    assert source.name == "icd10cm_tabular_2027.xml with icd10cm_order_2027.txt"


def test_the_list_of_billable_codes_does_as_well(folder):
    (folder / "icd10cm_order_2027.txt").unlink()
    listed = "".join(f"{key:<7} {title}\n" for key, flag, title in LISTED if flag)
    (folder / "icd10cm_codes_2027.txt").write_text(listed)
    assert [row.code for row in open_source("icd10cm", folder).read() if row.billable] == [
        "M10.0XX0",
        "M10.0XX1",
        "M10.9",
    ]


def test_a_tabular_list_alone_is_refused(folder):
    (folder / "icd10cm_order_2027.txt").unlink()
    with pytest.raises(LoadRefused, match=r"icd10cm_tabular_2027\.xml: no list of codes beside it"):
        open_source("icd10cm", folder)


def test_an_addenda_is_no_tabular_list(folder):
    marked = TABULAR.replace("<ICD10CM.tabular>", '<ICD10CM.tabular isAddenda="true">')
    (folder / "icd10cm_tabular_2027.xml").write_text(marked)
    with pytest.raises(LoadRefused, match="an addenda, not a whole tabular list"):
        open_source("icd10cm", folder)


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (
            (*LISTED[:-1], ("M109", 0, "Gout, unspecified")),
            "icd10cm_tabular_2027.xml, line 19: M10.9 is a header in the list of codes",
        ),
        (LISTED[:-1], "icd10cm_tabular_2027.xml, line 19: M10.9 is not in the list of codes"),
        ((*LISTED, ("M108", 1, "x")), "icd10cm_order_2027.txt, line 6: M108 is not in the tabular list"),
        ((*LISTED, LISTED[-1]), "icd10cm_order_2027.txt, line 6: M10.9 stands twice"),
    ],
)
def test_differences_between_the_files_are_named_with_their_lines(folder, listed, said):
    (folder / "icd10cm_order_2027.txt").write_text(order(*listed))
    found = list(open_source("icd10cm", folder).read())
    assert [str(row) for row in found if isinstance(row, RowError)] == [said]


def test_a_damaged_line_of_the_order_file(folder):
    (folder / "icd10cm_order_2027.txt").write_text(order(*LISTED) + "00006 what\n")
    found = list(open_source("icd10cm", folder).read())
    assert [row for row in found if isinstance(row, RowError)] == [
        RowError("icd10cm_order_2027.txt", "not a line of an order file", 6)
    ]


def test_the_order_file_alone(folder):
    source = open_source("icd10cm", folder / "icd10cm_order_2027.txt")
    assert shape(source.read()) == [
        (0, "M10", "category", False, "Gout"),
        (1, "M10.0", "subcategory", False, "Gout of toe"),
        (2, "M10.0XX0", "extended", True, "Gout of toe, without tophus"),
        (2, "M10.0XX1", "extended", True, "Gout of toe, tophaceous"),
        (1, "M10.9", "subcategory", True, "Gout, unspecified"),
    ]
    assert source.name == "icd10cm_order_2027.txt, without the tabular list"


def test_a_code_before_its_category_is_wrong(tmp_path):
    (tmp_path / "order_2027.txt").write_text(order(LISTED[1], LISTED[0]))
    found = list(open_source("icd10cm", tmp_path / "order_2027.txt").read())
    assert found == [
        RowError("order_2027.txt", "M10.0 stands before its category", 1),
        NodeRow("M10", NodeKind.CATEGORY, "Gout", 0, False),
    ]


def change(action, flag, key, title):
    return f"{action + ':':<13}{flag} {key:<7} {title[:60]:<60} {title}\n"


ADDENDA = (
    change("Delete", 1, "M109", "Gout, unspecified")
    + change("Add", 0, "M109", "Gout, other")
    + change("Add", 1, "M1090", "Gout, other, of the sort whose long title goes on beyond sixty columns")
    + change("Delete", 1, "M100XX1", "Gout of toe, tophaceous")
    + change("Revise from", 1, "M100XX0", "Gout of toe, without tophus")
    + change("Revise to", 1, "M100XX0", "Gout of the toe, without tophus")
)


@pytest.fixture
def base(folder, db):
    return load(open_source("icd10cm", folder)).release


@pytest.fixture
def addenda(tmp_path):
    def write(text):
        file = tmp_path / "icd10cm_order_addenda_April-1-2027.txt"
        file.write_text(text)
        return file

    return write


def test_addenda_on_a_loaded_release_is_a_release_of_its_own(base, addenda):
    release = load(open_source("icd10cm", addenda(ADDENDA))).release
    assert (release.edition, release.valid_from, release.valid_to) == (
        "FY2027, April release",
        dt.date(2027, 4, 1),
        dt.date(2027, 9, 30),
    )
    assert release.source == "icd10cm_order_addenda_April-1-2027.txt on FY2027"
    assert shape(Code.objects.of(release).order_by("position")) == [
        (0, "13", "chapter", False, "Musculoskeletal"),
        (1, "M10-M10", "block", False, "Gouts"),
        (2, "M10", "category", False, "Gout"),
        (3, "M10.0", "subcategory", False, "Gout of toe"),
        (4, "M10.0XX0", "extended", True, "Gout of the toe, without tophus"),
        (3, "M10.9", "subcategory", False, "Gout, other"),
        (
            4,
            "M10.90",
            "subcategory",
            True,
            "Gout, other, of the sort whose long title goes on beyond sixty columns",
        ),
    ]
    # Notes and definitions come from the release below; that one stays as it was.
    assert (release.note_count, base.note_count) == (1, 1)
    assert Code.objects.of(base).count() == 7
    assert Code.objects.of(release).get(code="M10").seventh_characters.count() == 2


def test_the_same_addenda_on_the_same_release_is_found_again(base, addenda):
    file = addenda(ADDENDA)
    first = load(open_source("icd10cm", file))
    assert (first.already_loaded, load(open_source("icd10cm", file)).already_loaded) == (False, True)
    assert Release.objects.filter(valid_from=dt.date(2027, 4, 1)).count() == 1


def test_new_category_and_7th_character_find_their_place(base, addenda):
    text = change("Add", 1, "M100XX2", "Gout of toe, odd") + change("Revise from", 1, "M109", "a")
    text += change("Revise to", 1, "M109", "b")
    rows = {row.code: row for row in open_source("icd10cm", addenda(text)).read()}
    assert (rows["M10.0XX2"].kind, rows["M10.0XX2"].depth) == (NodeKind.EXTENDED, 4)
    assert rows["M10.9"].title == "b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (change("Add", 1, "M109", "x"), "line 1: M10.9 is there already"),
        (change("Add", 1, "Q991", "x"), "line 1: Q99.1 has no category or block to stand in"),
        (change("Delete", 1, "M108", "x"), "line 1: M10.8 is not in the release"),
        (change("Revise from", 1, "M108", "x"), "line 1: M10.8 is not in the release"),
        (change("Revise to", 1, "M109", "x"), "line 1: M10.9 is revised to something without a line"),
        (change("Revise from", 1, "M109", "x"), "line 1: M10.9 is not revised to anything"),
        (ADDENDA + "Forget: 1 M109 x\n", "line 7: not a line of an addenda"),
        (change("Add", 1, "M1091", "x"), "M10.9 is billable and has codes below it"),
    ],
)
def test_an_addenda_that_does_not_fit_changes_nothing(base, addenda, text, said):
    before = (Release.objects.count(), Code.objects.count())
    with pytest.raises(LoadRefused) as caught:
        load(open_source("icd10cm", addenda(text)))
    assert said in str(caught.value)
    assert (Release.objects.count(), Code.objects.count()) == before


def test_an_addenda_needs_a_release_from_before_it(base, addenda):
    with pytest.raises(LoadRefused, match="no release from before 2020-10-01 is loaded"):
        open_source("icd10cm", addenda(ADDENDA), Stated(valid_from=dt.date(2020, 10, 1)))
