"""Charts of real patients: other names, days and numbers, evidence that still points at its words, or a refusal."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.datasets.build import Gathered, Options, assemble
from modelops.datasets.deidentify import Deidentifier, Doubtful
from modelops.datasets.examples import Label, TrainingExample, words_at
from modelops.datasets.identifiers import Known
from modelops.datasets.ordinary_words import OrdinaryWords
from modelops.datasets.shifted_dates import shift
from modelops.datasets.split import TRAIN, split_of
from modelops.datasets.surrogates import Surrogates
from modelops.engines.types import Evidence
from tests.modelops.datasets.made import WORDS, WRITTEN, example, tools, with_text
from tests.modelops.datasets.planted import planted

KEY = b"a key of the site, not of the tests"
ORDINARY = OrdinaryWords(
    [
        "admitted",
        "with",
        "shortness",
        "of",
        "breath",
        "acute",
        "on",
        "chronic",
        "systolic",
        "heart",
        "failure",
        "patient",
        "seen",
        "his",
        "her",
        "daughter",
        "can",
        "be",
        "reached",
        "follow",
        "up",
        "dr",
        "in",
        "weeks",
        "no",
        "evidence",
        "pneumonia",
        "type",
        "diabetes",
        "stable",
        "insulin",
        "lives",
        "son",
        "last",
        "visit",
        "motor",
        "pain",
        "discussed",
        "by",
        "phone",
        "signed",
        "she",
        "fell",
        "at",
        "home",
        "denies",
        "chest",
        "neighbor",
        "called",
        "nurse",
        "notified",
        "return",
        "or",
        "call",
        "retired",
        "teacher",
        "record",
        "wound",
        "first",
        "the",
        "debrided",
        "family",
        "meeting",
        "and",
        "both",
        "agree",
        "to",
        "hospice",
        "transferred",
        "from",
        "memorial",
        "hospital",
        "room",
        "mr",
        "mrs",
        "was",
        "is",
        "a",
        "street",
        "memorial",
        "attending",
        "email",
        "progress",
        "note",
        "was",
        "states",
        "said",
        "syndrome",
        "brown",
        "white",
        "wolff",
        "parkinson",
        *WORDS,
    ]
)
KNOWN = Known(
    ("Tolliver, Emmett", "Sunita Raghunathan, MD"), ("MRN-00031",), ("Tamarack Valley Medical Center",)
)
NOTE = """Patient: Tolliver, Emmett     MRN-00031
Admitted 05/11/2026 to Tamarack Valley Medical Center by Dr. Raghunathan.
Mr. Tolliver has acute on chronic systolic heart failure since 3/2.
Signed by Sunita Raghunathan on May 19, 2026"""


def chart(text: str = NOTE, patient: str = "P1") -> TrainingExample:
    return replace(with_text(example("x", patient=patient, phi=True), text), phi=True)


def done(text: str = NOTE, known: Known = KNOWN, patient: str = "P1") -> str:
    found = Deidentifier(KEY, ORDINARY).apply(chart(text, patient), known)
    return found.example.chart.documents[0].text


def test_nothing_that_names_anybody_is_left() -> None:
    text = done()
    for gone in (
        "Tolliver",
        "Emmett",
        "Sunita",
        "Raghunathan",
        "00031",
        "05/11/2026",
        "3/2.",
        "May 19",
        "Tamarack",
    ):
        assert gone not in text
    assert len(text.split("\n")) == 4
    assert "has acute on chronic systolic heart failure since" in text


def test_one_name_stays_one_name_and_days_keep_their_distance() -> None:
    text = done()
    surname = re.match(r"Patient: (\w+), (\w+)", text)
    assert surname is not None
    assert f"Mr. {surname[1]} has" in text
    doctor = re.search(r"Signed by (\w+) (\w+) on (\w+ \d+, \d{4})", text)
    assert doctor is not None
    assert f"by Dr. {doctor[2]}." in text
    admitted = re.search(r"Admitted (\d\d)/(\d\d)/(\d{4})", text)
    assert admitted is not None
    first = date(int(admitted[3]), int(admitted[1]), int(admitted[2]))
    signed = datetime.strptime(doctor[3], "%B %d, %Y").replace(tzinfo=UTC).date()
    assert (signed - first).days == 8
    moved = (date(2026, 5, 11) - first).days
    assert moved % 7 == 0
    assert 7 <= moved <= 357


def test_the_same_for_a_patient_another_for_another_and_for_another_key() -> None:
    assert done() == done()
    assert done(patient="P2") != done()
    other = Deidentifier(b"another key of another site", ORDINARY).apply(chart(), KNOWN)
    assert other.example.chart.documents[0].text != done()
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Deidentifier(b"short", ORDINARY)


def test_two_charts_of_a_patient_agree() -> None:
    one = done("Mr. Tolliver seen 5/11/2026.")
    other = done("Seen again: TOLLIVER, 5/18/2026.")
    name = one.split()[1]
    assert name.upper() in other
    days = [
        datetime.strptime(re.search(r"\d+/\d+/\d{4}", text)[0], "%m/%d/%Y").replace(tzinfo=UTC).date()  # type: ignore[index]
        for text in (one, other)
    ]
    assert (days[1] - days[0]).days == 7


@pytest.mark.parametrize(
    "written",
    ["Tolliver-Oyelaran", "Oyelaran-Tolliver", "OYELARAN-TOLLIVER", "Brown-Tolliver", "Toliver-Oyelaran"],
)
def test_what_a_hyphen_joins_to_a_known_name_goes_too_and_the_title_stays(written: str) -> None:
    """One half of a double name may be all that the record knows."""
    text = done(f"Mrs. {written} was seen.")
    assert re.fullmatch(r"Mrs\. (\w+)-(\w+) was seen\.", text)
    for half in ("oyelaran", "tolliver", "brown", "toliver"):
        assert half not in text.casefold()


def test_a_term_with_hyphens_loses_only_the_part_that_is_a_name_here() -> None:
    text = done("Wolff-Parkinson-White syndrome stable.", Known(("White, Emmett",)))
    assert re.fullmatch(r"Wolff-Parkinson-(?!White)\w+ syndrome stable\.", text)


def test_evidence_points_at_the_same_words_changed_as_they_are() -> None:
    line = "Mr. Tolliver has acute on chronic systolic heart failure since 3/2."
    one = chart()

    def place(start: int, end: int) -> Evidence:
        return Evidence("d1", 3, 3, start, end, line[start:end])

    words = place(line.index("acute"), line.index(" since"))
    with_name = place(0, line.index(" has"))
    whole = place(0, len(line))
    half = place(line.index("lliver"), line.index(" has"))
    label = Label("icd10cm", "I50.23", (words, with_name, whole, half), "accepted", WRITTEN, f"Said: {line}")
    found = Deidentifier(KEY, ORDINARY).apply(replace(one, labels=(label,)), KNOWN).example
    changed = found.labels[0]
    assert all(words_at(found.chart, each) == each.quote for each in changed.evidence)
    text = found.chart.documents[0].lines[2]
    name = text.split()[1]
    assert [each.quote for each in changed.evidence] == [
        "acute on chronic systolic heart failure",
        f"Mr. {name}",
        text,
        # A place that begins within a name takes the whole of what stands there now.
        name,
    ]
    assert "Tolliver" not in changed.rationale
    assert not found.phi


def test_facts_move_with_the_text() -> None:
    one = chart()
    facts = replace(
        one.chart,
        admit_date=date(2026, 5, 11),
        discharge_date=date(2026, 5, 19),
        age=97.0,
        documents=(replace(one.chart.documents[0], authored_at=datetime(2026, 5, 19, 8, 30, tzinfo=UTC)),),
    )
    found = Deidentifier(KEY, ORDINARY).apply(replace(one, chart=facts), KNOWN).example.chart
    assert found.admit_date is not None
    assert found.discharge_date is not None
    assert (found.discharge_date - found.admit_date).days == 8
    assert found.discharge_date != date(2026, 5, 19)
    assert found.documents[0].authored_at is not None
    assert found.documents[0].authored_at.date() == found.discharge_date
    assert found.age == 90.0


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("Seen with Brzezinska about her pain.", {"possible_name": 1}),
        ("Wound of 13/45/2026 debrided.", {"odd_date": 1}),
    ],
)
def test_what_is_in_doubt_is_refused_and_counted(text: str, reasons: dict[str, int]) -> None:
    with pytest.raises(Doubtful) as caught:
        done(text)
    assert caught.value.reasons == reasons
    assert "Brzezinska" not in str(caught.value)
    one, other = chart(text), example("clean")
    assert split_of(other.patient) == TRAIN
    found = assemble(Gathered([one, other], []), (), Options(), tools(Deidentifier(KEY, ORDINARY)))
    assert [row.example.id for row in found.rows] == ["clean"]
    assert found.facts["left_out"] == {f"doubtful_{min(reasons)}": 1}


def test_without_a_deidentifier_no_real_chart_gets_in() -> None:
    found = assemble(Gathered([chart(), example("clean")], []), (), Options(), tools())
    assert found.facts["left_out"] == {"not_deidentified": 1}
    assert found.facts["deidentified"] == {"charts": 0, "replaced": {}, "words_sha256": ""}


def test_scores_and_lab_values_stay() -> None:
    text = "Motor strength 5/5, pain 4/10, BP 120/80, glucose 264, murmur 3/6 systolic, smokes 1/2 ppd."
    assert done(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-11", "05/11/2026", "5/11/26", "5/11", "20260511", "May 11, 2026", "May 11", "11 May 2026", "11-May-26",
        "MAY 2026", "5/2026", "May 1st",
    ],
)  # fmt: skip
def test_a_date_moves_in_the_form_it_had(text: str) -> None:
    surrogates = Surrogates(KEY, "P1")
    moved = shift(text, surrogates, 2026)
    assert moved is not None
    assert moved != text
    shape = re.compile(r"[A-Za-z]+"), re.compile(r"\d+")
    assert [re.sub(r"[A-Za-z]+", "a", re.sub(r"\d+", "0", each)) for each in (text, moved)] == [
        re.sub(r"[A-Za-z]+", "a", re.sub(r"\d+", "0", text))
    ] * 2
    assert all(bool(pattern.search(text)) == bool(pattern.search(moved)) for pattern in shape)


@given(st.dates(date(1920, 1, 1), date(2030, 12, 31)))
def test_dates_come_back_by_as_many_days(day: date) -> None:
    surrogates = Surrogates(KEY, "P1")
    moved = shift(day.isoformat(), surrogates, day.year)
    assert moved == surrogates.day(day).isoformat()
    american = shift(f"{day.month}/{day.day}/{day.year}", surrogates, day.year)
    back = surrogates.day(day)
    assert american == f"{back.month}/{back.day}/{back.year}"


@given(st.text("0123456789-", min_size=4, max_size=14))
def test_no_digit_of_a_number_stays(number: str) -> None:
    moved = Surrogates(KEY, "P1").digits(number)
    assert len(moved) == len(number)
    for before, after in zip(number, moved, strict=True):
        assert (before == after) == (before == "-")


def measured() -> tuple[Counter[str], Counter[str], int, int]:
    """Of the charts that were not refused: planted identifiers by kind, and those that still stand; charts refused."""
    notes = planted()
    names = {word for note in notes for word in note.known.name_words()}
    ordinary = OrdinaryWords.learned(
        ((note.patient, note.text) for note in notes), ORDINARY._words, names=names
    )
    deidentifier = Deidentifier(KEY, ordinary)
    there: Counter[str] = Counter()
    left: Counter[str] = Counter()
    refused = 0
    for note in notes:
        try:
            found = deidentifier.apply(chart(note.text, note.patient), note.known)
        except Doubtful:
            refused += 1
            continue
        text = found.example.chart.documents[0].text
        for kind, planted_text in note.left:
            if planted_text not in note.text:
                continue
            there[kind] += 1
            left[kind] += re.search(rf"(?<!\w){re.escape(planted_text)}(?!\w)", text) is not None
    return there, +left, refused, len(notes)


def test_what_is_left_of_planted_identifiers() -> None:
    """The figures of docs/datasets.md."""
    there, left, refused, notes = measured()
    assert (notes, refused, dict(there), dict(left)) == MEASURED


MEASURED = (
    100,
    15,
    {"name": 365, "date": 195, "number": 85, "contact": 75, "place": 60, "age": 8},
    {},
)
