"""From words to one code: what is typed and what stands first."""

import json
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from catalog.choices import ReleaseStatus
from catalog.lookup import service
from catalog.lookup.batch import look_up_lines
from catalog.lookup.conditions import split_conditions
from catalog.lookup.service import lookup_for, lookup_if_ready
from catalog.models import Release
from catalog.search import search
from tests.catalog.lookup_fixtures import release_lookup, small_lookup


@pytest.fixture(autouse=True)
def _no_index_stays(monkeypatch):
    """Other tests find the search as a process begins with it: without an index."""
    monkeypatch.setattr(service, "_ready", OrderedDict())


@pytest.fixture(scope="module")
def lookup():
    return small_lookup()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("Type 2 diabetes mellitus with diabetic chronic kidney disease", "E11.22"),
        ("chronic kidney disease with diabetic type 2 diabetes mellitus", "E11.22"),
        ("t2dm w/ ckd", "E11.22"),
        ("Maria has a history of type II diabetes.", "E11.9"),
        ("HTN", "I10"),
        ("essentail hypertenson", "I10"),
        ("viral hepatitis w/o hepatic coma", "B19.9"),
        ("viral hepatitis, and she does not have hepatic coma", "B19.9"),
        ("hepatic coma with viral hepatitis", "B19.0"),
        ("torus fx lower end lt radius", "S52.522A"),
        (
            "Noah suffers from the late effects of a torus fracture of the lower end of his right radius",
            "S52.521S",
        ),
        # "with no" is read as without, "with non-" is not.
        ("with nonbillable hepatitis, viral, with hepatic coma", "B19.0"),
        ("drowning in bathtub", "W65.XXXA"),
        ("family hx of breast cancer", "Z80.3"),
    ],
)
def test_first_code(lookup, typed, first):
    assert lookup.find(typed, 3)[0].code == first


def test_exact_wording_scores_one_and_says_so(lookup):
    answer = lookup.find("UNSPECIFIED asthma uncomplicated")[0]
    assert (answer.code, answer.score, answer.why) == ("J45.909", 1.0, "title, word for word")


def test_headers_are_answers_only_where_asked_for(lookup):
    assert [a.code for a in lookup.find("type 2 diabetes mellitus", 2)] == ["E11.9", "E11.22"]
    header = lookup.find("type 2 diabetes mellitus", 1, billable_only=False)[0]
    assert (header.code, header.billable) == ("E11", False)


def test_a_headers_term_leads_to_the_code_whose_side_is_said(lookup):
    answer = lookup.find("buckle fracture of left wrist", 1)[0]
    assert (answer.code, answer.term) == ("S52.522A", "Buckle fracture of wrist")


def test_why_names_readings_and_what_was_left_out(lookup):
    answer = lookup.find("hypertenson zzyzx", 1)[0]
    assert answer.why == "title; hypertenson read as hypertension; without zzyzx; not said: essential"


def test_with_is_never_read_as_without(lookup):
    present, absent = lookup.find("hepatitis with hepatic coma", 2)
    assert (present.code, present.why) == ("B19.0", "title; not said: unspecified, viral")
    assert (absent.code, absent.why) == (
        "B19.9",
        "title; without with; not said: unspecified, viral, without",
    )


@pytest.mark.parametrize("typed", ["", "   ", "??", "the of and"])
def test_nothing_typed_finds_nothing(lookup, typed):
    assert lookup.find(typed) == []
    assert lookup.find_each(typed) == []


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("essential HTN, asthma, and viral hepatitis without hepatic coma", ["I10", "J45.909", "B19.9"]),
        ("1. essential hypertension\n2. t2dm with ckd", ["I10", "E11.22"]),
        ("Patient with unspecified asthma along with essential hypertension", ["J45.909", "I10"]),
        # One title with a comma and a "with" stays one condition.
        ("Torus fracture of lower end of right radius, sequela", ["S52.521S"]),
        ("asthma; asthma", ["J45.909"]),
    ],
)
def test_each_condition_gives_one_code(lookup, typed, codes):
    assert [answer.code for answer in lookup.find_each(typed)] == codes


def test_conditions_are_parts_of_the_text(lookup):
    parts = [
        "Torus fracture of lower end of left radius, initial encounter for closed fracture",
        "essential hypertension",
    ]
    assert split_conditions(lookup.ranker, " and ".join(parts)) == parts


