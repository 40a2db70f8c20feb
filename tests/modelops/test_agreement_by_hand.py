"""Agreement on tables counted by hand, and what is said where a figure is undefined."""

import pytest

from modelops.evaluation.agreement import agreement, summary
from modelops.evaluation.agreement.code_sets import masi_distance
from tests.modelops.agreement_rows import (
    DOUBT,
    NO,
    YES,
    addition,
    empty,
    label,
    seeded,
    verdicts_of_labels,
)


def value(figure):
    assert figure["why"] == ""
    return figure["value"]


def test_a_table_of_shown_labels():
    labels = agreement(verdicts_of_labels(80, 10, 5, 5))["overall"]["labels"]
    assert labels["pairs"] == 100
    assert value(labels["observed_agreement"]) == pytest.approx(0.85)
    assert value(labels["positive_agreement"]) == pytest.approx(160 / 175)
    assert value(labels["negative_agreement"]) == pytest.approx(10 / 25)
    # Chance: .9 x .85 + .1 x .15 = .78.
    assert value(labels["cohen_kappa"]) == pytest.approx(0.07 / 0.22)
    # Mean share of yes .875: chance .875² + .125² = .78125 for Fleiss, 2 x .875 x .125 = .21875 for AC1.
    assert value(labels["fleiss_kappa"]) == pytest.approx(0.06875 / 0.21875)
    assert value(labels["ac1"]) == pytest.approx(0.63125 / 0.78125)
    # 200 answers, 175 yes: 30 of them stand beside the other answer.
    assert value(labels["alpha"]) == pytest.approx(1 - 199 * 30 / (200**2 - 175**2 - 25**2))


def test_kappa_falls_at_ninety_percent_approval_while_ac1_does_not():
    labels = agreement(verdicts_of_labels(90, 5, 5, 0))["overall"]["labels"]
    assert value(labels["observed_agreement"]) == pytest.approx(0.9)
    assert value(labels["cohen_kappa"]) == pytest.approx((0.9 - 0.905) / 0.095)
    assert value(labels["ac1"]) == pytest.approx((0.9 - 0.095) / 0.905)


def test_the_three_approvals_are_one_and_doubt_is_counted_apart():
    rows = [
        label("c1", "A", "I10", "approve_evidence_wrong"),
        label("c1", "B", "I10", "approve_more_specific"),
        label("c1", "A", "E11.9", NO),
        label("c1", "B", "E11.9", DOUBT),
        label("c2", "A", "I10", NO),
        label("c2", "B", "I10", NO),
    ]
    labels = agreement(rows)["overall"]["labels"]
    assert labels["pairs"] == 2
    assert value(labels["observed_agreement"]) == 1.0
    assert (labels["undecidable"]["value"], labels["undecidable"]["n"]) == (pytest.approx(1 / 3), 3)
    # Five verdicts as they stand: wrong-specific, reject-undecidable, reject-reject.
    assert value(labels["alpha_of_verdicts"]) == pytest.approx(1 - 5 * 4 / (36 - 1 - 1 - 9 - 1))


def test_kappa_of_codes_is_over_the_codes_seen_and_the_charts_read_twice():
    rows = [
        *(label("c1", reader, "I10", YES) for reader in "AB"),
        *(label("c2", reader, "E11.9", NO) for reader in "AB"),
        addition("c2", "A", "Z66", 1),
        empty("c3", "A"),
        empty("c3", "B"),
        addition("c4", "A", "F03.90", 1),
    ]
    codes = agreement(rows)["overall"]["codes"]
    # Four codes seen (F03.90 on a chart that one reader read), three charts: 1 both, 1 the first alone, 10 none.
    assert (codes["codes"], codes["charts"]) == (4, 3)
    chance = 2 * 1 + 10 * 11
    assert value(codes["cohen_kappa"]) == pytest.approx((12 * 11 - chance) / (144 - chance))
    assert value(codes["positive_agreement"]) == pytest.approx(2 / 3)


