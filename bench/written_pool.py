"""Shards and manifest of a pool as an embedding run would leave them, without photographs."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.places import Store
from poolscore.encoder.spec import EncoderSpec
from poolscore.store import files
from poolscore.store.manifest import Manifest, ShardEntry, commit_manifest, sort_shards
from poolscore.store.records import Snapshot, utcnow
from poolscore.store.shards import WRITE_OPTIONS, embeddings_to_arrow, shard_schema

SHARD = 1 << 14
"""Images of a shard."""


def write_snapshot(
    store: Store,
    pool: str,
    encoder: EncoderSpec,
    digest: str,
    shards: Iterable[npt.NDArray[np.float16]],
) -> Snapshot:
    """Write each (rows, width) array as a shard, and the manifest: snapshot 1 of `pool`."""
    filesystem, root = store
    folder = files.run_dir(root, pool, 1)
    filesystem.create_dir(folder, recursive=True)
    entries, width = list[ShardEntry](), 0
    for number, features_ND in enumerate(shards):
        rows, width = features_ND.shape
        schema = shard_schema(width, digest)
        ids = [f"{number:08x}{row:024x}" for row in range(rows)]
        columns = {
            "id": pa.array(ids),
            "uri": pa.array([f"s3://bucket/images/{each}.jpg" for each in ids]),
            "embedding": embeddings_to_arrow(features_ND),
        }
        empty = {field.name: pa.nulls(rows, field.type) for field in schema}
        table = pa.table({**empty, **columns}, schema=schema)
        path = f"{folder}/shard-{number:04d}.parquet"
        pq.write_table(table, path, filesystem=filesystem, **WRITE_OPTIONS)
        relative = files.relative(root, path)
        entries.append(ShardEntry(path=relative, rows=rows, embedded=rows, rejected=0))
    manifest = Manifest(
        pool=pool,
        run=1,
        encoder=encoder,
        encoder_digest=digest,
        dim=width,
        shards=sort_shards(entries),
        embedded=sum(entry.rows for entry in entries),
        rejected=0,
        rejects={},
        sources=("synthetic",),
        created=utcnow(),
    )
    uri, sha256 = commit_manifest(filesystem, root, manifest)
    return Snapshot(pool, 1, uri, sha256, manifest.embedded, 0, digest, 1, manifest.created)
