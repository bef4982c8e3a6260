from collections import defaultdict
from collections.abc import Iterator
from threading import Event

import pytest

from pipelines import metrics
from pipelines.metrics import ENCODER_SECONDS, STAGE_SECONDS, EncoderClock, stage_time, waited_for
from poolscore.metric import Metric

PAUSE = 0.02

Seconds = dict[str, float]
"""By the value of the only label."""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[Metric, Seconds]:
    """What would be handed to Ray, without a Ray to show it."""
    found: dict[Metric, Seconds] = defaultdict(lambda: defaultdict(float))

    def add(metric: Metric, count: float = 1, **labels: str) -> None:
        (label,) = labels.values()
        found[metric][label] += count

    monkeypatch.setattr(metrics, "add", add)
    return found


def pause() -> None:
    Event().wait(PAUSE)


def test_time_of_a_block_and_of_a_function_goes_to_their_stage(
    counted: dict[Metric, Seconds],
) -> None:
    @stage_time("decode")
    def broken() -> None:
        pause()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    with stage_time("write"):
        pause()
    seconds = counted[STAGE_SECONDS]
    assert seconds.keys() == {"decode", "write"}
    assert all(PAUSE * 0.9 < spent < PAUSE * 20 for spent in seconds.values())


def test_what_is_waited_for_is_counted_and_what_is_done_with_it_is_not(
    counted: dict[Metric, Seconds],
) -> None:
    def slow() -> Iterator[int]:
        for number in range(3):
            pause()
            yield number

    got: list[int] = []
    for number in waited_for("read", slow()):
        got.append(number)
        Event().wait(PAUSE * 10)
    assert got == [0, 1, 2]
    assert PAUSE * 2.7 < counted[STAGE_SECONDS]["read"] < PAUSE * 20


def test_all_time_of_an_encoder_is_busy_or_idle(counted: dict[Metric, Seconds]) -> None:
    clock = EncoderClock()
    for _ in range(2):
        pause()
        with clock.busy():
            pause()
            pause()
    seconds = counted[ENCODER_SECONDS]
    assert seconds.keys() == {"busy", "idle"}
    assert PAUSE * 1.8 < seconds["idle"] < seconds["busy"]
