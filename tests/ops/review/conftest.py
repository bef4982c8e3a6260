import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from poolscore.access.caller import Role
from poolscore.client import Client
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.records import Promotion
from poolscore.v1 import pool_service_pb2 as pool_pb
from tests.integration.services.running import Running, launch, started, stop
from tests.ops.review.shop import GALLERY, PHOTOS, Shop, review_page
from tests.photographs import write_photographs
from tests.seeding import item_ids

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def shop() -> Generator[Shop]:
    """One service and one page for all tests."""
    home = Path(tempfile.mkdtemp(prefix="poolscore-"))
    photos, catalog_url = home / "photos", f"sqlite:///{home}/catalog.db"
    settings = {
        "POOLSCORE_TOKENS": "always",
        "POOLSCORE_SOURCE_ROOTS": str(photos),
        "POOLSCORE_SCORERS": "0",
    }
    process = launch(home, "127.0.0.1:0", catalog_url, **settings)
    try:
        from tests.ranked_pool import RankedPool  # torch: seconds, in which the service starts

        running = started(process, home, catalog_url)
        RankedPool(home).catalog.close()
        with review_page(running.address, photos) as url:
            shop = Shop(running, url)
            _add_photographs(shop, photos)
            yield shop
        running.catalog.close()
        code, output = stop(process)
        assert code == 0, output
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _add_photographs(shop: Shop, folder: Path) -> None:
    """Both pools of them, as large as they need to be."""
    for path, item in zip(write_photographs(folder, 24), item_ids(24), strict=True):
        path.rename(folder / f"{item}.jpg")
    with Client(shop.service.address, token=shop.token(Role.OPERATOR).text) as client:
        for pool in (PHOTOS, GALLERY):
            shop.seed(pool, items=24, images=folder.as_uri())
            _add_versions(shop.service, pool)
            budget = pool_pb.Budget(labels=100)
            client.update_pool(pool_pb.Pool(name=f"pools/{pool}", budget=budget))


def _add_versions(service: Running, pool: str) -> None:
    """Two versions that were compared on held-out labels, the second in vain."""
    compared = [
        Promotion(True, "better", 0, 20, accuracy=0.75, active_accuracy=0.5),
        Promotion(False, "worse", 1, 25, accuracy=0.6, active_accuracy=0.8),
    ]
    for number, promotion in enumerate(compared, 1):
        digest, labels, parent = f"{number:064d}", 30 * number, number - 1
        add_prompt_version(
            service.catalog, pool, digest, "p", labels, labels, parent, {}, promotion=promotion
        )


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """Debian's Chromium; a test fails where there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A page in a browser profile of its own, on which no script may fail or be refused."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on(
        "console", lambda message: failures.append(message.text) if _is_bad(message.text) else None
    )
    yield page
    context.close()
    assert not failures


def _is_bad(text: str) -> bool:
    # Chromium logs every answer that is an error; what the page makes of it, tests look at.
    return not text.startswith("Failed to load resource")


@pytest.fixture(scope="session")
def pictures(pytestconfig: pytest.Config) -> Path:
    """Folder for what the tests have seen, to be looked at."""
    folder = pytestconfig.rootpath / "out" / "review"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
