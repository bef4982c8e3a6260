"""The worker actors: named, restarted by Ray for ever, found by the API by name."""

import os
from typing import cast

import ray
from ray.actor import ActorHandle

from services.wake import KINDS, NAMESPACE, TRAINER
from services.worker import Worker

_TRAINER_ENVIRONMENT = {
    # Keeps large activations: returned to the system, they are faulted in again in every layer.
    "MALLOC_TRIM_THRESHOLD_": "-1",
    "MALLOC_MMAP_MAX_": "0",
    # Ray gives an actor with a fraction of a CPU one thread.
    "OMP_NUM_THREADS": str(os.cpu_count() or 1),
}

# Fractions, so that a laptop's two CPUs are enough for everything that stays up.
_NUM_CPUS = 0.1


class WorkerActor(Worker):
    """A worker as a Ray actor."""

    def __init__(self, name: str, catalog_url: str, store_uri: str) -> None:
        """Work on the runs of the actor `name`."""
        actor_id = ray.get_runtime_context().get_actor_id()
        super().__init__(f"{name}/{actor_id}", KINDS[name], catalog_url, store_uri)


def start_workers(catalog_url: str, store_uri: str) -> list[ActorHandle[WorkerActor]]:
    """Start both workers, or find them running."""
    return [_start(name, catalog_url, store_uri) for name in KINDS]


def _start(name: str, catalog_url: str, store_uri: str) -> ActorHandle[WorkerActor]:
    # Not for the embedder: Ray Data's tasks would inherit it, and every one of them would wait for
    # a new process instead of using those that Ray has started ahead.
    environment = _TRAINER_ENVIRONMENT if name == TRAINER else {}
    actor = ray.remote(WorkerActor).options(
        name=name,
        namespace=NAMESPACE,
        get_if_exists=True,
        lifetime="detached",
        max_restarts=-1,
        num_cpus=_NUM_CPUS,
        runtime_env={"env_vars": environment} if environment else None,
    )
    return cast("ActorHandle[WorkerActor]", actor.remote(name, catalog_url, store_uri))