def test_kappa_of_one_code():
    rows = [
        *(label("c1", reader, "I10", YES) for reader in "AB"),
        label("c2", "A", "I10", YES),
        label("c2", "B", "I10", NO),
        *(empty(chart, reader) for chart in ("c3", "c4") for reader in "AB"),
        *(label("c4", reader, "E11.9", DOUBT) for reader in "AB"),
    ]
    report = agreement(rows)
    doubtful, common = report["per_code"]
    assert (common["code"], common["given_by_both"], common["given_by_one"]) == ("I10", 1, 1)
    # Both, first alone, second alone, none: 1, 1, 0, 2.
    assert value(common["cohen_kappa"]) == pytest.approx((4 * 3 - (2 * 1 + 2 * 3)) / (16 - (2 * 1 + 2 * 3)))
    assert common["cohen_kappa"]["n"] == 4
    assert report["by_pair"]["A · B"]["per_code"][1] == common
    assert doubtful["cohen_kappa"]["value"] is None
    assert doubtful["cohen_kappa"]["why"] == (
        "One answer throughout: there is no variation that chance could be taken from."
    )


def test_additions_and_their_lines():
    rows = [
        addition("c1", "A", "Z66", 3, 4),
        addition("c1", "B", "Z66", 4, 5, 6),
        addition("c1", "A", "R54", 9),
        addition("c1", "B", "Z74.1", 2),
    ]
    report = agreement(rows, lines_of={"c1": 10})["overall"]
    assert value(report["additions"]["f1"]) == pytest.approx(2 * 1 / (2 + 2))
    assert value(report["evidence"]["line_f1"]) == pytest.approx(2 * 1 / (2 + 3))
    # Ten lines, two answers each: cited by both 1, by one 3, by none 6.
    assert value(report["evidence"]["alpha_of_lines"]) == pytest.approx(1 - 19 * 6 / (400 - 5**2 - 15**2))


def test_evidence_of_shown_labels_is_judged_not_chosen():
    rows = [
        *(label("c1", reader, "I10", YES) for reader in "AB"),
        label("c2", "A", "I10", YES),
        label("c2", "B", "I10", "approve_evidence_wrong"),
        *(label("c3", reader, "I10", "approve_evidence_wrong") for reader in "AB"),
        label("c4", "A", "I10", YES),
        label("c4", "B", "I10", NO),
    ]
    evidence = agreement(rows)["overall"]["evidence"]
    assert evidence["shown_pairs"] == 3
    assert value(evidence["shown_right_agreement"]) == pytest.approx(2 / 3)
    assert value(evidence["shown_wrong_agreement"]) == pytest.approx(2 / 3)
    assert evidence["line_f1"]["why"] == "No code was added by two readers of one chart."


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("", "", 0),
        ("", "a", 1),
        ("ab", "ab", 0),
        ("ab", "cd", 1),
        ("ab", "abcd", 1 - 2 / 3 * 1 / 2),
        ("abc", "bcd", 1 - 1 / 3 * 1 / 2),
    ],
)
def test_masi(first, second, distance):
    assert masi_distance(frozenset(first), frozenset(second)) == pytest.approx(distance)
    assert masi_distance(frozenset(second), frozenset(first)) == pytest.approx(distance)


def test_alpha_of_whole_code_sets():
    rows = [
        *(addition("c1", reader, "I10", 1) for reader in "AB"),
        addition("c1", "B", "E11.9", 1),
        *(addition("c2", reader, "R54", 1) for reader in "AB"),
    ]
    sets = agreement(rows)["overall"]["sets"]
    # {I10} and {I10, E11.9} are 1 - 2/3 x 1/2 = 2/3 apart; each is 1 from {R54}, which stands twice.
    observed, expected = 2 * (2 / 3) / 4, (2 * (2 / 3) + 8) / 12
    assert value(sets["masi_alpha"]) == pytest.approx(1 - observed / expected)


def test_charts_without_a_code_are_sets_too():
    rows = [
        *(empty("c1", reader) for reader in "AB"),
        empty("c2", "A"),
        *(addition("c2", "B", code, 1) for code in ("I10", "R54")),
    ]
    sets = agreement(rows)["overall"]["sets"]
    # Three empty sets and one of two codes: 1 from each of them.
    assert value(sets["masi_alpha"]) == pytest.approx(1 - (2 / 4) / (6 / 12))


