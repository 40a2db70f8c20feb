"""A model behind an OpenAI-compatible address, here a real server on this machine that answers from a table."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.management import CommandError, call_command

from catalog.lookup import service
from catalog.lookup.benchmark.endpoint import Endpoint, EndpointFailed


class Server(ThreadingHTTPServer):
    """`answers`: path → (status, body); a chat answers with `says`, and keeps what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, bytes]] = {
            "/v1/models": (200, json.dumps({"data": [{"id": "tiny-coder"}, {"id": "other"}]}).encode())
        }
        self.says = "E11.9"
        self.asked: list[dict[str, object]] = []
        self.address = f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer(*self.server.answers.get(self.path, (404, b"")))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        said = {"choices": [{"message": {"role": "assistant", "content": self.server.says}}]}
        self._answer(*self.server.answers.get(self.path, (200, json.dumps(said).encode())))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def server():
    running = Server()
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def test_the_first_model_is_asked_for_the_code_alone(server):
    endpoint = Endpoint(f"{server.address}/")
    assert (endpoint.model, endpoint.find("Type 2 diabetes mellitus without complications")) == (
        "tiny-coder",
        ["E11.9"],
    )
    (asked,) = server.asked
    assert (asked["model"], asked["temperature"], asked["max_tokens"]) == ("tiny-coder", 0, 24)
    (message,) = asked["messages"]
    assert message["role"] == "user"
    assert message["content"].endswith("\nDescription: Type 2 diabetes mellitus without complications")


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ("The code is **e11.9**.", ["E11.9"]),
        ("I10 or I11.9", ["I10"]),
        ("S52.521A", ["S52.521A"]),
        # Not in any list of codes, and yet an answer: it counts as fabricated.
        ("Z99.999", ["Z99.999"]),
        ("I cannot tell.", []),
    ],
)
def test_the_code_is_read_out_of_what_was_said(server, said, codes):
    server.says = said
    assert Endpoint(server.address).find("anything") == codes


@pytest.mark.parametrize(
    ("path", "answer", "message"),
    [
        ("/v1/models", (401, b""), "The endpoint answered 401."),
        ("/v1/models", (200, b"<html>"), "The endpoint did not answer: JSONDecodeError."),
        ("/v1/models", (200, b"{}"), "The endpoint answered in another form: KeyError."),
        ("/v1/models", (200, b'{"data": []}'), "The endpoint answered in another form: IndexError."),
        ("/v1/chat/completions", (500, b""), "The endpoint answered 500."),
        (
            "/v1/chat/completions",
            (200, b'{"choices": 1}'),
            "The endpoint answered in another form: TypeError.",
        ),
    ],
)
def test_a_bad_answer_is_told_in_one_sentence(server, path, answer, message):
    server.answers[path] = answer
    with pytest.raises(EndpointFailed) as told:
        Endpoint(server.address).find("anything")
    assert str(told.value) == message


def test_nobody_at_the_address(server):
    address = server.address
    server.server_close()
    with pytest.raises(EndpointFailed, match="The endpoint did not answer: "):
        Endpoint(address)


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://127.0.0.1/v1", "http://"])
def test_an_address_that_is_none(address):
    with pytest.raises(EndpointFailed, match="begins with http"):
        Endpoint(address)


@pytest.mark.django_db
def test_the_benchmark_scores_it_beside_the_lookup(server, icd10cm, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "_ready", OrderedDict())
    out = tmp_path / "figures.json"
    call_command(
        "benchmark_lookup", "--sample", "2", "--titles", "2", "--no-peers", "--endpoint", server.address,
        "--json", str(out),
    )  # fmt: skip
    rows = [row for row in json.loads(out.read_text()) if row["who"] == "tiny-coder"]
    assert [row["what"] for row in rows] == [
        f"{kind}, {name}"
        for name in ("development", "held out")
        for kind in ("reordered", "abbreviation", "typo", "sentence")
    ]
    assert {(row["n"], row["exact"], row["valid"], row["fabricated"]) for row in rows} == {(2, 0.0, 1.0, 0.0)}
    assert len(server.asked) == 16


@pytest.mark.django_db
def test_the_benchmark_stops_where_nobody_answers(server, icd10cm, monkeypatch):
    monkeypatch.setattr(service, "_ready", OrderedDict())
    server.answers["/v1/models"] = (503, b"")
    with pytest.raises(CommandError, match="The endpoint answered 503"):
        call_command("benchmark_lookup", "--sample", "1", "--no-peers", "--endpoint", server.address)
