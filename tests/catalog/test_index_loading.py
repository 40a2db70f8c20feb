"""Indexes and tables of ICD-10-CM, by hand-made files in the published layout."""

import datetime as dt
import zipfile

import pytest

from catalog.errors import LoadRefused, NoLoader, RowError
from catalog.loaders.delivery import Stated
from catalog.loaders.registry import open_table
from catalog.loaders.table_rows import IndexRow
from catalog.loaders.table_store import load_table
from catalog.models import IndexEntry

INDEX = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index>
  <version>2027</version>
  <title>ICD-10-CM INDEX</title>
  <letter>
    <title>W</title>
    <mainTerm>
      <title>Wobble<nemod>(gentle) (slow)</nemod> NEC</title>
      <seeAlso>Tremor</seeAlso>
      <code>R26.81</code>
      <term level="1">
        <title>with</title>
        <term level="2">
          <title>amyloid heart</title>
          <code>E85.4</code>
          <manif>I43</manif>
        </term>
        <term level="2">
          <title>kidney<nemod>(s)</nemod>, both</title>
          <code>N18.-</code>
        </term>
      </term>
      <term level="1"><title>hereditary</title><see>Ataxia</see><subcat>G11.1</subcat></term>
      <term level="1"><title><nemod>(odd)</nemod></title><seecat>R27</seecat></term>
    </mainTerm>
  </letter>
</ICD10CM.index>
"""
DRUGS = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index>
  <version>2027</version>
  <indexHeading>
    <head col="1">Substance</head>
    <head col="2">Poisoning Accidental (unintentional)</head>
    <head col="6">Adverse effect</head>
  </indexHeading>
  <letter>
    <title>Q</title>
    <mainTerm>
      <title>Quinsome</title>
      <cell col="2">T37.2X1</cell>
      <cell col="6">T37.2X5</cell>
      <term level="1">
        <title>topical</title>
        <cell col="2">T49.0X1</cell>
        <cell col="6">--</cell>
      </term>
    </mainTerm>
  </letter>
</ICD10CM.index>
"""
CSV = """RowID,Letter,Level,Term,See,SeeAlso,NonEssModif,Code
1,W,0,Wobble,,Tremor,(gentle) (slow),R26.81
2,W,1,with,,,,
3,W,2,"kidney, both",,,,N18.-
4,W,0,Wry,Torticollis,,,
"""


@pytest.fixture
def opened(tmp_path):
    def open_file(kind, name, text, **stated):
        (tmp_path / name).write_text(text)
        return open_table(kind, tmp_path / name, Stated(**stated))

    return open_file


def test_index_terms_with_their_modifiers_references_and_codes(opened):
    source = opened("index", "icd10cm-index-2027.xml", INDEX)
    assert list(source.read()) == [
        IndexRow(0, "Wobble NEC", "(gentle) (slow)", ("R26.81",), see_also="Tremor"),
        IndexRow(1, "with"),
        IndexRow(2, "amyloid heart", codes=("E85.4", "[I43]")),
        IndexRow(2, "kidney, both", "(s)", ("N18.-",)),
        IndexRow(1, "hereditary", see="Ataxia; subcategory G11.1"),
        IndexRow(1, "(odd)", see="category R27"),
    ]
    assert (source.edition, source.valid_from, source.valid_to) == (
        "FY2027",
        dt.date(2026, 10, 1),
        dt.date(2027, 9, 30),
    )


def test_table_cells_stand_under_their_headings(opened):
    source = opened("drugs", "icd-10-cm-drug-2027.xml", DRUGS)
    heads = ("Poisoning Accidental (unintentional)", "Adverse effect")
    assert list(source.read()) == [
        IndexRow(0, "Quinsome", codes=("T37.2X1", "T37.2X5"), columns=heads),
        IndexRow(1, "topical", codes=("T49.0X1",), columns=heads[:1]),
    ]


def test_the_same_content_as_csv(opened):
    source = opened("index", "index.csv", CSV, valid_from=dt.date(2024, 10, 1), edition="FY2025")
    assert list(source.read()) == [
        IndexRow(0, "Wobble", "(gentle) (slow)", ("R26.81",), see_also="Tremor"),
        IndexRow(1, "with"),
        IndexRow(2, "kidney, both", codes=("N18.-",)),
        IndexRow(0, "Wry", see="Torticollis"),
    ]
    assert (source.edition, source.valid_to) == ("FY2025", dt.date(2025, 9, 30))


def test_csv_of_a_table_has_a_column_for_each_heading(opened):
    text = "RowID,Level,Term,SeeAlso,NonEssModif,MalignantPrimary,Benign\n1,0,Neoplasm,,,C80.1,-\n"
    source = opened("neoplasms", "neoplasms-2027.csv", text)
    assert list(source.read()) == [IndexRow(0, "Neoplasm", codes=("C80.1",), columns=("Malignant Primary",))]


@pytest.mark.parametrize(
    ("name", "edition", "first", "last"),
    [
        ("icd10cm-index-April-1-2026.xml", "FY2026, April release", (2026, 4, 1), (2026, 9, 30)),
        ("icd10cm_index_2026.xml", "FY2026", (2025, 10, 1), (2026, 9, 30)),
        ("index.xml", "FY2027", (2026, 10, 1), (2027, 9, 30)),
        ("IndexFY25.xml", "FY2025", (2024, 10, 1), (2025, 9, 30)),
    ],
)
def test_edition_and_days_from_the_name_else_from_the_file(opened, name, edition, first, last):
    source = opened("index", name, INDEX)
    assert (source.edition, source.valid_from, source.valid_to) == (
        edition,
        dt.date(*first),
        dt.date(*last),
    )