def test_a_code_that_one_could_not_decide_leaves_both_sets():
    rows = [
        *(label("c1", reader, "I10", YES) for reader in "AB"),
        label("c1", "A", "E11.9", YES),
        label("c1", "B", "E11.9", DOUBT),
        *(label("c2", reader, "R54", YES) for reader in "AB"),
    ]
    assert value(agreement(rows)["overall"]["sets"]["masi_alpha"]) == 1.0


def test_one_pair_of_three_readers_is_not_moved_by_the_third():
    pair = [*verdicts_of_labels(6, 2, 1, 3), addition("c000", "A", "Z66", 1), addition("c000", "B", "Z66", 2)]
    third = [label(f"c{n:03}", "C", "I10", NO) for n in range(12)]
    alone, three = agreement(pair), agreement([*pair, *third])
    assert list(three["by_pair"]) == ["A · B", "A · C", "B · C"]
    assert three["by_pair"]["A · B"] == alone["by_pair"]["A · B"]
    assert three["overall"]["labels"]["cohen_kappa"]["why"] == (
        "Cohen's kappa compares two readers and there are more: see each pair, or Fleiss' kappa."
    )


def test_repeats_compare_a_reader_with_himself_and_count_nowhere_else():
    first = verdicts_of_labels(8, 1, 1, 2)
    again = [
        label("c000", "A", "I10", NO, kind="repeat"),
        label("c011", "A", "I10", NO, kind="repeat"),
        label("c001", "B", "I10", YES, kind="repeat"),
    ]
    before, report = agreement(first), agreement([*first, *again])
    assert report["repeats"]["charts"] == 3
    assert list(report["repeats"]["by_reader"]) == ["A", "B"]
    assert value(report["repeats"]["by_reader"]["A"]["labels"]["observed_agreement"]) == 0.5
    assert value(report["repeats"]["overall"]["labels"]["observed_agreement"]) == pytest.approx(2 / 3)
    assert (
        before["repeats"]["overall"]["labels"]["ac1"]["why"] == "No shown label was decided by two readers."
    )
    assert {**report, "repeats": 0, "counts": 0} == {**before, "repeats": 0, "counts": 0}


def test_seeded_checks_measure_automation_bias_and_nothing_else():
    rows = verdicts_of_labels(8, 1, 1, 2)
    checks = [
        seeded("c000", "A", "E11.21", YES),
        seeded("c000", "B", "E11.21", NO),
        seeded("c001", "A", "S52.501A", YES, "laterality"),
        seeded("c002", "B", "I48.91", DOUBT, "negated"),
    ]
    before, report = agreement(rows), agreement([*rows, *checks])
    bias = report["seeded"]
    assert (bias["checks"], bias["rejected"], bias["undecidable"]) == (4, 1, 1)
    assert value(bias["approved_share"]) == 0.5
    assert {kind: value(figure) for kind, figure in bias["by_kind"].items()} == {
        "laterality": 1.0,
        "negated": 0.0,
        "sibling": 0.5,
    }
    assert {reader: value(figure) for reader, figure in bias["by_reader"].items()} == {"A": 1.0, "B": 0.0}
    assert {**report, "seeded": 0} == {**before, "seeded": 0}
    assert before["seeded"]["approved_share"]["why"] == "No seeded check was judged."


def test_pace_counts_no_seeded_check():
    rows = [
        label("c1", "A", "I10", seconds=120.0),
        label("c1", "A", "R54", seconds=120.0),
        label("c2", "A", "I10", seconds=40.0),
        seeded("c2", "A", "E11.21", NO, seconds=40.0),
        empty("c3", "A", seconds=20.0),
        label("c4", "A", "I10", seconds=0.0),
        label("c2", "B", "I10", seconds=30.0, kind="repeat"),
    ]
    assert agreement(rows)["pace"] == {
        "A": {"readings": 3, "seconds_a_reading": 40.0, "seconds_a_code": 40.0}
    }


