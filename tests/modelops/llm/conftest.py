"""Fixtures of the tests of the language model's side."""

from tests.standin.process import standin, standin_process

__all__ = ["standin", "standin_process"]
