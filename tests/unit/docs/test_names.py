"""What the pages for users name is there."""

import re

import pytest

from tests.unit.cli.command_tree import commands

PAGES = ("README.md", "docs/tutorial.md", "docs/operations.md")


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options(page: str, pytestconfig: pytest.Config) -> None:
    text = (pytestconfig.rootpath / page).read_text()
    known = commands()
    groups = {name.partition(" ")[0] for name in known if " " in name}
    found = re.findall(r"\bpoolscore ([a-z]+)(?: ([a-z]+))?([^\n`]*)", text)
    checked = 0
    for first, second, rest in found:
        name = f"{first} {second}" if first in groups else first
        if first not in groups and first not in known:
            assert not re.match(r"\s*--", rest), f"{page}: poolscore {first}"
            continue  # a sentence about poolscore
        assert name in known, f"{page}: poolscore {name}"
        for option in re.findall(r"(?<= )--[a-z-]+", rest.partition(" # ")[0].partition(" | ")[0]):
            assert option in known[name], f"{page}: poolscore {name} {option}"
        checked += 1
    assert checked > 5


@pytest.mark.parametrize("page", PAGES)
def test_links(page: str, pytestconfig: pytest.Config) -> None:
    path = pytestconfig.rootpath / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [link for link in sorted(set(links)) if not (path.parent / link).exists()] == []
