"""Setting a gold project up: protocol, draws, imported labels, seeded checks; and what the audit log proves of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from catalog.choices import TableKind
from catalog.models import Release, TableEdition, ValueSetEntry
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_checks import seed_gold_checks
from coding_review.actions.gold_freeze import freeze_gold_set
from coding_review.actions.gold_judging import add_gold_code, judge_label
from coding_review.actions.gold_labels import label_gold_charts
from coding_review.actions.gold_project import (
    add_codebook_version,
    add_gold_reader,
    create_gold_project,
    open_gold_project,
    set_codebook,
)
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.audit import purge_payload
from coding_review.audit_gold import verify_gold
from coding_review.errors import InvalidDecision, InvalidImport, InvalidProtocol, NotAllowed, WrongStatus
from coding_review.gold.population import ChartFilters
from coding_review.gold.queries import items_to_adjudicate, labels_shown
from coding_review.gold.seeds import seeds_for
from coding_review.models import (
    AuditEvent,
    Codebook,
    ContextMention,
    GoldChart,
    GoldJudgementWords,
    GoldLabel,
    GoldProject,
    PredictionRun,
)
from coding_review.rules.gold_presets import PRESETS, Protocol
from tests.coding_review.entries import CKD, DM, HF, suggest
from tests.coding_review.gold_rows import (
    ONCE,
    TWICE,
    adjudicated,
    charts_with_labels,
    draft,
    label_of,
    lines,
    open_study,
    read_chart,
)
from tests.personas import MakeEncounter

NEGATED = "pneumonia"


@pytest.fixture
def codebook(lead: User) -> Codebook:
    return add_codebook_version(lead, name="Frailty", text="Approve what the note supports.")


# --- Protocol ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["paper", "full", "custom"])
def test_a_project_takes_its_presets_settings(codebook: Codebook, admin: User, preset: str) -> None:
    project = create_gold_project(
        admin, name="Study", preset=preset, protocol=PRESETS[preset], codebook_id=codebook.pk
    )
    model = PRESETS[preset]
    assert (project.mode, tuple(project.domains), project.readings_per_chart, project.status) == (
        model.mode,
        model.domains,
        model.readings_per_chart,
        "draft",
    )
    assert (project.show_confidence, project.show_rationale, project.show_other_reading) == (False,) * 3
    assert AuditEvent.objects.get(type="gold.project_created").data["seed"] == project.seed


@pytest.mark.parametrize(
    ("preset", "protocol"),
    [
        ("paper", replace(PRESETS["paper"], mode="approve_and_add")),
        ("full", replace(PRESETS["full"], readings_per_chart=1)),
        ("custom", Protocol(readings_per_chart=4)),
        ("custom", Protocol(seeded_share=0.06)),
        ("custom", Protocol(mode="blind")),
        ("custom", Protocol(label_source="none")),
        ("custom", Protocol(double_share=1.5)),
        ("custom", Protocol(domains=("oncology",))),
        ("custom", Protocol(qualification_threshold=2)),
        ("nonsense", Protocol()),
    ],
)
def test_settings_that_do_not_go_together(
    codebook: Codebook, lead: User, preset: str, protocol: Protocol
) -> None:
    with pytest.raises(InvalidProtocol):
        create_gold_project(lead, name="Study", preset=preset, protocol=protocol, codebook_id=codebook.pk)
    assert not GoldProject.objects.exists()


def test_who_may_set_up(
    codebook: Codebook, coder: User, expert: User, adjudicator: User, auditor: User
) -> None:
    for user in (coder, expert, adjudicator, auditor):
        with pytest.raises(NotAllowed):
            create_gold_project(user, name="Study", protocol=Protocol(), codebook_id=codebook.pk)
        with pytest.raises(NotAllowed):
            add_codebook_version(user, name="Mine", text="x")
    assert not GoldProject.objects.exists()
    assert Codebook.objects.count() == 1


def test_a_codebooks_later_versions_say_what_changed(codebook: Codebook, lead: User) -> None:
    with pytest.raises(InvalidProtocol):
        add_codebook_version(lead, name="Frailty", text="Approve less.")
    second = add_codebook_version(
        lead, name="Frailty", text="Approve less.", change_note="Falls need a cause"
    )
    assert (second.version, Codebook.objects.count()) == (2, 2)
    project = draft(lead, ONCE)
    set_codebook(lead, project.pk, second.pk)
    project.refresh_from_db()
    assert project.codebook == second


# --- Drawing -------------------------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_charts(
    icd10cm: Release, lead: User, make_encounter: MakeEncounter
) -> None:
    charts_with_labels(make_encounter, 4)
    charts_with_labels(make_encounter, 2, setting="emergency")
    drawn = []
    for name in ("One", "Two"):
        project = draft(lead, ONCE, name)
        charts = sample_gold_charts(lead, project.pk, size=3, stratify_by=("setting",))
        drawn.append([chart.code_set_id for chart in charts])
        project.refresh_from_db()
        assert project.sampling[0]["strata"] == {"emergency": 1, "inpatient": 2}
        assert (project.sampling[0]["population"], project.sampling[0]["drawn"]) == (6, 3)
    assert drawn[0] == drawn[1]
    chart = GoldChart.objects.filter(project=project).first()
    assert chart is not None
    assert (chart.stratum["length"], chart.stratum["lines"], chart.may_be_billed) == ("short", 6, False)
    assert [(label.code, label.rank, label.source) for label in chart.labels.all()] == [
        ("I50.23", 1, "engine"),
        ("E11.22", 2, "engine"),
        ("N18.32", 3, "engine"),
    ]
    assert chart.labels.get(code="N18.32").evidence.get().quote == "CKD stage 3b"


def test_a_draw_has_no_chart_twice_and_none_beyond_ones_memberships(
    icd10cm: Release, lead: User, admin: User, make_encounter: MakeEncounter, other_work_group: Any
) -> None:
    charts_with_labels(make_encounter, 2)
    charts_with_labels(make_encounter, 1, group=other_work_group)
    project = draft(lead, ONCE)
    assert len(sample_gold_charts(admin, project.pk, size=10)) == 2
    with pytest.raises(InvalidProtocol):
        sample_gold_charts(lead, project.pk, size=10)
    assert GoldChart.objects.count() == 2


def test_a_list_of_ids_draws_those_charts(
    icd10cm: Release, lead: User, make_encounter: MakeEncounter
) -> None:
    charts_with_labels(make_encounter, 2)
    wanted = make_encounter(synthetic=True)
    suggest(wanted.code_sets.get(), HF, DM, CKD)
    project = draft(lead, ONCE)
    (chart,) = sample_gold_charts(
        lead, project.pk, size=1, filters=ChartFilters(source_ids=(wanted.source_id,))
    )
    assert chart.code_set.encounter == wanted


def test_a_share_of_charts_is_read_twice(icd10cm: Release, lead: User, make_encounter: MakeEncounter) -> None:
    charts_with_labels(make_encounter, 4)
    project = draft(lead, replace(ONCE, double_share=0.5, repeat_share=0.25))
    charts = sample_gold_charts(lead, project.pk, size=4)
    assert sorted(chart.readings_wanted for chart in charts) == [1, 1, 2, 2]
    assert sum(chart.repeat_wanted for chart in charts) == 1


def test_domains_need_their_value_sets(icd10cm: Release, lead: User, make_encounter: MakeEncounter) -> None:
    charts_with_labels(make_encounter, 1)
    project = draft(lead, replace(ONCE, domains=("frailty",)))
    with pytest.raises(InvalidProtocol) as refused:
        sample_gold_charts(lead, project.pk, size=1)
    assert refused.value.data["domains"] == ["frailty"]
    assert not GoldChart.objects.exists()


def value_set(domain: str, *codes: str) -> None:
    edition = TableEdition.objects.create(
        kind=TableKind.VALUE_SET,
        name=domain,
        edition="test",
        valid_from=date(2026, 1, 1),
        source="test",
        source_hash=domain.ljust(64, "0"),
        loaded_at=timezone.now(),
        row_count=len(codes),
    )
    for code in codes:
        ValueSetEntry.objects.create(edition=edition, system="icd10cm", code=code)


def test_only_labels_and_codes_of_the_domains(
    icd10cm: Release, lead: User, coder: User, make_encounter: MakeEncounter
) -> None:
    value_set("advanced_illness", "I50.23", "N18.6")
    charts_with_labels(make_encounter, 1)
    other = make_encounter(synthetic=True)
    suggest(other.code_sets.get(), DM)
    project = draft(lead, replace(ONCE, domains=("advanced_illness",)))
    add_gold_reader(lead, project.pk, user_id=coder.pk, profession="coder")
    # The chart without a label of the domain has nothing to judge.
    (chart,) = sample_gold_charts(lead, project.pk, size=5)
    assert [(label.code, label.domains) for label in chart.labels.all()] == [("I50.23", ["advanced_illness"])]
    assert chart.domains == ["advanced_illness"]
    open_gold_project(lead, project.pk)
    reading = next_gold_chart(coder, project.pk)
    with pytest.raises(InvalidDecision, match="outside the domains"):
        add_gold_code(coder, reading.pk, code="R06.02", selections=lines(reading, 2))
    add_gold_code(coder, reading.pk, code="N18.6", selections=lines(reading, 4))
    assert [a.code for a in reading.additions.all()] == ["N18.6"]


def test_a_project_opens_only_with_charts_and_readers(
    icd10cm: Release, lead: User, coder: User, expert: User, other_coder: User, make_encounter: MakeEncounter
) -> None:
    charts_with_labels(make_encounter, 1)
    project = draft(lead, TWICE)
    for user in (coder, other_coder):
        add_gold_reader(lead, project.pk, user_id=user.pk, profession="coder")
    with pytest.raises(InvalidProtocol, match="Draw charts"):
        open_gold_project(lead, project.pk)
    sample_gold_charts(lead, project.pk, size=1)
    with pytest.raises(InvalidProtocol, match="both professions"):
        open_gold_project(lead, project.pk)
    add_gold_reader(lead, project.pk, user_id=expert.pk, profession="clinician")
    assert open_gold_project(lead, project.pk).status == "open"
    with pytest.raises(WrongStatus):
        sample_gold_charts(lead, project.pk, size=1)


# --- Imported labels -----------------------------------------------------------------------------------------


def prediction(source_id: str, code: str = "I50.23", line: int = 3) -> bytes:
    evidence = [{"document_id": "D1", "line_start": line, "line_end": line}]
    return json.dumps(
        {"id": source_id, "codes": [{"code": code, "confidence": 0.7, "evidence": evidence}]}
    ).encode()


def test_labels_of_a_peer_are_judged_instead(
    icd10cm: Release, lead: User, make_encounter: MakeEncounter
) -> None:
    encounter = make_encounter(synthetic=True)
    project = draft(lead, replace(ONCE, label_source="imported"))
    sample_gold_charts(lead, project.pk, size=1)
    assert label_gold_charts(lead, project.pk, [prediction(encounter.source_id)]) == 1
    label = GoldLabel.objects.get()
    assert (label.code, label.source, label.band, label.confidence) == ("I50.23", "imported", "medium", 0.7)
    assert label.title == "Acute on chronic systolic (congestive) heart failure"
    assert label.evidence.get().quote.startswith("Acute on chronic systolic heart failure")


@pytest.mark.parametrize(
    ("line", "message"),
    [(prediction("nowhere"), "no chart of this project"), (b"{", "not valid JSON")],
)
def test_bad_labels_are_named_and_none_is_taken(
    icd10cm: Release, lead: User, make_encounter: MakeEncounter, line: bytes, message: str
) -> None:
    encounter = make_encounter(synthetic=True)
    project = draft(lead, replace(ONCE, label_source="imported"))
    sample_gold_charts(lead, project.pk, size=1)
    with pytest.raises(InvalidImport) as refused:
        label_gold_charts(lead, project.pk, [prediction(encounter.source_id), line])
    (error,) = refused.value.data["errors"]
    assert error["line"] == 2
    assert message in error["message"]
    assert not GoldLabel.objects.exists()


# --- Seeded checks -------------------------------------------------------------------------------------------


def seedable(lead: User, make_encounter: MakeEncounter, *, synthetic: bool, count: int = 7) -> GoldProject:
    charts_with_labels(make_encounter, count, synthetic=synthetic)
    project = draft(lead, replace(TWICE, seeded_share=0.05))
    sample_gold_charts(lead, project.pk, size=count)
    return project


def test_seeded_checks_are_up_to_five_percent_and_look_like_labels(
    icd10cm: Release, lead: User, coder: User, expert: User, make_encounter: MakeEncounter
) -> None:
    project = seedable(lead, make_encounter, synthetic=True)
    (seeded,) = seed_gold_checks(lead, project.pk)
    assert seed_gold_checks(lead, project.pk) == [seeded]
    assert seeded.seeded_kind == "sibling"
    assert seeded.code not in {"I50.23", "E11.22", "N18.32"}
    beside = seeded.chart.labels.exclude(pk=seeded.pk).get(rank=seeded.rank)
    assert seeded.code[:3] == beside.code[:3]
    # Near the other's, and never the same: two equal ones side by side would tell.
    assert seeded.confidence is not None
    assert 0.01 <= abs(seeded.confidence - beside.confidence) <= 0.08
    assert (seeded.rationale, beside.rationale) == ("", "Stated.")
    for user, profession in ((coder, "coder"), (expert, "clinician")):
        add_gold_reader(lead, project.pk, user_id=user.pk, profession=profession)
    open_gold_project(lead, project.pk)
    for user in (coder, expert):
        for _ in range(7):
            reading = read_chart(user, project, {})
            if reading.chart_id == seeded.chart_id:
                shown = next(row for row in labels_shown(reading) if row.id == seeded.pk)
                assert not {"source", "seeded_kind"} & set(type(shown).__slots__)
    # It is no item, and so in no gold set.
    assert seeded.code not in {item.code for item in items_to_adjudicate(seeded.chart)}


def test_no_seeded_check_where_a_bill_may_come_of_it(
    icd10cm: Release, lead: User, make_encounter: MakeEncounter
) -> None:
    project = seedable(lead, make_encounter, synthetic=False)
    with pytest.raises(InvalidProtocol):
        seed_gold_checks(lead, project.pk)
    assert not GoldLabel.objects.filter(source="seeded").exists()


def test_what_can_be_seeded(icd10cm: Release, lead: User, make_encounter: MakeEncounter) -> None:
    """A sided code turns, another gives its nearest sibling, and a denied mention its own code."""
    encounter = make_encounter({"note": "Closed fracture of right clavicle.\nNo pneumonia."}, synthetic=True)
    suggest(encounter.code_sets.get(), ("S42.001A", "high", "fracture of right clavicle"))
    run = PredictionRun.objects.get()
    version = run.documents.get()
    ContextMention.objects.create(
        run=run,
        document_version=version,
        tag="negated",
        code="J18.9",
        line_start=2,
        line_end=2,
        col_start=3,
        col_end=12,
        quote=NEGATED,
    )
    project = draft(lead, ONCE)
    (chart,) = sample_gold_charts(lead, project.pk, size=1)
    seeds = {seed.kind: (seed.code, [p.quote for p in seed.evidence]) for seed in seeds_for(chart)}
    assert seeds["negated"] == ("J18.9", [NEGATED])
    assert set(seeds) == {"negated", "laterality"}
    assert seeds["laterality"] == ("S42.002A", ["fracture of right clavicle"])


# --- Audit log -----------------------------------------------------------------------------------------------


def test_the_log_verifies_and_names_what_was_changed_beside_it(
    icd10cm: Release,
    lead: User,
    coder: User,
    expert: User,
    adjudicator: User,
    make_encounter: MakeEncounter,
) -> None:
    study = adjudicated(lead, coder, expert, adjudicator, make_encounter)
    gold_set = freeze_gold_set(adjudicator, study.project.pk, purpose="evaluation")
    assert list(verify_gold()) == []
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("goldjudgement", "goldruling", "goldsetlabel"):
            cursor.execute(f"ALTER TABLE coding_review_{table} DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE coding_review_goldjudgement SET verdict = 'approve' WHERE verdict = 'reject' RETURNING id"
        )
        (judgement,) = cursor.fetchone()
        cursor.execute(
            "UPDATE coding_review_goldruling SET ruling = 'keep' WHERE ruling = 'out' RETURNING id"
        )
        (ruling,) = cursor.fetchone()
        cursor.execute("UPDATE coding_review_goldsetlabel SET status = 'accepted' WHERE code = 'N18.32'")
    chart = gold_set.charts.get()
    assert [fault.problem for fault in verify_gold()] == [
        f"gold judgement {judgement}: not what was written",
        f"gold ruling {ruling}: not what was written",
        f"gold set {gold_set.pk}: chart {chart.pk} is not what was frozen",
    ]


def test_a_comment_is_purged_beside_the_log(
    icd10cm: Release, lead: User, coder: User, make_encounter: MakeEncounter
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder")], protocol=ONCE)
    reading = next_gold_chart(coder, study.project.pk)
    judge_label(
        coder, reading.pk, label_of(reading, "I50.23").pk, verdict="approve", comment="Ms. Q. said so"
    )
    event = AuditEvent.objects.get(type="gold.judged")
    assert purge_payload(event.pk, actor=None)
    words = GoldJudgementWords.objects.get()
    assert (words.comment, words.purged_at is not None) == ("", True)
    assert list(verify_gold()) == []
