from pathlib import Path

import numpy as np
import pytest

from pipelines import scan
from pipelines.places import RunPlaces, Store
from pipelines.scan import features_by_id, score_snapshot
from poolscore.scoring.kernel import score
from poolscore.store.files import relative
from poolscore.store.manifest import Manifest, ShardEntry, sort_shards
from poolscore.store.records import utcnow
from tests.shards_world import DIGEST, DIM, embeddings, open_world, prompts, write_shard

VECTORS = embeddings(7)
IDS = [f"i{number}" for number in range(7)]


@pytest.fixture
def snapshot(tmp_path: Path) -> tuple[Store, Manifest]:
    """Seven images in three shards, one of them rejected, and a shard of rejects only."""
    _, store, pool = open_world(tmp_path)
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
    manifest = Manifest(
        pool="p",
        run=1,
        encoder=pool.encoder,
        encoder_digest=DIGEST,
        dim=DIM,
        shards=sort_shards(entries),
        embedded=5,
        rejected=2,
        rejects={"EMPTY": 2},
        sources=("s",),
        created=utcnow(),
    )
    return store, manifest


@pytest.mark.parametrize("rows_per_step", [1, 4, 1 << 17])
def test_scores_are_those_of_the_kernel_whatever_is_read_at_a_time(
    snapshot: tuple[Store, Manifest], rows_per_step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "ROWS_PER_STEP", rows_per_step)
    scored = score_snapshot(*snapshot, prompts())
    kept = [0, 2, 3, 4, 5]
    assert scored.ids.to_pylist() == [IDS[row] for row in kept]
    assert scored.uris.to_pylist() == [f"file:///i{row}.jpg" for row in kept]
    expected = score(VECTORS[kept], prompts())
    assert scored.scores.predicted.tolist() == expected.predicted.tolist()
    assert np.allclose(scored.scores.p_clean, expected.p_clean, atol=1e-6)
    assert np.allclose(scored.scores.entropy, expected.entropy, atol=1e-6)


def test_a_snapshot_of_rejects_only(snapshot: tuple[Store, Manifest]) -> None:
    store, manifest = snapshot
    last = manifest.shards[-1]
    rest = manifest.model_copy(update={"shards": (last,), "embedded": 0})
    scored = score_snapshot(store, rest, prompts())
    assert len(scored) == len(scored.scores) == 0


def test_features_come_in_the_order_asked_for(snapshot: tuple[Store, Manifest]) -> None:
    found = features_by_id(*snapshot, ["i5", "i0", "i3"])
    assert np.array_equal(found, VECTORS[[5, 0, 3]])
    assert features_by_id(*snapshot, []).shape == (0, DIM)


def test_features_of_an_item_that_is_not_embedded(snapshot: tuple[Store, Manifest]) -> None:
    with pytest.raises(KeyError, match="i1"):
        features_by_id(*snapshot, ["i0", "i1"])
