from pathlib import Path

import pytest

from poolscore.config import Settings
from services.commands.serve import environment

DEFAULTS = ("CATALOG", "HOME", "STORE", "ADDRESS")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DEFAULTS:
        monkeypatch.delenv(f"POOLSCORE_{name}", raising=False)


def test_the_defaults_need_no_words() -> None:
    assert environment(Settings().address, Settings()) == []


def test_another_shell_is_led_to_the_same_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POOLSCORE_HOME", "my home")
    monkeypatch.setenv("POOLSCORE_STORE", "s3://bucket/pools?region=eu-west-1")
    assert environment("127.0.0.1:37381", Settings()) == [
        f"export POOLSCORE_HOME='{tmp_path}/my home'",
        "export POOLSCORE_STORE='s3://bucket/pools?region=eu-west-1'",
        "export POOLSCORE_ADDRESS=127.0.0.1:37381",
    ]
    monkeypatch.setenv("POOLSCORE_STORE", "files")
    assert f"export POOLSCORE_STORE={tmp_path}/files" in environment("", Settings())


def test_what_this_shell_has_set_another_one_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSCORE_ADDRESS", "127.0.0.1:9001")
    assert environment("127.0.0.1:9001", Settings()) == ["export POOLSCORE_ADDRESS=127.0.0.1:9001"]


def test_a_password_is_not_shown() -> None:
    settings = Settings(catalog="postgresql://me:secret@db/poolscore")
    assert environment(settings.address, settings) == [
        "export POOLSCORE_CATALOG='postgresql://me:***@db/poolscore'"
    ]
