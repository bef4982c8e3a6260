from pathlib import Path

from pipelines.overlap import uncommit_overlaps
from pipelines.places import RunPlaces
from pipelines.progress import ShardCounter
from tests.shards_world import open_world, write_shard


def _places(folder: Path) -> RunPlaces:
    _, store, _ = open_world(folder)
    return RunPlaces.of(store, "p", 1)


def test_a_shard_that_overlaps_is_taken_back_and_costs_as_little_as_possible(
    tmp_path: Path,
) -> None:
    places = _places(tmp_path)
    # The first attempt was killed before it committed `late`; the second had read the checkpoint
    # by then, wrote `second_0` and was killed before the rest.
    write_shard(places, "first_0", ["a", "b"])
    late = write_shard(places, "late_0", ["c", "d", "e"])
    write_shard(places, "second_0", ["e", "f", "g"])
    write_shard(places, "third_0", ["h", "i", "j"])
    write_shard(places, "third_1", ["c"])
    assert uncommit_overlaps(places) == ["third_1", "late_0"]
    assert not late.exists()
    assert places.committed() == ["first_0", "second_0", "third_0"]
    counter = ShardCounter(places)
    counter.update()
    assert counter.rows == 8


def test_shards_without_overlap_stay(tmp_path: Path) -> None:
    places = _places(tmp_path)
    write_shard(places, "u_0", ["a", "b"])
    write_shard(places, "u_1", ["c"])
    assert uncommit_overlaps(places) == []
    assert places.committed() == ["u_0", "u_1"]
