"""The built-in source is loaded whole and once; a damaged one leaves everything as it was."""

import datetime as dt
import io
import shutil
from dataclasses import replace
from hashlib import sha256

import pytest
from django.core.management import CommandError, call_command

from catalog.choices import NodeKind, NoteKind
from catalog.errors import LoadRefused, NoLoader, UnknownSystem
from catalog.loaders import simple_icd10cm
from catalog.loaders.registry import open_source
from catalog.loaders.rows import Expected, NodeRow
from catalog.loaders.store import load
from catalog.models import Code, Note, Release, SeventhCharacter
from tests.catalog_fixtures import SMALL_ROWS, small_source


def everything():
    return tuple(model.objects.count() for model in (Release, Code, Note, SeventhCharacter))


def test_the_whole_edition_is_there(icd10cm):
    assert str(icd10cm) == "ICD-10-CM FY2026, April release"
    assert (icd10cm.valid_from, icd10cm.valid_to) == (dt.date(2026, 4, 1), dt.date(2026, 9, 30))
    assert (icd10cm.billable_count, icd10cm.node_count, icd10cm.note_count) == (74_719, 98_505, 25_689)
    codes = Code.objects.of(icd10cm)
    assert codes.billable().count() == 74_719
    assert codes.count() == 98_505
    kinds = {kind: codes.filter(kind=kind).count() for kind in NodeKind.values}
    assert kinds == {
        "chapter": 22,
        "block": 297,
        "category": 1_918,
        "subcategory": 44_963,
        "extended": 51_305,
        "code": 0,
    }
    assert not codes.billable().filter(kind__in=[NodeKind.CHAPTER, NodeKind.BLOCK]).exists()


@pytest.mark.parametrize("code", ["B20", "F99", "P84", "R99", "Z66"])
def test_categories_that_share_a_blocks_name_are_billable(icd10cm, code):
    found = dict(Code.objects.of(icd10cm).filter(code=code).values_list("kind", "billable"))
    assert found == {"block": False, "category": True}


def test_names_of_two_nodes_and_blocks_without_codes(icd10cm):
    codes = Code.objects.of(icd10cm)
    blocks = set(codes.filter(kind=NodeKind.BLOCK).values_list("code", flat=True))
    others = set(codes.exclude(kind=NodeKind.BLOCK).values_list("code", flat=True))
    assert len(blocks & others) == 39
    empty = codes.filter(kind=NodeKind.BLOCK, children__isnull=True)
    assert sorted(empty.values_list("code", flat=True)) == [
        "C00-C75", "C00-C96", "M00-M25", "M40-M54", "M60-M79", "M80-M94", "T07-T88", "T20-T32",
        "V00-V99", "V00-X58", "W00-X58", "Y62-Y84",
    ]  # fmt: skip


def test_titles_of_billable_codes_are_unique(icd10cm):
    assert Code.objects.of(icd10cm).billable().values("title").distinct().count() == 74_719


def test_tree_positions_and_paths_agree(icd10cm):
    node = Code.objects.of(icd10cm).get(code="S72.141")
    assert list(Code.objects.below(node).values_list("code", flat=True)) == [
        f"S72.141{character}" for character in "ABCDEFGHJKMNPQRS"
    ]
    extended = Code.objects.of(icd10cm).get(code="S72.141A")
    assert extended.parent == node
    assert extended.chapter == "19"
    assert [*Code.objects.lineage_of(extended).values_list("code", flat=True)] == [
        "19", "S70-S79", "S72", "S72.1", "S72.14", "S72.141",
    ]  # fmt: skip
    assert Code.objects.of(icd10cm).filter(last_position__gt=98_504).count() == 0
    assert Code.objects.of(icd10cm).get(code="22", kind=NodeKind.CHAPTER).last_position == 98_504


def test_seventh_character_titles_are_the_official_ones(icd10cm):
    code = Code.objects.of(icd10cm).get(code="S72.141B")
    assert code.title == (
        "Displaced intertrochanteric fracture of right femur, initial encounter for open fracture type I or II"
    )
    # The second wording of the character is another name of the code, not a part of its title.
    assert [(note.kind, note.text) for note in code.notes.all()] == [
        (NoteKind.INCLUSION_TERM, "initial encounter for open fracture NOS")
    ]


def test_notes_keep_their_lines_and_kinds(icd10cm):
    node = Code.objects.of(icd10cm).get(code="E11")
    notes = list(node.notes.order_by("position").values_list("kind", "block", "text"))
    assert notes[:2] == [
        ("includes", 0, "diabetes (mellitus) due to insulin secretory defect"),
        ("includes", 0, "diabetes NOS"),
    ]
    assert [text for kind, _, text in notes if kind == "use_additional_code"] == [
        "code to identify control using:",
        "injectable non-insulin antidiabetic drugs (Z79.85)",
        "insulin (Z79.4)",
        "oral antidiabetic drugs (Z79.84)",
        "oral hypoglycemic drugs (Z79.84)",
    ]
    by_kind = {
        kind: Note.objects.filter(node__release=icd10cm, kind=kind).count() for kind in NoteKind.values
    }
    assert by_kind == {
        "includes": 1_024,
        "inclusion_term": 13_101,
        "excludes1": 5_407,
        "excludes2": 2_520,
        "code_first": 809,
        "use_additional_code": 1_485,
        "code_also": 655,
        "seventh_character": 508,
        "note": 180,
    }
    assert SeventhCharacter.objects.filter(node__release=icd10cm).count() == 1_790


def test_loading_again_finds_what_is_there(icd10cm):
    before = everything()
    result = load(open_source("icd10cm"))
    assert (result.already_loaded, result.release) == (True, icd10cm)
    assert everything() == before


