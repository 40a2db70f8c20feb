"""Loading a code system is an action: permission first, one event for a new release, none for a known one."""

import pytest

from catalog.choices import CodeSystem, TableKind
from catalog.errors import LoadRefused
from catalog.loaders import registry
from catalog.models import Code, Release, TableEdition
from coding_review.actions.load_catalog import load_catalog
from coding_review.errors import NotAllowed
from coding_review.models import AuditEvent
from tests.catalog.test_table_store import MUE, source
from tests.catalog_fixtures import small_source


@pytest.fixture
def small_built_in(monkeypatch, icd10cm):
    """The small edition in the place of the built-in source, beside the full one."""
    monkeypatch.setitem(registry.BUILT_IN, CodeSystem.ICD10CM, small_source)


def events():
    return list(AuditEvent.objects.filter(type="catalog.loaded").values_list("actor__username", "data"))


def test_a_new_release_is_one_event(admin, small_built_in):
    result = load_catalog(admin, "icd10cm")
    assert (result.already_loaded, result.release.edition) == (False, "FY2027 sample")
    assert events() == [
        (
            admin.username,
            {"system": "icd10cm", "release": "FY2027 sample", "nodes": 5, "source_hash": "f" * 64},
        )
    ]


def test_a_known_release_is_no_event(admin, small_built_in):
    load_catalog(admin, "icd10cm")
    assert load_catalog(admin, "icd10cm").already_loaded is True
    assert len(events()) == 1


def test_the_operator_at_the_command_line_is_the_system(small_built_in):
    load_catalog(None, "icd10cm")
    assert [actor for actor, _ in events()] == [None]


@pytest.mark.parametrize("who", ["coder", "expert", "auditor", "lead", "outsider"])
def test_others_may_not_and_nothing_changes(request, small_built_in, who):
    before = (Release.objects.count(), Code.objects.count())
    with pytest.raises(NotAllowed):
        load_catalog(request.getfixturevalue(who), "icd10cm")
    assert (Release.objects.count(), Code.objects.count()) == before
    assert events() == []


def test_a_refused_source_leaves_no_event(admin, monkeypatch, icd10cm):
    before = (Release.objects.count(), Code.objects.count())
    monkeypatch.setitem(registry.BUILT_IN, CodeSystem.ICD10CM, lambda: small_source(read=lambda: iter(())))
    with pytest.raises(LoadRefused):
        load_catalog(admin, "icd10cm")
    assert (Release.objects.count(), Code.objects.count()) == before
    assert events() == []


@pytest.fixture
def built_in_table(monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN_TABLES, TableKind.MUE, {"": lambda: source(*MUE, name="")})


def table_events():
    found = AuditEvent.objects.filter(type="catalog.table_loaded")
    return list(found.values_list("actor__username", "data"))


def test_a_new_table_is_one_event_and_a_known_one_none(admin, built_in_table):
    assert load_catalog(admin, "mue").already_loaded is False
    assert load_catalog(admin, "mue").already_loaded is True
    data = {"kind": "mue", "name": "", "edition": "2026 Q4", "rows": 2, "source_hash": "a" * 64}
    assert table_events() == [(admin.username, data)]


@pytest.mark.parametrize("who", ["coder", "lead", "auditor"])
def test_others_may_not_load_a_table(request, built_in_table, who):
    with pytest.raises(NotAllowed):
        load_catalog(request.getfixturevalue(who), "mue")
    assert (TableEdition.objects.count(), table_events()) == (0, [])
