"""Engines by name: settings.ENGINES maps a name to the dotted path of what makes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from inspect import signature

from django.conf import settings
from django.utils.module_loading import import_string

from modelops.engines.types import Engine
from modelops.errors import UnknownEngine


def make_engine(name: str, overrides: Mapping[str, object]) -> Engine:
    """An engine of that name that is set otherwise than the settings say. Raises as get_engine does, and
    UnknownEngine where the engine takes no such settings."""
    make = _maker(name)
    try:
        signature(make).bind(**overrides)
    except TypeError as error:
        said = ", ".join(sorted(overrides))
        raise UnknownEngine(f"The engine {name!r} takes no settings of this kind ({said}).") from error
    engine: Engine = make(**overrides)
    return engine


@cache
def get_engine(name: str) -> Engine:
    """The engine of that name, one instance a process.

    What settings.ENGINES names is called without arguments and must return at once: the web process
    asks for `info` too, so an engine loads what is heavy at its first predict(). Raises UnknownEngine
    for a name that is not in the setting and for a path that leads nowhere.
    """
    engine: Engine = _maker(name)()
    return engine


def _maker(name: str) -> Callable[..., Engine]:
    path = settings.ENGINES.get(name)
    if path is None:
        known = ", ".join(sorted(settings.ENGINES))
        raise UnknownEngine(f"There is no engine {name!r} in the setting ENGINES; there are: {known}.")
    try:
        make: Callable[..., Engine] = import_string(path)
    except ImportError as error:
        raise UnknownEngine(f"The engine {name!r} cannot be made: {path} cannot be imported.") from error
    return make
