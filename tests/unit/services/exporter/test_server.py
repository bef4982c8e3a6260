from pathlib import Path
from urllib.request import urlopen

import pytest

from poolscore.config import Settings
from poolscore.errors import FailedPreconditionError, InvalidInputError
from poolscore.store.catalog import Catalog
from services.exporter.server import start_exporter


def test_the_page_is_served_until_it_is_stopped(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, metrics_address="127.0.0.1:0")
    Catalog.open(settings.catalog_url).close()
    exporter = start_exporter(settings)
    with urlopen(exporter.url, timeout=30) as response:
        assert "poolscore_catalog_up 1.0" in response.read().decode()
    with pytest.raises(FailedPreconditionError, match="POOLSCORE_METRICS_ADDRESS") as caught:
        start_exporter(settings.model_copy(update={"metrics_address": exporter.address}))
    assert caught.value.reason == "ADDRESS_IN_USE"
    exporter.stop()
    start_exporter(settings.model_copy(update={"metrics_address": exporter.address})).stop()


def test_what_is_no_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="POOLSCORE_METRICS_ADDRESS"):
        start_exporter(Settings(home=tmp_path, metrics_address="9001"))