def test_domains_and_chapters_have_their_own_figures():
    frail = {"domains": frozenset({"frailty"})}
    rows = [
        *(label("c1", reader, "R54", YES, **frail) for reader in "AB"),
        label("c2", "A", "R54", YES, **frail),
        label("c2", "B", "R54", NO, **frail),
        *(label("c1", reader, "I10", YES) for reader in "AB"),
    ]
    report = agreement(rows, chapter_of=lambda system, code, release: f"{system} {code[0]}")
    assert list(report["by_domain"]) == ["frailty"]
    frailty = report["by_domain"]["frailty"]
    assert value(frailty["labels"]["positive_agreement"]) == pytest.approx(2 / 3)
    assert (frailty["codes"]["codes"], frailty["codes"]["charts"]) == (1, 2)
    assert {name: group["labels"]["pairs"] for name, group in report["by_chapter"].items()} == {
        "icd10cm I": 1,
        "icd10cm R": 2,
    }
    assert agreement(rows)["by_chapter"] == {}


@pytest.mark.parametrize("rows", [[], [label("c1", "A", "I10")], [empty("c1", "A")]])
def test_without_a_second_reading_every_figure_says_why(rows):
    report = agreement(rows)
    overall = report["overall"]
    assert report["counts"]["charts_read_twice"] == 0
    figures = [figure for group in overall.values() for figure in group.values() if isinstance(figure, dict)]
    assert len(figures) == 18
    for figure in figures:
        assert figure["value"] is figure["low"] is figure["high"] is None
        assert figure["why"].endswith(".")
    assert overall["sets"]["masi_alpha"]["why"] == "No chart was read by two readers."
    assert (report["by_pair"], report["per_code"]) == ({}, [])


def test_without_a_chart_read_twice_there_is_no_universe():
    """A code that one reader added alone is seen in the project, and no pair of readers could give it."""
    rows = [addition("c1", "B", "I11.1", 2, 3)]

    def chapter(system, code, release):
        return code[0]

    report = agreement(rows, chapter_of=chapter)
    assert report["counts"]["codes"] == 1
    assert (report["overall"]["codes"]["codes"], report["overall"]["codes"]["charts"]) == (0, 0)
    assert report["by_chapter"] == {}
    # A chart that two readers finished, on which neither says a word: the same code is a cell of it.
    report = agreement([*rows, empty("c2", "A"), empty("c2", "B")], chapter_of=chapter)
    assert (report["overall"]["codes"]["codes"], report["overall"]["codes"]["charts"]) == (1, 1)
    assert list(report["by_chapter"]) == ["I"]
    whole, part = report["overall"], report["by_chapter"]["I"]
    assert {key: part[key] for key in part if key != "sets"} == {k: whole[k] for k in whole if k != "sets"}


def test_where_all_approve_kappa_is_undefined_and_specific_agreement_is_not():
    labels = agreement(verdicts_of_labels(12, 0, 0, 0))["overall"]["labels"]
    assert value(labels["positive_agreement"]) == 1.0
    assert value(labels["ac1"]) == 1.0
    assert labels["negative_agreement"]["why"] == "No reader said no, so there is nothing to agree on."
    for name in ("cohen_kappa", "fleiss_kappa", "alpha", "alpha_of_verdicts"):
        assert labels[name]["value"] is None
        assert labels[name]["why"] == (
            "One answer throughout: there is no variation that chance could be taken from."
        )


def test_lines_that_are_not_known_are_said():
    rows = [addition("c1", "A", "Z66", 1), addition("c1", "B", "Z66", 1)]
    evidence = agreement(rows)["overall"]["evidence"]
    assert value(evidence["line_f1"]) == 1.0
    assert evidence["alpha_of_lines"]["why"] == "The number of lines of the charts is not known."


def test_one_patient_gives_figures_without_intervals():
    rows = [label(f"c{n}", reader, "I10", patient="p") for n in range(4) for reader in "AB"]
    figure = agreement(rows)["overall"]["labels"]["observed_agreement"]
    assert (figure["value"], figure["low"], figure["high"]) == (1.0, None, None)
    assert figure["interval_why"] == "Undefined: needs at least two patients."
    assert figure["interval_note"] == ""


def test_a_figure_over_one_of_many_patients_has_no_interval_either():
    rows = verdicts_of_labels(10, 2, 2, 2)
    # One patient alone has codes that both added.
    rows += [addition("c000", reader, "Z66", 1, 2, patient="c000") for reader in "AB"]
    figures = agreement(rows)["overall"]
    assert figures["labels"]["observed_agreement"]["low"] is not None
    line_f1 = figures["evidence"]["line_f1"]
    assert (line_f1["value"], line_f1["low"]) == (1.0, None)
    assert line_f1["interval_why"] == "Undefined: needs at least two patients."


