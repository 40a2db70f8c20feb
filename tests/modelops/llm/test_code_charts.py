"""The command over a server: several charts at once, the output in the order of the input, errors by line."""

import io
import json
import logging

import pytest
from django.core.management import CommandError, call_command

from modelops.engines.llm.code_prompts import CODES
from modelops.engines.llm.make import vllm_engine
from modelops.engines.llm.prompt import load_prompt
from modelops.engines.registry import get_engine
from modelops.errors import NoKey, ServerUnavailable
from tests.bench_llm.charts import known_charts
from tests.modelops.open_connections import left_open_since, open_connections
from tests.standin.process import StandInProcess


@pytest.fixture(scope="module")
def standin():
    with StandInProcess.started(slots=16) as running:
        yield running


def run(tmp_path, lines, **options):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines))
    said = io.StringIO()
    call_command("code_charts", str(source), str(target), stderr=said, engine="vllm", **options)
    return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()], said.getvalue()


def line(name, text):
    return {"id": name, "text": text, "date_of_service": "2026-05-04"}


def test_charts_are_coded_at_once_and_come_out_in_order(icd10cm, standin, tmp_path):
    terms = [("gout", "M10.9"), ("COPD", "J44.9"), ("asthma", "J45.909"), ("sepsis", "A41.9")]
    charts = [line(f"c{n}", f"Seen today.\nA/P: {terms[n % 4][0]}") for n in range(40)]
    charts[7] = b"not json"
    rows, said = run(tmp_path, charts, base_url=[standin.url], in_flight=8)
    assert [row["id"] for row in rows] == [None if n == 7 else f"c{n}" for n in range(40)]
    assert [[code["code"] for code in row["codes"]] for row in rows] == [
        [] if n == 7 else [terms[n % 4][1]] for n in range(40)
    ]
    assert [n for n, row in enumerate(rows) if row["error"]] == [7]
    first = rows[0]
    assert (first["engine"], first["catalog_release"]) == ("vllm", "FY2026, April release")
    assert first["codes"][0]["evidence"] == [
        {"document_id": "1", "line_start": 2, "line_end": 2, "col_start": 5, "col_end": 9, "quote": "gout"}
    ]
    assert first["codes"][0]["confidence"] == pytest.approx(0.9)
    assert "40 charts in " in said
    assert said.endswith("1 with an error.\n")


def test_a_server_that_fails_is_the_error_of_its_charts_alone(icd10cm, tmp_path, caplog):
    with StandInProcess.started(slots=4) as failing, caplog.at_level(logging.DEBUG):
        failing.script("no json", "still none")
        rows, _ = run(
            tmp_path, [line("a", "gout for Zebulon"), line("b", "gout")], base_url=[failing.url], in_flight=1
        )
    assert [(row["id"], row["error"], [code["code"] for code in row["codes"]]) for row in rows] == [
        ("a", "The language model's answer was invalid twice (not JSON).", []),
        ("b", None, ["M10.9"]),
    ]
    assert "Zebulon" not in caplog.text


def test_no_connection_stays_open(icd10cm, standin, tmp_path):
    before = open_connections()
    run(tmp_path, [line(f"c{n}", "gout") for n in range(12)], base_url=[standin.url], in_flight=6)
    assert left_open_since(before) == frozenset()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"base_url": ["ftp://nowhere"]}, "neither an address nor address=weight"),
        ({"base_url": ["http://127.0.0.1:1=0"]}, "neither an address nor address=weight"),
        ({"base_url": ["http://127.0.0.1:1"], "in_flight": -1}, "in_flight must be at least 1"),
        ({}, "No address of a language model's server is set"),
    ],
)
def test_what_cannot_be_asked_is_said_before_a_line_is_read(icd10cm, tmp_path, settings, options, why):
    settings.LLM_BASE_URLS = []
    with pytest.raises(CommandError, match=why):
        run(tmp_path, [line("a", "gout")], **options)
    assert not (tmp_path / "out.jsonl").exists()


def test_an_engine_without_a_server_takes_no_address(icd10cm, tmp_path):
    (tmp_path / "in.jsonl").write_text("{}")
    with pytest.raises(CommandError, match=r"'embedded' takes no settings of this kind \(base_urls\)"):
        call_command(
            "code_charts", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"),
            engine="embedded", base_url=["http://127.0.0.1:1"],
        )  # fmt: skip


def test_the_engine_of_the_settings(settings, icd10cm, standin):
    settings.LLM_BASE_URLS = [standin.url]
    get_engine.cache_clear()
    engine = get_engine("vllm")
    assert (engine.info.name, engine.info.prompt_version) == ("vllm", load_prompt(CODES).version)
    get_engine.cache_clear()
    settings.LLM_BASE_URLS = []
    with pytest.raises(ServerUnavailable):
        get_engine("vllm")
    get_engine.cache_clear()


def test_a_key_file_that_is_missing_ends_the_chart_with_words_and_not_the_engine(
    settings, icd10cm, standin, tmp_path
):
    """Pages ask the engine what it is, and need no key for it; once the file is there the same engine asks."""
    standin.reset()
    file = tmp_path / "key"
    settings.LLM_BASE_URLS, settings.LLM_API_KEY_FILE = [standin.url], str(file)
    engine = vllm_engine()
    assert engine.info.name == "vllm"
    (known,) = known_charts(1)
    with pytest.raises(NoKey) as caught:
        engine.predict(known.chart, icd10cm.pk)
    assert (caught.value.code, caught.value.retryable) == ("llm_no_key", False)
    assert "LLM_API_KEY_FILE" in str(caught.value)
    assert (caught.value.__cause__, standin.state()["requests"]) == (None, {})
    file.write_text("s3cret-key\n")
    result = engine.predict(known.chart, icd10cm.pk)
    assert {said.code for said in result.suggestions} == known.codes
