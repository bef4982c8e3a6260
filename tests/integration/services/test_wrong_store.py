"""A store that cannot be reached is said before anything is done."""

from pathlib import Path

import pytest
import ray
import typer
from typer.testing import CliRunner

from pipelines.cli import register as register_embed
from poolscore.cli.pool import register as register_pool
from poolscore.config import Settings
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import UnavailableError
from poolscore.store.catalog import Catalog
from poolscore.store.pools import create_pool, list_pools
from services.serve import start_service

STORE = "s3://nobucket/x"


@pytest.fixture(autouse=True)
def home(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    del s3
    monkeypatch.setenv("POOLSCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("POOLSCORE_STORE", STORE)
    return tmp_path


def _refusal(*arguments: str) -> str:
    app = typer.Typer()
    register_embed(app)
    register_pool(app)
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, UnavailableError)
    assert STORE in error.message
    return error.reason


def test_a_pool_is_not_created() -> None:
    assert _refusal("pool", "create", "pets", "--classes", "cat,dog") == "STORE_UNREACHABLE"
    assert list_pools(Catalog.open(Settings().catalog_url))[0] == []


def test_no_run_is_begun(home: Path) -> None:
    catalog = Catalog.open(Settings().catalog_url)
    create_pool(catalog, "pets", ["cat", "dog"], "a {}.", EncoderSpec(), "0" * 64, "", 0)
    assert _refusal("embed", "pets", str(home)) == "STORE_UNREACHABLE"


def test_the_service_does_not_start() -> None:
    before = ray.is_initialized()
    with pytest.raises(UnavailableError, match=STORE) as caught:
        start_service(Settings(address="127.0.0.1:0"))
    assert caught.value.reason == "STORE_UNREACHABLE"
    assert ray.is_initialized() == before
