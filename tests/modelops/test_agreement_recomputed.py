"""The same figures by other means: scikit-learn, krippendorff, nltk, and loops written out."""

from collections import Counter, defaultdict
from itertools import combinations

import krippendorff
import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import masi_distance
from sklearn.metrics import cohen_kappa_score, f1_score

from modelops.evaluation.agreement import agreement, code_sets
from modelops.evaluation.agreement.pairs import APPROVED
from modelops.evaluation.agreement.resampling import Resamples
from tests.modelops.agreement_rows import drawn_study

TWO = drawn_study(1)
THREE = drawn_study(2, readers=("A", "B", "C"), missing=0.25)
ANSWER = {"approve": 1, "approve_evidence_wrong": 1, "approve_more_specific": 1, "reject": 0}
close = pytest.approx


def shown_words(rows):
    """Item to reader to verdict, of shown labels."""
    found = defaultdict(dict)
    for row in rows:
        if row.source == "label":
            found[row.chart, row.code][row.reader] = row.verdict
    return found


def readers_of_charts(rows):
    found = defaultdict(set)
    for row in rows:
        found[row.chart].add(row.reader)
    return {chart: sorted(readers) for chart, readers in found.items() if len(readers) > 1}


def by_cell(rows):
    return {(row.chart, row.reader, row.code): ANSWER.get(row.verdict) for row in rows if row.code}


def test_labels_of_two_readers():
    words = [word for word in shown_words(TWO).values() if len(word) == 2]
    pairs = [(ANSWER[w["A"]], ANSWER[w["B"]]) for w in words if w["A"] in ANSWER and w["B"] in ANSWER]
    first, second = zip(*pairs, strict=True)
    labels = agreement(TWO)["overall"]["labels"]
    assert labels["pairs"] == len(pairs)
    assert labels["cohen_kappa"]["value"] == close(cohen_kappa_score(first, second), abs=1e-9)
    assert labels["positive_agreement"]["value"] == close(f1_score(first, second), abs=1e-9)
    assert labels["negative_agreement"]["value"] == close(f1_score(first, second, pos_label=0), abs=1e-9)
    assert labels["alpha"]["value"] == close(
        krippendorff.alpha([first, second], level_of_measurement="nominal"), abs=1e-9
    )
    verdicts = [[w[reader] for w in words] for reader in "AB"]
    assert labels["alpha_of_verdicts"]["value"] == close(
        krippendorff.alpha(np.array(verdicts), level_of_measurement="nominal"), abs=1e-9
    )


def test_labels_of_three_readers_some_missing():
    items = {
        item: {reader: ANSWER[verdict] for reader, verdict in word.items() if verdict in ANSWER}
        for item, word in shown_words(THREE).items()
    }
    items = {item: word for item, word in items.items() if len(word) > 1}
    assert {len(word) for word in items.values()} == {2, 3}
    labels = agreement(THREE)["overall"]["labels"]
    matrix = [[word.get(reader, np.nan) for word in items.values()] for reader in "ABC"]
    assert labels["alpha"]["value"] == close(
        krippendorff.alpha(matrix, level_of_measurement="nominal"), abs=1e-9
    )
    # Gwet 2008 and Fleiss 1971 item by item.
    same = np.mean([np.mean([a == b for a, b in combinations(word.values(), 2)]) for word in items.values()])
    yes = np.mean([np.mean(list(word.values())) for word in items.values()])
    chance = 2 * yes * (1 - yes)
    assert labels["ac1"]["value"] == close((same - chance) / (1 - chance), abs=1e-9)
    chance = yes**2 + (1 - yes) ** 2
    assert labels["fleiss_kappa"]["value"] == close((same - chance) / (1 - chance), abs=1e-9)
    yes_pairs = sum(2 * a * b for word in items.values() for a, b in combinations(word.values(), 2))
    yes_chances = sum(sum(word.values()) * (len(word) - 1) for word in items.values())
    assert labels["positive_agreement"]["value"] == close(yes_pairs / yes_chances, abs=1e-9)


