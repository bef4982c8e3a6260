from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.store.files import open_store
from poolscore.store.manifest import Manifest, ShardEntry
from poolscore.store.shards import WRITE_OPTIONS, embeddings_to_arrow, shard_schema
from poolscore.store.verify import DUPLICATE, verify_snapshot

Rows = list[tuple[str, str | None]]
"""Ids and reject reasons."""


def snapshot(folder: Path, **shards: Rows) -> Manifest:
    schema = shard_schema(2, "d")
    entries: list[ShardEntry] = []
    reasons: list[str] = []
    for name, rows in shards.items():
        refused = [reason for _, reason in rows if reason]
        table = {field.name: pa.nulls(len(rows), field.type) for field in schema} | {
            "id": [item for item, _ in rows],
            "uri": [item for item, _ in rows],
            "embedding": embeddings_to_arrow(
                np.ones((len(rows), 2), np.float16),
                np.array([not reason for _, reason in rows], bool),
            ),
            "reject_reason": pa.array([reason for _, reason in rows], pa.string()),
        }
        pq.write_table(pa.table(table, schema=schema), folder / name, **WRITE_OPTIONS)
        counts = {"rows": len(rows), "embedded": len(rows) - len(refused)}
        entries.append(ShardEntry(path=name, rejected=len(refused), **counts))
        reasons += refused
    return Manifest(
        pool="pets",
        run=1,
        encoder=EncoderSpec(),
        encoder_digest="d",
        dim=2,
        shards=tuple(entries),
        embedded=sum(entry.embedded for entry in entries),
        rejected=len(reasons),
        rejects={reason: reasons.count(reason) for reason in reasons},
        sources=(),
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


def verify(folder: Path, manifest: Manifest) -> None:
    filesystem, root = open_store(str(folder))
    verify_snapshot(filesystem, root, manifest)


def test_a_good_snapshot_passes(tmp_path: Path) -> None:
    a: Rows = [("1", None), ("2", "EMPTY"), ("1", DUPLICATE)]
    verify(tmp_path, snapshot(tmp_path, a=a, b=[("3", None), ("3", DUPLICATE)], c=[]))
    verify(tmp_path, snapshot(tmp_path))


def test_lost_rows_are_noticed(tmp_path: Path) -> None:
    manifest = snapshot(tmp_path, a=[("1", None)], b=[("2", None), ("3", None)])
    snapshot(tmp_path, b=[("2", None)])
    with pytest.raises(FailedPreconditionError, match="shard 'b' has 1 rows") as caught:
        verify(tmp_path, manifest)
    assert caught.value.reason == "SNAPSHOT_INVALID"


def test_a_reject_in_place_of_an_embedding_is_noticed(tmp_path: Path) -> None:
    manifest = snapshot(tmp_path, a=[("1", None), ("2", "EMPTY")])
    snapshot(tmp_path, a=[("1", "EMPTY"), ("2", "EMPTY")])
    with pytest.raises(FailedPreconditionError, match="shard 'a' has 2 rows, 0 of them"):
        verify(tmp_path, manifest)
    snapshot(tmp_path, a=[("1", None), ("2", "TRUNCATED")])
    with pytest.raises(FailedPreconditionError, match="TRUNCATED"):
        verify(tmp_path, manifest)


@pytest.mark.parametrize("second", [None, "EMPTY"])
def test_an_id_in_two_shards_is_noticed(tmp_path: Path, second: str | None) -> None:
    a: Rows = [("1", None), ("2", None)]
    manifest = snapshot(tmp_path, a=a, b=[("3", None)], c=[("2", second)])
    with pytest.raises(FailedPreconditionError, match="'2', in shard 'a' and in 'c'"):
        verify(tmp_path, manifest)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    manifest = snapshot(tmp_path, a=[("1", None)])
    (tmp_path / "a").unlink()
    with pytest.raises(NotFoundError, match="a' is missing"):
        verify(tmp_path, manifest)
