"""Releases by date, nodes by any spelling, and what applies to a code."""

import datetime as dt

import pytest

from catalog import queries
from catalog.choices import NodeKind, NoteKind, ReleaseStatus
from catalog.errors import NoRelease, UnknownCode, UnknownSystem
from catalog.models import Release


@pytest.mark.parametrize("day", [dt.date(2026, 4, 1), dt.date(2026, 6, 9), dt.date(2026, 9, 30)])
def test_release_covers_its_first_and_last_day(icd10cm, day):
    assert queries.release_for("icd10cm", day) == icd10cm


@pytest.mark.parametrize("day", [dt.date(2026, 3, 31), dt.date(2026, 10, 1), None])
def test_no_release_is_said_and_none_stands_in(icd10cm, day):
    with pytest.raises(NoRelease) as caught:
        queries.release_for("icd10cm", day)
    assert (caught.value.system, caught.value.on) == ("icd10cm", day)


def test_release_of_another_system_does_not_stand_in(icd10cm):
    with pytest.raises(NoRelease):
        queries.release_for("icd10pcs", dt.date(2026, 6, 9))
    with pytest.raises(UnknownSystem):
        queries.release_for("icd9", dt.date(2026, 6, 9))


def test_two_releases_live_side_by_side(icd10cm, small_release):
    assert queries.release_for("icd10cm", dt.date(2026, 9, 30)) == icd10cm
    assert queries.release_for("icd10cm", dt.date(2026, 10, 1)) == small_release
    assert queries.release_for("icd10cm", dt.date(2031, 1, 1)) == small_release
    assert queries.latest_release("icd10cm") == small_release
    old, new = (queries.get_node(release, "E11.9") for release in (icd10cm, small_release))
    assert old.title == "Type 2 diabetes mellitus without complications"
    assert new.title == "Type 2 diabetes mellitus, uncomplicated"
    assert queries.is_billable(small_release, "E11.7")
    assert not queries.is_billable(icd10cm, "E11.7")
    assert [node.code for node in queries.children(queries.get_node(small_release, "E11"))] == [
        "E11.7",
        "E11.9",
    ]


def test_withdrawn_release_is_never_chosen(icd10cm, small_release):
    Release.objects.filter(pk=small_release.pk).update(status=ReleaseStatus.WITHDRAWN)
    assert queries.latest_release("icd10cm") == icd10cm
    with pytest.raises(NoRelease):
        queries.release_for("icd10cm", dt.date(2026, 10, 1))


@pytest.mark.parametrize("typed", ["E11.22", "e11.22", "E1122", " e1122 "])
def test_node_by_any_spelling_comes_out_canonical(icd10cm, typed):
    assert queries.get_node(icd10cm, typed).code == "E11.22"


def test_unknown_code_names_the_release_searched(icd10cm):
    with pytest.raises(UnknownCode) as caught:
        queries.get_node(icd10cm, "E11.23")
    assert str(caught.value) == "'E11.23' is not in ICD-10-CM FY2026, April release."


def test_code_comes_before_the_block_of_the_same_name(icd10cm):
    node = queries.get_node(icd10cm, "B20")
    assert (node.kind, node.billable) == (NodeKind.CATEGORY, True)
    assert [above.kind for above in queries.ancestors(node)] == [NodeKind.CHAPTER, NodeKind.BLOCK]
    assert queries.ancestors(node)[1].code == "B20"


