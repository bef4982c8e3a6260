from pathlib import Path

import pytest
from ray.serve import Application

from poolscore.config import Settings
from poolscore.errors import FailedPreconditionError, InvalidInputError
from services.application import api, check_usable, workers


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSCORE_CATALOG", f"sqlite:///{tmp_path}/catalog.db")
    monkeypatch.setenv("POOLSCORE_STORE", str(tmp_path / "store"))


def test_a_config_file_gets_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSCORE_SOURCE_ROOTS", "/images")
    assert isinstance(api({}), Application)
    assert isinstance(workers({}), Application)


def test_an_api_of_a_config_file_is_open_to_others() -> None:
    with pytest.raises(FailedPreconditionError, match="POOLSCORE_SOURCE_ROOTS") as caught:
        api({})
    assert caught.value.reason == "SOURCE_ROOTS_MISSING"


@pytest.mark.parametrize("name", ["CATALOG", "STORE"])
def test_nodes_of_a_cluster_share_catalog_and_store(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"POOLSCORE_{name}")
    with pytest.raises(FailedPreconditionError, match=f"set POOLSCORE_{name}") as caught:
        api({})
    assert caught.value.reason == "SETTING_MISSING"


def test_what_trainings_could_not_use_is_said_first(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_usable(Settings(home=tmp_path, training='{"steps": "many"}'), local_only=True)
    assert caught.value.reason == "INVALID_TRAINING"
