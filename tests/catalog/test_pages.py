"""The encoder's pages without scripts: search, code, wrong code, wrong date."""

import datetime as dt
import re
from html import unescape

import pytest
from django.urls import reverse

from catalog.choices import ReleaseStatus
from catalog.loaders.registry import open_source
from catalog.loaders.store import load
from catalog.models import Code, Release

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def _plain_static_files(settings):
    """Pages without collectstatic: names of static files are not what is tested here."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def reader(client, coder):
    client.force_login(coder)
    return client


def text(response) -> str:
    """What one reads: tags away, white space folded."""
    body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", response.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def hits(response) -> list[str]:
    return re.findall(r'class="hit[^"]*"[^>]*>\s*<span class="code">([^<]+)<', response.content.decode())


@pytest.mark.parametrize("address", ["/codes/", "/codes/icd10cm/E11.22/"])
def test_pages_are_for_signed_in_people(client, icd10cm, address):
    response = client.get(address)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/")


def test_hits_are_for_signed_in_people(client, icd10cm):
    response = client.post("/codes/search/", {"q": "diabetes"})
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("address", ["/codes/search/"])
def test_words_of_a_document_never_travel_in_an_address(reader, icd10cm, address):
    assert reader.get(address, {"q": "diabetes"}).status_code == 405


def test_search_page_lists_hits_with_reason_and_links(reader, icd10cm):
    response = reader.get("/codes/", {"q": "t2dm w/ ckd"})
    assert response.status_code == 200
    assert hits(response)[0] == "E11.22"
    assert "T2DM read as type 2 diabetes mellitus; CKD read as chronic kidney disease" in text(response)
    assert 'href="/codes/icd10cm/E11.22/?q=t2dm+w%2F+ckd"' in response.content.decode()


def test_search_page_without_query_lists_the_chapters(reader, icd10cm):
    response = reader.get("/codes/")
    assert response.content.decode().count('href="/codes/icd10cm/') == 22
    assert "74719 billable codes" in text(response)


def test_search_page_says_when_nothing_is_found(reader, icd10cm):
    assert "No code found" in text(reader.get("/codes/", {"q": "zzyzx"}))


def test_code_page_shows_path_instructions_and_neighbours(reader, icd10cm):
    response = reader.get("/codes/icd10cm/E11.22/")
    shown = text(response)
    assert response.status_code == 200
    assert "E11.22 Type 2 diabetes mellitus with diabetic chronic kidney disease ✓ billable" in shown
    assert (
        "Chapter 4: Endocrine, nutritional and metabolic diseases (E00-E89) › Diabetes mellitus (E08-E13) "
        "› E11 › E11.2 › E11.22" in shown
    )
    assert "Use additional code here code to identify stage of chronic kidney disease" in shown
    assert "Excludes1 from E11 diabetes mellitus due to underlying condition" in shown
    assert "Excludes1 from chapter 4 transitory endocrine" in shown
    assert "E11.21 Type 2 diabetes mellitus with diabetic nephropathy" in shown
    body = response.content.decode()
    assert '<a href="/codes/icd10cm/N18.1/">N18.1</a>' in body
    assert '<a href="/codes/icd10cm/E08/">E08</a>.-' in body


def test_code_page_of_a_header_says_what_is_missing(reader, icd10cm):
    assert "✕ not billable: a more specific code is needed" in text(reader.get("/codes/icd10cm/E11.2/"))
    shown = text(reader.get("/codes/icd10cm/S72.141/"))
    assert "✕ not billable: needs a 7th character" in shown
    assert (
        "B initial encounter for open fracture type I or II (initial encounter for open fracture NOS)"
        in shown
    )


def test_seventh_characters_are_listed_once(reader, icd10cm):
    body = reader.get("/codes/icd10cm/S72.141/").content.decode()
    assert "More specific" not in body
    assert body.count('href="/codes/icd10cm/S72.141A/"') == 1
    # Around a complete code are the codes that the 7th characters complete.
    shown = reader.get("/codes/icd10cm/S72.141A/").content.decode()
    assert 'href="/codes/icd10cm/S72.142/"' in shown
    assert shown.count('href="/codes/icd10cm/S72.141D/"') == 1


@pytest.mark.parametrize("address", ["/codes/?q=ckd", "/codes/icd10cm/S72.141A/", "/codes/icd10cm/E11.23/"])
def test_no_template_comment_reaches_the_page(reader, icd10cm, address):
    shown = text(reader.get(address))
    assert "{#" not in shown
    assert "{%" not in shown


def test_seventh_characters_lead_to_complete_codes(reader, icd10cm):
    body = reader.get("/codes/icd10cm/S72.141A/").content.decode()
    assert '<a href="/codes/icd10cm/S72.141D/"><b>D</b>' in body
    assert '<a href="/codes/icd10cm/S72.141A/" aria-current="true"><b>A</b>' in body


def test_category_and_block_of_one_name_have_their_own_pages(reader, icd10cm):
    category = reader.get("/codes/icd10cm/B20/")
    assert "B20 Human immunodeficiency virus [HIV] disease ✓ billable" in text(category)
    assert 'href="/codes/icd10cm/B20/?kind=block"' in category.content.decode()
    block = text(reader.get("/codes/icd10cm/B20/", {"kind": "block"}))
    assert "✕ not billable" in block


@pytest.mark.parametrize("typed", ["e1122", "E11.22-", "%20E1122"])
def test_spelling_is_made_canonical(reader, icd10cm, typed):
    response = reader.get(f"/codes/icd10cm/{typed}/?q=ckd")
    assert response.status_code == 302
    assert response.headers["Location"] == "/codes/icd10cm/E11.22/?q=ckd"


def test_unknown_code_names_the_release_searched(reader, icd10cm):
    response = reader.get("/codes/icd10cm/E11.23/")
    shown = text(response)
    assert response.status_code == 404
    assert "E11.23 is not a code of this release" in shown
    assert "Searched: ICD-10-CM FY2026, April release, valid 1 Apr 2026 to 30 Sep 2026." in shown
    assert hits(response) == ["E11.2", "E11.21", "E11.22", "E11.29"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/codes/icd9/250.00/", "'icd9' is not a code system of this product."),
        ("/codes/icd10pcs/0DTJ4ZZ/", "No loaded release of ICD-10-PCS without a date."),
        ("/codes/icd10cm/E11.9/?on=2026-10-01", "No loaded release of ICD-10-CM valid on 2026-10-01."),
        ("/codes/?on=2026-03-31&q=E11", "No loaded release of ICD-10-CM valid on 2026-03-31."),
        ("/codes/icd10cm/E11.9/?release=0", "cannot be read"),
        ("/codes/icd10cm/E11.9/?on=yesterday", "cannot be read"),
        ("/codes/icd10cm/%3Cb%3E/", "<b> is not a code of this release"),
    ],
)
def test_what_is_not_there_is_said(reader, icd10cm, address, said):
    response = reader.get(address)
    assert response.status_code == 404
    assert said in text(response)


def test_release_by_date_and_by_number(reader, icd10cm, small_release):
    new = text(reader.get("/codes/icd10cm/E11.9/", {"on": "2026-10-01"}))
    assert "E11.9 Type 2 diabetes mellitus, uncomplicated" in new
    old = reader.get("/codes/icd10cm/E11.9/", {"release": icd10cm.pk})
    assert "E11.9 Type 2 diabetes mellitus without complications" in text(old)
    # The other release's title stands beside it, and links keep the release that was named.
    assert (
        "History FY2027 sample from 1 Oct 2026 retitled : Type 2 diabetes mellitus without complications "
        "Type 2 diabetes mellitus, uncomplicated FY2026, April release from 1 Apr 2026 in the earliest release "
        "loaded : Type 2 diabetes mellitus without complications" in text(old)
    )
    assert f'href="/codes/icd10cm/E11/?release={icd10cm.pk}"' in old.content.decode()


def test_newest_release_stands_in_for_today_only_aloud(reader, icd10cm):
    Release.objects.filter(pk=icd10cm.pk).update(
        valid_from=dt.date(2020, 1, 1), valid_to=dt.date(2020, 12, 31)
    )
    shown = text(reader.get("/codes/icd10cm/E11.9/"))
    assert "No loaded release is valid today" in shown
    assert "Shown is the newest one loaded, valid to 31 Dec 2020." in shown
    named = text(reader.get("/codes/icd10cm/E11.9/", {"on": "2020-06-01"}))
    assert "No loaded release is valid today" not in named


def test_no_release_at_all_is_said(reader, icd10cm):
    Release.objects.update(status=ReleaseStatus.WITHDRAWN)
    response = reader.get("/codes/")
    assert response.status_code == 404
    assert "No loaded release of ICD-10-CM" in text(response)


def test_hits_for_another_page_are_a_fragment_of_links(reader, icd10cm):
    response = reader.post("/codes/search/", {"q": "pneumonia"}, **HTMX)
    assert response.status_code == 200
    assert "<html" not in response.content.decode()
    assert hits(response)[:2] == ["J18.9", "J18"]


def test_hits_to_pick_are_buttons_for_billable_codes_only(reader, icd10cm):
    body = reader.post("/codes/search/", {"q": "E11.2", "pick": "1"}, **HTMX).content.decode()
    assert re.findall(r'type="submit" name="code" value="([^"]+)"', body) == ["E11.21", "E11.22", "E11.29"]
    assert "needs a more specific code</span> · show the codes below it" in body


def test_hits_near_a_code_come_from_its_family_first(reader, icd10cm):
    near = reader.post("/codes/search/", {"q": "", "near": "E11.22", "pick": "1"}, **HTMX)
    assert hits(near)[:2] == ["E11.21", "E11.29"]


def test_hits_by_the_date_of_an_encounter(reader, icd10cm, small_release):
    found = reader.post("/codes/search/", {"q": "diabetes", "on": "2026-11-02"}, **HTMX)
    assert hits(found) == ["E11.9", "E11", "E11.7"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"q": "pneumonia", "on": "2027-01-01"}, "No loaded release of ICD-10-CM valid on 2027-01-01."),
        ({"q": "pneumonia", "near": "Q99.99"}, "'Q99.99' is not in ICD-10-CM FY2026, April release."),
        ({"q": "x" * 201}, "This search cannot be read."),
        ({"q": "pneu\x00monia"}, "This search cannot be read."),
    ],
)
def test_a_search_that_cannot_be_made_says_why_in_place(reader, icd10cm, sent, said):
    response = reader.post("/codes/search/", sent, **HTMX)
    assert response.status_code == 422
    assert said in text(response)
    assert hits(response) == []


def test_what_is_typed_is_shown_as_text(reader, icd10cm):
    body = reader.get("/codes/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body


def test_pages_are_never_stored(reader, icd10cm):
    assert (
        reader.get(reverse("codes:code", args=["icd10cm", "E11.22"])).headers["Cache-Control"] == "no-store"
    )


def test_each_loaded_code_system_is_one_click_away(reader, icd10cm):
    body = reader.get("/codes/", {"q": "ckd"}).content.decode()
    assert re.findall(r'href="/codes/\?system=(\w+)&amp;q=ckd"', body) == ["icd10cm"]
    load(open_source("cpt"))
    body = reader.get("/codes/", {"q": "ckd"}).content.decode()
    assert re.findall(r'href="/codes/\?system=(\w+)&amp;q=ckd"', body) == ["icd10cm", "cpt"]


def test_another_code_system_is_searched_and_browsed(reader, icd10cm):
    release = load(open_source("cpt")).release
    response = reader.get("/codes/", {"system": "cpt"})
    assert response.status_code == 200
    first = Code.objects.of(release).order_by("position").first()
    assert f'href="/codes/cpt/{first.code}/' in response.content.decode()
    assert hits(reader.get("/codes/", {"system": "cpt", "q": first.code})) == [first.code]
    assert hits(reader.get("/codes/", {"release": release.pk, "q": first.code})) == [first.code]


def test_a_code_system_without_a_release_is_not_found(reader, icd10cm):
    assert reader.get("/codes/", {"system": "hcpcs"}).status_code == 404
    assert reader.get("/codes/", {"system": "icd9"}).status_code == 404
