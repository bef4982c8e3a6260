from contextlib import ExitStack

import pytest

from poolscore.errors import ResourceExhaustedError
from services.api import limits
from services.api.limits import Limits


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits, "monotonic", clock)
    return clock


def test_so_many_calls_at_a_time() -> None:
    limited = Limits(in_flight=2, rate=0)
    with ExitStack() as running:
        running.enter_context(limited.call("ann"))
        with limited.call("ann"), pytest.raises(ResourceExhaustedError) as error:
            running.enter_context(limited.call("ann"))
        assert error.value.reason == "TOO_MANY_CALLS"
        running.enter_context(limited.call("bob"))
        running.enter_context(limited.call("ann"))
    for _ in range(10):
        with limited.call("ann"):
            pass


def test_so_many_calls_a_second(clock: Clock) -> None:
    limited = Limits(in_flight=0, rate=8)
    for _ in range(8):
        with limited.call("ann"):
            pass
    with pytest.raises(ResourceExhaustedError) as error, limited.call("ann"):
        pass
    assert (error.value.reason, error.value.metadata) == (
        "RATE_EXCEEDED",
        {"retry_after_s": "0.125"},
    )
    with limited.call("bob"):
        pass
    clock.now += 0.125
    with limited.call("ann"):
        pass
    with pytest.raises(ResourceExhaustedError), limited.call("ann"):
        pass


def test_a_call_that_fails_is_over() -> None:
    limited = Limits(in_flight=1, rate=0)
    for _ in range(2):
        with pytest.raises(ValueError, match="mine"), limited.call("ann"):
            raise ValueError("mine")


def test_no_limits_limit_nothing(clock: Clock) -> None:
    limited = Limits(in_flight=0, rate=0)
    with ExitStack() as running:
        for _ in range(1000):
            running.enter_context(limited.call("ann"))


def test_callers_that_are_silent_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_CALLERS", 3)
    limited = Limits(in_flight=1, rate=0)
    with limited.call("ann"):
        for number in range(2):
            with limited.call(str(number)):
                pass
        with pytest.raises(ResourceExhaustedError), limited.call("ann"):
            pass


def test_whoever_is_nobody_is_not_counted() -> None:
    limited = Limits(in_flight=1, rate=1)
    with limited.call(""), limited.call(""), limited.call("ann"):
        pass
