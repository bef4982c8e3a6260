"""A service that asks for tokens, and its review page, as users run them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from poolscore.access.caller import Role
from poolscore.access.token import Token
from poolscore.store.api_tokens import issue_token
from poolscore.store.label_events import list_label_events
from poolscore.store.records import LabelEvent
from tests.integration.services.running import Running
from tests.seeding import seed_pool

PHOTOS, GALLERY = "photos", "gallery"
"""Pools of the same photographs."""
RANKED = "p"
"""The pool of `RankedPool`, whose items can be explained."""

ANNOTATOR = "ann"

_START = "from services.commands.review import review; review(address='127.0.0.1:0')"


@dataclass(frozen=True)
class Shop:
    """What a test needs of both."""

    service: Running
    url: str

    def token(self, role: Role = Role.ANNOTATOR, *pools: str) -> Token:
        """A new token."""
        issued, _ = issue_token(self.service.catalog, "somebody", role, pools or None)
        return issued

    def seed(self, pool: str, **options: Any) -> str:
        """A pool of its own for a test; returns its id."""
        seed_pool(self.service.catalog, self.service.store_uri, pool, **options)
        return pool

    def events(self, pool: str) -> list[LabelEvent]:
        """What the catalog holds."""
        return list_label_events(self.service.catalog, pool)[0]


@contextmanager
def review_page(address: str, roots: Path) -> Generator[str]:
    """Run `poolscore review`; yields its URL."""
    environment = os.environ | {
        "POOLSCORE_ADDRESS": address,
        "POOLSCORE_SOURCE_ROOTS": str(roots),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", _START],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.fullmatch(r"review page +(\S+)\n", process.stdout.readline())
        assert found, process.stdout.read()
        yield found[1]
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert "Traceback" not in said
        assert "ps_" not in said
    finally:
        process.kill()
        process.wait()


def sign_in(page: Page, url: str, token: str) -> None:
    """Open the page and type a token, by keyboard."""
    page.goto(url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type(token)
    page.keyboard.press("Enter")


def begin(page: Page, pool: str, size: int) -> None:
    """Choose a pool, a name and a size, and lease a batch, by keyboard."""
    expect(page.get_by_role("heading", name="What do you want to label?")).to_be_focused()
    page.keyboard.press("Tab")
    chosen = page.locator("#pools input:checked")
    for _ in range(page.locator("#pools input").count()):
        if chosen.input_value() == pool:
            break
        page.keyboard.press("ArrowDown")
    assert chosen.input_value() == pool
    page.keyboard.press("Tab")
    page.keyboard.type(ANNOTATOR)
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type(str(size))
    page.keyboard.press("Enter")


def all_sent(page: Page) -> None:
    """Wait until every answer is acknowledged."""
    expect(page.locator("#unsent")).to_have_attribute("data-count", "0")
