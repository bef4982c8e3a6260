"""How much each caller may ask of a replica: calls at a time, and calls a second."""

from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from poolscore.errors import ResourceExhaustedError
from services.api.errors import RETRY_AFTER

_CALLERS = 4096


@dataclass
class _Share:
    """What a caller has used."""

    running: int
    tokens: float
    """Calls that it may begin at once; grows by the rate each second."""
    when: float


class Limits:
    """Counts calls by caller. For one event loop: nothing here waits or is locked."""

    def __init__(self, *, in_flight: int, rate: float) -> None:
        """At most `in_flight` calls at a time and `rate` a second, each; 0 means any number.

        A second's calls may come at once.
        """
        self._in_flight, self._rate = in_flight, rate
        self._shares: OrderedDict[str, _Share] = OrderedDict()

    @contextmanager
    def call(self, caller: str) -> Generator[None]:
        """Count one call until the block ends; not for an empty `caller`.

        Raises ResourceExhaustedError TOO_MANY_CALLS or RATE_EXCEEDED.
        """
        if not caller:
            yield
            return
        share = self._share(caller)
        if self._in_flight and share.running >= self._in_flight:
            raise _exhausted(
                f"{share.running} of your calls are running, which is the limit; wait for one",
                "TOO_MANY_CALLS",
                1.0,
            )
        if self._rate and share.tokens < 1:
            raise _exhausted(
                f"more than {self._rate:g} calls a second; slow down",
                "RATE_EXCEEDED",
                (1 - share.tokens) / self._rate,
            )
        share.tokens -= 1
        share.running += 1
        try:
            yield
        finally:
            share.running -= 1

    def _share(self, caller: str) -> _Share:
        now, most = monotonic(), max(self._rate, 1.0)
        share = self._shares.setdefault(caller, _Share(0, most, now))
        self._shares.move_to_end(caller)
        share.tokens = min(most, share.tokens + (now - share.when) * self._rate)
        share.when = now
        while len(self._shares) > _CALLERS:  # who was silent longest has its full share again
            self._shares.popitem(last=False)
        return share


def _exhausted(why: str, reason: str, wait_s: float) -> ResourceExhaustedError:
    return ResourceExhaustedError(why, reason=reason, **{RETRY_AFTER: f"{wait_s:.3f}"})
