import hashlib
import json
from pathlib import Path

import pytest
import torch
from pyarrow import fs
from safetensors.torch import save

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.prompts.artefact import load_prompts, save_prompts
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.train import TrainingSet, train_dual_prompts
from poolscore.prompts.trained import TrainedPrompts, zero_shot_prompts
from tests.unit.prompts.toy_text import ToyText

LOCAL = fs.LocalFileSystem()
METADATA = {"classes": ["cat", "größe"], "template": "a photo of a {}.", "encoder": "ab12"}


@pytest.fixture
def trained(text: ToyText, images: TrainingSet) -> TrainedPrompts:
    config = DualPromptConfig(context_length=4, adapter_rank=2, min_steps=2, epochs=1)
    return train_dual_prompts(text, 15.0, images, config, seed=0)


def test_everything_comes_back(tmp_path: Path, trained: TrainedPrompts) -> None:
    digest, path = save_prompts(LOCAL, f"{tmp_path}/prompts", trained, METADATA)
    assert path == f"{tmp_path}/prompts/{digest}.safetensors"
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
    loaded, metadata = load_prompts(LOCAL, path)
    assert metadata == METADATA
    assert (loaded.config, loaded.seed, loaded.metrics) == (
        trained.config,
        trained.seed,
        trained.metrics,
    )
    assert loaded.features.scale == 15.0
    for found, expected in (
        (loaded.features.positive_CD, trained.features.positive_CD),
        (loaded.features.negative_CD, trained.features.negative_CD),
        (loaded.positive_context_MW, trained.positive_context_MW),
        (loaded.negative_context_MW, trained.negative_context_MW),
    ):
        assert found is not None
        assert expected is not None
        assert torch.equal(found, expected)
    assert loaded.features.adapter is not None
    assert trained.features.adapter is not None
    assert torch.equal(loaded.features.adapter.up_RD, trained.features.adapter.up_RD)


def test_zero_shot_prompts_come_back(tmp_path: Path) -> None:
    _, path = save_prompts(LOCAL, str(tmp_path), zero_shot_prompts(torch.eye(2), 100.0), {})
    loaded, _ = load_prompts(LOCAL, path)
    assert loaded.features.negative_CD is None
    assert loaded.features.adapter is None
    assert loaded.config is None


def test_same_content_same_name(tmp_path: Path, trained: TrainedPrompts) -> None:
    first = save_prompts(LOCAL, str(tmp_path), trained, METADATA)
    assert save_prompts(LOCAL, str(tmp_path), trained, dict(reversed(METADATA.items()))) == first
    assert save_prompts(LOCAL, str(tmp_path), trained, {}) != first
    assert len(list(tmp_path.iterdir())) == 2


def test_a_changed_byte_is_found(tmp_path: Path, trained: TrainedPrompts) -> None:
    _, path = save_prompts(LOCAL, str(tmp_path), trained, METADATA)
    data = bytearray(Path(path).read_bytes())
    data[-1] ^= 1
    Path(path).write_bytes(data)
    with pytest.raises(FailedPreconditionError, match="damaged") as error:
        load_prompts(LOCAL, path)
    assert error.value.reason == "PROMPTS_CORRUPT"


@pytest.mark.parametrize(
    "data",
    [
        b"no safetensors at all",
        save({"a": torch.zeros(1)}),
        save({"a": torch.zeros(1)}, {"poolscore": json.dumps({"format": "poolscore-prompts/9"})}),
    ],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / f"{hashlib.sha256(data).hexdigest()}.safetensors"
    path.write_bytes(data)
    with pytest.raises(FailedPreconditionError, match="poolscore-prompts/1") as error:
        load_prompts(LOCAL, str(path))
    assert error.value.reason == "PROMPTS_FORMAT"


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load_prompts(LOCAL, f"{tmp_path}/{'0' * 64}.safetensors")
