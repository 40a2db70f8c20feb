"""The index browser and the index lines on a code's page, without scripts."""

import datetime as dt

import pytest

from catalog.choices import TableKind
from catalog.loaders.table_rows import IndexRow
from catalog.loaders.table_store import load_table
from catalog.models import IndexEntry
from tests.catalog.test_pages import text
from tests.catalog.test_table_store import source

INDEX = (
    IndexRow(0, "Diabetes, diabetic", "(mellitus) (sugar)", ("E11.9",)),
    IndexRow(1, "type 2"),
    IndexRow(2, "with"),
    IndexRow(3, "chronic kidney disease", codes=("E11.22",)),
    IndexRow(3, "old wording", codes=("E11.99",)),
    IndexRow(0, "Fracture", see_also="Break"),
    IndexRow(1, "femur, shaft", codes=("S72.30-",)),
)
DRUGS = (IndexRow(0, "Quinsome", codes=("T37.2X1",), columns=("Poisoning Accidental (unintentional)",)),)


def load_index(**changes):
    """In force with the built-in release, unless told otherwise."""
    values = {"kind": TableKind.INDEX, "name": "", "edition": "FY2026", "valid_from": dt.date(2025, 10, 1)}
    return load_table(source(*INDEX, **{**values, "valid_to": dt.date(2026, 9, 30), **changes})).edition


@pytest.fixture
def reader(client, coder, settings):
    """A coder, and pages without collectstatic."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    client.force_login(coder)
    return client


@pytest.fixture
def index(icd10cm):
    return load_index()


@pytest.fixture
def older(icd10cm):
    return load_index(edition="FY2025", valid_from=dt.date(2024, 10, 1), valid_to=dt.date(2025, 9, 30))


@pytest.fixture
def drugs(index):
    return load_table(source(*DRUGS, kind=TableKind.DRUGS, name="", fingerprint="d" * 64)).edition


def entry(edition, term):
    return IndexEntry.objects.get(edition=edition, term=term)


def test_a_codes_page_names_the_lines_that_lead_to_it(reader, index):
    shown = text(reader.get("/codes/icd10cm/E11.22/"))
    assert "In the index Diabetes, diabetic, type 2, with, chronic kidney disease E11.22" in shown
    assert "index of" not in shown


def test_an_index_of_another_year_is_marked(reader, older):
    shown = text(reader.get("/codes/icd10cm/E11.22/"))
    assert "Diabetes, diabetic, type 2, with, chronic kidney disease E11.22 index of FY2025" in shown
    assert "This index is of another year (FY2025) than the release." in text(reader.get("/codes/index/"))


def test_the_index_of_the_releases_own_year_comes_before_a_newer_one(reader, index):
    load_index(edition="FY2027", valid_from=dt.date(2026, 10, 1), valid_to=None, fingerprint="c" * 64)
    shown = text(reader.get("/codes/index/"))
    assert "FY2026, 7 lines · codes checked against ICD-10-CM FY2026, April release" in shown


def test_a_code_with_7th_character_has_the_lines_of_the_code_it_completes(reader, drugs):
    shown = text(reader.get("/codes/icd10cm/T37.2X1A/"))
    assert "Quinsome Poisoning Accidental (unintentional) T37.2X1 needs more characters" in shown


def test_a_code_below_an_unfinished_one_has_its_line(reader, index):
    shown = text(reader.get("/codes/icd10cm/S72.301/"))
    assert "Fracture, femur, shaft S72.30- needs more characters" in shown


def test_no_index_loaded_no_heading(reader, icd10cm):
    assert "In the index" not in text(reader.get("/codes/icd10cm/E11.22/"))
    response = reader.get("/codes/index/")
    assert response.status_code == 404
    assert "No index is loaded." in text(response)


def test_main_terms_by_letter(reader, drugs):
    response = reader.get("/codes/index/")
    shown = text(response)
    assert "Main terms with D Diabetes, diabetic (mellitus) (sugar) E11.9" in shown
    assert "Fracture" not in shown
    assert 'href="?letter=F"' in response.content.decode()
    assert "Main terms with F Fracture see also Break" in text(reader.get("/codes/index/index/?letter=f"))
    assert "Main terms with Q Quinsome" in text(reader.get("/codes/index/drugs/"))


def test_words_of_the_index(reader, index):
    shown = text(reader.get("/codes/index/index/", {"words": "kidney diab"}))
    assert "Lines with “kidney diab” Diabetes, diabetic, type 2, with, chronic kidney disease E11.22" in shown
    assert "old wording" not in shown
    assert "No line has these words." in text(reader.get("/codes/index/index/", {"words": "zzyzx"}))


def test_a_reference_leads_to_its_words_or_at_least_to_its_main_term(reader, index):
    response = reader.get("/codes/index/index/?letter=F")
    assert 'href="/codes/index/index/?words=Break"' in response.content.decode()
    shown = text(reader.get("/codes/index/index/", {"words": "Diabetes, by type, with frost"}))
    assert "Lines with “Diabetes” No line has all the words of “Diabetes, by type, with frost”." in shown
    assert "Diabetes, diabetic, type 2, with, old wording" in shown


def test_a_line_has_its_own_address_with_what_is_above_and_below(reader, index):
    response = reader.get(f"/codes/index/index/{entry(index, 'type 2').pk}/")
    shown = text(response)
    assert "ICD-10-CM Alphabetic Index › Diabetes, diabetic › type 2 Diabetes, diabetic, type 2" in shown
    assert "Below it with chronic kidney disease E11.22 old wording E11.99 not in this release" in shown
    body = response.content.decode()
    assert 'href="/codes/icd10cm/E11.22/"' in body
    assert "/codes/icd10cm/E11.99/" not in body


def test_the_release_named_is_carried_along(reader, index, icd10cm):
    body = reader.get(f"/codes/index/?release={icd10cm.pk}").content.decode()
    assert f'href="/codes/icd10cm/E11.9/?release={icd10cm.pk}"' in body
    assert f'href="?letter=F&amp;release={icd10cm.pk}"' in body


@pytest.mark.parametrize(
    "address",
    [
        "/codes/index/neoplasms/",
        "/codes/index/index/999999999/",
        "/codes/index/?letter=ab",
        "/codes/index/?on=x",
    ],
)
def test_what_is_not_there_is_not_found(reader, index, address):
    assert reader.get(address).status_code == 404


def test_a_line_of_another_kind_is_not_found(reader, drugs):
    pk = entry(drugs, "Quinsome").pk
    assert reader.get(f"/codes/index/drugs/{pk}/").status_code == 200
    assert reader.get(f"/codes/index/index/{pk}/").status_code == 404


def test_pages_are_for_signed_in_people(client, index):
    response = client.get("/codes/index/")
    assert (response.status_code, response.headers["Location"].startswith("/sign-in/")) == (302, True)


def test_the_lines_of_a_page_cost_few_queries(reader, index, django_assert_max_num_queries):
    reader.get("/codes/icd10cm/E11.22/")
    with django_assert_max_num_queries(22):
        reader.get("/codes/icd10cm/E11.22/")
