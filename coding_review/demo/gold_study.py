"""A small finished gold study of the demo: two readers and an adjudicator, played through the real actions.

What the readers say follows the codes that a certified coder is expected to reach (`expected.json`), with slips and
differences of opinion drawn by a fixed seed: enough for conflicts, one-sided additions and figures to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from django.contrib.auth.models import User
from django.db import transaction

from catalog.choices import CodeSystem
from coding_review.actions.add_code import Selection
from coding_review.actions.gold_adjudication import (
    finish_adjudication,
    reply_to_ruling,
    rule_on_code,
    start_adjudication,
)
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_checks import seed_gold_checks
from coding_review.actions.gold_freeze import freeze_gold_set
from coding_review.actions.gold_judging import add_gold_code, finish_gold_reading, judge_label
from coding_review.actions.gold_project import (
    add_codebook_version,
    add_gold_reader,
    close_gold_reading,
    create_gold_project,
    open_gold_project,
)
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.choices import (
    GoldChartPurpose,
    GoldLabelStatus,
    GoldReadingKind,
    GoldSetPurpose,
    GoldVerdict,
    LabelSource,
    Profession,
    Ruling,
    RunStatus,
)
from coding_review.demo.encounters import DemoEncounter, ExpectedCode, demo_encounters
from coding_review.demo.gold_key import signed_as_expected
from coding_review.errors import NothingToDo
from coding_review.gold.population import ChartFilters
from coding_review.gold.queries import charts_to_adjudicate, items_to_adjudicate, overrulings_for
from coding_review.gold.stances import Placed
from coding_review.models import (
    GoldChart,
    GoldLabel,
    GoldProject,
    GoldReading,
    GoldSet,
    PredictionRun,
)
from coding_review.prediction import predict_run
from coding_review.rules.gold_presets import MAX_SEEDED_SHARE, Protocol
from coding_review.rules.gold_steps import RULED, drawn

NAME = "Demo study"
# The engine whose suggestions are judged. Only this one answers at once and without a server.
ENGINE = "embedded"
SEED = 20260401
# All of these are open to both readers and the adjudicator of the demo.
CHARTS = (
    "demo-01-inpatient-stay",
    "demo-02-emergency-visit",
    "demo-07-geriatric-frailty",
    "demo-08-advanced-illness",
    "demo-09-social-work",
    "demo-11-emoji-long-lines",
    "demo-14-cardiology-clinic",
)
# Both readers show on it that they read as the key does. A coder who reads no chart of the study signs it.
QUALIFICATION, _SIGNER = "demo-13-clean-visit", "coder2"
_QUALIFIED_FROM = 0.8
_CODEBOOK = """Approve a code that a provider of this encounter documents and that meets the reporting definition.
Approve with wrong evidence where the code is right and the lines shown do not support it.
Approve as less specific than possible where the note supports a longer code.
Reject with the reason: negated, of a relative, resolved before the encounter, or not documented by a provider.
Cannot be decided: where a provider would have to be asked.
Add every code that is missing, with the lines that support it."""
# The kinds of trap in expected.json to the reasons of a rejection; others are "does not meet the definition".
_REASONS = {
    "negated": "negated",
    "ruled out": "negated",
    "family": "family_history",
    "historical": "historical",
    "resolved": "historical",
    "other person": "other_person",
    "integral symptom": "integral_symptom",
    "uncertain on an outpatient claim": "outpatient_uncertain",
    "differential": "outpatient_uncertain",
    "conflict": "conflicting_documentation",
    "finding without a diagnosis": "finding_without_diagnosis",
    "finding of the exam": "finding_without_diagnosis",
    "pathology only": "author_not_permitted",
}


@dataclass(frozen=True, slots=True)
class _Script:
    """What is true of one chart, by code: no two systems share one."""

    expected: dict[str, ExpectedCode] = field(default_factory=dict)
    traps: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, demo: DemoEncounter, claim_type: str) -> _Script:
        codes = next(one.codes for one in demo.expected if one.claim_type == claim_type)
        return cls(
            {code.code: code for code in codes},
            {trap.code: trap.kind for trap in demo.traps},
        )

    def placed(self, code: str) -> Placed:
        """As the certified coder has it."""
        one = self.expected.get(code)
        if one is None or one.status != "expected" or one.system != CodeSystem.ICD10CM:
            return Placed()
        return Placed(one.role, one.poa, list(self.expected).index(code) + 1)

    def status(self, code: str) -> str:
        return self.expected[code].status if code in self.expected else ""


@dataclass(frozen=True, slots=True)
class _Reader:
    """`username` of the demo's people. The shares are how often this reader slips or differs."""

    username: str
    profession: str
    approves_wrong: float
    evidence_wrong: float
    more_specific: float
    misses: float
    optional: str


