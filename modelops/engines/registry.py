"""Engines by name: settings.ENGINES maps a name to the dotted path of what makes one."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from modelops.engines.types import Engine
from modelops.errors import UnknownEngine


@cache
def get_engine(name: str) -> Engine:
    """The engine of that name, one instance a process.

    What settings.ENGINES names is called without arguments and must return at once: the web process
    asks for `info` too, so an engine loads what is heavy at its first predict(). Raises UnknownEngine
    for a name that is not in the setting and for a path that leads nowhere.
    """
    path = settings.ENGINES.get(name)
    if path is None:
        known = ", ".join(sorted(settings.ENGINES))
        raise UnknownEngine(f"There is no engine {name!r} in the setting ENGINES; there are: {known}.")
    try:
        make = import_string(path)
    except ImportError as error:
        raise UnknownEngine(f"The engine {name!r} cannot be made: {path} cannot be imported.") from error
    engine: Engine = make()
    return engine
