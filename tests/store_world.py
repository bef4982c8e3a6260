"""A catalog with one pool and an active ranking, for tests of everything that builds on them."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from poolscore.encoder.spec import EncoderSpec
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.pools import create_pool
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.ranking_file import LoadedRanking, ranking_table, read_ranking, write_ranking
from poolscore.store.rankings import activate, add_ranking
from poolscore.store.records import Pool, Ranking
from poolscore.store.snapshots import add_snapshot

POOL = "pets"
CLASSES = ("cat", "dog", "bird")


def open_catalog(folder: Path) -> Catalog:
    """The catalog in a folder."""
    return Catalog.open(f"sqlite:///{folder}/catalog.db")


def add_pool(catalog: Catalog, pool_id: str = POOL) -> Pool:
    """A pool of pets."""
    return create_pool(catalog, pool_id, CLASSES, "", EncoderSpec(), "d" * 64, "", 0)


def item(row: int) -> str:
    """Id of the item at a rank of the rankings made here."""
    return f"item-{row:06d}"


def rows(size: int) -> pa.Table:
    """Rows of a ranking: item(0), item(1), ... with numbers that tell the rows apart."""
    from poolscore.scoring.types import Scores  # with torch: seconds for a process that only leases

    ids = [item(row) for row in range(size)]
    part = np.arange(size) / max(size, 1)
    columns = (values.astype(np.float32) for values in (part, part / 2, part / 4, 1 - part))
    scores = Scores((np.arange(size) % 3).astype(np.int32), *columns)
    uris = [f"/images/{name}.jpg" for name in ids]
    utilities = np.arange(size, 0, -1, dtype=np.float64)
    return ranking_table(pa.array(ids), pa.array(uris), utilities, ["unsure"] * size, scores)


def register_ranking(
    catalog: Catalog,
    folder: Path,
    size: int,
    *,
    snapshot: int = 1,
    prompt_version: int = 0,
    strategy: str = "entropy",
    aside: bool = False,
) -> Ranking:
    """Write and register a ranking of `size` items; not active yet."""
    filesystem, root = files.open_store(str(folder / "store"))
    path, sha256 = write_ranking(filesystem, files.rankings_dir(root, POOL), rows(size))
    uri = files.relative(root, path)
    return add_ranking(
        catalog,
        POOL,
        snapshot,
        prompt_version,
        strategy,
        {"k": 1},
        7,
        "0.1.0",
        "d" * 64,
        uri,
        sha256,
        size,
        aside=aside,
    )


def load(folder: Path, ranking: Ranking) -> LoadedRanking:
    """The rows of a registered ranking."""
    filesystem, root = files.open_store(str(folder / "store"))
    return read_ranking(filesystem, root, ranking)


def seed_ranking(catalog: Catalog, folder: Path, size: int) -> LoadedRanking:
    """A pool with one snapshot, zero-shot prompts and an active ranking of `size` items."""
    add_pool(catalog)
    add_snapshot(catalog, POOL, "m.json", "a" * 64, size, 0, "d" * 64, run=1)
    add_prompt_version(catalog, POOL, "b" * 64, "p.safetensors", 0, 0, None, {})
    ranking = register_ranking(catalog, folder, size)
    activate(catalog, POOL, 1, 0, ranking.number)
    return load(folder, ranking)
