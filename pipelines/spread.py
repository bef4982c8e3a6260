"""Embeddings of a pool that no memory holds, scored by stateless tasks on all nodes of the cluster.

Shapes: n images of a step.
"""

from collections.abc import Sequence
from dataclasses import fields

import pyarrow as pa
import ray

from pipelines.cluster import cluster_cores, quieten
from pipelines.failure import below_ray
from pipelines.places import Store
from pipelines.scan import (
    ScannedEmbeddings,
    concatenate,
    read_entry,
    snapshot_manifest,
    stack,
    steps,
)
from poolscore.encoder.hardware import resolve_device
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store.manifest import ShardEntry
from poolscore.store.records import Snapshot


class SpreadEmbeddings(ScannedEmbeddings):
    """Read where they are needed, as scanned ones are, but scored by Ray Data."""

    def score(self, prompts: PromptFeatures) -> Scores:
        """Score every cached embedding; a task reads and scores some shards and keeps nothing."""
        quieten()
        dim, store = self._manifest.dim, self._store
        waiting = [
            {"step": number, "shards": [shard.model_dump_json() for shard in step]}
            for number, step in enumerate(steps(self._manifest))
        ]
        if not waiting:
            return concatenate([])
        gpus = min(1.0, ray.cluster_resources().get("GPU", 0.0))

        def score_step(batch: pa.Table) -> pa.Table:
            shards = [ShardEntry.model_validate_json(text) for text in batch["shards"][0].as_py()]
            data = [read_entry(store, shard) for shard in shards]
            device = resolve_device("auto" if gpus else "cpu").type
            scores = score(stack(data, dim), prompts, device=device)
            columns = {field.name: getattr(scores, field.name) for field in fields(Scores)}
            step = pa.repeat(batch["step"][0], len(scores))
            return pa.table({"step": step, **columns})

        scored = ray.data.from_items(waiting, override_num_blocks=len(waiting)).map_batches(
            score_step,
            batch_format="pyarrow",
            batch_size=1,
            num_cpus=1,
            num_gpus=gpus,
            concurrency=cluster_cores(),
        )
        # Ray Data's own wrapping loses the error that a person can act on.
        scored.context.raise_original_map_exception = True
        try:
            tables = list(scored.iter_batches(batch_size=None, batch_format="pyarrow"))
        except Exception as error:
            raise below_ray(error) from error
        return _in_order(tables)


def spread(store: Store, snapshot: Snapshot) -> SpreadEmbeddings:
    """The embeddings of a registered snapshot. Raises what `load_manifest` raises."""
    return SpreadEmbeddings(store, snapshot_manifest(store, snapshot))


def _in_order(tables: Sequence[pa.Table]) -> Scores:
    """Scores of all steps, one after the other; tasks end in any order."""
    parts = [
        (table["step"][0].as_py(), Scores(*(table[f.name].to_numpy() for f in fields(Scores))))
        for table in tables
        if len(table)
    ]
    return concatenate([scores for _, scores in sorted(parts, key=lambda part: part[0])])
