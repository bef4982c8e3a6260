"""axe-core finds nothing on any view, in dark and in light, wide and narrow."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.ops.review.shop import GALLERY, Shop, all_sent, begin, sign_in

WIDE, NARROW = ViewportSize(width=1280, height=800), ViewportSize(width=360, height=740)
"""The narrow one is a telephone, or a wide one at more than 300 %."""

Scheme = Literal["light", "dark"]


@pytest.fixture(params=[("dark", WIDE), ("light", NARROW)])
def seen(browser: Browser, request: pytest.FixtureRequest) -> Generator[tuple[Page, str]]:
    """A page, and what it looks like."""
    scheme, size = request.param
    context = browser.new_context(viewport=size, color_scheme=scheme)
    yield context.new_page(), f"{scheme}-{'wide' if size is WIDE else 'narrow'}"
    context.close()


def test_every_view(shop: Shop, seen: tuple[Page, str], pictures: Path) -> None:
    page, look = seen

    def check(view: str) -> None:
        response: Any = Axe().run(page).response
        found = [
            (each["impact"], each["id"], [node["html"] for node in each["nodes"]])
            for each in response["violations"]
        ]
        assert not found, (look, view)
        too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(too_wide), (look, view)
        page.screenshot(path=pictures / f"{view}-{look}.png")

    page.goto(shop.url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_focused()
    check("sign-in")
    sign_in(page, shop.url, shop.token().text)
    expect(page.get_by_role("heading", name="What do you want to label?")).to_be_focused()
    check("start")
    begin(page, GALLERY, 3)
    expect(page.locator("#frame img")).to_be_visible()
    page.keyboard.press("Shift+Digit1")
    page.keyboard.press("Shift+Digit2")
    check("work")
    page.keyboard.press("/")
    page.keyboard.type("o")
    check("search")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    check("grid")
    page.keyboard.press("h")
    expect(page.get_by_role("dialog")).to_be_visible()
    check("help")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Learning curve").click()
    expect(page.get_by_role("img", name="Accuracy on held-out labels")).to_be_visible()
    check("curve")
    page.keyboard.press("Escape")
    page.context.set_offline(True)
    page.locator("#classes").focus()
    page.keyboard.press("?")
    expect(page.locator("#unsent")).to_be_visible()
    check("offline")
    page.context.set_offline(False)
    page.keyboard.press("?")
    page.keyboard.press("?")
    expect(page.get_by_role("img", name="Accuracy on held-out labels")).to_be_visible()
    all_sent(page)
    check("done")
