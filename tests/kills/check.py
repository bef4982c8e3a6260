"""What must hold of a pool after its embedding, however often it was interrupted."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.pools import get_pool
from poolscore.store.rankings import get_ranking
from poolscore.store.records import RunState
from poolscore.store.runs import get_run
from poolscore.store.snapshots import get_snapshot
from poolscore.store.verify import verify_snapshot
from tests.embedding_world import EmbeddingWorld


@dataclass(frozen=True)
class Result:
    """What an embedding leaves."""

    rows: pa.Table
    """All rows of the snapshot by id."""
    rejects: dict[str, int]
    ranking: str
    """sha256 of the ranking file."""


def read_result(world: EmbeddingWorld) -> Result:
    """What the pool has active; raises when manifest or shards are not what the catalog says."""
    pool = get_pool(world.catalog, "photos")
    snapshot = get_snapshot(world.catalog, "photos", pool.active_snapshot or 0)
    manifest = world.manifest(snapshot)
    verify_snapshot(*world.store, manifest)
    ranking = get_ranking(world.catalog, "photos", pool.active_ranking or 0)
    content = Path(files.absolute(world.store[1], ranking.uri)).read_bytes()
    return Result(
        world.rows(snapshot).sort_by("id"), dict(manifest.rejects), sha256(content).hexdigest()
    )


def find_problems(world: EmbeddingWorld, reference: Result, inputs: set[str]) -> list[str]:
    """Compare with the undisturbed run of the same inputs, URIs; empty when all is well."""
    run = get_run(world.catalog, "photos", 1)
    if run.state is not RunState.SUCCEEDED:
        return [f"the run is {run.state}: {run.error}"]
    found = read_result(world)
    ids, uris = (found.rows[name].to_pylist() for name in ("id", "uri"))
    problems: list[str] = []
    if len(set(ids)) != len(ids):
        problems.append(f"{len(ids) - len(set(ids))} ids are there twice")
    if set(uris) != inputs:
        problems.append(f"{len(inputs - set(uris))} inputs are lost")
    embedded, rejected = (pc.is_valid(found.rows[name]) for name in ("embedding", "reject_reason"))
    if not pc.all(pc.xor(embedded, rejected)).as_py():
        problems.append("a row is neither embedded nor rejected, or both")
    if found.rejects != reference.rejects:
        problems.append(f"rejects are {found.rejects}, not {reference.rejects}")
    if found.ranking != reference.ranking:
        problems.append("the ranking has other bytes")
    problems += [
        f"{count} rows have another {name}"
        for name in reference.rows.schema.names
        if len(ids) == reference.rows.num_rows
        and (count := _differing(found.rows[name], reference.rows[name]))
    ]
    return problems


def _differing(one: pa.ChunkedArray, other: pa.ChunkedArray) -> int:
    return sum(a != b for a, b in zip(one.to_pylist(), other.to_pylist(), strict=True))
