"""Bytes that an image takes, for plans of capacity: `python -m bench.storage`.

Sizes and not times: any machine gives the same, but for the versions of pyarrow and SQLite.
"""

import tempfile
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from poolscore.encoder.spec import EncoderSpec
from poolscore.labels.answer import Label, LabelInput
from poolscore.neighbours.graph import Graph
from poolscore.neighbours.lists import Neighbours
from poolscore.scoring.types import Scores
from poolscore.store import pools, prompt_versions, rankings, snapshots
from poolscore.store.catalog import Catalog
from poolscore.store.files import relative
from poolscore.store.graph_file import write_graph
from poolscore.store.leases import lease_batch
from poolscore.store.ranking_file import ranking_table, read_ranking, write_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.shards import WRITE_OPTIONS, embeddings_to_arrow, shard_schema

IMAGES, WIDTH, NEIGHBOURS, BATCH = 100_000, 512, 20, 1000
_CLASSES = [f"class {number}" for number in range(100)]
_RANDOM = np.random.default_rng(0)


def _ids(count: int) -> list[str]:
    return [_RANDOM.bytes(16).hex() for _ in range(count)]


def _uris(ids: list[str]) -> list[str]:
    return [f"s3://some-bucket/photographs/2030/{each}.jpg" for each in ids]


def shard_bytes(folder: Path, rows: int) -> float:
    """Of one image in shards of so many rows, with every column that an embedded image has."""
    ids = _ids(rows)
    filled = {
        "id": ids,
        "uri": _uris(ids),
        "source": ["s3://some-bucket/photographs"] * rows,
        "stamp": ["1893456000.0-123456"] * rows,
        "content_hash": [each * 2 for each in ids],
        "perceptual_hash": [_RANDOM.bytes(16) for _ in range(rows)],
        "embedding": embeddings_to_arrow(_RANDOM.normal(size=(rows, WIDTH)).astype(np.float16)),
    }
    schema = shard_schema(WIDTH, "e" * 64)
    number = np.ones(rows, np.int32)
    for name in ("width", "height", "predicted", "probability", "margin", "entropy", "p_clean"):
        filled[name] = pa.array(number).cast(schema.field(name).type)
    columns = {each.name: filled.get(each.name, [None] * rows) for each in schema}
    path = folder / f"shard-{rows}.parquet"
    pq.write_table(pa.table(columns, schema=schema), path, **WRITE_OPTIONS)
    return path.stat().st_size / rows


def graph_bytes(folder: Path) -> float:
    """Of one image in a neighbour graph."""
    near = _RANDOM.integers(0, IMAGES, (IMAGES, NEIGHBOURS), np.int32)
    lists = Neighbours(near, np.ones(near.shape, np.float32))
    marks = np.arange(IMAGES, dtype=np.uint64)
    graph = Graph(pa.array(_ids(IMAGES)), marks, lists, np.full(IMAGES, -1, np.int32))
    return Path(write_graph(fs.LocalFileSystem(), str(folder), graph)[0]).stat().st_size / IMAGES


def write_rows(folder: Path) -> tuple[str, str]:
    """A ranking of IMAGES rows; its path and its SHA-256."""
    ids, shares = _ids(IMAGES), _RANDOM.random((3, IMAGES)).astype(np.float32)
    scores = Scores((np.arange(IMAGES) % len(_CLASSES)).astype(np.int32), shares[0], *shares)
    reasons = [
        f"resembles about {row % 900} images better than any labeled one does; predicted "
        f"'{_CLASSES[row % 100]}' with {row % 97 / 97:.2f}"
        for row in range(IMAGES)
    ]
    utilities = np.sort(_RANDOM.random(IMAGES))[::-1]
    table = ranking_table(pa.array(ids), pa.array(_uris(ids)), utilities, reasons, scores)
    return write_ranking(fs.LocalFileSystem(), str(folder), table)


def catalog_bytes(folder: Path, ranking_path: str, sha256: str, batches: int = 10) -> float:
    """Of one image that was leased and answered, in SQLite, with its part of the audit trail."""
    catalog = Catalog.open(f"sqlite:///{folder / 'catalog.db'}")
    digest = "e" * 64
    pools.create_pool(catalog, "p", _CLASSES, "", EncoderSpec(), digest, "coverage", 0)
    snapshots.add_snapshot(catalog, "p", "manifest", digest, IMAGES, 0, digest)
    prompt_versions.add_prompt_version(catalog, "p", digest, "prompts", 0, 0, None, {})
    uri = relative(str(folder), ranking_path)
    made = ("coverage", {}, 0, "bench", digest, uri, sha256, IMAGES)
    ranking = rankings.add_ranking(catalog, "p", 1, 0, *made)
    rankings.activate(catalog, "p", 1, 0, ranking.number)
    loaded = read_ranking(fs.LocalFileSystem(), str(folder), ranking)
    before = _size(catalog, folder)
    for _ in range(batches):
        hour = timedelta(hours=1)
        batch = lease_batch(catalog, "p", BATCH, "annotator-1", hour, uuid.uuid4().hex, loaded)
        answers = [_answer(item.item_id, batch.number) for item in batch.items]
        record_labels(catalog, "p", answers, uuid.uuid4().hex, known_items=_all_known)
    return (_size(catalog, folder) - before) / (batches * BATCH)


def _answer(item: str, batch: int) -> LabelInput:
    return LabelInput(item, Label("class 7"), "", batch)


def _all_known(ids: Sequence[str]) -> list[bool]:
    return [True] * len(ids)


def _size(catalog: Catalog, folder: Path) -> int:
    catalog.close()  # which writes what SQLite's journal still holds into the file
    return (folder / "catalog.db").stat().st_size


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="poolscore-bench-") as home:
        folder = Path(home)
        path, sha256 = write_rows(folder)
        for what, size in (
            (f"shard of 128 rows, width {WIDTH}", shard_bytes(folder, 128)),
            (f"shard of 16,384 rows, width {WIDTH}", shard_bytes(folder, 16_384)),
            (f"neighbour graph, {NEIGHBOURS} neighbours", graph_bytes(folder)),
            (f"ranking, of {IMAGES:,} rows", Path(path).stat().st_size / IMAGES),
            ("catalog, leased and answered", catalog_bytes(folder, path, sha256)),
        ):
            print(f"{what:<36} {size:>8,.0f} bytes an image")


if __name__ == "__main__":
    main()
