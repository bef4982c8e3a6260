"""The worker actors: named, restarted by Ray for ever, found by the API by name."""

import logging
import os
from typing import cast

import ray
from ray.actor import ActorHandle

from poolscore.store.records import RunKind
from services.worker import Worker

NAMESPACE = "poolscore"
EMBEDDER = "poolscore-embedder"
TRAINER = "poolscore-trainer"

_KINDS: dict[str, tuple[RunKind, ...]] = {
    EMBEDDER: (RunKind.EMBED, RunKind.RESCORE),
    TRAINER: (RunKind.TRAIN,),
}

# Fractions, so that a laptop's two CPUs are enough for everything that stays up.
_NUM_CPUS = 0.1

_log = logging.getLogger(__name__)


class WorkerActor(Worker):
    """A worker as a Ray actor."""

    def __init__(self, name: str, catalog_url: str, store_uri: str) -> None:
        """Work on the runs of the actor `name`."""
        actor_id = ray.get_runtime_context().get_actor_id()
        super().__init__(f"{name}/{actor_id}", _KINDS[name], catalog_url, store_uri)


def start_workers(catalog_url: str, store_uri: str) -> list[ActorHandle[WorkerActor]]:
    """Start both workers, or find them running."""
    return [_start(name, catalog_url, store_uri) for name in _KINDS]


def wake_worker(kind: RunKind) -> None:
    """Tell the worker of this kind that a run waits."""
    name = next((name for name, kinds in _KINDS.items() if kind in kinds), None)
    if name is None:
        return
    try:
        ray.get_actor(name, namespace=NAMESPACE).wake.remote()
    except ValueError:
        # It is being restarted, and looks by itself when it is back.
        _log.info("%s is not there to be woken", name)


def _start(name: str, catalog_url: str, store_uri: str) -> ActorHandle[WorkerActor]:
    actor = ray.remote(WorkerActor).options(
        name=name,
        namespace=NAMESPACE,
        get_if_exists=True,
        lifetime="detached",
        max_restarts=-1,
        num_cpus=_NUM_CPUS,
        runtime_env={"env_vars": _environment()},
    )
    return cast("ActorHandle[WorkerActor]", actor.remote(name, catalog_url, store_uri))


def _environment() -> dict[str, str]:
    return {
        # Keeps large activations: returned to the system, they are faulted in again in every layer.
        "MALLOC_TRIM_THRESHOLD_": "-1",
        "MALLOC_MMAP_MAX_": "0",
        # Ray gives an actor with a fraction of a CPU one thread.
        "OMP_NUM_THREADS": str(os.cpu_count() or 1),
    }
