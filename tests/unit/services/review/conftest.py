from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from PIL import Image

from poolscore.access.caller import Role
from poolscore.store.api_tokens import issue_token
from services.api.backend import Backend
from services.api.ingress import Api
from tests.api_server import api_server
from tests.seeding import item_ids, seed_pool


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Files of the first five items; the fifth is none, the others are missing."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, item in enumerate(item_ids(4)):
        Image.new("RGB", (900, 600), (40 * number, 90, 120)).save(folder / f"{item}.jpg")
    (folder / f"{item_ids(5)[-1]}.jpg").write_text("this is no photograph")
    return folder


@pytest.fixture
def pool(backend: Backend, store_uri: str, images: Path) -> str:
    seed_pool(backend.catalog, store_uri, "shop", images=images.as_uri())
    seed_pool(backend.catalog, store_uri, "other")
    return "shop"


@pytest.fixture
def open_api(api: Api, pool: str) -> Generator[str]:
    """An API that asks nobody for a token."""
    with api_server(api, tokens=False) as address:
        yield address


@pytest.fixture
def guarded_api(api: Api, pool: str) -> Generator[str]:
    """An API that asks for tokens."""
    with api_server(api, tokens=True) as address:
        yield address


@pytest.fixture
def token(backend: Backend) -> Callable[..., dict[str, str]]:
    """Headers with a token of a role, for some pools."""

    def make(role: Role, *pools: str) -> dict[str, str]:
        issued, _ = issue_token(backend.catalog, "somebody", role, pools or None)
        return {"authorization": f"Bearer {issued.text}"}

    return make
