from pathlib import Path

import pytest

from pipelines.places import RunPlaces
from pipelines.share import share_snapshot
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import FailedPreconditionError
from poolscore.store import run_queue
from poolscore.store.manifest import commit_manifest
from poolscore.store.pools import create_pool
from poolscore.store.records import RunKind
from poolscore.store.snapshots import add_snapshot, latest_snapshot
from tests.shards_world import CLASSES, DIGEST, manifest_of, open_world, write_shard


def test_a_pool_takes_over_embeddings_once_though_it_is_not_ranked_yet(tmp_path: Path) -> None:
    catalog, store, _ = open_world(tmp_path)
    manifest = manifest_of(store, write_shard(RunPlaces.of(store, "p", 1), "u_0", ["a", "b"]))
    add_snapshot(catalog, "p", *commit_manifest(*store, manifest), 2, 0, DIGEST)
    pool = create_pool(catalog, "q", CLASSES, "", EncoderSpec(), DIGEST, "", 0)
    spec = {"sources": ["pools/p"]}
    run = run_queue.begin_run(catalog, "q", RunKind.EMBED, spec, "me")
    places = RunPlaces.claim(store, run)
    shared = share_snapshot(catalog, store, pool, run, places, "p")
    assert shared == latest_snapshot(catalog, "q")
    assert shared.embedded == 2
    with pytest.raises(FailedPreconditionError) as error:
        share_snapshot(catalog, store, pool, run, places, "p")
    assert error.value.reason == "POOL_NOT_EMPTY"
