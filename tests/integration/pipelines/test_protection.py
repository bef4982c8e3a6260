"""What Ray Data would not protect is refused before anything runs."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray
from ray.data import Dataset
from ray.data._internal.datasource.parquet_datasink import ParquetDatasink
from ray.data._internal.execution.interfaces import TaskContext
from ray.data._internal.logical.interfaces import LogicalPlan
from ray.data._internal.logical.operators import Write
from ray.data._internal.planner.planner import Planner
from ray.data.block import Block
from ray.data.datasource.datasink import Datasink

from pipelines.places import RunPlaces
from pipelines.protection import check_protected, checkpointing
from poolscore.errors import FailedPreconditionError
from tests.shards_world import open_world

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture
def places(tmp_path: Path) -> RunPlaces:
    _, store, _ = open_world(tmp_path)
    places = RunPlaces.of(store, "p", 1)
    Path(places.inputs).mkdir(parents=True)
    pq.write_table(pa.table({"id": ["a"], "uri": ["b"]}), f"{places.inputs}/part.parquet")
    return places


def _protected(dataset: Dataset, places: RunPlaces) -> Dataset:
    dataset.context.checkpoint_config = checkpointing(places)
    return dataset


def _reason(dataset: Dataset, sink: Datasink[None]) -> str:
    with pytest.raises(FailedPreconditionError) as caught:
        check_protected(dataset, sink)
    assert caught.value.reason == "PLAN_UNPROTECTED"
    return caught.value.message


def test_files_to_files_is_protected(places: RunPlaces) -> None:
    dataset = ray.data.read_parquet(places.inputs).repartition(target_num_rows_per_block=1)
    dataset = dataset.map_batches(lambda batch: batch, batch_format="pyarrow")
    check_protected(_protected(dataset, places), ParquetDatasink(places.shards))


def test_without_checkpointing(places: RunPlaces) -> None:
    dataset = ray.data.read_parquet(places.inputs)
    assert "off" in _reason(dataset, ParquetDatasink(places.shards))


def test_a_source_in_memory_although_ray_accepts_it(places: RunPlaces) -> None:
    dataset = _protected(ray.data.from_items([{"id": "a"}]), places)
    sink = ParquetDatasink(places.shards)
    source = dataset._logical_plan.dag  # pyright: ignore[reportPrivateUsage]
    plan = LogicalPlan(Write(sink, input_dependencies=[source]), dataset.context)
    accepted = Planner()._check_supports_checkpointing(plan)  # pyright: ignore[reportPrivateUsage]
    assert accepted, "Ray has mended this; drop our own check"
    assert "cannot be filtered" in _reason(dataset, sink)


def test_one_unprotected_branch_is_enough(places: RunPlaces) -> None:
    dataset = ray.data.read_parquet(places.inputs, columns=["id"])
    dataset = dataset.union(ray.data.from_items([{"id": "b"}]))
    assert "cannot be filtered" in _reason(
        _protected(dataset, places), ParquetDatasink(places.shards)
    )


class _RowSink(Datasink[None]):
    def write(self, blocks: Iterable[Block], ctx: TaskContext) -> None: ...


def test_a_sink_without_two_phase_commit(places: RunPlaces) -> None:
    dataset = _protected(ray.data.read_parquet(places.inputs), places)
    assert "two-phase" in _reason(dataset, _RowSink())
