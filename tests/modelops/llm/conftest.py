"""Fixtures of the tests of the language model's side."""

import pytest

from modelops.engines.llm import client
from tests.standin.process import standin, standin_process

__all__ = ["standin", "standin_process"]


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """A machine under load answers late; what is tested is what becomes of the answer. Tests of a server that is
    too slow to say set less."""
    monkeypatch.setattr(client, "_HEALTH_SECONDS", 30.0)
    monkeypatch.setattr(client, "_ASIDE_SECONDS", 60.0)