def test_nodes_in_one_query_leave_unknown_ones_out(icd10cm, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = queries.get_nodes(icd10cm, ["e1122", "B20", "E11.23"])
    assert {asked: (node.code, node.kind) for asked, node in found.items()} == {
        "e1122": ("E11.22", "subcategory"),
        "B20": ("B20", "category"),
    }


@pytest.mark.parametrize(
    ("code", "billable"),
    [("E11.22", True), ("E11.2", False), ("E11", False), ("E08-E13", False), ("4", False), ("S72.141", False),
     ("S72.141A", True), ("S72141a", True), ("S72.141Z", False), ("", False)],
)  # fmt: skip
def test_billable_is_the_complete_code_only(icd10cm, code, billable):
    assert queries.is_billable(icd10cm, code) is billable


def test_around_a_code(icd10cm):
    node = queries.get_node(icd10cm, "E11.22")
    assert [above.code for above in queries.ancestors(node)] == ["4", "E08-E13", "E11", "E11.2"]
    assert [other.code for other in queries.siblings(node)] == ["E11.21", "E11.29"]
    assert queries.children(node) == []
    assert [child.code for child in queries.children(queries.ancestors(node)[-1])] == [
        "E11.21",
        "E11.22",
        "E11.29",
    ]


def test_excludes_are_inherited_and_say_from_where(icd10cm):
    notes = queries.instructions(queries.get_node(icd10cm, "E11.22"))
    excludes1 = [
        (note.source.code, note.inherited, note.lines) for note in notes if note.kind == NoteKind.EXCLUDES1
    ]
    assert excludes1 == [
        (
            "E11",
            True,
            (
                "diabetes mellitus due to underlying condition (E08.-)",
                "drug or chemical induced diabetes mellitus (E09.-)",
                "gestational diabetes (O24.4-)",
                "neonatal diabetes mellitus (P70.2)",
                "postpancreatectomy diabetes mellitus (E13.-)",
                "postprocedural diabetes mellitus (E13.-)",
                "secondary diabetes mellitus NEC (E13.-)",
                "type 1 diabetes mellitus (E10.-)",
            ),
        ),
        ("4", True, ("transitory endocrine and metabolic disorders specific to newborn (P70-P74)",)),
    ]
    additional = [
        (note.source.code, note.inherited) for note in notes if note.kind == NoteKind.USE_ADDITIONAL_CODE
    ]
    assert additional == [("E11.22", False), ("E11", True)]


def test_instructions_come_in_reading_order_nearest_first(icd10cm):
    notes = queries.instructions(queries.get_node(icd10cm, "E11.22"))
    assert [(note.label, note.source.code) for note in notes] == [
        ("Use additional code", "E11.22"),
        ("Use additional code", "E11"),
        ("Excludes1", "E11"),
        ("Excludes1", "4"),
        ("Includes", "E11"),
        ("Note", "4"),
    ]


def test_inclusion_terms_of_a_category_do_not_name_the_codes_below(icd10cm):
    own = queries.instructions(queries.get_node(icd10cm, "I21.4"))
    terms = [note for note in own if note.kind == NoteKind.INCLUSION_TERM]
    assert [(note.source.code, note.inherited) for note in terms] == [("I21.4", False)]
    category_with_terms = queries.instructions(queries.get_node(icd10cm, "M80.051A"))
    assert not [note for note in category_with_terms if note.kind == NoteKind.INCLUSION_TERM]


def test_seventh_characters_of_a_code_that_lacks_one(icd10cm):
    choices = queries.seventh_choices(queries.get_node(icd10cm, "M80.051"))
    assert [(choice.character, choice.meaning, choice.code) for choice in choices] == [
        ("A", "initial encounter for fracture", "M80.051A"),
        ("D", "subsequent encounter for fracture with routine healing", "M80.051D"),
        ("G", "subsequent encounter for fracture with delayed healing", "M80.051G"),
        ("K", "subsequent encounter for fracture with nonunion", "M80.051K"),
        ("P", "subsequent encounter for fracture with malunion", "M80.051P"),
        ("S", "sequela", "M80.051S"),
    ]
    assert queries.seventh_choices(queries.get_node(icd10cm, "M80.051G")) == choices
    assert queries.seventh_choices(queries.get_node(icd10cm, "E11.22")) == []


def test_seventh_character_fills_up_with_placeholders(icd10cm):
    assert queries.with_seventh(icd10cm, "T14.90", "a").code == "T14.90XA"
    assert queries.with_seventh(icd10cm, "T07", "S").code == "T07.XXXS"
    with pytest.raises(UnknownCode):
        queries.with_seventh(icd10cm, "T07", "B")
