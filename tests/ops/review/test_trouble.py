"""What an annotator sees when something goes wrong."""

from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from poolscore.store.batches import extend_batch, get_batch
from poolscore.store.records import utcnow
from tests.ops.review.shop import Shop, all_sent, begin, review_page, sign_in


def test_answers_wait_for_the_network(shop: Shop, page: Page, pictures: Path) -> None:
    pool = shop.seed("offline")
    sign_in(page, shop.url, shop.token().text)
    begin(page, pool, 5)
    expect(page.locator("#place")).to_have_text("Image 1 of 5")
    page.context.set_offline(True)
    for key in ("1", "2", "u", "?"):
        page.keyboard.press(key)
    expect(page.locator("#unsent")).to_have_text("4 answers not sent yet")
    expect(page.locator("#notice")).to_contain_text("Your answers are kept")
    page.screenshot(path=pictures / "offline.png")
    assert shop.events(pool) == []
    page.context.set_offline(False)
    all_sent(page)
    expect(page.locator("#unsent")).to_be_hidden()
    expect(page.locator("#notice")).to_be_empty()
    assert len(shop.events(pool)) == 4


def test_a_lease_is_extended_while_somebody_works(shop: Shop, page: Page) -> None:
    pool, catalog = shop.seed("extended"), shop.service.catalog
    sign_in(page, shop.url, shop.token().text)
    begin(page, pool, 5)
    expect(page.locator("#place")).to_have_text("Image 1 of 5")
    extend_batch(catalog, pool, 1, timedelta(minutes=5))
    page.reload()
    expect(page.locator("#lease")).to_have_text("Lease 30 min")
    assert get_batch(catalog, pool, 1).expire_time > utcnow() + timedelta(minutes=25)


def test_an_expired_lease_is_said_and_answers_still_count(
    shop: Shop, page: Page, pictures: Path
) -> None:
    pool, catalog = shop.seed("expired"), shop.service.catalog
    sign_in(page, shop.url, shop.token().text)
    begin(page, pool, 5)
    expect(page.locator("#place")).to_have_text("Image 1 of 5")
    past = utcnow() - timedelta(hours=1)
    extend_batch(catalog, pool, 1, timedelta(minutes=1), now=past)
    page.reload()
    expect(page.locator("#notice")).to_contain_text("The lease of this batch has ended")
    expect(page.locator("#lease")).to_have_text("Lease expired")
    page.screenshot(path=pictures / "expired.png")
    page.keyboard.press("1")
    all_sent(page)
    assert len(shop.events(pool)) == 1
    page.get_by_role("button", name="Next batch").first.click()
    expect(page.locator("#place")).to_have_text("Image 1 of 5")
    assert get_batch(catalog, pool, 2).state.value == "OPEN"


def test_a_service_that_is_away(page: Page, tmp_path: Path) -> None:
    with review_page("127.0.0.1:1", tmp_path) as url:
        page.goto(url)
        expect(page.locator("#notice")).to_contain_text("service does not answer")
        expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_an_image_that_is_gone_has_a_placeholder(shop: Shop, page: Page) -> None:
    pool = shop.seed("gone")
    sign_in(page, shop.url, shop.token().text)
    begin(page, pool, 5)
    expect(page.locator("#frame")).to_contain_text("No picture")


def test_an_empty_pool_says_why(shop: Shop, page: Page) -> None:
    pool = shop.seed("empty", items=2)
    sign_in(page, shop.url, shop.token().text)
    begin(page, pool, 2)
    expect(page.locator("#place")).to_have_text("Image 1 of 2")
    page.keyboard.press("1")
    page.keyboard.press("1")
    expect(page.get_by_role("heading", name="Batch done")).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator("#notice")).to_contain_text("Every image of pool empty is labeled")
