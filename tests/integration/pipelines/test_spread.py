"""Scoring by tasks of a real Ray."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from pipelines import scan
from pipelines.spread import spread
from poolscore.errors import NotFoundError
from poolscore.scoring.types import Scores
from poolscore.store.files import open_store
from tests.growing_pool import ROWS, GrowingPool
from tests.shards_world import prompts


@pytest.mark.usefixtures("cluster")
def test_tasks_say_what_a_scan_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "ROWS_PER_STEP", 2 * ROWS)
    pool = GrowingPool(tmp_path)
    snapshot = [pool.grow() for _ in range(7)][-1]
    store = open_store(pool.root)
    found = spread(store, snapshot).score(prompts())
    expected = scan.scan(store, snapshot).score(prompts())
    for each in fields(Scores):
        assert np.array_equal(getattr(found, each.name), getattr(expected, each.name)), each.name
    next(Path(pool.root).rglob("shards/*.parquet")).unlink()
    with pytest.raises(NotFoundError, match="missing from the file store"):
        spread(store, snapshot).score(prompts())
