"""The end check of a snapshot: what the manifest says is what the shards hold."""

from collections import Counter

import pyarrow as pa
from pyarrow import fs

from poolscore.errors import FailedPreconditionError
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.manifest import Manifest, ShardEntry
from poolscore.store.read_each import read_each
from poolscore.store.shards import read_table

DUPLICATE = "DUPLICATE_ID"
"""Reject reason of an input whose id another input has already; it bears `{id}~{n}`, but in
snapshots of earlier versions that very id, the only one that may repeat."""


def verify_snapshot(filesystem: fs.FileSystem, root: str, manifest: Manifest) -> None:
    """Count rows and rejects again in every shard and check that no id occurs twice.

    Reads ids and reject reasons only; holds all ids in memory. Raises FailedPreconditionError
    SNAPSHOT_INVALID naming the shard, or what `read_shard` raises.
    """
    rejects: Counter[str] = Counter()
    ids: list[pa.ChunkedArray] = []
    paths = [files.absolute(root, shard.path) for shard in manifest.shards]
    tables = read_each(lambda path: read_table(filesystem, path, ["id", "reject_reason"]), paths)
    for shard, table in zip(manifest.shards, tables, strict=True):
        reasons = table.column("reject_reason")
        _check_counts(shard, table.num_rows, reasons.null_count)
        rejects.update(reasons.drop_null().to_pylist())
        duplicate = pc.fill_null(pc.equal(reasons, DUPLICATE), False)
        ids.append(table.column("id").filter(pc.invert(duplicate)))
    if dict(rejects) != manifest.rejects:
        raise _invalid(f"rejects are {dict(rejects)}, the manifest says {manifest.rejects}")
    _check_unique(manifest, ids)


def _check_counts(shard: ShardEntry, rows: int, embedded: int) -> None:
    if (rows, embedded) != (shard.rows, shard.embedded):
        raise _invalid(
            f"shard '{shard.path}' has {rows} rows, {embedded} of them embedded; the manifest says "
            f"{shard.rows} and {shard.embedded}"
        )


def _check_unique(manifest: Manifest, ids: list[pa.ChunkedArray]) -> None:
    chunks = [chunk for column in ids for chunk in column.chunks]
    counts = pc.value_counts(pa.chunked_array(chunks, pa.string()))
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if len(repeated) == 0:
        return
    wanted = repeated[0]
    places = [
        f"'{shard.path}'"
        for shard, column in zip(manifest.shards, ids, strict=True)
        if pc.any(pc.equal(column, wanted)).as_py()
    ]
    raise _invalid(
        f"{len(repeated)} ids occur more than once; the first, '{wanted}', in shard "
        f"{' and in '.join(places)}"
    )


def _invalid(why: str) -> FailedPreconditionError:
    return FailedPreconditionError(f"the snapshot is not valid: {why}", reason="SNAPSHOT_INVALID")
