"""What the web processes share is made before they are forked, and only where there is an application to make it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from coding_review import gunicorn_hooks
from coding_review.management.commands.demo import _commands

ROOT = Path(__file__).resolve().parents[2]
HOOKS = ["--preload", "--config", "python:coding_review.gunicorn_hooks"]


def test_with_the_application_loaded_it_is_prepared(monkeypatch):
    calls = []
    wsgi = SimpleNamespace(before_forking=lambda: calls.append("prepared"))
    monkeypatch.setitem(sys.modules, "coding_review.wsgi", wsgi)
    gunicorn_hooks.on_starting(None)
    assert calls == ["prepared"]


def test_without_it_nothing_is_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "coding_review.wsgi", raising=False)
    gunicorn_hooks.on_starting(None)
    assert "coding_review.wsgi" not in sys.modules


def test_gunicorn_reads_the_hooks_without_django():
    """They are read before Django is set up: in a process of their own they import nothing of it."""
    code = "import sys, coding_review.gunicorn_hooks; sys.exit('django.db' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False).returncode == 0
    )


@pytest.mark.parametrize("where", ["demo", "Dockerfile"])
def test_both_ways_to_run_it_use_them(where, tmp_path):
    if where == "demo":
        command = next(one.command for one in _commands(1, tmp_path) if one.name == "web")
        assert [part for part in command if part in HOOKS] == HOOKS
    else:
        assert ", ".join(f'"{part}"' for part in HOOKS) in (ROOT / "Dockerfile").read_text()
