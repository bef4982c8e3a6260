"""The worker actors: named, restarted by Ray for ever, found by the API by their names."""

from typing import cast

import ray
from ray.actor import ActorHandle

from poolscore.config import Settings
from poolscore.cores import cores
from poolscore.encoder.spec import EncoderSpec
from poolscore.store.owners import owner_name
from services.worker import Worker
from services.workers import EMBEDDER, KINDS, NAMESPACE, TRAINER

_TRAINER_ENVIRONMENT = {
    # Keeps large activations: returned to the system, they are faulted in again in every layer.
    "MALLOC_TRIM_THRESHOLD_": "-1",
    "MALLOC_MMAP_MAX_": "0",
    # Ray gives an actor with a fraction of a CPU one thread.
    "OMP_NUM_THREADS": str(cores()),
}

# Fractions, so that a laptop's two CPUs are enough for everything that stays up.
_NUM_CPUS = 0.1


class _WorkerActor(Worker):
    """A worker as a Ray actor; its class names the process."""

    def __init__(self, name: str, catalog_url: str, store_uri: str) -> None:
        """Work on the runs of the actor `name`."""
        super().__init__(owner_name(name), KINDS[name], catalog_url, store_uri)


class Embedder(_WorkerActor):
    """Does embedding, re-scoring and neighbour runs, and loads encoders for the API."""

    def resolve_encoder(self, spec: EncoderSpec) -> tuple[EncoderSpec, str]:
        """Load an encoder; its digest, and the spec with the precision that `auto` means here.

        Raises what `load_encoder` raises.
        """
        from services.jobs import encoder  # torch: not in the process that starts the actor

        loaded = encoder(spec)
        return spec.model_copy(update={"precision": loaded.precision}), loaded.digest


class Trainer(_WorkerActor):
    """Does training runs."""


def start_workers(settings: Settings) -> list[ActorHandle[Worker]]:
    """Start both workers, or find them running."""
    places = settings.catalog_url, settings.store_uri
    training = {"POOLSCORE_TRAINING": settings.training}
    return [
        # A plain environment: Ray Data's tasks would inherit another one, and each of them would
        # wait for a new process instead of using those that Ray has started ahead.
        _start(Embedder, EMBEDDER, {}, *places),
        _start(Trainer, TRAINER, _TRAINER_ENVIRONMENT | training, *places),
    ]


def _start(
    kind: type[_WorkerActor],
    name: str,
    environment: dict[str, str],
    catalog_url: str,
    store_uri: str,
) -> ActorHandle[Worker]:
    actor = ray.remote(kind).options(
        name=name,
        namespace=NAMESPACE,
        get_if_exists=True,
        lifetime="detached",
        max_restarts=-1,
        num_cpus=_NUM_CPUS,
        # A wake-up must not wait for an encoder.
        max_concurrency=4,
        runtime_env={"env_vars": environment} if environment else None,
    )
    return cast("ActorHandle[Worker]", actor.remote(name, catalog_url, store_uri))
