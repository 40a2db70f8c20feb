"""What the tabular's notes point at: ranges, dashes, conditions on characters, and what cannot be read."""

import pytest

from catalog.edits.notes import read_block
from catalog.edits.tree import dotted


def named(edits, line: str, *codes: str) -> list[bool]:
    """Whether the line, printed at I10, points at each code."""
    tree = edits.knowledge.tabular.tree
    block = read_block(tree, tree.code("I10"), "excludes1", (line,))
    assert block.unread == ()
    return [block.target(tree.code(code)) is not None for code in codes]


@pytest.mark.parametrize(
    ("line", "inside", "outside"),
    [
        ("type 1 diabetes mellitus (E10.-)", ["E10.9", "E10.3211"], ["E11.9"]),
        ("hypertension (I10-I1A)", ["I10", "I16.0", "I1A.0"], ["I20.0"]),
        ("pulmonary heart disease (I26-I28)", ["I26.99", "I28.9"], ["I30.0"]),
        ("kidney disease (N18.1-N18.4, N18.9)", ["N18.1", "N18.30", "N18.9"], ["N18.5", "N18.6"]),
        ("tobacco dependence (F17.-)", ["F17.210"], ["F18.10"]),
        ("drug abuse (F11.-F17.-)", ["F11.10", "F15.20", "F17.210"], ["F10.10", "F18.10"]),
        ("head injury (S00 - S09)", ["S06.0X0A", "S09.90XA"], ["S12.000A"]),
        ("apnea of newborn (P28.3- - P28.4-)", ["P28.30", "P28.40"], ["P28.5"]),
        ("diabetes (E08-E13 with .21)", ["E11.21", "E08.21"], ["E11.22", "E11.9", "I10"]),
        ("diabetic angiopathy (E08-E13 with .51-.52)", ["E11.51", "E13.52"], ["E11.59"]),
        ("skin disorders in diabetes (E08-E13 with .62-)", ["E11.620", "E11.628"], ["E11.610"]),
        ("drug-induced (F10-F19 with .150, .250, .950)", ["F10.150", "F15.950"], ["F10.151"]),
        (
            "adverse effect (T36-T50 with fifth or sixth character 5)",
            ["T45.515A", "T36.0X5D", "T42.75XA"],
            ["T45.511A", "T36.0X6A", "T42.76XA", "T45.516A"],
        ),
        ("poisoning (T36-T50 with fifth or sixth character 1-4)", ["T39.011A", "T36.94XA"], ["T39.015A"]),
        ("underdosing (T36-T50 with final character 6)", ["T38.3X6A"], ["T38.3X5A"]),
        ("open skull fracture (S02.- with 7th character B)", ["S02.0XXB"], ["S02.0XXA"]),
        ("aphasia following stroke (I69. with final characters -20)", ["I69.320"], ["I69.321"]),
        (
            "diabetes with hyperosmolarity (E08, E09, E11, E13 with final characters .00 or .01)",
            ["E11.00"],
            ["E11.65"],
        ),
        ("linezolid (T36.8X- with sixth character 1-4)", ["T36.8X1A"], ["T36.8X5A", "T36.0X1A"]),
        ("hearing loss as classified in H90.-", ["H90.3"], ["H91.90"]),
        ("glucose-6-phosphate dehydrogenase (G6PD) deficiency without anemia (D75.A)", ["D75.A"], ["D75.9"]),
    ],
)
def test_references_are_read(edits, line, inside, outside):
    assert named(edits, line, *inside) == [True] * len(inside)
    assert named(edits, line, *outside) == [False] * len(outside)


@pytest.mark.parametrize(
    "line",
    [
        "current injury - see injury of spine by body region",
        "open fracture of elbow and forearm (S52.- with open fracture 7th character)",
        "diabetic acidosis - see categories E08-E10, E11, E13 with ketoacidosis",
        "a code of another year (Z99.999)",
    ],
)
def test_what_cannot_be_read_is_kept_as_text(edits, line):
    tree = edits.knowledge.tabular.tree
    block = read_block(tree, tree.code("I10"), "excludes1", (line,))
    assert (block.targets, block.unread) == ((), (line,))


def test_lines_under_a_heading_carry_it(edits):
    tree = edits.knowledge.tabular.tree
    block = read_block(
        tree, tree.code("F02"), "code_first", ("the underlying condition, such as:", "Alzheimer's (G30.-)")
    )
    assert block.target(tree.code("G30.9")).text == "the underlying condition, such as: Alzheimer's (G30.-)"
    assert (block.open, block.conditional) == (True, False)


def test_nearly_all_notes_of_the_release_are_read(edits):
    """A change that loses references shows here; the figures are those of the built-in release."""
    notes = edits.knowledge.tabular.notes
    figures = {kind: notes.figures(kind) for kind in ("excludes1", "excludes2", "code_first")}
    assert figures == {"excludes1": (5685, 80), "excludes2": (2423, 10), "code_first": (728, 78)}


@pytest.mark.parametrize(
    ("typed", "canonical"), [("e1122", "E11.22"), ("I10", "I10"), ("t36.0x1a", "T36.0X1A")]
)
def test_codes_get_their_dot(typed, canonical):
    assert dotted(typed) == canonical
