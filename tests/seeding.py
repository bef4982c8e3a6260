"""A pool with a snapshot, prompt versions and rankings, written without encoding a single image."""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poolscore.encoder.spec import EncoderSpec
from poolscore.scoring.types import Scores
from poolscore.store import files, pools, prompt_versions, rankings, run_queue, snapshots
from poolscore.store.catalog import Catalog
from poolscore.store.manifest import Manifest, ShardEntry, commit_manifest
from poolscore.store.ranking_file import ranking_table, write_ranking
from poolscore.store.records import RunKind, RunState
from poolscore.store.shards import embeddings_to_arrow, shard_schema

CLASSES = ("cat", "dog", "owl")
DIM = 4


def item_ids(count: int) -> list[str]:
    """Ids of the items of a seeded pool, in the order of the first ranking."""
    return [f"item-{number:04d}" for number in range(count)]


def seed_pool(
    catalog: Catalog,
    store_uri: str,
    pool_id: str,
    *,
    items: int = 20,
    train_after_labels: int = 0,
    images: str = "/images",
) -> None:
    """Register a pool with one snapshot, prompt version 0 and an active ranking of all items.

    Items lie below `images`, says the ranking.
    """
    spec = EncoderSpec()
    pools.create_pool(catalog, pool_id, CLASSES, "", spec, "d" * 64, "random", train_after_labels)
    filesystem, root = files.open_store(store_uri)
    run = run_queue.begin_run(catalog, pool_id, RunKind.EMBED, {"sources": ["seed"]}, "seed")
    path = f"{files.run_dir(root, pool_id, run.number)}/shard.parquet"
    filesystem.create_dir(files.run_dir(root, pool_id, run.number), recursive=True)
    # One reject beside the items: it must never pass for an item of the pool.
    pq.write_table(_shard([*item_ids(items), "broken"]), path, filesystem=filesystem)
    entry = ShardEntry(path=files.relative(root, path), rows=items + 1, embedded=items, rejected=1)
    manifest = Manifest(
        pool=pool_id,
        run=run.number,
        encoder=spec,
        encoder_digest="d" * 64,
        dim=DIM,
        shards=(entry,),
        embedded=items,
        rejected=1,
        rejects={"EMPTY": 1},
        sources=("seed",),
        created=datetime.now(UTC),
    )
    uri, sha256 = commit_manifest(filesystem, root, manifest)
    snapshots.add_snapshot(catalog, pool_id, uri, sha256, items, 1, "d" * 64, run.number)
    run_queue.finish_run(catalog, run, "seed", RunState.SUCCEEDED, snapshot=1)
    add_version(catalog, store_uri, pool_id, item_ids(items), images=images)


def add_version(
    catalog: Catalog,
    store_uri: str,
    pool_id: str,
    order: list[str],
    *,
    watermark: int = 0,
    metrics: Mapping[str, float] | None = None,
    images: str = "/images",
) -> int:
    """Register the next prompt version with a ranking in this order, activate it, return it."""
    parent = pools.get_pool(catalog, pool_id).active_prompt_version
    version = prompt_versions.add_prompt_version(
        catalog,
        pool_id,
        f"{watermark:064d}",
        "prompts/p",
        watermark,
        watermark,
        parent,
        metrics or {"a": 0.5},
    )
    ranking = rank(catalog, store_uri, pool_id, version.number, order, images)
    rankings.activate(catalog, pool_id, 1, version.number, ranking)
    return version.number


def rank(
    catalog: Catalog,
    store_uri: str,
    pool_id: str,
    version: int,
    order: list[str],
    images: str = "/images",
) -> int:
    """Write and register a ranking in this order; returns its number, which is not active."""
    filesystem, root = files.open_store(store_uri)
    table = ranking_table(
        pa.array(order),
        pa.array([f"{images}/{item}.jpg" for item in order]),
        np.arange(len(order), 0, -1, dtype=np.float64),
        [f"place {rank}" for rank in range(len(order))],
        _scores(len(order)),
    )
    path, sha256 = write_ranking(filesystem, files.rankings_dir(root, pool_id), table)
    ranking = rankings.add_ranking(
        catalog,
        pool_id,
        1,
        version,
        "random",
        {},
        0,
        "test",
        "d" * 64,
        files.relative(root, path),
        sha256,
        len(order),
    )
    return ranking.number


def _scores(count: int) -> Scores:
    return Scores(
        predicted=(np.arange(count) % len(CLASSES)).astype(np.int32),
        probability=np.full(count, 0.5, np.float32),
        margin=np.full(count, 0.25, np.float32),
        entropy=np.full(count, 1.0, np.float32),
        p_clean=np.full(count, 0.75, np.float32),
    )


def _shard(ids: list[str]) -> pa.Table:
    valid = np.array([item != "broken" for item in ids])
    embeddings = np.zeros((len(ids), DIM), np.float16)
    embeddings[:, 0] = 1
    schema = shard_schema(DIM, "d" * 64)
    columns = {
        "id": ids,
        "uri": [f"/images/{item}.jpg" for item in ids],
        "embedding": embeddings_to_arrow(embeddings, valid),
        "reject_reason": [None if item else "EMPTY" for item in valid],
    }
    return pa.table(
        [pa.array(columns.get(f.name, [None] * len(ids)), f.type) for f in schema], schema=schema
    )
