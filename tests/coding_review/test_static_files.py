"""What the browser loads: vendored files as pinned, names rewritten, nothing inline."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

STATIC = settings.BASE_DIR / "static"
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))


def _pinned() -> list[tuple[str, str, str, str]]:
    rows = (STATIC / "vendor" / "VERSIONS").read_text(encoding="utf-8").splitlines()
    return [tuple(row.split("|")) for row in rows if not row.startswith("#")]  # type: ignore[misc]


def test_every_vendored_file_is_pinned_with_its_licence() -> None:
    vendor = STATIC / "vendor"
    found = {
        str(path.relative_to(vendor))
        for path in vendor.rglob("*")
        if path.is_file() and path.name not in {"LICENSE", "VERSIONS"}
    }
    assert found == {path for path, *_ in _pinned()}
    for path, _, _, digest in _pinned():
        assert hashlib.sha256((vendor / path).read_bytes()).hexdigest() == digest, path
        assert (vendor / path).with_name("LICENSE").is_file(), path


def test_htmx_is_the_second_major() -> None:
    [name] = [package for path, package, *_ in _pinned() if path.startswith("htmx/")]
    assert re.fullmatch(r"htmx\.org 2\.0\.\d+", name)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(settings.BASE_DIR)))
def test_no_inline_script_or_style(path: Path) -> None:
    """The content security policy has no unsafe-inline; an inline one would silently do nothing."""
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", text) == []
    assert (
        re.findall(r"<style\b|\sstyle=|\son[a-z]+=|\shx-on[:-]|javascript:|https?://(?!www\.w3\.org)", text)
        == []
    )


def test_collected_modules_import_each_other_by_their_hashed_names(tmp_path: Path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "coding_review.static_files.StaticFiles"}
    }
    staticfiles_storage._wrapped = staticfiles_storage.__class__()  # type: ignore[attr-defined]
    call_command("collectstatic", interactive=False, verbosity=0)
    [app] = tmp_path.glob("js/app.????????????.js")
    names = re.findall(r'import\s*"\./([^"]+)"', app.read_text(encoding="utf-8"))
    assert [re.sub(r"\.[0-9a-f]{12}\.js$", "", name) for name in names] == [
        "current-place",
        "keyboard",
        "menu",
        "poll",
        "preferences",
        "requests",
    ]
    for module in tmp_path.glob("js/**/*.????????????.js"):
        for target in re.findall(r'from\s*"(\.[^"]+)"', module.read_text(encoding="utf-8")):
            assert re.search(r"\.[0-9a-f]{12}\.js$", target), (module.name, target)
            assert (module.parent / target).is_file(), (module.name, target)
