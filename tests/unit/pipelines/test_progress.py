from pathlib import Path

import pytest

from pipelines import progress as module
from pipelines.places import RunPlaces
from pipelines.progress import ProgressMeter, ShardCounter, reported
from poolscore.store.records import RunProgress
from tests.shards_world import open_world, write_shard


@pytest.fixture
def places(tmp_path: Path) -> RunPlaces:
    _, store, _ = open_world(tmp_path)
    return RunPlaces.of(store, "p", 1)


def test_committed_rows_and_rejects_are_counted_once(places: RunPlaces) -> None:
    write_shard(places, "u_0", ["a", "b", "c"], {"b": "EMPTY"})
    counter = ShardCounter(places)
    counter.update()
    counter.update()
    assert (counter.rows, dict(counter.rejects)) == (3, {"EMPTY": 1})
    write_shard(places, "u_1", ["d", "e"], {"d": "EMPTY", "e": "CORRUPT"})
    write_shard(places, "u_2", ["f"], committed=False)
    counter.update()
    assert (counter.rows, dict(counter.rejects)) == (5, {"EMPTY": 2, "CORRUPT": 1})
    entries = sorted(counter.entries.values(), key=lambda entry: entry.path)
    assert [(entry.rows, entry.embedded, entry.rejected) for entry in entries] == [
        (3, 2, 1),
        (2, 0, 2),
    ]


def test_rate_is_that_of_the_last_seconds(
    places: RunPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    write_shard(places, "u_0", ["a", "b"])
    counter = ShardCounter(places)
    counter.update()
    meter = ProgressMeter(total=10, resumed=2)
    first = meter.read(counter)
    assert (first.done, first.resumed, first.rate, first.seconds_left) == (2, 2, 0.0, -1.0)
    write_shard(places, "u_1", ["c", "d", "e", "f"])
    counter.update()
    now = 102.0
    second = meter.read(counter)
    assert (second.done, second.rate, second.seconds_left) == (6, 2.0, 2.0)
    now = 200.0
    meter.read(counter)
    now = 210.0
    assert meter.read(counter).rate == 0.0


def test_progress_is_reported_at_the_start_and_at_the_end(places: RunPlaces) -> None:
    seen: list[RunProgress] = []
    counter = ShardCounter(places)
    with reported(counter, ProgressMeter(1, 0), seen.append, poll_s=3600):
        write_shard(places, "u_0", ["a"])
    assert [each.done for each in seen] == [0, 1]


def test_a_failing_block_is_not_hidden(places: RunPlaces) -> None:
    seen: list[RunProgress] = []
    block = reported(ShardCounter(places), ProgressMeter(1, 0), seen.append, poll_s=3600)
    with pytest.raises(ValueError, match="broken"), block:
        raise ValueError("broken")
    assert len(seen) == 2


def test_a_failing_report_is_raised_after_the_work(places: RunPlaces) -> None:
    def report(progress: RunProgress) -> None:
        if progress.done:
            raise ValueError("no catalog")

    block = reported(ShardCounter(places), ProgressMeter(1, 0), report, poll_s=3600)
    with pytest.raises(ValueError, match="no catalog"), block:
        write_shard(places, "u_0", ["a"])
