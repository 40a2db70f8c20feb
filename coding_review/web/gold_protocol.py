"""The protocol of a gold project in words, as readers are shown it before it opens. Pure: settings in, text out."""

from __future__ import annotations

from collections.abc import Sequence

from coding_review.choices import Domain, GoldMode, LabelSource
from coding_review.models import GoldProject
from coding_review.rules.gold_presets import WARNINGS
from coding_review.web.gold_project_page import Fact
from coding_review.web.words import count

_MODES: dict[str, str] = {
    GoldMode.APPROVE_ONLY: (
        "Each label is approved or rejected from the text alone. Codes that the labels miss are not added."
    ),
    GoldMode.APPROVE_AND_ADD: (
        "Each label is approved or rejected from the text alone; a code that the labels miss is added with the "
        "words that support it."
    ),
    GoldMode.BLIND: "No label is shown. Each chart is coded from its text, each code with the words that support it.",
}
MODE_LINES: dict[str, str] = {
    GoldMode.APPROVE_ONLY: "Judge each label from the text alone. This protocol adds no codes.",
    GoldMode.APPROVE_AND_ADD: "Judge each label from the text alone, then add what is missing.",
    GoldMode.BLIND: "Code from the text: select the words, then add the code.",
}


def percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def domain_words(domains: Sequence[str]) -> str:
    return ", ".join(Domain(d).label.lower() for d in domains) or "all"


def protocol(project: GoldProject) -> tuple[str, ...]:
    """Paragraphs in the order of a study's methods: what is read, how, by whom, what is checked, what follows."""
    return tuple(
        paragraph
        for paragraph in (
            _labels(project),
            _MODES[project.mode],
            "A rejection carries a coded reason. A label that cannot be decided from the documents says that "
            "its provider would be queried; it counts neither way."
            if project.mode != GoldMode.BLIND
            else "",
            _readings(project),
            _repeats(project),
            _qualification(project),
            _seeded(project),
            f"The guideline is {project.codebook.name}, version {project.codebook.version}.",
            "A third person who read none of the charts rules on every conflict, every code that one reader alone "
            "lists, and one in ten of the codes on which readers agree. Readers stay anonymous, see afterwards where "
            "they were overruled, and may answer once. What stands is frozen and no longer changes."
            if project.readings_per_chart > 1 or project.double_share
            else "What stands when every chart is read is frozen and no longer changes.",
        )
        if paragraph
    )


def _labels(project: GoldProject) -> str:
    domains = f"Domains: {domain_words(project.domains)}."
    if project.label_source == LabelSource.NONE:
        return domains
    origin = f" ({project.label_origin})" if project.label_origin else ""
    shown = [
        word
        for word, on in (
            ("their confidence", project.show_confidence),
            ("their rationale", project.show_rationale),
            ("the other reading", project.show_other_reading),
        )
        if on
    ]
    told = f"Readers see {' and '.join(shown)}." if shown else "Neither confidence nor rationale is shown."
    return f"The labels are {LabelSource(project.label_source).label.lower()}{origin}. {domains} {told}"


def _readings(project: GoldProject) -> str:
    if project.readings_per_chart > 1:
        mixed = ", one by a credentialed coder and one by a clinician" if project.mixed_readers else ""
        each = f"Each chart has {count(project.readings_per_chart, 'reading')}{mixed}."
    elif project.double_share:
        each = f"Each chart is read once, {percent(project.double_share)} of them by two people."
    else:
        each = "Each chart is read once."
    blind = "" if project.show_other_reading else " Nobody sees another's reading before adjudication."
    return each + blind


def _repeats(project: GoldProject) -> str:
    if not project.repeat_share:
        return ""
    return (
        f"{percent(project.repeat_share)} of the charts come back to their reader after "
        f"{count(project.repeat_after_days, 'day')}, to measure how far a reader agrees with themselves."
    )


def _qualification(project: GoldProject) -> str:
    if project.qualification_threshold is None:
        return ""
    return (
        "A reader counts once their qualification charts agree with the key: "
        f"F1 of {project.qualification_threshold:.2f} or more."
    )


def _seeded(project: GoldProject) -> str:
    if not project.seeded_share:
        return ""
    return (
        f"Up to {percent(project.seeded_share)} of the labels are deliberately wrong, to measure how far a label "
        "shown is simply believed. They count neither for agreement nor for pace nor for the gold set, are never put "
        "where a bill may come of it, and are disclosed when the study ends."
    )


def warnings(project: GoldProject) -> tuple[str, ...]:
    """What the project's report has to warn of, told from the beginning."""
    return tuple(text for text in (WARNINGS[project.mode],) if text)


def facts(project: GoldProject) -> tuple[Fact, ...]:
    """The protocol at a glance."""
    readings = str(project.readings_per_chart)
    if project.readings_per_chart == 1 and project.double_share:
        readings = f"1, {percent(project.double_share)} twice"
    shown = [
        word
        for word, on in (
            ("confidence", project.show_confidence),
            ("rationale", project.show_rationale),
            ("other reading", project.show_other_reading),
        )
        if on
    ]
    threshold = project.qualification_threshold
    rows = (
        ("Mode", project.get_mode_display()),
        ("Labels", project.label_origin or project.get_label_source_display()),
        ("Domains", domain_words(project.domains)),
        ("Readings a chart", readings),
        ("Coder and clinician", "yes" if project.mixed_readers else "no"),
        ("Readers also see", ", ".join(shown) or "nothing but text and labels"),
        (
            "Repeats",
            f"{percent(project.repeat_share)} after {count(project.repeat_after_days, 'day')}"
            if project.repeat_share
            else "none",
        ),
        ("Seeded checks", f"up to {percent(project.seeded_share)}" if project.seeded_share else "none"),
        ("Qualification", f"F1 {threshold:.2f}" if threshold is not None else "none"),
        ("Guideline", f"{project.codebook.name}, version {project.codebook.version}"),
        ("Seed", str(project.seed)),
    )
    return tuple(Fact(label, value) for label, value in rows)
