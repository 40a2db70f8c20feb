"""The addenda of the tabular list as XML beside the order addenda, in hand-made miniatures of the published schema."""

import datetime as dt

import pytest

from catalog.errors import LoadRefused
from catalog.loaders.icd10cm_addenda import release_rows
from catalog.loaders.registry import open_source
from catalog.loaders.store import load
from catalog.models import Code, Release

TABULAR = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
  <chapter><name>13</name><desc>Musculoskeletal</desc>
    <useAdditionalCode><note>external cause, if applicable</note></useAdditionalCode>
    <section id="M10-M11"><desc>Gouts</desc>
      <diag><name>M10</name><desc>Gout</desc>
        <excludes1><note>chronic gout (M1A.-)</note><note>saturnine gout (T56.-)</note></excludes1>
        <sevenChrDef><extension char="0">without tophus</extension></sevenChrDef>
        <diag><name>M10.0</name><desc>Gout of toe</desc></diag>
      </diag>
      <diag><name>M11</name><desc>Crystals</desc></diag>
    </section>
  </chapter>
</ICD10CM.tabular>
"""
LISTED = (
    ("M10", 0, "Gout"),
    ("M100", 0, "Gout of toe"),
    ("M100XX0", 1, "Gout of toe, without tophus"),
    ("M11", 1, "Crystals"),
)
ORDER_ADDENDA = (
    ("Add", 1, "M100XX1", "Gout of toe, with tophus"),
    ("Delete", 1, "M11", "Crystals"),
    ("Add", 0, "M11", "Crystals"),
    ("Add", 1, "M110", "Crystals of the knee"),
)
# Each line of what it does, within the schema's mixed content.
NOTES = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular isAddenda="true">
  <chapter><name>13</name><desc>Musculoskeletal</desc>
    <useAdditionalCode>
      <note><diff><unc>external cause</unc><old>, if applicable</old></diff></note>
      <note><diff><new>tobacco use (F17.-)</new></diff></note>
    </useAdditionalCode>
    <section id="M10-M11"><desc>Gouts<diff><new> and crystals</new></diff></desc>
      <diag><name>M10</name><desc>Gout</desc>
        <excludes1>
          <note>chronic gout (M1A.-)</note>
          <note><diff><new>gout of pregnancy (O26.-)</new></diff></note>
          <note><diff><old>saturnine gout (T56.-)</old></diff></note>
        </excludes1>
        <codeFirst><note><diff><new>obesity (E66.-)</new></diff></note></codeFirst>
        <sevenChrDef>
          <extension char="0">without tophus</extension>
          <extension char="1"><diff><new>with tophus</new></diff></extension>
        </sevenChrDef>
      </diag>
      <diag><name>M11</name><desc>Crystals</desc>
        <diag><name><diff><new>M11.0</new></diff></name><desc><diff><new>Crystals of the knee</new></diff></desc>
          <inclusionTerm><note>Knee full of crystals</note></inclusionTerm>
          <excludes2><note><diff><new>crystals of the hip (M11.-)</new></diff></note></excludes2>
        </diag>
      </diag>
    </section>
  </chapter>
</ICD10CM.tabular>
"""


def order(*rows):
    return "".join(
        f"{number:05d} {key:<7} {flag} {title:<60} {title}\n"
        for number, (key, flag, title) in enumerate(rows, 1)
    )


def order_addenda(*rows):
    return "".join(
        f"{action + ':':<13}{flag} {key:<7} {title:<60} {title}\n" for action, flag, key, title in rows
    )


@pytest.fixture
def base(tmp_path, db):
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "icd10cm_tabular_2027.xml").write_text(TABULAR)
    (folder / "icd10cm_order_2027.txt").write_text(order(*LISTED))
    return load(open_source("icd10cm", folder)).release


@pytest.fixture
def folder(tmp_path, base):
    folder = tmp_path / "addenda"
    folder.mkdir()
    (folder / "icd10cm_order_addenda_April-1-2027.txt").write_text(order_addenda(*ORDER_ADDENDA))
    (folder / "icd10cm_tabular_addenda_April-1-2027.xml").write_text(NOTES)
    return folder


def told(rows):
    return {row.code: [(str(n.kind), n.block, n.text) for n in row.notes] for row in rows if row.notes}


