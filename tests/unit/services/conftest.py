from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from pipelines.explain import Explainer
from pipelines.item_evidence import ItemEvidence, Reject
from pipelines.preview import preview_batch
from pipelines.previewed_batch import PreviewedBatch
from pipelines.scan import scan
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.store.catalog import Catalog
from poolscore.store.files import open_store
from poolscore.store.records import RunKind
from services.api.backend import Backend
from services.api.ingress import Api


@pytest.fixture
def woken() -> list[RunKind]:
    return []


@pytest.fixture
def store_uri(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def resolve(spec: EncoderSpec) -> tuple[EncoderSpec, str]:
    """Load the encoder in this process; the service asks its embedder."""
    encoder = load_encoder(spec)
    return spec.model_copy(update={"precision": encoder.precision}), encoder.digest


class HereAndNow:
    """Answers in this process; the service asks its embedder."""

    def __init__(self, catalog: Catalog, store_uri: str) -> None:
        self._catalog, self._store = catalog, open_store(store_uri)
        self._explainer = Explainer(catalog, self._store, partial(scan, self._store))

    async def item_evidence(
        self,
        pool_id: str,
        snapshot: int,
        prompt_version: int,
        item_id: str,
        predicted: int | None,
    ) -> ItemEvidence | Reject:
        return self._explainer.evidence(pool_id, snapshot, prompt_version, item_id, predicted)

    async def preview(
        self, pool_id: str, size: int, strategy: str, classes: Sequence[str]
    ) -> PreviewedBatch:
        return preview_batch(self._catalog, self._store, pool_id, size, strategy, classes)


@pytest.fixture
def backend(tmp_path: Path, store_uri: str, woken: list[RunKind]) -> Backend:
    url = f"sqlite:///{tmp_path}/catalog.db"
    questions = HereAndNow(Catalog.open(url), store_uri)
    return Backend.open(url, store_uri, woken.append, resolve, questions)


@pytest.fixture
def api(backend: Backend) -> Api:
    return Api(backend)
