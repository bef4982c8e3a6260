"""The page is behind the same tokens as the API."""

from pathlib import Path

from playwright.sync_api import Page, expect

from poolscore.access.caller import Role
from poolscore.labels.answer import Label
from poolscore.store.api_tokens import revoke_token
from poolscore.store.batches import get_batch
from services.api.access import FRESH_S
from tests.ops.review.shop import Shop, all_sent, begin, sign_in


def test_a_wrong_token_is_not_kept(shop: Shop, page: Page, pictures: Path) -> None:
    for wrong in (f"ps_{'0' * 12}_{'s' * 43}", "nonsense ü"):
        sign_in(page, shop.url, wrong)
        expect(page.locator("#token-problem")).to_contain_text("does not accept this token")
        expect(page.get_by_label("Token")).to_be_focused()
        page.screenshot(path=pictures / "wrong-token.png")
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_reader_may_look_and_writes_nothing(shop: Shop, page: Page, pictures: Path) -> None:
    pool = shop.seed("looked-at")
    sign_in(page, shop.url, shop.token(Role.READER).text)
    begin(page, pool, 5)
    expect(page.get_by_role("alert")).to_contain_text("look but not label")
    page.screenshot(path=pictures / "reader.png")
    assert shop.events(pool) == []


def test_a_token_shows_its_own_pools(shop: Shop, page: Page) -> None:
    pool = shop.seed("mine")
    sign_in(page, shop.url, shop.token(Role.ANNOTATOR, pool).text)
    expect(page.locator("#pools input")).to_have_count(1)
    begin(page, pool, 5)
    expect(page.locator("#place")).to_have_text("Image 1 of 5")


def test_a_token_that_is_revoked_meanwhile_loses_no_answer(shop: Shop, page: Page) -> None:
    pool, token = shop.seed("revoked"), shop.token()
    sign_in(page, shop.url, token.text)
    begin(page, pool, 5)
    expect(page.locator("#place")).to_have_text("Image 1 of 5")
    revoke_token(shop.service.catalog, token.token_id)
    page.wait_for_timeout(1000 * FRESH_S)
    page.keyboard.press("1")
    expect(page.locator("#notice")).to_contain_text("does not accept this token")
    expect(page.locator("#unsent")).to_have_text("1 answer not sent yet")
    assert shop.events(pool) == []
    page.get_by_role("button", name="Sign in").first.click()
    page.get_by_label("Token").fill(shop.token().text)
    page.keyboard.press("Enter")
    all_sent(page)
    expect(page.locator("#place")).to_have_text("Image 2 of 5")
    assert [event.answer for event in shop.events(pool)] == [Label("cat")]


def test_signing_out_gives_the_batch_back(shop: Shop, page: Page) -> None:
    pool = shop.seed("left")
    sign_in(page, shop.url, shop.token().text)
    begin(page, pool, 5)
    expect(page.locator("#place")).to_have_text("Image 1 of 5")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_focused()
    assert get_batch(shop.service.catalog, pool, 1).state.value == "RELEASED"
    stored = "JSON.stringify({...sessionStorage, ...localStorage})"
    assert "ps_" not in page.evaluate(stored)
