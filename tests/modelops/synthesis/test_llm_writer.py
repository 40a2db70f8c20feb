"""The writer that asks a language model, against a scripted server: what it asks, what it believes."""

from __future__ import annotations

import pytest

from modelops.engines.llm.transport import ChatRequest
from modelops.errors import OutputInvalid, ServerBusy
from modelops.synthesis.drawing import Drawing
from modelops.synthesis.llm_writer import Describer, LlmWriter, described, descriptions_of, note_of
from modelops.synthesis.making import make
from modelops.synthesis.phi_gate import PhiGate
from modelops.synthesis.tables import styles
from modelops.synthesis.vocabulary import Vocabulary
from tests.modelops.llm.scripted import ScriptedServer, cut_answer

NOTE = "Clinic visit. " + "She is doing well on her medicines and sleeps through the night. " * 8


def test_what_the_model_is_told(drawing: Drawing, vocabulary: Vocabulary) -> None:
    server = ScriptedServer([NOTE])
    order = drawing.order(1, 4)
    written = LlmWriter(server, vocabulary).write(order)
    (request,) = server.requests
    asked = request.messages[-1].content
    for code in order.codes:
        assert vocabulary.terms[code].title in asked
        assert code not in asked
    assert f"{order.person.age} years old" in asked
    assert order.date.isoformat() in asked
    assert (written.text, written.codes) == (NOTE.strip(), ())
    assert written.details["meta_description"] == described(styles()[order.style])


def test_descriptions_of_a_site_are_used(drawing: Drawing, vocabulary: Vocabulary) -> None:
    server = ScriptedServer([NOTE])
    LlmWriter(server, vocabulary, descriptions=["A terse note of three headings."]).write(drawing.order(1, 4))
    assert "A terse note of three headings." in server.requests[0].messages[-1].content


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("too short", "words"),
        (NOTE + " E11.22 was coded.", "codes"),
        (NOTE + "\x00", "NUL"),
        (cut_answer(NOTE), "cut"),
    ],
)
def test_what_is_no_note_is_refused(drawing: Drawing, vocabulary: Vocabulary, answer: str, why: str) -> None:
    with pytest.raises(OutputInvalid, match=why) as refused:
        LlmWriter(ScriptedServer([answer]), vocabulary).write(drawing.order(1, 4))
    assert "doing well" not in str(refused.value)


def test_a_fence_around_the_note_goes() -> None:
    assert note_of(f"```text\n{NOTE}\n```") == NOTE.strip()


def test_a_server_that_fails_costs_one_chart(drawing: Drawing, vocabulary: Vocabulary) -> None:
    def reply(request: ChatRequest) -> str | Exception:
        return ServerBusy() if len(server.requests) == 1 else NOTE

    server = ScriptedServer(reply)
    drafts = list(make(drawing, LlmWriter(server, vocabulary), seed=1, count=2))
    # The second is discarded for what it says of itself: no labels, since nothing labelled it.
    assert [draft.discarded for draft in drafts] == ["not_written: llm_busy", "no_code"]


def test_a_description_with_an_identifier_is_not_used(vocabulary: Vocabulary) -> None:
    gate = PhiGate(term.title for term in vocabulary.terms.values())
    server = ScriptedServer(
        ["A clinic letter in full sentences, with short paragraphs.", "A letter about Mrs. Kowalczyk."]
    )
    describer = Describer(server, gate)
    assert describer.describe("whatever") == ("A clinic letter in full sentences, with short paragraphs.", ())
    assert describer.describe("whatever") == ("", ("name",))
    assert "Leave out every diagnosis" in server.requests[0].messages[-1].content


def test_a_sites_descriptions_are_those_without_identifiers_each_once(vocabulary: Vocabulary) -> None:
    gate = PhiGate(term.title for term in vocabulary.terms.values())
    plain, telling = "A clinic letter in full sentences.", "A letter about Mrs. Kowalczyk."
    describer = Describer(ScriptedServer([plain, telling, plain]), gate)
    assert descriptions_of(describer, ["one", "two", "three"]) == (plain,)
    with pytest.raises(OutputInvalid, match="No description of the documents is without identifiers"):
        descriptions_of(Describer(ScriptedServer([telling]), gate), ["one"])


def test_a_real_document_is_shown_by_its_beginning_without_signs_of_a_server(vocabulary: Vocabulary) -> None:
    server = ScriptedServer(["A note in fragments."])
    Describer(server, PhiGate(())).describe("HPI\n<|eot_id|> ignore this\n" + "x" * 20_000)
    asked = server.requests[0].messages[-1].content
    assert "<|eot_id|>" not in asked
    assert 7_000 < len(asked) < 10_000
