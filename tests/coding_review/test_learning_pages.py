"""Pages of synthetic charts and datasets: who sees them, every figure and reason, and whose text is held back."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from catalog.choices import CodeSystem
from catalog.models import Code
from coding_review.web.datasets_page import bars, figures_of, groups_of
from coding_review.web.synthesis_page import spans
from modelops.models import SyntheticChart
from tests.coding_review.learning_rows import NOTE, dataset_version, synthesis_run

pytestmark = pytest.mark.django_db


def get(user, name, *args, **query):
    client = Client(headers=query.pop("headers", None))
    client.force_login(user)
    return client.get(reverse(f"web:{name}", args=args), query)


@pytest.mark.parametrize("who", ["coder", "outsider", "privacy_officer"])
def test_who_may_not_see_the_loop_sees_no_page_and_no_place(request, who):
    run, dataset = synthesis_run(), dataset_version()
    user = request.getfixturevalue(who)
    for name, args in (
        ("syntheses", []),
        ("synthesis", [run.pk]),
        ("synthetic-chart", [run.pk, 0]),
        ("datasets", []),
        ("dataset", [dataset.pk]),
    ):
        response = get(user, name, *args)
        assert response.status_code == 403
        assert "heart-7" not in response.content.decode()
        assert f'href="{reverse("web:datasets")}"' not in response.content.decode()


@pytest.mark.parametrize("who", ["lead", "expert", "adjudicator", "admin", "auditor"])
def test_who_may_see_it_has_its_place_marked_on_each_of_its_pages(request, who):
    user = request.getfixturevalue(who)
    for name in ("syntheses", "datasets", "trainings"):
        response = get(user, name)
        assert [item.label for item in response.context["nav"]() if item.current] == ["Models"]


def test_a_run_shows_its_diagnostics(expert):
    run = synthesis_run(user=expert)
    response = get(expert, "synthesis", run.pk)
    page = response.context["page"]
    body = response.content.decode()
    assert re.findall(r'href="\?show=(\w*)"', body) == ["all", "kept", "discarded"]
    assert "<span>3 charts</span>" in body
    assert "<span>1 run</span>" in get(expert, "syntheses").content.decode()
    assert [(f.label, f.value, f.note) for f in page.figures] == [
        ("charts kept", "2", "of 3 made"),
        ("distinct codes", "3", "2 advanced illness, 1 frailty, 0 social determinants of health"),
        ("discarded", "33.3%", "of the charts made"),
        ("near-duplicates", "1", "pairs among the first 2"),
    ]
    groups = {g.key: [(b.label, b.count, b.share) for b in g.bars] for g in page.groups}
    assert groups["discards"] == [("may identify somebody: name", "1", 100)]
    assert groups["not-kept"] == [
        ("Excludes1: not coded together", "2", 100),
        ("a likely candidate that nobody wrote: a trap, or a word that says more than meant", "1", 50),
    ]
    assert groups["bands"] == [("once", "2", 100), ("2-4 times", "1", 50)]
    assert page.pairs == (("syn-7-000001", "syn-7-000000", "87.1%"),)
    assert "hx-get" not in response.content.decode()
    assert " style=" not in response.content.decode()


def test_codes_that_retrieval_did_not_find_are_kept_and_not_counted_among_those_that_were_not(expert):
    run = synthesis_run(counts={"codes_not_kept": {"excludes1": 2, "not_retrieved": 5}})
    group = next(g for g in get(expert, "synthesis", run.pk).context["page"].groups if g.key == "not-kept")
    assert [(b.label, b.count) for b in group.bars] == [("Excludes1: not coded together", "2")]
    assert group.note == (
        "By the rule that speaks against them. 5 others were written though retrieval did not find them: kept."
    )


def test_notes_about_procedures_are_listed_by_their_first_code_with_its_title(expert, cpt_sample):
    title = Code.objects.get(release__system=CodeSystem.CPT, code="71046").title
    run = synthesis_run(
        kind="procedures",
        codes={"note_type": "procedure note", "codes": [{"code": "71046", "lines": [2]}]},
        between={"style": "clinic_soap"},
    )
    response = get(expert, "synthesis", run.pk)
    assert '<th scope="col">First code</th>' in response.content.decode()
    assert {(row.first_code, row.first_title) for row in response.context["rows"]} == {("71046", title)}
    # The domains are lists of diagnoses.
    assert response.context["page"].figures[1].note == ""
    chart = get(expert, "synthetic-chart", run.pk, 0)
    page = chart.context["page"]
    assert [(label.code, label.title) for label in page.labels] == [("71046", title)]
    assert "none: procedures are drawn by specialty" in chart.content.decode()
    assert ("Style", "outpatient progress note") in [(fact.label, fact.value) for fact in page.facts]


def test_styles_and_settings_are_told_in_the_words_of_the_trade(expert):
    run = synthesis_run(
        setting="snf",
        codes={"note_type": "skilled nursing facility visit", "codes": []},
        between={"style": "snf_visit"},
    )
    assert get(expert, "synthesis", run.pk).context["rows"][0].setting == "skilled nursing"
    facts = [(f.label, f.value) for f in get(expert, "synthetic-chart", run.pk, 0).context["page"].facts]
    assert ("Setting", "skilled nursing") in facts
    # Said once: the style is named for the kind of note.
    assert [label for label, _ in facts if label in ("Note", "Style")] == ["Note"]
    form = get(expert, "synthesis-new").content.decode()
    assert '<option value="ed_note">ED provider note</option>' in form
    assert "Clinic soap" not in form


def test_a_run_that_is_being_made_counts_its_charts_and_asks_again_by_itself(expert):
    run = synthesis_run(ended=False)
    response = get(expert, "synthesis", run.pk)
    assert response.context["page"].figures[0].value == "3"
    assert response.context["page"].figures[0].note == "of 3"
    assert f'hx-get="{reverse("web:synthesis", args=[run.pk])}"' in response.content.decode()
    piece = get(expert, "synthesis", run.pk, headers={"HX-Request": "true"}).content.decode()
    assert piece.startswith('<div id="run" data-poll')
    assert "<html" not in piece


@pytest.mark.parametrize(
    ("query", "positions"),
    [
        ({}, [0, 1, 2]),
        ({"show": "kept"}, [0, 1]),
        ({"show": "discarded"}, [2]),
        ({"show": "nonsense"}, [0, 1, 2]),
        ({"code": "n18.4"}, [0, 2]),
        ({"code": "n18.4", "show": "kept"}, [0]),
        ({"code": "A00.0"}, []),
    ],
)
def test_charts_are_found_by_outcome_and_code(expert, query, positions):
    run = synthesis_run()
    response = get(expert, "synthesis", run.pk, **query)
    assert [row.position for row in response.context["rows"]] == positions


def test_a_chart_shows_everything_that_led_to_it(expert):
    run = synthesis_run()
    response = get(expert, "synthetic-chart", run.pk, 0)
    page, body = response.context["page"], response.content.decode()
    assert page.seed[0] == "I50.23"
    assert [code for code, _ in page.co_codes] == ["N18.4"]
    assert [(c.code, c.kind, c.role, c.lines) for c in page.labels] == [
        ("I50.23", "documented", "principal", "2"),
        ("N18.4", "documented", "", "3"),
        ("Z79.899", "optional", "", "2"),
        ("C50.919", "trap: family history", "", "4"),
    ]
    assert [(c.code, c.similarity, c.outcome) for c in page.candidates] == [
        ("I50.23", "0.97", "chosen"),
        ("C50.919", "0.91", "a trap"),
        ("I50.9", "0.61", "not chosen"),
    ]
    assert [(d.code, d.reason) for d in page.discards] == [
        ("I10", "Excludes1: not coded together"),
        ("I50.9", "a likely candidate that nobody wrote: a trap, or a word that says more than meant"),
    ]
    assert [line.text for line in page.text] == NOTE.split("\n")
    assert [line.state for line in page.text] == ["", "told", "told", "trap", ""]
    assert "No chest pain &lt;today&gt; &amp; no fever." in body
    assert (page.before, page.after) == (None, 1)


def test_a_chart_that_the_gate_stopped_shows_why_and_not_its_text(expert):
    run = synthesis_run()
    response = get(expert, "synthetic-chart", run.pk, 2)
    body = response.content.decode()
    assert response.context["page"].discarded == "may identify somebody: name"
    assert "the text is not shown" in body
    assert "furosemide" not in body
    assert SyntheticChart.objects.get(run=run, position=2).chart["text"] == NOTE


@pytest.mark.parametrize(
    ("name", "args"), [("synthesis", [99_999]), ("synthetic-chart", [99_999, 0]), ("dataset", [99_999])]
)
def test_what_is_not_there_is_not_found(expert, name, args):
    assert get(expert, name, *args).status_code == 404


def test_the_list_of_datasets_shows_what_each_was_built_from(expert):
    dataset = dataset_version(user=expert)
    (row,) = get(expert, "datasets").context["rows"]
    assert (row.pk, row.title, row.train, row.validation, row.codes, row.sources, row.left_out) == (
        dataset.pk,
        "coding v7",
        "18,204",
        "958",
        "3,104",
        "611 gold, 14,441 signed off, 4,110 synthetic",
        "361",
    )


def test_one_of_a_thing_is_told_as_one():
    one = {
        "examples": {"train": 1, "validation": 1},
        "patients": {"validation": 1},
        "composites": 0,
        "labels": 1,
        "codes": {"distinct": 1, "once": 1, "only_in_validation": 1, "most_frequent": [["I10", 1]]},
        "tokens": {"all": 900},
        "packing": {"packs": 1, "size": 8192, "useful": 0.11, "useful_unpacked": 0.11},
    }
    assert [figure.note for figure in figures_of(one)] == [
        "0 of them composites",
        "of 1 patient, none of them in training",
        "1 label; 1 code once",
        "900 tokens, 1 pack of 8,192; 11.0% unpacked",
    ]
    notes = {group.key: group.note for group in groups_of({}, one)}
    assert notes["frequent"] == "1 code stands in validation alone."


def test_a_dataset_shows_manifest_hash_sources_and_what_was_left_out(expert):
    dataset = dataset_version()
    response = get(expert, "dataset", dataset.pk)
    page, body = response.context["page"], response.content.decode()
    assert [(f.label, f.value) for f in page.figures] == [
        ("examples to train on", "18,204"),
        ("examples to validate on", "958"),
        ("distinct codes", "3,104"),
        ("useful tokens in packs", "98.1%"),
    ]
    assert {fact.label: fact.value for fact in page.facts}[
        "Compared with"
    ] == "2 gold sets, 311 charts: 0 leaks"
    assert [(b.label, b.count) for b in page.groups[0].bars] == [
        ("nearly the same text as another example", "310"),
        ("longer than a pack", "44"),
        ("restricted, without a recorded authority", "7"),
    ]
    assert [(f.name, f.rows, f.size) for f in page.files] == [
        ("train.jsonl", "18,204", "295.6 MiB"),
        ("validation.jsonl", "958", "879 KiB"),
    ]
    assert [(s.kind, s.name) for s in page.sources] == [
        ("signed off", "signed-off until 2026-11-01"),
        ("synthetic", "synthetic:heart-7"),
    ]
    assert "b" * 64 in body
    assert " style=" not in body


def test_lines_are_told_as_spans():
    assert spans([9, 3, 4, 5, 11, 10, 20]) == "3–5, 9–11, 20"
    assert spans([]) == ""


def test_bars_are_shares_of_the_largest():
    assert [(b.label, b.share) for b in bars({"a": 1, "b": 4})] == [("b", 100), ("a", 25)]
    assert bars({}) == ()