@pytest.mark.parametrize(("patients", "note"), [(2, "only 2 patients"), (4, "only 4 patients"), (5, "")])
def test_an_interval_of_few_patients_says_so(patients, note):
    rows = [
        label(f"c{n}", reader, code, patient=f"p{n}")
        for n in range(patients)
        for reader in "AB"
        for code in ("I10", "E11.9")
    ]
    figure = agreement(rows)["overall"]["labels"]["observed_agreement"]
    assert (figure["value"], figure["low"], figure["high"]) == (1.0, 1.0, 1.0)
    assert figure["interval_note"] == note


def test_chapter_and_domain_are_those_of_each_charts_release():
    """R65 moved from chapter A to chapter B; in the new release it lies in a domain too."""
    rows = [
        label(f"{release}{n}", reader, "R65", domains=domains, release=release)
        for release, domains in (("old", frozenset()), ("new", frozenset({"frailty"})))
        for n in range(3 if release == "old" else 2)
        for reader in "AB"
    ]
    rows += [label("new0", reader, "Z66", NO, release="new") for reader in "AB"]

    def chapter_of(system, code, release):
        return "A" if (code, release) == ("R65", "old") else "B"

    report = agreement(rows, chapter_of=chapter_of, domains_of=lambda *key: ())
    counted = {name: group["labels"]["pairs"] for name, group in report["by_chapter"].items()}
    assert counted == {"A": 3, "B": 3}
    # Cells: the old charts have R65 in A alone, and Z66 in B; both charts of the new release have both codes in B.
    cells = {name: group["codes"]["positive_agreement"]["n"] for name, group in report["by_chapter"].items()}
    assert cells == {"A": 3, "B": 3 * 1 + 2 * 2}
    frail = report["by_domain"]["frailty"]
    assert (frail["labels"]["pairs"], frail["codes"]["positive_agreement"]["n"]) == (2, 2)
    assert report["overall"]["codes"]["positive_agreement"]["n"] == 5 * 2


def test_an_interval_that_few_resamples_carry_is_not_given():
    figure = agreement(verdicts_of_labels(9, 0, 0, 1))["overall"]["labels"]["cohen_kappa"]
    assert (figure["value"], figure["low"]) == (1.0, None)
    undefined = int(figure["interval_why"].removeprefix("Undefined in ").removesuffix(" of 200 resamples."))
    # No draw of ten holds the one rejection with chance .9^10, every draw is it with almost none.
    assert undefined / 200 == pytest.approx(0.9**10, abs=0.12)


def test_a_code_rejected_as_shown_and_added_anew_is_given():
    rows = [
        label("c1", "A", "I10", NO),
        addition("c1", "A", "I10", 4),
        label("c1", "B", "I10", YES),
        *(label("c2", reader, "I10", NO) for reader in "AB"),
    ]
    assert value(agreement(rows)["overall"]["codes"]["cohen_kappa"]) == 1.0


def test_the_summary_has_no_row_for_each_code_and_six_decimals():
    report = agreement(verdicts_of_labels(80, 10, 5, 5))
    kept = summary(report)
    assert "per_code" not in kept
    assert list(kept["by_pair"]["A · B"]) == ["labels", "codes", "additions", "evidence", "sets"]
    assert kept["overall"]["labels"]["cohen_kappa"]["value"] == 0.318182
    assert report["overall"]["labels"]["cohen_kappa"]["value"] == pytest.approx(7 / 22, abs=1e-12)
    assert len(report["per_code"]) == len(report["by_pair"]["A · B"]["per_code"]) == 1


def test_the_summary_has_no_negative_zero():
    """Readers at chance: the database would give 0.0 back, and the manifest's hash would not verify."""
    kept = summary({"per_code": [], "by_pair": {}, "overall": {"value": -0.0, "low": -1e-9}})
    assert [str(figure) for figure in kept["overall"].values()] == ["0.0", "0.0"]
