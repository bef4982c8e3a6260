from pathlib import Path

import pytest

from poolscore.config import Settings
from poolscore.errors import InvalidInputError
from poolscore.store.files import open_store


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_REPLICAS", "0"),
        ("SCORERS", "two"),
        ("SCORERS", "-1"),
        ("SCORER_MEMORY_GIB", "0"),
        ("SCORER_MEMORY_GIB", "x"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"POOLSCORE_{name}", value)
    with pytest.raises(InvalidInputError, match=f"POOLSCORE_{name} is '{value}'") as caught:
        Settings()
    assert caught.value.reason == "SETTING_INVALID"


@pytest.mark.parametrize("store", ["s3://", "gs://"])
def test_a_store_without_a_bucket_is_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POOLSCORE_STORE", store)
    with pytest.raises(InvalidInputError, match="it names no bucket"):
        open_store(Settings().store_uri)
    assert not list(tmp_path.iterdir())
