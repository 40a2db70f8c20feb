"""How both benches begin: servers of this checkout, then Django, then what is measured."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from coding_review import localservers


def start(module: str) -> None:
    """Calls `run` of the module with the words of the command line. It needs Django, so it is imported after it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coding_review.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    localservers.leave_on_signals()
    try:
        localservers.ensure()
    except localservers.LocalServersError as error:
        localservers.leave(error)
    import django

    django.setup()
    import_module(module).run(sys.argv[1:])
