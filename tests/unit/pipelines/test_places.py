from pathlib import Path

import pytest

from pipelines.places import RunPlaces
from tests.shards_world import open_world, write_shard


@pytest.fixture
def places(tmp_path: Path) -> RunPlaces:
    _, store, _ = open_world(tmp_path)
    return RunPlaces.of(store, "p", 1)


def test_nothing_is_committed_before_the_first_shard(places: RunPlaces) -> None:
    assert places.committed() == []
    assert places.shards_of([]) == []


def test_only_shards_with_a_committed_checkpoint_count(places: RunPlaces) -> None:
    kept = write_shard(places, "uuid_000000", ["a"])
    write_shard(places, "uuid_000001", ["b"], committed=False)
    (Path(places.shards) / "uuid_000002-0.parquet").write_bytes(b"half a file")
    assert places.committed() == ["uuid_000000"]
    assert places.shards_of(places.committed()) == [str(kept)]


def test_working_files_go_and_shards_stay(places: RunPlaces) -> None:
    kept = write_shard(places, "uuid_000000", ["a"])
    Path(places.plan).write_text("{}")
    places.remove_working_files()
    places.remove_working_files()
    # A plan that stayed would hide what a source has got since.
    assert not Path(places.plan).exists()
    assert not Path(places.checkpoint).exists()
    assert kept.exists()
