"""Overriding a finding by plain forms, without htmx or scripts: what the page's own form sends, and what comes back."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from coding_review.models import AuditEvent, CodeSet, FindingOverride
from tests.coding_review.entries import suggest
from tests.coding_review.finding_cases import DM1, DM2, coded

pytestmark = pytest.mark.django_db


class Forms(HTMLParser):
    """Each form of a page: its address, its hidden fields, its buttons by name and value."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.open = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "form":
            self.open = True
            self.forms.append(
                {"action": named.get("action"), "method": named.get("method"), "hidden": {}, "buttons": []}
            )
        elif self.open and tag == "input" and named.get("type") == "hidden":
            self.forms[-1]["hidden"].setdefault(named["name"], []).append(named.get("value") or "")
        elif self.open and tag == "button" and named.get("name"):
            self.forms[-1]["buttons"].append((named["name"], named.get("value")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = False


@pytest.fixture
def code_set(icd10cm: Any, make_encounter: Any, coder: User, client: Client) -> CodeSet:
    client.force_login(coder)
    return coded(make_encounter, coder, DM2, DM1)


def panel(code_set: CodeSet) -> str:
    page = reverse("web:review", args=[code_set.encounter_id, code_set.claim_type])
    return f"{page}?panel=findings"


def form_for(client: Client, code_set: CodeSet, name: str, check: str = "excludes1") -> dict[str, Any]:
    address = reverse(f"web:{name}", args=[code_set.pk])
    found = Forms(client.get(panel(code_set)).content.decode()).forms
    (form,) = [
        f
        for f in found
        if f["action"] == address and (name != "finding-override" or f["hidden"]["check"] == [check])
    ]
    return form


def test_the_form_overrides_and_the_next_one_withdraws(
    code_set: CodeSet, client: Client, coder: User
) -> None:
    form = form_for(client, code_set, "finding-override")
    assert form["method"] == "post"
    assert form["hidden"]["codes"] == ["E11.9", "E10.9"]
    assert ("outcome", "unrelated") in form["buttons"]
    sent = {**form["hidden"], "outcome": "unrelated", "comment": "Two episodes, both documented."}
    answer = client.post(form["action"], sent)
    back = panel(code_set).replace("?", f"?document={form['hidden']['document'][0]}&")
    assert (answer.status_code, answer["Location"]) == (302, back)
    override = FindingOverride.objects.get()
    assert (override.check_id, override.codes, override.outcome, override.user) == (
        "excludes1",
        ["E10.9", "E11.9"],
        "unrelated",
        coder,
    )
    html = client.get(answer["Location"]).content.decode()
    assert "Two episodes, both documented." in html
    assert "The two conditions are unrelated to each other" in html

    form = form_for(client, code_set, "finding-withdraw")
    assert form["hidden"]["override"] == [str(override.pk)]
    answer = client.post(form["action"], form["hidden"])
    back = panel(code_set).replace("?", f"?document={form['hidden']['document'][0]}&")
    assert (answer.status_code, answer["Location"]) == (302, back)
    override.refresh_from_db()
    assert override.withdrawn_by == coder
    assert form_for(client, code_set, "finding-override")["hidden"]["check"] == ["excludes1"]


@pytest.mark.parametrize(
    ("outcome", "comment", "said"),
    [
        ("unrelated", "", "This reason needs a comment."),
        ("", "Two episodes.", "Choose a reason that this finding offers."),
        ("payer_policy", "Two episodes.", "Choose a reason that this finding offers."),
    ],
)
def test_a_refused_form_comes_back_with_what_was_written(
    code_set: CodeSet, client: Client, outcome: str, comment: str, said: str
) -> None:
    form = form_for(client, code_set, "finding-override")
    answer = client.post(form["action"], {**form["hidden"], "outcome": outcome, "comment": comment})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "<html" in html
    assert said in html
    assert f'value="{comment}"' in html
    assert not FindingOverride.objects.exists()
    assert not AuditEvent.objects.filter(type="finding.overridden").exists()


def test_a_finding_that_went_meanwhile_is_said(code_set: CodeSet, client: Client) -> None:
    form = form_for(client, code_set, "finding-override")
    sent = {
        **form["hidden"],
        "codes": ["E11.9", "E10.65"],
        "outcome": "unrelated",
        "comment": "Two episodes.",
    }
    answer = client.post(form["action"], sent)
    assert answer.status_code == 409
    assert "This finding is not on the code set any more" in answer.content.decode()
    assert not FindingOverride.objects.exists()


def test_who_does_not_have_it_gets_no_form_and_may_not_post(
    code_set: CodeSet, client: Client, other_coder: User, outsider: User
) -> None:
    form = form_for(client, code_set, "finding-override")
    sent = {**form["hidden"], "outcome": "unrelated", "comment": "Two episodes."}
    client.force_login(other_coder)
    shown = Forms(client.get(panel(code_set)).content.decode()).forms
    assert form["action"] not in [f["action"] for f in shown]
    assert client.post(form["action"], sent).status_code == 409
    client.force_login(outsider)
    assert client.post(form["action"], sent).status_code == 404
    assert not FindingOverride.objects.exists()


def test_a_citation_without_a_verified_section_says_so_on_the_page_and_in_the_api(
    code_set: CodeSet, client: Client
) -> None:
    cited = "ICD-10-CM Official Guidelines I.C.15.b.5 (section not verified)"
    entry = suggest(code_set, ("O80", "HIGH", "Discharged home"))[0]
    client.post(reverse("web:entry-decide", args=[entry.pk]), {"action": "accept", "version": 0, "poa": "Y"})
    html = client.get(panel(code_set)).content.decode()
    assert cited in html
    body = client.get(reverse("api:findings", args=[code_set.pk])).json()
    assert cited in [f["citation"] for f in body["findings"]]
