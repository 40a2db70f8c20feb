"""Withdrawing what was loaded wrongly and correcting its days: audited, and nothing that was coded is lost."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from catalog.choices import ReleaseStatus
from catalog.corrections import Loaded
from catalog.errors import CorrectionRefused, NoRelease, NotLoaded
from catalog.loaders import registry
from catalog.loaders.table_store import load_table
from catalog.models import Code, Release, TableEdition
from catalog.queries import release_for
from coding_review.actions.correct_catalog import correct_catalog
from coding_review.errors import NotAllowed
from coding_review.models import AuditEvent, CodeSet
from tests.catalog.test_table_store import MUE, source
from tests.catalog_fixtures import small_source
from tests.coding_review.entries import suggest
from tests.coding_review.finding_cases import ANEMIA

pytestmark = pytest.mark.django_db
IN_JUNE = dt.date(2026, 6, 9)


def events():
    return list(
        AuditEvent.objects.filter(type="catalog.corrected")
        .order_by("pk")
        .values_list("actor__username", "data", "payload__body")
    )


def table():
    return load_table(source(*MUE)).edition


def test_a_withdrawn_release_is_chosen_for_no_date_and_keeps_its_codes(admin, icd10cm):
    nodes = Code.objects.of(icd10cm).count()
    done = correct_catalog(
        admin, Loaded.RELEASE, icd10cm.pk, status=ReleaseStatus.WITHDRAWN, comment="Wrong file"
    )
    assert [(c.field, c.before, c.after) for c in done.changes] == [("status", "complete", "withdrawn")]
    with pytest.raises(NoRelease):
        release_for("icd10cm", IN_JUNE)
    assert Code.objects.of(icd10cm).count() == nodes
    assert events() == [
        (
            "admin",
            {
                "what": "release",
                "number": icd10cm.pk,
                "system": "icd10cm",
                "name": "",
                "edition": "FY2026, April release",
                "field": "status",
                "value_before": "complete",
                "value_after": "withdrawn",
                "source_hash": icd10cm.source_hash,
                "code_sets": 0,
            },
            {"comment": "Wrong file"},
        )
    ]


def test_open_code_sets_follow_and_what_an_engine_found_stays(admin, icd10cm, make_encounter, coder):
    code_set = make_encounter(status="in_review", owner=coder).code_sets.get()
    assert code_set.release == icd10cm
    (entry,) = suggest(code_set, ANEMIA)
    run = entry.suggestion.run
    done = correct_catalog(admin, Loaded.RELEASE, icd10cm.pk, status=ReleaseStatus.WITHDRAWN, comment="Wrong")
    code_set.refresh_from_db()
    entry.refresh_from_db()
    run.refresh_from_db()
    assert (done.code_sets, code_set.release) == (1, None)
    assert (entry.state, entry.code) == ("undecided", ANEMIA[0])
    assert run.release == icd10cm
    back = correct_catalog(admin, Loaded.RELEASE, icd10cm.pk, status=ReleaseStatus.COMPLETE, comment="Right")
    code_set.refresh_from_db()
    assert (back.code_sets, code_set.release) == (1, icd10cm)


def test_a_signed_code_set_keeps_its_release(admin, icd10cm, make_encounter):
    code_set = make_encounter().code_sets.get()
    CodeSet.objects.filter(pk=code_set.pk).update(status="signed")
    done = correct_catalog(admin, Loaded.RELEASE, icd10cm.pk, status=ReleaseStatus.WITHDRAWN, comment="Wrong")
    code_set.refresh_from_db()
    assert (done.code_sets, code_set.release) == (0, icd10cm)


def test_the_days_of_a_table_are_corrected_one_event_a_field(admin):
    edition = table()
    done = correct_catalog(
        admin,
        Loaded.TABLE,
        edition.pk,
        valid_from=dt.date(2026, 7, 1),
        valid_to=None,
        comment="Quarter misread",
    )
    edition.refresh_from_db()
    assert (edition.valid_from, edition.valid_to) == (dt.date(2026, 7, 1), None)
    assert [(c.field, c.before, c.after) for c in done.changes] == [
        ("valid_from", "2026-10-01", "2026-07-01"),
        ("valid_to", "2026-12-31", ""),
    ]
    assert [(data["field"], data["system"], data["name"]) for _, data, _ in events()] == [
        ("valid_from", "mue", "practitioner"),
        ("valid_to", "mue", "practitioner"),
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"valid_to": dt.date(2026, 9, 30)}, "would end before it begins"),
        ({"valid_from": dt.date(2026, 10, 1)}, "has these days already"),
        ({"status": ReleaseStatus.COMPLETE}, "is complete already"),
        ({}, "Say what to correct"),
        ({"status": ReleaseStatus.WITHDRAWN, "comment": " "}, "needs a comment"),
        ({"status": ReleaseStatus.WITHDRAWN, "valid_to": dt.date(2020, 1, 1)}, "would end before it begins"),
    ],
)
def test_what_would_be_wrong_is_refused_whole(admin, asked, said):
    edition = table()
    with pytest.raises(CorrectionRefused, match=said):
        correct_catalog(admin, Loaded.TABLE, edition.pk, **{"comment": "why", **asked})
    edition.refresh_from_db()
    assert (edition.status, edition.valid_from, edition.valid_to) == (
        "complete",
        dt.date(2026, 10, 1),
        dt.date(2026, 12, 31),
    )
    assert events() == []


@pytest.mark.parametrize("who", ["coder", "lead", "expert", "auditor", "outsider"])
def test_others_may_not(request, who):
    edition = table()
    with pytest.raises(NotAllowed):
        correct_catalog(
            request.getfixturevalue(who),
            Loaded.TABLE,
            edition.pk,
            status=ReleaseStatus.WITHDRAWN,
            comment="why",
        )
    edition.refresh_from_db()
    assert (edition.status, events()) == ("complete", [])


def test_what_is_not_loaded_is_said(admin):
    with pytest.raises(NotLoaded, match="No table 999999 is loaded"):
        correct_catalog(admin, Loaded.TABLE, 999_999, status=ReleaseStatus.WITHDRAWN, comment="why")


def test_by_command_with_the_number_that_catalog_status_prints():
    edition = table()
    out = StringIO()
    call_command("catalog_status", stdout=out)
    assert (
        f"Medically unlikely edits practitioner, 2026 Q4\n  number    table {edition.pk}\n" in out.getvalue()
    )
    out = StringIO()
    call_command(
        "correct_catalog", "table", str(edition.pk), "--valid-to", "open", "--comment", "why", stdout=out
    )
    assert out.getvalue() == (
        "Medically unlikely edits practitioner, 2026 Q4: valid_to 2026-12-31 -> open.\n"
    )
    call_command("correct_catalog", "table", str(edition.pk), "--withdraw", "--comment", "why", stdout=out)
    assert TableEdition.objects.get().status == "withdrawn"
    assert [actor for actor, _, _ in events()] == [None, None]
    with pytest.raises(CommandError, match="is withdrawn already"):
        call_command("correct_catalog", "table", str(edition.pk), "--withdraw", "--comment", "why")


def test_loading_a_withdrawn_file_again_says_how_to_bring_it_back(monkeypatch, db):
    monkeypatch.setitem(registry.BUILT_IN, "icd10cm", small_source)
    call_command("load_catalog", "icd10cm", stdout=StringIO())
    release = Release.objects.get(source_hash="f" * 64)
    correct_catalog(None, Loaded.RELEASE, release.pk, status=ReleaseStatus.WITHDRAWN, comment="why")
    out = StringIO()
    call_command("load_catalog", "icd10cm", stdout=out)
    assert f"It is withdrawn: manage.py correct_catalog release {release.pk} --take-back" in out.getvalue()
    release.refresh_from_db()
    assert release.status == "withdrawn"
