"""What `make` does to environments; each test has a checkout of nothing but the Makefile."""

import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

TOOLS = ("sh", "cat", "cksum", "cut")
"""What the Makefile's own lines need."""


@pytest.fixture
def checkout(pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    (tmp_path / "checkout").mkdir()
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(pytestconfig.rootpath / name, tmp_path / "checkout")
    return tmp_path / "checkout"


def make(checkout: Path, *arguments: str, path: str = os.environ["PATH"]) -> str:
    outcome = subprocess.run(
        ["make", *arguments],
        cwd=checkout,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return outcome.stdout


@pytest.mark.parametrize("inside", [".venv", "out/env"])
def test_clean_removes_the_environment_of_the_checkout(checkout: Path, inside: str):
    venv.create(checkout / inside)
    make(checkout, "clean", f"VENV={inside}")
    assert not (checkout / inside).exists()


@pytest.mark.parametrize("written", ["{}", "../elsewhere", ".venv/../../elsewhere", "link"])
def test_clean_leaves_an_environment_outside_alone(checkout: Path, written: str):
    outside = checkout.parent / "elsewhere"
    for folder in (outside, checkout / ".venv"):
        venv.create(folder)
    (checkout / "link").symlink_to(outside)
    make(checkout, "clean", f"VENV={written.format(outside)}")
    assert (outside / "pyvenv.cfg").exists()
    assert (checkout / ".venv").exists()


@pytest.mark.parametrize("written", [".", "bench", "gone"])
def test_clean_removes_nothing_that_is_no_environment(checkout: Path, written: str):
    (checkout / "bench").mkdir()
    make(checkout, "clean", f"VENV={written}")
    assert (checkout / "Makefile").exists()
    assert (checkout / "bench").exists()


def test_locking_gets_itself_uv_where_there_is_none(checkout: Path, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    for tool in ("make", *TOOLS):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    steps = make(checkout, "--dry-run", "lock", path=str(tmp_path / "bin"))
    environment = checkout / ".venv" / "bin"
    assert f"{environment}/python -m pip install" in steps
    assert f"{environment}/uv pip compile" in steps
    assert steps.index("pip install") < steps.index("pip compile")
