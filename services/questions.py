"""What the API asks a worker about images: a worker has torch and the embeddings, a replica not."""

from collections.abc import Sequence
from typing import Any, Protocol

import ray

from pipelines.item_evidence import ItemEvidence, Reject
from pipelines.previewed_batch import PreviewedBatch
from services.asking import answer, unavailable
from services.workers import EMBEDDER, NAMESPACE

EXPLAIN_TIMEOUT_S = 45.0
"""The first question about a pool may wait for its embeddings."""
PREVIEW_TIMEOUT_S = 120.0


class Questions(Protocol):
    """Raises what the pipelines raise, and UnavailableError where there is no answer in time."""

    async def item_evidence(
        self,
        pool_id: str,
        snapshot: int,
        prompt_version: int,
        item_id: str,
        predicted: int | None,
    ) -> ItemEvidence | Reject:
        """As `pipelines.explain.Explainer.evidence`."""
        ...

    async def preview(
        self, pool_id: str, size: int, strategy: str, classes: Sequence[str]
    ) -> PreviewedBatch:
        """As `pipelines.preview.preview_batch`."""
        ...


class AskEmbedder:
    """Asks the embedder, whatever run it does meanwhile."""

    async def item_evidence(
        self,
        pool_id: str,
        snapshot: int,
        prompt_version: int,
        item_id: str,
        predicted: int | None,
    ) -> ItemEvidence | Reject:
        """Raises UnavailableError WORKER_UNAVAILABLE beside the pipeline's errors."""
        question = self._actor().item_evidence.remote(
            pool_id, snapshot, prompt_version, item_id, predicted
        )
        return await answer(question, _WHO, EXPLAIN_TIMEOUT_S)

    async def preview(
        self, pool_id: str, size: int, strategy: str, classes: Sequence[str]
    ) -> PreviewedBatch:
        """Raises UnavailableError WORKER_UNAVAILABLE or PREVIEW_BUSY beside the pipeline's."""
        question = self._actor().preview.remote(pool_id, size, strategy, classes)
        return await answer(question, _WHO, PREVIEW_TIMEOUT_S)

    def _actor(self) -> Any:
        try:
            return ray.get_actor(EMBEDDER, namespace=NAMESPACE)
        except ValueError as error:
            raise unavailable(_WHO) from error


_WHO = f"{EMBEDDER}, which looks images up and previews batches"