_READERS = (
    _Reader("coder", Profession.CODER, 0.10, 0.08, 0.04, 0.10, GoldVerdict.APPROVE),
    _Reader("expert", Profession.CLINICIAN, 0.25, 0.02, 0.12, 0.35, GoldVerdict.REJECT),
)


def ensure_gold_study() -> GoldSet | None:
    """The frozen set of the study; played now if it is not there. None where the demo's people or the embedded
    engine's suggestions on its charts are not there."""
    found = GoldSet.objects.filter(project__name=NAME).first()
    if found is not None:
        return found
    demos = {demo.delivery.source_id: demo for demo in demo_encounters()}
    chosen = {source: demos[source] for source in (*CHARTS, QUALIFICATION)}
    people = {one.username: one for one in User.objects.filter(username__in=_people())}
    if len(people) < len(_people()) or not _predicted(list(chosen)):
        return None
    # All of it or nothing: a start that was broken off leaves no half of a study.
    with transaction.atomic():
        return _play(people, chosen)


def _predicted(sources: list[str]) -> bool:
    """Whether every chart has the engine's suggestions. What still waits is done here; its worker finds it done."""
    runs = PredictionRun.objects.filter(code_set__encounter__source_id__in=sources, engine=ENGINE)
    for pk in runs.order_by("pk").values_list("pk", flat=True):
        predict_run(pk)
    done = runs.filter(status=RunStatus.DONE).values("code_set__encounter__source_id").distinct()
    return done.count() == len(sources)


def _people() -> tuple[str, ...]:
    return ("lead", "adjudicator", _SIGNER, *(reader.username for reader in _READERS))


def _play(people: dict[str, User], demos: dict[str, DemoEncounter]) -> GoldSet:
    lead, adjudicator = people["lead"], people["adjudicator"]
    codebook = add_codebook_version(lead, name=NAME, text=_CODEBOOK)
    project = create_gold_project(
        lead,
        name=NAME,
        protocol=Protocol(
            readings_per_chart=2,
            double_share=1.0,
            # A study waits for days; a demo is a minute old, and has its repeats at once.
            repeat_share=0.25,
            repeat_after_days=0,
            seeded_share=MAX_SEEDED_SHARE,
            qualification_threshold=_QUALIFIED_FROM,
            label_source=LabelSource.ENGINE,
        ),
        codebook_id=codebook.pk,
        label_origin=ENGINE,
        seed=SEED,
    )
    for reader in _READERS:
        user = people[reader.username]
        add_gold_reader(lead, project.pk, user_id=user.pk, profession=reader.profession)
    sample_gold_charts(
        lead,
        project.pk,
        size=len(CHARTS),
        filters=ChartFilters(source_ids=CHARTS, synthetic_only=True),
        stratify_by=("setting",),
    )
    signed_as_expected(people[_SIGNER], demos[QUALIFICATION])
    sample_gold_charts(
        lead,
        project.pk,
        size=1,
        filters=ChartFilters(source_ids=(QUALIFICATION,)),
        purpose=GoldChartPurpose.QUALIFICATION,
    )
    seed_gold_checks(lead, project.pk)
    open_gold_project(lead, project.pk)
    scripts = {chart.pk: script for chart, script in _scripts(project, demos)}
    for reader in _READERS:
        _read_all(people[reader.username], reader, project, scripts)
    close_gold_reading(lead, project.pk)
    _adjudicate(adjudicator, project, scripts)
    _answer(people["expert"], project)
    return freeze_gold_set(adjudicator, project.pk, purpose=GoldSetPurpose.EVALUATION)


def _scripts(project: GoldProject, demos: dict[str, DemoEncounter]) -> Iterator[tuple[GoldChart, _Script]]:
    for chart in GoldChart.objects.filter(project=project).select_related("code_set__encounter"):
        demo = demos[chart.code_set.encounter.source_id]
        yield chart, _Script.of(demo, chart.code_set.claim_type)