def test_commands_say_what_is_loaded(icd10cm):
    out = io.StringIO()
    call_command("load_catalog", "icd10cm", stdout=out)
    assert out.getvalue() == (
        f"ICD-10-CM FY2026, April release is already loaded (source {icd10cm.source_hash[:12]}).\n"
    )
    out = io.StringIO()
    call_command("catalog_status", stdout=out)
    assert "valid     2026-04-01 to 2026-09-30" in out.getvalue()
    assert "74,719 billable, 98,505 nodes, 25,689 notes" in out.getvalue()


@pytest.fixture
def copied(tmp_path):
    """The package's two files in a folder that a test may damage."""
    for name in (simple_icd10cm.TABULAR, simple_icd10cm.CODE_LIST):
        shutil.copyfile(simple_icd10cm.package_data() / name, tmp_path / name)
    return tmp_path


def cut_in_the_middle(folder):
    file = folder / simple_icd10cm.TABULAR
    file.write_bytes(file.read_bytes()[:5_000_000])


def swap(name, old, new):
    def damage(folder):
        file = folder / name
        data = file.read_bytes()
        assert data.count(old) >= 1
        file.write_bytes(data.replace(old, new, 1))

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut_in_the_middle, "the XML is damaged"),
        (swap(simple_icd10cm.CODE_LIST, b"E1122\r\n", b""), "E11.22 is not in the list of codes"),
        (
            swap(simple_icd10cm.CODE_LIST, b"E1122\r\n", b"E1122\r\nE1123\r\n"),
            "E1123 is not in the tabular list",
        ),
        (
            swap(simple_icd10cm.CODE_LIST, b"S72141A\r\n", b""),
            "74,718 billable codes, 74,719 are in this edition",
        ),
        (swap(simple_icd10cm.TABULAR, b"<name>E11.22</name>", b"<name></name>"), "lacks its name or title"),
        (swap(simple_icd10cm.CODE_LIST, b"E1122\r\n", b"\xff\r\n"), "the list of codes is not UTF-8"),
    ],
)
def test_damaged_source_changes_nothing(icd10cm, copied, damage, said):
    before = everything()
    damage(copied)
    with pytest.raises(LoadRefused) as caught:
        load(simple_icd10cm.open_source(copied))
    assert said in str(caught.value)
    assert everything() == before


def test_missing_file_is_named(icd10cm, copied):
    (copied / simple_icd10cm.CODE_LIST).unlink()
    with pytest.raises(LoadRefused, match=r"code-list-April-2026\.txt: the file cannot be read"):
        simple_icd10cm.open_source(copied)


def test_fingerprint_is_over_both_files(copied):
    first = simple_icd10cm.open_source(copied).fingerprint
    assert first == simple_icd10cm.open_source().fingerprint
    assert len(first) == len(sha256().hexdigest())
    swap(simple_icd10cm.CODE_LIST, b"E1122\r\n", b"E1122\r\n\r\n")(copied)
    assert simple_icd10cm.open_source(copied).fingerprint != first


def test_failure_while_writing_changes_nothing(icd10cm):
    before = everything()

    def rows():
        yield from SMALL_ROWS
        # Longer than the column: the database refuses it after the rows before were sent.
        yield NodeRow("E11.X" * 9, NodeKind.SUBCATEGORY, "too long a code", 3, True)

    with pytest.raises(LoadRefused) as caught:
        load(small_source(read=rows))
    assert "cannot be stored" in str(caught.value)
    assert everything() == before


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "the source holds no code"),
        ((SMALL_ROWS[2],), "E11 has no parent in the source"),
        ((*SMALL_ROWS, SMALL_ROWS[-1]), "subcategory E11.9 stands 2 times"),
        (
            (*SMALL_ROWS, replace(SMALL_ROWS[-1], code="E11.91", depth=4)),
            "E11.9 is billable and has codes below it",
        ),
    ],
)
def test_unsound_rows_are_refused(icd10cm, rows, said):
    before = everything()
    with pytest.raises(LoadRefused, match=said):
        load(small_source(read=lambda: iter(rows)))
    assert everything() == before


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (Expected(billable=3), "2 billable codes, 3 are in this edition"),
        (Expected(billable_codes=("E11.9", "B20")), "B20 must be billable in this edition"),
        (Expected(duplicate_names=1), "0 names stand for two nodes, 1 do in this edition"),
    ],
)
def test_what_an_edition_must_hold_is_checked(icd10cm, expected, said):
    before = everything()
    with pytest.raises(LoadRefused, match=said):
        load(small_source(expected=expected))
    assert everything() == before


def test_small_release_beside_the_full_one(icd10cm, small_release):
    assert (small_release.node_count, small_release.billable_count, small_release.note_count) == (5, 2, 1)
    assert Code.objects.of(icd10cm).count() == 98_505


def test_progress_is_reported_to_the_end(icd10cm):
    said = []
    load(small_source(), lambda phase, done, total: said.append((phase, done, total)))
    assert said == [
        ("reading", 5, 5),
        ("writing", 5, 5),
        ("indexing words", 0, 5),
        ("indexing words", 5, 5),
        ("writing", 1, 1),
    ]


@pytest.mark.parametrize(("system", "error"), [("icd9", UnknownSystem), ("icd10pcs", NoLoader)])
def test_system_without_a_source(system, error):
    with pytest.raises(error):
        open_source(system)


def test_command_refuses_in_words(icd10cm, tmp_path):
    (tmp_path / "codes.txt").write_text("no format of ours")
    with pytest.raises(CommandError, match=r"No loader for icd10cm reads codes\.txt\."):
        call_command("load_catalog", "icd10cm", str(tmp_path / "codes.txt"))
    with pytest.raises(CommandError, match="'icd9' is not a code system of this product"):
        call_command("load_catalog", "icd9")
