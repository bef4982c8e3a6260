"""Stop a Ray Data execution from outside.

Ray Data takes callbacks as classes and carries them to every task, so a stop cannot be a closure:
it may hold a terminal or a database. The class below finds it by the checkpoint of the execution.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from ray.data import DataContext
from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.data._internal.execution.streaming_executor import StreamingExecutor

from poolscore.errors import AbortedError

ShouldStop = Callable[[], bool]

_stops: dict[str, ShouldStop] = {}


class StopOnRequest(ExecutionCallback):
    """Ends the execution between two steps of its scheduler."""

    def on_execution_step(self, executor: StreamingExecutor) -> None:
        """Raise AbortedError RUN_STOPPED when a stop is asked for."""
        context: DataContext = executor._data_context  # pyright: ignore[reportPrivateUsage]
        stop = _stops.get(_key(context))
        if stop is not None:
            check_stop(stop)


def check_stop(should_stop: ShouldStop) -> None:
    """Raise AbortedError RUN_STOPPED when a stop is asked for."""
    if should_stop():
        raise AbortedError(
            "the run was stopped; what is committed stays and the same command goes on from there",
            reason="RUN_STOPPED",
        )


@contextmanager
def stoppable(context: DataContext, should_stop: ShouldStop) -> Generator[None]:
    """Executions with this context end with AbortedError RUN_STOPPED once `should_stop` is true."""
    context.custom_execution_callback_classes.append(StopOnRequest)
    _stops[_key(context)] = should_stop
    try:
        yield
    finally:
        del _stops[_key(context)]


def _key(context: DataContext) -> str:
    return context.checkpoint_config.checkpoint_path if context.checkpoint_config else ""
