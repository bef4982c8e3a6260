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


def test_where_callers_need_a_token_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = "export POOLSCORE_TOKEN=$(poolscore token create me --role operator)"
    assert environment(Settings().address, Settings(tokens="always")) == [made]
    open_to_all = Settings(address="0.0.0.0:9000")
    assert environment(open_to_all.address, open_to_all)[-1] == made
    assert made not in environment(
        "0.0.0.0:9000", open_to_all.model_copy(update={"tokens": "never"})
    )


def test_a_password_is_not_shown() -> None:
    settings = Settings(catalog="postgresql://me:secret@db/poolscore")
    assert environment(settings.address, settings) == [
        "export POOLSCORE_CATALOG='postgresql://me:***@db/poolscore'"
    ]
