"""Procedures entered by hand are checked against the release of their day; a sample only gives titles."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.urls import reverse

from catalog.choices import CodeSystem
from coding_review.actions.add_code import add_code
from coding_review.actions.modify import modify
from coding_review.actions.set_line import ProcedureDetails, set_procedure
from coding_review.actions.sign_off import sign_off
from coding_review.errors import InvalidCode, SignOffBlocked
from coding_review.models import CodeEntry, Decision, Reading
from tests.coding_review.test_export_code_sets import exported
from tests.procedure_releases import load_procedures, procedure_rows

pytestmark = pytest.mark.django_db
SAMPLE_TITLE = (
    "Taking out the gallbladder by keyhole surgery, no X-ray of the ducts (sample, not for billing)"
)


@pytest.fixture
def code_set(icd10cm, make_encounter, coder):
    """A professional code set of 9 June 2026 that the coder holds."""
    return make_encounter(claim_types=("professional",), status="in_review", owner=coder).code_sets.get()


@pytest.fixture
def released(db):
    return load_procedures(CodeSystem.CPT, procedure_rows("00001", "00002"))


def first_listed(code_set):
    reading = Reading.objects.get(code_set=code_set)
    CodeEntry.objects.create(
        reading=reading, origin="added", state="added", code="I10", role="first_listed", sequence=99
    )


def test_a_code_of_the_release_gets_its_title(code_set, released, coder):
    entry = add_code(coder, code_set.pk, code=" 00001", system="cpt")
    assert (entry.code, entry.title, entry.state) == ("00001", "Made up 00001", "added")
    assert Decision.objects.get().release_name == "CPT made up from 2026-01-01"


def test_a_code_that_the_release_lacks_is_refused(code_set, released, coder):
    with pytest.raises(InvalidCode, match="99213 is not in CPT made up from 2026-01-01"):
        add_code(coder, code_set.pk, code="99213", system="cpt")
    assert (CodeEntry.objects.count(), Decision.objects.count()) == (0, 0)


def test_without_a_release_the_shape_is_checked_and_there_is_no_title(code_set, coder):
    entry = add_code(coder, code_set.pk, code="99213", system="cpt")
    assert (entry.code, entry.title) == ("99213", "")
    assert Decision.objects.get().release_name == ""
    with pytest.raises(InvalidCode, match="five characters"):
        add_code(coder, code_set.pk, code="992", system="cpt")


def test_a_sample_titles_its_codes_and_refuses_none(code_set, cpt_sample, coder):
    assert add_code(coder, code_set.pk, code="47562", system="cpt").title == SAMPLE_TITLE
    assert add_code(coder, code_set.pk, code="99213", system="cpt").title == ""


def test_a_code_that_ended_within_its_release_is_refused(code_set, coder):
    load_procedures(
        CodeSystem.HCPCS,
        procedure_rows("A0001", valid_from=date(2020, 1, 1), valid_to=date(2026, 6, 8))
        + procedure_rows("A0002", valid_from=date(2020, 1, 1), valid_to=date(2026, 6, 9)),
    )
    with pytest.raises(InvalidCode, match="A0001 is not valid on 2026-06-09"):
        add_code(coder, code_set.pk, code="A0001", system="hcpcs")
    assert add_code(coder, code_set.pk, code="A0002", system="hcpcs").title == "Made up A0002"


def test_the_lines_own_date_chooses_the_release(code_set, released, coder):
    load_procedures(CodeSystem.CPT, procedure_rows("00001"), begins=date(2027, 1, 1), ends=date(2027, 12, 31))
    entry = add_code(coder, code_set.pk, code="00002", system="cpt")
    with pytest.raises(InvalidCode, match="00002 is not in CPT made up from 2027-01-01"):
        set_procedure(coder, code_set.pk, entry.pk, details=ProcedureDetails(service_date=date(2027, 1, 2)))
    entry.refresh_from_db()
    assert (entry.service_date, Decision.objects.count()) == (None, 1)
    changed = set_procedure(
        coder, code_set.pk, entry.pk, details=ProcedureDetails(service_date=date(2026, 6, 8))
    )
    assert (changed.service_date, changed.title) == (date(2026, 6, 8), "Made up 00002")


def test_a_procedure_is_replaced_within_its_system(code_set, released, coder):
    entry = add_code(coder, code_set.pk, code="00001", system="cpt")
    with pytest.raises(InvalidCode, match="five characters"):
        modify(coder, code_set.pk, entry.pk, code="I10")
    changed = modify(coder, code_set.pk, entry.pk, code="00002")
    assert (changed.system, changed.code, changed.title) == ("cpt", "00002", "Made up 00002")


def test_sign_off_waits_for_a_procedure_that_its_release_does_not_have(code_set, coder):
    add_code(coder, code_set.pk, code="99213", system="cpt")
    first_listed(code_set)
    load_procedures(CodeSystem.CPT, procedure_rows("00001"))
    with pytest.raises(SignOffBlocked) as blocked:
        sign_off(coder, code_set.pk)
    assert [b["id"] for b in blocked.value.data["blockers"]] == ["invalid", "findings"]
    code_set.refresh_from_db()
    assert code_set.status == "open"


def test_a_signed_sample_code_says_so_in_editions_and_on_its_line_of_the_export(code_set, cpt_sample, coder):
    add_code(coder, code_set.pk, code="47562", system="cpt")
    add_code(coder, code_set.pk, code="99213", system="cpt")
    first_listed(code_set)
    signed = sign_off(coder, code_set.pk)
    assert signed.editions["procedures"] == {
        "2": {"edition": "CPT sample of 2026", "origin": "sample", "source_hash": cpt_sample.source_hash}
    }
    rows = exported(coder, signed)
    assert [(r["code"], r["title"], r["line_release"], r["line_release_origin"]) for r in rows] == [
        ("I10", "", "ICD-10-CM FY2026, April release", "published"),
        ("47562", SAMPLE_TITLE, "CPT sample of 2026", "sample"),
        ("99213", "", "", ""),
    ]


def test_the_pick_for_a_procedure_offers_its_own_system(client, code_set, cpt_sample, coder):
    entry = add_code(coder, code_set.pk, code="45378", system="cpt")
    client.force_login(coder)
    url = reverse("web:code-pick", args=[code_set.pk])
    asked = {"purpose": "modify", "entry": entry.pk, "q": "colonoscopy with biopsy"}
    page = client.post(url, asked, headers={"hx-request": "true"}).content.decode()
    assert "45380" in page
    assert "(sample, not for billing)" in page
    assert "Z12.11" not in page


@pytest.fixture
def pick(client, coder):
    client.force_login(coder)

    def ask(code_set, q, **more):
        asked = {"purpose": "add", "q": q, **more}
        url = reverse("web:code-pick", args=[code_set.pk])
        return client.post(url, asked, headers={"hx-request": "true"}).content.decode()

    return ask


def offered(page):
    """(value of the button, whether it may be chosen) of each result."""
    found = re.findall(r'<button class="pick[^"]*" name="(code|refine)" value="([^"]+)"( disabled)?', page)
    return [(value, name == "code" and not disabled) for name, value, disabled in found]


def headings(page):
    return re.findall(r'<li class="pick-system">([^<]+)</li>', page)


def test_one_more_code_may_be_of_every_system_that_the_claim_carries(code_set, cpt_sample, pick):
    page = pick(code_set, "47562")
    assert ("cpt:47562", True) in offered(page)
    assert headings(page) == ["CPT"]
    page = pick(code_set, "colonoscopy with biopsy")
    assert headings(page)[0] == "CPT"
    assert ("cpt:45380", True) in offered(page)
    page = pick(code_set, "essential hypertension")
    assert headings(page)[0] == "ICD-10-CM"
    assert offered(page)[0] == ("icd10cm:I10", True)


def test_an_inpatient_claim_is_offered_pcs_and_never_cpt(icd10cm, make_encounter, coder, cpt_sample, pick):
    stay = make_encounter(status="in_review", owner=coder).code_sets.get()
    load_procedures(CodeSystem.ICD10PCS, procedure_rows("0FT44ZZ"))
    assert offered(pick(stay, "0FT44ZZ")) == [("icd10pcs:0FT44ZZ", True)]
    assert "cpt:" not in pick(stay, "47562")


def test_a_procedure_no_release_knows_is_offered_as_typed(code_set, pick):
    page = pick(code_set, "99213")
    assert offered(page) == [("cpt:99213", True)]
    assert "no CPT release is loaded for the day: taken unchecked" in page
    assert offered(pick(code_set, "j1885")) == [("hcpcs:J1885", True)]


def test_a_sample_cannot_say_that_a_procedure_does_not_exist(code_set, cpt_sample, pick):
    page = pick(code_set, "99213")
    assert offered(page) == [("cpt:99213", True)]
    assert "not in the sample: taken unchecked" in page
    # One that it has is offered with its title, once.
    assert [value for value, _ in offered(pick(code_set, "47562"))] == ["cpt:47562"]


def test_a_published_release_is_believed(code_set, released, pick):
    assert offered(pick(code_set, "99213")) == []


def test_a_procedure_in_the_set_is_not_offered_again(code_set, cpt_sample, coder, pick):
    add_code(coder, code_set.pk, code="47562", system="cpt")
    assert offered(pick(code_set, "47562")) == [("cpt:47562", False)]


def test_what_the_words_leave_open_is_offered_with_the_code(code_set, pick):
    page = pick(code_set, "intertrochanteric fracture of right femur")
    assert 'aria-label="7th characters for S72.141' in page
    assert 'name="code" value="icd10cm:S72.141D" data-character="D"' in page
    page = pick(code_set, "primary osteoarthritis of knee")
    assert 'name="code" value="icd10cm:M17.12">left</button>' in page


def test_a_header_leads_on_and_is_never_chosen(code_set, pick):
    page = pick(code_set, "E11.2")
    assert offered(page)[0] == ("E11.2", False)
    assert f'formaction="{reverse("web:code-pick", args=[code_set.pk])}" data-refine="E11.2"' in page
    # Without scripts the header is sent as it is, and its codes are listed.
    assert offered(pick(code_set, "ignored", refine="E11.2")) == offered(page)
    assert [value for value, may in offered(page) if may] == [
        "icd10cm:E11.21",
        "icd10cm:E11.22",
        "icd10cm:E11.29",
    ]
