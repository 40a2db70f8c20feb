"""What is nearly the same chart, and what stands in a set that models are measured on."""

from dataclasses import replace

import pytest

from modelops.datasets.build import Gathered, Leaking, Options, assemble
from modelops.datasets.dedupe import without_duplicates
from modelops.datasets.examples import GOLD, SIGNED_OFF
from modelops.datasets.leaks import HeldOut, find_leaks
from modelops.datasets.likeness import LikeTexts, share, shingles
from modelops.engines.types import ChartDocument, ChartText
from tests.modelops.datasets.made import example, sentence, tools, with_text

NOTE = "\n".join(sentence(f"note {n}", 20) for n in range(10))
# The same with another date and one other word of 200.
COPIED = NOTE.replace("patient", "she", 1) + "\nSeen 5/13/2026"
OTHER = "\n".join(sentence(f"other {n}", 20) for n in range(10))


def held(text: str | None = None, **values: object) -> HeldOut:
    chart = ChartText("g", (ChartDocument("1", text),), "professional") if text is not None else None
    return replace(HeldOut("Dev v1", "g-1", frozenset(), chart=chart), **values)  # type: ignore[arg-type]


def leaks(one: object, *charts: HeldOut) -> list[tuple[str, str]]:
    found = find_leaks([one], charts)  # type: ignore[list-item]
    return [(leak.chart, leak.how) for leak in found.leaks]


def test_the_share_is_counted() -> None:
    one, other = "a b c d e f g", "a b c d e f h"
    # Runs: abcde bcdef cdefg and abcde bcdef cdefh.
    assert share(shingles(one), shingles(other)) == 2 / 4
    assert shingles("on 5/12/2026 and then") == shingles("on 7/1/2025 and then")
    assert shingles("short") == shingles("Short")


def test_like_texts_come_with_the_most_alike_first() -> None:
    texts = LikeTexts()
    texts.add("same", NOTE)
    texts.add("copied", COPIED)
    texts.add("other", OTHER)
    found = list(texts.like(NOTE))
    assert [key for key, _ in found] == ["same", "copied"]
    assert found[0][1] == 1.0
    assert 0.9 < found[1][1] < 1.0
    with pytest.raises(ValueError, match="there already"):
        texts.add("same", OTHER)


def test_gold_stays_before_signed_off_before_synthetic_in_any_order() -> None:
    made = [
        with_text(example("a written"), NOTE),
        with_text(example("b signed", kind=SIGNED_OFF), COPIED),
        with_text(example("c gold", kind=GOLD), NOTE),
        with_text(example("d other"), OTHER),
    ]
    for examples in (made, made[::-1]):
        kept, left = without_duplicates(examples)
        assert [one.id for one in kept] == ["c gold", "d other"]
        assert [(one.example, one.kept) for one in left] == [("b signed", "c gold"), ("a written", "c gold")]
        assert left[1].share == 1.0


def test_a_leak_is_found_by_id_patient_hash_and_likeness() -> None:
    one = with_text(replace(example("x"), names=frozenset({"encounter:his:77"})), NOTE)
    digest = one.provenance.document_sha256[0]
    assert leaks(one, held(names=frozenset({"encounter:his:77"}))) == [("g-1", "id")]
    assert leaks(one, held(names=frozenset({"x"}))) == [("g-1", "id")]
    assert leaks(one, held(patient=one.patient)) == [("g-1", "patient")]
    assert leaks(one, held(document_sha256=frozenset({digest}))) == [("g-1", "document")]
    assert leaks(one, held(COPIED)) == [("g-1", "near_duplicate")]
    assert leaks(one, held(OTHER), held()) == []


def test_one_copied_document_of_several_is_a_leak() -> None:
    whole = example("x", [], texts=[OTHER.split("\n"), COPIED.split("\n")])
    assert leaks(whole, held(NOTE)) == [("g-1", "near_duplicate")]
    # And the other way round: the gold chart has several.
    several = replace(
        held(), chart=ChartText("g", (ChartDocument("1", OTHER), ChartDocument("2", NOTE)), "professional")
    )
    assert leaks(with_text(example("y"), COPIED), several) == [("g-1", "near_duplicate")]


def test_what_was_compared_is_told() -> None:
    checked = find_leaks([example("x"), example("y")], [held(OTHER), held()])
    assert (checked.examples, checked.charts, checked.without_text, checked.sets) == (2, 2, 1, ("Dev v1",))


def test_one_leak_and_nothing_is_built() -> None:
    made = [example("clean"), with_text(example("copy"), COPIED)]
    with pytest.raises(Leaking) as caught:
        assemble(Gathered(made, []), [held(NOTE)], Options(), tools())
    assert [(leak.example, leak.how) for leak in caught.value.leaks] == [("copy", "near_duplicate")]
    assert "copy is Dev v1/g-1 (near duplicate, " in str(caught.value)
    assert not any(line in str(caught.value) for line in NOTE.split("\n"))
