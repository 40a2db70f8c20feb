"""A code over the releases: new, retitled, divided, deleted, and what stood in its place."""

from __future__ import annotations

import datetime as dt

import pytest

from catalog.choices import NodeKind, ReleaseStatus
from catalog.history import Happened, history_of
from catalog.loaders.rows import NodeRow
from catalog.loaders.store import load
from catalog.models import Release
from tests.catalog.test_pages import text
from tests.catalog_fixtures import SMALL_ROWS, small_source

pytestmark = pytest.mark.django_db


def rows(*codes):
    """Under E11 of the small edition; (code, title, billable), one level more for each character more."""
    return (
        *SMALL_ROWS[:3],
        *(
            NodeRow(code, NodeKind.SUBCATEGORY, title, len(code) - 2, billable)
            for code, title, billable in codes
        ),
    )


def year(number, *codes, **changes):
    made = rows(*codes)
    return load(
        small_source(
            edition=f"FY{number}",
            valid_from=dt.date(number - 1, 10, 1),
            valid_to=dt.date(number, 9, 30),
            fingerprint=f"{number}".ljust(64, changes.pop("hash", "0")),
            read=lambda: iter(made),
            size=len(made),
        )
    ).release


@pytest.fixture
def years(db):
    """E11.7 is divided, then its parts are joined again; E11.8 goes; E11.9 is called otherwise."""
    Release.objects.update(status=ReleaseStatus.WITHDRAWN)
    return (
        year(2030, ("E11.7", "In remission", True), ("E11.8", "Odd", True), ("E11.9", "Plain", True)),
        year(
            2031,
            ("E11.7", "In remission", False),
            ("E11.70", "Early", True),
            ("E11.71", "Late", True),
            ("E11.9", "Uncomplicated", True),
        ),
        year(2032, ("E11.7", "In remission", True), ("E11.9", "Uncomplicated", True)),
    )


def told(code):
    return [
        (step.release.edition, step.happened, step.title, step.title_before, [o.code for o in step.others])
        for step in history_of("icd10cm", code)
    ]


def test_retitled_with_both_titles(years):
    assert told("E11.9") == [
        ("FY2032", Happened.UNCHANGED, "Uncomplicated", "", []),
        ("FY2031", Happened.RETITLED, "Uncomplicated", "Plain", []),
        ("FY2030", Happened.EARLIEST, "Plain", "", []),
    ]


def test_divided_with_what_is_billed_instead_and_joined_again(years):
    assert told("e117") == [
        ("FY2032", Happened.BILLABLE, "In remission", "", []),
        ("FY2031", Happened.HEADER, "In remission", "", ["E11.70", "E11.71"]),
        ("FY2030", Happened.EARLIEST, "In remission", "", []),
    ]


def test_new_and_deleted_with_the_code_above_that_was_and_is_billed(years):
    assert told("E11.70") == [
        ("FY2032", Happened.DELETED, "", "Early", ["E11.7"]),
        ("FY2031", Happened.NEW, "Early", "", ["E11.7"]),
    ]


def test_deleted_without_a_successor_that_the_hierarchy_knows(years):
    assert told("E11.8") == [
        ("FY2031", Happened.DELETED, "", "Odd", []),
        ("FY2030", Happened.EARLIEST, "Odd", "", []),
    ]


def test_a_code_of_no_release_has_no_history(years):
    assert told("E11.6") == []


def test_a_withdrawn_release_is_left_out_and_a_corrected_reload_counts(years):
    _, middle, _ = years
    Release.objects.filter(pk=middle.pk).update(status=ReleaseStatus.WITHDRAWN)
    assert [edition for edition, *_ in told("E11.9")] == ["FY2032", "FY2030"]
    year(2032, ("E11.9", "Corrected", True), hash="1")
    assert told("E11.9")[0] == ("FY2032", Happened.RETITLED, "Corrected", "Plain", [])


def test_the_block_and_the_category_of_one_name_have_histories_of_their_own(icd10cm):
    assert [step.title for step in history_of("icd10cm", "B20", NodeKind.BLOCK)] == [
        "Human immunodeficiency virus [HIV] disease (B20)"
    ]
    assert [step.billable for step in history_of("icd10cm", "B20")] == [True]


def test_the_pages_say_it(years, client, coder):
    client.force_login(coder)
    page = client.get(f"/codes/icd10cm/E11.70/?release={years[1].pk}")
    assert "FY2032 from 1 Oct 2031 deleted : Early instead E11.7" in text(page)
    assert "FY2031 from 1 Oct 2030 new : Early before it E11.7" in text(page)
    assert f'href="/codes/icd10cm/E11.7/?release={years[2].pk}"' in page.content.decode()
    gone = client.get(f"/codes/icd10cm/E11.70/?release={years[2].pk}")
    assert gone.status_code == 404
    assert "In other releases FY2032 from 1 Oct 2031 deleted : Early instead E11.7" in text(gone)


def test_with_one_release_there_is_no_history_to_show(icd10cm, client, coder):
    Release.objects.exclude(pk=icd10cm.pk).update(status=ReleaseStatus.WITHDRAWN)
    client.force_login(coder)
    assert "History" not in text(client.get("/codes/icd10cm/E11.22/"))