def test_fleiss_of_complete_readings_is_nltks_pi():
    rows = drawn_study(3, readers=("A", "B", "C"))
    complete = {
        item: word
        for item, word in shown_words(rows).items()
        if len(word) == 3 and all(verdict in ANSWER for verdict in word.values())
    }
    kept = [row for row in rows if (row.chart, row.code) in complete]
    task = AnnotationTask(
        [
            (reader, item, ANSWER[verdict])
            for item, word in complete.items()
            for reader, verdict in word.items()
        ]
    )
    assert agreement(kept)["overall"]["labels"]["fleiss_kappa"]["value"] == close(task.pi(), abs=1e-9)


def test_kappa_over_the_universe_of_codes_and_charts():
    codes, cells = sorted({row.code for row in TWO if row.code}), by_cell(TWO)
    charts = readers_of_charts(TWO)
    report = agreement(TWO)
    found = {row["code"]: row for row in report["per_code"]}
    everything = [[], []]
    for code in codes:
        pairs = [(cells.get((c, "A", code), 0), cells.get((c, "B", code), 0)) for c in charts]
        pairs = [pair for pair in pairs if None not in pair]
        first, second = zip(*pairs, strict=True)
        everything[0].extend(first)
        everything[1].extend(second)
        figure = found[code]["cohen_kappa"]
        if len(set(first) | set(second)) == 1:
            assert figure["value"] is None
        else:
            assert figure["value"] == close(cohen_kappa_score(first, second), abs=1e-9)
    assert set(found) == set(codes)
    assert report["overall"]["codes"]["cohen_kappa"]["value"] == close(
        cohen_kappa_score(*everything), abs=1e-9
    )


def test_fleiss_over_the_universe_of_three_readers():
    codes, cells = sorted({row.code for row in THREE if row.code}), by_cell(THREE)
    shown = {(row.chart, row.code) for row in THREE if row.source == "label"}
    same, yes, by_code = [], [], defaultdict(list)
    for chart, readers in readers_of_charts(THREE).items():
        for code in codes:
            absent = None if (chart, code) in shown else 0
            answers = [cells.get((chart, reader, code), absent) for reader in readers]
            answers = [answer for answer in answers if answer is not None]
            if len(answers) > 1:
                same.append(np.mean([a == b for a, b in combinations(answers, 2)]))
                yes.append(np.mean(answers))
                by_code[code].append((same[-1], yes[-1]))

    def fleiss(pairs):
        observed, share = np.mean(pairs, axis=0)
        chance = share**2 + (1 - share) ** 2
        return (observed - chance) / (1 - chance)

    report = agreement(THREE)
    assert report["overall"]["codes"]["fleiss_kappa"]["value"] == close(
        fleiss(list(zip(same, yes, strict=True))), abs=1e-9
    )
    found = {row["code"]: row["fleiss_kappa"]["value"] for row in report["per_code"]}
    for code, value in found.items():
        if value is not None:
            assert value == close(fleiss(by_code[code]), abs=1e-9)
    assert sum(value is not None for value in found.values()) > 40


def test_additions_and_lines_of_every_pair():
    added = defaultdict(dict)
    for row in THREE:
        if row.source == "addition":
            added[row.chart, row.reader][row.code] = row.evidence
    counts, lines, units = Counter(), Counter(), [[], []]
    for chart, readers in readers_of_charts(THREE).items():
        for a, b in combinations(readers, 2):
            mine, theirs = added.get((chart, a), {}), added.get((chart, b), {})
            counts.update(both=len(mine.keys() & theirs.keys()), all=len(mine) + len(theirs))
            for code in mine.keys() & theirs.keys():
                lines.update(both=len(mine[code] & theirs[code]), all=len(mine[code]) + len(theirs[code]))
                units[0] += [("d1", line) in mine[code] for line in range(1, 31)]
                units[1] += [("d1", line) in theirs[code] for line in range(1, 31)]
    report = agreement(THREE, lines_of=dict.fromkeys(readers_of_charts(THREE), 30))["overall"]
    assert report["additions"]["f1"]["value"] == close(2 * counts["both"] / counts["all"], abs=1e-9)
    assert report["evidence"]["line_f1"]["value"] == close(2 * lines["both"] / lines["all"], abs=1e-9)
    alpha = krippendorff.alpha(np.array(units, dtype=float), level_of_measurement="nominal")
    assert report["evidence"]["alpha_of_lines"]["value"] == close(alpha, abs=1e-9)


