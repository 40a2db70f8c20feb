"""From adjudication to the frozen set: rulings, answers, kinds, immutability, withdrawal, export and import."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction

from catalog.models import Release
from coding_review.actions.gold_adjudication import (
    finish_adjudication,
    reply_to_ruling,
    rule_on_code,
    start_adjudication,
)
from coding_review.actions.gold_exchange import export_gold, import_gold
from coding_review.actions.gold_freeze import (
    freeze_gold_set,
    withdraw_gold_chart,
    withdraw_gold_set_chart,
)
from coding_review.actions.gold_project import add_gold_reader, close_gold_reading
from coding_review.errors import (
    Altered,
    GoldFrozen,
    InvalidDecision,
    InvalidImport,
    NotAllowed,
    NotYours,
    StalePage,
    WrongStatus,
)
from coding_review.gold.manifest import faults
from coding_review.gold.queries import items_to_adjudicate, overrulings_for, visible_readings
from coding_review.models import (
    AuditEvent,
    GoldReply,
    GoldRuling,
    GoldSet,
    GoldSetChart,
    GoldSetLabel,
    GoldSetText,
    GoldTombstone,
    RoleAssignment,
)
from tests.coding_review.gold_rows import (
    DYSPNEA,
    ONCE,
    Study,
    adjudicate_all,
    adjudicated,
    open_study,
    read_chart,
)
from tests.personas import NOTE, MakeEncounter, person


@pytest.fixture
def closed(icd10cm: Release, lead: User, coder: User, expert: User, make_encounter: MakeEncounter) -> Study:
    """Read by both, who differ on the kidney disease; the expert alone adds dyspnea."""
    study = open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")])
    read_chart(coder, study.project, {"N18.32": "reject"})
    read_chart(expert, study.project, {}, [DYSPNEA])
    return Study(close_gold_reading(lead, study.project.pk), study.charts)


@pytest.fixture
def ruled(
    icd10cm: Release,
    lead: User,
    coder: User,
    expert: User,
    adjudicator: User,
    make_encounter: MakeEncounter,
) -> Study:
    return adjudicated(lead, coder, expert, adjudicator, make_encounter)


# --- Adjudication --------------------------------------------------------------------------------------------


def test_conflicts_come_first_and_readers_are_numbers(closed: Study, adjudicator: User) -> None:
    items = items_to_adjudicate(closed.charts[0])
    assert [(i.code, i.kind) for i in items[:2]] == [("N18.32", "conflict"), ("R06.02", "one_sided")]
    assert {i.code: i.kind for i in items[2:]}.keys() == {"I50.23", "E11.22"}
    assert {i.kind for i in items[2:]} <= {"drawn", "agreed"}
    assert {s.number for i in items for s in i.stances} == {1, 2}
    conflict = items[0]
    assert sorted((s.said, s.reason) for s in conflict.stances) == [
        ("approve", ""),
        ("reject", "not_documented"),
    ]
    # Now an adjudicator sees both readings, and a reader still only the own one.
    assert visible_readings(adjudicator).count() == 2


def test_a_reader_of_the_chart_does_not_adjudicate_it(
    icd10cm: Release, lead: User, coder: User, adjudicator: User, make_encounter: MakeEncounter
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder"), (adjudicator, "clinician")])
    read_chart(coder, study.project, {"N18.32": "reject"})
    read_chart(adjudicator, study.project, {})
    close_gold_reading(lead, study.project.pk)
    for user in (adjudicator, coder, lead):
        with pytest.raises(NotAllowed):
            start_adjudication(user, study.charts[0].pk)
    assert not AuditEvent.objects.filter(type="gold.adjudication_started").exists()
    # What the other said of a chart that one has read stays hidden, whatever one's other rights.
    assert [reading.reader.user for reading in visible_readings(adjudicator)] == [adjudicator]


def test_one_adjudicator_a_chart(closed: Study, adjudicator: User, work_group: Any) -> None:
    begun = start_adjudication(adjudicator, closed.charts[0].pk)
    assert start_adjudication(adjudicator, closed.charts[0].pk).pk == begun.pk
    other = person("other_adjudicator", "adjudicator", work_group)
    with pytest.raises(NotYours):
        start_adjudication(other, closed.charts[0].pk)
    with pytest.raises(NotYours):
        rule_on_code(other, begun.pk, code="N18.32", ruling="keep")
    assert not GoldRuling.objects.exists()


def test_every_open_item_needs_a_ruling(closed: Study, adjudicator: User) -> None:
    begun = start_adjudication(adjudicator, closed.charts[0].pk)
    rule_on_code(adjudicator, begun.pk, code="N18.32", ruling="out", comment="Stage is historical")
    with pytest.raises(InvalidDecision) as refused:
        finish_adjudication(adjudicator, begun.pk)
    assert "icd10cm:R06.02" in refused.value.data["codes"]
    with pytest.raises(InvalidDecision):
        rule_on_code(adjudicator, begun.pk, code="J18.9", ruling="keep")
    with pytest.raises(StalePage):
        rule_on_code(adjudicator, begun.pk, code="N18.32", ruling="keep", seen_number=0)
    rule_on_code(adjudicator, begun.pk, code="N18.32", ruling="none", seen_number=1)
    assert items_to_adjudicate(closed.charts[0])[0].status == ""
    assert [r.ruling for r in GoldRuling.objects.order_by("number")] == ["out", "none"]


def test_an_overruled_reader_sees_it_and_answers_once(ruled: Study, coder: User, expert: User) -> None:
    assert [(o.code, o.mine.said, o.ruling) for o in overrulings_for(expert, ruled.project)] == [
        ("N18.32", "approve", "out")
    ]
    (mine,) = overrulings_for(coder, ruled.project)
    assert (mine.code, mine.mine.said, mine.ruling, [s.said for s in mine.others]) == (
        "R06.02",
        "absent",
        "keep",
        ["added"],
    )
    with pytest.raises(InvalidDecision):
        reply_to_ruling(coder, mine.ruling_id, "  ")
    with pytest.raises(NotAllowed):
        reply_to_ruling(expert, mine.ruling_id, "Not mine")
    reply_to_ruling(coder, mine.ruling_id, "It is integral to heart failure.")
    with pytest.raises(InvalidDecision):
        reply_to_ruling(coder, mine.ruling_id, "Again")
    assert GoldReply.objects.get().words.comment == "It is integral to heart failure."
    assert overrulings_for(coder, ruled.project)[0].replied


# --- Freeze --------------------------------------------------------------------------------------------------


def test_a_set_read_by_two_and_adjudicated_is_gold(ruled: Study, adjudicator: User) -> None:
    gold_set = freeze_gold_set(adjudicator, ruled.project.pk, purpose="evaluation")
    assert (gold_set.kind, gold_set.version, gold_set.without_phi) == ("gold", 1, True)
    labels = {
        (label.code, label.status, label.reason, label.origin)
        for label in GoldSetLabel.objects.filter(gold_set_chart__gold_set=gold_set)
    }
    assert labels == {
        ("I50.23", "accepted", "", "label"),
        ("E11.22", "accepted", "", "label"),
        ("N18.32", "rejected", "not_documented", "label"),
        ("R06.02", "accepted", "", "addition"),
    }
    manifest = gold_set.manifest
    assert [r["pseudonym"] for r in manifest["readers"]] == ["Reader A", "Reader B"]
    assert manifest["catalog_releases"] == [str(ruled.charts[0].code_set.release)]
    assert manifest["charts"][0]["documents"][0]["sha256"] == ruled.charts[0].documents.get().sha256
    assert "R-coder" not in json.dumps(manifest)
    assert faults(gold_set) == []
    ruled.project.refresh_from_db()
    assert ruled.project.status == "frozen"


@pytest.mark.parametrize(
    ("mode", "kind"), [("approve_only", "approved_labels"), ("approve_and_add", "single_read_reference")]
)
def test_lesser_names_of_lesser_readings(
    icd10cm: Release,
    lead: User,
    coder: User,
    adjudicator: User,
    make_encounter: MakeEncounter,
    mode: str,
    kind: str,
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder")], protocol=replace(ONCE, mode=mode))
    read_chart(coder, study.project, {"N18.32": "undecidable", "E11.22": "approve_evidence_wrong"})
    close_gold_reading(lead, study.project.pk)
    with pytest.raises(WrongStatus):
        start_adjudication(adjudicator, study.charts[0].pk)
    gold_set = freeze_gold_set(adjudicator, study.project.pk, purpose="calibration")
    assert gold_set.kind == kind
    rows = {row.code: row for row in GoldSetLabel.objects.all()}
    assert (rows["N18.32"].status, rows["N18.32"].optional) == ("undecided", True)
    assert (rows["E11.22"].status, rows["E11.22"].evidence) == ("accepted", [])
    assert bool(gold_set.manifest["warnings"]) is (mode == "approve_only")


def test_who_may_freeze_and_when(
    closed: Study, lead: User, coder: User, adjudicator: User, auditor: User
) -> None:
    for user in (lead, coder, auditor):
        with pytest.raises(NotAllowed):
            freeze_gold_set(user, closed.project.pk, purpose="evaluation")
    with pytest.raises(WrongStatus) as refused:
        freeze_gold_set(adjudicator, closed.project.pk, purpose="evaluation")
    assert refused.value.data["chart_ids"] == [closed.charts[0].pk]
    adjudicate_all(adjudicator, closed.project)
    with pytest.raises(InvalidDecision):
        freeze_gold_set(adjudicator, closed.project.pk, purpose="")
    assert not GoldSet.objects.exists()


def test_a_frozen_project_takes_no_act(ruled: Study, lead: User, adjudicator: User, admin: User) -> None:
    freeze_gold_set(adjudicator, ruled.project.pk, purpose="evaluation")
    with pytest.raises(GoldFrozen):
        freeze_gold_set(admin, ruled.project.pk, purpose="train")
    with pytest.raises(GoldFrozen):
        add_gold_reader(lead, ruled.project.pk, user_id=adjudicator.pk, profession="clinician")
    with pytest.raises(GoldFrozen):
        start_adjudication(adjudicator, ruled.charts[0].pk)
    assert GoldSet.objects.count() == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE coding_review_goldset SET purpose = 'train'",
        "DELETE FROM coding_review_goldset",
        "UPDATE coding_review_goldsetchart SET lines = 1",
        "DELETE FROM coding_review_goldsetchart",
        "UPDATE coding_review_goldsetlabel SET status = 'accepted'",
        "DELETE FROM coding_review_goldsetlabel",
        "TRUNCATE coding_review_goldsetlabel",
        "UPDATE coding_review_goldjudgement SET verdict = 'approve'",
        "DELETE FROM coding_review_goldjudgement",
        "UPDATE coding_review_goldruling SET ruling = 'keep'",
        "DELETE FROM coding_review_goldruling",
    ],
)
def test_nothing_frozen_changes_in_sql(ruled: Study, adjudicator: User, sql: str) -> None:
    freeze_gold_set(adjudicator, ruled.project.pk, purpose="evaluation")
    with connection.cursor() as cursor:
        # What is checked at the end of a transaction is checked now: TRUNCATE would refuse for that alone.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert faults(GoldSet.objects.get()) == []


@pytest.mark.django_db(transaction=True)
def test_no_label_comes_to_a_set_after_its_transaction() -> None:
    gold_set = import_gold(None, [gold_line("a")], name="Outside", purpose="evaluation")
    chart = gold_set.charts.get()
    with pytest.raises(ProgrammingError, match="frozen"):
        GoldSetLabel.objects.create(gold_set_chart=chart, code="J18.9", status="accepted")
    with pytest.raises(ProgrammingError, match="frozen"):
        GoldSetChart.objects.create(gold_set=gold_set, chart_key="b")
    assert (GoldSetLabel.objects.count(), GoldSetChart.objects.count()) == (2, 1)


# --- Withdrawal ----------------------------------------------------------------------------------------------


def test_a_withdrawn_chart_leaves_a_tombstone(
    ruled: Study, lead: User, coder: User, adjudicator: User
) -> None:
    gold_set = freeze_gold_set(adjudicator, ruled.project.pk, purpose="evaluation")
    with pytest.raises(NotAllowed):
        withdraw_gold_chart(coder, ruled.charts[0].pk, reason="Consent withdrawn")
    with pytest.raises(InvalidDecision):
        withdraw_gold_chart(lead, ruled.charts[0].pk, reason=" ")
    assert not GoldTombstone.objects.exists()
    withdraw_gold_chart(lead, ruled.charts[0].pk, reason="Consent withdrawn")
    withdraw_gold_chart(lead, ruled.charts[0].pk, reason="Again")
    assert [(t.gold_set_chart.gold_set_id, t.reason) for t in GoldTombstone.objects.all()] == [
        (gold_set.pk, "Consent withdrawn")
    ]
    assert exported(gold_set) == []
    assert faults(gold_set) == []


# --- Export and import ---------------------------------------------------------------------------------------


def gold_line(key: str, **values: Any) -> bytes:
    row = {
        "id": key,
        "text": "Fever.\nPneumonia of the left lower lobe.",
        "codes": [{"code": "j18.9", "lines": [2]}],
        "optional": [{"code": "R50.9", "lines": [1]}],
        **values,
    }
    return (json.dumps(row) + "\n").encode()


def exported(gold_set: GoldSet, actor: Any = None, *, with_text: bool = False) -> list[dict[str, Any]]:
    out = io.BytesIO()
    export_gold(actor, gold_set.pk, out=out, with_text=with_text)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_frozen_set_goes_out_by_ids_and_hashes(ruled: Study, adjudicator: User, lead: User) -> None:
    gold_set = freeze_gold_set(adjudicator, ruled.project.pk, purpose="evaluation")
    (row,) = exported(gold_set, lead)
    version = ruled.charts[0].documents.get()
    assert row["documents"] == [
        {
            "document_id": "D1",
            "type": "discharge summary",
            "author_role": "physician",
            "version": 1,
            "sha256": version.sha256,
            "lines": 6,
        }
    ]
    codes = {code["code"]: code for code in row["codes"]}
    assert (codes["R06.02"]["lines"], codes["R06.02"]["source"]) == ([2], "addition")
    assert (codes["N18.32"]["status"], codes["N18.32"]["lines"]) == ("rejected", [])
    assert (row["setting"], row["age"], row["discharge_date"]) == ("inpatient", 78.0, "2026-06-09")
    assert "Quintero" not in json.dumps(row)
    event = AuditEvent.objects.get(type="gold.exported")
    assert (event.actor, event.data["rows"], event.data["with_text"]) == (lead, 1, False)


@pytest.mark.parametrize("with_text", [True, False])
def test_what_goes_out_comes_in_again_the_same(ruled: Study, adjudicator: User, with_text: bool) -> None:
    gold_set = freeze_gold_set(adjudicator, ruled.project.pk, purpose="evaluation")
    out = io.BytesIO()
    export_gold(None, gold_set.pk, out=out, with_text=with_text)
    again = import_gold(
        None, out.getvalue().splitlines(keepends=True), name="Again", purpose="train", without_phi=True
    )
    back = io.BytesIO()
    export_gold(None, again.pk, out=back, with_text=with_text)
    assert back.getvalue() == out.getvalue()
    assert [text.text for text in GoldSetText.objects.all()] == ([NOTE] if with_text else [])
    rows = [
        sorted(s.charts.get().labels.values_list("system", "code", "status", "reason", "origin", "optional"))
        for s in (gold_set, again)
    ]
    assert rows[0] == rows[1]


def test_text_with_phi_needs_the_right_to_it(
    icd10cm: Release,
    lead: User,
    coder: User,
    expert: User,
    adjudicator: User,
    auditor: User,
    admin: User,
    work_group: Any,
    make_encounter: MakeEncounter,
) -> None:
    study = adjudicated(lead, coder, expert, adjudicator, make_encounter, synthetic=False)
    gold_set = freeze_gold_set(adjudicator, study.project.pk, purpose="evaluation")
    assert not gold_set.without_phi
    for user in (lead, adjudicator, auditor, None):
        with pytest.raises(NotAllowed):
            exported(gold_set, user, with_text=True)
    for user in (coder, expert, admin):
        with pytest.raises(NotAllowed):
            exported(gold_set, user)
    both = person("both", "lead", work_group)
    RoleAssignment.objects.create(user=both, role="privacy_officer")
    assert exported(gold_set, both, with_text=True)[0]["documents"][0]["text"] == NOTE
    assert AuditEvent.objects.filter(type="gold.exported").count() == 1


def test_a_set_with_charts_beyond_ones_memberships_is_not_exported(
    ruled: Study, adjudicator: User, other_work_group: Any
) -> None:
    gold_set = freeze_gold_set(adjudicator, ruled.project.pk, purpose="evaluation")
    stranger = person("stranger", "auditor", other_work_group, "very_restricted")
    with pytest.raises(NotAllowed):
        exported(gold_set, stranger)
    assert not AuditEvent.objects.filter(type="gold.exported").exists()


def test_an_altered_set_is_not_exported(ruled: Study, adjudicator: User) -> None:
    gold_set = freeze_gold_set(adjudicator, ruled.project.pk, purpose="evaluation")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE coding_review_goldsetlabel DISABLE TRIGGER USER")
        cursor.execute("UPDATE coding_review_goldsetlabel SET status = 'accepted', reason = ''")
        cursor.execute("ALTER TABLE coding_review_goldsetlabel ENABLE TRIGGER USER")
    with pytest.raises(Altered):
        exported(gold_set)


def test_an_outside_set_is_stored_as_it_came(db: None) -> None:
    gold_set = import_gold(
        None, [gold_line("a", traps=[{"code": "J12.9", "kind": "negated"}])], name="Outside", purpose="train"
    )
    assert (gold_set.kind, gold_set.version, gold_set.without_phi) == ("single_read_reference", 1, False)
    chart = gold_set.charts.get()
    assert [(r.code, r.status, r.optional, r.evidence) for r in chart.labels.all()] == [
        ("J18.9", "accepted", False, [{"document_id": "1", "line_start": 2, "line_end": 2}]),
        ("R50.9", "accepted", True, [{"document_id": "1", "line_start": 1, "line_end": 1}]),
    ]
    assert chart.traps == [{"code": "J12.9", "kind": "negated"}]
    assert import_gold(None, [gold_line("a")], name="Outside", purpose="train").version == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{\n", "not valid JSON"),
        (
            gold_line("b", codes=[{"code": "J18.9", "lines": [3]}]),
            "codes[0].lines[0]: the document has 2 lines",
        ),
        (gold_line("b", codes=[{"lines": [1]}]), "codes[0].code: missing"),
        (gold_line("b", codes=[{"code": "J18.9", "status": "good"}]), "codes[0].status: not one of"),
        (gold_line("b", domains=["oncology"]), "domains[0]: not one of"),
        (gold_line("a"), "id: used on an earlier line too"),
        (gold_line("b", text=""), "text: the text is empty"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(db: None, line: bytes, message: str) -> None:
    with pytest.raises(InvalidImport) as refused:
        import_gold(None, [gold_line("a"), b"\n", line], name="Outside", purpose="train")
    (error,) = refused.value.data["errors"]
    assert error["line"] == 3
    assert message in error["message"]
    assert not GoldSet.objects.exists()
    assert not AuditEvent.objects.filter(type="gold.imported").exists()


def test_who_may_import(lead: User, coder: User, adjudicator: User) -> None:
    for user in (coder, adjudicator):
        with pytest.raises(NotAllowed):
            import_gold(user, [gold_line("a")], name="Outside", purpose="train")
    assert not GoldSet.objects.exists()
    assert import_gold(lead, [gold_line("a")], name="Outside", purpose="train").frozen_by == lead


def test_a_withdrawn_outside_chart_loses_its_text(lead: User) -> None:
    gold_set = import_gold(None, [gold_line("a"), gold_line("b")], name="Outside", purpose="train")
    chart = gold_set.charts.get(chart_key="a")
    withdraw_gold_set_chart(lead, chart.pk, reason="Not ours to use")
    assert [row["id"] for row in exported(gold_set)] == ["b"]
    assert chart.texts.get().text == ""
    assert GoldSetText.objects.get(gold_set_chart__chart_key="b").text != ""
