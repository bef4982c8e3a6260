import logging
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
import ray

from pipelines.cluster import quieten
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from tests.places_world import Kind
from tests.s3_server import s3_server


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The model that ships with the project."""
    return load_encoder(EncoderSpec())


@pytest.fixture(scope="session")
def s3() -> Generator[str]:
    """Address of a bucket of an S3 server; workers of Ray find it as this process does."""
    with s3_server() as bucket:
        yield bucket


@pytest.fixture(scope="session")
def cluster(s3: str) -> Generator[None]:
    """A local Ray of four logical CPUs."""
    # Ray's sockets must have short paths.
    folder = tempfile.mkdtemp(prefix="ps-", dir="/tmp")
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        object_store_memory=200_000_000,
        logging_level=logging.ERROR,
        log_to_driver=False,
        _temp_dir=folder,
    )
    quieten()
    yield
    ray.shutdown()
    shutil.rmtree(Path(folder), ignore_errors=True)


@pytest.fixture(params=["local", "s3"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    return Kind(tmp_path / "home", request.getfixturevalue("s3") if request.param == "s3" else "")
