"""Blocks that are taken and not written, counted by the actor that takes them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray

from pipelines.in_flight import bound_in_flight
from poolscore.errors import FailedPreconditionError

pytestmark = pytest.mark.usefixtures("cluster")

BLOCKS, LIMIT = 24, 2


class _Ahead:
    """Adds to every row how many blocks were taken and not written when its own was taken."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._taken = folder, 0

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        self._taken += 1
        ahead = self._taken - len(list(self._folder.glob("*.parquet")))
        return {**batch, "ahead": [ahead] * len(batch["id"])}


def _most_ahead(folder: Path, limit: int | None) -> int:
    folder.mkdir()
    dataset = ray.data.range(BLOCKS, override_num_blocks=BLOCKS).map_batches(
        _Ahead, fn_constructor_args=(folder,), num_cpus=0.5, concurrency=1
    )
    if limit is not None:
        bound_in_flight(dataset.context, limit)
    dataset.write_parquet(str(folder), ray_remote_args={"num_cpus": 0.25}, concurrency=1)
    rows = pq.read_table(folder)
    assert sorted(rows["id"].to_pylist()) == list(range(BLOCKS))
    return max(rows["ahead"].to_pylist())


def test_no_more_blocks_are_taken_than_may_be_lost(tmp_path: Path) -> None:
    assert _most_ahead(tmp_path / "bounded", LIMIT) <= LIMIT
    assert _most_ahead(tmp_path / "free", None) > LIMIT


def test_writers_that_are_not_found_are_refused(tmp_path: Path) -> None:
    """Tasks that ask for what a writer asks for are fused with it."""
    pq.write_table(pa.table({"id": ["a", "b"]}), tmp_path / "in.parquet")
    dataset = ray.data.read_parquet(str(tmp_path / "in.parquet")).map_batches(lambda batch: batch)
    bound_in_flight(dataset.context, LIMIT)
    with pytest.raises(FailedPreconditionError) as caught:
        dataset.write_parquet(str(tmp_path / "out"))
    assert caught.value.reason == "PLAN_UNPROTECTED"
