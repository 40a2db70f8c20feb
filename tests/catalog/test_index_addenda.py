"""The addenda of an index or table as XML, in hand-made miniatures of the published schema, on a loaded edition."""

import datetime as dt

import pytest

from catalog.errors import LoadRefused
from catalog.loaders.registry import open_table
from catalog.loaders.table_store import load_table
from catalog.models import IndexEntry, TableEdition

INDEX = """<ICD10CM.index><version>2027</version><letter><title>W</title>
  <mainTerm><title>Wobble<nemod>(gentle)</nemod> NEC</title><code>R26.81</code>
    <term level="1"><title>with</title>
      <term level="2"><title>amyloid heart</title><code>E85.4</code><manif>I43</manif></term>
    </term>
    <term level="1"><title>left</title><code>G11.0</code>
      <term level="2"><title>late</title><code>G11.2</code></term>
    </term>
    <term level="1"><title>odd</title><code>R27.0</code></term>
  </mainTerm>
  <mainTerm><title>Wry</title><see>Torticollis</see></mainTerm>
</letter></ICD10CM.index>
"""
ADDENDA = """<ICD10CM.index isAddenda="true"><version>2027</version><letter><title>W</title>
  <mainTerm><title>Wobble<nemod>(gentle)</nemod> NEC</title>
    <term level="1"><title>with</title>
      <term level="2"><diff><new>kidney (both)</new></diff><code>N18.9</code></term>
    </term>
    <term level="1"><diff><old>left</old></diff><code>G11.0</code></term>
    <term level="1"><diff><new>left</new></diff><code>G11.19</code></term>
    <term level="1"><diff><unc>odd</unc><new> (very)</new></diff><code>R27.8</code></term>
  </mainTerm>
  <mainTerm><diff><old>Wry</old></diff><see>Torticollis</see></mainTerm>
  <mainTerm><diff><new>Wrangle</new></diff><seeAlso>Wobble</seeAlso>
    <term level="1"><diff><new>late</new></diff><code>G11.2</code></term>
  </mainTerm>
</letter></ICD10CM.index>
"""
DRUGS = """<ICD10CM.index><version>2027</version>
  <indexHeading>
    <head col="2">Poisoning Accidental (unintentional)</head><head col="6">Adverse effect</head>
  </indexHeading>
  <letter><title>Q</title>
    <mainTerm><title>Quinsome</title><cell col="2">T37.2X1</cell><cell col="6">T37.2X5</cell></mainTerm>
  </letter></ICD10CM.index>
"""
DRUG_ADDENDA = """<ICD10CM.index isAddenda="true"><version>2027</version>
  <indexHeading>
    <head col="2">Poisoning Accidental (unintentional)</head><head col="6">Adverse effect</head>
  </indexHeading>
  <letter><title>Q</title>
    <mainTerm><title>Quinsome</title><cell col="2">T37.2X1</cell>
      <cell col="6"><diff><old>T37.2X5</old><new>T37.3X5</new></diff></cell></mainTerm>
  </letter></ICD10CM.index>
"""
pytestmark = pytest.mark.django_db


@pytest.fixture
def brought(tmp_path):
    def bring(kind, name, text):
        (tmp_path / name).write_text(text)
        return open_table(kind, tmp_path / name)

    return bring


def lines(edition):
    rows = IndexEntry.objects.filter(edition=edition).order_by("position")
    return [(r.depth, r.term, r.nonessential, r.codes, r.see or r.see_also) for r in rows]


def test_an_addenda_on_a_loaded_index_is_an_edition_of_its_own(brought):
    base = load_table(brought("index", "icd10cm_index_2027.xml", INDEX)).edition
    before = lines(base)
    source = brought("index", "icd10cm_index_addenda_April-1-2027.xml", ADDENDA)
    edition = load_table(source).edition
    assert (edition.source, edition.valid_from) == (
        "icd10cm_index_addenda_April-1-2027.xml on FY2027",
        dt.date(2027, 4, 1),
    )
    assert lines(edition) == [
        (0, "Wobble NEC", "(gentle)", ["R26.81"], ""),
        (1, "with", "", [], ""),
        (2, "amyloid heart", "", ["E85.4", "[I43]"], ""),
        (2, "kidney", "(both)", ["N18.9"], ""),
        # Deleted and added under one name: it keeps what stood below it.
        (1, "left", "", ["G11.19"], ""),
        (2, "late", "", ["G11.2"], ""),
        (1, "odd", "(very)", ["R27.8"], ""),
        (0, "Wrangle", "", [], "Wobble"),
        (1, "late", "", ["G11.2"], ""),
    ]
    assert lines(base) == before
    assert load_table(source).already_loaded is True


def test_a_cell_of_a_table_changes_its_code(brought):
    load_table(brought("drugs", "icd10cm_drug_2027.xml", DRUGS))
    source = brought("drugs", "icd10cm_drug_addenda_April-1-2027.xml", DRUG_ADDENDA)
    (row,) = IndexEntry.objects.filter(edition=load_table(source).edition)
    assert (row.codes, row.columns) == (
        ["T37.2X1", "T37.3X5"],
        ["Poisoning Accidental (unintentional)", "Adverse effect"],
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<title>with</title>", "<title>beside</title>", "line 3: 'beside' is not in the edition"),
        ("<old>Wry</old>", "<old>Wrist</old>", "line 10: 'Wrist' is not in the edition"),
        ("<new>kidney (both)</new>", "<new>amyloid heart</new>", "line 4: 'amyloid heart' is there already"),
        ("<code>N18.9</code>", "<code>N18,9x</code>", "line 4: '9x' is not written like a code"),
    ],
)
def test_what_does_not_fit_is_named_and_changes_nothing(brought, old, new, said):
    load_table(brought("index", "icd10cm_index_2027.xml", INDEX))
    assert old in ADDENDA
    source = brought("index", "icd10cm_index_addenda_April-1-2027.xml", ADDENDA.replace(old, new, 1))
    with pytest.raises(LoadRefused) as caught:
        load_table(source)
    assert said in str(caught.value)
    assert (TableEdition.objects.count(), IndexEntry.objects.count()) == (1, 7)


def test_an_addenda_needs_an_edition_from_before_it(brought):
    with pytest.raises(LoadRefused, match="no edition from before 2027-04-01 is loaded to apply it to"):
        brought("index", "icd10cm_index_addenda_April-1-2027.xml", ADDENDA)
