"""What README, CONTRIBUTING and docs name is there, and what there is is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
OWN = {"catalog", "modelops", "coding_review"}
COMMANDS = {name: app for name, app in get_commands().items() if app in OWN}
ALL = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def test_every_command_is_described() -> None:
    assert len(COMMANDS) > 15
    assert [
        name for name in COMMANDS if not re.search(rf"`(?:\S*python )?(?:manage\.py )?{name}\b", ALL)
    ] == []


def test_commands_that_are_named_are_there() -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", ALL))
    assert len(named) > 10
    assert sorted(named - set(get_commands())) == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_options_that_are_named_are_there(name: str) -> None:
    """In a line that names the command in code, each --option of that code."""
    parser = load_command_class(COMMANDS[name], name).create_parser("manage.py", name)
    known = {option for action in parser._actions for option in action.option_strings}
    named: set[str] = set()
    for code in re.findall(rf"`[^`\n]*\b{name}\b([^`\n]*)`", ALL):
        named |= set(re.findall(r"(--[a-z][a-z-]*)", code))
    assert sorted(named - known) == []


def test_make_targets_that_are_named_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", ALL))
    assert {"demo", "test", "setup"} <= named
    assert sorted(named - targets) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_every_setting_of_the_environment_is_in_the_table() -> None:
    settings = (ROOT / "coding_review" / "settings.py").read_text()
    read = set(re.findall(r'env\.[a-z_]+\(\s*"([A-Z_]+)"', settings))
    table = (ROOT / "README.md").read_text()
    assert len(read) > 20
    assert sorted(name for name in read if f"`{name}`" not in table) == []


def test_every_page_of_docs_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    pages = [page for page in PAGES if page.parent == ROOT / "docs"]
    assert [page.name for page in pages if f"(docs/{page.name}" not in readme] == []