@pytest.mark.parametrize(
    ("kind", "name", "text", "said"),
    [
        (
            "neoplasms",
            "icd-10-cm-drug-2027.xml",
            DRUGS,
            "holds the .*Table of Drugs, not the .*Table of Neoplasms",
        ),
        ("index", "icd-10-cm-drug-2027.xml", DRUGS, "holds the .*Table of Drugs, not the .*Alphabetic Index"),
        ("drugs", "icd10cm-index-2027.xml", INDEX, "none of the headings of the .*Table of Drugs"),
        ("neoplasms", "index-2027.csv", CSV, "none of the headings of the .*Table of Neoplasms"),
    ],
)
def test_a_table_is_not_read_as_another(opened, kind, name, text, said):
    with pytest.raises(LoadRefused, match=said):
        opened(kind, name, text)


def test_without_a_year_the_operator_is_asked(opened):
    with pytest.raises(LoadRefused, match=r"index\.csv: no fiscal year in the name or the file"):
        opened("index", "index.csv", CSV)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("R26.81", "R2681", 7, "'R2681' is not written like a code"),
        ("<title>with</title>", "", 11, "a term without a title"),
        ("<title>with</title>", "<title> </title>", 11, "a term without words"),
        (
            'level="2">\n          <title>kidney',
            'level="3">\n          <title>kidney',
            18,
            "a term of level 3",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(opened, old, new, line, said):
    assert old in INDEX
    found = opened("index", "index_2027.xml", INDEX.replace(old, new, 1)).read()
    errors = [row for row in found if isinstance(row, RowError)]
    assert [(row.source, row.line) for row in errors] == [("index_2027.xml", line)]
    assert errors[0].problem.startswith(said)


def test_a_cell_without_heading_is_wrong(opened):
    found = opened("drugs", "drug_2027.xml", DRUGS.replace('<head col="6">Adverse effect</head>', "")).read()
    assert [str(row) for row in found if isinstance(row, RowError)] == [
        "drug_2027.xml, line 11: no heading for column '6'"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (INDEX.replace("</mainTerm>", "", 1), r"index_2027\.xml, line 26: the XML is damaged"),
        (
            INDEX.replace(
                "<ICD10CM.index>", '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>\n<ICD10CM.index>'
            ).replace("Ataxia", "&b;"),
            r"index_2027\.xml, line 2: a document type definition is not read",
        ),
    ],
)
def test_damaged_and_dangerous_xml_is_refused(opened, text, said):
    source = opened("index", "index_2027.xml", text)
    with pytest.raises(LoadRefused, match=said):
        list(source.read())


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("2,W,1,with", "2,W,2,with"), 3, "level '2' does not follow level 0"),
        (("1,W,0,Wobble", "1,W,1,Wobble"), 2, "the first level is not 0"),
        (("R26.81", "26.81"), 2, "'26.81' is not written like a code"),
        (("Wry", ""), 5, "a term without words"),
    ],
)
def test_wrong_lines_of_a_csv(opened, change, line, said):
    found = list(opened("index", "index-2027.csv", CSV.replace(*change)).read())
    errors = [row for row in found if isinstance(row, RowError)]
    assert errors[0] == RowError("index-2027.csv", said, line)


def test_each_kind_takes_its_own_file_from_an_archive(tmp_path):
    archive = tmp_path / "published.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("Table and Index/icd10cm_index_2027.xml", INDEX)
        made.writestr("Table and Index/icd10cm_eindex_2027.xml", INDEX)
        made.writestr("Table and Index/icd10cm_drug_2027.xml", DRUGS)
        made.writestr("Table and Index/icd10cm_index_2027.pdf", "no XML")
    assert open_table("index", archive).source == "Table and Index/icd10cm_index_2027.xml"
    assert open_table("external_causes", archive).source == "Table and Index/icd10cm_eindex_2027.xml"
    assert open_table("drugs", archive).source == "Table and Index/icd10cm_drug_2027.xml"
    with pytest.raises(NoLoader, match=r"No loader for neoplasms reads published\.zip"):
        open_table("neoplasms", archive)


@pytest.mark.django_db
def test_a_loaded_index_is_found_by_the_words_of_its_lines(opened):
    edition = load_table(opened("index", "icd10cm-index-2027.xml", INDEX)).edition
    assert (edition.row_count, str(edition)) == (6, "ICD-10-CM Alphabetic Index, FY2027")
    (entry,) = IndexEntry.objects.filter(edition=edition, codes__contains=["[I43]"])
    assert entry.full_term == "Wobble NEC, with, amyloid heart"
    assert entry.parent.full_term == "Wobble NEC, with"


@pytest.mark.django_db
def test_one_wrong_line_stores_nothing(opened):
    with pytest.raises(LoadRefused, match=r"index_2027\.xml, line 7: 'R2681'"):
        load_table(opened("index", "index_2027.xml", INDEX.replace("R26.81", "R2681")))
    assert IndexEntry.objects.count() == 0
