"""Where Ray Data writes shards."""

from collections.abc import Iterable

import pyarrow as pa
from pyarrow import fs
from ray.data._internal.datasource.parquet_datasink import ParquetDatasink
from ray.data._internal.execution.interfaces import TaskContext
from ray.data.block import Block

from pipelines.metrics import stage_time
from poolscore.store.shards import WRITE_OPTIONS


class ShardSink(ParquetDatasink):
    """Writes each block as a shard, and counts the time that it takes."""

    def __init__(self, folder: str, filesystem: fs.FileSystem, schema: pa.Schema) -> None:
        """Write shards of this schema into a folder."""
        super().__init__(
            folder,
            filesystem=filesystem,
            arrow_parquet_args={"schema": schema, **WRITE_OPTIONS},
        )

    def write(self, blocks: Iterable[Block], ctx: TaskContext) -> None:
        """Write the blocks of one task."""
        made = list(blocks)  # an iterator may still have to make them, which is no writing
        with stage_time("write"):
            super().write(made, ctx)
