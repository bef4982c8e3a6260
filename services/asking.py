"""Questions to actors: their answers, or the error that a person can act on."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray import ObjectRef
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from poolscore.errors import PoolscoreError, UnavailableError


def answers(
    references: Sequence[ObjectRef[Any]], who: str, timeout_s: float | None = None
) -> list[Any]:
    """Wait for all; `who` is named where one does not answer.

    Raises what an actor raises as PoolscoreError, and UnavailableError WORKER_UNAVAILABLE.
    """
    with _errors(who):
        return ray.get(list(references), timeout=timeout_s)


async def answer(reference: ObjectRef[Any], who: str, timeout_s: float) -> Any:
    """Wait for one without holding a thread; raises as `answers`."""
    with _errors(who):
        return await asyncio.wait_for(reference, timeout_s)


@contextmanager
def _errors(who: str) -> Generator[None]:
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, PoolscoreError):
            raise error.cause from None
        raise
    except (RayActorError, GetTimeoutError, TimeoutError) as error:
        raise unavailable(who) from error


def unavailable(who: str) -> UnavailableError:
    """The error for an actor that is not there."""
    return UnavailableError(
        f"{who}, does not answer or is being restarted; try again", reason="WORKER_UNAVAILABLE"
    )
