"""Rows of made-up studies: by hand, and drawn at random with a seed."""

import random

from modelops.evaluation.agreement import Judged

YES, NO, DOUBT = "approve", "reject", "undecidable"


def label(chart, reader, code, verdict=YES, **more):
    return Judged(chart, more.pop("patient", chart), reader, code, verdict, "label", **more)


def addition(chart, reader, code, *lines, **more):
    evidence = frozenset(("d1", line) for line in lines)
    return Judged(chart, more.pop("patient", chart), reader, code, YES, "addition", evidence=evidence, **more)


def seeded(chart, reader, code, verdict, kind="sibling", **more):
    return Judged(
        chart, more.pop("patient", chart), reader, code, verdict, "seeded", seeded_kind=kind, **more
    )


def empty(chart, reader, **more):
    return Judged(chart, more.pop("patient", chart), reader, "", YES, "none", **more)


def verdicts_of_labels(both_yes, first_only, second_only, both_no, first="A", second="B"):
    """One label a chart, one chart a patient."""
    answers = (
        [(YES, YES)] * both_yes + [(YES, NO)] * first_only + [(NO, YES)] * second_only + [(NO, NO)] * both_no
    )
    return [
        label(f"c{number:03}", reader, "I10", verdict)
        for number, pair in enumerate(answers)
        for reader, verdict in zip((first, second), pair, strict=True)
    ]


def drawn_study(
    seed,
    charts=40,
    readers=("A", "B"),
    codes=60,
    shown=8,
    missing=0.0,
    charts_a_patient=2,
    kind="independent",
):
    """Labels judged with all five verdicts and codes added with lines; low codes are the common ones."""
    chance = random.Random(seed)
    names = [f"{'EIJKMNRSZ'[n % 9]}{n % 90 + 10}.{n % 10}" for n in range(codes)]
    domains = [frozenset({("frailty", "sdoh")[n % 2]}) if n % 5 == 0 else frozenset() for n in range(codes)]
    if codes > 10:
        domains[10] = frozenset({"frailty", "sdoh"})

    def draw(count):
        return {int(codes * chance.random() ** 2) for _ in range(count)}

    rows = []
    for chart in range(charts):
        labels, missed = draw(shown), draw(4)
        hard = {number: chance.random() for number in labels | missed}
        for reader in readers:
            if chance.random() < missing:
                continue
            common = {"patient": f"p{chart // charts_a_patient}", "kind": kind}
            before = len(rows)
            for number in sorted(labels):
                verdict = chance.choices(
                    ("approve", "approve_evidence_wrong", "approve_more_specific", "reject", "undecidable"),
                    (12, 2, 2, 8 * hard[number], 1),
                )[0]
                rows.append(
                    label(f"c{chart:05}", reader, names[number], verdict, domains=domains[number], **common)
                )
            for number in sorted(missed - labels):
                if chance.random() < 0.7:
                    start = 1 + number % 20
                    rows.append(
                        addition(
                            f"c{chart:05}", reader, names[number],
                            *range(start, start + chance.randint(1, 4)), domains=domains[number], **common,
                        )
                    )  # fmt: skip
            if len(rows) == before:
                rows.append(empty(f"c{chart:05}", reader, **common))
    return rows
