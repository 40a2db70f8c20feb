"""The scratch database and the order of the measurements."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection

from tests.bench import agreement, edits, engine, evaluation, lookup, memory, pages, synthesis, worklist

MEASURES: dict[str, Callable[[], None]] = {
    "catalog": engine.catalog,
    "engine": engine.engine,
    "lookup": lookup.lookup,
    "edits": edits.edits,
    "evaluation": evaluation.evaluation,
    "agreement": agreement.agreement_of_readers,
    "synthesis": synthesis.synthesis,
    "review": pages.review_page,
    "decision": pages.decision,
    "worklist": worklist.worklist,
    "memory": memory.memory,
}


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("measures", nargs="*", choices=[*MEASURES, []], help="only these")
    wanted = parser.parse_args(arguments).measures or list(MEASURES)
    say(
        f"# {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = connection.settings_dict["TEST"][
        "NAME"
    ] = f"bench_{os.getpid()}"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    kept = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        # The catalog comes first whatever is asked for: everything else needs it.
        if "catalog" not in wanted:
            engine.load_catalog()
        for name in MEASURES:
            if name in wanted:
                MEASURES[name]()
    finally:
        connection.creation.destroy_test_db(kept, verbosity=0)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
