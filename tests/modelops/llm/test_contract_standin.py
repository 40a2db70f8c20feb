"""The contract of a ChatServer, kept by the client and by the pool over the stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelops.engines.llm.client import VllmServer
from modelops.engines.llm.pool import ServerPool
from tests.modelops.llm.contract import ChatServerContract, Target
from tests.standin.process import StandInProcess


def _target(server: VllmServer | ServerPool, standin: StandInProcess) -> Target:
    return Target(
        server=server,
        model="standin",
        slots=16,
        context=8192,
        adapter="/adapters/contract",
        hold=lambda: standin.order("hang"),
    )


class TestClient(ChatServerContract):
    @pytest.fixture
    def target(self, standin: StandInProcess) -> Iterator[Target]:
        server = VllmServer(standin.url)
        yield _target(server, standin)
        server.close()


class TestPool(ChatServerContract):
    @pytest.fixture
    def target(self, standin: StandInProcess) -> Iterator[Target]:
        server = ServerPool([(VllmServer(f"{standin.url}/v1/"), 1.0)])
        yield _target(server, standin)
        server.close()
