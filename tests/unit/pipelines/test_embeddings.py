from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines import resident as residents
from pipelines import scan
from pipelines.embeddings import Embeddings, rows_of
from pipelines.places import RunPlaces, Store
from pipelines.resident import resident, shared_blocks
from pipelines.scan import ScannedEmbeddings
from poolscore.errors import FailedPreconditionError
from poolscore.scoring.kernel import score
from poolscore.store.files import relative
from poolscore.store.manifest import Manifest, ShardEntry
from tests.shards_world import (
    DIM,
    embeddings,
    manifest_with,
    open_world,
    prompts,
    write_shard,
)

VECTORS = embeddings(7)
IDS = [f"i{number}" for number in range(7)]
KEPT = [0, 2, 3, 4, 5]


@pytest.fixture
def snapshot(tmp_path: Path) -> tuple[Store, Manifest]:
    """Seven images in three shards, one of them rejected, and a shard of rejects only."""
    _, store, _ = open_world(tmp_path)
    places = RunPlaces.of(store, "p", 1)
    parts = [(slice(0, 3), {"i1": "EMPTY"}), (slice(3, 6), {}), (slice(6, 7), {"i6": "EMPTY"})]
    entries: list[ShardEntry] = []
    for number, (part, rejects) in enumerate(parts):
        ids = IDS[part]
        path = write_shard(places, f"u_{number}", ids, rejects, vectors=VECTORS[part])
        entries.append(
            ShardEntry(
                path=relative(store[1], str(path)),
                rows=len(ids),
                embedded=len(ids) - len(rejects),
                rejected=len(rejects),
            )
        )
    manifest = manifest_with(entries)
    return store, manifest


Open = Callable[[Store, Manifest], Embeddings]
HOLDERS = pytest.mark.parametrize("hold", [ScannedEmbeddings, resident])


@pytest.mark.parametrize("rows_per_step", [1, 4, 1 << 17])
@HOLDERS
def test_scores_are_those_of_the_kernel_whatever_is_read_at_a_time(
    snapshot: tuple[Store, Manifest],
    hold: Open,
    rows_per_step: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scan, "ROWS_PER_STEP", rows_per_step)
    embeddings = hold(*snapshot)
    assert embeddings.ids.to_pylist() == [IDS[row] for row in KEPT]
    assert embeddings.uris.to_pylist() == [f"file:///i{row}.jpg" for row in KEPT]
    scores, expected = embeddings.score(prompts()), score(VECTORS[KEPT], prompts())
    assert scores.predicted.tolist() == expected.predicted.tolist()
    assert np.allclose(scores.p_clean, expected.p_clean, atol=1e-6)
    assert np.allclose(scores.entropy, expected.entropy, atol=1e-6)


@HOLDERS
def test_a_snapshot_of_rejects_only(snapshot: tuple[Store, Manifest], hold: Open) -> None:
    store, manifest = snapshot
    last = manifest.shards[-1]
    embeddings = hold(store, manifest.model_copy(update={"shards": (last,), "embedded": 0}))
    assert len(embeddings.ids) == len(embeddings.uris) == len(embeddings.score(prompts())) == 0


@HOLDERS
def test_rows_come_in_the_order_asked_for(snapshot: tuple[Store, Manifest], hold: Open) -> None:
    embeddings = hold(*snapshot)
    rows = np.array([4, 0, 2, 0])
    assert np.array_equal(embeddings.take(rows), VECTORS[KEPT][rows])
    assert embeddings.take(rows[:0]).shape == (0, DIM)


def test_what_a_new_snapshot_shares_is_not_read_again(snapshot: tuple[Store, Manifest]) -> None:
    store, manifest = snapshot
    first = manifest.model_copy(update={"shards": manifest.shards[1:2]})
    held = resident(store, first)
    (Path(store[1]) / manifest.shards[1].path).unlink()
    more = resident(store, manifest, shared_blocks(held, manifest))
    # In the order of the manifest, as if all had been read at once.
    assert more.ids.to_pylist() == [IDS[row] for row in KEPT]
    assert more.uris.to_pylist() == [f"file:///i{row}.jpg" for row in KEPT]
    rows = np.array([4, 0, 2, 3, 1])
    assert np.array_equal(more.take(rows), VECTORS[KEPT][rows])
    expected = score(VECTORS[KEPT], prompts())
    assert more.score(prompts()).p_clean.tolist() == expected.p_clean.tolist()
    # A snapshot without those shards, as after a deletion, keeps none of them.
    fewer = manifest.model_copy(update={"shards": manifest.shards[:1]})
    assert resident(store, fewer, shared_blocks(more, fewer)).ids.to_pylist() == ["i0", "i2"]


def test_a_large_snapshot_is_held_in_blocks_so_that_a_new_shard_is_read_alone(
    snapshot: tuple[Store, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residents, "_BLOCK_BYTES", 1)
    store, manifest = snapshot
    held = resident(store, manifest)
    assert [list(block.rows) for block in held.blocks] == [[s.path] for s in manifest.shards]
    assert held.ids.to_pylist() == [IDS[row] for row in KEPT]
    rest = manifest.model_copy(update={"shards": manifest.shards[1:]})
    kept = shared_blocks(held, rest)
    assert kept == list(held.blocks[1:])
    for shard in manifest.shards:
        (Path(store[1]) / shard.path).unlink()
    assert resident(store, rest, kept).ids.to_pylist() == held.ids.to_pylist()[2:]


@HOLDERS
def test_a_shard_that_is_not_what_the_manifest_says(
    snapshot: tuple[Store, Manifest], hold: Open
) -> None:
    store, manifest = snapshot
    first = manifest.shards[0].model_copy(update={"rows": 4, "embedded": 3})
    wrong = manifest.model_copy(update={"shards": (first, *manifest.shards[1:])})
    with pytest.raises(FailedPreconditionError, match="has 2 embeddings") as caught:
        hold(store, wrong).take(np.arange(3))
    assert caught.value.reason == "SHARD_CORRUPT"


def test_rows_of_items() -> None:
    ids = pa.array(["b", "a", "d", "c"])
    assert rows_of(ids, ["d", "b"]).tolist() == [2, 0]
    assert rows_of(ids, []).tolist() == []
    with pytest.raises(KeyError, match="1 items are not in the snapshot, such as x"):
        rows_of(ids, ["a", "x"])
