import io
from collections.abc import Callable
from pathlib import Path

import httpx2
from PIL import Image
from starlette.testclient import TestClient

from poolscore.access.caller import Role
from services.review.thumbnails import SIDE
from tests.seeding import item_ids
from tests.unit.services.review.pages import lease, page

ITEMS = [f"pools/shop/items/{item}" for item in item_ids(20)]


def picture(browser: TestClient, item: str, batch: str = "1", **headers: str) -> httpx2.Response:
    query = {"batch": f"pools/shop/batches/{batch}", "item": item}
    return browser.get("/picture", params=query, headers=headers)


def test_a_leased_image_is_shown_small(open_api: str) -> None:
    browser = page(open_api)
    lease(browser)
    answer = picture(browser, ITEMS[1])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (SIDE, round(SIDE * 600 / 900))


def test_only_images_of_the_batch_are_read(open_api: str, images: Path) -> None:
    browser = page(open_api)
    lease(browser)
    addresses = [ITEMS[3], (images / "item-0000.jpg").as_uri(), "/etc/passwd", ""]
    for item in addresses:
        answer = picture(browser, item)
        assert (answer.status_code, answer.json()["reason"]) == (404, "ITEM_NOT_IN_BATCH")
    assert picture(browser, ITEMS[0], "2").json()["reason"] == "BATCH_NOT_FOUND"


def test_only_who_may_see_the_batch_sees_its_images(
    guarded_api: str, token: Callable[..., dict[str, str]]
) -> None:
    browser, mine = page(guarded_api), token(Role.ANNOTATOR, "shop")
    lease(browser, **mine)
    assert picture(browser, ITEMS[0], **mine).status_code == 200
    # Others must not profit from what was read for the first.
    assert picture(browser, ITEMS[0]).status_code == 401
    others = token(Role.ADMIN, "other")
    assert picture(browser, ITEMS[0], **others).json()["reason"] == "POOL_NOT_ALLOWED"
    assert picture(browser, ITEMS[0], **token(Role.READER, "shop")).status_code == 200


def test_an_image_outside_of_the_roots_is_not_read(open_api: str, tmp_path: Path) -> None:
    browser = page(open_api, source_roots=str(tmp_path / "elsewhere"))
    lease(browser)
    answer = picture(browser, ITEMS[0])
    assert (answer.status_code, answer.json()["reason"]) == (422, "NOT_ALLOWED")


def test_what_cannot_be_shown_has_a_reason(open_api: str) -> None:
    browser = page(open_api)
    for _ in range(2):
        lease(browser)
    reasons = [picture(browser, item, "2") for item in ITEMS[3:6]]
    assert reasons[0].status_code == 200
    assert [answer.json()["reason"] for answer in reasons[1:]] == ["NOT_AN_IMAGE", "UNREADABLE"]
    assert "images" not in reasons[2].text


def test_an_image_is_read_once(open_api: str, images: Path) -> None:
    browser = page(open_api)
    lease(browser)
    first = picture(browser, ITEMS[0])
    (images / "item-0000.jpg").unlink()
    assert picture(browser, ITEMS[0]).content == first.content