def _read_all(user: User, reader: _Reader, project: GoldProject, scripts: dict[int, _Script]) -> None:
    while True:
        try:
            reading = next_gold_chart(user, project.pk)
        except NothingToDo:
            return
        script = scripts[reading.chart_id]
        this = _with_care(reader) if reading.chart.purpose == GoldChartPurpose.QUALIFICATION else reader
        shown = set()
        for label in GoldLabel.objects.filter(chart=reading.chart_id).order_by("rank", "pk"):
            shown.add(label.code)
            verdict, reason = _verdict(this, script, label, _again(reading))
            judge_label(user, reading.pk, label.pk, verdict=verdict, reason=reason, seen_number=0)
        _add(user, this, reading, script, shown)
        finish_gold_reading(user, reading.pk)


def _with_care(reader: _Reader) -> _Reader:
    """Without a slip: whichever codes the engine suggests on a qualification chart, its reader passes."""
    return replace(
        reader,
        approves_wrong=0.0,
        evidence_wrong=0.0,
        more_specific=0.0,
        misses=0.0,
        optional=GoldVerdict.REJECT,
    )


def _again(reading: GoldReading) -> str:
    """Slips of a repeat are other slips."""
    return "again:" if reading.kind == GoldReadingKind.REPEAT else ""


def _verdict(reader: _Reader, script: _Script, label: GoldLabel, again: str) -> tuple[str, str]:
    place = f"{again}{reader.username}:{label.chart.code_set.encounter.source_id}:{label.code}"
    status = script.status(label.code)
    if status == "expected":
        if drawn(SEED, f"evidence:{place}", reader.evidence_wrong):
            return GoldVerdict.EVIDENCE_WRONG, ""
        specific = drawn(SEED, f"specific:{place}", reader.more_specific)
        return (GoldVerdict.MORE_SPECIFIC if specific else GoldVerdict.APPROVE), ""
    if status == "query":
        return GoldVerdict.UNDECIDABLE, ""
    wrong = status != "optional"
    if (wrong and drawn(SEED, f"wrong:{place}", reader.approves_wrong)) or (
        not wrong and reader.optional == GoldVerdict.APPROVE
    ):
        return GoldVerdict.APPROVE, ""
    return GoldVerdict.REJECT, _REASONS.get(script.traps.get(label.code, ""), "not_reportable")


def _add(user: User, reader: _Reader, reading: GoldReading, script: _Script, shown: set[str]) -> None:
    versions = {version.document.source_id: version.pk for version in reading.chart.documents.all()}
    for code, expected in script.expected.items():
        place = (
            f"{_again(reading)}missed:{reader.username}:{reading.chart.code_set.encounter.source_id}:{code}"
        )
        if code in shown or expected.system != "icd10cm" or expected.status != "expected":
            continue
        if drawn(SEED, place, reader.misses):
            continue
        cited = [
            Selection(versions[one.document_id], one.line, one.line)
            for one in expected.evidence
            if one.document_id in versions
        ]
        # The clinician cites the first place, the coder all of them.
        selections = tuple(cited if reader.profession == Profession.CODER else cited[:1])
        if selections:
            add_gold_code(user, reading.pk, code=code, selections=selections)


def _adjudicate(user: User, project: GoldProject, scripts: dict[int, _Script]) -> None:
    for chart in charts_to_adjudicate(project).select_related("project"):
        begun = start_adjudication(user, chart.pk)
        for item in items_to_adjudicate(chart):
            script = scripts[chart.pk]
            ruling = _ruling(script.status(item.code))
            if item.needs_ruling or item.status == GoldLabelStatus.ACCEPTED == RULED[ruling]:
                rule_on_code(
                    user,
                    begun.pk,
                    system=item.system,
                    code=item.code,
                    ruling=ruling,
                    placed=script.placed(item.code),
                    seen_number=0,
                )
        finish_adjudication(user, begun.pk)


def _ruling(status: str) -> str:
    if status == "query":
        return Ruling.UNDECIDABLE
    return Ruling.KEEP if status else Ruling.OUT


def _answer(user: User, project: GoldProject) -> None:
    """One of the readers answers the first ruling that went against them."""
    project.refresh_from_db()
    against = next(iter(overrulings_for(user, project)), None)
    if against is not None:
        reply_to_ruling(user, against.ruling_id, "Agreed. I had not looked at the other documents.")
