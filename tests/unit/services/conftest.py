from pathlib import Path

import pytest

from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
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


@pytest.fixture
def backend(tmp_path: Path, store_uri: str, woken: list[RunKind]) -> Backend:
    return Backend.open(f"sqlite:///{tmp_path}/catalog.db", store_uri, woken.append, resolve)


@pytest.fixture
def api(backend: Backend) -> Api:
    return Api(backend)
