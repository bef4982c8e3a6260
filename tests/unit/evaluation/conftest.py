import pytest

from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.evaluation.world import World
from tests.unit.evaluation.small_set import small_set


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return load_encoder(EncoderSpec())


@pytest.fixture(scope="session")
def world(encoder: Encoder) -> World:
    return World(small_set(encoder), encoder)
