"""A small demo that says aloud how far it is: `python -m tests.e2e.start_demo OUT`."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from poolscore.v1 import run_service_pb2 as run_pb
from services.demo.loop import run_demo
from services.demo.options import Options
from services.demo.screen import Screen

OPTIONS = Options(
    data=None,
    rounds=2,
    labels_per_round=16,
    strategy="coverage",
    pool_size=400,
    test_size=32,
    seed=0,
)


class Teller(Screen):
    """Prints a line for every state of the embedding run, for a test to act on."""

    @contextmanager
    def embedding(self) -> Generator[Callable[[run_pb.Run], None]]:
        """Print how many are done instead of a bar."""
        yield lambda run: print(f"embedded {run.progress.done} of {run.progress.total}", flush=True)


if __name__ == "__main__":
    run_demo(OPTIONS, Path(sys.argv[1]), Teller(Console(width=160)))
