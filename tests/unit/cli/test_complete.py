import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poolscore.cli.complete import served_pools, stored_pools
from poolscore.encoder.spec import EncoderSpec
from poolscore.store.catalog import Catalog
from poolscore.store.pools import create_pool

POOLSCORE = Path(sys.executable).with_name("poolscore")

TAB = """
source <(poolscore --show-completion bash)
for line in "$@"; do
  read -ra COMP_WORDS <<<"$line"
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _poolscore_completion poolscore
  echo "${COMPREPLY[*]}"
done
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POOLSCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("POOLSCORE_ADDRESS", "127.0.0.1:1")
    return tmp_path / "home"


def seed(home: Path) -> None:
    catalog = Catalog.open(f"sqlite:///{home}/catalog.db")
    for name in ("shirts", "shoes", "apples"):
        create_pool(catalog, name, ("a", "b"), "", EncoderSpec(), "d" * 64, "random", 0)
    catalog.close()


def press_tab(*lines: str) -> list[str]:
    """What a real bash offers at the end of each line."""
    path = os.pathsep.join([str(POOLSCORE.parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", TAB, "bash", *lines],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_completes_commands_and_pools(home: Path) -> None:
    seed(home)
    offered = press_tab("poolscore pro", "poolscore pool show sh")
    assert offered == ["prompts", "shirts shoes"]


def test_pools_of_the_catalog(home: Path) -> None:
    seed(home)
    assert stored_pools("") == ["apples", "shirts", "shoes"]
    assert stored_pools("sho") == ["shoes"]


def test_without_a_catalog_there_is_nothing_and_none_is_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stored_pools("") == []
    assert not home.exists()
    monkeypatch.setenv("POOLSCORE_CATALOG", "nonsense")
    assert stored_pools("") == []


def test_a_service_that_does_not_answer_is_not_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served_pools("") == []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("POOLSCORE_ADDRESS", f"127.0.0.1:{silent.getsockname()[1]}")
        begin = time.monotonic()
        assert served_pools("") == []
        assert time.monotonic() - begin < 10
