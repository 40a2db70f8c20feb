"""What one release changed against another, and how codes of elsewhere stand in a release."""

import datetime as dt
import io
from dataclasses import replace

import pytest
from django.core.management import call_command

from catalog.changes import CodeChange, compare, release_before
from catalog.choices import ReleaseStatus, TableKind
from catalog.loaders.store import load
from catalog.loaders.table_rows import IndexRow
from catalog.loaders.table_store import load_table
from catalog.models import IndexEntry, Release
from catalog.standing import Standing, standing_in, standing_now_and_then, standing_of_entries
from tests.catalog.test_table_store import source as table_source
from tests.catalog_fixtures import SMALL_ROWS, small_source

pytestmark = pytest.mark.django_db

AFTER_ROWS = (
    *SMALL_ROWS[:3],
    replace(SMALL_ROWS[3], billable=False),
    replace(SMALL_ROWS[3], code="E11.70", title="Type 2 diabetes in early remission", depth=4),
    replace(SMALL_ROWS[4], title="Type 2 diabetes, uncomplicated"),
)


@pytest.fixture
def before():
    return load(small_source(valid_to=dt.date(2027, 9, 30))).release


@pytest.fixture
def after(before):
    changed = small_source(
        edition="FY2028 sample",
        valid_from=dt.date(2027, 10, 1),
        fingerprint="e" * 64,
        read=lambda: iter(AFTER_ROWS),
    )
    return load(changed).release


def test_changes_from_one_release_to_the_next(before, after):
    changes = compare(before, after)
    assert changes.new == (CodeChange("E11.70", "", "Type 2 diabetes in early remission"),)
    remission = "Type 2 diabetes mellitus in remission"
    assert changes.header == (CodeChange("E11.7", remission, remission),)
    assert changes.retitled == (
        CodeChange("E11.9", "Type 2 diabetes mellitus, uncomplicated", "Type 2 diabetes, uncomplicated"),
    )
    assert (changes.deleted, changes.billable) == ((), ())
    assert changes.counts == "1 new, 0 deleted, 1 retitled, 0 now billable, 1 no longer billable"


def test_changes_the_other_way_round(before, after):
    changes = compare(after, before)
    assert [change.code for change in changes.deleted] == ["E11.70"]
    assert [change.code for change in changes.billable] == ["E11.7"]
    assert (changes.new, changes.header) == ((), ())


def test_a_release_against_itself_changed_nothing(before):
    changes = compare(before, before)
    assert list(changes.lines()) == []


def test_the_release_before_is_the_newest_of_those_earlier(before, after):
    # A catalog that other tests loaded is no part of this line of releases.
    Release.objects.exclude(pk__in=[before.pk, after.pk]).update(status=ReleaseStatus.WITHDRAWN)
    assert release_before(after) == before
    assert release_before(before) is None


def test_the_built_in_release_against_the_small_one(icd10cm, before):
    changes = compare(icd10cm, before)
    assert [change.code for change in changes.new] == ["E11.7"]
    assert (len(changes.deleted), [change.code for change in changes.retitled]) == (74_718, ["E11.9"])


def test_status_prints_changes(before, after):
    out = io.StringIO()
    call_command("catalog_status", "--changes", "2", stdout=out)
    assert (
        "  changes   against FY2027 sample: 1 new, 0 deleted, 1 retitled, 0 now billable, 1 no longer billable\n"
        "            new: E11.70 Type 2 diabetes in early remission\n"
        "            no longer billable: E11.7 Type 2 diabetes mellitus in remission\n"
        "            and 1 more\n"
    ) in out.getvalue()
    assert "  changes   no release before it is loaded\n" in out.getvalue()


@pytest.mark.parametrize(
    ("asked", "standing", "code"),
    [
        ("E11.9", Standing.BILLABLE, "E11.9"),
        ("e119", Standing.BILLABLE, "E11.9"),
        ("[E11.9]", Standing.BILLABLE, "E11.9"),
        ("E11", Standing.INCOMPLETE, "E11"),
        ("E11.-", Standing.INCOMPLETE, "E11"),
        # Printed as unfinished, though this release bills it as it is.
        ("E11.9-", Standing.INCOMPLETE, "E11.9"),
        ("E10.9", Standing.ABSENT, ""),
        ("", Standing.ABSENT, ""),
    ],
)
def test_how_a_code_stands(before, asked, standing, code):
    found = standing_in(before, [asked])[asked]
    assert (found.standing, found.code) == (standing, code)


def test_index_codes_are_checked_against_the_release_they_are_used_with(
    before, after, django_assert_num_queries
):
    rows = (
        IndexRow(0, "Diabetes", codes=("E11.9",)),
        IndexRow(1, "in remission", codes=("E11.7", "[E10.9]")),
        IndexRow(1, "odd", see="Gout"),
    )
    edition = load_table(table_source(*rows, kind=TableKind.INDEX, name="")).edition
    entries = list(IndexEntry.objects.of(edition))
    with django_assert_num_queries(1):
        old = standing_of_entries(before, entries)
    new = standing_of_entries(after, entries)
    assert [[found.words for found in old[entry.pk]] for entry in entries] == [
        ["billable"],
        ["billable", "not in this release"],
        [],
    ]
    assert [found.words for found in new[entries[1].pk]] == ["needs more characters", "not in this release"]


def test_an_old_list_is_checked_against_its_own_and_another_release(before, after):
    pairs = standing_now_and_then(before, after, ["E11.7", "E11.9", "E11.70", "E11.7"])
    assert [(then.asked, then.standing, now.standing) for then, now in pairs] == [
        ("E11.7", Standing.BILLABLE, Standing.INCOMPLETE),
        ("E11.9", Standing.BILLABLE, Standing.BILLABLE),
        ("E11.70", Standing.ABSENT, Standing.BILLABLE),
    ]
    assert pairs[1][1].title == "Type 2 diabetes, uncomplicated"
