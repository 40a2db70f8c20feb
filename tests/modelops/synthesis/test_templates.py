"""The data that charts are written from: whole, of the release, and consistent with itself."""

from __future__ import annotations

import re

import pytest

from catalog.models import Code, Release
from modelops.synthesis import tables
from modelops.synthesis.domains import domain_codes
from modelops.synthesis.seeded import seeded
from modelops.synthesis.vocabulary import Vocabulary
from modelops.synthesis.wording import tidy, worded


def test_every_code_that_the_templates_name_is_billable(icd10cm: Release) -> None:
    named = (
        set(tables.sayings())
        | set(tables.social())
        | set(tables.common())
        | {trap.code for trap in tables.traps()}
        | {trap.optional for trap in tables.traps() if trap.optional}
    )
    billable = set(Code.objects.of(icd10cm).billable().filter(code__in=named).values_list("code", flat=True))
    assert named - billable == set()


def test_every_choice_of_the_templates_can_be_drawn(vocabulary: Vocabulary) -> None:
    drawn = {choice.begins for choices in tables.clusters().values() for choice in choices} | {
        choice.begins
        for needs in tables.requirements().values()
        for group in needs.groups
        for choice in group
        if choice.weight
    }
    assert [begins for begins in sorted(drawn) if not vocabulary.beginning(begins)] == []


def test_what_is_told_in_sayings_and_narratives_is_in_the_vocabulary(vocabulary: Vocabulary) -> None:
    told = set(tables.sayings()) | set(tables.social())
    assert sorted(told - set(vocabulary.terms)) == []


def test_every_kind_has_places_and_frames(vocabulary: Vocabulary) -> None:
    kinds = {term.kind for term in vocabulary.terms.values()}
    assert kinds - set(tables.places()) == set()
    for kind, where in tables.places().items():
        for place in where.must:
            own = tables.frames().get((kind, place))
            assert own or (where.generic and tables.frames().get(("*", place))), (kind, place)


def test_every_frame_and_detail_takes_a_term() -> None:
    texts = [text for said in tables.frames().values() for text in said]
    texts += [text for where in tables.details().values() for said in where.values() for text in said]
    assert [text for text in texts if text.count("{t}") + text.count("{T}") != 1] == []


def test_families_name_clusters_that_exist() -> None:
    named = {name for family in tables.families().values() for name in family.clusters}
    assert named - set(tables.clusters()) == set()


def test_sections_of_every_style_have_headings() -> None:
    for style in tables.styles().values():
        bare = {section.rstrip("?") for section in style.sections} - {"header", "sign"}
        assert bare - set(tables.headings()) == set()


def test_coverage_of_the_three_domains_and_beyond(vocabulary: Vocabulary) -> None:
    counts = {name: len(domain_codes(name, vocabulary)) for name in ("advanced_illness", "frailty", "sdoh")}
    assert counts["advanced_illness"] >= 150
    assert counts["frailty"] >= 150
    assert counts["sdoh"] >= 85
    assert len(vocabulary) >= 12_000


@pytest.mark.parametrize(
    ("title", "said"),
    [
        (
            "Pressure ulcer of right heel, stage 3",
            {
                "stage 3 pressure ulcer, right heel",
                "stage 3 pressure injury of the right heel",
                "right heel decubitus, stage 3",
                "pressure injury right heel, st 3",
            },
        ),
        (
            "Malignant neoplasm of upper lobe, left bronchus or lung",
            {
                "left upper lobe lung cancer",
                "lung carcinoma, left upper lobe",
                "non-small cell cancer of the left upper lobe",
                "left upper lobe primary lung cancer",
            },
        ),
        ("Essential (primary) hypertension", {"essential hypertension"}),
        (
            "Unspecified dementia, unspecified severity, with agitation",
            {"dementia, with agitation"},
        ),
        (
            "Crohn's disease of small intestine with fistula",
            {"Crohn's disease, small intestine, with fistula", "small intestine Crohn's with fistula"},
        ),
    ],
)
def test_titles_in_words_written_out(title: str, said: set[str]) -> None:
    assert {worded(title, 0, seeded(title, number)) for number in range(60)} == said


def test_a_wording_keeps_side_stage_and_type(vocabulary: Vocabulary) -> None:
    """What tells a code from its neighbours is in every wording of its title."""
    side = {"right": r"\b(right|R|rt|RLE|RUE)\b", "left": r"\b(left|L|lt|LLE|LUE)\b"}
    lost = []
    for term in vocabulary.terms.values():
        if not term.from_title:
            continue
        for level in range(3):
            words = worded(term.title, level, seeded(term.code, level))
            for name, pattern in side.items():
                if re.search(rf"\b{name}\b", term.title.lower()) and not re.search(pattern, words):
                    lost.append((term.code, words))
            stages = re.findall(r"stage (\d)", term.title.lower())
            lost += [(term.code, words) for stage in stages if stage not in words]
    assert lost == []


def test_tidy_gives_names_their_capitals() -> None:
    assert tidy("parkinson's disease , with  dyskinesia,") == "Parkinson's disease, with dyskinesia"


def test_no_sentence_names_a_month() -> None:
    """It would be a date that the writer was not told, and may lie after the note."""
    months = re.compile(
        r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
    )
    told = [
        (path.name, row) for path in sorted(tables.TEMPLATES.glob("*.txt")) for row in tables.rows(path.name)
    ]
    assert [one for one in told if months.search(one[1])] == []
