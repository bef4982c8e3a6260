import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.kills.openings import Openings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's events are counted")


def _open(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).read_bytes()


def test_a_repeated_opening_is_owed_to_the_kill_that_lost_the_first_one(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / name).write_bytes(b"")
    with Openings(tmp_path) as openings:
        _open(tmp_path, "a", "b", "c")
        openings.killed(everything=False)
        _open(tmp_path, "b")
        openings.killed(everything=False)
        # `c` was lost by the first kill though the second came before it was opened again.
        _open(tmp_path, "b", "c", "d")
        openings.read()
        assert openings.repeated == Counter({0: 2, 1: 1})
        assert (openings.images, openings.total) == (4, 7)


def test_without_a_kill_nothing_explains_a_repeated_opening(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"")
    with Openings(tmp_path) as openings:
        _open(tmp_path, "a")
        openings.begin()
        _open(tmp_path, "a", "b", "a")
        openings.read()
        assert openings.repeated == Counter({-1: 1})


def test_what_outlived_a_kill_is_owed_to_the_one_that_lost_everything(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"")
    with Openings(tmp_path) as openings:
        _open(tmp_path, "a", "b", "c")
        openings.killed(everything=False)
        _open(tmp_path, "a")
        openings.killed(everything=True)
        _open(tmp_path, "b")
        openings.killed(everything=False)
        _open(tmp_path, "c")
        openings.read()
        assert openings.repeated == Counter({0: 1, 1: 2})