def test_notes_definitions_and_titles_of_groups_change_with_the_codes(folder, base):
    release = load(open_source("icd10cm", folder)).release
    assert release.valid_from == dt.date(2027, 4, 1)
    assert release.source == (
        "icd10cm_order_addenda_April-1-2027.txt with icd10cm_tabular_addenda_April-1-2027.xml on FY2027"
    )
    rows = {row.code: row for row in release_rows(release)}
    assert told(rows.values()) == {
        "13": [
            ("use_additional_code", 0, "external cause"),
            ("use_additional_code", 0, "tobacco use (F17.-)"),
        ],
        "M10": [
            ("excludes1", 0, "chronic gout (M1A.-)"),
            ("excludes1", 0, "gout of pregnancy (O26.-)"),
            ("code_first", 1, "obesity (E66.-)"),
        ],
        "M11.0": [
            ("inclusion_term", 0, "Knee full of crystals"),
            ("excludes2", 1, "crystals of the hip (M11.-)"),
        ],
    }
    assert rows["M10-M11"].title == "Gouts and crystals"
    assert [(s.character, s.meaning) for s in rows["M10"].seventh] == [
        ("0", "without tophus"),
        ("1", "with tophus"),
    ]
    assert [(c, rows[c].kind, rows[c].billable) for c in ("M10.0XX1", "M11", "M11.0")] == [
        ("M10.0XX1", "extended", True),
        ("M11", "category", False),
        ("M11.0", "subcategory", True),
    ]
    # The release below stays as it was.
    assert told(release_rows(base))["M10"] == [
        ("excludes1", 0, "chronic gout (M1A.-)"),
        ("excludes1", 0, "saturnine gout (T56.-)"),
    ]


def test_the_same_files_again_are_found(folder):
    assert load(open_source("icd10cm", folder)).already_loaded is False
    assert load(open_source("icd10cm", folder)).already_loaded is True
    # Without the notes it is another edition of the same codes.
    (folder / "icd10cm_tabular_addenda_April-1-2027.xml").unlink()
    assert open_source("icd10cm", folder).name == "icd10cm_order_addenda_April-1-2027.txt on FY2027"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "<old>saturnine gout (T56.-)</old>",
            "<old>lead gout</old>",
            "line 13: M10: Excludes1 does not say 'lead gout' in the release",
        ),
        (
            "<new>gout of pregnancy (O26.-)</new>",
            "<new>chronic gout (M1A.-)</new>",
            "line 12: M10: Excludes1 says 'chronic gout (M1A.-)' already",
        ),
        ("<name><diff><new>M11.0", "<name><diff><new>M11.5", "M11.5 is not in the release"),
        (
            '<section id="M10-M11">',
            '<section id="M10-M14">',
            "M10-M14 is a chapter or block the release lacks",
        ),
        (
            "<name>M10</name><desc>Gout</desc>",
            "<name><diff><old>M10</old></diff></name><desc><diff><old>Gout</old></diff></desc>",
            "M10 is deleted here and not in the order addenda",
        ),
        (
            '<extension char="1"><diff><new>',
            '<extension char="0"><diff><new>',
            "M10: 7th character 0 is there already",
        ),
    ],
)
def test_what_does_not_fit_is_named_and_changes_nothing(folder, old, new, said):
    assert old in NOTES
    (folder / "icd10cm_tabular_addenda_April-1-2027.xml").write_text(NOTES.replace(old, new, 1))
    before = (Release.objects.count(), Code.objects.count())
    with pytest.raises(LoadRefused) as caught:
        load(open_source("icd10cm", folder))
    assert said in str(caught.value)
    assert (Release.objects.count(), Code.objects.count()) == before


def test_an_addenda_of_notes_alone_is_refused(folder):
    (folder / "icd10cm_order_addenda_April-1-2027.txt").unlink()
    with pytest.raises(LoadRefused, match="it is loaded with the order addenda beside it"):
        open_source("icd10cm", folder)


def test_a_whole_tabular_list_wins_over_addenda_in_the_same_folder(folder):
    (folder / "icd10cm_tabular_2027.xml").write_text(TABULAR)
    (folder / "icd10cm_tabular_addenda_April-1-2027.xml").unlink()
    (folder / "icd10cm_order_2027.txt").write_text(order(*LISTED))
    assert open_source("icd10cm", folder).name == "icd10cm_tabular_2027.xml with icd10cm_order_2027.txt"
