"""Many simulations, several at a time; what is finished is handed over at once."""

import multiprocessing
import os
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import PoolscoreError
from poolscore.evaluation import worker
from poolscore.evaluation.arms import Arm
from poolscore.evaluation.labeled_set import LabeledSet
from poolscore.evaluation.records import Cell, CellKey, Protocol, Table


@dataclass(frozen=True)
class Task:
    """One cell to come."""

    arm: Arm
    key: CellKey


@dataclass(frozen=True)
class Plan:
    """Every arm on every set by every protocol, as often as there are seeds."""

    sets: Sequence[LabeledSet]
    arms: Sequence[Arm]
    protocols: Sequence[Protocol]
    seeds: int
    noises: Sequence[float]
    """Of the candidates table, which has the protocol `per-class` alone."""

    def tasks(self) -> list[Task]:
        """All cells, seed by seed: an unfinished study compares like with like."""
        return [
            Task(
                arm,
                CellKey(
                    data=data.name,
                    protocol=protocol,
                    table=arm.table,
                    arm=arm.name,
                    seed=seed,
                    noise=noise,
                ),
            )
            for seed in range(self.seeds)
            for data in self.sets
            for arm in self.arms
            for protocol, noise in self._conditions(arm)
        ]

    def _conditions(self, arm: Arm) -> list[tuple[Protocol, float]]:
        if arm.table is Table.CANDIDATES:
            return [(Protocol.PER_CLASS, noise) for noise in self.noises]
        return [(protocol, 0.0) for protocol in self.protocols]


def run_tasks(
    tasks: Sequence[Task], sets: Sequence[LabeledSet], spec: EncoderSpec, processes: int
) -> Generator[Cell]:
    """Yield cells as they are finished, by processes of one thread each.

    Closing the generator ends the processes. Raises PoolscoreError STUDY_WORKER_DIED.
    """
    others = set(multiprocessing.active_children())
    # Two libraries with a thread a core each are slower than one thread. Read as they are loaded.
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    # The server imports the encoder, which takes seconds, once; workers are forked from it.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([worker.__name__])
    pool = ProcessPoolExecutor(processes, context, worker.start, (sets, spec))
    try:
        futures = [pool.submit(worker.run, task.arm, task.key) for task in tasks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise PoolscoreError(
            "A process of the study was killed, perhaps for memory. What was finished is kept: run "
            "the same command to go on, with fewer --processes if it happens again.",
            reason="STUDY_WORKER_DIED",
        ) from error
    finally:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        if threads is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = threads