def code_sets_of(rows):
    """Chart to reader to the codes given; codes in doubt with one reader leave all."""
    found, doubtful = defaultdict(lambda: defaultdict(set)), defaultdict(set)
    for row in rows:
        found[row.chart][row.reader] |= {row.code} if row.code and row.verdict in APPROVED else set()
        if row.verdict == "undecidable":
            doubtful[row.chart].add(row.code)
    return {
        chart: {reader: frozenset(codes - doubtful[chart]) for reader, codes in readers.items()}
        for chart, readers in found.items()
        if len(readers) > 1
    }


@pytest.mark.parametrize("readers", [("A", "B"), ("A", "B", "C")])
def test_masi_alpha_is_nltks_on_200_charts(readers):
    rows = drawn_study(4, charts=200, readers=readers, codes=80)
    sets = code_sets_of(rows)
    assert all(codes for chart in sets.values() for codes in chart.values())
    task = AnnotationTask(
        [(reader, chart, codes) for chart, given in sets.items() for reader, codes in given.items()],
        distance=masi_distance,
    )
    report = agreement(rows)["overall"]["sets"]
    assert report["charts"] == 200
    assert report["masi_alpha"]["value"] == close(task.alpha(), abs=1e-9)


def test_intervals_are_those_of_resampled_rows():
    """Draw by draw the patients' rows are copied out, and the figures taken anew from the copies."""
    rows = drawn_study(5, charts=14, codes=25)
    patients = list(dict.fromkeys(row.patient for row in sorted(rows, key=lambda row: row.chart)))
    weights = Resamples(len(patients), 40, 7).weights
    assert (weights.sum(1) == len(patients)).all()
    drawn = defaultdict(list)
    for draw in weights:
        copies = [
            (copy, row)
            for patient, times in zip(patients, draw, strict=True)
            for copy in range(int(times))
            for row in rows
            if row.patient == patient
        ]
        renamed = [
            type(row)(f"{row.chart}/{copy}", row.patient, row.reader, row.code, row.verdict, row.source)
            for copy, row in copies
        ]
        overall = agreement(renamed, resamples=1)["overall"]
        drawn["ac1"].append(overall["labels"]["ac1"]["value"])
        drawn["alpha"].append(overall["labels"]["alpha"]["value"])
        drawn["f1"].append(overall["additions"]["f1"]["value"])
        drawn["masi"].append(overall["sets"]["masi_alpha"]["value"])
    overall = agreement(rows, resamples=40, seed=7)["overall"]
    for figure, values in (
        (overall["labels"]["ac1"], drawn["ac1"]),
        (overall["labels"]["alpha"], drawn["alpha"]),
        (overall["additions"]["f1"], drawn["f1"]),
        (overall["sets"]["masi_alpha"], drawn["masi"]),
    ):
        assert (figure["low"], figure["high"]) == close(tuple(np.percentile(values, (2.5, 97.5))), abs=1e-9)


def test_sets_beyond_the_full_count_have_nearly_the_same_interval(monkeypatch):
    rows = drawn_study(6, charts=300, codes=80)
    full = agreement(rows)["overall"]["sets"]["masi_alpha"]
    monkeypatch.setattr(code_sets, "COUNTED_IN_FULL", 0)
    first_order = agreement(rows)["overall"]["sets"]["masi_alpha"]
    assert first_order["value"] == close(full["value"], abs=1e-12)
    assert (first_order["low"], first_order["high"]) == close((full["low"], full["high"]), abs=0.003)
    assert full["low"] < full["value"] < full["high"]
