from pathlib import Path

import torch

from poolscore.encoder.load import load_encoder
from poolscore.encoder.random_weights import write_random_weights
from poolscore.encoder.spec import EncoderSpec


def test_a_seed_is_a_file_that_loads_like_any_other(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    one = write_random_weights("poolscore-lite", tmp_path / "one.safetensors", seed=1)
    same = write_random_weights("poolscore-lite", tmp_path / "same.safetensors", seed=1)
    other = write_random_weights("poolscore-lite", tmp_path / "other.safetensors", seed=2)
    assert torch.equal(state, torch.get_rng_state())
    digests = [
        load_encoder(EncoderSpec(pretrained=str(path)), device="cpu").digest
        for path in (one, same, other)
    ]
    assert digests[0] == digests[1] != digests[2]
