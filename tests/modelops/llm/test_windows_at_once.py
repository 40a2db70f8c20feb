"""The windows of a chart are asked about at once: in order, within the limit, within the chart's time, none left."""

from __future__ import annotations

import re
import threading
import time

import pytest

from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.engine import LlmEngine
from modelops.engines.llm.ports import Candidate, Segment
from modelops.errors import Cancelled, ServerUnavailable, TooSlow
from tests.modelops.llm.scripted import ScriptedServer, cut_answer, item, said
from tests.modelops.llm.test_engine import chart, shown

pytestmark = pytest.mark.django_db

WAIT = 120.0
CONFIG = {"context_tokens": 2600, "output_tokens": 800, "overlap_tokens": 0}
CODES = ("J44.9", "I10", "E78.5", "K21.9", "M10.9", "D64.9")


def long_chart():
    """Six sections, a window each; the first line of each names its number."""
    body = "Seen on rounds, no change in the plan of care, and so on for the day.\n" * 56
    return chart("\n".join(f"ASSESSMENT:\nDisease {n} of six.\n{body}" for n in range(1, 7)))


def numbers(request):
    found = re.findall(r"^(\d+)\| Disease (\d) of six", request.messages[1].content, re.MULTILINE)
    return [(int(line), int(n)) for line, n in found]


def answer(request):
    return said(*[item(CODES[n - 1], f"Disease {n} of six", line) for line, n in numbers(request)])


def engine(script, **config):
    server = ScriptedServer(script, context=2600)
    return LlmEngine(server, LlmConfig(**CONFIG | config)), server


def test_all_windows_are_under_way_at_once_and_the_results_stand_in_the_order_of_the_chart(icd10cm):
    one_each, _ = engine(answer, in_flight=1)
    expected = one_each.predict(long_chart(), icd10cm.pk)
    windows = expected.usage["windows"]
    assert windows >= 6
    together = threading.Barrier(windows)

    def script(request):
        # Passes only when every window has been asked about and none has been answered.
        place = together.wait(WAIT)
        time.sleep(0.01 * place)
        return answer(request)

    at_once, server = engine(script, in_flight=windows)
    found = at_once.predict(long_chart(), icd10cm.pk)
    assert [code for code, _ in shown(found)] == list(CODES)
    assert found == expected
    assert len(server.requests) == windows


def test_a_chart_has_no_more_requests_under_way_than_the_limit(icd10cm):
    lock, running, most, two = threading.Lock(), 0, 0, threading.Event()

    def script(request):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if running == 2:
            two.set()
        # The first is under way until the second is, however long that takes to prepare; a third would show after.
        assert two.wait(WAIT)
        time.sleep(0.02)
        with lock:
            running -= 1
        return answer(request)

    limited, server = engine(script, in_flight=2, passes=2)
    found = limited.predict(long_chart(), icd10cm.pk)
    assert most == 2
    assert len(server.requests) == found.usage["requests"] == 2 * found.usage["windows"]


def test_what_every_window_cost_is_counted(icd10cm):
    cut = threading.Event()

    def script(request):
        if numbers(request) and numbers(request)[0][1] == 1 and not cut.is_set():
            cut.set()
            return cut_answer()
        return answer(request)

    counted, server = engine(script, in_flight=8)
    found = counted.predict(long_chart(), icd10cm.pk)
    usage = found.usage
    assert [code for code, _ in shown(found)] == list(CODES)
    assert (usage["cut_answers"], usage["halved_windows"]) == (1, 1)
    assert usage["requests"] == len(server.requests) == usage["windows"] + 2
    assert usage["prompt_tokens"] == sum(
        server.count_prompt_tokens(request.messages) - 8 for request in server.requests
    )


def test_where_one_window_fails_the_chart_fails_and_nothing_runs_on(icd10cm):
    asked = threading.Event()

    def script(request):
        if 6 in [n for _, n in numbers(request)]:
            assert asked.wait(WAIT)
            return ServerUnavailable()
        asked.set()
        time.sleep(0.05)
        return answer(request)

    before = set(threading.enumerate())
    failing, _ = engine(script, in_flight=8)
    with pytest.raises(ServerUnavailable):
        failing.predict(long_chart(), icd10cm.pk)
    assert set(threading.enumerate()) <= before


def test_a_chart_that_is_cancelled_ends_in_every_window(icd10cm):
    stop = threading.Event()

    class Waiting(ScriptedServer):
        def chat(self, request, deadline):
            self.requests.append(request)
            stop.set()
            deadline.sleep(WAIT)
            raise AssertionError

    server = Waiting([said()], context=2600)
    with pytest.raises(Cancelled):
        LlmEngine(server, LlmConfig(**CONFIG, in_flight=3)).predict_until(
            long_chart(), icd10cm.pk, stop.is_set
        )
    assert 1 <= len(server.requests) <= 3


def test_the_charts_time_holds_for_every_window(icd10cm):
    class Slow(ScriptedServer):
        def chat(self, request, deadline):
            self.requests.append(request)
            deadline.sleep(WAIT)
            raise AssertionError

    begun = time.monotonic()
    slow = LlmEngine(Slow([said()], context=2600), LlmConfig(**CONFIG, in_flight=3, chart_seconds=0.5))
    with pytest.raises(TooSlow):
        slow.predict(long_chart(), icd10cm.pk)
    assert time.monotonic() - begun < WAIT


def test_candidates_are_looked_up_in_the_asking_thread(icd10cm):
    threads = set()

    class Lookup:
        said = "scripted"

        def candidates(self, chart, lines, release_id):
            threads.add(threading.get_ident())
            return tuple(
                Candidate("I10", "Essential (primary) hypertension", (Segment(line.number, 0, 7, "Disease"),))
                for line in lines
                if line.text.startswith("Disease")
            )[:1]

    server = ScriptedServer(answer, context=2600)
    grounded = LlmEngine(server, LlmConfig(**CONFIG, grounding="candidates"), grounding=Lookup())
    found = grounded.predict(long_chart(), icd10cm.pk)
    assert threads == {threading.get_ident()}
    assert found.usage["candidates"] >= 6
