"""The worker actors: named, restarted by Ray for ever, found by the API by their names."""

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

import ray
from ray.actor import ActorHandle

from pipelines.item_evidence import ItemEvidence, Reject
from pipelines.previewed_batch import PreviewedBatch
from poolscore.config import LogSettings, Settings
from poolscore.cores import cores
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import UnavailableError
from poolscore.logs import configure_logs
from poolscore.store.files import open_store
from poolscore.store.owners import owner_name
from services.worker import Worker
from services.workers import EMBEDDER, KINDS, NAMESPACE, TRAINER

if TYPE_CHECKING:
    from pipelines.explain import Explainer

PREVIEW_WAIT_S = 10.0
"""How long a preview waits for the one before it, which takes all cores."""

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

    def __init__(
        self, name: str, catalog_url: str, store_uri: str, source_roots: str, logs: LogSettings
    ) -> None:
        """Work on the runs of the actor `name`."""
        configure_logs(logs)
        super().__init__(owner_name(name), KINDS[name], catalog_url, store_uri, source_roots)


class Embedder(_WorkerActor):
    """Does embedding, re-scoring and neighbour runs; loads encoders, explains items and previews
    batches for the API."""

    def __init__(
        self, name: str, catalog_url: str, store_uri: str, source_roots: str, logs: LogSettings
    ) -> None:
        """Work on the runs of the actor `name`."""
        super().__init__(name, catalog_url, store_uri, source_roots, logs)
        self._previewing = threading.Lock()

    def resolve_encoder(self, spec: EncoderSpec) -> tuple[EncoderSpec, str]:
        """Load an encoder; its digest, and the spec with the precision that `auto` means here.

        Raises what `load_encoder` raises.
        """
        from services.jobs import encoder  # torch: not in the process that starts the actor

        loaded = encoder(spec)
        return spec.model_copy(update={"precision": loaded.precision}), loaded.digest

    def item_evidence(
        self,
        pool_id: str,
        snapshot: int,
        prompt_version: int,
        item_id: str,
        predicted: int | None,
    ) -> ItemEvidence | Reject:
        """See `pipelines.explain.Explainer.evidence`."""
        return self._explainer.evidence(pool_id, snapshot, prompt_version, item_id, predicted)

    def preview(
        self, pool_id: str, size: int, strategy: str, classes: Sequence[str]
    ) -> PreviewedBatch:
        """See `pipelines.preview.preview_batch`; raises UnavailableError PREVIEW_BUSY."""
        from pipelines.preview import preview_batch
        from services.scorers import opener

        if not self._previewing.acquire(timeout=PREVIEW_WAIT_S):
            raise UnavailableError(
                "another preview is being made; try again when it has ended", reason="PREVIEW_BUSY"
            )
        try:
            store = open_store(self._store_uri)
            places = opener(self._store_uri)
            return preview_batch(self._catalog, store, pool_id, size, strategy, classes, places)
        finally:
            self._previewing.release()

    @cached_property
    def _explainer(self) -> "Explainer":
        from pipelines.explain import Explainer
        from services.scorers import opener

        return Explainer(self._catalog, open_store(self._store_uri), opener(self._store_uri))


class Trainer(_WorkerActor):
    """Does training runs."""


def start_workers(settings: Settings) -> list[ActorHandle[Worker]]:
    """Start both workers, or find them running."""
    places = settings.catalog_url, settings.store_uri, settings.source_roots, settings.logs
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
    source_roots: str,
    logs: LogSettings,
) -> ActorHandle[Worker]:
    actor = ray.remote(kind).options(
        name=name,
        namespace=NAMESPACE,
        get_if_exists=True,
        lifetime="detached",
        max_restarts=-1,
        num_cpus=_NUM_CPUS,
        # A wake-up must not wait for an encoder or a preview.
        max_concurrency=8,
        runtime_env={"env_vars": environment} if environment else None,
    )
    return cast(
        "ActorHandle[Worker]", actor.remote(name, catalog_url, store_uri, source_roots, logs)
    )