def test_bad_lines_are_answered_and_stop_nothing(lookup):
    lines = [
        b'{"id": 1, "text": "HTN"}',
        b"nonsense",
        b"",
        b'{"id": "x"}',
        b'["a"]',
        b"\xff",
        b'{"text": "asthma"}',
    ]
    rows = [outcome.row for outcome in look_up_lines(lines, lookup, top=1, multiple=False)]
    assert [(row["id"], [code["code"] for code in row["codes"]], row.get("error")) for row in rows] == [
        (1, ["I10"], None),
        (None, [], "not valid JSON"),
        ("x", [], "text: missing or not text"),
        (None, [], "not a JSON object"),
        (None, [], "not UTF-8 (byte 1 of the line)"),
        (None, ["J45.909"], None),
    ]


def test_command_writes_a_line_for_each_line(icd10cm, tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": "a", "text": "HTN; rt knee pain"}\n{"id": "b"}\n')
    call_command("lookup_codes", str(source), str(target), "--multiple", verbosity=0)
    first, second = (json.loads(line) for line in target.read_text().splitlines())
    assert [(code["code"], code["condition"]) for code in first["codes"]] == [
        ("I10", "HTN"),
        ("M25.561", "rt knee pain"),
    ]
    assert second == {"id": "b", "codes": [], "error": "text: missing or not text"}


def test_command_refuses_to_overwrite_its_input(icd10cm, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": "a", "text": "HTN"}\n')
    with pytest.raises(CommandError, match="IN and OUT are the same file"):
        call_command("lookup_codes", str(source), str(source))
    assert source.read_text() == '{"id": "a", "text": "HTN"}\n'


def test_threads_that_ask_at_once_have_one_index_made(lookup, monkeypatch):
    begun, another = [], threading.Event()

    def make(release, editions):
        begun.append(release.pk)
        if len(begun) > 1:
            another.set()
        # Long enough for a second thread to begin one, if it could.
        another.wait(0.5)
        return lookup

    monkeypatch.setattr(service, "_key", lambda release: service._Key("icd10cm", release.pk, "", ()))
    monkeypatch.setattr(service, "make_lookup", make)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: lookup_for(Release(pk=7)), range(8)))
    assert (begun, found) == ([7], [lookup] * 8)


def test_an_index_is_kept_and_belongs_to_its_release(small_release):
    made = lookup_for(small_release)
    assert lookup_for(small_release) is made
    assert lookup_if_ready(small_release) is made
    assert [node.code for node in made.index.nodes] == ["E11", "E11.7", "E11.9"]
    assert [(node.last) for node in made.index.nodes] == [2, 1, 2]
    assert [answer.code for answer in made.find("remission of t2dm", 1)] == ["E11.7"]


def test_prepared_before_the_first_request(icd10cm, monkeypatch):
    monkeypatch.setattr(service, "make_lookup", lambda release, editions: release_lookup(release))
    assert lookup_if_ready(icd10cm) is None
    service.prepare()
    assert lookup_if_ready(icd10cm) is release_lookup(icd10cm)


def test_without_a_release_nothing_is_prepared_and_nothing_stops(icd10cm, caplog):
    Release.objects.update(status=ReleaseStatus.WITHDRAWN)
    service.prepare()
    assert service._ready == {}
    assert "no index for the search yet (NoRelease)" in caplog.text


def test_after_an_index_is_loaded_the_former_lookup_answers_until_the_new_one_is_made(small_release):
    key = service._key(small_release)
    former = small_lookup()
    service._keep(replace(key, editions=(0,)), former)
    assert lookup_if_ready(small_release) is former
    made = lookup_for(small_release)
    assert made is not former
    assert lookup_if_ready(small_release) is made
    assert list(service._ready) == [key]


def test_a_lookup_of_another_release_answers_for_none(small_release, icd10cm):
    lookup_for(small_release)
    assert lookup_if_ready(icd10cm) is None


def test_search_reads_misspellings_once_the_index_is_there(icd10cm):
    assert lookup_if_ready(icd10cm) is None
    assert search(icd10cm, "essentail hypertenson") == []
    lookup_for(icd10cm)
    hit = search(icd10cm, "essentail hypertenson")[0]
    assert (hit.code, hit.why) == (
        "I10",
        "title; essentail read as essential; hypertenson read as hypertension",
    )
    assert hit.marked == (("Essential", True), (" (primary) ", False), ("hypertension", True))
    assert [hit.code for hit in search(icd10cm, "high blood pressure, gerd; rt knee pain")[:3]] == [
        "I10",
        "K21.9",
        "M25.561",
    ]
    # Beside a code, what is near it still leads, and a code is still a code.
    assert search(icd10cm, "unspecified", near="J44.1", limit=1)[0].code == "J44.9"
    assert search(icd10cm, "E11.22")[0].why == "code"
