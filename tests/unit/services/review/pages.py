"""The page as a browser sees it, before an API in this process."""

from typing import Any

from starlette.testclient import TestClient

from poolscore.config import Settings
from services.review.app import create_app

LOCAL = "http://127.0.0.1:9003"
LEASE = {"parent": "pools/shop", "size": 3, "annotator": "ann"}


def page(address: str, *, local_only: bool = True, url: str = LOCAL, **settings: Any) -> TestClient:
    """A browser at `url`."""
    app = create_app(Settings(address=address, **settings), local_only=local_only)
    return TestClient(app, base_url=url, raise_server_exceptions=False)


def lease(browser: TestClient, **headers: str) -> dict[str, Any]:
    """Three images of the pool."""
    answer = browser.post("/call/LeaseBatch", json=LEASE, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["batch"]
